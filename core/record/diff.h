/* diff - what one change did to a record, as kept in the change log.
 *
 * {"12":[old,new],"-7":[old,new]}: field number → both values as clients see them (null = empty).
 * System fields stand as -(slot + 1). Names are put back when it is read, so renaming is free.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"

/* Appends the diff of two records; old NULL = created, now NULL = purged. Version, times and who
 * changed it are not part of it: the change log has them. Returns the number of fields. */
int diff_put(const struct entity *entity, const struct value *old, const struct value *now,
             struct buf *out);
/* Appends [{"field","old","new"}…] of the fields for which may_read says so. */
typedef bool (*diff_may_read_cb)(void *arg, const struct field *field);
MUST_USE enum err diff_put_named(struct arena *arena, const struct entity *entity,
                                 struct slice diff, diff_may_read_cb may_read, void *arg,
                                 struct buf *out);
