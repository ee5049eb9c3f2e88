/* late - what a table gets with its first row: its indexes and its search tokens.
 *
 * Most tables of a tenant never hold a row, and SQLite reads the whole schema for each connection:
 * their indexes were two thirds of what opening a store takes, in time and in memory, and three
 * quarters of the file of a new one. So a table that is marked `late` is made alone. The registry
 * holds the text of its indexes as if they were there, and the second bit of perigee_table.tokens
 * says that they are not. The first insert makes them, in its own transaction.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/db.h"

/* Bound to its table: `sql` takes a name. */
static enum err named(struct db *db, const char *sql, const char *table, struct stmt **out)
{
    struct value name = value_text(slice_str(table));
    enum err e = stmt_once(db, sql, out);
    if (e)
        return e;
    e = stmt_bind(db, *out, 1, &name);
    if (e)
        stmt_release(db, *out);
    return e;
}

/* As this transaction sees it: another connection may have been first. */
static enum err ask(struct db *db, const char *table, bool *late)
{
    struct stmt *stmt;
    bool row = false;
    enum err e = named(db, "SELECT tokens & 2 FROM perigee_table WHERE name = ?", table, &stmt);
    if (e)
        return e;
    e = stmt_step(db, stmt, &row);
    *late = row && sqlite3_column_int(stmt->handle, 0) != 0;
    stmt_release(db, stmt);
    return e;
}

static enum err indexes_make(struct db *db, const char *table)
{
    struct buf all = BUF_INIT;
    struct stmt *stmt;
    bool row;
    enum err e = named(db, "SELECT sql FROM perigee_index WHERE table_name = ?", table, &stmt);
    if (e)
        return e;
    while (!(e = stmt_step(db, stmt, &row)) && row)
        buf_printf(&all, "%s;", (const char *)sqlite3_column_text(stmt->handle, 0));
    stmt_release(db, stmt);
    if (!e && all.len)
        e = db_exec(db, buf_cstr(&all));
    buf_release(&all);
    return e;
}

static enum err mark_made(struct db *db, const char *table)
{
    struct stmt *stmt;
    enum err e =
        named(db, "UPDATE perigee_table SET tokens = tokens & 1 WHERE name = ?", table, &stmt);
    return e ? e : stmt_run(db, stmt);
}

enum err late_make(struct db *db, const char *table, bool tokens)
{
    bool late = false;
    ASSERT(db->in_tx && db->tx_writes);
    enum err e = ask(db, table, &late);
    if (!e && late) {
        if (db->late_depth <= db->depth)
            db->late_depth = db->depth + 1;
        e = indexes_make(db, table);
        if (!e && tokens)
            e = tokens_create(db, table);
        if (!e)
            e = mark_made(db, table);
    }
    struct table_entry *entry = map_get(&db->registry, slice_str(table));
    if (!e && entry)
        entry->late = false;
    return e;
}

void late_undone(struct db *db, int depth)
{
    if (db->late_depth <= depth)
        return;
    db->late_depth = depth;
    db->generation++; /* no entry counts any more: the registry is read again */
    db->covers_version = -1;
    db->late_version = -1;
}

bool late_is(struct db *db, const struct table_entry *entry)
{
    if (!entry->late)
        return false;
    int64_t version = 0; /* moves when the first row of any late table comes */
    enum err e = db_schema_version(db, &version);
    if (!e && version != db->late_version) {
        e = db_registry_load(db);
        db->late_version = e ? -1 : version;
    }
    return !e && entry->late;
}
