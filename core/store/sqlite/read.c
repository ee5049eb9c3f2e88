/* read - runs a query and hands its rows to the caller.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/cover.h"
#include "store/sqlite/emit.h"
#include "store/sqlite/semijoin.h"
#include "store/sqlite/tally.h"

struct row {
    struct store_row base;      /* first */
    sqlite3_stmt *handle;       /* borrowed from the statement being stepped */
    const struct value *values; /* or of a kept answer: then there is no handle */
};

struct reading { /* one store_read, over its one or two statements */
    const struct query *query;
    store_row_cb cb;
    void *arg;
    int64_t rows;
    bool stopped;
};

static sqlite3_stmt *handle_of(const struct store_row *row)
{
    return ((const struct row *)row)->handle;
}

static const struct value *kept_value(const struct store_row *row, int column)
{
    const struct value *values = ((const struct row *)row)->values;
    return values ? &values[column] : NULL;
}

int64_t read_row_int(const struct store_row *row, int column)
{
    const struct value *kept = kept_value(row, column);
    if (kept)
        return kept->type == VALUE_INT ? kept->integer : 0;
    return sqlite3_column_int64(handle_of(row), column);
}

static struct slice column_bytes(sqlite3_stmt *handle, int column)
{
    const char *at = sqlite3_column_blob(handle, column);
    return slice_of(at, at ? (size_t)sqlite3_column_bytes(handle, column) : 0);
}

struct slice read_row_bytes(const struct store_row *row, int column)
{
    const struct value *kept = kept_value(row, column);
    if (kept)
        return kept->bytes;
    return column_bytes(handle_of(row), column);
}

bool read_row_is_null(const struct store_row *row, int column)
{
    const struct value *kept = kept_value(row, column);
    if (kept)
        return kept->type == VALUE_NULL;
    return sqlite3_column_type(handle_of(row), column) == SQLITE_NULL;
}

struct value read_row_value(const struct store_row *row, int column)
{
    const struct value *kept = kept_value(row, column);
    if (kept)
        return *kept;
    sqlite3_stmt *handle = handle_of(row);
    switch (sqlite3_column_type(handle, column)) {
    case SQLITE_NULL:
        return value_null();
    case SQLITE_TEXT:
        return value_text(column_bytes(handle, column));
    case SQLITE_BLOB:
        return value_blob(column_bytes(handle, column));
    default:
        return value_int(sqlite3_column_int64(handle, column));
    }
}

/* An index hint that cannot serve this query is dropped: the hint is a wish, not a condition. */
static bool hint_failed(const struct db *db, const struct query *query, enum err e)
{
    return e == ERR_INTERNAL && query->index_hint &&
           (strstr(db->why, "no query solution") || strstr(db->why, "no such index"));
}

static enum err part_prepare(struct db *db, struct reading *reading, enum emit_part part,
                             struct stmt **out)
{
    const struct query *query = reading->query;
    int64_t limit = query->limit > 0 ? query->limit - reading->rows : 0;
    struct emit emit;
    enum err e = select_emit(&emit, db, query, part, limit, true);
    if (!e)
        e = emit_finish(&emit, out);
    if (!hint_failed(db, query, e))
        return e;
    e = select_emit(&emit, db, query, part, limit, false);
    return e ? e : emit_finish(&emit, out);
}

static enum err part_read(struct db *db, struct reading *reading, enum emit_part part)
{
    struct stmt *stmt;
    enum err e = part_prepare(db, reading, part, &stmt);
    if (e)
        return e;
    struct row row = {.base.driver = db->store.driver, .handle = stmt->handle};
    bool ready;
    while (!(e = stmt_step(db, stmt, &ready)) && ready) {
        reading->rows++;
        if (!reading->cb(reading->arg, &row.base)) {
            reading->stopped = true;
            break;
        }
    }
    stmt_release(db, stmt);
    return e;
}

enum err read_one(struct db *db, const struct query *query, store_row_cb cb, void *arg)
{
    struct reading reading = {.query = query, .cb = cb, .arg = arg};
    return part_read(db, &reading, PART_WHOLE);
}

/* Two statements must see one state of the store. */
static enum err two_parts_read(struct db *db, struct reading *reading)
{
    bool own_tx = !db->in_tx;
    enum err e = own_tx ? tx_begin(&db->store, false) : ERR_OK;
    if (e)
        return e;
    int64_t limit = reading->query->limit;
    e = part_read(db, reading, PART_FIRST);
    if (!e && !reading->stopped && (limit == 0 || reading->rows < limit))
        e = part_read(db, reading, PART_SECOND);
    if (own_tx)
        tx_rollback(&db->store);
    return e;
}

/* --- an OR of searches --- */

struct ahead { /* one alternative and the row it stands at */
    struct stmt *stmt;
    int64_t id;
    bool ready;
};

static enum err ahead_step(struct db *db, struct ahead *ahead)
{
    enum err e = stmt_step(db, ahead->stmt, &ahead->ready);
    if (!e && ahead->ready)
        ahead->id = sqlite3_column_int64(ahead->stmt->handle,
                                         sqlite3_column_count(ahead->stmt->handle) - 2);
    return e;
}

/* The one whose row comes first in the page; NULL when all have ended. */
static struct ahead *ahead_first(struct ahead *all, int count, bool descending)
{
    struct ahead *first = NULL;
    for (int i = 0; i < count; i++) {
        if (!all[i].ready)
            continue;
        if (!first || (descending ? all[i].id > first->id : all[i].id < first->id))
            first = &all[i];
    }
    return first;
}

/* All alternatives stand ready and are sorted: the first of their rows, again and again. A row that
 * several have found is told once. */
static enum err ahead_merge(struct db *db, struct reading *reading, struct ahead *all, int count)
{
    const struct query *query = reading->query;
    while (query->limit == 0 || reading->rows < query->limit) {
        struct ahead *first = ahead_first(all, count, query->order[0].descending);
        if (!first)
            break;
        struct row row = {.base.driver = db->store.driver, .handle = first->stmt->handle};
        int64_t id = first->id;
        reading->rows++;
        if (!reading->cb(reading->arg, &row.base))
            break;
        for (int i = 0; i < count; i++) {
            if (!all[i].ready || all[i].id != id)
                continue;
            enum err e = ahead_step(db, &all[i]);
            if (e)
                return e;
        }
    }
    return ERR_OK;
}

static enum err any_read(struct db *db, struct reading *reading, const struct select_any *any)
{
    struct ahead all[SELECT_ANY_MAX] = {0};
    struct emit emit;
    bool own_tx = !db->in_tx; /* several statements must see one state of the store */
    enum err e = own_tx ? tx_begin(&db->store, false) : ERR_OK;
    if (e)
        return e;
    for (int i = 0; i < any->count && !e; i++) {
        e = select_any_emit(&emit, db, reading->query, any, i);
        if (!e)
            e = emit_finish(&emit, &all[i].stmt);
    }
    for (int i = 0; i < any->count && !e; i++)
        e = ahead_step(db, &all[i]);
    if (!e)
        e = ahead_merge(db, reading, all, any->count);
    for (int i = 0; i < any->count; i++)
        stmt_release(db, all[i].stmt);
    if (own_tx)
        tx_rollback(&db->store);
    return e;
}

/* --- the whole --- */

static void values_read(struct db *db, const struct value *values, int columns, int rows,
                        store_row_cb cb, void *arg)
{
    for (int i = 0; i < rows; i++) {
        struct row row = {.base.driver = db->store.driver, .values = &values[i * columns]};
        if (!cb(arg, &row.base))
            return;
    }
}

enum err read_whole(struct db *db, const struct query *query, store_row_cb cb, void *arg)
{
    struct reading reading = {.query = query, .cb = cb, .arg = arg};
    struct tally_rows rows;
    bool done;
    enum err e = tally_read(db, query, &rows, &done);
    if (e || !done)
        return e ? e : part_read(db, &reading, PART_WHOLE);
    values_read(db, rows.values, rows.columns, rows.rows, cb, arg);
    tally_rows_release(&rows);
    return ERR_OK;
}

/* Groups walk every row they count: the same question in the same state has the same answer. */
static enum err groups_read(struct db *db, const struct query *query, uint32_t state,
                            store_row_cb cb, void *arg)
{
    bool found;
    struct kept *kept = kept_find(db, query, state, &found);
    if (!kept)
        return read_whole(db, query, cb, arg);
    if (!found)
        return kept_fill(db, kept, query, cb, arg);
    values_read(db, kept->values, kept->columns, kept->rows, cb, arg);
    return ERR_OK;
}

/* A table that is only noted has no rows: nothing has to be asked. Measures have an answer even
 * then. */
static bool has_no_rows(struct db *db, const struct query *query)
{
    const struct table_entry *entry;
    if (query->count_cap > 0 || db_table(db, query->table, &entry) || !late_is_absent(db, entry))
        return false;
    for (int i = 0; i < query->select_count; i++)
        if (query->select[i].measure != MEASURE_NONE)
            return false;
    return true;
}

static enum err seen_read(struct db *db, const struct seen_question *question,
                          const struct query *query, store_row_cb cb, void *arg)
{
    const struct seen *seen = seen_find(db, question);
    if (!seen)
        return seen_fill(db, question, query, cb, arg);
    db->seen.walking++;
    values_read(db, seen->values, seen->columns, seen->rows, cb, arg);
    db->seen.walking--;
    return ERR_OK;
}

enum err read_query(struct store *store, const struct query *query, store_row_cb cb, void *arg)
{
    struct db *db = db_of(store);
    struct reading reading = {.query = query, .cb = cb, .arg = arg};
    struct select_any any;
    struct seen_question question;
    uint32_t state;
    int parts;
    if (db->lost)
        return db->lost;
    if (has_no_rows(db, query))
        return ERR_OK;
    seen_ask(db, query, &question);
    if (question.hash)
        return seen_read(db, &question, query, cb, arg);
    if ((query->group_count > 0 || query->wide_sums) && kept_state(db, &state))
        return groups_read(db, query, state, cb, arg);
    if (query->group_count > 0 || query->wide_sums)
        return read_whole(db, query, cb, arg);
    enum err e = select_any_find(db, query, &any);
    if (!e && any.count > 1)
        return any_read(db, &reading, &any);
    if (!e)
        e = select_parts(db, query, &parts);
    if (e)
        return e;
    return parts == 2 ? two_parts_read(db, &reading) : part_read(db, &reading, PART_WHOLE);
}

static enum err emitted_explain(struct db *db, struct emit *emit, struct buf *out)
{
    struct buf sql = BUF_INIT;
    struct stmt *stmt;
    enum err e = emit_close(emit);
    if (e)
        return e;
    buf_printf(&sql, "EXPLAIN QUERY PLAN %s", buf_cstr(emit->sql));
    e = stmt_once(db, buf_cstr(&sql), &stmt);
    buf_release(&sql);
    if (e)
        return e;
    bool row;
    while (!(e = stmt_step(db, stmt, &row)) && row)
        buf_printf(out, "%s\n", (const char *)sqlite3_column_text(stmt->handle, 3));
    stmt_release(db, stmt);
    return e;
}

static enum err part_explain(struct db *db, const struct query *query, enum emit_part part,
                             struct buf *out)
{
    struct emit emit;
    struct semijoins semijoins = {.count = 0};
    const char *cover = NULL;
    enum err e = tally_fits(query) ? cover_find(db, query, &cover) : ERR_OK;
    if (!e)
        e = tally_fits(query) ? select_emit_tally(&emit, db, query, cover, &semijoins)
                              : select_emit(&emit, db, query, part, query->limit, true);
    return e ? e : emitted_explain(db, &emit, out);
}

enum err read_explain(struct store *store, const struct query *query, struct buf *out)
{
    struct db *db = db_of(store);
    struct select_any any;
    struct emit emit;
    int parts;
    enum err e = select_any_find(db, query, &any);
    for (int i = 0; i < any.count && any.count > 1 && !e; i++) {
        e = select_any_emit(&emit, db, query, &any, i);
        if (!e)
            e = emitted_explain(db, &emit, out);
    }
    if (e || any.count > 1)
        return e;
    e = select_parts(db, query, &parts);
    if (!e)
        e = part_explain(db, query, parts == 2 ? PART_FIRST : PART_WHOLE, out);
    if (!e && parts == 2)
        e = part_explain(db, query, PART_SECOND, out);
    return e;
}

enum err read_key_max(struct store *store, const char *table, int64_t *out)
{
    struct db *db = db_of(store);
    struct emit emit;
    const struct table_entry *entry;
    struct stmt *stmt;
    if (db->lost)
        return db->lost;
    enum err e = db_table(db, table, &entry);
    if (!e)
        e = emit_start(&emit, db, table);
    if (e)
        return e;
    emit_str(&emit, "SELECT max(");
    emit_name(&emit, entry->key);
    emit_str(&emit, ") FROM ");
    emit_source(&emit, table);
    e = emit_finish(&emit, &stmt);
    if (e)
        return e;
    bool row;
    e = stmt_step(db, stmt, &row);
    if (!e)
        *out = row ? sqlite3_column_int64(stmt->handle, 0) : 0;
    stmt_release(db, stmt);
    return e;
}
