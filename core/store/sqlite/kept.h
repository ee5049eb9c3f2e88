/* kept - the answers of grouped reads, kept while the store stands still; private to this folder.
 *
 * A report walks all rows it counts, and a dashboard asks for it again and again, for everybody who
 * looks at it. Between two commits the same statement with the same parameters, rights among them,
 * has the same answer. SQLite numbers the states a connection has seen; an answer holds for one of
 * them and is asked for inside a read transaction, so it is never older than the transaction.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "store/driver.h"

#define KEPT_MAX       16                   /* answers of one connection */
#define KEPT_ROWS_MAX  (GROUP_ROWS_MAX + 1) /* groups of one answer: one more tells of more */
#define KEPT_ROWS_STEP 64                   /* room is made for so many at a time */

struct db;

/* The answer of a read in one state of the store. */
struct kept {
    struct arena *arena; /* owned, with all that follows; NULL = free */
    struct slice key;    /* statement and parameters */
    struct value *values;
    int columns, rows;
    uint32_t state;
    uint64_t used_at;
};

/* The store's state; false where nothing may be kept: outside of a read transaction. */
bool kept_state(struct db *db, uint32_t *out);
/* The answer if *found, else where it goes; NULL when there is no such statement. */
struct kept *kept_find(struct db *db, const struct query *query, uint32_t state, bool *found);
/* Reads, handing each row to cb, and keeps the answer if it is whole and small enough. */
MUST_USE enum err kept_fill(struct db *db, struct kept *kept, const struct query *query,
                            store_row_cb cb, void *arg);
void kept_forget(struct db *db); /* all of them */
