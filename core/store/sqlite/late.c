/* late - what comes with a table's first row: the table, its indexes, its search tokens.
 *
 * Most tables of a tenant never hold a row, and SQLite reads the whole schema for each connection:
 * a thousand columns were half of what a warm tenant holds in a process. So a new table that is
 * marked `late` is only noted: its text and its columns stand in perigee_index under its own name,
 * beside those of its indexes, and a bit of perigee_table.tokens says that it is not there. The
 * first insert makes everything, in its own transaction. Until then whoever reads it is given an
 * empty table of the same columns (emit.c), and who updates or deletes has changed nothing.
 *
 * Stores from before have late tables that are there, without indexes and tokens (TABLE_LATE
 * alone).
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

/* The table first, where it is noted. */
static enum err parts_make(struct db *db, const char *table)
{
    struct buf all = BUF_INIT;
    struct stmt *stmt;
    bool row;
    enum err e = named(db,
                       "SELECT sql FROM perigee_index WHERE table_name = ?"
                       " ORDER BY name <> table_name",
                       table, &stmt);
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
    if (!e)
        e = stmt_run(db, stmt);
    if (!e)
        e = named(db, "DELETE FROM perigee_index WHERE name = ?1 AND table_name = ?1", table,
                  &stmt);
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
        if (db->depth)
            db->levels[db->depth - 1].is_certain = false; /* a schema is made in steps */
        e = parts_make(db, table);
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

bool late_is_absent(struct db *db, const struct table_entry *entry)
{
    return entry->late && late_is(db, entry) && entry->absent;
}

enum err late_columns(struct db *db, const char *table, struct buf *out)
{
    struct value name = value_text(slice_str(table));
    struct stmt *stmt;
    bool row = false;
    enum err e = stmt_fixed(db, FIXED_NOTED, &stmt);
    if (e)
        return e;
    e = stmt_bind(db, stmt, 1, &name);
    if (!e)
        e = stmt_step(db, stmt, &row);
    if (!e && row)
        buf_put_str(out, (const char *)sqlite3_column_text(stmt->handle, 0));
    stmt_release(db, stmt);
    if (e || row)
        return e;
    db_why(db, "table \"%s\" is neither there nor noted", table);
    return ERR_CORRUPT;
}
