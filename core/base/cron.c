/* cron - see cron.h: lines of a crontab, and the days and minutes they fit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/cron.h"

#include "base/limits.h"

#define DAY_MS    86400000LL
#define MINUTE_MS 60000LL
/* Leap days are eight years apart around a century without one. */
#define DAYS_LOOKED_AT (9 * 366)
#define ALL_HOURS      0xffffffU

enum field { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct range {
    const char *name, *why;
    int min, max;
    const char *names; /* three letters each, from min on; NULL = numbers only */
} ranges[FIELDS] = {
    {"minute", "minute: numbers from 0 to 59", 0, 59, NULL},
    {"hour", "hour: numbers from 0 to 23", 0, 23, NULL},
    {"day", "day of the month: numbers from 1 to 31", 1, 31, NULL},
    {"month", "month: numbers from 1 to 12, or jan to dec", 1, 12,
     "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"weekday", "day of the week: numbers from 0 to 7, or sun to sat", 0, 7,
     "sunmontuewedthufrisat"},
};

/* --- parsing --- */

static bool take_number(struct slice *s, int *out)
{
    size_t n = 0;
    int value = 0;
    for (; n < s->len && n < 2 && s->at[n] >= '0' && s->at[n] <= '9'; n++)
        value = value * 10 + (s->at[n] - '0');
    *s = slice_of(s->at + n, s->len - n);
    *out = value;
    return n > 0;
}

static bool take_value(const struct range *range, struct slice *s, int *out)
{
    if (take_number(s, out))
        return *out >= range->min && *out <= range->max;
    if (!range->names || s->len < 3)
        return false;
    int count = (int)strlen(range->names) / 3;
    for (int i = 0; i < count; i++)
        if (slice_eq_nocase(slice_of(s->at, 3), slice_of(range->names + (size_t)i * 3, 3))) {
            *s = slice_of(s->at + 3, s->len - 3);
            *out = range->min + i;
            return true;
        }
    return false;
}

static bool take_char(struct slice *s, char c)
{
    if (!s->len || s->at[0] != c)
        return false;
    *s = slice_of(s->at + 1, s->len - 1);
    return true;
}

/* One item of a list: * or a, a-b, each but the plain number with /step. */
static bool parse_item(const struct range *range, struct slice s, uint64_t *bits)
{
    int from = range->min, to = range->max, step = 1;
    bool is_range = take_char(&s, '*');
    if (!is_range) {
        if (!take_value(range, &s, &from))
            return false;
        to = from;
        if (take_char(&s, '-')) {
            is_range = true;
            if (!take_value(range, &s, &to) || to < from)
                return false;
        }
    }
    if (take_char(&s, '/') && (!is_range || !take_number(&s, &step) || step == 0))
        return false;
    for (int i = from; i <= to; i += step)
        *bits |= 1ULL << i;
    return s.len == 0;
}

static bool parse_field(const struct range *range, struct slice s, uint64_t *bits)
{
    *bits = 0;
    if (!s.len || s.at[s.len - 1] == ',')
        return false;
    while (s.len)
        if (!parse_item(range, slice_split(&s, ','), bits))
            return false;
    return true;
}

static struct slice whole_line(struct slice text)
{
    static const char *const lines[][2] = {
        {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (slice_is(text, lines[i][0]))
            return slice_str(lines[i][1]);
    return text;
}

static enum err refuse(const char **why, const char *sentence)
{
    if (why)
        *why = sentence;
    return ERR_MALFORMED;
}

enum err cron_parse(struct slice text, struct cron *out, const char **why)
{
    ASSERT(out);

    uint64_t bits[FIELDS];
    bool is_star[FIELDS];
    struct slice rest = slice_trim(whole_line(slice_trim(text)));
    if (rest.len > CRON_BYTES_MAX)
        return refuse(why, "this line is too long");
    for (int i = 0; i < FIELDS; i++) {
        size_t n = 0;
        while (n < rest.len && rest.at[n] != ' ' && rest.at[n] != '\t')
            n++;
        struct slice field = slice_of(rest.at, n);
        if (!n)
            return refuse(why, "five fields are expected: minute hour day month weekday");
        if (!parse_field(&ranges[i], field, &bits[i]))
            return refuse(why, ranges[i].why);
        is_star[i] = field.at[0] == '*';
        rest = slice_trim(slice_of(rest.at + n, rest.len - n));
    }
    if (rest.len)
        return refuse(why, "five fields are expected: minute hour day month weekday");
    if (bits[WEEKDAY] & 1U << 7)
        bits[WEEKDAY] |= 1;
    *out = (struct cron){.minutes = bits[MINUTE],
                         .hours = (uint32_t)bits[HOUR],
                         .days = (uint32_t)bits[DAY],
                         .months = (uint32_t)bits[MONTH],
                         .weekdays = (uint32_t)bits[WEEKDAY] & 0x7f,
                         .any_day = is_star[DAY] || is_star[WEEKDAY]};
    return ERR_OK;
}

/* --- the next time --- */

static bool fits_day(const struct cron *cron, int64_t days)
{
    struct date date = date_from_days(days);
    int weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 = Sunday */
    bool by_day = cron->days >> date.day & 1, by_weekday = cron->weekdays >> weekday & 1;
    if (!(cron->months >> date.month & 1))
        return false;
    return cron->any_day ? by_day && by_weekday : by_day || by_weekday;
}

static bool fits_minute(const struct cron *cron, int minute_of_day)
{
    return (cron->hours >> (minute_of_day / 60) & 1) && (cron->minutes >> (minute_of_day % 60) & 1);
}

/* A day on which clocks do not change: the first of its times behind that instant. */
static int64_t next_plain(const struct cron *cron, int64_t start_ms, int64_t after_ms)
{
    for (int i = 0; i < 24 * 60; i++)
        if (fits_minute(cron, i) && start_ms + i * MINUTE_MS > after_ms)
            return start_ms + i * MINUTE_MS;
    return 0;
}

/* Every hour: each real minute that shows such a local time, also those that come twice. */
static int64_t next_real(const struct cron *cron, const struct zone *zone, int64_t start_ms,
                         int64_t end_ms, int64_t after_ms)
{
    for (int64_t at_ms = start_ms; at_ms < end_ms; at_ms += MINUTE_MS) {
        struct time_parts local;
        if (at_ms <= after_ms)
            continue;
        zone_parts(zone, at_ms, &local);
        if (local.second == 0 && fits_minute(cron, local.hour * 60 + local.minute))
            return at_ms;
    }
    return 0;
}

/* Certain hours: each local time once, those that are jumped over later. */
static int64_t next_local(const struct cron *cron, const struct zone *zone, int64_t days,
                          int64_t after_ms)
{
    struct date date = date_from_days(days);
    int64_t best_ms = 0;
    for (int i = 0; i < 24 * 60; i++) {
        if (!fits_minute(cron, i))
            continue;
        struct time_parts local = {.year = date.year,
                                   .month = date.month,
                                   .day = date.day,
                                   .hour = i / 60,
                                   .minute = i % 60};
        int64_t at_ms = zone_to_utc_ms(zone, &local);
        if (at_ms > after_ms && (!best_ms || at_ms < best_ms))
            best_ms = at_ms;
    }
    return best_ms;
}

static int64_t next_of_day(const struct cron *cron, const struct zone *zone, int64_t days,
                           int64_t after_ms)
{
    int64_t start_ms = zone_day_start_ms(zone, days);
    int64_t end_ms = zone_day_start_ms(zone, days + 1);
    if (end_ms <= after_ms && cron->hours == ALL_HOURS)
        return 0;
    if (end_ms - start_ms == DAY_MS &&
        zone_offset_s(zone, start_ms) == zone_offset_s(zone, end_ms - 1))
        return next_plain(cron, start_ms, after_ms);
    return cron->hours == ALL_HOURS ? next_real(cron, zone, start_ms, end_ms, after_ms)
                                    : next_local(cron, zone, days, after_ms);
}

int64_t cron_next_ms(const struct cron *cron, const struct zone *zone, int64_t after_ms)
{
    ASSERT(cron && zone);

    /* A time of yesterday that clocks jumped over may still be to come. */
    int64_t today = zone_day(zone, after_ms);
    for (int64_t days = today - 1; days < today + DAYS_LOOKED_AT; days++) {
        int64_t at_ms = fits_day(cron, days) ? next_of_day(cron, zone, days, after_ms) : 0;
        if (at_ms)
            return at_ms;
    }
    return 0;
}
