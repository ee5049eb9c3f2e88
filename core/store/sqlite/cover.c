/* cover - see cover.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/cover.h"

#include "store/sqlite/emit.h"

#define COVER_COLUMNS_MAX 32 /* that a read may ask for; more are in no index */

/* --- the indexes of this store --- */

static struct cover_index *index_read(struct arena *arena, sqlite3_stmt *row)
{
    struct cover_index *index = arena_make(arena, struct cover_index);
    const char *sql = (const char *)sqlite3_column_text(row, 3);
    const char *where = strstr(sql, ") WHERE ");
    index->name = arena_strdup(arena, (const char *)sqlite3_column_text(row, 1));
    index->columns = slice_str(arena_strdup(arena, (const char *)sqlite3_column_text(row, 2)));
    index->live = where && strstr(where, "\"deleted_at\" IS NULL");
    index->some = where && strstr(where, "IS NOT NULL");
    for (struct slice rest = index->columns; rest.len; index->count++)
        index->knows_deleted |= slice_is(slice_split(&rest, ','), "deleted_at");
    return index;
}

/* Reads them again when the schema has changed since, by whomever. */
static enum err indexes_load(struct db *db)
{
    struct stmt *stmt;
    int64_t version = 0;
    bool row;
    enum err e = db_schema_version(db, &version);
    if (e || (db->covers_arena && db->covers_version == version))
        return e;
    if (!db->covers_arena)
        db->covers_arena = arena_new();
    arena_clear(db->covers_arena);
    map_init(&db->covers, db->covers_arena);
    e = stmt_fixed(db, FIXED_INDEXES, &stmt);
    if (e)
        return e;
    while (!(e = stmt_step(db, stmt, &row)) && row) {
        struct cover_index *index = index_read(db->covers_arena, stmt->handle);
        const char *table = (const char *)sqlite3_column_text(stmt->handle, 0);
        index->next = map_get(&db->covers, slice_str(table));
        map_put(&db->covers, slice_str(arena_strdup(db->covers_arena, table)), index);
    }
    stmt_release(db, stmt);
    db->covers_version = e ? -1 : version;
    return e;
}

/* --- what a read uses --- */

struct used {
    const char *columns[COVER_COLUMNS_MAX];
    int count;
    bool too_many; /* or something that no index of ours holds */
};

static void use(struct used *used, const struct column_ref *column)
{
    if (column->join != 0 || !column->column)
        return;
    for (int i = 0; i < used->count; i++)
        if (strcmp(used->columns[i], column->column) == 0)
            return;
    if (used->count < COVER_COLUMNS_MAX)
        used->columns[used->count++] = column->column;
    else
        used->too_many = true;
}

static void use_expr(struct used *used, const struct expr *e)
{
    if (!e)
        return;
    switch (e->op) {
    case EXPR_TRUE:
    case EXPR_FALSE:
        break;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
        for (const struct expr *child = e->first; child; child = child->next)
            use_expr(used, child);
        break;
    case EXPR_EXISTS:
        use(used, &e->sub.outer);
        break;
    case EXPR_MATCH:
        used->too_many = true; /* the token table leads */
        break;
    default:
        use(used, &e->column);
    }
}

static void use_query(struct used *used, const struct query *query)
{
    for (int i = 0; i < query->select_count; i++) {
        use(used, &query->select[i].column);
        use_expr(used, query->select[i].only_when);
    }
    for (int i = 0; i < query->joins_count; i++) {
        use(used, &query->joins[i].from);
        use_expr(used, query->joins[i].on);
    }
    use_expr(used, query->where);
}

static bool holds(const struct cover_index *index, const char *key, const char *column)
{
    if (strcmp(column, key) == 0 || (index->live && strcmp(column, "deleted_at") == 0))
        return true;
    for (struct slice rest = index->columns; rest.len;)
        if (slice_is(slice_split(&rest, ','), column))
            return true;
    return false;
}

static bool covers(const struct cover_index *index, const char *key, const struct used *used)
{
    for (int i = 0; i < used->count; i++)
        if (!holds(index, key, used->columns[i]))
            return false;
    return true;
}

/* --- conditions --- */

/* The conditions that must all hold, one after another from *at on. */
static const struct expr *condition_next(const struct expr *where, const struct expr **at)
{
    const struct expr *e = *at                              ? (*at)->next
                           : where && where->op == EXPR_AND ? where->first
                                                            : where;
    if (*at && where->op != EXPR_AND)
        return NULL;
    return *at = e;
}

static bool is_live(const struct expr *where)
{
    const struct expr *at = NULL;
    while (condition_next(where, &at)) {
        if (at->op == EXPR_AND && is_live(at))
            return true;
        if (at->op == EXPR_NULL && at->column.join == 0 &&
            strcmp(at->column.column, "deleted_at") == 0)
            return true;
    }
    return false;
}

/* A comparison with one value or a few by which another index leads; one with a word of few, or one
 * with anything else. */
static const struct expr *leading(const struct cover_index *indexes, const struct expr *where,
                                  const struct cover_index *cover, bool weak)
{
    const struct expr *at = NULL;
    while (condition_next(where, &at)) {
        const struct expr *below = at->op == EXPR_AND ? leading(indexes, at, cover, weak) : NULL;
        if (below)
            return below;
        if ((at->op != EXPR_EQ && at->op != EXPR_IN) || at->column.join != 0 || at->is_weak != weak)
            continue;
        for (const struct cover_index *index = indexes; index; index = index->next) {
            struct slice rest = index->columns;
            if (index != cover && slice_is(slice_split(&rest, ','), at->column.column))
                return at;
        }
        if (strcmp(at->column.column, "id") == 0)
            return at;
    }
    return NULL;
}

/* Whether the index begins with a column that has to be one value or one of a few. */
static bool is_led(const struct cover_index *index, const struct expr *where)
{
    const struct expr *at = NULL;
    struct slice rest = index->columns, first = slice_split(&rest, ',');
    while (condition_next(where, &at)) {
        if (at->op == EXPR_AND && is_led(index, at))
            return true;
        if ((at->op == EXPR_EQ || at->op == EXPR_IN) && at->column.join == 0 &&
            slice_is(first, at->column.column))
            return true;
    }
    return false;
}

/* Part of an index is less than all of it, and narrow is quick. Without the column itself SQLite
 * sets out for the row to ask whether it lives, though it need not arrive there. */
static bool is_better(const struct cover_index *a, const struct cover_index *b,
                      const struct expr *where)
{
    if (!b || is_led(a, where) != is_led(b, where))
        return !b || is_led(a, where);
    if (a->knows_deleted != b->knows_deleted)
        return a->knows_deleted;
    return a->count < b->count;
}

static bool count_row(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

/* Whether no more than a few rows pass that one condition. */
static enum err is_few(struct db *db, const struct query *query, const struct expr *condition,
                       bool *out)
{
    struct expr one = *condition, live = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
    struct expr both = {.op = EXPR_AND, .first = &live};
    struct query_column count = {.measure = MEASURE_COUNT};
    int64_t n = 0;
    one.next = NULL;
    live.next = &one;
    struct query probe = {.table = query->table,
                          .select = &count,
                          .select_count = 1,
                          .where = &both,
                          .count_cap = COVER_FEW_ROWS};
    enum err e = read_whole(db, &probe, count_row, &n);
    *out = n < COVER_FEW_ROWS;
    return e;
}

/* The best of those that hold all that is used, unless few rows have to be looked at. */
static enum err choose(struct db *db, const struct query *query, const struct used *used,
                       const char *key, const char **out)
{
    const struct cover_index *all = map_get(&db->covers, slice_str(query->table)), *best = NULL;
    bool live = is_live(query->where), few = false;
    enum err e = ERR_OK;
    for (const struct cover_index *index = all; index; index = index->next)
        if (!index->some && index->live <= live && covers(index, key, used) &&
            is_better(index, best, query->where))
            best = index;
    for (int weak = 0; weak < 2 && best && live && !few && !e; weak++) {
        const struct expr *condition = leading(all, query->where, best, weak);
        if (condition)
            e = is_few(db, query, condition, &few);
    }
    if (!e && best && !few)
        *out = best->name;
    return e;
}

enum err cover_find(struct db *db, const struct query *query, const char **out)
{
    const struct table_entry *entry;
    struct used used = {0};
    *out = NULL;
    use_query(&used, query);
    if (used.too_many || query->index_hint)
        return ERR_OK;
    enum err e = db_table(db, query->table, &entry);
    if (!e)
        e = indexes_load(db);
    return e ? e : choose(db, query, &used, entry->key, out);
}

/* --- pages that no index has in order --- */

static bool is_held(const struct expr *where, struct slice column)
{
    const struct expr *at = NULL;
    while (condition_next(where, &at)) {
        if (at->op == EXPR_AND && is_held(at, column))
            return true;
        if ((at->op == EXPR_EQ || at->op == EXPR_NULL) && at->column.join == 0 &&
            slice_is(column, at->column.column))
            return true;
    }
    return false;
}

/* Whether what stands before that column in the index is held to one value each. */
static bool is_in_order(const struct cover_index *index, const struct expr *where,
                        const char *column)
{
    for (struct slice rest = index->columns; rest.len;) {
        struct slice name = slice_split(&rest, ',');
        if (slice_is(name, column))
            return true;
        if (!is_held(where, name))
            return false;
    }
    return false;
}

static bool asks_joined(const struct expr *e)
{
    if (!e || e->op == EXPR_TRUE || e->op == EXPR_FALSE)
        return false;
    if (e->op != EXPR_AND && e->op != EXPR_OR && e->op != EXPR_NOT)
        return (e->op == EXPR_EXISTS ? e->sub.outer.join : e->column.join) != 0;
    for (const struct expr *child = e->first; child; child = child->next)
        if (asks_joined(child))
            return true;
    return false;
}

/* Whether what decides on a row and its place is in the table itself, and has no order yet. */
static bool is_sorted_by(const struct query *query, const char *key, struct used *used)
{
    bool is_page = query->order_count > 0 && query->limit > 0 && query->group_count == 0 &&
                   query->count_cap == 0 && !query->index_hint && !strchr(key, ',');
    if (!is_page || strcmp(query->order[0].column.column, key) == 0 || asks_joined(query->where))
        return false;
    for (int i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        if (order->column.join != 0 || asks_joined(order->only_when))
            return false;
        use(used, &order->column);
        use_expr(used, order->only_when);
    }
    use_expr(used, query->where);
    return !used->too_many;
}

enum err cover_sorted(struct db *db, const struct query *query, const char **out)
{
    const struct table_entry *entry;
    struct used used = {0};
    *out = NULL;
    enum err e = db_table(db, query->table, &entry);
    if (e || !is_sorted_by(query, entry->key, &used))
        return e;
    e = indexes_load(db);
    if (e)
        return e;
    const struct cover_index *index = map_get(&db->covers, slice_str(query->table));
    for (; index; index = index->next)
        if (is_in_order(index, query->where, query->order[0].column.column))
            return ERR_OK;
    return choose(db, query, &used, entry->key, out);
}
