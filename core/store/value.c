/* value - comparing and copying.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/value.h"

bool value_equal(const struct value *a, const struct value *b)
{
    ASSERT(a && b);
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_INT:
        return a->integer == b->integer;
    case VALUE_TEXT:
    case VALUE_BLOB:
        return slice_eq(a->bytes, b->bytes);
    }
    BUG("value of no type");
}

struct value value_copy(struct arena *arena, const struct value *v)
{
    ASSERT(arena && v);
    struct value copy = *v;
    if (v->type == VALUE_TEXT || v->type == VALUE_BLOB)
        copy.bytes = arena_slice(arena, v->bytes);
    return copy;
}
