/* meter - see meter.h.
 *
 * Asking for the time that a process has used goes through the kernel and costs more than most of
 * what is measured. So parts are told apart by the clock on the wall, which costs 20 ns, and share
 * the time that the process has used between them; who waits for the processor does so in each part
 * alike. A commit waits for the disk: it alone is measured by the process's own time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/meter.h"

#ifdef PERIGEE_METER

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct {
    bool is_asked, is_awake;
    enum meter_part now;
    int64_t since_ns;               /* by the wall; of a commit by use */
    int64_t used_ns;                /* by the process when it began */
    int64_t left_out_ns, paused_ns; /* used while nobody was measured */
    int64_t ns[METER_PARTS_COUNT], times[METER_PARTS_COUNT];
} meter;

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now_ns(enum meter_part part)
{
    return clock_ns(part == METER_COMMIT ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

const char *meter_folder(void)
{
    return getenv("PERIGEE_METER");
}

static bool is_awake(void)
{
    if (!meter.is_asked) {
        meter.is_asked = true;
        meter.is_awake = meter_folder() != NULL;
        meter.used_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        meter.since_ns = now_ns(meter.now);
    }
    return meter.is_awake;
}

static void turn_to(enum meter_part part)
{
    meter.ns[meter.now] += now_ns(meter.now) - meter.since_ns;
    meter.now = part;
    meter.since_ns = now_ns(part);
}

enum meter_part meter_enter(enum meter_part part, bool counts)
{
    enum meter_part before = meter.now;
    if (!is_awake())
        return before;
    turn_to(part);
    meter.times[part] += counts;
    return before;
}

void meter_leave(enum meter_part before)
{
    if (meter.is_awake)
        turn_to(before);
}

void meter_pause(void)
{
    turn_to(meter.now);
    meter.paused_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void meter_resume(void)
{
    meter.left_out_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - meter.paused_ns;
    meter.since_ns = now_ns(meter.now);
}

/* How much of the wall's time was used. */
static double used_part(void)
{
    int64_t used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - meter.used_ns - meter.left_out_ns;
    int64_t wall = 0;
    for (int i = 0; i < METER_PARTS_COUNT; i++)
        wall += i == METER_COMMIT ? 0 : meter.ns[i];
    return wall ? (double)(used - meter.ns[METER_COMMIT]) / (double)wall : 0;
}

void meter_write(void)
{
    static const char *const names[] = {
#define X(name, text) text,
        METER_PARTS(X)
#undef X
    };
    char path[PATH_MAX];
    if (!is_awake())
        return;
    meter_pause();
    double used = used_part();
    (void)snprintf(path, sizeof path, "%s/meter.json", meter_folder());
    FILE *file = fopen(path, "w");
    for (int i = 0; file && i < METER_PARTS_COUNT; i++) {
        double us = (double)meter.ns[i] / 1000 * (i == METER_COMMIT ? 1 : used);
        (void)fprintf(file, "%s\"%s\":{\"us\":%.0f,\"times\":%lld}", i ? "," : "{", names[i], us,
                      (long long)meter.times[i]);
    }
    if (file) {
        (void)fputs("}\n", file);
        (void)fclose(file);
    }
    meter_resume();
}

#endif
