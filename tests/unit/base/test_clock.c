/* test_clock - dates, times and time zones with gaps and overlaps.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t at(const char *text)
{
    int64_t ms = 0;

    if (!time_parse(slice_str(text), &ms))
        fail_msg("%s is no time", text);
    return ms;
}

static void shows(const char *zone, const char *utc, const char *local)
{
    struct time_parts p;
    char text[96];

    zone_parts(zone_find(zone), at(utc), &p);
    snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d %d", p.year, p.month, p.day, p.hour,
             p.minute, p.second, p.weekday);
    assert_string_equal(text, local);
}

static void becomes(const char *zone, struct time_parts local, const char *utc)
{
    char text[25];

    time_text(zone_to_utc_ms(zone_find(zone), &local), text);
    assert_string_equal(text, utc);
}

static void test_clock__the_clock_can_be_fixed(void **state)
{
    (void)state;
    clock_fix(1234);
    assert_int_equal(clock_now_ms(), 1234);
    clock_fix(-1);
    assert_true(clock_now_ms() > 1700000000000);
    int64_t before = clock_mono_us();
    assert_true(clock_mono_us() >= before);
    assert_true(clock_cpu_us() >= 0);
}

static void test_clock__dates_and_days_are_each_others_inverse(void **state)
{
    (void)state;
    assert_int_equal(date_to_days((struct date){1970, 1, 1}), 0);
    assert_int_equal(date_to_days((struct date){2000, 3, 1}), 11017);
    assert_int_equal(date_to_days((struct date){1, 1, 1}), -719162);
    for (int64_t days = -719162; days < 2932896; days += 13) {
        struct date d = date_from_days(days);
        assert_true(date_is_valid(d));
        assert_int_equal(date_to_days(d), days);
    }
}

static void test_clock__dates_are_parsed_strictly(void **state)
{
    static const char *const bad[] = {"2026-02-29", "2026-13-01", "2026-00-01",  "2026-1-01",
                                      "0000-01-01", "2026-01-00", "2026-01-01x", "",
                                      "20260101",   "1900-02-29", "2026-04-31",  "+026-01-01"};
    int64_t days = 77;
    char text[11];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(date_parse(slice_str(bad[i]), &days));
        assert_int_equal(days, 77);
    }
    assert_true(date_parse(SLICE("2024-02-29"), &days));
    date_text(days, text);
    assert_string_equal(text, "2024-02-29");
    assert_true(date_parse(SLICE("9999-12-31"), &days));
    date_text(days + 1, text);
    assert_string_equal(text, "9999-12-31");
    date_text(INT64_MIN / 100000000, text);
    assert_string_equal(text, "0001-01-01");
}

static void test_clock__times_are_rfc_3339(void **state)
{
    static const char *const bad[] = {
        "2026-01-02T03:04:05",       "2026-01-02T24:00:00Z",  "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:61Z",      "2026-01-02 03:04Z",     "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+0800"};
    int64_t ms;
    char text[25];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(time_parse(slice_str(bad[i]), &ms));
    assert_int_equal(at("1970-01-01T08:00:00+08:00"), 0);
    assert_int_equal(at("1969-12-31t23:59:59.999z"), -1);
    assert_int_equal(at("1970-01-01T00:00:00.1239Z"), 123);
    assert_int_equal(at("1970-01-01T00:00:00.5-01:30"), 5400500);
    assert_int_equal(at("1990-12-31T23:59:60Z"), at("1991-01-01T00:00:00Z"));
    time_text(at("2026-01-02T03:04:05.678Z"), text);
    assert_string_equal(text, "2026-01-02T03:04:05.678Z");
    time_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    time_text(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
}

static void test_clock__zone_names_are_checked(void **state)
{
    static const char *const bad[] = {"",        "..",          "../etc/passwd", "/etc/passwd",
                                      "Asia/",   "Asia//x",     "Asia",          "Nowhere/City",
                                      "a\nb",    "Asia/../UTC", "right/UTC",     "tzdata.zi",
                                      "zone.tab"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (zone_find(bad[i]))
            fail_msg("%s is a zone", bad[i]);
    }
    assert_null(zone_find(NULL));
    assert_non_null(zone_find("UTC"));
    assert_ptr_equal(zone_find("Asia/Shanghai"), zone_find("Asia/Shanghai"));
}

static void test_clock__shanghai_and_utc_are_steady(void **state)
{
    (void)state;
    shows("UTC", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05 5");
    shows("UTC", "1969-12-31T23:59:59Z", "1969-12-31 23:59:59 3");
    shows("Asia/Shanghai", "2026-01-01T16:00:00Z", "2026-01-02 00:00:00 5");
    shows("Asia/Shanghai", "2199-07-01T00:00:00Z", "2199-07-01 08:00:00 1");
    shows("Asia/Shanghai", "1988-07-01T00:00:00Z", "1988-07-01 09:00:00 5"); /* DST of 1986-1991 */
    becomes("Asia/Shanghai", (struct time_parts){2026, 1, 2, 0, 0, 0, 7, 0},
            "2026-01-01T16:00:00.007Z");
}

static void test_clock__new_york_changes_by_table_and_by_rule(void **state)
{
    (void)state;
    shows("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59:59 7");
    shows("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00:00 7");
    shows("America/New_York", "2026-11-01T05:59:59Z", "2026-11-01 01:59:59 7");
    shows("America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 01:00:00 7");
    /* Beyond 2037 only the rule in the footer knows. */
    shows("America/New_York", "2100-03-14T06:59:59Z", "2100-03-14 01:59:59 7");
    shows("America/New_York", "2100-03-14T07:00:00Z", "2100-03-14 03:00:00 7");
    shows("America/New_York", "2100-11-07T06:00:00Z", "2100-11-07 01:00:00 7");
    shows("America/New_York", "1883-11-18T00:00:00Z", "1883-11-17 19:03:58 6");
    shows("Australia/Sydney", "2101-01-01T00:00:00Z", "2101-01-01 11:00:00 6");
    shows("Australia/Sydney", "2101-07-01T00:00:00Z", "2101-07-01 10:00:00 5");
}

static void test_clock__gaps_move_forward_and_overlaps_take_the_earlier(void **state)
{
    (void)state;
    becomes("America/New_York", (struct time_parts){2026, 3, 8, 2, 30, 0, 0, 0},
            "2026-03-08T07:30:00.000Z"); /* shown as 03:30 */
    becomes("America/New_York", (struct time_parts){2026, 11, 1, 1, 30, 0, 0, 0},
            "2026-11-01T05:30:00.000Z"); /* the first 01:30, still summer time */
    becomes("America/New_York", (struct time_parts){2026, 11, 1, 2, 0, 0, 0, 0},
            "2026-11-01T07:00:00.000Z");
}

static void test_clock__a_day_starts_at_its_first_instant(void **state)
{
    static const struct {
        const char *zone, *day, *utc;
    } rows[] = {
        {"UTC", "2026-05-01", "2026-05-01T00:00:00.000Z"},
        {"Asia/Shanghai", "2026-05-01", "2026-04-30T16:00:00.000Z"},
        {"America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z"},
        {"America/New_York", "2026-03-09", "2026-03-09T04:00:00.000Z"},
        {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z"}, /* 00:00 is skipped */
        {"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000Z"}, /* 23:00 comes twice */
        {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z"},
        {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"}, /* a day that never was */
    };
    char text[25];
    int64_t days = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct zone *zone = zone_find(rows[i].zone);
        assert_true(date_parse(slice_str(rows[i].day), &days));
        time_text(zone_day_start_ms(zone, days), text);
        assert_string_equal(text, rows[i].utc);
        assert_true(zone_day(zone, at(rows[i].utc)) >= days);
        assert_true(zone_day(zone, at(rows[i].utc) - 1) < days);
    }
}

/* One block of a zone file: how many transitions, types and characters, at an hour's distance. */
static void put_block(struct buf *out, int times, int types, int chars, int width)
{
    const int counts[] = {0, 0, 0, times, types, chars};
    buf_put_str(out, "TZif2");
    for (int i = 0; i < 15; i++)
        buf_put_char(out, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            buf_put_char(out, (char)(counts[i] >> shift));
    for (int i = 0; i < times; i++)
        for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
            buf_put_char(out, (char)((i * INT64_C(3600)) >> shift));
    for (int i = 0; i < times + types * 6 + chars; i++)
        buf_put_char(out, 0);
}

static bool opens(const struct buf *file)
{
    char path[] = "/tmp/perigee-zone-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->at, file->len), file->len);
    close(fd);
    struct zone *zone = zone_open(path);
    bool is_zone = zone != NULL;
    if (zone)
        assert_int_equal(zone_offset_s(zone, 0), 0);
    zone_free(zone);
    unlink(path);
    return is_zone;
}

static bool opens_with(int times, int more)
{
    struct buf file = BUF_INIT;
    put_block(&file, ZONE_TRANSITIONS_MAX, 256, 4095, 4);
    put_block(&file, times, 256, 1 + more, 8);
    buf_put_str(&file, "\nUTC0\n");
    bool is_zone = opens(&file);
    buf_release(&file);
    return is_zone;
}

static void test_clock__zone_files_are_bounded(void **state)
{
    (void)state;
    assert_true(opens_with(ZONE_TRANSITIONS_MAX, 0));
    assert_false(opens_with(ZONE_TRANSITIONS_MAX + 1, 0));
    struct buf file = BUF_INIT;
    put_block(&file, ZONE_TRANSITIONS_MAX, 256, 4095, 4);
    put_block(&file, ZONE_TRANSITIONS_MAX, 256, 1, 8);
    int more = ZONE_FILE_BYTES_MAX - (int)file.len - 6; /* six are the footer */
    buf_release(&file);
    assert_true(opens_with(ZONE_TRANSITIONS_MAX, more));
    assert_false(opens_with(ZONE_TRANSITIONS_MAX, more + 1));
    assert_null(zone_open("/nonexistent"));
    zone_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__the_clock_can_be_fixed),
        cmocka_unit_test(test_clock__dates_and_days_are_each_others_inverse),
        cmocka_unit_test(test_clock__dates_are_parsed_strictly),
        cmocka_unit_test(test_clock__times_are_rfc_3339),
        cmocka_unit_test(test_clock__zone_names_are_checked),
        cmocka_unit_test(test_clock__zone_files_are_bounded),
        cmocka_unit_test(test_clock__shanghai_and_utc_are_steady),
        cmocka_unit_test(test_clock__new_york_changes_by_table_and_by_rule),
        cmocka_unit_test(test_clock__gaps_move_forward_and_overlaps_take_the_earlier),
        cmocka_unit_test(test_clock__a_day_starts_at_its_first_instant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
