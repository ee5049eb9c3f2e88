/* search - what a record is found by, and what a person typed, as tokens and expressions.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/search.h"

#include "base/limits.h"
#include "record/record_in.h"
#include "record/rights.h"

#define PREFIX_BYTES 16 /* f, a sign, ten digits, a colon */

/* By hand: a search over all entities writes a hundred of them. */
const char *search_prefix(struct arena *arena, const struct field *field)
{
    /* System tables number their fields from 1 too; each table has its own index. */
    int n = field->n ? field->n : field->slot + 1;
    char *at = (char *)arena_alloc(arena, PREFIX_BYTES) + PREFIX_BYTES;
    *--at = '\0';
    *--at = ':';
    for (; n > 0; n /= 10)
        *--at = (char)('0' + n % 10);
    if (!field->n)
        *--at = '-';
    *--at = 'f';
    return at;
}

static bool is_searched(const struct field *field)
{
    return field->is_search && field->type->is_searchable && field->type->columns > 0;
}

static enum token_kind kind_of(const struct field *field)
{
    struct slice type = slice_str(field->type->name);
    if (slice_starts(type, SLICE("phone")))
        return TOKEN_PHONE;
    if (slice_starts(type, SLICE("email")))
        return TOKEN_EMAIL;
    return TOKEN_TEXT;
}

/* --- what a record is found by --- */

struct writer {
    struct buf *out;
    const char *prefix;
};

static void put_token(void *arg, struct slice token)
{
    struct writer *w = arg;
    if (w->out->len > 0)
        buf_put_char(w->out, ' ');
    buf_put_str(w->out, w->prefix);
    buf_put_slice(w->out, token);
}

static void put_list(struct arena *arena, const struct field *field, struct slice text,
                     struct writer *w)
{
    const struct json *list;
    if (json_parse(arena, text, &list, NULL))
        return; /* lists are written by their type: never seen */
    json_each(item, list)
    {
        if (item->type == JSON_STRING)
            token_make(kind_of(field), item->text, put_token, w);
    }
}

void search_tokens_of(struct arena *arena, const struct entity *entity, const struct value *values,
                      struct buf *out)
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!is_searched(field) || field_is_empty(field, values))
            continue;
        struct writer w = {out, search_prefix(arena, field)};
        if (field->type->kind == KIND_LIST) {
            put_list(arena, field, values[field->slot].bytes, &w);
            continue;
        }
        buf_clear(&text);
        field_put_text(field, values, &text);
        token_make(kind_of(field), buf_slice(&text), put_token, &w);
    }
    buf_release(&text);
}

bool search_moved(const struct entity *entity, const struct value *old, const struct value *now)
{
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (is_searched(field) && !field_equal(field, old, now))
            return true;
    }
    return false;
}

enum err search_reindex(struct ctx *ctx, const struct entity *entity, int64_t after, int limit,
                        int64_t *last, int *done)
{
    ASSERT(entity->has_search && store_in_tx(ctx->tenant->store));
    struct buf tokens = BUF_INIT;
    int64_t *ids;
    const struct expr *behind = expr_cmp(ctx->arena, EXPR_GT, "id", value_int(after));
    *done = 0;
    enum err e = record_ids(ctx, entity->table, behind, limit, &ids, done);
    for (int i = 0; i < *done && !e; i++) {
        struct value *values;
        e = record_read(ctx, entity, record_has_id(ctx->arena, ids[i]), &values);
        buf_clear(&tokens);
        if (!e)
            search_tokens_of(ctx->arena, entity, values, &tokens);
        if (!e)
            e = store_tokens_put(ctx->tenant->store, entity->table, ids[i], SLICE(""),
                                 buf_slice(&tokens));
    }
    buf_release(&tokens);
    if (!e)
        *last = *done == limit ? ids[limit - 1] : 0;
    return e;
}

/* --- what was typed --- */

static struct expr *match(struct ctx *ctx, const struct token_query *typed,
                          const char *const *prefixes, int count)
{
    struct expr *e = expr_new(ctx->arena, EXPR_MATCH);
    e->tokens = typed->all;
    e->tokens_count = typed->count;
    e->prefixes = prefixes;
    e->prefixes_count = count;
    return e;
}

/* Tokens of three and more characters may stand in the right order only by chance: the value itself
 * decides. */
static const struct expr *checked(struct ctx *ctx, const struct token_query *typed,
                                  const struct field *field, const struct expr *only_when)
{
    const struct expr *contains =
        expr_cmp(ctx->arena, EXPR_CONTAINS, field->column, value_text(typed->folded));
    return expr_and(ctx->arena, only_when, contains);
}

struct fields {
    const char **open; /* prefixes of the fields readable on every visible row */
    int open_count;
    struct guarded { /* readable only on some */
        const char *prefix;
        const struct expr *only_when;
    } * guarded;
    int guarded_count;
    const struct expr *recheck;
};

static enum err add_field(struct ctx *ctx, struct rights *rights, const struct token_query *typed,
                          const struct field *field, struct fields *fields)
{
    struct rights_field right;
    enum err e = rights_make_field(rights, field, &right);
    if (e || right.access == ROLE_NONE)
        return e;
    const char *prefix = search_prefix(ctx->arena, field);
    if (right.only_when)
        fields->guarded[fields->guarded_count++] = (struct guarded){prefix, right.only_when};
    else
        fields->open[fields->open_count++] = prefix;
    if (typed->recheck)
        fields->recheck =
            expr_or(ctx->arena, fields->recheck, checked(ctx, typed, field, right.only_when));
    return ERR_OK;
}

/* Of several words some may stand in the guarded field and some in open ones. */
static const struct expr *match_guarded(struct ctx *ctx, const struct token_query *typed,
                                        const struct fields *fields, const struct guarded *guarded)
{
    int count = typed->count > 1 ? fields->open_count : 0;
    const char **prefixes = arena_array(ctx->arena, const char *, (size_t)count + 1);
    for (int i = 0; i < count; i++)
        prefixes[i] = fields->open[i];
    prefixes[count] = guarded->prefix;
    return expr_and(ctx->arena, guarded->only_when, match(ctx, typed, prefixes, count + 1));
}

/* --- where to look --- */

static enum err any_of(struct ctx *ctx, const struct entity *entity,
                       const struct token_query *typed, const char *const *prefixes, int count,
                       bool *any)
{
    const struct expr *asked = match(ctx, typed, prefixes, count);
    return store_tokens_any(ctx->tenant->store, entity->table, asked, any);
}

/* One word is asked of each field; several may stand in different ones. */
enum err search_look(struct ctx *ctx, const struct entity *entity, const struct rights *rights,
                     const struct token_query *typed, struct search_found *out)
{
    size_t most = (size_t)entity->fields_count + 1;
    const char **prefixes = arena_array(ctx->arena, const char *, most);
    bool any = false;
    enum err e;
    *out = (struct search_found){.fields = arena_array(ctx->arena, const struct field *, most)};
    for (int i = 0; i < entity->fields_count && typed->count > 0 && entity->has_search; i++) {
        const struct field *field = entity->fields[i];
        if (!is_searched(field) || rights_access(rights, field) == ROLE_NONE)
            continue;
        prefixes[out->count] = search_prefix(ctx->arena, field);
        if (typed->count == 1) {
            e = any_of(ctx, entity, typed, &prefixes[out->count], 1, &any);
            if (e)
                return e;
            if (!any)
                continue;
        }
        out->fields[out->count++] = field;
    }
    if (typed->count <= 1 || out->count == 0)
        return ERR_OK;
    e = any_of(ctx, entity, typed, prefixes, out->count, &any);
    if (!any)
        out->count = 0;
    return e;
}

static bool is_found(const struct search_found *found, const struct field *field)
{
    for (int i = 0; found && i < found->count; i++) {
        if (found->fields[i] == field)
            return true;
    }
    return !found;
}

enum err search_expr(struct ctx *ctx, const struct entity *entity, struct slice typed_text,
                     const struct search_found *found_in, const struct expr **out)
{
    struct token_query typed;
    struct rights *rights;
    size_t most = (size_t)entity->fields_count + 1;
    struct fields fields = {.open = arena_array(ctx->arena, const char *, most),
                            .guarded = arena_array(ctx->arena, struct guarded, most)};
    if (found_in && found_in->is_whole)
        (void)token_query_whole(ctx->arena, typed_text, &typed);
    else
        token_query_make(ctx->arena, typed_text, &typed);
    enum err e = rights_make(ctx, entity, ROLE_READ, &rights);
    if (e)
        return e;
    for (int i = 0; i < entity->fields_count && typed.count > 0 && entity->has_search; i++) {
        if (!is_searched(entity->fields[i]) || !is_found(found_in, entity->fields[i]))
            continue;
        e = add_field(ctx, rights, &typed, entity->fields[i], &fields);
        if (e)
            return e;
    }
    const struct expr *found = NULL;
    if (fields.open_count > 0)
        found = match(ctx, &typed, fields.open, fields.open_count);
    for (int i = 0; i < fields.guarded_count; i++)
        found = expr_or(ctx->arena, found, match_guarded(ctx, &typed, &fields, &fields.guarded[i]));
    *out = found ? expr_and(ctx->arena, found, fields.recheck) : expr_new(ctx->arena, EXPR_FALSE);
    return ERR_OK;
}
