/* list - pages of records, one record, typed rows and counts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/list.h"

#include "base/limits.h"
#include "record/cursor.h"
#include "record/list_group.h"
#include "record/list_plan.h"

/* --- pages --- */

struct page {
    struct list_plan *plan;
    struct buf *out;
    int limit, rows;
    struct value last[SORT_KEYS_MAX + 1]; /* sort keys of the last item */
    bool has_more;
};

static bool page_row(void *arg, const struct store_row *row)
{
    struct page *page = arg;
    struct list_plan *plan = page->plan;
    if (page->rows == page->limit) {
        page->has_more = true;
        return false;
    }
    if (page->rows++ > 0)
        buf_put_char(page->out, ',');
    list_plan_put(plan, row, page->out);
    if (page->out->len >= LIST_BYTES_MAX)
        page->limit = page->rows; /* long records: the rest is the next page */
    for (int i = 0; page->rows == page->limit && i < plan->orders_count; i++) {
        struct value key = store_row_value(row, plan->columns_count + i);
        page->last[i] = value_copy(plan->ctx->arena, &key);
    }
    return true;
}

static enum err page_read(struct page *page, const struct list_query *query, uint64_t shape)
{
    struct list_plan *plan = page->plan;
    struct value after[SORT_KEYS_MAX + 1];
    struct query q = list_plan_query(plan);
    q.keyset = true;
    q.limit = page->limit + 1;
    if (query->cursor.len > 0) {
        struct cursor_key key;
        enum err e = cursor_key(plan->ctx, &key);
        if (!e)
            e = cursor_parse(&key, shape, query->cursor, plan->ctx->arena, after,
                             plan->orders_count);
        if (e)
            return e;
        q.after = after;
    }
    return store_read(plan->ctx->tenant->store, &q, page_row, page);
}

static enum err put_next(struct page *page, uint64_t shape)
{
    struct cursor_key key;
    buf_put_str(page->out, ",\"next\":");
    if (!page->has_more) {
        buf_put_str(page->out, "null");
        return ERR_OK;
    }
    enum err e = cursor_key(page->plan->ctx, &key);
    if (e)
        return e;
    buf_put_char(page->out, '"');
    cursor_put(&key, shape, page->last, page->plan->orders_count, page->out);
    buf_put_char(page->out, '"');
    return ERR_OK;
}

static enum err put_count(struct list_plan *plan, struct buf *out)
{
    int64_t count;
    enum err e = store_count(plan->ctx->tenant->store, plan->entity->table, plan->where,
                             COUNT_CAP + 1, &count);
    if (e)
        return e;
    bool capped = count > COUNT_CAP;
    buf_put_str(out, ",\"count\":");
    buf_put_int(out, capped ? COUNT_CAP : count);
    buf_put_str(out, ",\"count_capped\":");
    json_put_bool(out, capped);
    return ERR_OK;
}

enum err list_page(struct list_plan *plan, const struct list_query *query, struct buf *out)
{
    uint64_t shape = list_plan_shape(plan, query);
    struct page page = {
        .plan = plan, .out = out, .limit = query->limit > 0 ? query->limit : LIST_DEFAULT};
    buf_put_str(out, "\"items\":[");
    enum err e = page_read(&page, query, shape);
    if (e)
        return e;
    buf_put_char(out, ']');
    e = put_next(&page, shape);
    return !e && query->count ? put_count(plan, out) : e;
}

enum err list_run_as(struct ctx *ctx, const struct list_query *query, enum role_action action,
                     struct buf *out)
{
    struct list_plan plan;
    size_t from = out->len;
    ASSERT(ctx->tenant && ctx->tenant->store);
    enum err e = list_plan_rows(&plan, ctx, query, action);
    if (!e && (query->group || query->measure))
        return list_group(&plan, query, out);
    if (!e)
        e = list_plan_fields(&plan, query->fields, query->expand, query->with_deleted);
    if (!e)
        e = list_plan_sort(&plan, query->sort);
    if (e)
        return e;
    buf_put_char(out, '{');
    e = list_page(&plan, query, out);
    buf_put_char(out, '}');
    if (e)
        buf_truncate(out, from);
    return e;
}

enum err list_run(struct ctx *ctx, const struct list_query *query, struct buf *out)
{
    return list_run_as(ctx, query, ROLE_READ, out);
}

/* --- one record --- */

struct single {
    struct list_plan *plan;
    struct buf *out;
    bool found;
    int version; /* its column */
    int64_t version_found;
};

static bool single_row(void *arg, const struct store_row *row)
{
    struct single *single = arg;
    single->found = true;
    single->version_found = store_row_int(row, single->version);
    list_plan_put(single->plan, row, single->out);
    return false;
}

enum err list_get(struct ctx *ctx, const struct entity *entity, int64_t id, struct slice fields,
                  struct slice expand, struct buf *out, int64_t *version)
{
    struct list_plan plan;
    struct list_query query = {.entity = entity};
    size_t from = out->len;
    enum err e = list_plan_rows(&plan, ctx, &query, ROLE_READ);
    if (!e)
        e = list_plan_fields(&plan, fields, expand, false);
    if (e)
        return e;
    struct single single = {.plan = &plan, .out = out};
    single.version = plan.columns_count; /* selected once more: fields need not hold it */
    struct query_column column = {.column = {0, entity->columns[SLOT_VERSION]}};
    list_plan_column(&plan, column);
    plan.columns_count--;
    struct query q = {
        .table = entity->table,
        .select = plan.columns,
        .select_count = plan.columns_count + 1,
        .joins = plan.joins.items,
        .joins_count = plan.joins.count,
        .where =
            expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(id)), plan.where),
        .limit = 1,
    };
    e = store_read(ctx->tenant->store, &q, single_row, &single);
    if (!e && !single.found)
        e = ERR_NOT_FOUND;
    if (e)
        buf_truncate(out, from);
    else if (version)
        *version = single.version_found;
    return e;
}

/* --- typed rows --- */

struct typed {
    const struct entity *entity;
    struct value *values;
    list_row_cb cb;
    void *arg;
};

static bool typed_row(void *arg, const struct store_row *row)
{
    struct typed *typed = arg;
    for (int i = 0; i < typed->entity->slots; i++)
        typed->values[i] = store_row_value(row, i);
    return typed->cb(typed->arg, typed->values);
}

/* Every slot in its place; what may not be read comes empty. */
static enum err select_slots(struct list_plan *plan)
{
    const struct entity *entity = plan->entity;
    const struct expr *never = expr_new(plan->ctx->arena, EXPR_FALSE);
    for (int i = 0; i < entity->slots; i++)
        list_plan_column(plan, (struct query_column){.column = {0, entity->columns[i]}});
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        struct rights_field right;
        enum err e = rights_make_field(plan->rights, field, &right);
        if (e)
            return e;
        const struct expr *only_when = right.access == ROLE_NONE ? never : right.only_when;
        for (int k = 0; k < field->type->columns; k++)
            plan->columns[field->slot + k].only_when = only_when;
        if (field->sort_column)
            plan->columns[field->sort_slot].only_when = only_when;
    }
    return ERR_OK;
}

enum err list_rows(struct ctx *ctx, const struct list_query *query, list_row_cb cb, void *arg)
{
    struct list_plan plan;
    struct typed typed = {query->entity, NULL, cb, arg};
    enum err e = list_plan_rows(&plan, ctx, query, ROLE_READ);
    if (!e)
        e = select_slots(&plan);
    if (!e)
        e = list_plan_sort(&plan, query->sort);
    if (e)
        return e;
    typed.values = arena_array(ctx->arena, struct value, (size_t)query->entity->slots);
    struct query q = {
        .table = query->entity->table,
        .select = plan.columns,
        .select_count = plan.columns_count,
        .joins = plan.joins.items,
        .joins_count = plan.joins.count,
        .where = plan.where,
        .order = plan.orders,
        .order_count = plan.orders_count,
        .limit = query->limit,
    };
    return store_read(ctx->tenant->store, &q, typed_row, &typed);
}

enum err list_count(struct ctx *ctx, const struct list_query *query, int64_t cap, int64_t *out)
{
    struct list_plan plan;
    enum err e = list_plan_rows(&plan, ctx, query, ROLE_READ);
    if (e)
        return e;
    return store_count(ctx->tenant->store, query->entity->table, plan.where, cap, out);
}
