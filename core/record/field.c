/* field - see field.h: the table of types and the helpers over a whole record.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field.h"

#include "record/field_kit.h"

static const struct field_type *const types[] = {
#define X(name) &field_type_##name,
    FIELD_TYPES(X)
#undef X
};
#define TYPES_COUNT ((int)(sizeof(types) / sizeof *types))

const struct field_type *field_type_find(struct slice name)
{
    for (int i = 0; i < TYPES_COUNT; i++)
        if (slice_is(name, types[i]->name))
            return types[i];
    return NULL;
}

const struct field_type *const *field_types(int *count)
{
    *count = TYPES_COUNT;
    return types;
}

/* --- whole-field helpers --- */

bool field_is_empty(const struct field *field, const struct value *values)
{
    return field->type->columns == 0 || values[field->slot].type == VALUE_NULL;
}

bool field_equal(const struct field *field, const struct value *a, const struct value *b)
{
    for (int i = 0; i < field->type->columns; i++)
        if (!value_equal(&a[field->slot + i], &b[field->slot + i]))
            return false;
    return true;
}

void field_put(const struct field *field, const struct value *values, struct buf *out)
{
    ASSERT(field->type->put);
    if (field_is_empty(field, values))
        buf_put_str(out, "null");
    else
        field->type->put(field, values + field->slot, out);
}

void field_put_text(const struct field *field, const struct value *values, struct buf *out)
{
    if (field_is_empty(field, values))
        return;
    if (field->type->put_text)
        field->type->put_text(field, values + field->slot, out);
    else
        field->type->put(field, values + field->slot, out);
}

/* --- derived fields --- */

const struct field_type *field_result_type(const struct field *field)
{
    return field->type; /* variants carry parse and put of the result */
}
