/* stmt - prepared statements: fixed ones, and a cache keyed by the statement's text.
 *
 * Preparing costs five times what running does, so every text is kept until 63 others were used
 * after it. A statement that is being stepped is busy: a nested use of the same text (a row
 * callback that reads again) gets a statement of its own, freed when released.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "store/sqlite/db.h"
#include "store/sqlite/trace.h"

static const char *const fixed_sql[FIXED_COUNT] = {
#define X(name, sql) [FIXED_##name] = (sql),
    DB_FIXED_MAP(X)
#undef X
};

static enum err prepare(struct db *db, struct slice sql, bool keep, bool trusted,
                        sqlite3_stmt **out)
{
    db->trusted = trusted;
    int rc = sqlite3_prepare_v3(db->handle, sql.at, (int)sql.len,
                                keep ? SQLITE_PREPARE_PERSISTENT : 0, out, NULL);
    db->trusted = false;
    db->prepared++;
    return db_err(db, rc);
}

static size_t weight(sqlite3_stmt *handle)
{
    return (size_t)sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_MEMUSED, 0);
}

static enum err temporary(struct db *db, struct slice sql, bool trusted, struct stmt **out)
{
    sqlite3_stmt *handle = NULL;
    enum err e = prepare(db, sql, false, trusted, &handle);
    if (e)
        return e;
    struct stmt *stmt = calloc(1, sizeof *stmt);
    if (!stmt)
        BUG("out of memory");
    stmt->handle = handle;
    stmt->trusted = trusted;
    stmt->busy = true;
    *out = stmt;
    return ERR_OK;
}

enum err stmt_fixed(struct db *db, enum db_fixed which, struct stmt **out)
{
    ASSERT(which < FIXED_COUNT);
    struct stmt *stmt = &db->fixed[which];
    if (!stmt->handle) {
        enum err e = prepare(db, slice_str(fixed_sql[which]), true, true, &stmt->handle);
        if (e)
            return e;
        stmt->cached = true;
        stmt->trusted = true;
        stmt->bytes = weight(stmt->handle);
    }
    ASSERT(!stmt->busy);
    stmt->busy = true;
    db->started_us = -1;
    *out = stmt;
    return ERR_OK;
}

enum err stmt_once(struct db *db, const char *sql, struct stmt **out)
{
    db->started_us = -1;
    return temporary(db, slice_str(sql), true, out);
}

void stmt_drop(struct stmt *slot)
{
    sqlite3_finalize(slot->handle);
    free(slot->sql);
    *slot = (struct stmt){0};
}

/* A free slot, or the one unused for longest; NULL when all are being stepped. */
static struct stmt *slot_find(struct db *db)
{
    if (db->cache_count < STATEMENTS_CACHED_MAX)
        return &db->cache[db->cache_count++];
    struct stmt *oldest = NULL;
    for (int i = 0; i < STATEMENTS_CACHED_MAX; i++) {
        struct stmt *stmt = &db->cache[i];
        if (!stmt->busy && (!oldest || stmt->used_at < oldest->used_at))
            oldest = stmt;
    }
    if (oldest)
        stmt_drop(oldest);
    return oldest;
}

static struct stmt *cache_find(struct db *db, struct slice sql, uint64_t hash)
{
    for (int i = 0; i < db->cache_count; i++) {
        struct stmt *stmt = &db->cache[i];
        if (stmt->hash == hash && stmt->len == sql.len && stmt->handle &&
            memcmp(stmt->sql, sql.at, sql.len) == 0)
            return stmt;
    }
    return NULL;
}

/* A table made by another connection after our registry was read: read it again, once. */
static enum err prepare_known(struct db *db, struct slice sql, sqlite3_stmt **out)
{
    enum err e = prepare(db, sql, true, false, out);
    if (e && sqlite3_errcode(db->handle) == SQLITE_AUTH) {
        e = db_registry_load(db);
        if (!e)
            e = prepare(db, sql, true, false, out);
    }
    return e;
}

enum err stmt_cached(struct db *db, struct slice sql, struct stmt **out)
{
    if (sql.len > STORE_SQL_BYTES_MAX) {
        db_why(db, "a query of %zu bytes", sql.len);
        return ERR_TOO_LARGE;
    }
    db->started_us = -1;
    uint64_t hash = hash_bytes(sql);
    struct stmt *stmt = cache_find(db, sql, hash);
    if (stmt && !stmt->busy) {
        db->hits++;
        stmt->used_at = ++db->tick;
        stmt->busy = true;
        *out = stmt;
        return ERR_OK;
    }
    if (stmt)
        return temporary(db, sql, false, out);
    sqlite3_stmt *handle = NULL;
    enum err e = prepare_known(db, sql, &handle);
    if (e)
        return e;
    struct stmt *slot = slot_find(db);
    if (!slot) {
        sqlite3_finalize(handle);
        return temporary(db, sql, false, out);
    }
    char *copy = malloc(sql.len + 1);
    if (!copy)
        BUG("out of memory");
    memcpy(copy, sql.at, sql.len);
    *slot = (struct stmt){.handle = handle,
                          .sql = copy,
                          .len = sql.len,
                          .bytes = weight(handle) + sql.len,
                          .hash = hash,
                          .used_at = ++db->tick,
                          .busy = true,
                          .cached = true};
    *out = slot;
    return ERR_OK;
}

enum err stmt_kept(struct db *db, struct stmt *slot, struct slice sql)
{
    ASSERT(!slot->busy);
    if (!slot->handle) {
        enum err e = prepare_known(db, sql, &slot->handle);
        if (e)
            return e;
        slot->cached = true;
    }
    slot->busy = true;
    db->started_us = -1;
    return ERR_OK;
}

enum err stmt_bind(struct db *db, struct stmt *stmt, int at, const struct value *value)
{
    static const char empty[] = "";
    const char *bytes = value->bytes.at ? value->bytes.at : empty;
    int rc = SQLITE_OK;
    switch (value->type) {
    case VALUE_NULL:
        rc = sqlite3_bind_null(stmt->handle, at);
        break;
    case VALUE_INT:
        rc = sqlite3_bind_int64(stmt->handle, at, value->integer);
        break;
    case VALUE_TEXT: /* borrowed: the caller's values outlive the call */
        rc = sqlite3_bind_text64(stmt->handle, at, bytes, value->bytes.len, SQLITE_STATIC,
                                 SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        rc = sqlite3_bind_blob64(stmt->handle, at, bytes, value->bytes.len, SQLITE_STATIC);
        break;
    }
    return db_err(db, rc);
}

enum err stmt_step(struct db *db, struct stmt *stmt, bool *row)
{
    ASSERT(stmt->busy);
    bool writes = !sqlite3_stmt_readonly(stmt->handle);
    enum err e = writes ? tx_touch(db) : ERR_OK;
    if (e)
        return e;
    enum meter_part part = meter_enter(trace_part(stmt->handle), !stmt->is_begun);
    stmt->is_begun = true;
    db->trusted = stmt->trusted; /* a changed schema prepares again inside the step */
    int rc = sqlite3_step(stmt->handle);
    db->trusted = false;
    meter_leave(part);
    *row = rc == SQLITE_ROW;
    if (writes && rc == SQLITE_DONE && sqlite3_changes64(db->handle) > 0)
        tx_wrote(db);
    if (writes && rc == SQLITE_DONE)
        trace_done(stmt->handle);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return ERR_OK;
    return db_err(db, rc);
}

enum err stmt_run(struct db *db, struct stmt *stmt)
{
    bool row;
    enum err e;
    do
        e = stmt_step(db, stmt, &row);
    while (!e && row);
    stmt_release(db, stmt);
    return e;
}

void stmt_release(struct db *db, struct stmt *stmt)
{
    if (!stmt)
        return;
    if (!stmt->cached) {
        sqlite3_finalize(stmt->handle);
        free(stmt);
        return;
    }
    db->trusted = stmt->trusted;
    stmt->is_begun = false;
    sqlite3_reset(stmt->handle); /* its result repeats the step's */
    db->trusted = false;
    stmt->busy = false;
}

static int by_use(const void *a, const void *b)
{
    uint64_t left = ((const struct stmt *)a)->used_at, right = ((const struct stmt *)b)->used_at;
    return left < right ? 1 : left > right ? -1 : 0;
}

void stmt_rest(struct db *db)
{
    size_t bytes = 0;
    int keep = 0;
    for (int i = 0; i < db->cache_count; i++)
        if (db->cache[i].busy)
            return; /* somebody is in the middle of a read */
    qsort(db->cache, (size_t)db->cache_count, sizeof *db->cache, by_use);
    while (keep < db->cache_count && bytes + db->cache[keep].bytes <= STATEMENTS_REST_BYTES)
        bytes += db->cache[keep++].bytes;
    for (int i = keep; i < db->cache_count; i++)
        stmt_drop(&db->cache[i]);
    db->cache_count = keep;
}

void stmt_forget_all(struct db *db)
{
    for (int i = 0; i < FIXED_COUNT; i++)
        stmt_drop(&db->fixed[i]);
    for (int i = 0; i < db->cache_count; i++)
        stmt_drop(&db->cache[i]);
    db->cache_count = 0;
}
