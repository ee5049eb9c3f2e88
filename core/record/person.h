/* person - everything that is held about one person, as one document.
 *
 * The record with its encrypted values in plain, what points at it (and parts of that), its
 * history, files, letters to its addresses, and who did what with it according to the audit log.
 * Rights are the caller's to ask.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* In a write transaction with a unit: the encrypted fields in plain, {"field": value}; each is an
 * audited act with that reason. NULL when it has none. */
MUST_USE enum err person_unsealed(struct ctx *ctx, const struct entity *entity, int64_t id,
                                  const char *reason, const struct json **out);
/* A read: {"exported_at","company","entity","record","sealed","related":{entity:[…]},"history":[…],
 * "files":[…],"letters":[…],"access":[…],"truncated"} into the arena. At most PERSON_ROWS_MAX
 * related records and as many rows of each log; more is said by "truncated". ERR_NOT_FOUND. */
MUST_USE enum err person_export(struct ctx *ctx, const struct entity *entity, int64_t id,
                                const struct json *sealed, const struct json **out);
/* The same for people to read: one page of HTML, in ctx->lang. */
void person_page(struct ctx *ctx, const struct json *person, struct buf *out);
