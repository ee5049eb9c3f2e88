/* clock - see clock.h: clocks, dates and times; time zones stand in zone.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"

#include <time.h>

#define MS_PER_DAY 86400000LL

static int64_t fixed_ms = -1; /* tests and replays; -1 = the real clock */

static int64_t clock_read_us(clockid_t id)
{
    struct timespec t;

    if (clock_gettime(id, &t))
        BUG("a clock that cannot be read");
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    return fixed_ms >= 0 ? fixed_ms : clock_read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_cpu_us(void)
{
    return clock_read_us(CLOCK_THREAD_CPUTIME_ID);
}

void clock_fix(int64_t now_ms)
{
    fixed_ms = now_ms;
}

/* Counts in eras of 400 years that begin in March, so that the leap day is the last of a year. */
int64_t date_to_days(struct date d)
{
    int64_t year = d.month <= 2 ? (int64_t)d.year - 1 : d.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (d.month + 9) % 12; /* March = 0 */
    int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

struct date date_from_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* March = 0 */
    int64_t year = year_of_era + era * 400 + (month >= 10);

    return (struct date){
        .year = (int)year,
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

bool date_is_valid(struct date d)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;

    if (d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1)
        return false;
    return d.day <= lengths[d.month - 1] + (leap && d.month == 2);
}

/* Exactly n digits at the front, removed from s. */
static bool digits_take(struct slice *s, size_t n, int *out)
{
    int value = 0;

    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->at[i] < '0' || s->at[i] > '9')
            return false;
        value = value * 10 + (s->at[i] - '0');
    }
    *s = slice_of(s->at + n, s->len - n);
    *out = value;
    return true;
}

static bool char_take(struct slice *s, const char *any_of)
{
    if (s->len == 0 || s->at[0] == '\0' || !strchr(any_of, s->at[0]))
        return false;
    *s = slice_of(s->at + 1, s->len - 1);
    return true;
}

static bool date_take(struct slice *s, int64_t *days)
{
    struct date d;

    if (!digits_take(s, 4, &d.year) || !char_take(s, "-") || !digits_take(s, 2, &d.month) ||
        !char_take(s, "-") || !digits_take(s, 2, &d.day) || !date_is_valid(d))
        return false;
    *days = date_to_days(d);
    return true;
}

bool date_parse(struct slice s, int64_t *days)
{
    int64_t found;

    if (!date_take(&s, &found) || s.len)
        return false;
    *days = found;
    return true;
}

static void digits_put(char *out, int digits, int value)
{
    for (int i = digits; i > 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

void date_text(int64_t days, char out[11])
{
    int64_t least = TIME_MIN_MS / MS_PER_DAY, most = TIME_MAX_MS / MS_PER_DAY;
    struct date d = date_from_days(days < least ? least : days > most ? most : days);

    memcpy(out, "0000-00-00", 11);
    digits_put(out, 4, d.year);
    digits_put(out + 5, 2, d.month);
    digits_put(out + 8, 2, d.day);
}

/* ".123" with any number of digits; what is finer than a millisecond is cut. */
static bool fraction_take(struct slice *s, int *ms)
{
    int digits = 0, digit;

    *ms = 0;
    if (!char_take(s, "."))
        return true;
    for (; digits_take(s, 1, &digit); digits++)
        *ms = digits < 3 ? *ms * 10 + digit : *ms;
    for (int i = digits; i < 3; i++)
        *ms *= 10;
    return digits > 0;
}

static bool offset_take(struct slice *s, int *minutes)
{
    int hour, minute, sign = s->len && s->at[0] == '-' ? -1 : 1;

    *minutes = 0;
    if (char_take(s, "Zz"))
        return true;
    if (!char_take(s, "+-") || !digits_take(s, 2, &hour) || !char_take(s, ":") ||
        !digits_take(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool time_parse(struct slice s, int64_t *utc_ms)
{
    int64_t days;
    int hour, minute, second, ms, offset;

    if (!date_take(&s, &days) || !char_take(&s, "Tt ") || !digits_take(&s, 2, &hour) ||
        !char_take(&s, ":") || !digits_take(&s, 2, &minute) || !char_take(&s, ":") ||
        !digits_take(&s, 2, &second) || !fraction_take(&s, &ms) || !offset_take(&s, &offset))
        return false;
    if (s.len || hour > 23 || minute > 59 || second > 60) /* 60: a leap second, RFC 3339 5.7 */
        return false;
    int64_t seconds = hour * 3600 + (minute - offset) * 60 + second;
    *utc_ms = days * MS_PER_DAY + seconds * 1000 + ms;
    return true;
}

void time_text(int64_t utc_ms, char out[25])
{
    if (utc_ms < TIME_MIN_MS)
        utc_ms = TIME_MIN_MS;
    if (utc_ms > TIME_MAX_MS)
        utc_ms = TIME_MAX_MS;
    int64_t days = utc_ms / MS_PER_DAY - (utc_ms % MS_PER_DAY < 0);
    int ms = (int)(utc_ms - days * MS_PER_DAY);

    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    date_text(days, out);
    out[10] = 'T';
    digits_put(out + 11, 2, ms / 3600000);
    digits_put(out + 14, 2, ms / 60000 % 60);
    digits_put(out + 17, 2, ms / 1000 % 60);
    digits_put(out + 20, 3, ms % 1000);
}
