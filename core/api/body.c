/* body - members of a JSON body, with complaints about those that do not fit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/body.h"

#include "base/id.h"
#include "base/text.h"

bool body_has(const struct call *call, const char *name)
{
    return json_get(call->body, name) != NULL;
}

const struct json *body_member(const struct call *call, const char *name)
{
    const struct json *member = json_get(call->body, name);
    return member && member->type != JSON_NULL ? member : NULL;
}

void body_bad(struct call *call, const char *name, const char *code, const char *fmt, ...)
{
    ASSERT(name && code);

    const char *args = NULL;
    if (fmt) {
        va_list list;
        va_start(list, fmt);
        const char *members = arena_vprintf(call->ctx->arena, fmt, list);
        va_end(list);
        args = arena_printf(call->ctx->arena, "{%s}", members);
    }
    (void)!err_field(&call->ctx->err, name, code, args);
}

void body_say(struct call *call, const char *name, const char *code, const char *sentence)
{
    ASSERT(sentence);

    struct err_info *err = &call->ctx->err;
    struct err_field *before = err->last;
    body_bad(call, name, code, NULL);
    if (err->last != before) /* beyond ERR_FIELDS_MAX it is only counted */
        err->last->message = arena_strdup(call->ctx->arena, sentence);
}

enum err body_done(const struct call *call)
{
    return call->ctx->err.count ? ERR_VALIDATION : ERR_OK;
}

const char *body_text(struct call *call, const char *name, size_t max)
{
    const struct json *member = body_member(call, name);
    if (!member)
        return NULL;
    if (member->type != JSON_STRING) {
        body_bad(call, name, "not_a_text", NULL);
        return NULL;
    }
    struct slice text = slice_trim(member->text);
    if (text_chars(text) > max) {
        body_bad(call, name, "too_long", "\"max\":%zu", max);
        return NULL;
    }
    return text.len ? arena_str(call->ctx->arena, text) : NULL;
}

bool body_flag(struct call *call, const char *name, bool fallback)
{
    const struct json *member = body_member(call, name);
    if (!member)
        return fallback;
    if (member->type == JSON_BOOL)
        return member->boolean;
    body_bad(call, name, "not_a_bool", NULL);
    return fallback;
}

int64_t body_int(struct call *call, const char *name, int64_t min, int64_t max, int64_t fallback)
{
    const struct json *member = body_member(call, name);
    if (!member)
        return fallback;
    if (member->type != JSON_INT)
        body_bad(call, name, "not_a_number", NULL);
    else if (member->integer < min)
        body_bad(call, name, "too_small", "\"min\":%lld", (long long)min);
    else if (member->integer > max)
        body_bad(call, name, "too_large", "\"max\":%lld", (long long)max);
    else
        return member->integer;
    return fallback;
}

int64_t body_id(struct call *call, const char *name)
{
    const struct json *member = body_member(call, name);
    int64_t id = 0;
    if (member && (member->type != JSON_STRING || !id_parse(member->text, &id) || id == 0))
        body_bad(call, name, "bad_id", NULL);
    return id;
}

static bool has_text(const char **texts, int count, struct slice text)
{
    for (int i = 0; i < count; i++)
        if (slice_is(text, texts[i]))
            return true;
    return false;
}

const char **body_texts(struct call *call, const char *name, int max, int *count)
{
    const struct json *member = body_member(call, name);
    *count = 0;
    if (!member)
        return NULL;
    if (member->type != JSON_ARRAY) {
        body_bad(call, name, "not_a_list", NULL);
        return NULL;
    }
    if (member->count > max) {
        body_bad(call, name, "too_many", "\"max\":%d", max);
        return NULL;
    }
    const char **texts = arena_array(call->ctx->arena, const char *, (size_t)member->count + 1);
    json_each(item, member)
    {
        if (item->type != JSON_STRING)
            body_bad(call, name, "not_a_text", NULL);
        else if (!has_text(texts, *count, item->text))
            texts[(*count)++] = item->text.at;
    }
    return texts;
}

const char *body_json(struct arena *arena, const struct json *node)
{
    struct buf b = BUF_INIT;
    if (node)
        json_put(&b, node);
    else
        buf_put_str(&b, "null");
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}
