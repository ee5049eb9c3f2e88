/* row - one row of a table into memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/row.h"

struct found {
    struct arena *arena;
    struct value *out;
    int count;
    bool any;
};

static bool take(void *arg, const struct store_row *row)
{
    struct found *found = arg;
    for (int i = 0; i < found->count; i++) {
        struct value value = store_row_value(row, i);
        found->out[i] = value_copy(found->arena, &value);
    }
    found->any = true;
    return false;
}

enum err row_read(struct store *store, struct arena *arena, const char *table,
                  const char *const *columns, int count, const struct expr *where,
                  struct value *out)
{
    ASSERT(store && arena && table);
    ASSERT(columns && count > 0 && count <= ROW_COLUMNS_MAX);
    ASSERT(where && out);

    struct query_column select[ROW_COLUMNS_MAX] = {0};
    for (int i = 0; i < count; i++)
        select[i].column.column = columns[i];
    struct query query = {
        .table = table, .select = select, .select_count = count, .where = where, .limit = 1};
    struct found found = {.arena = arena, .out = out, .count = count};
    enum err e = store_read(store, &query, take, &found);
    if (e)
        return e;
    return found.any ? ERR_OK : ERR_NOT_FOUND;
}

const char *row_text(const struct value *value)
{
    ASSERT(value);
    return value->type == VALUE_NULL ? NULL : value->bytes.at; /* value_copy ends it in NUL */
}

const struct expr *row_live(struct expr nodes[3], const char *column, struct value value)
{
    ASSERT(nodes && column);
    nodes[2] = (struct expr){.op = EXPR_NULL, .column = {0, "deleted_at"}};
    nodes[1] = row_eq(column, value);
    nodes[1].next = &nodes[2];
    nodes[0] = (struct expr){.op = EXPR_AND, .first = &nodes[1]};
    return nodes;
}
