/* schedule - jobs that plugins offer, and when the clock asks for them.
 *
 * A plugin's registrations are data in table `schedule`, so what is due is known without running
 * any Lua, survives a restart and is looked at by every process alike. When a time has come,
 * schedule_fire puts a job into the queue "job:<plugin>.<name>" and moves next_at in the same
 * transaction: no time is ever run twice, however many runners look.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/job.h"

#define SCHEDULE_QUEUE "job:" /* the queues of plugins' jobs begin with it */

enum schedule_catch_up {
    SCHEDULE_ONCE, /* of times that were missed, one run for all of them */
    SCHEDULE_ALL,  /* a run for each */
    SCHEDULE_NONE, /* no run when it is more than SCHEDULE_LATE_MS late */
};

struct schedule {
    const char *plugin, *name;
    const char *cron; /* a line of base/cron.h; NULL: not by the calendar */
    const char *zone; /* of cron; NULL = the tenant's */
    int64_t every_ms; /* at whole multiples of it; 0: not by interval */
    bool by_changes;  /* when records have changed: asked for by what saves them */
    enum schedule_catch_up catch_up;
    int concurrency; /* runs at the same time, at most; 0 = as many as there are runners */
    int retry;       /* attempts after one that failed */
};

/* "once", "all", "none"; false for anything else. */
bool schedule_catch_up_find(struct slice name, enum schedule_catch_up *out);
/* The queue's and the trip's name: "job:leads.recycle". */
const char *schedule_queue(struct arena *arena, const char *plugin, const char *name);
/* The trip's name of one part of it (see schedule_push): "job:integrations.sync:0CN5448QP0400". */
const char *schedule_trip(struct arena *arena, const char *queue, const char *part);

/* In a write transaction: makes the table hold just these. One that stays as it was keeps its next
 * time, so what was missed is caught up; others begin now. */
MUST_USE enum err schedule_sync(struct ctx *ctx, const struct schedule *wanted, int count);
/* Soonest next time; 0 = none. A plain read. */
MUST_USE enum err schedule_next(struct tenant *tenant, int64_t *next_ms);
/* In a write transaction: puts jobs for what is due at ctx->now_ms, a bounded number. What is
 * paused (trip.h) passes by. */
MUST_USE enum err schedule_fire(struct ctx *ctx);
/* In a write transaction: puts one job of it, now or at run_at_ms; *id as job_put. `key` (may be
 * NULL) keeps a second one away while the first is unfinished. ERR_NOT_FOUND: no such job. */
struct schedule_push {
    const char *plugin, *name;
    const struct schedule *spec; /* as it was registered; NULL: as the table has it */
    const struct json *args;     /* or NULL */
    const char *key;
    const char *part;  /* what it works on: runs that fail are counted, and paused, for that part
                        * alone; NULL = for all of the job */
    int64_t run_at_ms; /* 0 = now */
    int64_t created_by;
    bool again; /* with a key: behind one that runs, which may have looked too early, another one
                   waits; those of one key run one behind the other */
};
MUST_USE enum err schedule_push(struct ctx *ctx, const struct schedule_push *push, int64_t *id);
/* In a write transaction: records have changed. Puts one job of it unless one waits already; behind
 * one that runs, which may have looked too early, a second one waits. */
MUST_USE enum err schedule_wake(struct ctx *ctx, const struct schedule *spec);
/* In the transaction that ends a run: what people are shown as its last result. */
MUST_USE enum err schedule_ended(struct ctx *ctx, const char *plugin, const char *name, int64_t job,
                                 const char *state, const char *error);

struct schedule_row {
    struct schedule spec;
    int64_t next_at_ms, last_at_ms, last_job; /* 0 = none */
    const char *last_state, *last_error;      /* or NULL */
};
/* All of them by plugin and name, into ctx->arena. A plain read. */
MUST_USE enum err schedule_list(struct ctx *ctx, struct schedule_row **out, int *count);
/* ERR_NOT_FOUND. */
MUST_USE enum err schedule_load(struct ctx *ctx, const char *plugin, const char *name,
                                struct schedule_row *out);
