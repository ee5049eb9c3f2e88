/* keep - checkpoints, integrity, scrubbing, numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/sqlite/db.h"

/* PASSIVE first: it copies what it can without waiting for anybody and tells the WAL's length. Only
 * the reset afterwards may have to wait for readers. */
enum err keep_checkpoint(struct store *store, enum store_checkpoint how, int *pages)
{
    struct db *db = db_of(store);
    int frames = 0, copied = 0;
    bool may =
        db->mode == STORE_OWNER || (db->mode == STORE_WRITER && how == STORE_CHECKPOINT_IDLE);
    if (!may) {
        db_why(db, "only the owner of a store checkpoints it");
        return ERR_FORBIDDEN;
    }
    int rc =
        sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        return db_err(db, rc);
    if (pages)
        *pages = frames > 0 ? frames : 0;
    db->wal_pages = frames > 0 ? frames : 0;
    if (how == STORE_CHECKPOINT_IDLE)
        return ERR_OK;
    sqlite3_busy_timeout(db->handle, STORE_RESTART_WAIT_MS);
    rc = sqlite3_wal_checkpoint_v2(db->handle, NULL,
                                   how == STORE_CHECKPOINT_RESTART ? SQLITE_CHECKPOINT_RESTART
                                                                   : SQLITE_CHECKPOINT_TRUNCATE,
                                   &frames, &copied);
    sqlite3_busy_timeout(db->handle, 0);
    if (rc == SQLITE_OK)
        db->wal_pages = 0;
    return db_err(db, rc);
}

int keep_wal_pages(const struct store *store)
{
    return ((const struct db *)store)->wal_pages;
}

enum err keep_integrity(struct store *store, struct buf *out)
{
    struct db *db = db_of(store);
    struct stmt *stmt;
    enum err e = stmt_once(db, "PRAGMA integrity_check", &stmt);
    if (e)
        return e;
    bool row, sound = true;
    while (!(e = stmt_step(db, stmt, &row)) && row) {
        const char *line = (const char *)sqlite3_column_text(stmt->handle, 0);
        if (strcmp(line, "ok") == 0)
            continue;
        sound = false;
        buf_printf(out, "%s\n", line);
    }
    stmt_release(db, stmt);
    if (!e && !sound) {
        db_why(db, "the structure check found damage");
        e = ERR_CORRUPT;
    }
    return e;
}

static enum err tokens_scrub(struct db *db)
{
    size_t at = 0;
    struct slice name;
    void *found;
    while (map_next(&db->registry, &at, &name, &found)) {
        const struct table_entry *entry = found;
        if (!entry->tokens || entry->late || entry->generation != db->generation)
            continue;
        enum err e = tokens_optimize(db, entry->name);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err keep_scrub(struct store *store)
{
    struct db *db = db_of(store);
    if (db->mode != STORE_OWNER) {
        db_why(db, "only the owner of a store scrubs it");
        return ERR_FORBIDDEN;
    }
    enum err e = db_registry_load(db);
    if (!e)
        e = tx_begin(store, true);
    if (e)
        return e;
    e = tokens_scrub(db);
    if (e) {
        tx_rollback(store);
        return e;
    }
    e = tx_commit(store);
    return e ? e : keep_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, NULL);
}

static int64_t file_bytes(const char *path, const char *tail)
{
    char name[PATH_MAX + 8];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, tail);
    return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

size_t keep_memory(const struct store *store)
{
    const struct db *db = (const struct db *)store;
    int pages = 0, most;
    size_t statements = 0;
    for (int i = 0; i < FIXED_COUNT; i++)
        statements += db->fixed[i].bytes;
    for (int i = 0; i < db->cache_count; i++)
        statements += db->cache[i].bytes;
    (void)sqlite3_db_status(db->handle, SQLITE_DBSTATUS_CACHE_USED, &pages, &most, 0);
    return sizeof *db + DB_LOOKASIDE_SLOT * DB_LOOKASIDE_SLOTS + db->schema_bytes + (size_t)pages +
           statements + arena_used(db->registry_arena) +
           db->registry.cap * sizeof *db->registry.slots;
}

void keep_relax(struct store *store)
{
    (void)sqlite3_db_release_memory(db_of(store)->handle);
}

void keep_rest(struct store *store)
{
    stmt_rest(db_of(store));
    keep_relax(store);
}

void keep_stats(struct store *store, struct store_stats *out)
{
    struct db *db = db_of(store);
    *out = (struct store_stats){
        .bytes = file_bytes(db->path, ""),
        .wal_bytes = file_bytes(db->path, "-wal"),
        .cache_hits = db->hits,
        .statements = db->cache_count,
        .prepared = db->prepared,
    };
}
