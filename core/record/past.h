/* past - what somebody could see a moment ago.
 *
 * Two reach for one record; the winner's change takes it out of the other's sight, who then must
 * not be told that it never was. The change log has what it was before.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Is the live record visible to the actor, or was it, by today's rules, at some time in the last
 * PAST_SEEN_MS? Goes back by at most PAST_CHANGES changes. */
MUST_USE enum err past_was_visible(struct ctx *ctx, const struct entity *entity, int64_t id,
                                   bool *out);
