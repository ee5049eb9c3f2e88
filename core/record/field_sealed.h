/* field_sealed - encrypted fields: what tells equal values, sealing at the save, opening.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/field.h"

/* Sealed types. A value that was set and is not stored yet lies at FIELD_SEALED as a byte 0 and the
 * plain value; record_save seals it. */
#define FIELD_SEALED 1
#define FIELD_INDEX  2
/* The column that tells equal values: the blind index of a sealed field, else the first one. */
const char *field_equal_column(const struct field *field);
const struct value *field_equal_value(const struct field *field, const struct value *values);
/* In a write turn: seals what was set, for the record that `values` are of. */
MUST_USE enum err field_seal(struct ctx *ctx, const struct field *field, struct value *values);
/* Appends the plain value; rights are the caller's to ask. ERR_NOT_FOUND when empty. */
MUST_USE enum err field_unseal(struct ctx *ctx, const struct field *field,
                               const struct value *values, struct buf *out);
/* A sealed field's values as they are stored, as JSON for the same record later on: what undoing
 * puts back. Nothing in it can be read without the keys. */
void field_put_kept(const struct field *field, const struct value *values, struct buf *out);
bool field_parse_kept(struct ctx *ctx, const struct json *in, struct value out[3]);
/* How many columns an answer needs: of sealed fields only the mask. */
int field_shown_columns(const struct field *field);
