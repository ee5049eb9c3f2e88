/* cover - the index that answers a grouped read without touching a row; private to this folder.
 *
 * Without statistics SQLite takes any index whose first column is compared, and then fetches every
 * row from the table: 50 times the price of reading the same columns out of an index that has them
 * all. So the driver names that index itself, unless a comparison by another index leaves few rows,
 * which is found out by counting a few.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/sqlite/db.h"

/* So many rows fetched from the table cost less than a walk through an index. */
#define COVER_FEW_ROWS 500

struct cover_index {
    const char *name;
    struct slice columns; /* "a,b": names alone */
    int count;
    bool live;                /* holds only rows that are not deleted */
    bool knows_deleted;       /* deleted_at is one of the columns */
    bool some;                /* holds only rows with something else filled */
    struct cover_index *next; /* of the same table */
};

/* The index's name, or NULL in *out: the planner chooses. */
MUST_USE enum err cover_find(struct db *db, const struct query *query, const char **out);
/* The index in which the rows of a page are found that no index has in order, or NULL: a narrow one
 * that holds all that decides on them. Only the page itself is then fetched from the table. */
MUST_USE enum err cover_sorted(struct db *db, const struct query *query, const char **out);
