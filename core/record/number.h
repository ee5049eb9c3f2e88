/* number - running numbers of records, allocated in the transaction that uses them.
 *
 * A number that was given with the record (an import) stays. Numbers that are taken already are
 * passed over, however many they are; none is ever given twice, also not after its record was
 * deleted.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

/* Fills the empty autonumber fields of a new record. */
MUST_USE enum err number_fill(struct ctx *ctx, struct record *record);

/* A number above `from` that is not taken: the next one, or behind a run of taken ones the first
 * that is free. It is looked for in steps that double and then halve, so a run of any length costs
 * some tens of questions. */
typedef enum err (*number_taken_cb)(struct ctx *ctx, void *arg, int64_t n, bool *out);
MUST_USE enum err number_search(struct ctx *ctx, int64_t from, number_taken_cb is_taken, void *arg,
                                int64_t *out);
