/* test_worktime - business calendars, compared minute by minute with a slow obvious one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/worktime.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   3600000LL
#define OFFICE                                                                                     \
    "{\"zone\":\"Asia/Shanghai\",\"week\":{\"mon\":[\"09:00-12:00\",\"13:30-18:00\"],"             \
    "\"tue\":[\"09:00-12:00\",\"13:30-18:00\"],\"wed\":[\"09:00-12:00\",\"13:30-18:00\"],"         \
    "\"thu\":[\"09:00-12:00\",\"13:30-18:00\"],\"fri\":[\"09:00-12:00\",\"13:30-18:00\"]},"        \
    "\"days\":{\"2026-10-01\":[],\"2026-10-02\":[],\"2026-10-10\":[\"09:00-18:00\"]}}"

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static enum err parse(struct arena *arena, const char *text, const struct worktime **out,
                      struct worktime_fault *fault)
{
    const struct json *json;
    assert_int_equal(json_parse(arena, slice_str(text), &json, NULL), ERR_OK);
    return worktime_parse(arena, json, "UTC", out, fault);
}

static const struct worktime *calendar_of(struct arena *arena, const char *text)
{
    const struct worktime *calendar = NULL;
    struct worktime_fault fault = {"", "", ""};
    enum err e = parse(arena, text, &calendar, &fault);
    if (e)
        fail_msg("%s: %s", fault.where, fault.text);
    return calendar;
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(time_parse(slice_str(text), &ms));
    return ms;
}

static void assert_due(const struct worktime *calendar, const char *from, int64_t work_ms,
                       const char *due)
{
    int64_t ms = 0;
    char text[25];
    assert_int_equal(worktime_add(calendar, at(from), work_ms, &ms), ERR_OK);
    time_text(ms, text);
    if (ms != at(due))
        fail_msg("%s + %lld ms is %s, not %s", from, (long long)work_ms, text, due);
}

static void test_worktime__a_lunch_break_and_a_night_are_not_worked(void **state)
{
    const struct worktime *office = calendar_of(*state, OFFICE);
    /* 2026-09-28 is a Monday. */
    assert_due(office, "2026-09-28T11:00:00+08:00", HOUR_MS, "2026-09-28T12:00:00+08:00");
    assert_due(office, "2026-09-28T11:00:00+08:00", HOUR_MS + 1, "2026-09-28T13:30:00.001+08:00");
    assert_due(office, "2026-09-28T17:00:00+08:00", 2 * HOUR_MS, "2026-09-29T10:00:00+08:00");
    assert_due(office, "2026-09-28T20:00:00+08:00", 0, "2026-09-28T20:00:00+08:00");
    assert_due(office, "2026-09-28T20:00:00+08:00", 1, "2026-09-29T09:00:00.001+08:00");
}

static void test_worktime__holidays_and_one_off_days_stand_for_their_weekday(void **state)
{
    const struct worktime *office = calendar_of(*state, OFFICE);
    /* Wednesday evening; Thursday and Friday are holidays, then the weekend. */
    assert_due(office, "2026-09-30T17:00:00+08:00", 2 * HOUR_MS, "2026-10-05T10:00:00+08:00");
    /* Saturday the 10th is worked without a lunch break. */
    assert_true(worktime_is_open(office, at("2026-10-10T12:30:00+08:00")));
    assert_false(worktime_is_open(office, at("2026-10-17T12:30:00+08:00")));
    assert_int_equal(
        worktime_between(office, at("2026-10-10T00:00:00+08:00"), at("2026-10-11T00:00:00+08:00")),
        9 * HOUR_MS);
    assert_int_equal(
        worktime_between(office, at("2026-10-11T00:00:00+08:00"), at("2026-10-10T00:00:00+08:00")),
        -9 * HOUR_MS);
}

static void test_worktime__next_is_the_instant_itself_when_open(void **state)
{
    const struct worktime *office = calendar_of(*state, OFFICE);
    int64_t ms = 0;
    assert_int_equal(worktime_next(office, at("2026-09-28T10:00:00+08:00"), &ms), ERR_OK);
    assert_int_equal(ms, at("2026-09-28T10:00:00+08:00"));
    assert_int_equal(worktime_next(office, at("2026-09-28T12:00:00+08:00"), &ms), ERR_OK);
    assert_int_equal(ms, at("2026-09-28T13:30:00+08:00"));
}

static void test_worktime__a_copy_outlives_the_arena(void **state)
{
    struct arena *arena = arena_new();
    const struct worktime *office = calendar_of(arena, OFFICE);
    struct worktime *copy = malloc(worktime_bytes(office));
    (void)state;
    assert_non_null(copy);
    memcpy(copy, office, worktime_bytes(office));
    arena_free(arena);
    assert_due(copy, "2026-09-28T17:00:00+08:00", 2 * HOUR_MS, "2026-09-29T10:00:00+08:00");
    free(copy);
}

static void test_worktime__bad_calendars_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[1]", "calendar: an object is expected"},
        {"{}", "calendar: it has no working time"},
        {"{\"week\":{\"mon\":[]},\"days\":{\"2026-01-01\":[]}}",
         "calendar: it has no working time"},
        {"{\"weeks\":{}}", "weeks: its members are zone, week and days"},
        {"{\"zone\":\"Moon/Base\"}", "zone: there is no such time zone"},
        {"{\"week\":{\"monday\":[]}}",
         "week: its members are mon, tue, wed, thu, fri, sat and sun"},
        {"{\"week\":{\"mon\":\"09:00-12:00\"}}", "week.mon: a list of ranges is expected"},
        {"{\"week\":{\"mon\":[\"9-12\"]}}", "week.mon: a range is written 09:00-18:00"},
        {"{\"week\":{\"mon\":[\"09:60-12:00\"]}}", "week.mon: a range is written 09:00-18:00"},
        {"{\"week\":{\"mon\":[\"09:00-24:01\"]}}", "week.mon: a range is written 09:00-18:00"},
        {"{\"week\":{\"mon\":[9]}}", "week.mon: a range is written 09:00-18:00"},
        {"{\"week\":{\"mon\":[\"22:00-06:00\"]}}",
         "week.mon: a range ends after it begins; one that passes midnight is written as two"},
        {"{\"week\":{\"mon\":[\"09:00-12:00\",\"11:00-13:00\"]}}",
         "week.mon: ranges stand in order and do not overlap"},
        {"{\"days\":{\"2026-02-30\":[]}}", "days.2026-02-30: a day is written 2026-10-01"},
        {"{\"days\":[1]}", "days: an object of days is expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct worktime *calendar;
        struct worktime_fault fault = {"", "", ""};
        assert_int_equal(parse(*state, rows[i].text, &calendar, &fault), ERR_VALIDATION);
        assert_string_equal(arena_printf(*state, "%s: %s", fault.where, fault.text), rows[i].why);
        assert_int_equal(strncmp(fault.code, "worktime_", 9), 0);
    }
}

static void test_worktime__the_ranges_of_a_day_and_special_days_are_bounded(void **state)
{
    struct buf b = BUF_INIT;
    const struct worktime *calendar;
    for (int over = 0; over <= 1; over++) {
        buf_clear(&b);
        buf_printf(&b, "{\"week\":{\"mon\":[");
        for (int i = 0; i < WORKTIME_RANGES_MAX + over; i++)
            buf_printf(&b, "%s\"%02d:00-%02d:30\"", i ? "," : "", i, i);
        buf_printf(&b, "]}}");
        assert_int_equal(parse(*state, buf_cstr(&b), &calendar, NULL),
                         over ? ERR_VALIDATION : ERR_OK);
        buf_clear(&b);
        buf_printf(&b, "{\"week\":{\"mon\":[\"09:00-10:00\"]},\"days\":{");
        for (int i = 0; i < WORKTIME_SPECIALS_MAX + over; i++) {
            char day[11];
            date_text(20000 + i, day);
            buf_printf(&b, "%s\"%s\":[]", i ? "," : "", day);
        }
        buf_printf(&b, "}}");
        assert_int_equal(parse(*state, buf_cstr(&b), &calendar, NULL),
                         over ? ERR_VALIDATION : ERR_OK);
    }
    buf_release(&b);
}

static void test_worktime__a_deadline_is_looked_for_within_reach(void **state)
{
    const struct worktime *calendar =
        calendar_of(*state, "{\"days\":{\"2026-01-05\":[\"09:00-10:00\"]}}");
    int64_t ms = 0, day = 0;
    assert_true(date_parse(slice_str("2026-01-05"), &day));
    int64_t within = (day - WORKTIME_REACH_DAYS) * 24 * HOUR_MS;
    assert_int_equal(worktime_add(calendar, within, HOUR_MS, &ms), ERR_OK);
    assert_int_equal(ms, at("2026-01-05T10:00:00Z"));
    assert_int_equal(worktime_add(calendar, within, HOUR_MS + 1, &ms), ERR_TIMEOUT);
    assert_int_equal(worktime_add(calendar, within - 24 * HOUR_MS, HOUR_MS, &ms), ERR_TIMEOUT);
    assert_int_equal(worktime_next(calendar, at("2026-01-05T10:00:00Z"), &ms), ERR_TIMEOUT);
}

/* --- the slow one --- */

static uint64_t seed;

static int draw(int n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((seed >> 33) % (uint64_t)n);
}

struct slow {
    const struct zone *zone;
    bool week[7][1440];
    int64_t special_day;
    bool special[1440];
};

static bool slow_is_open(const struct slow *slow, int64_t ms)
{
    struct time_parts p;
    zone_parts(slow->zone, ms, &p);
    int minute = p.hour * 60 + p.minute;
    return zone_day(slow->zone, ms) == slow->special_day ? slow->special[minute]
                                                         : slow->week[p.weekday - 1][minute];
}

/* Up to three ranges of whole quarters. */
static void draw_day(struct buf *b, bool *minutes)
{
    int quarter = 0, n = draw(4);
    memset(minutes, 0, 1440);
    buf_printf(b, "[");
    for (int i = 0; i < n && quarter < 90; i++) {
        int from = quarter + draw(96 - quarter - 1), to = from + 1 + draw(96 - from);
        buf_printf(b, "%s\"%02d:%02d-%02d:%02d\"", i ? "," : "", from / 4, from % 4 * 15, to / 4,
                   to % 4 * 15);
        memset(minutes + (ptrdiff_t)from * 15, 1, (size_t)(to - from) * 15);
        quarter = to;
    }
    buf_printf(b, "]");
}

static void draw_calendar(struct buf *b, struct slow *slow, const char *zone, int64_t day)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char text[11];
    slow->zone = zone_find(zone);
    assert_non_null(slow->zone);
    slow->special_day = day + draw(3);
    date_text(slow->special_day, text);
    buf_clear(b);
    buf_printf(b, "{\"zone\":\"%s\",\"week\":{", zone);
    for (int i = 0; i < 7; i++) {
        buf_printf(b, "%s\"%s\":", i ? "," : "", days[i]);
        draw_day(b, slow->week[i]);
    }
    buf_printf(b, "},\"days\":{\"%s\":", text);
    draw_day(b, slow->special);
    buf_printf(b, "}}");
}

static void compare(const struct worktime *calendar, const struct slow *slow, int64_t from)
{
    int minutes = 1 + draw(4 * 1440);
    int64_t work = 0, due = 0, next = 0, to = from + minutes * MINUTE_MS, first = -1;
    for (int64_t t = from; t < to; t += MINUTE_MS) {
        bool open = slow_is_open(slow, t);
        assert_int_equal(worktime_is_open(calendar, t), open);
        work += open ? MINUTE_MS : 0;
        if (open && first < 0)
            first = t;
    }
    assert_int_equal(worktime_between(calendar, from, to), work);
    if (first < 0)
        return;
    assert_int_equal(worktime_next(calendar, from, &next), ERR_OK);
    assert_int_equal(next, first);
    assert_int_equal(worktime_add(calendar, from, work, &due), ERR_OK);
    assert_true(due <= to && slow_is_open(slow, due - MINUTE_MS));
    assert_int_equal(worktime_between(calendar, from, due), work);
}

/* Days on which clocks change among them, by an hour and by half an hour, at midnight too. */
static void test_worktime__every_minute_agrees_with_the_slow_one(void **state)
{
    static const struct {
        const char *zone, *day;
    } rows[] = {
        {"Asia/Shanghai", "2026-09-29"},       {"America/New_York", "2026-03-07"},
        {"America/New_York", "2026-10-31"},    {"Europe/London", "2026-03-28"},
        {"Australia/Lord_Howe", "2026-04-04"}, {"Australia/Lord_Howe", "2026-10-03"},
        {"America/Sao_Paulo", "2018-11-03"},   {"America/Sao_Paulo", "2018-02-16"},
    };
    struct buf b = BUF_INIT;
    static struct slow slow;
    seed = 20261122;
    for (int round = 0; round < 200; round++) {
        int row = draw((int)(sizeof rows / sizeof rows[0]));
        int64_t day = 0;
        const struct worktime *calendar;
        struct arena *arena = arena_new();
        (void)state;
        assert_true(date_parse(slice_str(rows[row].day), &day));
        draw_calendar(&b, &slow, rows[row].zone, day);
        if (parse(arena, buf_cstr(&b), &calendar, NULL) == ERR_OK)
            compare(calendar, &slow, (day - 1) * 24 * HOUR_MS + draw(1440) * MINUTE_MS);
        arena_free(arena);
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_worktime__a_lunch_break_and_a_night_are_not_worked,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_worktime__holidays_and_one_off_days_stand_for_their_weekday, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worktime__next_is_the_instant_itself_when_open, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_worktime__a_copy_outlives_the_arena, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worktime__bad_calendars_say_what_is_wrong, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_worktime__the_ranges_of_a_day_and_special_days_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worktime__a_deadline_is_looked_for_within_reach, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_worktime__every_minute_agrees_with_the_slow_one, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
