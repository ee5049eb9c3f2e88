/* pipeline - the spine: what happens to every request, in order.
 *
 *   pipeline_admit  headers complete: route, tenant, throttle, identity, right to the route, body
 * cap pipeline_run    body whole: parse, idempotency, handler, answer
 *
 * The gateway admits and, for native reads, runs; a worker or runner gets the parsed request by
 * frame, admits it again (identity is always read from the store) and runs. One ctx travels down.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "api/routes.h"

/* Prepares a call in the arena (ctx, err, language from Accept-Language). */
struct call *pipeline_call_new(struct app *app, struct arena *arena, const struct req *req,
                               struct resp *resp);
/* Decides everything that can be decided without the body. On success call->route and, unless the
 * route needs none, the pinned ctx->tenant are set. `throttled` is false where an earlier process
 * has counted this request already. *body_max: the most bytes of body accepted. On failure the
 * error answer is in resp. */
MUST_USE enum err pipeline_admit(struct call *call, bool throttled, int64_t *body_max);
/* Runs the handler here. Opens a read transaction unless one is open (worker turn) or the route is
 * a runner's. Always leaves an answer in resp; the return value says whether a turn must roll back.
 */
MUST_USE enum err pipeline_run(struct call *call);
/* ERR_FORBIDDEN while the policy asks something else of who is signed in first: a second factor,
 * another password. Asked at admission, but for routes that find out later who may ask. */
MUST_USE enum err pipeline_due(struct call *call);
/* The body as it came, for routes that read it themselves (BODY_RAW). In the arena. */
MUST_USE enum err pipeline_body(struct call *call, struct slice *out);
/* The call goes on in another process: no transaction may stay open for it here. */
void pipeline_leave(struct call *call);
/* Unpins the tenant. After the answer has been encoded. */
void pipeline_end(struct call *call);
/* Writes the error answer for e into call->resp. Where a plugin's code failed, the operator and
 * whoever looks after plugins read which handler did and at which line; others a sentence. */
void pipeline_fail(struct call *call, enum err e);
