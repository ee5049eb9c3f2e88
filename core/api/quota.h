/* quota - how much one user and one company may have: jobs, sessions, API keys.
 *
 * The bounds are keys of perigee.json. Each is asked in the write turn that would pass it, so two
 * requests at once cannot both take the last place. Streams of live events are counted in
 * process/live.c, where they are.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Before a job that a person starts: unfinished ones of the user, and of the company. 429. */
MUST_USE enum err quota_jobs(struct call *call);
/* Before a key for that user: keys that have not been revoked, of the user and of the company. 409.
 */
MUST_USE enum err quota_keys(struct call *call, int64_t user);
/* After a sign-in: the oldest sessions beyond the bound end. */
MUST_USE enum err quota_sessions(struct app *app, struct ctx *ctx, int64_t user);
