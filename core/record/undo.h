/* undo - what many changes have done, kept so that they can be taken back.
 *
 * A row of import_item for each change, under the number of its batch, as imports keep theirs. Rows
 * of a bulk call have as reason the fields that were asked for, with commas between them.
 *
 * Taking back is a change like any other: rights are those of who does it, handlers are asked. What
 * somebody has changed since stays as it is and is told.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Where the next change of a batch is kept. */
struct undo {
    int64_t batch, line; /* line: of the last one kept */
};

/* {"name": old value, …} of what the save changed; NULL when it changed nothing. `more` are the
 * members of an earlier save, or NULL. */
const char *undo_before(struct ctx *ctx, const struct record *record, const struct value *was,
                        const char *more);
/* Sets these values again. `asked` NULL: no right to a field is asked; else the names of those that
 * the actor has to be allowed to write, with commas between them. */
MUST_USE enum err undo_put_back(struct ctx *ctx, const struct entity *entity, int64_t id,
                                const char *asked, const char *before);

/* Inside a write transaction, as the next of the batch. */
MUST_USE enum err undo_keep_create(struct ctx *ctx, struct undo *undo, int64_t record);
MUST_USE enum err undo_keep_update(struct ctx *ctx, struct undo *undo, const struct json *data,
                                   const struct record *record, const struct value *was);
MUST_USE enum err undo_keep_delete(struct ctx *ctx, struct undo *undo, int64_t record,
                                   int64_t delete_batch);

/* Takes back the newest `rows` of what is left of a bulk batch, each in its own savepoint. Appends
 * {"results": [… as record_bulk], "done": n, "failed": n}; *left are those that have not been
 * tried. A record that was changed since is refused with "changed_since"; nothing is tried twice.
 */
MUST_USE enum err undo_bulk(struct ctx *ctx, const struct entity *entity, int64_t batch, int rows,
                            struct buf *out, int64_t *done, int64_t *failed, int64_t *left);
/* Forgets what a batch has done: it cannot be taken back any more. */
MUST_USE enum err undo_forget(struct ctx *ctx, int64_t batch);
