/* number - running numbers of records, allocated in the transaction that uses them.
 *
 * A number that was given with the record (an import) stays. Numbers that are taken already are
 * passed over; none is ever given twice, also not after its record was deleted.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Fills the empty autonumber fields of a new record. ERR_CONFLICT when NUMBER_TRIES_MAX numbers in
 * a row are taken. */
MUST_USE enum err number_fill(struct ctx *ctx, struct record *record);
