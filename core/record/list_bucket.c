/* list_bucket - days, weeks, months, quarters and years in the tenant's time zone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/list_bucket.h"

enum query_bucket list_bucket_parse(struct slice word)
{
    static const char *const words[] = {
        [BUCKET_DAY] = "day",         [BUCKET_WEEK] = "week", [BUCKET_MONTH] = "month",
        [BUCKET_QUARTER] = "quarter", [BUCKET_YEAR] = "year",
    };
    for (int i = BUCKET_DAY; i <= BUCKET_YEAR; i++) {
        if (slice_is(word, words[i]))
            return (enum query_bucket)i;
    }
    return BUCKET_NONE;
}

static int months_of(enum query_bucket bucket)
{
    return bucket == BUCKET_MONTH ? 1 : bucket == BUCKET_QUARTER ? 3 : 12;
}

static int64_t month_start(int64_t month)
{
    return date_to_days((struct date){(int)(month / 12), (int)(month % 12) + 1, 1});
}

static int64_t month_of(int64_t day)
{
    struct date d = date_from_days(day);
    return (int64_t)d.year * 12 + d.month - 1;
}

int64_t list_bucket_start(enum query_bucket bucket, int64_t day)
{
    if (bucket == BUCKET_DAY || bucket == BUCKET_NONE)
        return day;
    if (bucket == BUCKET_WEEK) {
        int64_t since_monday = (day + 3) % 7; /* 1970-01-01 was a Thursday */
        return day - (since_monday < 0 ? since_monday + 7 : since_monday);
    }
    int64_t month = month_of(day);
    return month_start(month - month % months_of(bucket));
}

int64_t list_bucket_next(enum query_bucket bucket, int64_t start)
{
    if (bucket == BUCKET_DAY || bucket == BUCKET_NONE)
        return start + 1;
    if (bucket == BUCKET_WEEK)
        return start + 7;
    return month_start(month_of(start) + months_of(bucket));
}
