/* seen - see seen.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/seen.h"

#include "base/tuning.h"
#include "store/sqlite/emit.h"

#define GROUP_END 0xFF /* behind the items of AND, OR, NOT: no operator's number */

/* --- the question, written out --- */

static void put_value(struct buf *key, const struct value *value)
{
    buf_put_char(key, (char)value->type);
    if (value->type == VALUE_INT) {
        buf_put(key, &value->integer, sizeof value->integer);
    } else if (value->type != VALUE_NULL) {
        buf_put(key, &value->bytes.len, sizeof value->bytes.len);
        buf_put_slice(key, value->bytes);
    }
}

static bool put_column(struct buf *key, const struct column_ref *column)
{
    if (column->join != 0 || !column->column)
        return false;
    buf_put(key, column->column, strlen(column->column) + 1);
    return true;
}

static bool put_where(struct buf *key, const struct expr *e);

static bool put_items(struct buf *key, const struct expr *e)
{
    for (const struct expr *item = e->first; item; item = item->next)
        if (!put_where(key, item))
            return false;
    buf_put_char(key, (char)GROUP_END);
    return true;
}

static bool put_where(struct buf *key, const struct expr *e)
{
    buf_put_char(key, (char)e->op);
    switch (e->op) {
    case EXPR_TRUE:
    case EXPR_FALSE:
        return true;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
        return put_items(key, e);
    case EXPR_EXISTS:
    case EXPR_MATCH:
        return false; /* they look at other tables, too */
    case EXPR_NULL:
    case EXPR_NOT_NULL:
        return put_column(key, &e->column);
    case EXPR_IN:
    case EXPR_NIN:
        buf_put(key, &e->values_count, sizeof e->values_count);
        for (int i = 0; i < e->values_count; i++)
            put_value(key, &e->values[i]);
        return put_column(key, &e->column);
    case EXPR_BETWEEN:
        put_value(key, &e->value2);
        break;
    default:
        break;
    }
    put_value(key, &e->value);
    return put_column(key, &e->column);
}

static bool put_query(struct buf *key, const struct query *query)
{
    buf_put(key, query->table, strlen(query->table) + 1);
    buf_put(key, &query->limit, sizeof query->limit);
    buf_put(key, &query->select_count, sizeof query->select_count);
    for (int i = 0; i < query->select_count; i++) {
        const struct query_column *column = &query->select[i];
        if (column->only_when || column->measure != MEASURE_NONE || column->bucket != BUCKET_NONE ||
            !put_column(key, &column->column))
            return false;
    }
    buf_put(key, &query->order_count, sizeof query->order_count);
    for (int i = 0; i < query->order_count; i++) {
        buf_put_char(key, query->order[i].descending ? 'd' : 'a');
        if (query->order[i].only_when || !put_column(key, &query->order[i].column))
            return false;
    }
    return !query->where || put_where(key, query->where);
}

void seen_ask(struct db *db, const struct query *query, struct seen_question *out)
{
    struct seen_all *all = &db->seen;
    *out = (struct seen_question){0};
    if (!db->tx_writes || query->joins_count || query->keyset || query->after ||
        query->group_count || query->wide_sums || query->having || query->count_cap ||
        db_table(db, query->table, &out->entry))
        return;
    buf_clear(&all->key);
    if (put_query(&all->key, query))
        out->hash = hash_bytes(buf_slice(&all->key)) | 1;
}

/* --- answers --- */

const struct seen *seen_find(struct db *db, const struct seen_question *question)
{
    const struct seen_all *all = &db->seen;
    if (!question->hash || !all->slots)
        return NULL;
    const struct seen *seen = &all->slots[(question->hash >> 1) % SEEN_SLOTS];
    bool same = seen->entry == question->entry && seen->hash == question->hash &&
                seen->writes == *question->entry->writes &&
                slice_eq(seen->key, buf_slice(&all->key));
    return same ? seen : NULL;
}

struct filling {
    struct seen_all *all;
    struct seen *seen;
    store_row_cb cb;
    void *arg;
    int64_t limit, forgotten;
    bool whole;
};

static bool keep_row(void *arg, const struct store_row *row)
{
    struct filling *filling = arg;
    struct seen *seen = filling->seen;
    struct arena *arena = filling->all->arena;
    size_t width = (size_t)seen->columns * sizeof *seen->values;
    if (seen->rows == SEEN_ROWS_MAX || arena_used(arena) > SEEN_BYTES_MAX)
        filling->whole = false;
    if (filling->whole) {
        struct value *values = arena_grow(arena, seen->values, (size_t)seen->rows * width,
                                          (size_t)(seen->rows + 1) * width);
        for (int i = 0; i < seen->columns; i++) {
            struct value value = read_row_value(row, i);
            values[seen->rows * seen->columns + i] = value_copy(arena, &value);
        }
        seen->values = values;
        seen->rows++;
    }
    bool more = filling->cb(filling->arg, row);
    filling->whole = filling->whole && (more || seen->rows == filling->limit);
    return more;
}

/* Room for one more answer; NULL while others are being handed out. */
static struct seen *slot_make(struct seen_all *all, uint64_t hash)
{
    if (all->walking)
        return NULL;
    if (all->arena && arena_used(all->arena) > SEEN_BYTES_MAX) {
        arena_clear(all->arena);
        all->slots = NULL;
    }
    if (!all->arena)
        all->arena = arena_new();
    if (!all->slots)
        all->slots = arena_array(all->arena, struct seen, SEEN_SLOTS);
    return &all->slots[(hash >> 1) % SEEN_SLOTS];
}

enum err seen_fill(struct db *db, const struct seen_question *question, const struct query *query,
                   store_row_cb cb, void *arg)
{
    struct seen_all *all = &db->seen;
    struct seen *slot = question->hash ? slot_make(all, question->hash) : NULL;
    if (!slot)
        return read_one(db, query, cb, arg);
    *slot = (struct seen){.hash = question->hash,
                          .key = arena_slice(all->arena, buf_slice(&all->key)),
                          .writes = *question->entry->writes,
                          .columns = query->select_count};
    struct filling filling = {all, slot, cb, arg, query->limit, all->forgotten, true};
    all->walking++; /* cb may read, too */
    enum err e = read_one(db, query, keep_row, &filling);
    all->walking--;
    if (!e && filling.whole && filling.forgotten == all->forgotten)
        slot->entry = question->entry;
    return e;
}

void seen_forget(struct db *db)
{
    struct seen_all *all = &db->seen;
    all->forgotten++;
    for (int i = 0; i < SEEN_SLOTS && all->slots; i++)
        all->slots[i].entry = NULL;
    if (all->walking)
        return; /* its memory is still looked at */
    arena_free(all->arena);
    all->arena = NULL;
    all->slots = NULL;
}
