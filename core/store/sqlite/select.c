/* select - a whole query as one SELECT, or as two for some pages.
 *
 * A page begins strictly behind `after`. Where all keys run the same way and empties cannot hide
 * rows, that is a row comparison, which SQLite turns into one index seek. Otherwise it is the OR
 * form behind a plain range on the first key. Empties sort first: when the first key may be empty
 * and the page can reach from its filled part into its empty part (or the other way), no single
 * range covers it, so the page is read in two statements, each with its own index range.
 *
 * Groups by month, week, quarter or year of a day column are made in two levels: first by day,
 * which an index can deliver in order, then the few day groups by bucket. In one level SQLite would
 * sort every row (24 ms instead of 8 for 100,000 rows).
 *
 * A MATCH standing in the top AND of a query is joined (token table first, ids descending come out
 * without sorting); anywhere else it is an IN sub-select. A page by id whose top AND holds an OR of
 * such conditions is read as one statement for each, merged by id in read.c: fields that are hidden
 * on some rows are searched like that, and every hit of a common word would be sorted otherwise.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/clock.h"
#include "store/sqlite/cover.h"
#include "store/sqlite/emit.h"

/* --- what is selected --- */

static void emit_zoned(struct emit *emit, const struct query_column *column)
{
    struct value zone = value_text(slice_str(zone_name(column->zone)));
    emit_str(emit, "bucket(");
    emit_guarded(emit, &column->column, column->only_when);
    emit_str(emit, ",");
    emit_value(emit, &zone);
    emit_str(emit, ",");
    buf_put_int(emit->sql, column->bucket);
    emit_str(emit, ")");
}

static bool is_day_bucket(const struct query_column *column)
{
    return column->measure == MEASURE_NONE && column->bucket > BUCKET_DAY && !column->zone;
}

static void emit_measure(struct emit *emit, const struct query_column *column)
{
    static const char *const functions[] = {[MEASURE_COUNT] = "count(",
                                            [MEASURE_SUM] = "sum(",
                                            [MEASURE_MIN] = "min(",
                                            [MEASURE_MAX] = "max("};
    emit_str(emit, functions[column->measure]);
    if (column->column.column)
        emit_guarded(emit, &column->column, column->only_when);
    else
        emit_str(emit, "*");
    emit_str(emit, ")");
}

/* The same output made from column c<at> of the inner level. */
static void emit_outer(struct emit *emit, const struct query_column *column, int at)
{
    static const char *const functions[] = {[MEASURE_NONE] = "",
                                            [MEASURE_COUNT] = "sum(",
                                            [MEASURE_SUM] = "sum(",
                                            [MEASURE_MIN] = "min(",
                                            [MEASURE_MAX] = "max("};
    bool day_bucket = is_day_bucket(column);
    emit_str(emit, day_bucket ? "bucket_day(c" : functions[column->measure]);
    if (!day_bucket)
        emit_str(emit, "c");
    buf_put_int(emit->sql, at);
    if (day_bucket) {
        emit_str(emit, ",");
        buf_put_int(emit->sql, column->bucket);
    }
    if (day_bucket || column->measure != MEASURE_NONE)
        emit_str(emit, ")");
}

void emit_selected(struct emit *emit, int at)
{
    ASSERT(emit->query && at >= 0 && at < emit->query->select_count);
    const struct query_column *column = &emit->query->select[at];
    if (emit->outer)
        emit_outer(emit, column, at);
    else if (column->measure != MEASURE_NONE)
        emit_measure(emit, column);
    else if (column->bucket != BUCKET_NONE && column->zone)
        emit_zoned(emit, column);
    else
        emit_guarded(emit, &column->column, column->only_when); /* a day is its own bucket */
}

static void emit_select_list(struct emit *emit, const struct query *query)
{
    ASSERT(query->select_count > 0 || query->keyset);
    for (int i = 0; i < query->select_count; i++) {
        if (i)
            emit_str(emit, ",");
        emit_selected(emit, i);
    }
    for (int i = 0; query->keyset && i < query->order_count; i++) {
        if (i || query->select_count)
            emit_str(emit, ",");
        emit_guarded(emit, &query->order[i].column, query->order[i].only_when);
    }
}

/* --- from where --- */

static const struct expr *top_match(const struct expr *where)
{
    if (!where)
        return NULL;
    if (where->op == EXPR_MATCH && where->column.join == 0)
        return where;
    if (where->op != EXPR_AND)
        return NULL;
    for (const struct expr *child = where->first; child; child = child->next) {
        const struct expr *found = top_match(child);
        if (found)
            return found;
    }
    return NULL;
}

static enum err match_join(struct emit *emit, const struct query *query, const struct expr *where)
{
    const struct expr *match = top_match(where);
    const struct table_entry *entry;
    if (!match || match->tokens_count == 0 || match->prefixes_count == 0)
        return ERR_OK;
    enum err e = db_table(emit->db, query->table, &entry);
    if (e || !entry->tokens || late_is(emit->db, entry))
        return e; /* emit_match will complain, or find nothing */
    emit->matched = match;
    emit->match_key = entry->key;
    return ERR_OK;
}

/* Then it has none of the indexes that could be named. */
static bool is_late(struct db *db, const char *table)
{
    const struct table_entry *entry;
    return db_table(db, table, &entry) == ERR_OK && late_is(db, entry);
}

static void emit_from(struct emit *emit, const struct query *query, bool with_hint)
{
    emit_str(emit, " FROM ");
    if (emit->matched) {
        emit_str(emit, "\"");
        emit_str(emit, query->table);
        emit_str(emit, "_tokens\" AS k CROSS JOIN ");
    }
    emit_source(emit, query->table);
    emit_str(emit, " AS t");
    const char *index = with_hint && query->index_hint ? query->index_hint : emit->cover;
    if (index && !emit->matched && !is_late(emit->db, query->table)) {
        emit_str(emit, " INDEXED BY ");
        emit_name(emit, index);
    }
    for (int i = 0; i < query->joins_count; i++) {
        const struct query_join *join = &query->joins[i];
        struct column_ref to = {.join = i + 1, .column = join->to};
        ASSERT(join->from.join <= i);
        emit_str(emit, " LEFT JOIN ");
        emit_source(emit, join->table);
        emit_str(emit, " AS j");
        buf_put_int(emit->sql, i + 1);
        emit_str(emit, " ON ");
        emit_column(emit, &to);
        emit_str(emit, "=");
        emit_column(emit, &join->from);
        if (join->on) {
            emit_str(emit, " AND ");
            emit_expr(emit, join->on);
        }
    }
}

/* --- behind the cursor --- */

static bool may_be_null(struct db *db, const struct query *query, const struct query_order *order)
{
    int not_null = 0, key = 0;
    if (order->only_when || order->column.join != 0)
        return true;
    int rc = sqlite3_table_column_metadata(db->handle, NULL, query->table, order->column.column,
                                           NULL, NULL, &not_null, &key, NULL);
    return rc != SQLITE_OK || !(not_null || key);
}

static void emit_key(struct emit *emit, const struct query *query, int at, const char *operator)
{
    emit_guarded(emit, &query->order[at].column, query->order[at].only_when);
    emit_str(emit, operator);
}

static void emit_key_value(struct emit *emit, const struct query *query, int at,
                           const char *operator)
{
    emit_key(emit, query, at, operator);
    emit_value(emit, &query->after[at]);
}

/* Rows whose keys from `at` on stand strictly behind the cursor's: the OR form. */
static void emit_behind(struct emit *emit, const struct query *query, int at)
{
    if (at == query->order_count) {
        emit_str(emit, "0"); /* equal in every key: the cursor's own row */
        return;
    }
    bool descending = query->order[at].descending;
    bool empty = query->after[at].type == VALUE_NULL;
    emit_str(emit, "(");
    if (!empty) {
        emit_key_value(emit, query, at, descending ? "<" : ">");
        if (descending && may_be_null(emit->db, query, &query->order[at])) {
            emit_str(emit, " OR ");
            emit_key(emit, query, at, " IS NULL");
        }
        emit_str(emit, " OR ");
    } else if (!descending) {
        emit_key(emit, query, at, " IS NOT NULL OR ");
    }
    if (at + 1 == query->order_count) {
        emit_str(emit, "0)");
        return;
    }
    emit_str(emit, "(");
    if (empty)
        emit_key(emit, query, at, " IS NULL");
    else
        emit_key_value(emit, query, at, "=");
    emit_str(emit, " AND ");
    emit_behind(emit, query, at + 1);
    emit_str(emit, "))");
}

/* Whether (k1,k2,…) < (v1,v2,…) says the same as the OR form on the filled part of k1. */
static bool row_comparison_fits(struct db *db, const struct query *query)
{
    for (int i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        if (query->after[i].type == VALUE_NULL || order->descending != query->order[0].descending)
            return false;
        if (i > 0 && order->descending && may_be_null(db, query, order))
            return false; /* empties come last: the comparison would hide them */
    }
    return true;
}

static void emit_row_comparison(struct emit *emit, const struct query *query)
{
    emit_str(emit, "(");
    for (int i = 0; i < query->order_count; i++)
        emit_key(emit, query, i, i + 1 < query->order_count ? "," : ")");
    emit_str(emit, query->order[0].descending ? "<(" : ">(");
    for (int i = 0; i < query->order_count; i++) {
        emit_value(emit, &query->after[i]);
        emit_str(emit, i + 1 < query->order_count ? "," : ")");
    }
}

/* Filled part of the first key, behind a filled cursor. */
static void emit_range(struct emit *emit, const struct query *query)
{
    bool descending = query->order[0].descending;
    if (row_comparison_fits(emit->db, query)) {
        emit_row_comparison(emit, query);
        return;
    }
    emit_str(emit, "(");
    emit_key_value(emit, query, 0, descending ? "<=" : ">=");
    emit_str(emit, " AND (");
    emit_key_value(emit, query, 0, descending ? "<" : ">");
    emit_str(emit, " OR ");
    emit_behind(emit, query, 1);
    emit_str(emit, "))");
}

/* The empty part of the first key, behind an empty cursor. */
static void emit_empty_part(struct emit *emit, const struct query *query)
{
    emit_str(emit, "(");
    emit_key(emit, query, 0, " IS NULL AND ");
    emit_behind(emit, query, 1);
    emit_str(emit, ")");
}

static void emit_after(struct emit *emit, const struct query *query, enum emit_part part)
{
    bool empty = query->after[0].type == VALUE_NULL;
    if (part == PART_SECOND)
        emit_key(emit, query, 0, query->order[0].descending ? " IS NULL" : " IS NOT NULL");
    else if (empty)
        emit_empty_part(emit, query);
    else
        emit_range(emit, query);
}

enum err select_parts(struct db *db, const struct query *query, int *parts)
{
    *parts = 1;
    if (!query->after)
        return ERR_OK;
    ASSERT(query->order_count > 0);
    const struct table_entry *entry;
    enum err e = db_table(db, query->table, &entry); /* also makes the schema known */
    if (e)
        return e;
    bool empty = query->after[0].type == VALUE_NULL;
    bool crosses = query->order[0].descending ? !empty : empty;
    if (crosses && may_be_null(db, query, &query->order[0]))
        *parts = 2;
    return ERR_OK;
}

/* --- the statement --- */

static void emit_where(struct emit *emit, const struct query *query, enum emit_part part)
{
    const char *word = " WHERE ";
    if (emit->matched) {
        size_t from = emit->db->scratch.len;
        emit->searches = true;
        emit_str(emit, " WHERE k.\"");
        emit_str(emit, query->table);
        emit_str(emit, "_tokens\" MATCH ");
        tokens_match(&emit->db->scratch, emit->matched);
        emit_scratch(emit, from, VALUE_TEXT);
        emit_str(emit, " AND t.");
        emit_name(emit, emit->match_key);
        emit_str(emit, "=k.rowid");
        word = " AND ";
    }
    if (query->where) {
        emit_str(emit, word);
        emit_expr(emit, query->where);
        word = " AND ";
    }
    if (query->after) {
        emit_str(emit, word);
        emit_after(emit, query, part);
    }
}

static void emit_group_by(struct emit *emit, const struct query *query)
{
    for (int i = 0; i < query->group_count; i++) {
        emit_str(emit, i ? "," : " GROUP BY ");
        buf_put_int(emit->sql, i + 1);
    }
}

static void emit_tail(struct emit *emit, const struct query *query, int64_t limit)
{
    emit_group_by(emit, query);
    if (query->having) {
        emit_str(emit, " HAVING ");
        emit_expr(emit, query->having);
    }
    for (int i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        emit_str(emit, i ? "," : " ORDER BY ");
        if (order->column.join < 0)
            buf_put_int(emit->sql, atoi(order->column.column) + 1);
        else
            emit_guarded(emit, &order->column, order->only_when);
        if (order->descending)
            emit_str(emit, " DESC");
    }
    if (limit > 0) {
        emit_str(emit, " LIMIT ");
        emit_int(emit, limit);
    }
}

static bool wants_two_levels(const struct query *query)
{
    for (int i = 0; i < query->group_count; i++)
        if (is_day_bucket(&query->select[i]))
            return true;
    return false;
}

static void emit_two_levels(struct emit *emit, const struct query *query, int64_t limit,
                            bool with_hint)
{
    ASSERT(!query->keyset && !query->after);
    emit->outer = true;
    emit_str(emit, "SELECT ");
    emit_select_list(emit, query);
    emit->outer = false;
    for (int i = 0; i < query->select_count; i++) {
        emit_str(emit, i ? "," : " FROM (SELECT ");
        emit_selected(emit, i);
        emit_str(emit, " AS c");
        buf_put_int(emit->sql, i);
    }
    emit_from(emit, query, with_hint);
    emit_where(emit, query, PART_WHOLE);
    emit_group_by(emit, query);
    emit_str(emit, ")");
    emit->outer = true;
    emit_tail(emit, query, limit);
}

/* A page of an order that no index has: its rows are found in a narrow index and sorted there,
 * instead of the whole table being read for them. */
static enum err emit_found(struct emit *emit, const struct query *query, enum emit_part part,
                           int64_t limit, const char *narrow)
{
    const struct table_entry *entry;
    struct query alone = *query;
    enum err e = db_table(emit->db, query->table, &entry);
    if (e)
        return e;
    alone.joins_count = 0;
    emit_str(emit, "SELECT ");
    emit_select_list(emit, query);
    emit_from(emit, query, false);
    emit_str(emit, " WHERE t.");
    emit_name(emit, entry->key);
    emit_str(emit, " IN (SELECT t.");
    emit_name(emit, entry->key);
    emit->cover = narrow;
    emit_from(emit, &alone, false);
    emit_where(emit, query, part);
    emit_tail(emit, query, limit);
    emit_str(emit, ")");
    emit_tail(emit, query, 0);
    return emit->error;
}

enum err select_emit_tally(struct emit *emit, struct db *db, const struct query *query,
                           const char *cover, struct semijoins *semijoins)
{
    enum err e = emit_start(emit, db, query->table);
    if (e)
        return e;
    emit->query = query;
    emit->cover = cover;
    emit->semijoins = cover ? semijoins : NULL;
    e = match_join(emit, query, query->where);
    if (e)
        return e;
    emit_str(emit, "SELECT tally(");
    for (int i = 0, given = 0; i < query->select_count; i++) {
        const struct query_column *column = &query->select[i];
        if (!column->column.column)
            continue; /* rows are counted by themselves */
        emit_str(emit, given++ ? "," : "");
        emit_guarded(emit, &column->column, column->only_when);
    }
    emit_str(emit, ")");
    emit_from(emit, query, false);
    emit_where(emit, query, PART_WHOLE);
    return emit->error;
}

enum err select_emit(struct emit *emit, struct db *db, const struct query *query,
                     enum emit_part part, int64_t limit, bool with_hint)
{
    ASSERT(query->count_cap == 0 || query->group_count == 0);
    ASSERT(query->group_count <= query->select_count);
    const char *narrow;
    enum err e = cover_sorted(db, query, &narrow);
    if (!e)
        e = emit_start(emit, db, query->table);
    if (e)
        return e;
    emit->query = query;
    if (narrow)
        return emit_found(emit, query, part, limit, narrow);
    e = match_join(emit, query, query->where);
    if (e)
        return e;
    if (query->count_cap > 0) {
        emit_str(emit, "SELECT count(*) FROM (SELECT 1");
        emit_from(emit, query, with_hint);
        emit_where(emit, query, part);
        emit_str(emit, " LIMIT ");
        emit_int(emit, query->count_cap);
        emit_str(emit, ")");
        return emit->error;
    }
    if (wants_two_levels(query)) {
        emit_two_levels(emit, query, limit, with_hint);
        return emit->error;
    }
    emit_str(emit, "SELECT ");
    emit_select_list(emit, query);
    emit_from(emit, query, with_hint);
    emit_where(emit, query, part);
    emit_tail(emit, query, limit);
    return emit->error;
}

/* --- an OR of searches --- */

/* False when one of them is no search, or there are too many. */
static bool any_collect(const struct expr *e, struct select_any *any)
{
    if (e->op == EXPR_OR) {
        for (const struct expr *child = e->first; child; child = child->next)
            if (!any_collect(child, any))
                return false;
        return true;
    }
    const struct expr *match = top_match(e);
    if (!match || match->tokens_count == 0 || match->prefixes_count == 0)
        return false;
    if (any->count == SELECT_ANY_MAX)
        return false;
    any->items[any->count++] = e;
    return true;
}

/* The first such OR standing in the top AND; a row rule may be an OR too. */
static bool any_find(const struct expr *where, struct select_any *any)
{
    if (where->op == EXPR_OR) {
        *any = (struct select_any){.node = where};
        return any_collect(where, any);
    }
    for (const struct expr *child = where->first; where->op == EXPR_AND && child;
         child = child->next)
        if (any_find(child, any))
            return true;
    return false;
}

static bool is_by_key(const struct query *query, const char *key)
{
    const struct query_order *order = query->order;
    return query->order_count == 1 && order->column.join == 0 && !order->only_when &&
           strcmp(order->column.column, key) == 0;
}

enum err select_any_find(struct db *db, const struct query *query, struct select_any *any)
{
    const struct table_entry *entry;
    *any = (struct select_any){0};
    if (!query->where || query->count_cap > 0 || query->group_count > 0 || top_match(query->where))
        return ERR_OK;
    enum err e = db_table(db, query->table, &entry);
    if (e || !entry->tokens || !is_by_key(query, entry->key) || late_is(db, entry))
        return e;
    if (!any_find(query->where, any))
        any->count = 0;
    return ERR_OK;
}

enum err select_any_emit(struct emit *emit, struct db *db, const struct query *query,
                         const struct select_any *any, int which)
{
    ASSERT(which >= 0 && which < any->count);
    enum err e = emit_start(emit, db, query->table);
    if (e)
        return e;
    emit->query = query;
    emit->any = any->node;
    emit->one = any->items[which];
    e = match_join(emit, query, emit->one);
    if (e)
        return e;
    emit_str(emit, "SELECT ");
    emit_select_list(emit, query);
    emit_str(emit, ",k.rowid,"); /* and a number, or two alternatives could share a statement */
    buf_put_int(emit->sql, which);
    emit_from(emit, query, false);
    emit_where(emit, query, PART_WHOLE);
    emit_tail(emit, query, query->limit);
    return emit->error;
}
