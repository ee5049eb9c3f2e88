/* range - see range.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/range.h"

#include "base/err.h"

/* Digits alone, as the grammar has them: no sign, no space. Positions beyond any file are one. */
static bool position(struct slice text, int64_t *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        int64_t digit = text.at[i] - '0';
        n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : n * 10 + digit;
    }
    *out = n;
    return text.len > 0;
}

static enum range last_bytes(int64_t wanted, int64_t size, int64_t *from, int64_t *bytes)
{
    if (wanted == 0 || size == 0)
        return RANGE_NONE;
    *bytes = wanted < size ? wanted : size;
    *from = size - *bytes;
    return RANGE_PART;
}

enum range range_find(struct slice header, int64_t size, int64_t *from, int64_t *bytes)
{
    ASSERT(size >= 0);
    ASSERT(from && bytes);
    struct slice rest = header, unit = slice_trim(slice_split(&rest, '='));
    struct slice one = slice_trim(rest);
    int64_t first, last = INT64_MAX;
    if (!slice_eq_nocase(unit, SLICE("bytes")) || slice_find(one, SLICE(",")) >= 0)
        return RANGE_WHOLE;
    ptrdiff_t dash = slice_find(one, SLICE("-"));
    if (dash < 0)
        return RANGE_WHOLE;
    struct slice left = slice_of(one.at, (size_t)dash);
    struct slice right = slice_of(one.at + dash + 1, one.len - (size_t)dash - 1);
    if (left.len == 0)
        return position(right, &last) ? last_bytes(last, size, from, bytes) : RANGE_WHOLE;
    if (!position(left, &first) || (right.len && !position(right, &last)) || last < first)
        return RANGE_WHOLE;
    if (first >= size)
        return RANGE_NONE;
    *from = first;
    *bytes = (last < size - 1 ? last : size - 1) - first + 1;
    return RANGE_PART;
}
