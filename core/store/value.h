/* value - what a column holds: nothing, an integer, text or bytes.
 *
 * Passed by value; its bytes are borrowed like any slice.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum value_type { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB };

struct value {
    enum value_type type;
    int64_t integer;
    struct slice bytes; /* VALUE_TEXT (UTF-8), VALUE_BLOB */
};

static inline struct value value_null(void)
{
    return (struct value){.type = VALUE_NULL};
}
static inline struct value value_int(int64_t n)
{
    return (struct value){.type = VALUE_INT, .integer = n};
}
static inline struct value value_text(struct slice s)
{
    return (struct value){.type = VALUE_TEXT, .bytes = s};
}
static inline struct value value_blob(struct slice s)
{
    return (struct value){.type = VALUE_BLOB, .bytes = s};
}
bool value_equal(const struct value *a, const struct value *b);
struct value value_copy(struct arena *arena, const struct value *v);
