/* bulk - many creates, updates, upserts and deletes of one entity in one call.
 *
 * An item: {"op": "create", "data": {…}} · {"op": "update", "id": "…", "version": 3, "data": {…}} ·
 * {"op": "upsert", "match": "email", "data": {…}} (the field stands in data too) ·
 * {"op": "delete", "id": "…", "version": 3}. Without "data" the other members are the record's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/undo.h"

/* At most BULK_MAX items. Appends {"results": [{"ok", "op", "id", "version"} | {"ok": false,
 * "error": {code, message, fields}}], "done": n, "failed": n}. Atomic: the first item that fails is
 * the whole call's error, its fields named "items[3].phone"; the caller rolls back. Else each item
 * has its own savepoint. With `undo` each change is kept there, so that it can be taken back. */
MUST_USE enum err record_bulk(struct ctx *ctx, const struct entity *entity,
                              const struct json *items, bool atomic, struct undo *undo,
                              struct buf *out);

/* What became of one item; version 0: it is deleted. */
struct bulk_result {
    const char *op;
    int64_t id, version;
};
/* Appends it, as the answer has it, or what it was refused for. */
void bulk_put_result(struct ctx *ctx, enum err e, const struct bulk_result *result,
                     struct buf *out);
/* The store itself failed: no item after it can succeed. */
bool bulk_is_fatal(enum err e);
