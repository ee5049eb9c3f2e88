/* write - insert, put, update, delete, counters.
 *
 * A write outside a transaction gets one of its own, so that every commit passes through tx.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "store/sqlite/emit.h"

/* --- running --- */

/* "UNIQUE constraint failed: lead.phone, lead.team" -> "phone,team". */
static struct slice conflict_columns(const char *message, char *out, size_t size)
{
    const char *at = strstr(message, "failed: ");
    size_t n = 0;
    at = at ? at + strlen("failed: ") : "";
    while (*at && n + 1 < size) {
        const char *dot = strchr(at, '.');
        if (!dot)
            break;
        size_t len = strcspn(dot + 1, ",");
        if (n + len + 2 > size)
            break;
        if (n)
            out[n++] = ',';
        memcpy(out + n, dot + 1, len);
        n += len;
        at = dot + 1 + len;
        at += strspn(at, ", ");
    }
    return slice_of(out, n);
}

/* Names the index of the conflict just met; "" for the key. */
static void conflict_name(struct db *db, const char *table, const char **index)
{
    char columns[DB_WHY_BYTES];
    bool unique = sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_UNIQUE;
    struct value name = value_text(slice_str(table));
    struct value list =
        value_text(conflict_columns(sqlite3_errmsg(db->handle), columns, sizeof columns));
    struct stmt *stmt;
    bool row = false;
    db->index[0] = '\0';
    *index = db->index;
    if (!unique || stmt_fixed(db, FIXED_UNIQUE, &stmt) != ERR_OK)
        return;
    enum err e = stmt_bind(db, stmt, 1, &name);
    if (!e)
        e = stmt_bind(db, stmt, 2, &list);
    if (!e)
        e = stmt_step(db, stmt, &row);
    if (!e && row)
        snprintf(db->index, sizeof db->index, "%s",
                 (const char *)sqlite3_column_text(stmt->handle, 0));
    stmt_release(db, stmt);
}

static enum err emitted_run(struct emit *emit, int64_t *changed, const char **index)
{
    struct db *db = emit->db;
    struct stmt *stmt;
    enum err e = emit_finish(emit, &stmt);
    if (e)
        return e;
    bool row;
    do
        e = stmt_step(db, stmt, &row);
    while (!e && row);
    if (!e && changed)
        *changed = sqlite3_changes64(db->handle);
    const char *why = NULL;
    char first[DB_WHY_BYTES];
    if (e == ERR_CONFLICT && index) {
        memcpy(first, db->why, sizeof first);
        why = first;
        conflict_name(db, emit->tables[0], index);
    }
    stmt_release(db, stmt);
    if (why)
        memcpy(db->why, first, sizeof first);
    return e;
}

/* `adds` names the table that gets a row, perhaps its first. */
static enum err row_run(struct emit *emit, const struct table_entry *adds, int64_t *changed,
                        const char **index)
{
    enum err e = emit->error;
    if (!e && adds && adds->late)
        e = late_make(emit->db, adds->name, adds->tokens);
    return e ? e : emitted_run(emit, changed, index);
}

/* What emitted_run does, inside the caller's transaction or one of its own. */
static enum err write_run(struct emit *emit, const struct table_entry *adds, int64_t *changed,
                          const char **index)
{
    struct db *db = emit->db;
    if (db->in_tx) {
        ASSERT(db->tx_writes); /* a read transaction is never upgraded */
        return row_run(emit, adds, changed, index);
    }
    enum err e = emit->error ? emit->error : tx_begin(&db->store, true);
    if (e)
        return e;
    e = row_run(emit, adds, changed, index);
    if (e) {
        tx_rollback(&db->store);
        return e;
    }
    return tx_commit(&db->store);
}

/* May this table be changed so, and may it be named at all. */
static enum err write_start(struct emit *emit, struct db *db, const char *table, bool adds_only,
                            const struct table_entry **entry)
{
    if (db->lost)
        return db->lost;
    if (db->mode == STORE_READ) {
        db_why(db, "the store was opened for reading");
        return ERR_FORBIDDEN;
    }
    enum err e = db_table(db, table, entry);
    if (e)
        return e;
    if ((*entry)->append_only && !adds_only) {
        db_why(db, "table \"%s\" only grows", table);
        return ERR_FORBIDDEN;
    }
    ++*(*entry)->writes;
    return emit_start(emit, db, table);
}

/* --- insert and put --- */

static void emit_insert(struct emit *emit, const char *table, const struct store_set *sets,
                        int count)
{
    emit_str(emit, "INSERT INTO ");
    emit_name(emit, table);
    for (int i = 0; i < count; i++) {
        emit_str(emit, i ? "," : " (");
        emit_name(emit, sets[i].column);
    }
    for (int i = 0; i < count; i++) {
        emit_str(emit, i ? "," : ") VALUES (");
        emit_value(emit, &sets[i].value);
    }
    emit_str(emit, ")");
}

enum err write_insert(struct store *store, const char *table, const struct store_set *sets,
                      int count, const char **index)
{
    struct emit emit;
    const struct table_entry *entry;
    enum err e = write_start(&emit, db_of(store), table, true, &entry);
    if (e)
        return e;
    emit_insert(&emit, table, sets, count);
    return write_run(&emit, entry, NULL, index);
}

static bool is_key_column(const char *key, const char *column)
{
    struct slice rest = slice_str(key);
    while (rest.len) {
        if (slice_is(slice_split(&rest, ','), column))
            return true;
    }
    return false;
}

static void emit_key_list(struct emit *emit, const char *key)
{
    char name[NAME_BYTES_MAX + 1];
    struct slice rest = slice_str(key);
    for (int i = 0; rest.len; i++) {
        struct slice column = slice_split(&rest, ',');
        ASSERT(column.len < sizeof name);
        memcpy(name, column.at, column.len);
        name[column.len] = '\0';
        if (i)
            emit_str(emit, ",");
        emit_name(emit, name);
    }
}

enum err write_put(struct store *store, const char *table, const struct store_set *sets, int count)
{
    struct emit emit;
    const struct table_entry *entry;
    enum err e = write_start(&emit, db_of(store), table, false, &entry);
    if (e)
        return e;
    emit_insert(&emit, table, sets, count);
    emit_str(&emit, " ON CONFLICT (");
    emit_key_list(&emit, entry->key);
    emit_str(&emit, ") DO ");
    int changes = 0;
    for (int i = 0; i < count; i++) {
        if (is_key_column(entry->key, sets[i].column))
            continue;
        emit_str(&emit, changes++ ? "," : "UPDATE SET ");
        emit_name(&emit, sets[i].column);
        emit_str(&emit, "=");
        if (sets[i].how == STORE_ADD) {
            emit_str(&emit, "ifnull(");
            emit_name(&emit, table);
            emit_str(&emit, ".");
            emit_name(&emit, sets[i].column);
            emit_str(&emit, ",0)+");
        }
        emit_str(&emit, "excluded.");
        emit_name(&emit, sets[i].column);
    }
    if (changes == 0)
        emit_str(&emit, "NOTHING");
    return write_run(&emit, entry, NULL, NULL);
}

/* --- update and delete --- */

/* Of a table that is not there yet no row can be meant. */
static bool is_nothing(struct db *db, const struct table_entry *entry, int64_t *changed)
{
    if (!late_is_absent(db, entry))
        return false;
    if (changed)
        *changed = 0;
    return true;
}

/* "n"=?, or what makes it of the value that is there. */
static void emit_set(struct emit *emit, const struct store_set *set)
{
    static const char *const before[] = {[STORE_SET] = "=",
                                         [STORE_ADD] = "=ifnull(",
                                         [STORE_MOST] = "=max(ifnull(",
                                         [STORE_LEAST] = "=min(ifnull("};
    emit_name(emit, set->column);
    emit_str(emit, before[set->how]);
    if (set->how != STORE_SET)
        emit_name(emit, set->column);
    if (set->how == STORE_ADD)
        emit_str(emit, ",0)+");
    bool compares = set->how == STORE_MOST || set->how == STORE_LEAST;
    if (compares) {
        emit_str(emit, ",");
        emit_value(emit, &set->value);
        emit_str(emit, "),");
    }
    emit_value(emit, &set->value);
    if (compares)
        emit_str(emit, ")");
}

enum err write_update(struct store *store, const char *table, const struct expr *where,
                      const struct store_set *sets, int count, int64_t *changed, const char **index)
{
    struct emit emit;
    const struct table_entry *entry;
    enum err e = write_start(&emit, db_of(store), table, false, &entry);
    if (e || is_nothing(db_of(store), entry, changed))
        return e;
    emit_str(&emit, "UPDATE ");
    emit_name(&emit, table);
    emit_str(&emit, " AS t");
    for (int i = 0; i < count; i++) {
        emit_str(&emit, i ? "," : " SET ");
        emit_set(&emit, &sets[i]);
    }
    emit_str(&emit, " WHERE ");
    emit_expr(&emit, where);
    return write_run(&emit, NULL, changed, index);
}

static enum err delete_where(struct store *store, const char *table, const struct expr *where,
                             bool of_log, int64_t *changed)
{
    struct emit emit;
    const struct table_entry *entry;
    enum err e = write_start(&emit, db_of(store), table, of_log, &entry);
    if (e || is_nothing(db_of(store), entry, changed))
        return e;
    emit_str(&emit, "DELETE FROM ");
    emit_name(&emit, table);
    emit_str(&emit, " AS t WHERE ");
    emit_expr(&emit, where);
    return write_run(&emit, NULL, changed, NULL);
}

enum err write_delete(struct store *store, const char *table, const struct expr *where,
                      int64_t *changed)
{
    return delete_where(store, table, where, false, changed);
}

enum err write_trim(struct store *store, const char *table, const char *key, int64_t until,
                    int64_t *changed)
{
    const struct expr oldest = {.op = EXPR_LTE, .column = {0, key}, .value = value_int(until)};
    return delete_where(store, table, &oldest, true, changed);
}

enum err write_redact(struct store *store, const char *table, const char *column,
                      const struct expr *where, int64_t *changed)
{
    struct emit emit;
    const struct table_entry *entry;
    enum err e = write_start(&emit, db_of(store), table, true, &entry);
    if (e || is_nothing(db_of(store), entry, changed))
        return e;
    emit_str(&emit, "UPDATE ");
    emit_name(&emit, table);
    emit_str(&emit, " AS t SET ");
    emit_name(&emit, column);
    emit_str(&emit, "=NULL WHERE ");
    emit_expr(&emit, where);
    return write_run(&emit, NULL, changed, NULL);
}

/* --- counters --- */

enum err write_counter(struct store *store, struct slice name, int64_t start, int64_t by,
                       int64_t *out)
{
    struct db *db = db_of(store);
    struct value values[] = {value_text(name), value_int(start), value_int(by)};
    struct stmt *stmt;
    if (db->lost)
        return db->lost;
    ASSERT(db->in_tx && db->tx_writes); /* a number belongs to the row that carries it */
    enum err e = stmt_fixed(db, FIXED_COUNTER, &stmt);
    if (e)
        return e;
    for (int i = 0; i < 3 && !e; i++)
        e = stmt_bind(db, stmt, i + 1, &values[i]);
    bool row = false;
    int64_t n = 0;
    if (!e)
        e = stmt_step(db, stmt, &row);
    if (!e && row)
        n = sqlite3_column_int64(stmt->handle, 0);
    while (!e && row)
        e = stmt_step(db, stmt, &row);
    stmt_release(db, stmt);
    if (!e)
        *out = n;
    return e;
}
