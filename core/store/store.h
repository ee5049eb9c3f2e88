/* store - one tenant's database behind a driver: schema, queries, writes, transactions.
 *
 * Nothing above this folder knows SQL. Tables and columns are named by the caller's schema; filters
 * and lists are `struct query` (query.h); values travel as `struct value`. Blocking: the caller is
 * a process that may wait. A driver is a `struct store_driver`; SQLite is the embedded one.
 * Prepared statements are cached per connection by query shape.
 * Values given to a callback point into the driver's row and are valid until it returns.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "store/schema.h"
#include "store/value.h"

/* --- opening ---------------------------------------------------------------------------------- */

enum store_mode {
    STORE_READ,   /* a gateway: read only, never checkpoints */
    STORE_OWNER,  /* the worker that owns the tenant: writes, and alone checkpoints */
    STORE_WRITER, /* a runner in a lent turn, or a command holding the folder lock */
};

struct store; /* an open connection; private to the driver */
/* Opens an existing store. ERR_NOT_FOUND, ERR_CORRUPT, ERR_NOT_SUPPORTED (made by a newer program),
 * ERR_IO, ERR_FULL. `path` is the tenant's database file. */
MUST_USE enum err store_open(const char *path, enum store_mode mode, struct store **out);
/* The same, but appends the reason to `why` where store_open logs it. A store made by a newer
 * program is ERR_NOT_SUPPORTED. */
MUST_USE enum err store_open_why(const char *path, enum store_mode mode, struct store **out,
                                 struct buf *why);
void store_close(struct store *store); /* NULL is fine */
/* Makes an empty store at path with the header row; ERR_CONFLICT where something is already there.
 * The file appears whole or not at all, readable by its owner alone. */
MUST_USE enum err store_create(const char *path);
/* Refuses to run on a library below the floor; call once at start. */
MUST_USE enum err store_check_library(const char **why);
const char *store_why(const struct store *store); /* the driver's last detail, for the log */

/* --- schema apply ----------------------------------------------------------------------------- */

/* Brings the store to `wanted` by adding tables, columns, indexes and token tables (never dropping
 * a column; vanished indexes are dropped) in ONE transaction, and stores schema->hash. Must not be
 * called inside a transaction. Idempotent. */
MUST_USE enum err store_schema_apply(struct store *store, const struct store_schema *wanted);

/* The header row: read at the start of every read transaction and of every turn. */
struct store_header {
    int64_t core_version;  /* layout of the system tables */
    int64_t model_version; /* moved by every change of the tenant's model */
    int64_t auth_version;  /* moved by every change of a user, role, team, key */
    uint64_t schema_hash;
};
MUST_USE enum err store_header_read(struct store *store, struct store_header *out);
/* Inside a transaction: adds one to the model or auth version. */
MUST_USE enum err store_header_bump(struct store *store, bool model, bool auth);

/* --- transactions ----------------------------------------------------------------------------- */

MUST_USE enum err store_begin(struct store *store,
                              bool write); /* write: BEGIN IMMEDIATE; ERR_BUSY */
/* Returns after fsync. On failure the transaction is rolled back and the store usable again:
 * nothing of it is there, also after a crash. Only ERR_OUTCOME_UNKNOWN (the disk refused the sync
 * and the repair after it) leaves open whether it will be. */
MUST_USE enum err store_commit(struct store *store);
void store_rollback(struct store *store); /* nothing when no transaction is open */
bool store_in_tx(const struct store *store);
bool store_in_write(const struct store *store); /* …one that may write */
/* Nested savepoints; end releases on ERR_OK, else rolls back to it, and hands e on. A full disk, an
 * I/O error or a spent budget inside a write ends the WHOLE transaction: from then on every call
 * answers that error until store_rollback or store_commit (which fails with it). */
MUST_USE enum err store_savepoint(struct store *store);
MUST_USE enum err store_savepoint_end(struct store *store, enum err e);
/* Nothing that is written from here to the end of the innermost savepoint will be refused, but for
 * the first statement itself: so it needs no savepoint of the engine's, which costs a copy of every
 * page that is changed. Who ends it with an error all the same, having written something, loses the
 * whole transaction. Without a savepoint nothing is promised. */
void store_certain(struct store *store);

/* --- writing ---------------------------------------------------------------------------------- */

struct query; /* query.h */
struct expr;

struct store_set {
    const char *column;
    struct value value;
    enum store_how {
        STORE_SET,
        STORE_ADD,  /* column = column + value (int columns) */
        STORE_MOST, /* store_update: the greater of what is there and value; … */
        STORE_LEAST
    } how;
};

/* ERR_CONFLICT on a unique or key clash; then *index (may be NULL) names the index or "" for the
 * key (valid until the next call on the store). ERR_FULL, ERR_IO. */
MUST_USE enum err store_insert(struct store *store, const char *table, const struct store_set *sets,
                               int count, const char **index);
/* Inserts, or updates the given columns where the key is already there (`add`: adds to the column).
 * ERR_FORBIDDEN on an append-only table, as for store_update and store_delete. */
MUST_USE enum err store_put(struct store *store, const char *table, const struct store_set *sets,
                            int count);
/* Rows changed through *changed (may be NULL). `where` NULL is a BUG. */
MUST_USE enum err store_update(struct store *store, const char *table, const struct expr *where,
                               const struct store_set *sets, int count, int64_t *changed,
                               const char **index);
MUST_USE enum err store_delete(struct store *store, const char *table, const struct expr *where,
                               int64_t *changed);
/* Takes the oldest rows off an append-only table: those whose integer key is at most `until`. Its
 * rows have no other end, and law may ask for one. */
MUST_USE enum err store_trim(struct store *store, const char *table, const char *key, int64_t until,
                             int64_t *changed);
/* Empties one column of rows of an append-only table: what was written there about a person who is
 * to be forgotten. The rows stay. */
MUST_USE enum err store_redact(struct store *store, const char *table, const char *column,
                               const struct expr *where, int64_t *changed);
/* Adds `by` to the counter of that name (one that is absent stands at `start`: start 0, by 1 counts
 * 1, 2, 3) and gives the new value: gap-free, because it is part of the transaction. */
MUST_USE enum err store_counter(struct store *store, struct slice name, int64_t start, int64_t by,
                                int64_t *out);
/* The highest key of a table whose key is one integer, 0 when it is empty: the last change of a
 * log; inside a write transaction the next one is one more. */
MUST_USE enum err store_key_max(struct store *store, const char *table, int64_t *out);

/* Search tokens of one record: replaces all it had. `tokens` are separated by one space and already
 * carry their field prefix; empty removes the record. `old` are the tokens given last time, for
 * engines that need them; SQLite does not, so they may be empty there. */
MUST_USE enum err store_tokens_put(struct store *store, const char *table, int64_t id,
                                   struct slice old, struct slice tokens);
/* In a write transaction: merges about `pages` of the table's search index; *more tells whether
 * there is more to merge. After many writes it has many parts, and every search asks each of them;
 * it takes care of itself, but slowly. */
MUST_USE enum err store_tokens_merge(struct store *store, const char *table, int pages, bool *more);
/* Whether the index of the table has any record that the MATCH finds: much cheaper than reading,
 * and no right is asked, so it tells only where looking is in vain. */
MUST_USE enum err store_tokens_any(struct store *store, const char *table, const struct expr *match,
                                   bool *any);

/* --- reading ---------------------------------------------------------------------------------- */

struct store_row;                                               /* one row in the driver */
int64_t store_row_int(const struct store_row *row, int column); /* 0 when null */
struct slice store_row_bytes(const struct store_row *row,
                             int column); /* text or blob; empty when null */
bool store_row_is_null(const struct store_row *row, int column);
struct value store_row_value(const struct store_row *row, int column);

typedef bool (*store_row_cb)(void *arg, const struct store_row *row); /* false stops early */

/* Runs the query; columns come in the order of query->select, then the sort keys and the id when
 * query->keyset is set. ERR_TIMEOUT when the budget ran out (nothing may have been sent yet). */
MUST_USE enum err store_read(struct store *store, const struct query *query, store_row_cb cb,
                             void *arg);
/* How many rows match, counting no further than cap (≥ 1). `where` NULL = all. */
MUST_USE enum err store_count(struct store *store, const char *table, const struct expr *where,
                              int64_t cap, int64_t *out);
/* CPU budget of each following statement in microseconds of thread CPU; 0 = none. Gives the one
 * that held before. */
int64_t store_budget(struct store *store, int64_t cpu_us);
/* Asked now and then while a statement reads outside of a write transaction: true stops it with
 * ERR_BUSY, because somebody waits for its snapshot to end. NULL = nobody asks. */
void store_watch(struct store *store, bool (*is_asked)(void *arg), void *arg);
/* The plan the driver chose, as text, for tests and diagnosis. */
MUST_USE enum err store_explain(struct store *store, const struct query *query, struct buf *out);

/* --- keeping ---------------------------------------------------------------------------------- */

enum store_checkpoint {
    STORE_CHECKPOINT_IDLE,
    STORE_CHECKPOINT_RESTART,
    STORE_CHECKPOINT_TRUNCATE
};
/* The owner's, and in a lent turn the borrower's, who may only do it IDLE. Gives the WAL's length
 * in pages as it was before; ERR_BUSY when a reader kept it from being reset (IDLE never answers
 * that: it copies what it can). pages may be NULL. */
MUST_USE enum err store_checkpoint(struct store *store, enum store_checkpoint how, int *pages);
/* Length of the WAL in pages after this connection's last commit or checkpoint. */
int store_wal_pages(const struct store *store);
/* A consistent copy at `path` (temporary name, fsync, integrity check, rename) of one snapshot. */
MUST_USE enum err store_backup(struct store *store, const char *path);
/* Structure check of the whole file; complaints as lines in out. */
MUST_USE enum err store_integrity(struct store *store, struct buf *out);
/* After erasing personal data: merges search segments and empties the WAL. Owner only. */
MUST_USE enum err store_scrub(struct store *store);

struct store_stats {
    int64_t bytes, wal_bytes, cache_hits, statements, prepared;
};
void store_stats(struct store *store, struct store_stats *out);
/* Memory that the connection holds now: schema, cached pages, prepared statements. */
size_t store_memory(const struct store *store);
/* Gives cached pages back: what was read is not soon asked for again. */
void store_relax(struct store *store);
/* The same for one that nobody has used for a while, and of its prepared statements only those used
 * last stay, STATEMENTS_REST_BYTES of them. */
void store_rest(struct store *store);
