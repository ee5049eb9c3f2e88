/* cron - when something is due: five fields as in crontab, in a time zone.
 *
 *   minute hour day-of-month month day-of-week     "30 2 * * *"
 *
 * A field is a list of numbers, ranges and steps: "0,30", "9-17", "0-59/10", "* /5" without the
 * space. Months and weekdays also have their first three English letters; weekday 0 and 7 are
 * Sunday. "@hourly @daily @weekly @monthly @yearly" stand for whole lines. If both days are
 * restricted (neither field begins with *), one of them is enough, as POSIX says of crontab.
 *
 * Where clocks change: a line with every hour ("*") follows real time, so nothing is left out or
 * moved. A line with certain hours runs once for each of its local times: one that the clock jumps
 * over is due as much later as it jumps, one that comes twice is due the first time.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/clock.h"

struct cron {
    uint64_t minutes;  /* bit 0..59 */
    uint32_t hours;    /* bit 0..23 */
    uint32_t days;     /* bit 1..31 */
    uint32_t months;   /* bit 1..12 */
    uint32_t weekdays; /* bit 0..6, 0 = Sunday */
    bool any_day;      /* both days must fit; else one of them is enough */
};

/* ERR_MALFORMED; then *why (may be NULL) says which field, for people who write plugins. */
MUST_USE enum err cron_parse(struct slice text, struct cron *out, const char **why);
/* The first time after that instant; 0 = there is none (31 February). */
int64_t cron_next_ms(const struct cron *cron, const struct zone *zone, int64_t after_ms);
