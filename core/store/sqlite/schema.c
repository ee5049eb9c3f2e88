/* schema - brings a store's tables to what is wanted, and its header row.
 *
 * Additive: tables, columns, indexes and token tables are made, nothing with data in it is dropped.
 * All in one transaction with the header, so a crash leaves the old or the new. The registry keeps
 * what SQLite's own schema does not say in a handy way: which tables callers may name, their keys,
 * and the text and columns of each index (to remake changed ones and to name conflicts).
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "store/sqlite/db.h"

enum err schema_create_system(struct db *db)
{
    static const char sql[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE perigee_header (id INTEGER PRIMARY KEY, core_version INTEGER NOT NULL,"
        " model_version INTEGER NOT NULL, auth_version INTEGER NOT NULL,"
        " schema_hash INTEGER NOT NULL, heals INTEGER NOT NULL) STRICT;"
        "CREATE TABLE perigee_counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE perigee_table (name TEXT PRIMARY KEY, key TEXT NOT NULL,"
        " append_only INTEGER NOT NULL, tokens INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE perigee_index (name TEXT PRIMARY KEY, table_name TEXT NOT NULL,"
        " columns TEXT NOT NULL, is_unique INTEGER NOT NULL, sql TEXT NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "INSERT INTO perigee_header VALUES (1, 1, 1, 1, 0, 0);"
        "COMMIT";
    _Static_assert(DB_CORE_VERSION == 1, "the header row above carries the version");
    enum err e = db_exec(db, sql);
    if (e && !sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

/* --- header --- */

enum err schema_header_read(struct store *store, struct store_header *out)
{
    struct db *db = db_of(store);
    struct stmt *stmt;
    if (db->lost)
        return db->lost;
    enum err e = stmt_fixed(db, FIXED_HEADER, &stmt);
    if (e)
        return e;
    bool row;
    e = stmt_step(db, stmt, &row);
    if (!e && !row) {
        db_why(db, "the header row is missing");
        e = ERR_CORRUPT;
    }
    if (!e)
        *out = (struct store_header){
            .core_version = sqlite3_column_int64(stmt->handle, 0),
            .model_version = sqlite3_column_int64(stmt->handle, 1),
            .auth_version = sqlite3_column_int64(stmt->handle, 2),
            .schema_hash = (uint64_t)sqlite3_column_int64(stmt->handle, 3),
        };
    stmt_release(db, stmt);
    return e;
}

enum err schema_header_bump(struct store *store, bool model, bool auth)
{
    struct db *db = db_of(store);
    struct value by[] = {value_int(model), value_int(auth)};
    struct stmt *stmt;
    if (db->lost)
        return db->lost;
    ASSERT(db->tx_writes);
    enum err e = stmt_fixed(db, FIXED_BUMP, &stmt);
    if (e)
        return e;
    e = stmt_bind(db, stmt, 1, &by[0]);
    if (!e)
        e = stmt_bind(db, stmt, 2, &by[1]);
    if (!e)
        return stmt_run(db, stmt);
    stmt_release(db, stmt);
    return e;
}

/* --- apply --- */

struct have {
    struct arena *arena;
    struct map columns; /* "table.column" -> type text; "table" -> its name */
    struct map keys;    /* table -> key text, from the registry */
    struct map late;    /* those of them without a row so far; late.c */
    struct map indexes; /* name -> sql text */
};

struct apply {
    struct db *db;
    const struct store_schema *wanted;
    struct have have;
    struct buf sql;
};

/* Reads a two-column statement into a map. */
static enum err map_load(struct apply *apply, const char *sql, struct map *map)
{
    struct db *db = apply->db;
    struct arena *arena = apply->have.arena;
    struct stmt *stmt;
    map_init(map, arena);
    enum err e = stmt_once(db, sql, &stmt);
    if (e)
        return e;
    bool row;
    while (!(e = stmt_step(db, stmt, &row)) && row) {
        const char *key = arena_strdup(arena, (const char *)sqlite3_column_text(stmt->handle, 0));
        char *value = arena_strdup(arena, (const char *)sqlite3_column_text(stmt->handle, 1));
        map_put(map, slice_str(key), value);
    }
    stmt_release(db, stmt);
    return e;
}

static enum err have_load(struct apply *apply)
{
    enum err e = map_load(apply,
                          "SELECT s.name || '.' || c.name, c.type FROM sqlite_schema AS s,"
                          " pragma_table_info(s.name) AS c WHERE s.type = 'table'"
                          " AND s.name NOT LIKE '%\\_tokens%' ESCAPE '\\'"
                          " UNION ALL SELECT name, name FROM sqlite_schema WHERE type = 'table'",
                          &apply->have.columns);
    if (!e)
        e = map_load(apply, "SELECT name, key FROM perigee_table", &apply->have.keys);
    if (!e)
        e = map_load(apply, "SELECT name, name FROM perigee_table WHERE tokens & 2",
                     &apply->have.late);
    if (!e)
        e = map_load(apply, "SELECT name, sql FROM perigee_index", &apply->have.indexes);
    return e;
}

static enum err refuse(struct apply *apply, const char *table, const char *what)
{
    db_why(apply->db, "table \"%s\": %s", table, what);
    return ERR_NOT_SUPPORTED;
}

static const char *type_text(enum value_type type)
{
    switch (type) {
    case VALUE_INT:
        return "INTEGER";
    case VALUE_TEXT:
        return "TEXT";
    case VALUE_BLOB:
        return "BLOB";
    case VALUE_NULL:
        break;
    }
    BUG("a column of no type");
}

static void put_literal(struct buf *sql, const struct store_column *column)
{
    if (column->type == VALUE_INT) {
        int64_t n;
        bool is_int = slice_to_int(slice_str(column->fallback), &n);
        ASSERT(is_int);
        buf_put_int(sql, n);
        return;
    }
    buf_put_char(sql, '\'');
    for (const char *at = column->fallback; *at; at++) {
        if (*at == '\'')
            buf_put_char(sql, '\'');
        buf_put_char(sql, *at);
    }
    buf_put_char(sql, '\'');
}

static void put_column(struct buf *sql, const struct store_column *column, bool is_key)
{
    buf_printf(sql, "\"%s\" %s", column->name, type_text(column->type));
    if (is_key)
        buf_put_str(sql, " PRIMARY KEY");
    if (column->not_null)
        buf_put_str(sql, " NOT NULL");
    if (column->fallback) {
        buf_put_str(sql, " DEFAULT ");
        put_literal(sql, column);
    }
}

static const struct store_column *column_find(const struct store_table *table, struct slice name)
{
    for (int i = 0; i < table->columns_count; i++)
        if (slice_is(name, table->columns[i].name))
            return &table->columns[i];
    return NULL;
}

static void put_names(struct buf *sql, const char *list)
{
    struct slice rest = slice_str(list);
    for (int i = 0; rest.len; i++) {
        struct slice name = slice_trim(slice_split(&rest, ','));
        buf_printf(sql, "%s\"" SLICE_FMT "\"", i ? "," : "", SLICE_ARG(name));
    }
}

static void put_table(struct buf *sql, const struct store_table *table)
{
    const struct store_column *key = column_find(table, slice_str(table->key));
    bool row_key = key && key->type == VALUE_INT; /* one integer: the table's own row number */
    buf_printf(sql, "CREATE TABLE \"%s\" (", table->name);
    for (int i = 0; i < table->columns_count; i++) {
        if (i)
            buf_put_char(sql, ',');
        put_column(sql, &table->columns[i], row_key && key == &table->columns[i]);
    }
    if (!row_key) {
        buf_put_str(sql, ",PRIMARY KEY (");
        put_names(sql, table->key);
        buf_put_char(sql, ')');
    }
    buf_put_str(sql, row_key ? ") STRICT" : ") STRICT, WITHOUT ROWID");
}

static enum err table_create(struct apply *apply, const struct store_table *table)
{
    buf_clear(&apply->sql);
    put_table(&apply->sql, table);
    return db_exec(apply->db, buf_cstr(&apply->sql));
}

static enum err column_add(struct apply *apply, const struct store_table *table,
                           const struct store_column *column)
{
    struct buf *sql = &apply->sql;
    if (column->not_null && !column->fallback)
        return refuse(apply, table->name, "a new column that must not be empty needs a default");
    buf_clear(sql);
    buf_printf(sql, "ALTER TABLE \"%s\" ADD COLUMN ", table->name);
    put_column(sql, column, false);
    return db_exec(apply->db, buf_cstr(sql));
}

static enum err table_alter(struct apply *apply, const struct store_table *table)
{
    char name[NAME_BYTES_MAX * 2 + 2];
    const char *key = map_get(&apply->have.keys, slice_str(table->name));
    if (key && strcmp(key, table->key) != 0)
        return refuse(apply, table->name, "its key cannot change");
    for (int i = 0; i < table->columns_count; i++) {
        const struct store_column *column = &table->columns[i];
        snprintf(name, sizeof name, "%s.%s", table->name, column->name);
        const char *type = map_get(&apply->have.columns, slice_str(name));
        enum err e = ERR_OK;
        if (!type)
            e = column_add(apply, table, column);
        else if (strcmp(type, type_text(column->type)) != 0) {
            db_why(apply->db, "column \"%s\": its type cannot change", name);
            e = ERR_NOT_SUPPORTED;
        }
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- indexes --- */

/* "owner,updated_at desc": each part a column and perhaps "desc". `names` gets the columns alone.
 */
static void put_index_columns(struct buf *sql, struct buf *names, const char *columns)
{
    struct slice rest = slice_str(columns);
    for (int i = 0; rest.len; i++) {
        struct slice direction = slice_trim(slice_split(&rest, ','));
        struct slice name = slice_split(&direction, ' ');
        bool descending = slice_is(slice_trim(direction), "desc");
        buf_printf(sql, "%s\"" SLICE_FMT "\"%s", i ? "," : "", SLICE_ARG(name),
                   descending ? " DESC" : "");
        buf_printf(names, "%s" SLICE_FMT, i ? "," : "", SLICE_ARG(name));
    }
}

static void put_index(struct buf *sql, struct buf *names, const struct store_table *table,
                      const struct store_index *index)
{
    buf_printf(sql, "CREATE %sINDEX \"%s\" ON \"%s\" (", index->unique ? "UNIQUE " : "",
               index->name, table->name);
    put_index_columns(sql, names, index->columns);
    buf_put_char(sql, ')');
    struct slice rest = slice_str(index->where);
    for (int i = 0; rest.len; i++) {
        struct slice word = slice_split(&rest, ':');
        bool live = slice_is(word, "live");
        buf_printf(sql, "%s\"" SLICE_FMT "\" IS %sNULL", i ? " AND " : " WHERE ",
                   live ? (int)strlen("deleted_at") : (int)word.len, live ? "deleted_at" : word.at,
                   live ? "" : "NOT ");
    }
}

static enum err index_drop(struct apply *apply, const char *name)
{
    struct buf *sql = &apply->sql;
    buf_clear(sql);
    buf_printf(sql, "DROP INDEX IF EXISTS \"%s\"", name);
    enum err e = db_exec(apply->db, buf_cstr(sql));
    if (e)
        return e;
    buf_clear(sql);
    buf_printf(sql, "DELETE FROM perigee_index WHERE name = '%s'", name);
    return db_exec(apply->db, buf_cstr(sql));
}

static enum err index_register(struct apply *apply, const struct store_table *table,
                               const struct store_index *index, struct slice names,
                               struct slice text)
{
    struct value values[] = {value_text(slice_str(index->name)), value_text(slice_str(table->name)),
                             value_text(names), value_int(index->unique), value_text(text)};
    struct stmt *stmt;
    enum err e = stmt_once(apply->db, "INSERT INTO perigee_index VALUES (?,?,?,?,?)", &stmt);
    if (e)
        return e;
    for (int i = 0; i < 5 && !e; i++)
        e = stmt_bind(apply->db, stmt, i + 1, &values[i]);
    if (!e)
        return stmt_run(apply->db, stmt);
    stmt_release(apply->db, stmt);
    return e;
}

/* A late table that is not there yet is only noted, as if it were an index of itself. */
static enum err table_note(struct apply *apply, const struct store_table *table)
{
    const struct store_index self = {.name = table->name};
    struct buf text = BUF_INIT, names = BUF_INIT;
    enum err e = ERR_OK;
    put_table(&text, table);
    for (int i = 0; i < table->columns_count; i++)
        buf_printf(&names, "%s%s", i ? "," : "", table->columns[i].name);
    const char *have = map_remove(&apply->have.indexes, slice_str(table->name));
    if (have && strcmp(have, buf_cstr(&text)) == 0)
        goto out;
    if (have)
        e = index_drop(apply, table->name);
    if (!e)
        e = index_register(apply, table, &self, buf_slice(&names), buf_slice(&text));
out:
    buf_release(&text);
    buf_release(&names);
    return e;
}

/* Of a late table the index is only noted; was_late: so far it was. */
static enum err index_ensure(struct apply *apply, const struct store_table *table,
                             const struct store_index *index, bool late, bool was_late)
{
    struct buf text = BUF_INIT, names = BUF_INIT;
    enum err e = ERR_OK;
    put_index(&text, &names, table, index);
    const char *have = map_remove(&apply->have.indexes, slice_str(index->name));
    if (have && was_late == late && strcmp(have, buf_cstr(&text)) == 0)
        goto out;
    if (have)
        e = index_drop(apply, index->name);
    if (!e && !late)
        e = db_exec(apply->db, buf_cstr(&text));
    if (!e)
        e = index_register(apply, table, index, buf_slice(&names), buf_slice(&text));
out:
    buf_release(&text);
    buf_release(&names);
    return e;
}

/* What is left in have.indexes is wanted no more. */
static enum err indexes_drop_vanished(struct apply *apply)
{
    size_t at = 0;
    struct slice name;
    void *text;
    while (map_next(&apply->have.indexes, &at, &name, &text)) {
        enum err e = index_drop(apply, name.at);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- the whole --- */

static bool name_is_free(const char *name)
{
    struct slice s = slice_str(name);
    ptrdiff_t tokens = slice_find(s, SLICE("_tokens"));
    return guard_name_is_plain(name) && !slice_starts(s, SLICE("perigee_")) &&
           !slice_starts(s, SLICE("sqlite_")) && tokens < 0;
}

static enum err table_check(struct apply *apply, const struct store_table *table)
{
    if (!table->name || !name_is_free(table->name))
        return refuse(apply, table->name ? table->name : "", "this name cannot be a table's");
    for (int i = 0; i < table->columns_count; i++)
        if (!guard_name_is_plain(table->columns[i].name))
            return refuse(apply, table->name, "a column name that is not lower_snake");
    for (int i = 0; i < table->indexes_count; i++)
        if (!guard_name_is_plain(table->indexes[i].name))
            return refuse(apply, table->name, "an index name that is not lower_snake");
    struct slice rest = slice_str(table->key);
    if (rest.len == 0)
        return refuse(apply, table->name, "it has no key");
    while (rest.len) {
        const struct store_column *key = column_find(table, slice_split(&rest, ','));
        if (!key)
            return refuse(apply, table->name, "its key names a column it does not have");
        if (table->tokens && (strchr(table->key, ',') || key->type != VALUE_INT))
            return refuse(apply, table->name, "search tokens need one integer key");
    }
    return ERR_OK;
}

static enum err table_apply(struct apply *apply, const struct store_table *table)
{
    struct buf *sql = &apply->sql;
    enum err e = table_check(apply, table);
    if (e)
        return e;
    bool is_new = !map_get(&apply->have.columns, slice_str(table->name));
    bool was_late = map_get(&apply->have.late, slice_str(table->name)) != NULL;
    bool late = table->late && (is_new || was_late);
    bool absent = late && is_new;
    if (is_new)
        e = absent ? table_note(apply, table) : table_create(apply, table);
    else
        e = table_alter(apply, table);
    for (int i = 0; i < table->indexes_count && !e; i++)
        e = index_ensure(apply, table, &table->indexes[i], late, was_late);
    if (!e && table->tokens && !late)
        e = tokens_create(apply->db, table->name);
    if (e)
        return e;
    buf_clear(sql);
    buf_printf(sql, "INSERT INTO perigee_table VALUES ('%s', '%s', %d, %d)", table->name,
               table->key, table->append_only,
               (table->tokens ? TABLE_TOKENS : 0) | (late ? TABLE_LATE : 0) |
                   (absent ? TABLE_ABSENT : 0));
    return db_exec(apply->db, buf_cstr(sql));
}

static enum err apply_in_tx(struct apply *apply)
{
    struct store_header header;
    struct db *db = apply->db;
    enum err e = schema_header_read(&db->store, &header);
    if (e || header.schema_hash == apply->wanted->hash)
        return e; /* another connection was quicker */
    e = have_load(apply);
    if (!e)
        e = db_exec(db, "DELETE FROM perigee_table");
    for (int i = 0; i < apply->wanted->tables_count && !e; i++)
        e = table_apply(apply, &apply->wanted->tables[i]);
    if (!e)
        e = indexes_drop_vanished(apply);
    if (e)
        return e;
    buf_clear(&apply->sql);
    buf_printf(&apply->sql, "UPDATE perigee_header SET schema_hash = %lld WHERE id = 1",
               (long long)apply->wanted->hash);
    return db_exec(db, buf_cstr(&apply->sql));
}

enum err schema_apply(struct store *store, const struct store_schema *wanted)
{
    struct db *db = db_of(store);
    struct store_header header;
    enum err e = schema_header_read(store, &header);
    if (e || header.schema_hash == wanted->hash)
        return e;
    e = tx_begin(store, true);
    if (e)
        return e;
    struct apply apply = {.db = db, .wanted = wanted, .have.arena = arena_new()};
    e = apply_in_tx(&apply);
    buf_release(&apply.sql);
    arena_free(apply.have.arena);
    if (e) {
        tx_rollback(store);
        return e;
    }
    e = tx_commit(store);
    return e ? e : db_registry_load(db);
}
