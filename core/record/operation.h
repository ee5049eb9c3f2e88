/* operation - what a module's operation may be asked with.
 *
 * An entity declares its operations: { "name": "redeem", "params": ["points", "reason", "key"] }.
 * Those parameters and those its actions in the console ask for are what it takes; whoever sends
 * anything else has made a slip that would go unseen, so it is refused. One without "params" is
 * asked with anything.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "record/model.h"

/* ERR_VALIDATION with a complaint on each member of `params` (NULL: none) that it does not take,
 * with the nearest that it does. */
MUST_USE enum err operation_check(struct ctx *ctx, const struct entity *entity, const char *name,
                                  const struct json *params);
