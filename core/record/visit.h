/* visit - how long a record stayed in each state (table visit).
 *
 * A row per visit: value, entered_at, left_at (NULL: still there), actor. Its duration is
 * left_at - entered_at.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Ends the open visit and begins the next for every state field that changed. */
MUST_USE enum err visit_move(struct ctx *ctx, const struct record *record);
/* Removes the visits of a record that is purged. */
MUST_USE enum err visit_drop(struct ctx *ctx, const struct entity *entity, int64_t id);
