/* unmask - encrypted fields in plain, and all of them sealed anew after a rotation of keys.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* In a write turn, inside a unit: the plain value of one encrypted field of a record, for an actor
 * whose roles let this row be unmasked and this field be read. Writes the audit row, with the
 * reason. ERR_NOT_FOUND where the record cannot be seen, ERR_FORBIDDEN, ERR_VALIDATION for a field
 * that is not encrypted, ERR_KEYS_LOCKED. *empty: there is no value. */
MUST_USE enum err unmask_field(struct ctx *ctx, const struct entity *entity, int64_t id,
                               struct slice field, struct slice reason, struct buf *out,
                               bool *empty);
/* Puts the plain value of one record's encrypted field into another record, as merging does: sealed
 * bytes are bound to the record they were sealed for. Both fields are of the same type. */
MUST_USE enum err unmask_copy(struct ctx *ctx, const struct record *from,
                              const struct field *from_field, struct record *to,
                              const struct field *to_field);
/* Has the entity encrypted fields? */
bool unmask_has_sealed(const struct entity *entity);
/* In a write turn: seals by the newest keys what older ones sealed, for at most `limit` records
 * with an id above `after`, deleted ones too. *last is the highest id looked at; 0: that was all.
 * Versions and the change log stay as they are: nothing has changed for anybody. */
MUST_USE enum err unmask_reseal(struct ctx *ctx, const struct entity *entity, int64_t after,
                                int limit, int64_t *last);
