/* worktime - business calendars: when people work, and what "in four working hours" means.
 *
 * A calendar has ranges for each weekday (a lunch break is the space between two), and days that
 * differ from their weekday: holidays without a range, one-off days with ranges of their own. An
 * instant is working time when its local wall time in the calendar's zone lies in a range of that
 * day; so an hour the clocks skip has none and an hour they repeat counts twice. Durations are real
 * milliseconds.
 *
 *     { "zone": "Asia/Shanghai",
 *       "week": { "mon": ["09:00-12:00", "13:30-18:00"], "tue": ["09:00-24:00"] },
 *       "days": { "2026-10-01": [], "2026-10-10": ["09:00-18:00"] } }
 *
 * Ranges stand in order and do not overlap; one that passes midnight is written as two. "24:00" may
 * end a range.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"

struct worktime; /* private; one block of worktime_bytes() without pointers into itself */

/* What is wrong with a calendar: the member ("week.mon", "days.2026-10-01"), a text key of the core
 * plugin, and its English text. */
struct worktime_fault {
    const char *where, *code, *text;
};
/* ERR_VALIDATION and *fault (may be NULL); a calendar without any working time is refused too.
 * `zone` stands for a calendar that names none. */
MUST_USE enum err worktime_parse(struct arena *arena, const struct json *json, const char *zone,
                                 const struct worktime **out, struct worktime_fault *fault);
/* The block may be copied by memcpy and outlive the arena. */
size_t worktime_bytes(const struct worktime *calendar);

/* The first instant by which `work_ms` (≥ 0) of working time have passed since `from_ms`; with 0
 * that is from_ms itself. ERR_TIMEOUT when WORKTIME_REACH_DAYS do not hold so much. */
MUST_USE enum err worktime_add(const struct worktime *calendar, int64_t from_ms, int64_t work_ms,
                               int64_t *out);
/* Working time from a to b: negative when b lies before a. What lies beyond WORKTIME_REACH_DAYS
 * after the earlier one is not counted. */
int64_t worktime_between(const struct worktime *calendar, int64_t a_ms, int64_t b_ms);
bool worktime_is_open(const struct worktime *calendar, int64_t at_ms);
/* The first working instant at or after at_ms. ERR_TIMEOUT as above. */
MUST_USE enum err worktime_next(const struct worktime *calendar, int64_t at_ms, int64_t *out);
/* Stretches of working time within [a, b), in order; false from cb ends it. */
typedef bool (*worktime_cb)(void *arg, int64_t from_ms, int64_t to_ms);
void worktime_each(const struct worktime *calendar, int64_t a_ms, int64_t b_ms, worktime_cb cb,
                   void *arg);
