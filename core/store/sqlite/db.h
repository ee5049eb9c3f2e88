/* db - one SQLite connection; private to this folder.
 *
 * The connection owns a statement cache, the buffers a statement is written in, and the registry of
 * tables that callers may name. One thread, so nothing here is locked.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sqlite3.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/driver.h"
#include "store/sqlite/kept.h"
#include "store/sqlite/seen.h"
#include "store/sqlite/stmt.h"
#include "store/sqlite/tokens.h"

#define DB_CORE_VERSION  1       /* layout of the perigee_* tables below */
#define DB_LIBRARY_FLOOR 3051003 /* older ones can corrupt a WAL (data.md D9) */
#define DB_WHY_BYTES     512

/* Small blocks that a connection keeps for its parser, instead of asking the heap. */
#define DB_LOOKASIDE_SLOT  1200
#define DB_LOOKASIDE_SLOTS 20

/* Bits of perigee_table.tokens. */
#define TABLE_TOKENS 1
#define TABLE_LATE   2
#define TABLE_ABSENT 4

struct table_entry { /* one row of the registry; lives as long as the connection */
    const char *name;
    const char *key; /* "id" or "a,b"; never changes */
    bool append_only, tokens;
    bool late;   /* as last read: empty so far, without its indexes and token table; late.c */
    bool absent; /* late, and the table itself is only noted */
    int64_t generation; /* an entry of an older one has vanished from the store */
    int64_t *writes;    /* to it by this connection, counted: what was seen before is old */
    struct stmt
        *probe; /* owned; of tokens_any: beside the cache, which a search of all would empty */
};

/* A savepoint of the caller's; see tx.c. */
struct level {
    int anchor;      /* 1 + the level whose engine savepoint brings its beginning back; 0 = none */
    bool is_certain; /* what is written in it is not refused any more: none is needed */
    bool is_bare;    /* so something was written without */
};

struct db {
    struct store store; /* first */
    sqlite3 *handle;    /* owned */
    char *path;         /* owned */
    enum store_mode mode;

    struct stmt fixed[FIXED_COUNT];
    struct stmt cache[STATEMENTS_CACHED_MAX];
    int cache_count;
    uint64_t tick;
    int64_t hits, prepared;
    size_t schema_bytes; /* of SQLite's own tree of it, when it was last read */

    struct kept kept[KEPT_MAX];
    struct seen_all seen; /* of this transaction */

    struct tally *tally;         /* what the statement being stepped counts into; borrowed */
    struct semijoins *semijoins; /* and its sets; borrowed */
    struct arena *covers_arena;  /* owned; NULL = not read yet */
    struct map covers;           /* table name -> struct cover_index, as of covers_version */
    int64_t covers_version;      /* the schema's number */

    struct buf sql;     /* text being emitted */
    struct buf scratch; /* texts made while emitting: JSON lists, MATCH expressions */
    struct buf folded;  /* scratch of fold_find() */
    struct bind *binds; /* of STORE_BINDS_MAX; the process's, as it emits one text at a time */

    struct arena *registry_arena; /* owned */
    struct map registry;          /* table name -> struct table_entry; its slots on the heap */
    int64_t generation;           /* 0 = not read yet */
    bool trusted; /* what is being prepared is ours: system tables and DDL are allowed */

    bool in_tx, tx_writes;
    int late_depth;       /* 1 + savepoints around what this transaction made late, or 0 */
    int64_t late_version; /* the schema's number when late_is looked last */
    int depth;            /* open savepoints */
    struct level levels[DB_DEPTH_MAX];
    struct waiting_all waiting; /* of this transaction */
    enum err lost;              /* the engine rolled the transaction back by itself: why */
    bool heal; /* a commit whose sync failed may still stand in the WAL; see tx.c */

    int64_t budget_us, started_us; /* started_us: -1 until the progress handler first ran */
    bool out_of_time;
    bool (*is_asked)(void *arg); /* whether somebody waits for the snapshot; NULL = nobody asks */
    void *asked_arg;
    bool asked_back; /* the statement was stopped for that */
    int wal_pages;
    char why[DB_WHY_BYTES];
    char index[NAME_BYTES_MAX * 2]; /* the index of the last conflict */
};

static inline struct db *db_of(struct store *store)
{
    return (struct db *)store;
}

/* db.c */
MUST_USE enum err db_err(struct db *db, int rc); /* maps rc, keeps the detail, notices a lost tx */
void db_why(struct db *db, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST_USE enum err db_exec(struct db *db, const char *sql); /* trusted, no rows, not cached */
/* First column of the first row of a trusted statement as int; ERR_NOT_FOUND when no row. */
MUST_USE enum err db_int(struct db *db, const char *sql, int64_t *out);
/* The registry entry of a table callers may name; unknown is a BUG-like ERR_INTERNAL. */
MUST_USE enum err db_table(struct db *db, const char *name, const struct table_entry **out);
/* The same without an error and without reading the registry again; NULL when unknown. */
const struct table_entry *db_table_peek(const struct db *db, struct slice name);
/* Reads it again: the schema changed. Entries handed out before stay valid. */
MUST_USE enum err db_registry_load(struct db *db);
/* Moves with every table and index that is made or dropped; cheap to ask. */
MUST_USE enum err db_schema_version(struct db *db, int64_t *out);

/* guard.c: the authorizer, SQL functions, progress handler, limits */
MUST_USE enum err guard_install(struct db *db);
bool guard_name_is_plain(const char *name); /* [a-z_][a-z0-9_]*, at most NAME_BYTES_MAX */

/* tx.c */
enum err tx_begin(struct store *store, bool write);
enum err tx_commit(struct store *store);
void tx_rollback(struct store *store);
bool tx_is_open(const struct store *store);
bool tx_is_write(const struct store *store);
enum err tx_savepoint(struct store *store);
enum err tx_savepoint_end(struct store *store, enum err e);
void tx_certain(struct store *store);
/* Before and behind each statement that writes: the savepoint it needs, and that it did. */
MUST_USE enum err tx_touch(struct db *db);
void tx_wrote(struct db *db);

/* schema.c */
enum err schema_create_system(struct db *db);
enum err schema_apply(struct store *store, const struct store_schema *wanted);
enum err schema_header_read(struct store *store, struct store_header *out);
enum err schema_header_bump(struct store *store, bool model, bool auth);

/* late.c */
/* In a write transaction: makes what a late table lacks, where it still does. */
MUST_USE enum err late_make(struct db *db, const char *table, bool tokens);
/* What was made inside more savepoints than `depth` - 1 is gone: the registry is read again. */
void late_undone(struct db *db, int depth);
/* Is it without indexes and tokens now? */
bool late_is(struct db *db, const struct table_entry *entry);
/* Is there no table of that name yet? Then nothing is in it. */
bool late_is_absent(struct db *db, const struct table_entry *entry);
/* "id,name,…": the columns that an absent table will have, appended to out. */
MUST_USE enum err late_columns(struct db *db, const char *table, struct buf *out);

/* write.c */
enum err write_insert(struct store *store, const char *table, const struct store_set *sets,
                      int count, const char **index);
enum err write_put(struct store *store, const char *table, const struct store_set *sets, int count);
enum err write_update(struct store *store, const char *table, const struct expr *where,
                      const struct store_set *sets, int count, int64_t *changed,
                      const char **index);
enum err write_delete(struct store *store, const char *table, const struct expr *where,
                      int64_t *changed);
enum err write_trim(struct store *store, const char *table, const char *key, int64_t until,
                    int64_t *changed);
enum err write_redact(struct store *store, const char *table, const char *column,
                      const struct expr *where, int64_t *changed);
enum err write_counter(struct store *store, struct slice name, int64_t start, int64_t by,
                       int64_t *out);

/* read.c */
enum err read_query(struct store *store, const struct query *query, store_row_cb cb, void *arg);
/* One statement for the whole of it: no groups, no cursor. */
MUST_USE enum err read_one(struct db *db, const struct query *query, store_row_cb cb, void *arg);
/* One statement, whatever is kept. */
MUST_USE enum err read_whole(struct db *db, const struct query *query, store_row_cb cb, void *arg);
enum err read_explain(struct store *store, const struct query *query, struct buf *out);
enum err read_key_max(struct store *store, const char *table, int64_t *out);
int64_t read_row_int(const struct store_row *row, int column);
struct slice read_row_bytes(const struct store_row *row, int column);
bool read_row_is_null(const struct store_row *row, int column);
struct value read_row_value(const struct store_row *row, int column);

/* keep.c */
enum err keep_checkpoint(struct store *store, enum store_checkpoint how, int *pages);
int keep_wal_pages(const struct store *store);
enum err keep_integrity(struct store *store, struct buf *out);
enum err keep_scrub(struct store *store);
void keep_stats(struct store *store, struct store_stats *out);
size_t keep_memory(const struct store *store);
void keep_relax(struct store *store);
void keep_rest(struct store *store);

/* backup.c */
enum err backup_make(struct store *store, const char *path);
