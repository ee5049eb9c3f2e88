/* db - opening and closing a connection, its pragmas, the registry, and the mapping of errors.
 *
 * What data.md section 4 asks is set and read back here: a connection that is not WAL, or writes
 * without synchronous=FULL, is never handed out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite/file.h"
#include "store/sqlite/trace.h"

/* --- errors --- */

void db_why(struct db *db, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    snprintf(db->why, sizeof db->why, "%s", buf_cstr(&text));
    buf_release(&text);
}

static enum err constraint_err(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_CONFLICT;
    default:
        return ERR_VALIDATION; /* NOT NULL, a type, an overflow into a real */
    }
}

static enum err map_err(struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_IOERR:
        return file_err(sqlite3_system_errno(db->handle));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_INTERRUPT: {
        bool asked_back = db->asked_back;
        db->asked_back = false;
        return asked_back ? ERR_BUSY : ERR_TIMEOUT;
    }
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        return constraint_err(rc);
    case SQLITE_ERROR:
        if (strcmp(sqlite3_errmsg(db->handle), "integer overflow") == 0)
            return ERR_VALIDATION;
        return ERR_INTERNAL;
    default:
        return ERR_INTERNAL;
    }
}

enum err db_err(struct db *db, int rc)
{
    if (rc == SQLITE_OK)
        return ERR_OK;
    if ((rc & 0xff) == SQLITE_NOMEM)
        BUG("out of memory");
    enum err e = map_err(db, rc);
    db_why(db, "%s (%d)", sqlite3_errmsg(db->handle), rc);
    if (db->in_tx && !db->lost && sqlite3_get_autocommit(db->handle))
        db->lost = e;
    return e;
}

enum err db_exec(struct db *db, const char *sql)
{
    enum err e = tx_touch(db);
    if (e)
        return e;
    seen_forget(db); /* it may be anything */
    db->trusted = true;
    db->started_us = -1;
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    db->trusted = false;
    if (rc == SQLITE_OK)
        trace_exec(sql);
    return db_err(db, rc);
}

enum err db_int(struct db *db, const char *sql, int64_t *out)
{
    struct stmt *stmt;
    enum err e = stmt_once(db, sql, &stmt);
    if (e)
        return e;
    bool row;
    e = stmt_step(db, stmt, &row);
    if (!e && !row)
        e = ERR_NOT_FOUND;
    if (!e)
        *out = sqlite3_column_int64(stmt->handle, 0);
    stmt_release(db, stmt);
    return e;
}

static const char *sqlite_why(const struct store *store)
{
    return ((const struct db *)store)->why;
}

static enum err sqlite_check_library(const char **why)
{
    if (sqlite3_libversion_number() >= DB_LIBRARY_FLOOR)
        return ERR_OK;
    *why =
        "SQLite is older than 3.51.3, which can corrupt a store; run scripts/deps and build again";
    return ERR_NOT_SUPPORTED;
}

/* --- the registry of tables --- */

static void registry_add(struct db *db, sqlite3_stmt *row)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    struct table_entry *entry = map_get(&db->registry, slice_str(name));
    if (!entry) {
        entry = arena_make(db->registry_arena, struct table_entry);
        entry->name = arena_strdup(db->registry_arena, name);
        entry->writes = arena_make(db->registry_arena, int64_t);
        entry->key = arena_strdup(db->registry_arena, (const char *)sqlite3_column_text(row, 1));
        map_put(&db->registry, slice_str(entry->name), entry);
    }
    entry->append_only = sqlite3_column_int(row, 2);
    entry->tokens = sqlite3_column_int(row, 3) & TABLE_TOKENS;
    entry->late = sqlite3_column_int(row, 3) & TABLE_LATE;
    entry->absent = sqlite3_column_int(row, 3) & TABLE_ABSENT;
    entry->generation = db->generation;
}

enum err db_schema_version(struct db *db, int64_t *out)
{
    struct stmt *stmt;
    bool row;
    enum err e = stmt_fixed(db, FIXED_SCHEMA_VERSION, &stmt);
    if (e)
        return e;
    e = stmt_step(db, stmt, &row);
    if (!e)
        *out = row ? sqlite3_column_int64(stmt->handle, 0) : 0;
    stmt_release(db, stmt);
    return e;
}

static void registry_drop(struct db *db)
{
    size_t at = 0;
    struct slice name;
    void *entry;
    while (map_next(&db->registry, &at, &name, &entry)) {
        struct stmt *probe = ((struct table_entry *)entry)->probe;
        if (probe)
            stmt_drop(probe);
        free(probe);
    }
    map_release(&db->registry);
}

static void schema_weigh(struct db *db)
{
    int used = 0, most;
    (void)sqlite3_db_status(db->handle, SQLITE_DBSTATUS_SCHEMA_USED, &used, &most, 0);
    db->schema_bytes = (size_t)used;
}

enum err db_registry_load(struct db *db)
{
    struct stmt *stmt;
    enum err e = stmt_fixed(db, FIXED_TABLES, &stmt);
    if (e)
        return e;
    bool row;
    db->generation++;
    while (!(e = stmt_step(db, stmt, &row)) && row)
        registry_add(db, stmt->handle);
    stmt_release(db, stmt);
    schema_weigh(db);
    return e;
}

const struct table_entry *db_table_peek(const struct db *db, struct slice name)
{
    const struct table_entry *entry = map_get(&db->registry, name);
    return entry && entry->generation == db->generation ? entry : NULL;
}

enum err db_table(struct db *db, const char *name, const struct table_entry **out)
{
    struct slice key = slice_str(name);
    const struct table_entry *entry = db_table_peek(db, key);
    if (!entry) { /* perhaps made by another connection since */
        enum err e = db_registry_load(db);
        if (e)
            return e;
        entry = db_table_peek(db, key);
    }
    if (!entry) {
        db_why(db, "no table \"%s\" in this store", name);
        return ERR_INTERNAL;
    }
    *out = entry;
    return ERR_OK;
}

/* --- opening --- */

static int wal_moved(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = arg;
    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

/* Sets, then reads back. */
static enum err pragma_check(struct db *db, const char *pragma, int64_t wanted)
{
    char sql[80];
    int64_t got = -1;
    snprintf(sql, sizeof sql, "PRAGMA %s = %lld", pragma, (long long)wanted);
    enum err e = db_exec(db, sql);
    if (e)
        return e;
    snprintf(sql, sizeof sql, "PRAGMA %s", pragma);
    e = db_int(db, sql, &got);
    if (e == ERR_NOT_FOUND && wanted == 0)
        return ERR_OK; /* mmap_size answers no row in a build without mapping */
    if (e)
        return e;
    if (got != wanted) {
        db_why(db, "PRAGMA %s is %lld instead of %lld", pragma, (long long)got, (long long)wanted);
        return ERR_IO;
    }
    return ERR_OK;
}

static enum err wal_check(struct db *db)
{
    struct stmt *stmt;
    const char *sql = db->mode == STORE_READ ? "PRAGMA journal_mode" : "PRAGMA journal_mode = WAL";
    enum err e = stmt_once(db, sql, &stmt);
    if (e)
        return e;
    bool row;
    e = stmt_step(db, stmt, &row);
    if (!e && (!row || strcmp((const char *)sqlite3_column_text(stmt->handle, 0), "wal") != 0)) {
        db_why(db, "the store is not in WAL mode");
        e = ERR_CORRUPT;
    }
    stmt_release(db, stmt);
    return e;
}

static enum err pragmas_set(struct db *db)
{
    enum err e = wal_check(db);
    if (!e)
        e = db_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                        "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
                        "PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 0");
    if (!e)
        e = pragma_check(db, "mmap_size", 0);
    if (!e)
        e = pragma_check(db, "cache_size", -2048);
    if (!e && db->mode != STORE_READ)
        e = pragma_check(db, "synchronous", 2);
    if (!e)
        e = pragma_check(db, "query_only", db->mode == STORE_READ);
    if (!e)
        sqlite3_wal_hook(db->handle, wal_moved, db); /* replaces the automatic checkpoint */
    return e;
}

static enum err header_check(struct db *db)
{
    int64_t is_ours = 0, version = 0;
    enum err e =
        db_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'perigee_header'", &is_ours);
    if (e)
        return e;
    if (is_ours)
        e = db_int(db, "SELECT core_version FROM perigee_header WHERE id = 1", &version);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (version < 1) {
        db_why(db, "a database, but not a store of this program");
        return ERR_CORRUPT;
    }
    if (version > DB_CORE_VERSION) {
        db_why(db,
               "made by a newer program (layout %lld, this one knows %d): update the program first",
               (long long)version, DB_CORE_VERSION);
        return ERR_NOT_SUPPORTED;
    }
    return ERR_OK;
}

/* Pages come one by one from the heap: twenty at once for each connection are a third of what an
 * idle one holds. Refused, and harmless, where SQLite is in use already. */
static void library_start(void)
{
    static bool is_done;
    if (!is_done)
        (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    is_done = true;
}

static struct db *db_new(const char *path, enum store_mode mode)
{
    static struct bind binds[STORE_BINDS_MAX];
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        BUG("out of memory");
    library_start();
    db->binds = binds;
    db->store.driver = sqlite_driver();
    db->path = strdup(path);
    if (!db->path)
        BUG("out of memory");
    db->mode = mode;
    db->started_us = -1;
    db->registry_arena = arena_new_small();
    map_init(&db->registry, NULL); /* it grows: in the arena every smaller one would stay */
    return db;
}

static void sqlite_close(struct store *store)
{
    struct db *db = db_of(store);
    if (db->in_tx)
        tx_rollback(store);
    registry_drop(db);
    stmt_forget_all(db);
    if (sqlite3_close(db->handle) != SQLITE_OK)
        BUG("a statement is still open");
    buf_release(&db->sql);
    buf_release(&db->scratch);
    buf_release(&db->folded);
    kept_forget(db);
    seen_forget(db);
    buf_release(&db->seen.key);
    buf_release(&db->waiting.text);
    free(db->waiting.at);
    arena_free(db->registry_arena);
    arena_free(db->covers_arena);
    free(db->path);
    free(db);
}

static enum err connect(struct db *db, int flags)
{
    int rc = sqlite3_open_v2(db->path, &db->handle,
                             flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
    enum err e = db_err(db, rc);
    if (!e)
        e = db_err(db, sqlite3_db_config(db->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL,
                                         DB_LOOKASIDE_SLOT, DB_LOOKASIDE_SLOTS));
    if (!e)
        e = guard_install(db);
    return e;
}

static enum err sqlite_open(const char *path, enum store_mode mode, struct store **out,
                            struct buf *why)
{
    char real[PATH_MAX];
    enum err e = file_resolve(path, real);
    if (e || access(real, F_OK) != 0) {
        buf_printf(why, "there is no store");
        return ERR_NOT_FOUND;
    }
    struct db *db = db_new(real, mode);
    e = connect(db, mode == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    /* After a crash the first who opens replays the WAL; whoever comes meanwhile finds it locked.
     */
    sqlite3_busy_timeout(db->handle, STORE_OPEN_WAIT_MS);
    if (!e)
        e = pragmas_set(db);
    if (!e)
        e = header_check(db);
    sqlite3_busy_timeout(db->handle, 0);
    if (!e) {
        schema_weigh(db);
        keep_relax(&db->store); /* the schema's pages have been read */
    }
    if (e) {
        buf_put_str(why, db->why);
        sqlite_close(&db->store);
        return e;
    }
    *out = &db->store;
    return ERR_OK;
}

static enum err create_at(const char *path, struct buf *why)
{
    struct db *db = db_new(path, STORE_OWNER);
    enum err e = connect(db, SQLITE_OPEN_READWRITE);
    if (!e)
        e = pragmas_set(db);
    if (!e)
        e = schema_create_system(db);
    if (!e)
        e = keep_checkpoint(&db->store, STORE_CHECKPOINT_TRUNCATE, NULL);
    if (e)
        buf_put_str(why, db->why);
    sqlite_close(&db->store);
    return e;
}

/* Built beside its place and moved there when whole. */
static enum err sqlite_create(const char *path, struct buf *why)
{
    char real[PATH_MAX], making[PATH_MAX + 8];
    enum err e = file_resolve(path, real);
    if (e) {
        buf_printf(why, "its folder does not exist");
        return e;
    }
    if (access(real, F_OK) == 0) {
        buf_printf(why, "something is already there");
        return ERR_CONFLICT;
    }
    snprintf(making, sizeof making, "%s.new", real);
    file_remove_database(making);
    int fd = open(making, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        buf_printf(why, "%s", strerror(errno));
        return file_err(errno);
    }
    close(fd);
    e = create_at(making, why);
    if (!e)
        e = file_publish(making, real);
    if (e)
        file_remove_database(making);
    return e;
}

static void sqlite_watch(struct store *store, bool (*is_asked)(void *arg), void *arg)
{
    struct db *db = db_of(store);
    db->is_asked = is_asked;
    db->asked_arg = arg;
}

static int64_t sqlite_budget(struct store *store, int64_t cpu_us)
{
    int64_t before = db_of(store)->budget_us;
    db_of(store)->budget_us = cpu_us;
    return before;
}

const struct store_driver *sqlite_driver(void)
{
    static const struct store_driver driver = {
        .name = "sqlite",
        .open = sqlite_open,
        .create = sqlite_create,
        .close = sqlite_close,
        .check_library = sqlite_check_library,
        .why = sqlite_why,
        .schema_apply = schema_apply,
        .header_read = schema_header_read,
        .header_bump = schema_header_bump,
        .begin = tx_begin,
        .commit = tx_commit,
        .rollback = tx_rollback,
        .in_tx = tx_is_open,
        .in_write = tx_is_write,
        .savepoint = tx_savepoint,
        .savepoint_end = tx_savepoint_end,
        .certain = tx_certain,
        .insert = write_insert,
        .put = write_put,
        .update = write_update,
        .remove = write_delete,
        .trim = write_trim,
        .redact = write_redact,
        .counter = write_counter,
        .key_max = read_key_max,
        .tokens_put = tokens_put,
        .tokens_any = tokens_any,
        .tokens_merge = tokens_merge,
        .read = read_query,
        .explain = read_explain,
        .budget = sqlite_budget,
        .watch = sqlite_watch,
        .checkpoint = keep_checkpoint,
        .wal_pages = keep_wal_pages,
        .backup = backup_make,
        .integrity = keep_integrity,
        .scrub = keep_scrub,
        .stats = keep_stats,
        .memory = keep_memory,
        .relax = keep_relax,
        .rest = keep_rest,
        .row_int = read_row_int,
        .row_bytes = read_row_bytes,
        .row_is_null = read_row_is_null,
        .row_value = read_row_value,
    };
    return &driver;
}
