/* emit - expressions to SQL text and parameters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/emit.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "store/sqlite/semijoin.h"

/* --- pieces --- */

enum err emit_fail(struct emit *emit, enum err e, const char *what)
{
    if (!emit->error) {
        emit->error = e;
        db_why(emit->db, "%s", what);
    }
    return emit->error;
}

enum err emit_start(struct emit *emit, struct db *db, const char *table)
{
    const struct table_entry *entry;
    enum err e = db_table(db, table, &entry);
    if (e)
        return e;
    buf_clear(&db->sql);
    buf_clear(&db->scratch);
    *emit = (struct emit){.db = db, .sql = &db->sql, .tables = {table}};
    return ERR_OK;
}

void emit_name(struct emit *emit, const char *name)
{
    if (!name || !guard_name_is_plain(name)) {
        if (emit_fail(emit, ERR_INTERNAL, "a table or column name that no schema can have"))
            return;
    }
    size_t n = strlen(name);
    buf_reserve(emit->sql, n + 2);
    char *at = emit->sql->at + emit->sql->len;
    at[0] = '"';
    memcpy(at + 1, name, n);
    at[n + 1] = '"';
    emit->sql->len += n + 2;
}

void emit_source(struct emit *emit, const char *table)
{
    const struct table_entry *entry;
    emit_name(emit, table);
    enum err e = db_table(emit->db, table, &entry);
    if (e) {
        emit->error = e;
        return;
    }
    if (!late_is_absent(emit->db, entry))
        return;
    for (int i = 0; i < emit->absent_count; i++)
        if (strcmp(emit->absent[i], entry->name) == 0)
            return;
    if (emit->absent_count == EMIT_ABSENT_MAX) {
        emit->error = emit_fail(emit, ERR_TOO_LARGE, "a query over too many empty tables");
        return;
    }
    emit->absent[emit->absent_count++] = entry->name;
}

/* "e7"("id","name") AS (SELECT NULL,NULL WHERE 0) */
static enum err put_stand_in(struct emit *emit, struct buf *out, const char *table)
{
    struct buf columns = BUF_INIT;
    int count = 0;
    enum err e = late_columns(emit->db, table, &columns);
    struct slice rest = buf_slice(&columns);
    buf_printf(out, "\"%s\"(", table);
    for (; rest.len; count++) {
        struct slice name = slice_split(&rest, ',');
        buf_printf(out, "%s\"" SLICE_FMT "\"", count ? "," : "", SLICE_ARG(name));
    }
    buf_put_str(out, ") AS (SELECT NULL");
    for (int i = 1; i < count; i++)
        buf_put_str(out, ",NULL");
    buf_put_str(out, " WHERE 0)");
    buf_release(&columns);
    return e;
}

enum err emit_close(struct emit *emit)
{
    struct buf whole = BUF_INIT;
    enum err e = emit->error;
    if (e || emit->absent_count == 0)
        return e;
    for (int i = 0; i < emit->absent_count && !e; i++) {
        buf_put_str(&whole, i ? "," : "WITH ");
        e = put_stand_in(emit, &whole, emit->absent[i]);
    }
    buf_put_char(&whole, ' ');
    buf_put_slice(&whole, buf_slice(emit->sql));
    buf_clear(emit->sql);
    buf_put_slice(emit->sql, buf_slice(&whole));
    buf_release(&whole);
    emit->absent_count = 0;
    return e;
}

static struct bind *bind_next(struct emit *emit)
{
    if (emit->binds_count == STORE_BINDS_MAX) {
        if (emit_fail(emit, ERR_TOO_LARGE, "a query with too many values"))
            emit->binds_count = 0;
    }
    buf_put_char(emit->sql, '?');
    return &emit->db->binds[emit->binds_count++];
}

void emit_value(struct emit *emit, const struct value *value)
{
    struct bind *bind = bind_next(emit);
    bind->value = *value;
    bind->scratch = false;
}

void emit_int(struct emit *emit, int64_t n)
{
    struct value value = value_int(n);
    emit_value(emit, &value);
}

/* Binds what was appended to the scratch buffer since `from`. */
void emit_scratch(struct emit *emit, size_t from, enum value_type type)
{
    struct bind *bind = bind_next(emit);
    bind->value = (struct value){.type = type, .bytes = {NULL, emit->db->scratch.len - from}};
    bind->scratch_at = from;
    bind->scratch = true;
}

static void emit_alias(struct emit *emit, int join)
{
    if (join > 0) {
        buf_put_char(emit->sql, 'j');
        buf_put_int(emit->sql, join);
    } else if (emit->depth > 0) {
        buf_put_char(emit->sql, 's');
        buf_put_int(emit->sql, emit->depth);
    } else {
        buf_put_char(emit->sql, 't');
    }
}

void emit_column(struct emit *emit, const struct column_ref *column)
{
    ASSERT(column->column);
    if (column->join < 0) {
        emit_selected(emit, atoi(column->column));
        return;
    }
    if (column->join == 0 && emit->depth == 0 && emit->match_key &&
        strcmp(column->column, emit->match_key) == 0) {
        emit_str(emit, "k.rowid");
        return;
    }
    emit_alias(emit, column->join);
    buf_put_char(emit->sql, '.');
    emit_name(emit, column->column);
}

void emit_guarded(struct emit *emit, const struct column_ref *column, const struct expr *only_when)
{
    if (!only_when) {
        emit_column(emit, column);
        return;
    }
    emit_str(emit, "CASE WHEN ");
    emit_expr(emit, only_when);
    emit_str(emit, " THEN ");
    emit_column(emit, column);
    emit_str(emit, " END");
}

/* --- operators --- */

/* A comparison that may be NULL: under NOT it must be 0 instead. */
static void open_guard(struct emit *emit)
{
    emit_str(emit, emit->never_null ? "ifnull(" : "(");
}

static void close_guard(struct emit *emit)
{
    emit_str(emit, emit->never_null ? ",0)" : ")");
}

/* Without statistics SQLite thinks that ten rows equal any value, whatever the index, and of two
 * such it takes the one made last. Half the table is what makes it prefer every other equality,
 * and changes nothing where there is none: an index is still cheaper than all rows. */
static bool open_weak(struct emit *emit, const struct expr *e)
{
    bool is_weak = e->is_weak && !emit->never_null;
    if (is_weak)
        emit_str(emit, "likelihood(");
    return is_weak;
}

static void close_weak(struct emit *emit, bool is_weak)
{
    if (is_weak)
        emit_str(emit, ",0.5)");
}

static void emit_comparison(struct emit *emit, const struct expr *e, const char *operator)
{
    bool is_weak = open_weak(emit, e);
    open_guard(emit);
    emit_column(emit, &e->column);
    emit_str(emit, operator);
    emit_value(emit, &e->value);
    close_guard(emit);
    close_weak(emit, is_weak);
}

/* IS NOT: true for empty ones, never NULL. */
static void emit_different(struct emit *emit, const struct expr *e)
{
    buf_put_char(emit->sql, '(');
    emit_column(emit, &e->column);
    emit_str(emit, " IS NOT ");
    emit_value(emit, &e->value);
    buf_put_char(emit->sql, ')');
}

static void emit_between(struct emit *emit, const struct expr *e)
{
    open_guard(emit);
    emit_column(emit, &e->column);
    emit_str(emit, " BETWEEN ");
    emit_value(emit, &e->value);
    emit_str(emit, " AND ");
    emit_value(emit, &e->value2);
    close_guard(emit);
}

/* Few values: places, their number rounded up to a power of two by repeating the last, so that
 * lists of many lengths share few statements. */
static void emit_places(struct emit *emit, const struct value *const *values, int count)
{
    int places = 1;
    while (places < count)
        places *= 2;
    for (int i = 0; i < places; i++) {
        if (i)
            buf_put_char(emit->sql, ',');
        emit_value(emit, values[i < count ? i : count - 1]);
    }
}

static void emit_json_list(struct emit *emit, const struct value *const *values, int count)
{
    struct buf *json = &emit->db->scratch;
    size_t from = json->len;
    buf_put_char(json, '[');
    for (int i = 0; i < count; i++) {
        if (i)
            buf_put_char(json, ',');
        if (values[i]->type == VALUE_INT)
            buf_put_int(json, values[i]->integer);
        else
            json_put_string(json, values[i]->bytes);
    }
    buf_put_char(json, ']');
    emit_str(emit, "SELECT value FROM json_each(");
    emit_scratch(emit, from, VALUE_TEXT);
    buf_put_char(emit->sql, ')');
}

static bool fits_json(const struct value *value)
{
    return value->type == VALUE_INT ||
           (value->type == VALUE_TEXT && text_is_utf8(value->bytes) &&
            (value->bytes.len == 0 || !memchr(value->bytes.at, 0, value->bytes.len)));
}

/* The values of an IN list that are not NULL; *json tells whether they can go as one JSON array. */
static int in_values(struct emit *emit, const struct expr *e, const struct value **out, bool *json)
{
    int count = 0;
    *json = e->values_count > STORE_IN_PLACES_MAX;
    for (int i = 0; i < e->values_count; i++) {
        if (e->values[i].type == VALUE_NULL)
            continue;
        if (count == STORE_IN_MAX) {
            emit->error = emit_fail(emit, ERR_TOO_LARGE, "a list of too many values");
            break;
        }
        if (*json && !fits_json(&e->values[i]))
            *json = false;
        out[count++] = &e->values[i];
    }
    return count;
}

static void emit_in(struct emit *emit, const struct expr *e)
{
    const struct value *values[STORE_IN_MAX];
    bool json, negated = e->op == EXPR_NIN;
    int count = in_values(emit, e, values, &json);
    if (count == 0) {
        emit_str(emit, negated ? "1" : "0");
        return;
    }
    bool is_weak = !negated && open_weak(emit, e);
    emit_str(emit, negated ? "NOT ifnull(" : emit->never_null ? "ifnull(" : "(");
    emit_column(emit, &e->column);
    emit_str(emit, " IN (");
    if (json)
        emit_json_list(emit, values, count);
    else
        emit_places(emit, values, count);
    emit_str(emit, negated || emit->never_null ? "),0)" : "))");
    close_weak(emit, is_weak);
}

/* Folded on both sides: the column by fold_find(), the value here. */
static void emit_folded(struct emit *emit, const struct expr *e)
{
    open_guard(emit);
    emit_str(emit, "fold_find(");
    emit_column(emit, &e->column);
    emit_str(emit, ",");
    size_t from = emit->db->scratch.len;
    if (e->value.type == VALUE_TEXT)
        text_fold(&emit->db->scratch, e->value.bytes);
    emit_scratch(emit, from, e->value.type == VALUE_TEXT ? VALUE_TEXT : VALUE_NULL);
    emit_str(emit, e->op == EXPR_PREFIX ? ")=1" : ")>0");
    close_guard(emit);
}

static void emit_has(struct emit *emit, const struct expr *e)
{
    emit_str(emit, "EXISTS (SELECT 1 FROM json_each(");
    emit_column(emit, &e->column);
    emit_str(emit, ") WHERE value=");
    emit_value(emit, &e->value);
    buf_put_char(emit->sql, ')');
}

static void emit_looked_up(struct emit *emit, const struct expr *e)
{
    if (emit->depth == EMIT_EXISTS_MAX) {
        emit->error = emit_fail(emit, ERR_TOO_LARGE, "exists nested too deeply");
        return;
    }
    bool outer_never_null = emit->never_null;
    emit_str(emit, "EXISTS (SELECT 1 FROM ");
    emit_source(emit, e->sub.table);
    emit_str(emit, " AS s");
    buf_put_int(emit->sql, emit->depth + 1);
    emit_str(emit, " WHERE s");
    buf_put_int(emit->sql, emit->depth + 1);
    buf_put_char(emit->sql, '.');
    emit_name(emit, e->sub.column);
    buf_put_char(emit->sql, '=');
    emit_column(emit, &e->sub.outer);
    emit->depth++;
    emit->tables[emit->depth] = e->sub.table;
    emit->never_null = false; /* a WHERE of its own */
    if (e->sub.where) {
        emit_str(emit, " AND ");
        emit_expr(emit, e->sub.where);
    }
    emit->never_null = outer_never_null;
    emit->depth--;
    buf_put_char(emit->sql, ')');
}

/* Only of the outermost level: what is further in depends on the row it stands in. */
static void emit_exists(struct emit *emit, const struct expr *e)
{
    bool is_outermost = emit->depth == 0 && emit->semijoins;
    int number = is_outermost ? semijoin_add(emit->semijoins, e) : -1;
    if (number >= 0) {
        emit_str(emit, "ifnull(semijoin(");
        buf_put_int(emit->sql, number);
        buf_put_char(emit->sql, ',');
        emit_column(emit, &e->sub.outer);
        emit_str(emit, "),");
    }
    emit_looked_up(emit, e);
    if (number >= 0)
        buf_put_char(emit->sql, ')');
}

static const char *table_of(const struct emit *emit, int join)
{
    if (join == 0)
        return emit->tables[emit->depth];
    ASSERT(emit->query && join <= emit->query->joins_count);
    return emit->query->joins[join - 1].table;
}

/* Anywhere but at the top of WHERE, where select.c joins the token table. */
static void emit_match(struct emit *emit, const struct expr *e)
{
    const char *table = table_of(emit, e->column.join);
    const struct table_entry *entry;
    if (e == emit->matched) {
        buf_put_char(emit->sql, '1');
        return;
    }
    enum err known = db_table(emit->db, table, &entry);
    if (!known && !entry->tokens)
        known = emit_fail(emit, ERR_INTERNAL, "a search in a table without tokens");
    if (known) {
        emit->error = known;
        return;
    }
    if (e->tokens_count == 0 || e->prefixes_count == 0 || late_is(emit->db, entry)) {
        buf_put_char(emit->sql, '0');
        return;
    }
    struct column_ref key = {.join = e->column.join, .column = entry->key};
    open_guard(emit);
    emit_column(emit, &key);
    emit_str(emit, " IN (SELECT rowid FROM \"");
    emit_str(emit, table);
    emit_str(emit, "_tokens\" WHERE \"");
    emit_str(emit, table);
    emit_str(emit, "_tokens\" MATCH ");
    size_t from = emit->db->scratch.len;
    tokens_match(&emit->db->scratch, e);
    emit_scratch(emit, from, VALUE_TEXT);
    buf_put_char(emit->sql, ')');
    close_guard(emit);
}

static void emit_list(struct emit *emit, const struct expr *e, const char *between,
                      const char *empty)
{
    if (!e->first) {
        emit_str(emit, empty);
        return;
    }
    buf_put_char(emit->sql, '(');
    for (const struct expr *child = e->first; child; child = child->next) {
        if (child != e->first)
            emit_str(emit, between);
        emit_expr(emit, child);
    }
    buf_put_char(emit->sql, ')');
}

static void emit_not(struct emit *emit, const struct expr *e)
{
    bool outer = emit->never_null;
    emit->never_null = true;
    emit_str(emit, "NOT ");
    emit_list(emit, e, " OR ", "0");
    emit->never_null = outer;
}

static void emit_empty(struct emit *emit, const struct expr *e)
{
    buf_put_char(emit->sql, '(');
    emit_column(emit, &e->column);
    emit_str(emit, e->op == EXPR_NULL ? " IS NULL)" : " IS NOT NULL)");
}

static void emit_leaf(struct emit *emit, const struct expr *e)
{
    static const char *const comparisons[] = {
        [EXPR_EQ] = "=", [EXPR_LT] = "<", [EXPR_LTE] = "<=", [EXPR_GT] = ">", [EXPR_GTE] = ">=",
    };
    switch (e->op) {
    case EXPR_EQ:
    case EXPR_LT:
    case EXPR_LTE:
    case EXPR_GT:
    case EXPR_GTE:
        emit_comparison(emit, e, comparisons[e->op]);
        return;
    case EXPR_NE:
        emit_different(emit, e);
        return;
    case EXPR_BETWEEN:
        emit_between(emit, e);
        return;
    case EXPR_IN:
    case EXPR_NIN:
        emit_in(emit, e);
        return;
    case EXPR_NULL:
    case EXPR_NOT_NULL:
        emit_empty(emit, e);
        return;
    case EXPR_PREFIX:
    case EXPR_CONTAINS:
        emit_folded(emit, e);
        return;
    case EXPR_HAS:
        emit_has(emit, e);
        return;
    default:
        BUG("expression of no kind");
    }
}

void emit_expr(struct emit *emit, const struct expr *e)
{
    ASSERT(e);
    if (emit->error)
        return;
    if (e == emit->any)
        e = emit->one;
    switch (e->op) {
    case EXPR_TRUE:
        emit_str(emit, "1");
        return;
    case EXPR_FALSE:
        emit_str(emit, "0");
        return;
    case EXPR_AND:
        emit_list(emit, e, " AND ", "1");
        return;
    case EXPR_OR:
        emit_list(emit, e, " OR ", "0");
        return;
    case EXPR_NOT:
        emit_not(emit, e);
        return;
    case EXPR_EXISTS:
        emit_exists(emit, e);
        return;
    case EXPR_MATCH:
        emit->searches = true;
        emit_match(emit, e);
        return;
    default:
        emit_leaf(emit, e);
    }
}

/* --- to a statement --- */

enum err emit_finish(struct emit *emit, struct stmt **out)
{
    struct db *db = emit->db;
    struct stmt *stmt;
    enum err e = emit_close(emit);
    if (!e && emit->searches)
        e = tokens_write(db);
    if (e)
        return e;
    e = stmt_cached(db, buf_slice(emit->sql), &stmt);
    if (e)
        return e;
    for (int i = 0; i < emit->binds_count && !e; i++) {
        const struct bind *bind = &db->binds[i];
        if (!bind->scratch) {
            e = stmt_bind(db, stmt, i + 1, &bind->value);
            continue;
        }
        const char *at = db->scratch.at ? db->scratch.at + bind->scratch_at : "";
        int n = (int)bind->value.bytes.len;
        int rc = SQLITE_OK; /* copied: the buffer serves the next statement too */
        if (bind->value.type == VALUE_TEXT)
            rc = sqlite3_bind_text(stmt->handle, i + 1, at, n, SQLITE_TRANSIENT);
        else if (bind->value.type == VALUE_BLOB)
            rc = sqlite3_bind_blob(stmt->handle, i + 1, at, n, SQLITE_TRANSIENT);
        else
            rc = sqlite3_bind_null(stmt->handle, i + 1);
        e = db_err(db, rc);
    }
    if (e) {
        stmt_release(db, stmt);
        return e;
    }
    *out = stmt;
    return ERR_OK;
}
