/* clock - the only source of time, and calendar arithmetic.
 *
 * Tests and replays put a fixed clock behind it. Times are UTC milliseconds since 1970, dates are
 * days since 1970-01-01 (proleptic Gregorian). Time zones are read from the system's zone files
 * (RFC 8536) and kept for the process's life.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

int64_t clock_now_ms(void);     /* wall clock, or the fixed one */
int64_t clock_mono_us(void);    /* monotonic; for durations */
int64_t clock_cpu_us(void);     /* CPU time of the calling thread */
void clock_fix(int64_t now_ms); /* freezes clock_now_ms; -1 thaws */

struct date {
    int year, month, day; /* month 1..12, day 1..31 */
};
struct time_parts {
    int year, month, day, hour, minute, second, ms, weekday; /* weekday 1 = Monday .. 7 */
};

int64_t date_to_days(struct date d);
struct date date_from_days(int64_t days);
bool date_is_valid(struct date d);
/* "YYYY-MM-DD" in years 0001-9999. */
bool date_parse(struct slice s, int64_t *days);
void date_text(int64_t days, char out[11]); /* outside 0001-9999: the nearest day inside */
#define TIME_MIN_MS (-62135596800000LL)     /* 0001-01-01T00:00:00Z */
#define TIME_MAX_MS 253402300799999LL       /* 9999-12-31T23:59:59.999Z */

/* RFC 3339 with offset or Z, optional fraction of a second (cut to ms); result in UTC ms. */
bool time_parse(struct slice s, int64_t *utc_ms);
/* "2026-01-02T03:04:05.678Z"; outside the years 0001-9999: the nearest time inside. */
void time_text(int64_t utc_ms, char out[25]);

struct zone; /* private */
/* NULL when the name is unknown or unsafe. Cached; never freed. "UTC" always works. */
const struct zone *zone_find(const char *name);
const char *zone_name(const struct zone *zone); /* by which zone_find finds it */
/* A zone file from anywhere, without a name and not kept: the caller's. NULL: it is none. */
struct zone *zone_open(const char *path);
void zone_free(struct zone *zone);
/* Seconds east of UTC at that instant. */
int zone_offset_s(const struct zone *zone, int64_t utc_ms);
void zone_parts(const struct zone *zone, int64_t utc_ms, struct time_parts *out);
int64_t zone_day(const struct zone *zone, int64_t utc_ms); /* local date as days */
/* First instant of that local day (a gap is skipped forward). */
int64_t zone_day_start_ms(const struct zone *zone, int64_t days);
/* Local wall time to UTC; ambiguous times take the earlier, gaps move forward. */
int64_t zone_to_utc_ms(const struct zone *zone, const struct time_parts *local);
