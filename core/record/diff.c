/* diff - what one change did to a record, as kept in the change log.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/diff.h"

static bool is_logged_elsewhere(const struct field *field)
{
    return field->slot == SLOT_ID || field->slot == SLOT_VERSION ||
           field->slot == SLOT_CREATED_AT || field->slot == SLOT_UPDATED_AT ||
           field->slot == SLOT_CREATED_BY || field->slot == SLOT_UPDATED_BY;
}

static void put_side(const struct field *field, const struct value *values, struct buf *out)
{
    if (values)
        field_put(field, values, out);
    else
        buf_put_str(out, "null");
}

static bool is_same(const struct field *field, const struct value *old, const struct value *now)
{
    if (!old || !now)
        return field_is_empty(field, old ? old : now);
    return field_equal(field, old, now);
}

int diff_put(const struct entity *entity, const struct value *old, const struct value *now,
             struct buf *out)
{
    int count = 0;
    ASSERT(old || now);
    buf_put_char(out, '{');
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (field->type->columns == 0 || is_logged_elsewhere(field) || is_same(field, old, now))
            continue;
        if (count++ > 0)
            buf_put_char(out, ',');
        buf_printf(out, "\"%d\":[", field->n);
        put_side(field, old, out);
        buf_put_char(out, ',');
        put_side(field, now, out);
        buf_put_char(out, ']');
    }
    buf_put_char(out, '}');
    return count;
}

enum err diff_put_named(struct arena *arena, const struct entity *entity, struct slice diff,
                        diff_may_read_cb may_read, void *arg, struct buf *out)
{
    const struct json *doc = NULL;
    if (diff.len > 0 && json_parse(arena, diff, &doc, NULL))
        return ERR_CORRUPT;
    buf_put_char(out, '[');
    json_each(change, doc)
    {
        int64_t n;
        const struct field *field = NULL;
        if (slice_to_int(change->key, &n) && n >= INT32_MIN && n <= INT32_MAX)
            field = entity_field_by_n(entity, (int)n);
        if (!field || change->type != JSON_ARRAY || change->count != 2 || !may_read(arg, field))
            continue;
        json_put_comma(out);
        buf_put_str(out, "{\"field\":");
        json_put_cstr(out, field->name);
        buf_put_str(out, ",\"old\":");
        json_put(out, json_at(change, 0));
        buf_put_str(out, ",\"new\":");
        json_put(out, json_at(change, 1));
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
    return ERR_OK;
}
