/* trip - the wire that stops what fails again and again: jobs and after_commit handlers.
 *
 * A thing has a name that lasts: "job:leads.recycle", "hook:leads:push@lead"; a part of it, behind
 * a colon, one of its own: "job:integrations.sync:0CN5448QP0400" (schedule_push). TRIP_KILLS_MAX
 * kills or TRIP_ERRORS_MAX errors in a row within TRIP_WINDOW_MS pause it; what waits for it stays
 * where it is until a person resumes it. Counts stand in table `trip`, so every process counts
 * together and a restart forgets nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

enum trip_how {
    TRIP_ERROR, /* it failed */
    TRIP_KILL,  /* it went beyond its limits, or its process died under it */
};

/* In a write transaction: counts one failure with its reason (may be NULL). *paused: from now on;
 * false too where it was paused before. */
MUST_USE enum err trip_count(struct ctx *ctx, const char *name, enum trip_how how, const char *why,
                             bool *paused);
/* In a write transaction: it succeeded; errors are counted from none again. Nothing is written
 * where there is nothing to forget. Kills are forgotten by time alone. */
MUST_USE enum err trip_succeeded(struct ctx *ctx, const char *name);
/* In a write transaction: a person (`by`, 0 = a command) pauses it, or lets it go on with counts of
 * none. */
MUST_USE enum err trip_pause(struct ctx *ctx, const char *name, int64_t by, const char *why);
MUST_USE enum err trip_resume(struct ctx *ctx, const char *name);
/* The same for each part of it. */
MUST_USE enum err trip_resume_parts(struct ctx *ctx, const char *name);
/* In a write transaction: forgets those parts of it whose counts are older than the window and that
 * are not paused. Parts come and go, so whoever counts one calls it. */
MUST_USE enum err trip_tidy_parts(struct ctx *ctx, const char *name);

struct trip {
    const char *name;
    const char *why; /* of the last failure, or why a person paused it; or NULL */
    int errors, kills;
    int64_t paused_at_ms; /* 0 = it is not */
    int64_t paused_by;    /* the person who paused it; 0 = nobody, it failed too often */
};
/* A plain read into ctx->arena; one that never failed is all zero with its name. */
MUST_USE enum err trip_load(struct ctx *ctx, const char *name, struct trip *out);
/* Calls cb for each that is paused, by name; false stops. */
MUST_USE enum err trip_list(struct ctx *ctx, bool (*cb)(void *arg, const struct trip *trip),
                            void *arg);
/* The part's name where it is a part of that thing, else NULL. */
const char *trip_part(const struct trip *trip, const char *name);
