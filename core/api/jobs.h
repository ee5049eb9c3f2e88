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
