/* worktime - see worktime.h.
 *
 * Everything walks the open stretches of one local day after the other. A day on which the clocks
 * change is two segments of one offset each, so wall times become instants by plain arithmetic.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/limits.h"
#include "base/worktime.h"

#define DAY_MINUTES 1440
#define MINUTE_MS   60000LL
#define DAY_MS      86400000LL
#define STRETCHES   (2 * WORKTIME_RANGES_MAX) /* of one day: two segments */

struct range {
    int16_t from, to; /* minutes of the local day */
};

struct special {
    int64_t day;
    int32_t first, count; /* ranges */
};

struct worktime {
    const struct zone *zone; /* lives as long as the process */
    size_t bytes;
    int32_t week[8]; /* first range of Monday … Sunday; week[7] is where the week's ranges end */
    int32_t specials_count;
    struct special specials[]; /* by day; behind them the ranges */
};

struct stretch {
    int64_t from, to;
};

static const char *const WEEKDAYS[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static const struct range *ranges_of(const struct worktime *calendar)
{
    return (const struct range *)(const void *)&calendar->specials[calendar->specials_count];
}

/* --- parsing --- */

struct parse {
    struct arena *arena;
    const char *where;
    struct worktime_fault *fault;
    struct range *ranges;
    int count, size;
};

static enum err refuse(struct parse *p, const char *code, const char *text)
{
    if (p->fault)
        *p->fault = (struct worktime_fault){p->where, code, text};
    return ERR_VALIDATION;
}

/* "09:30" as minutes; -1 if it is none. */
static int minutes_of(struct slice s)
{
    if (s.len != 5 || s.at[2] != ':')
        return -1;
    static const int places[] = {0, 1, 3, 4};
    int digit[4];
    for (int i = 0; i < 4; i++) {
        digit[i] = s.at[places[i]] - '0';
        if (digit[i] < 0 || digit[i] > 9)
            return -1;
    }
    int hour = digit[0] * 10 + digit[1], minute = digit[2] * 10 + digit[3];
    return minute < 60 && hour * 60 + minute <= DAY_MINUTES ? hour * 60 + minute : -1;
}

static enum err range_parse(struct parse *p, const struct json *item, int *last)
{
    struct slice s = item->type == JSON_STRING ? item->text : (struct slice){NULL, 0};
    int from = -1, to = -1;
    if (s.len == 11 && s.at[5] == '-') {
        from = minutes_of(slice_of(s.at, 5));
        to = minutes_of(slice_of(s.at + 6, 5));
    }
    if (from < 0 || to < 0)
        return refuse(p, "worktime_range", "a range is written 09:00-18:00");
    if (to <= from)
        return refuse(p, "worktime_range_ends",
                      "a range ends after it begins; one that passes midnight is written as two");
    if (from < *last)
        return refuse(p, "worktime_range_order", "ranges stand in order and do not overlap");
    *last = to;
    ASSERT(p->count < p->size);
    p->ranges[p->count++] = (struct range){(int16_t)from, (int16_t)to};
    return ERR_OK;
}

static enum err day_parse(struct parse *p, const struct json *list)
{
    int last = 0;
    if (list->type != JSON_ARRAY)
        return refuse(p, "worktime_range_list", "a list of ranges is expected");
    if (list->count > WORKTIME_RANGES_MAX)
        return refuse(p, "worktime_range_many", "these are too many ranges for one day");
    json_each(item, list)
    {
        enum err e = range_parse(p, item, &last);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* An empty table of a script is an empty list. */
static bool is_object(const struct json *json)
{
    return json->type == JSON_OBJECT || (json->type == JSON_ARRAY && json->count == 0);
}

static enum err week_parse(struct parse *p, struct worktime *calendar, const struct json *week)
{
    int known = 0;
    for (int i = 0; i < 7; i++) {
        const struct json *list = json_get(week, WEEKDAYS[i]);
        calendar->week[i] = p->count;
        if (!list)
            continue;
        known++;
        p->where = arena_printf(p->arena, "week.%s", WEEKDAYS[i]);
        enum err e = day_parse(p, list);
        if (e)
            return e;
    }
    calendar->week[7] = p->count;
    p->where = "week";
    if (week && (!is_object(week) || week->count != known))
        return refuse(p, "worktime_week", "its members are mon, tue, wed, thu, fri, sat and sun");
    return ERR_OK;
}

/* Keeps them by day: a year's holidays come sorted, so this rarely moves anything. */
static enum err special_add(struct parse *p, struct worktime *calendar, struct special special)
{
    int at = calendar->specials_count;
    while (at > 0 && calendar->specials[at - 1].day >= special.day) {
        if (calendar->specials[at - 1].day == special.day)
            return refuse(p, "worktime_day_twice", "this day is there twice");
        calendar->specials[at] = calendar->specials[at - 1];
        at--;
    }
    calendar->specials[at] = special;
    calendar->specials_count++;
    return ERR_OK;
}

static enum err days_parse(struct parse *p, struct worktime *calendar, const struct json *days)
{
    json_each(list, days)
    {
        struct special special = {.first = p->count};
        p->where = arena_printf(p->arena, "days.%.*s", (int)list->key.len, list->key.at);
        if (!date_parse(list->key, &special.day))
            return refuse(p, "worktime_day", "a day is written 2026-10-01");
        enum err e = day_parse(p, list);
        if (e)
            return e;
        special.count = p->count - special.first;
        e = special_add(p, calendar, special);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err parts_check(struct parse *p, const struct json *json)
{
    p->where = "calendar";
    if (!json || !is_object(json))
        return refuse(p, "worktime_object", "an object is expected");
    json_each(member, json)
    {
        if (!slice_eq(member->key, slice_str("zone")) &&
            !slice_eq(member->key, slice_str("week")) &&
            !slice_eq(member->key, slice_str("days"))) {
            p->where = arena_str(p->arena, member->key);
            return refuse(p, "worktime_members", "its members are zone, week and days");
        }
    }
    const struct json *days = json_get(json, "days");
    p->where = "days";
    if (days && !is_object(days))
        return refuse(p, "worktime_days", "an object of days is expected");
    if (days && days->count > WORKTIME_SPECIALS_MAX)
        return refuse(p, "worktime_day_many", "these are too many days");
    return ERR_OK;
}

enum err worktime_parse(struct arena *arena, const struct json *json, const char *zone,
                        const struct worktime **out, struct worktime_fault *fault)
{
    struct parse p = {.arena = arena, .fault = fault};
    enum err e = parts_check(&p, json);
    if (e)
        return e;
    const struct json *days = json_get(json, "days");
    int specials = days ? days->count : 0;
    p.size = (7 + specials) * WORKTIME_RANGES_MAX;
    p.ranges = arena_array(arena, struct range, (size_t)p.size);
    size_t head = sizeof(struct worktime) + (size_t)specials * sizeof(struct special);
    struct worktime *calendar = arena_alloc(arena, head + (size_t)p.size * sizeof(struct range));
    memset(calendar, 0, sizeof *calendar);
    p.where = "zone";
    calendar->zone = zone_find(json_cstr(json, "zone", zone));
    if (!calendar->zone)
        return refuse(&p, "worktime_zone", "there is no such time zone");
    e = week_parse(&p, calendar, json_get(json, "week"));
    if (!e)
        e = days_parse(&p, calendar, days);
    if (e)
        return e;
    p.where = "calendar";
    if (p.count == 0)
        return refuse(&p, "worktime_empty", "it has no working time");
    memcpy(&calendar->specials[calendar->specials_count], p.ranges,
           (size_t)p.count * sizeof(struct range));
    calendar->bytes = head + (size_t)p.count * sizeof(struct range);
    *out = calendar;
    return ERR_OK;
}

size_t worktime_bytes(const struct worktime *calendar)
{
    return calendar->bytes;
}

/* --- one day --- */

static int day_ranges(const struct worktime *calendar, int64_t day, const struct range **out)
{
    int low = 0, high = calendar->specials_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (calendar->specials[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < calendar->specials_count && calendar->specials[low].day == day) {
        *out = ranges_of(calendar) + calendar->specials[low].first;
        return calendar->specials[low].count;
    }
    int weekday = (int)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    *out = ranges_of(calendar) + calendar->week[weekday];
    return calendar->week[weekday + 1] - calendar->week[weekday];
}

/* The first instant in (from, to) with another offset than from's; the offset changes once. */
static int64_t change_between(const struct zone *zone, int64_t from, int64_t to)
{
    int before = zone_offset_s(zone, from);
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (zone_offset_s(zone, middle) == before)
            from = middle;
        else
            to = middle;
    }
    return to;
}

static int day_stretches(const struct worktime *calendar, int64_t day, struct stretch *out)
{
    const struct range *ranges;
    int ranges_count = day_ranges(calendar, day, &ranges), n = 0;
    if (ranges_count == 0)
        return 0;
    int64_t start = zone_day_start_ms(calendar->zone, day);
    int64_t end = zone_day_start_ms(calendar->zone, day + 1);
    while (start < end) {
        int offset = zone_offset_s(calendar->zone, start);
        int64_t until = zone_offset_s(calendar->zone, end - 1) == offset
                            ? end
                            : change_between(calendar->zone, start, end - 1);
        int64_t midnight = day * DAY_MS - offset * 1000LL;
        for (int i = 0; i < ranges_count; i++) {
            int64_t from = midnight + ranges[i].from * MINUTE_MS;
            int64_t to = midnight + ranges[i].to * MINUTE_MS;
            from = from > start ? from : start;
            to = to < until ? to : until;
            if (from < to && n < STRETCHES)
                out[n++] = (struct stretch){from, to};
        }
        start = until;
    }
    return n;
}

/* --- across days --- */

static void each_within(const struct worktime *calendar, int64_t from_ms, int64_t to_ms,
                        worktime_cb cb, void *arg)
{
    struct stretch stretches[STRETCHES];
    int64_t day = zone_day(calendar->zone, from_ms);
    for (int64_t last = day + WORKTIME_REACH_DAYS; day <= last; day++) {
        int n = day_stretches(calendar, day, stretches);
        for (int i = 0; i < n; i++) {
            int64_t from = stretches[i].from > from_ms ? stretches[i].from : from_ms;
            int64_t to = stretches[i].to < to_ms ? stretches[i].to : to_ms;
            if (stretches[i].from >= to_ms || (from < to && !cb(arg, from, to)))
                return;
        }
        if (zone_day_start_ms(calendar->zone, day + 1) >= to_ms)
            return;
    }
}

void worktime_each(const struct worktime *calendar, int64_t a_ms, int64_t b_ms, worktime_cb cb,
                   void *arg)
{
    if (a_ms < b_ms)
        each_within(calendar, a_ms, b_ms, cb, arg);
}

struct adding {
    int64_t left, at;
    bool found;
};

static bool add_take(void *arg, int64_t from_ms, int64_t to_ms)
{
    struct adding *adding = arg;
    if (adding->left <= to_ms - from_ms) {
        adding->at = from_ms + adding->left;
        adding->found = true;
        return false;
    }
    adding->left -= to_ms - from_ms;
    return true;
}

enum err worktime_add(const struct worktime *calendar, int64_t from_ms, int64_t work_ms,
                      int64_t *out)
{
    struct adding adding = {.left = work_ms, .at = from_ms, .found = work_ms == 0};
    ASSERT(work_ms >= 0);
    if (!adding.found)
        each_within(calendar, from_ms, INT64_MAX, add_take, &adding);
    if (!adding.found)
        return ERR_TIMEOUT;
    *out = adding.at;
    return ERR_OK;
}

static bool sum_take(void *arg, int64_t from_ms, int64_t to_ms)
{
    int64_t *sum = arg;
    *sum += to_ms - from_ms;
    return true;
}

int64_t worktime_between(const struct worktime *calendar, int64_t a_ms, int64_t b_ms)
{
    int64_t sum = 0;
    worktime_each(calendar, a_ms < b_ms ? a_ms : b_ms, a_ms < b_ms ? b_ms : a_ms, sum_take, &sum);
    return a_ms <= b_ms ? sum : -sum;
}

static bool first_take(void *arg, int64_t from_ms, int64_t to_ms)
{
    struct adding *first = arg;
    (void)to_ms;
    first->at = from_ms;
    first->found = true;
    return false;
}

bool worktime_is_open(const struct worktime *calendar, int64_t at_ms)
{
    struct adding first = {0};
    each_within(calendar, at_ms, at_ms + 1, first_take, &first);
    return first.found;
}

enum err worktime_next(const struct worktime *calendar, int64_t at_ms, int64_t *out)
{
    struct adding first = {0};
    each_within(calendar, at_ms, INT64_MAX, first_take, &first);
    if (!first.found)
        return ERR_TIMEOUT;
    *out = first.at;
    return ERR_OK;
}
