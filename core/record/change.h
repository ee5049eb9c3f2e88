/* change - the ordered log of what happened to records: history, feed, undo (table change).
 *
 * One row for each save, in the same transaction: seq, at, actor, entity, record, version, op,
 * diff, source, batch. The diff is {"<field number>": [old, new], …} with values as clients see
 * them; system fields stand as -(slot + 1). A field that is not audited is left out. seq grows by
 * one and is only ever given to what is committed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

#define CHANGE_CREATE  "create"
#define CHANGE_UPDATE  "update"
#define CHANGE_DELETE  "delete"
#define CHANGE_RESTORE "restore"
#define CHANGE_PURGE   "purge"

/* Writes the row for record->old → record->now; now[SLOT_VERSION] is the new version. batch 0 takes
 * ctx->batch. */
MUST_USE enum err change_put(struct ctx *ctx, const struct record *record, const char *op,
                             int64_t batch);
/* Records touched by a batch with that op, oldest first: cb gets entity number, id and diff. */
struct change_item {
    int entity;
    int64_t record, seq;
    struct slice diff; /* JSON, valid during the call */
};
typedef enum err (*change_cb)(void *arg, const struct change_item *item);
MUST_USE enum err change_batch(struct ctx *ctx, int64_t batch, const char *op, change_cb cb,
                               void *arg);
/* The batch of a record's newest change, 0 when it had none. */
MUST_USE enum err change_last_batch(struct ctx *ctx, const struct entity *entity, int64_t id,
                                    int64_t *batch);
