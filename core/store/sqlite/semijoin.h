/* semijoin - an EXISTS of a grouped read, answered from a set in memory; private to this folder.
 *
 * A report that asks something of a referenced record ("of won deals") asked a wide row of another
 * table for every row it walked: 1,000,000 visits of 400,000 deals took 500 ms, of which the walk
 * was 65. Here the rows that fulfil the condition are read once, out of a narrow index where there
 * is one, and each row of the walk looks its reference up in a hash table: 180 ms.
 *
 * How many rows will ask is not known before. So an EXISTS stands in the text as it always did,
 * behind the function semijoin(), which is empty until enough rows have asked; then as many
 * members are read as would have been worth it for those alone. Where there are more, four times
 * as many have to ask before it is tried again: a read never costs much more than without.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/sqlite/db.h"

#define SEMIJOINS_MAX         8         /* of one statement; further ones ask row by row */
#define SEMIJOIN_ASKED_MIN    4096      /* rows that ask before a set is read */
#define SEMIJOIN_MEMBERS_EACH 8         /* members that may be read for each row that has asked */
#define SEMIJOIN_MEMBERS_MAX  (1 << 20) /* of one set: 16 MB */

struct semijoin {
    const struct expr *exists; /* borrowed from the query */
    int64_t asked, next;       /* rows that did, and after how many a set is read; 0 = never */
    int64_t *slots;            /* owned; 0 = free */
    size_t cap;                /* of slots, a power of two */
    int64_t count;
    bool has_zero, is_read;
};

struct semijoins { /* of one statement */
    struct semijoin all[SEMIJOINS_MAX];
    int count;
    enum err error; /* why the statement ended, when a set could not be read */
};

/* The number by which the statement's text calls it; -1 when there are too many. */
int semijoin_add(struct semijoins *joins, const struct expr *exists);
void semijoins_release(struct semijoins *joins);

/* The SQL function semijoin(number, value): 1 or 0, or NULL while there is no set. */
void semijoin_step(sqlite3_context *context, int argc, sqlite3_value **argv);
