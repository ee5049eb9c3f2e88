/* test_cron - lines that fit and that do not, and when they are due, also where clocks change.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/cron.h"
#include "base/limits.h"

static struct cron line(const char *text)
{
    struct cron cron;
    const char *why = "";
    if (cron_parse(slice_str(text), &cron, &why))
        fail_msg("\"%s\": %s", text, why);
    return cron;
}

/* The next three times, as UTC texts joined by spaces, must be these. */
static void check(const char *text, const char *zone_name, const char *after, const char *want)
{
    struct cron cron = line(text);
    const struct zone *zone = zone_find(zone_name);
    char got[128] = "";
    int64_t at_ms;
    assert_non_null(zone);
    assert_true(time_parse(slice_str(after), &at_ms));
    for (size_t have = 0; have < strlen(want);) {
        char one[25];
        int64_t next_ms = cron_next_ms(&cron, zone, at_ms);
        assert_true(next_ms > at_ms);
        at_ms = next_ms;
        time_text(at_ms, one);
        one[16] = 0; /* to the minute */
        strcat(got, have ? " " : "");
        strcat(got, one);
        have = strlen(got);
    }
    assert_string_equal(got, want);
}

static void test_cron__lists_ranges_steps_and_names(void **state)
{
    (void)state;
    struct cron cron = line("0,30,45-47 */6 1-31/10 JAN,mar-may sun,5-7");
    assert_true(cron.minutes == (1ULL | 1ULL << 30 | 7ULL << 45));
    assert_int_equal(cron.hours, 1 | 1 << 6 | 1 << 12 | 1 << 18);
    assert_int_equal(cron.days, 1 << 1 | 1 << 11 | 1 << 21 | 1U << 31);
    assert_int_equal(cron.months, 1 << 1 | 7 << 3);
    assert_int_equal(cron.weekdays, 1 | 1 << 5 | 1 << 6);
    assert_true(line("  5\t4 * *   *  ").any_day);
    assert_false(line("5 4 1 * 1").any_day);
    assert_int_equal(line("@daily").minutes, 1);
    assert_int_equal(line("@weekly").weekdays, 1);
}

static void test_cron__refuses_what_it_cannot_mean(void **state)
{
    static const char *const bad[] = {
        "",           "* * * *",    "* * * * * *",  "60 * * * *",  "* 24 * * *",  "* * 0 * *",
        "* * 32 * *", "* * * 13 *", "* * * * 8",    "5-1 * * * *", "*/0 * * * *", "5/2 * * * *",
        "1, * * * *", ",1 * * * *", "1,,2 * * * *", "a * * * *",   "* * * ja *",  "* * * * mond",
        "-1 * * * *", "1- * * * *", "*5 * * * *",   "@often",      "100 * * * *", "jan * * * *"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cron cron;
        const char *why = NULL;
        if (cron_parse(slice_str(bad[i]), &cron, &why) != ERR_MALFORMED)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(why);
    }
}

static void test_cron__length_at_the_limit(void **state)
{
    (void)state;
    char text[CRON_BYTES_MAX + 2];
    struct cron cron;
    memset(text, '1', sizeof text);
    for (size_t i = 1; i < CRON_BYTES_MAX - 8; i += 2)
        text[i] = ',';
    memcpy(text + CRON_BYTES_MAX - 9, "1 * * * *", 9);
    text[CRON_BYTES_MAX] = 0;
    assert_int_equal(cron_parse(slice_str(text), &cron, NULL), ERR_OK);
    text[CRON_BYTES_MAX] = '/';
    text[CRON_BYTES_MAX + 1] = 0;
    assert_int_equal(cron_parse(slice_of(text, CRON_BYTES_MAX + 1), &cron, NULL), ERR_MALFORMED);
}

static void test_cron__next_in_the_zone(void **state)
{
    (void)state;
    check("30 2 * * *", "Asia/Shanghai", "2026-03-01T00:00:00Z",
          "2026-03-01T18:30 2026-03-02T18:30 2026-03-03T18:30");
    check("*/20 9-10 * * mon-fri", "UTC", "2026-05-01T10:30:00Z",
          "2026-05-01T10:40 2026-05-04T09:00 2026-05-04T09:20");
    check("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00 2108-02-29T00:00");
    check("59 23 31 12 *", "UTC", "2026-12-31T23:59:00Z", "2027-12-31T23:59");
    check("0 12 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T06:15");
}

static void test_cron__one_of_two_restricted_days_is_enough(void **state)
{
    (void)state;
    /* 2026-06-13 is a Saturday, the 12th a Friday. */
    check("0 0 13 * 5", "UTC", "2026-06-11T00:00:00Z",
          "2026-06-12T00:00 2026-06-13T00:00 2026-06-19T00:00");
    check("0 0 */13 * 5", "UTC", "2026-06-11T00:00:00Z", "2026-08-14T00:00 2026-11-27T00:00");
}

static void test_cron__a_time_that_is_jumped_over_comes_later(void **state)
{
    (void)state;
    /* Berlin: 29 March 2026, 02:00 becomes 03:00. */
    check("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
          "2026-03-29T01:30 2026-03-30T00:30");
    check("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
          "2026-03-29T01:30 2026-03-30T00:30");
    check("0,45 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
          "2026-03-29T01:00 2026-03-29T01:45 2026-03-30T00:00");
    check("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z",
          "2026-03-29T01:00 2026-03-29T01:30 2026-03-29T02:00");
    /* Havana jumps at midnight: the day begins at 01:00. */
    check("0 0 * * *", "America/Havana", "2026-03-07T12:00:00Z",
          "2026-03-08T05:00 2026-03-09T04:00");
}

static void test_cron__a_time_that_comes_twice_is_due_once(void **state)
{
    (void)state;
    /* Berlin: 25 October 2026, 03:00 becomes 02:00. */
    check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
          "2026-10-25T00:30 2026-10-26T01:30");
    check("0,30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
          "2026-10-25T00:30 2026-10-26T01:00");
    check("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
          "2026-10-25T00:30 2026-10-25T01:00 2026-10-25T01:30");
}

static void test_cron__never_is_said(void **state)
{
    (void)state;
    struct cron cron = line("0 0 31 2 *");
    assert_int_equal(cron_next_ms(&cron, zone_find("UTC"), 0), 0);
}

/* Every time that is given fits, and no minute between two of them does. */
static void test_cron__leaves_nothing_out(void **state)
{
    (void)state;
    struct cron cron = line("*/7 1-5,22 * * 1,3");
    const struct zone *zone = zone_find("America/New_York");
    int64_t at_ms;
    assert_true(time_parse(SLICE("2026-01-01T00:00:00Z"), &at_ms));
    for (int64_t minute_ms = at_ms; minute_ms < at_ms + 40 * 86400000LL; minute_ms += 60000) {
        struct time_parts local;
        zone_parts(zone, minute_ms + 60000, &local);
        bool fits = (local.weekday == 1 || local.weekday == 3) && local.minute % 7 == 0 &&
                    ((local.hour >= 1 && local.hour <= 5) || local.hour == 22);
        assert_int_equal(cron_next_ms(&cron, zone, minute_ms) == minute_ms + 60000, fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron__lists_ranges_steps_and_names),
        cmocka_unit_test(test_cron__refuses_what_it_cannot_mean),
        cmocka_unit_test(test_cron__length_at_the_limit),
        cmocka_unit_test(test_cron__next_in_the_zone),
        cmocka_unit_test(test_cron__one_of_two_restricted_days_is_enough),
        cmocka_unit_test(test_cron__a_time_that_is_jumped_over_comes_later),
        cmocka_unit_test(test_cron__a_time_that_comes_twice_is_due_once),
        cmocka_unit_test(test_cron__never_is_said),
        cmocka_unit_test(test_cron__leaves_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
