/* tokens - search tokens of this connection's transaction, on their way into the full-text tables.
 *
 * They wait until the commit (or a search in the same transaction), because one write of many is
 * much cheaper than many of one; a savepoint that is rolled back takes its own along.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "store/query.h"

#define DB_DEPTH_MAX 64 /* savepoints within each other */

struct db;

/* Search tokens of one record, not written yet; see tokens.c. */
struct waiting {
    const char *table; /* the registry's */
    int64_t id;
    size_t from, len; /* in text */
};

struct waiting_mark { /* where a savepoint began */
    size_t count, written;
};

struct waiting_all {
    struct waiting *at; /* owned */
    size_t count, cap;
    size_t written; /* so many from the front are in the index already */
    struct buf text;
    struct waiting_mark marks[DB_DEPTH_MAX];
};

enum err tokens_create(struct db *db, const char *table);
enum err tokens_put(struct store *store, const char *table, int64_t id, struct slice old,
                    struct slice tokens);
enum err tokens_any(struct store *store, const char *table, const struct expr *match, bool *any);
/* Writes what waits: before a commit, and before a search in the transaction that put it. */
MUST_USE enum err tokens_write(struct db *db);
void tokens_mark(struct db *db);   /* a savepoint begins at db->depth */
void tokens_back(struct db *db);   /* it is rolled back */
void tokens_forget(struct db *db); /* the transaction is over */
enum err tokens_optimize(struct db *db, const char *table);
enum err tokens_merge(struct store *store, const char *table, int pages, bool *more);
/* Appends the FTS expression of a MATCH node: AND over tokens, OR over prefixes. */
void tokens_match(struct buf *out, const struct expr *match);
