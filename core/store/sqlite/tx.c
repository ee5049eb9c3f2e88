/* tx - transactions and savepoints.
 *
 * A failed write may make SQLite roll the whole transaction back by itself (disk full, I/O error,
 * interrupt). `lost` remembers why, so that nothing runs outside a transaction by mistake: every
 * call answers it until the caller ends the transaction.
 *
 * A COMMIT whose fsync failed leaves complete frames in the WAL: the transaction is not visible,
 * but a crash now would bring it back, although its caller was told it failed. The next commit
 * would overwrite them, so one small commit (`heal`) is made at once. Only when that fails too is
 * the outcome unknown; then healing is tried again before the next write.
 *
 * A savepoint costs a copy of every page that is changed behind it, so none is made before
 * something is written (tx_touch): savepoints between which nothing was written share one, their
 * anchor, and one in which nothing was written has none. What its caller has called certain
 * (tx_certain) writes without; should it be refused all the same, the transaction is lost.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/db.h"
#include "store/sqlite/trace.h"

static enum err fixed_run(struct db *db, enum db_fixed which)
{
    struct stmt *stmt;
    enum err e = stmt_fixed(db, which, &stmt);
    return e ? e : stmt_run(db, stmt);
}

static void rollback_engine(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle) && fixed_run(db, FIXED_ROLLBACK) != ERR_OK)
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    /* SQLite refuses a rollback only when none is open. */
    ASSERT(sqlite3_get_autocommit(db->handle));
}

static void tx_end(struct db *db)
{
    db->in_tx = false;
    db->tx_writes = false;
    db->late_depth = 0;
    db->depth = 0;
    db->lost = ERR_OK;
    tokens_forget(db);
    seen_forget(db);
}

static enum err heal(struct db *db)
{
    ASSERT(!db->in_tx);
    char why[DB_WHY_BYTES];
    memcpy(why, db->why, sizeof why);
    enum err e = fixed_run(db, FIXED_BEGIN_WRITE);
    if (!e)
        e = fixed_run(db, FIXED_HEAL);
    if (!e)
        e = fixed_run(db, FIXED_COMMIT);
    rollback_engine(db);
    db->heal = e != ERR_OK;
    memcpy(db->why, why, sizeof why); /* the first failure is the one to tell */
    return e;
}

enum err tx_begin(struct store *store, bool write)
{
    struct db *db = db_of(store);
    ASSERT(!db->in_tx);
    if (write && db->mode == STORE_READ) {
        db_why(db, "the store was opened for reading");
        return ERR_FORBIDDEN;
    }
    if (write && db->heal) {
        enum err healed = heal(db);
        if (healed)
            return healed;
    }
    enum err e = fixed_run(db, write ? FIXED_BEGIN_WRITE : FIXED_BEGIN_READ);
    if (e) {
        rollback_engine(db);
        return e;
    }
    db->in_tx = true;
    db->tx_writes = write;
    return ERR_OK;
}

enum err tx_commit(struct store *store)
{
    struct db *db = db_of(store);
    ASSERT(db->in_tx);
    ASSERT(db->depth == 0 || db->lost);
    bool was_lost = db->lost;
    enum err e = db->lost ? db->lost : tokens_write(db);
    if (!e) {
        struct stmt *stmt;
        e = stmt_fixed(db, FIXED_COMMIT, &stmt);
        if (!e)
            e = stmt_run(db, stmt);
    }
    int code = sqlite3_extended_errcode(db->handle);
    bool sync_failed =
        e && !was_lost && (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC);
    rollback_engine(db);
    meter_write();
    if (e)
        late_undone(db, 0);
    else if (db->late_depth)
        keep_relax(store); /* the schema has been read again */
    tx_end(db);
    if (sync_failed && heal(db) != ERR_OK)
        return ERR_OUTCOME_UNKNOWN;
    return e;
}

void tx_rollback(struct store *store)
{
    struct db *db = db_of(store);
    if (!db->in_tx)
        return;
    rollback_engine(db);
    late_undone(db, 0);
    tx_end(db);
}

bool tx_is_open(const struct store *store)
{
    return ((const struct db *)store)->in_tx;
}

bool tx_is_write(const struct store *store)
{
    const struct db *db = (const struct db *)store;
    return db->in_tx && db->tx_writes;
}

/* --- savepoints --- */

enum err tx_savepoint(struct store *store)
{
    struct db *db = db_of(store);
    ASSERT(db->in_tx);
    if (db->lost)
        return db->lost;
    if (db->depth == DB_DEPTH_MAX) {
        db_why(db, "savepoints nested too deep");
        return ERR_INTERNAL;
    }
    tokens_mark(db);
    db->levels[db->depth++] = (struct level){0};
    return ERR_OK;
}

void tx_certain(struct store *store)
{
    struct db *db = db_of(store);
    ASSERT(db->in_tx);
    if (db->depth > 0)
        db->levels[db->depth - 1].is_certain = true;
}

static bool is_pending(const struct level *level)
{
    return level->anchor == 0 && !level->is_bare;
}

enum err tx_touch(struct db *db)
{
    int last = db->depth - 1, first = last;
    if (last < 0 || !is_pending(&db->levels[last]))
        return ERR_OK;
    while (first > 0 && is_pending(&db->levels[first - 1]))
        first--;
    if (first == last && db->levels[last].is_certain)
        return ERR_OK;
    enum err e = fixed_run(db, FIXED_SAVEPOINT);
    trace_mark(first + 1);
    for (int i = first; i <= last && !e; i++)
        db->levels[i].anchor = first + 1;
    return e;
}

void tx_wrote(struct db *db)
{
    struct level *level = db->depth ? &db->levels[db->depth - 1] : NULL;
    if (level && level->is_certain && is_pending(level))
        level->is_bare = true;
}

/* What was written since the level began, and perhaps nothing. */
static enum err level_undo(struct db *db, const struct level *level)
{
    if (level->is_bare) {
        db_why(db, "what could not be refused was refused");
        return ERR_IO;
    }
    if (!level->anchor)
        return ERR_OK;
    trace_back(level->anchor);
    return fixed_run(db, FIXED_ROLLBACK_TO);
}

enum err tx_savepoint_end(struct store *store, enum err e)
{
    struct db *db = db_of(store);
    ASSERT(db->in_tx);
    ASSERT(db->depth > 0);
    const struct level *level = &db->levels[--db->depth];
    if (db->lost)
        return e ? e : db->lost;
    if (e && level_undo(db, level) != ERR_OK) {
        db->lost = ERR_IO; /* half of a request must never be committed */
        return e;
    }
    if (e) {
        seen_forget(db);
        tokens_back(db);
        late_undone(db, db->depth + 1);
    } else if (db->late_depth > db->depth + 1) {
        db->late_depth = db->depth + 1; /* part of what is around it now */
    }
    bool is_own = level->anchor == db->depth + 1;
    enum err released = is_own ? fixed_run(db, FIXED_RELEASE) : ERR_OK;
    if (released && !db->lost)
        db->lost = released;
    return e ? e : released;
}
