/* preview - looking at the company as a role sees it.
 *
 * Who administers roles asks with `X-Perigee-Preview: sales`, or `sales@<user>` to stand where that
 * user stands. The answer is what somebody with this one role would get, and never more than who
 * asks may see himself (actor.h: within). Only routes marked ROUTE_PREVIEW take it, all of them
 * reads of the gateway: nothing is written in somebody else's place.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Puts the actor of the preview in the place of ctx->actor, where the header asks for one. */
MUST_USE enum err preview_take(struct call *call);
