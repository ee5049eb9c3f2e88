/* list_query - a list query from a JSON body or from query parameters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "record/filter.h"
#include "record/list.h"

static enum err bad(struct ctx *ctx, const char *member, const char *code)
{
    return err_field(&ctx->err, member, code, NULL);
}

static enum err set_limit(struct ctx *ctx, struct list_query *query, int64_t n)
{
    if (n < 1 || n > LIST_MAX)
        return err_field(&ctx->err, "limit", "out_of_range",
                         arena_printf(ctx->arena, "{\"min\":1,\"max\":%d}", LIST_MAX));
    query->limit = (int)n;
    return ERR_OK;
}

/* "a,b" or ["a", "b"]. */
static enum err names(struct ctx *ctx, const struct json *in, struct slice *out)
{
    struct buf joined = BUF_INIT;
    if (in->type == JSON_STRING) {
        *out = in->text;
        return ERR_OK;
    }
    if (in->type != JSON_ARRAY)
        return bad(ctx, arena_str(ctx->arena, in->key), "not_a_list");
    json_each(item, in)
    {
        if (item->type != JSON_STRING) {
            buf_release(&joined);
            return bad(ctx, arena_str(ctx->arena, in->key), "not_a_list");
        }
        if (joined.len > 0)
            buf_put_char(&joined, ',');
        buf_put_slice(&joined, item->text);
    }
    *out = arena_slice(ctx->arena, buf_slice(&joined));
    buf_release(&joined);
    return ERR_OK;
}

static enum err text(struct ctx *ctx, const struct json *in, struct slice *out)
{
    if (in->type != JSON_STRING)
        return bad(ctx, arena_str(ctx->arena, in->key), "not_text");
    *out = in->text;
    return ERR_OK;
}

static enum err flag(struct ctx *ctx, const struct json *in, bool *out)
{
    if (in->type != JSON_BOOL)
        return bad(ctx, arena_str(ctx->arena, in->key), "not_true");
    *out = in->boolean;
    return ERR_OK;
}

static enum err member(struct ctx *ctx, struct list_query *query, const struct json *in)
{
    static const char *const lists[] = {"sort", "fields", "expand"};
    struct slice *const targets[] = {&query->sort, &query->fields, &query->expand};
    struct slice key = in->key;
    if (slice_is(key, "entity") && in->type == JSON_STRING)
        return slice_is(in->text, query->entity->name) ? ERR_OK : bad(ctx, "entity", "bad_value");
    if (in->type == JSON_NULL)
        return ERR_OK;
    for (int i = 0; i < 3; i++) {
        if (slice_is(key, lists[i]))
            return names(ctx, in, targets[i]);
    }
    if (slice_is(key, "limit"))
        return in->type == JSON_INT ? set_limit(ctx, query, in->integer)
                                    : bad(ctx, "limit", "not_a_number");
    if (slice_is(key, "cursor"))
        return text(ctx, in, &query->cursor);
    if (slice_is(key, "q"))
        return text(ctx, in, &query->q);
    if (slice_is(key, "count"))
        return flag(ctx, in, &query->count);
    if (slice_is(key, "deleted"))
        return flag(ctx, in, &query->with_deleted);
    if (slice_is(key, "filter"))
        query->filter = in;
    else if (slice_is(key, "group"))
        query->group = in;
    else if (slice_is(key, "measure"))
        query->measure = in;
    else if (slice_is(key, "having"))
        query->having = in;
    else
        return bad(ctx, arena_str(ctx->arena, key), "unknown_field");
    return ERR_OK;
}

enum err list_query_json(struct ctx *ctx, const struct entity *entity, const struct json *body,
                         struct list_query *out)
{
    struct list_query query = {.entity = entity};
    enum err e = ERR_OK;
    if (body && body->type != JSON_OBJECT)
        return err_say(&ctx->err, ERR_MALFORMED, NULL, NULL);
    json_each(in, body)
    {
        enum err one = member(ctx, &query, in);
        e = e ? e : one;
    }
    if (!e)
        *out = query;
    return e;
}

/* --- parameters --- */

static bool flag_text(struct slice value, bool *out)
{
    *out = slice_is(value, "true") || slice_is(value, "1");
    return *out || slice_is(value, "false") || slice_is(value, "0");
}

static enum err once(struct ctx *ctx, struct slice *target, struct slice name, struct slice value)
{
    if (target->len > 0)
        return bad(ctx, arena_str(ctx->arena, name), "given_twice");
    *target = value;
    return ERR_OK;
}

static enum err filter_param(struct ctx *ctx, struct list_query *query, struct slice value)
{
    const char *why = NULL;
    if (query->filter)
        return bad(ctx, "filter", "given_twice");
    enum err e = json_parse(ctx->arena, value, &query->filter, &why);
    return e ? err_say(&ctx->err, ERR_MALFORMED, NULL, "filter: %s", why ? why : "no JSON") : e;
}

enum err list_query_param(struct ctx *ctx, struct list_query *query, struct slice name,
                          struct slice value)
{
    const struct {
        const char *name;
        struct slice *target;
    } texts[] = {{"sort", &query->sort},
                 {"fields", &query->fields},
                 {"expand", &query->expand},
                 {"cursor", &query->cursor},
                 {"q", &query->q}};
    int64_t n;
    ASSERT(query->entity);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (slice_is(name, texts[i].name))
            return once(ctx, texts[i].target, name, value);
    }
    if (slice_is(name, "limit")) {
        if (query->limit)
            return bad(ctx, "limit", "given_twice");
        return slice_to_int(value, &n) ? set_limit(ctx, query, n)
                                       : bad(ctx, "limit", "not_a_number");
    }
    if (slice_is(name, "count"))
        return flag_text(value, &query->count) ? ERR_OK : bad(ctx, "count", "not_true");
    if (slice_is(name, "deleted"))
        return flag_text(value, &query->with_deleted) ? ERR_OK : bad(ctx, "deleted", "not_true");
    if (slice_is(name, "filter"))
        return filter_param(ctx, query, value);
    if (!query->short_filter)
        query->short_filter = json_new(ctx->arena, JSON_OBJECT);
    return filter_short(ctx, query->entity, name, value, query->short_filter);
}
