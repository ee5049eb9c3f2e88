/* jobs - which function carries on a job of which queue; called by runners and by commands.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"
#include "hook/job.h"

/* Leases the tenant's next due job and runs one step of it; *more: another is due now; *next_ms:
 * when to look again (0 = nothing waits). Borrows write turns through app_write. */
MUST_USE enum err jobs_step(struct app *app, struct tenant *tenant, struct arena *arena, bool *more,
                            int64_t *next_ms);
/* Carries on the calls that open jobs wait for: `ready` is told each tenant whose jobs_step has
 * something to do now. Gives how many still wait. */
int jobs_look_awaits(void (*ready)(void *arg, const char *tenant), void *arg);
/* When jobs_step has something to do for the tenant: 0 = nothing. A plain read that builds no
 * model: for looking through many stores. */
MUST_USE enum err jobs_look(struct tenant *tenant, int64_t *run_at_ms);
/* What people call a plugin's job: its text "job.<name>"; else its name. */
const char *jobs_label(const struct ctx *ctx, const char *plugin, const char *name);
/* Have the jobs and routes that the scripts of this model register been stored? A plain read. */
MUST_USE enum err jobs_is_known(struct tenant *tenant, bool *out);
