/* seen - rows that a write transaction has read, kept until it writes to their table; private to
 * this folder.
 *
 * An import asks for the same program, stage or calendar with every row, and so do the handlers of
 * one record among themselves. Inside a write transaction nobody else can write, so the same
 * question about a table that was not written to since has the same answer. What is rolled back,
 * and the end of the transaction, make everything unseen.
 *
 * Only questions about one table are kept: no joins, relations, searches, groups or measures.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "store/driver.h"

struct db;
struct table_entry;

struct seen { /* the answer to one question */
    uint64_t hash;
    struct slice key;                /* the question, written out */
    const struct table_entry *entry; /* NULL = free */
    int64_t writes;                  /* of the table, when it was read */
    struct value *values;            /* rows one after the other */
    int columns, rows;
};

struct seen_all {
    struct arena *arena; /* owned; NULL while nothing is kept */
    struct seen *slots;  /* in the arena */
    struct buf key;      /* the question being asked */
    int walking;         /* answers being handed out: none is replaced, no memory given back */
    int64_t forgotten;   /* so often */
};

struct seen_question {
    const struct table_entry *entry;
    uint64_t hash; /* 0 = nothing is kept for it */
};

/* Writes the question out, if an answer may be kept here and now. */
void seen_ask(struct db *db, const struct query *query, struct seen_question *out);
/* Its answer, or NULL. */
const struct seen *seen_find(struct db *db, const struct seen_question *question);
/* Reads, handing each row to cb, and keeps the answer if it is whole and small. */
MUST_USE enum err seen_fill(struct db *db, const struct seen_question *question,
                            const struct query *query, store_row_cb cb, void *arg);
void seen_forget(struct db *db);
