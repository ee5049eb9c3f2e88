/* bucket - see bucket.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/bucket.h"

#include <string.h>

#include "base/clock.h"

static int64_t edge_at(const char *edges, int at)
{
    int64_t edge;
    memcpy(&edge, edges + (size_t)at * sizeof edge, sizeof edge);
    return edge;
}

bool bucket_find(const char *edges, int count, int64_t value, int64_t *low, int64_t *high)
{
    int from = 0, to = count;
    while (from < to) { /* edges before `from` are ≤ value, from `to` on they are greater */
        int middle = from + (to - from) / 2;
        if (edge_at(edges, middle) <= value)
            from = middle + 1;
        else
            to = middle;
    }
    *high = from < count ? edge_at(edges, from) : INT64_MAX;
    if (from > 0)
        *low = edge_at(edges, from - 1);
    return from > 0;
}

int64_t bucket_first_day(int64_t days, enum query_bucket kind)
{
    if (kind == BUCKET_DAY || kind == BUCKET_NONE)
        return days;
    if (kind == BUCKET_WEEK) /* day 0 was a Thursday; 0 = Monday */
        return days - ((days + 3) % 7 + 7) % 7;
    struct date date = date_from_days(days);
    date.day = 1;
    if (kind == BUCKET_QUARTER)
        date.month = (date.month - 1) / 3 * 3 + 1;
    if (kind == BUCKET_YEAR)
        date.month = 1;
    return date_to_days(date);
}
