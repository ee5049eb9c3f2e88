/* bucket - see bucket.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/bucket.h"

#include "base/clock.h"

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

/* As many days as the longest bucket has lead from the first day of one into the next. */
static int64_t next_first_day(int64_t first, enum query_bucket kind)
{
    static const int64_t behind[] = {
        [BUCKET_NONE] = 1,   [BUCKET_DAY] = 1,      [BUCKET_WEEK] = 7,
        [BUCKET_MONTH] = 31, [BUCKET_QUARTER] = 92, [BUCKET_YEAR] = 366};
    return bucket_first_day(first + behind[kind], kind);
}

void bucket_span(const struct zone *zone, enum query_bucket kind, int64_t value, int64_t *low,
                 int64_t *high)
{
    int64_t first = bucket_first_day(zone ? zone_day(zone, value) : value, kind);
    *low = zone ? zone_day_start_ms(zone, first) : first;
    if (value < *low) { /* clocks were set back over midnight: the day before, once more */
        first = bucket_first_day(first - 1, kind);
        *low = zone_day_start_ms(zone, first);
    }
    int64_t next = next_first_day(first, kind);
    *high = zone ? zone_day_start_ms(zone, next) : next;
}
