/* snapshot - a record as it was at one moment, as data: what after_commit handlers are shown.
 *
 * Columns are named as the store names them, which renaming a field does not change. A field that
 * has come since is empty; one that has gone is left out.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Of a record in phase 5 or later: its values, and those that the save replaced. */
struct json *snapshot_make(struct arena *arena, const struct record *record);
/* The record again, read-only. ERR_CORRUPT for what snapshot_make did not write. */
MUST_USE enum err snapshot_open(struct ctx *ctx, const struct entity *entity,
                                const struct json *snapshot, struct record **out);
