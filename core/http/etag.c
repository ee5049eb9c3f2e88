/* etag - see etag.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/etag.h"

bool etag_in(struct slice list, struct slice etag)
{
    if (slice_is(slice_trim(list), "*"))
        return true;
    while (list.len > 0) {
        struct slice one = slice_trim(slice_split(&list, ','));
        if (slice_starts(one, SLICE("W/")))
            one = slice_of(one.at + 2, one.len - 2);
        if (slice_eq(one, etag))
            return true;
    }
    return false;
}
