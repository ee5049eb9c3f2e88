/* diff - see diff.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/diff.h"

#include "record/filter.h"

enum err diff_may_read(const struct diff *diff, const struct field *field, bool *out)
{
    struct rights_field right;
    bool matches = true;
    enum err e = rights_make_field(diff->rights, field, &right);
    if (!e && right.only_when && diff->values)
        e = filter_matches_expr(diff->ctx, diff->entity, right.only_when, diff->values, &matches);
    if (!e)
        *out = right.access != ROLE_NONE && matches && (diff->values || !right.only_when);
    return e;
}

static enum err put_change(const struct diff *diff, const struct json *change, struct buf *out)
{
    int64_t n;
    bool may = false;
    const struct field *field = NULL;
    if (slice_to_int(change->key, &n) && n >= INT32_MIN && n <= INT32_MAX)
        field = entity_field_by_n(diff->entity, (int)n);
    if (!field || change->type != JSON_ARRAY || change->count != 2)
        return ERR_OK;
    enum err e = diff_may_read(diff, field, &may);
    if (e || !may)
        return e;
    json_put_comma(out);
    buf_put_str(out, "{\"field\":");
    json_put_cstr(out, field->name);
    buf_put_str(out, ",\"old\":");
    json_put(out, json_at(change, 0));
    buf_put_str(out, ",\"new\":");
    json_put(out, json_at(change, 1));
    buf_put_char(out, '}');
    return ERR_OK;
}

enum err diff_put(const struct diff *diff, struct slice text, struct buf *out)
{
    const struct json *doc = NULL;
    enum err e = ERR_OK;
    if (text.len > 0 && json_parse(diff->ctx->arena, text, &doc, NULL))
        return ERR_CORRUPT;
    buf_put_char(out, '[');
    json_each(change, doc)
    {
        e = put_change(diff, change, out);
        if (e)
            return e;
    }
    buf_put_char(out, ']');
    return ERR_OK;
}
