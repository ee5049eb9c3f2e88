/* tally - see tally.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/tally.h"

#include <stdlib.h>

#include "store/sqlite/bucket.h"
#include "store/sqlite/cover.h"
#include "store/sqlite/emit.h"
#include "store/sqlite/semijoin.h"

#define TALLY_KEYS_MAX  8
#define TALLY_SLOTS_MIN 256 /* a power of two, as are all sizes of the table */
#define TALLY_SPANS_MAX 512 /* buckets of one key that are remembered */

__extension__ typedef __int128 wide;

struct tally_span { /* a bucket: low ≤ value < high */
    int64_t low, high;
};

struct tally_key {
    const struct query_column *column;
    struct tally_span last;   /* found last; empty at first */
    struct tally_span *spans; /* found so far, ascending: finding out needs a calendar */
    int spans_count;
};

struct tally_cell { /* one measure of one group */
    wide n;         /* sum, least or greatest */
    int64_t count;  /* values that were not empty */
};

struct tally_group {
    struct tally *tally;
    struct value keys[TALLY_KEYS_MAX];
    struct tally_cell *cells;
    int64_t rows;
    uint64_t hash;
};

struct tally {
    const struct query *query;
    struct arena *arena;
    struct tally_key keys[TALLY_KEYS_MAX];
    const struct query_column *measures[STORE_MEASURES_MAX];
    int measures_count, arguments;
    struct tally_group **groups, **slots;
    struct tally_group *last; /* of the row before: in an index rows of a group stand together */
    int count, cap;
    bool unfit; /* not for here after all: too many groups, or a value that is no integer */
};

/* --- keys --- */

static struct tally_span span_of(struct tally *tally, struct tally_key *key, int64_t n)
{
    int from = 0, to = key->spans_count;
    while (from <
           to) { /* spans before `from` end at or before n, from `to` on they end behind it */
        int middle = from + (to - from) / 2;
        if (key->spans[middle].high <= n)
            from = middle + 1;
        else
            to = middle;
    }
    if (from < key->spans_count && key->spans[from].low <= n)
        return key->spans[from];
    struct tally_span span;
    bucket_span(key->column->zone, key->column->bucket, n, &span.low, &span.high);
    if (key->spans_count == TALLY_SPANS_MAX)
        return span;
    if (!key->spans)
        key->spans = arena_array(tally->arena, struct tally_span, TALLY_SPANS_MAX);
    memmove(&key->spans[from + 1], &key->spans[from],
            (size_t)(key->spans_count - from) * sizeof span);
    key->spans_count++;
    return key->spans[from] = span;
}

static int64_t bucket_of(struct tally *tally, struct tally_key *key, int64_t n)
{
    if (n < key->last.low || n >= key->last.high)
        key->last = span_of(tally, key, n);
    return key->last.low;
}

static struct value key_of(struct tally *tally, struct tally_key *key, sqlite3_value *in)
{
    switch (sqlite3_value_type(in)) {
    case SQLITE_INTEGER: {
        int64_t n = sqlite3_value_int64(in);
        if (key->column->bucket != BUCKET_NONE)
            n = bucket_of(tally, key, n);
        return value_int(n);
    }
    case SQLITE_TEXT: {
        const char *at = (const char *)sqlite3_value_text(in);
        return value_text(slice_of(at, (size_t)sqlite3_value_bytes(in)));
    }
    case SQLITE_BLOB: {
        const char *at = sqlite3_value_blob(in);
        return value_blob(slice_of(at, (size_t)sqlite3_value_bytes(in)));
    }
    default:
        return value_null();
    }
}

static inline bool same(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == VALUE_INT)
        return a->integer == b->integer;
    return a->type == VALUE_NULL || slice_eq(a->bytes, b->bytes);
}

static bool is_of(const struct tally_group *group, const struct value *keys, int count)
{
    for (int i = 0; i < count; i++)
        if (!same(&group->keys[i], &keys[i]))
            return false;
    return true;
}

/* --- groups --- */

static uint64_t hash_of(const struct value *keys, int count)
{
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) {
        uint64_t n = (uint64_t)keys[i].integer + (uint64_t)keys[i].type;
        if (keys[i].type == VALUE_TEXT || keys[i].type == VALUE_BLOB)
            n = hash_bytes(keys[i].bytes);
        hash = (hash ^ n) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static void slots_fill(struct tally *tally, int cap)
{
    tally->cap = cap;
    tally->slots = arena_array(tally->arena, struct tally_group *, (size_t)cap);
    for (int i = 0; i < tally->count; i++) {
        size_t at = tally->groups[i]->hash & (size_t)(cap - 1);
        while (tally->slots[at])
            at = (at + 1) & (size_t)(cap - 1);
        tally->slots[at] = tally->groups[i];
    }
}

static struct tally_group *group_add(struct tally *tally, const struct value *keys, uint64_t hash)
{
    struct tally_group *group = arena_make(tally->arena, struct tally_group);
    group->tally = tally;
    group->hash = hash;
    for (int i = 0; i < tally->query->group_count; i++)
        group->keys[i] = value_copy(tally->arena, &keys[i]);
    group->cells = arena_array(tally->arena, struct tally_cell, (size_t)tally->measures_count + 1);
    if (tally->count % TALLY_SLOTS_MIN == 0) {
        size_t used = (size_t)tally->count * sizeof(void *);
        tally->groups =
            arena_grow(tally->arena, tally->groups, used, used + TALLY_SLOTS_MIN * sizeof(void *));
    }
    tally->groups[tally->count++] = group;
    return group;
}

/* NULL when there would be too many. */
static struct tally_group *group_of(struct tally *tally, const struct value *keys)
{
    int count = tally->query->group_count;
    if (tally->last && is_of(tally->last, keys, count))
        return tally->last;
    uint64_t hash = hash_of(keys, count);
    if (tally->count * 2 >= tally->cap)
        slots_fill(tally, tally->cap ? tally->cap * 2 : TALLY_SLOTS_MIN);
    size_t mask = (size_t)(tally->cap - 1), at = hash & mask;
    while (tally->slots[at] &&
           (tally->slots[at]->hash != hash || !is_of(tally->slots[at], keys, count)))
        at = (at + 1) & mask;
    if (!tally->slots[at]) {
        if (tally->count == TALLY_GROUPS_MAX)
            return NULL;
        tally->slots[at] = group_add(tally, keys, hash);
    }
    return tally->last = tally->slots[at];
}

/* --- rows --- */

static bool measure_add(const struct query_column *column, struct tally_cell *cell,
                        sqlite3_value *in)
{
    int type = sqlite3_value_type(in);
    if (type == SQLITE_NULL)
        return true;
    cell->count++;
    if (column->measure == MEASURE_COUNT)
        return true;
    if (type != SQLITE_INTEGER)
        return false;
    wide n = sqlite3_value_int64(in);
    if (column->measure == MEASURE_SUM)
        cell->n += n;
    else if (cell->count == 1 || (column->measure == MEASURE_MIN ? n < cell->n : n > cell->n))
        cell->n = n;
    return true;
}

void tally_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct db *db = sqlite3_user_data(context);
    struct tally *tally = db->tally;
    if (!tally || argc != tally->arguments) {
        sqlite3_result_error(context, "no tally is kept", -1);
        return;
    }
    struct value keys[TALLY_KEYS_MAX];
    int count = tally->query->group_count;
    for (int i = 0; i < count; i++)
        keys[i] = key_of(tally, &tally->keys[i], argv[i]);
    struct tally_group *group = group_of(tally, keys);
    tally->unfit = tally->unfit || !group;
    for (int i = 0, at = count; i < tally->measures_count && !tally->unfit; i++) {
        const struct query_column *column = tally->measures[i];
        if (column->column.column && !measure_add(column, &group->cells[i], argv[at++]))
            tally->unfit = true;
    }
    if (tally->unfit)
        sqlite3_result_error(context, "not for a tally", -1);
    else
        group->rows++;
}

void tally_end(sqlite3_context *context)
{
    sqlite3_result_null(context); /* the groups are the answer */
}

/* --- what a query asks --- */

static bool having_fits(const struct query *query, const struct expr *e)
{
    if (e->op == EXPR_AND) {
        for (const struct expr *child = e->first; child; child = child->next)
            if (!having_fits(query, child))
                return false;
        return true;
    }
    return e->op >= EXPR_EQ && e->op <= EXPR_GTE && e->column.join < 0 &&
           e->value.type == VALUE_INT && atoi(e->column.column) >= query->group_count;
}

bool tally_fits(const struct query *query)
{
    bool groups = query->group_count > 0 || query->wide_sums;
    if (!groups || query->group_count > TALLY_KEYS_MAX || query->keyset || query->count_cap > 0 ||
        query->after || query->select_count - query->group_count > STORE_MEASURES_MAX)
        return false;
    bool walks = query->group_count > 0; /* an extreme alone is found at the end of an index */
    for (int i = 0; i < query->select_count; i++) {
        if ((query->select[i].measure == MEASURE_NONE) != (i < query->group_count))
            return false;
        walks = walks || query->select[i].measure == MEASURE_SUM ||
                query->select[i].measure == MEASURE_COUNT;
    }
    if (!walks)
        return false;
    for (int i = 0; i < query->order_count; i++)
        if (query->order[i].column.join >= 0)
            return false;
    return !query->having || having_fits(query, query->having);
}

static void tally_begin(struct tally *tally, const struct query *query)
{
    *tally = (struct tally){.query = query, .arena = arena_new()};
    tally->arguments = query->group_count;
    for (int i = 0; i < query->select_count; i++) {
        const struct query_column *column = &query->select[i];
        if (i < query->group_count) {
            tally->keys[i].column = column;
        } else {
            tally->measures[tally->measures_count++] = column;
            tally->arguments += column->column.column != NULL;
        }
    }
}

/* --- the answer --- */

/* Empty: *is_null. */
static wide measured(const struct tally_group *group, int at, bool *is_null)
{
    const struct query_column *column = group->tally->measures[at];
    const struct tally_cell *cell = &group->cells[at];
    *is_null = false;
    if (column->measure == MEASURE_COUNT)
        return column->column.column ? cell->count : group->rows;
    *is_null = cell->count == 0;
    return cell->n;
}

static int compare_keys(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1; /* empty, number, text, bytes: as SQLite sorts */
    if (a->type == VALUE_NULL)
        return 0;
    if (a->type == VALUE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return slice_cmp(a->bytes, b->bytes);
}

static int compare_at(const struct tally_group *a, const struct tally_group *b, int at)
{
    int keys = a->tally->query->group_count;
    bool a_null, b_null;
    if (at < keys)
        return compare_keys(&a->keys[at], &b->keys[at]);
    wide x = measured(a, at - keys, &a_null), y = measured(b, at - keys, &b_null);
    if (a_null || b_null)
        return b_null - a_null;
    return (x > y) - (x < y);
}

/* The query's order, then the keys': the answer does not depend on how rows were met. */
static int compare_groups(const void *left, const void *right)
{
    const struct tally_group *a = *(struct tally_group *const *)left;
    const struct tally_group *b = *(struct tally_group *const *)right;
    const struct query *query = a->tally->query;
    int difference = 0;
    for (int i = 0; i < query->order_count && !difference; i++) {
        difference = compare_at(a, b, atoi(query->order[i].column.column));
        difference = query->order[i].descending ? -difference : difference;
    }
    for (int i = 0; i < query->group_count && !difference; i++)
        difference = compare_keys(&a->keys[i], &b->keys[i]);
    return difference;
}

static bool is_had(const struct tally_group *group, const struct expr *e)
{
    if (!e)
        return true;
    if (e->op == EXPR_AND) {
        for (const struct expr *child = e->first; child; child = child->next)
            if (!is_had(group, child))
                return false;
        return true;
    }
    bool is_null;
    int keys = group->tally->query->group_count;
    wide n = measured(group, atoi(e->column.column) - keys, &is_null), with = e->value.integer;
    switch (e->op) {
    case EXPR_EQ:
        return !is_null && n == with;
    case EXPR_NE:
        return is_null || n != with;
    case EXPR_LT:
        return !is_null && n < with;
    case EXPR_LTE:
        return !is_null && n <= with;
    case EXPR_GT:
        return !is_null && n > with;
    default:
        return !is_null && n >= with;
    }
}

static struct value wide_value(struct arena *arena, wide n)
{
    char digits[48];
    size_t at = sizeof digits;
    if (n >= INT64_MIN && n <= INT64_MAX)
        return value_int((int64_t)n);
    for (wide rest = n; rest; rest /= 10) {
        int digit = (int)(rest % 10);
        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
    }
    if (n < 0)
        digits[--at] = '-';
    return value_text(arena_slice(arena, slice_of(digits + at, sizeof digits - at)));
}

/* All in one group, also when it is empty, as in SQL. */
static void group_whole(struct tally *tally)
{
    struct value none[1];
    if (tally->query->group_count == 0 && tally->count == 0)
        group_add(tally, none, 0);
}

/* Whether all sums have 64 bits. */
static bool is_narrow(const struct tally *tally)
{
    for (int i = 0; i < tally->count; i++) {
        for (int k = 0; k < tally->measures_count; k++) {
            bool is_null;
            wide n = measured(tally->groups[i], k, &is_null);
            if (n < INT64_MIN || n > INT64_MAX)
                return false;
        }
    }
    return true;
}

static void put_groups(struct tally *tally, struct tally_rows *out)
{
    const struct query *query = tally->query;
    int rows = 0;
    for (int i = 0; i < tally->count; i++)
        if (is_had(tally->groups[i], query->having))
            tally->groups[rows++] = tally->groups[i];
    if (rows > 1)
        qsort(tally->groups, (size_t)rows, sizeof *tally->groups, compare_groups);
    if (query->limit > 0 && rows > query->limit)
        rows = (int)query->limit;
    size_t columns = (size_t)query->select_count;
    struct value *values = arena_array(tally->arena, struct value, (size_t)rows * columns + 1);
    for (int i = 0; i < rows; i++) {
        const struct tally_group *group = tally->groups[i];
        struct value *row = &values[(size_t)i * columns];
        for (int k = 0; k < query->group_count; k++)
            row[k] = group->keys[k];
        for (int k = 0; k < tally->measures_count; k++) {
            bool is_null;
            wide n = measured(group, k, &is_null);
            row[query->group_count + k] = is_null ? value_null() : wide_value(tally->arena, n);
        }
    }
    *out = (struct tally_rows){tally->arena, values, query->select_count, rows};
}

static enum err walk(struct db *db, struct tally *tally, const char *cover)
{
    struct emit emit;
    struct stmt *stmt;
    struct semijoins semijoins = {.count = 0};
    enum err e = select_emit_tally(&emit, db, tally->query, cover, &semijoins);
    if (!e)
        e = emit_finish(&emit, &stmt);
    if (e)
        return e;
    struct tally *outer = db->tally;
    struct semijoins *outer_semijoins = db->semijoins;
    bool row;
    db->tally = tally;
    db->semijoins = &semijoins;
    do
        e = stmt_step(db, stmt, &row);
    while (!e && row);
    db->tally = outer;
    db->semijoins = outer_semijoins;
    stmt_release(db, stmt);
    semijoins_release(&semijoins);
    return semijoins.error ? semijoins.error : e;
}

enum err tally_read(struct db *db, const struct query *query, struct tally_rows *out, bool *done)
{
    struct tally tally;
    const char *cover;
    *done = false;
    *out = (struct tally_rows){0};
    if (!tally_fits(query))
        return ERR_OK;
    enum err e = cover_find(db, query, &cover);
    if (e)
        return e;
    tally_begin(&tally, query);
    e = walk(db, &tally, cover);
    if (e || tally.unfit) {
        arena_free(tally.arena);
        return tally.unfit ? ERR_OK : e;
    }
    group_whole(&tally);
    if (!query->wide_sums && !is_narrow(&tally)) {
        arena_free(tally.arena);
        db_why(db, "integer overflow in a sum");
        return ERR_VALIDATION;
    }
    put_groups(&tally, out);
    *done = true;
    return ERR_OK;
}

void tally_rows_release(struct tally_rows *rows)
{
    if (rows->arena)
        arena_free(rows->arena);
    *rows = (struct tally_rows){0};
}
