/* staff - what saving a user, team or department means to the rights of everybody.
 *
 * Any such save moves auth_version, so that every process forgets the actors it knows. A department
 * carries the path of its ancestors, "/1/7/"; moving it rewrites the paths below it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Before the checks: a user without a login that an import brings gets one from the name. */
MUST_USE enum err staff_defaults(struct ctx *ctx, struct record *record);
/* Before the row is written: a department's parent may not lie below it. */
MUST_USE enum err staff_prepare(struct ctx *ctx, struct record *record);
/* After the row was written. */
MUST_USE enum err staff_saved(struct ctx *ctx, const struct record *record);
/* After it was deleted or restored. */
MUST_USE enum err staff_moved(struct ctx *ctx, const struct entity *entity);
