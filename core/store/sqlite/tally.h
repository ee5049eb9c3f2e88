/* tally - groups counted and summed in memory while SQLite walks the rows once; private to this
 * folder.
 *
 * SQLite groups by sorting every row, unless an index has them in order: 100,000 rows by month took
 * 66 ms, of which the walk was 7. Here one aggregate function sees each row and finds its group in
 * a hash table; time buckets are those of the caller's zone, each worked out once.
 * Sums have 128 bits, so that no order of rows can overflow half-way.
 *
 * A read that would make more than TALLY_GROUPS_MAX groups is SQLite's own again, which can sort on
 * disk.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/sqlite/db.h"

/* The answer: rows of query->select_count values, in the query's order, at most its limit. */
struct tally_rows {
    struct arena *arena; /* owned, with the values; NULL = none */
    const struct value *values;
    int columns, rows;
};

/* *done false, without an error: it is not for here (nothing was given). */
MUST_USE enum err tally_read(struct db *db, const struct query *query, struct tally_rows *out,
                             bool *done);
void tally_rows_release(struct tally_rows *rows);
/* Whether tally_read would try. */
bool tally_fits(const struct query *query);

/* The SQL function tally(key, …, measured, …). */
void tally_step(sqlite3_context *context, int argc, sqlite3_value **argv);
void tally_end(sqlite3_context *context);
