/* migrations - runs what a tenant has before it, each in a transaction of its own.
 *
 * A backup of the tenant comes first. What has run is remembered with it, so a run that was ended
 * goes on where it stopped: a back-fill behind the last record of its last batch. What fails rolls
 * its transaction back, is named by file and line, and what was there goes on.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "tenant/migration.h"

struct migrations_run {
    const char *backup; /* folder of the backup, NULL: none was needed */
    int count;          /* migrations that ran to their end */
    int64_t rows;       /* records that back-fills went through */
    struct buf names;   /* "leads/migrations/002_split", … */
};

/* Is any migration of these plugins before this tenant? */
MUST_USE enum err migrations_wait(struct tenant *tenant, struct arena *arena,
                                  const struct model *model, const struct model_change *changes,
                                  int count, bool *out);
/* Runs those of the changed plugins, in load order. `model` has their tables. Not inside a
 * transaction. ERR_VALIDATION with *why. */
MUST_USE enum err migrations_run(struct app *app, struct ctx *ctx, const struct model *model,
                                 const struct model_change *changes, int count,
                                 struct migrations_run *run, const char **why);
