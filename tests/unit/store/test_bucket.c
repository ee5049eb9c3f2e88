/* test_bucket - days, weeks, months, quarters and years, also where clocks are changed at midnight.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "base/clock.h"
#include "store/sqlite/bucket.h"

#define HOUR_MS 3600000LL

static void test_bucket__days_are_cut_by_the_calendar(void **state)
{
    static const struct {
        enum query_bucket kind;
        const char *day, *low, *high;
    } rows[] = {
        {BUCKET_DAY, "2026-02-28", "2026-02-28", "2026-03-01"},
        {BUCKET_WEEK, "2026-03-01", "2026-02-23", "2026-03-02"},
        {BUCKET_MONTH, "2024-02-29", "2024-02-01", "2024-03-01"},
        {BUCKET_MONTH, "2026-12-31", "2026-12-01", "2027-01-01"},
        {BUCKET_QUARTER, "2026-08-15", "2026-07-01", "2026-10-01"},
        {BUCKET_QUARTER, "2024-01-01", "2024-01-01", "2024-04-01"},
        {BUCKET_YEAR, "2023-06-01", "2023-01-01", "2024-01-01"},
        {BUCKET_YEAR, "1969-12-31", "1969-01-01", "1970-01-01"},
    };
    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t day, low, high;
        char text[11];
        assert_true(date_parse(slice_str(rows[i].day), &day));
        bucket_span(NULL, rows[i].kind, day, &low, &high);
        date_text(low, text);
        assert_string_equal(text, rows[i].low);
        date_text(high, text);
        assert_string_equal(text, rows[i].high);
    }
}

/* Every instant of 60 years, in steps that meet each hour of the day, lies in its bucket; the one
 * behind it begins where this one ends. */
static void test_bucket__times_fall_into_one_bucket(void **state)
{
    static const char *const zones[] = {
        "UTC",         "Asia/Shanghai",  "America/New_York", "Africa/Cairo",
        "Asia/Beirut", "America/Havana", "Asia/Kathmandu",   "America/Sao_Paulo"};
    (void)state;
    for (int z = 0; z < COUNT(zones); z++) {
        const struct zone *zone = zone_find(zones[z]);
        assert_non_null(zone);
        assert_string_equal(zone_name(zone), zones[z]);
        for (enum query_bucket kind = BUCKET_DAY; kind <= BUCKET_YEAR; kind++) {
            for (int64_t ms = 0; ms < 60 * 366 * 24 * HOUR_MS; ms += 1009 * HOUR_MS / 13) {
                int64_t low, high, next, behind;
                bucket_span(zone, kind, ms, &low, &high);
                if (ms < low || ms >= high)
                    fail_msg("%s, kind %d: %lld", zones[z], (int)kind, (long long)ms);
                bucket_span(zone, kind, high, &next, &behind);
                assert_int_equal(next, high);
                bucket_span(zone, kind, high - 1, &next, &behind);
                assert_int_equal(next, low);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket__days_are_cut_by_the_calendar),
        cmocka_unit_test(test_bucket__times_fall_into_one_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
