/* rollup - counts, sums, least and greatest values on the records that others point to.
 *
 * Kept in the transaction of the child's save. Counts and sums move by the difference this child
 * makes, so a parent with many children costs no more than one with few; least and greatest are
 * stretched by a value that is new, and read anew when one goes or changes. A roll-up never moves
 * the parent's version, so it disturbs nobody who edits it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* After the child was written: was = what counted before (NULL: nothing, it is new or was deleted),
 * is = what counts now (NULL: it is deleted). */
MUST_USE enum err rollup_move(struct ctx *ctx, const struct entity *entity, const struct value *was,
                              const struct value *is);
/* Does any roll-up follow this entity's records? */
bool rollup_follows(const struct ctx *ctx, const struct entity *entity);
/* Works one roll-up of one parent out of its children: for a field that is new, and for checks. */
MUST_USE enum err rollup_refresh(struct ctx *ctx, const struct field *field, int64_t parent);
