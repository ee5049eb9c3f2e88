/* exporter - records to CSV or JSON lines, page after page.
 *
 * Asks for the right to export besides reading. Each page is a statement of its own behind the last
 * row, so a long export holds no snapshot; what changes meanwhile may come or not, nothing twice.
 * The first line of CSV are field names: what the importer matches without a mapping.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/exporter.h"

#include "base/limits.h"
#include "document/csv.h"
#include "record/list_plan.h"

#define EXPORT_TRIES 5 /* of one page */

struct exporter {
    struct list_plan plan;
    enum exporter_format format;
    struct buf chunk;
    struct value last[SORT_KEYS_MAX + 1];
    struct arena *keys[2]; /* the last row's sort keys; this page's and the one before */
    int page, rows;
};

static void put_names(struct exporter *x)
{
    struct buf name = BUF_INIT;
    for (int i = 0; i < x->plan.outputs_count; i++) {
        struct slice key = x->plan.outputs[i].key; /* "\"name\":" */
        buf_clear(&name);
        buf_put(&name, key.at + 1, key.len - 3);
        csv_put_cell(&x->chunk, buf_slice(&name), i == 0);
    }
    csv_put_end(&x->chunk);
    buf_release(&name);
}

static void put_cells(struct exporter *x, const struct store_row *row)
{
    struct list_plan *plan = &x->plan;
    struct buf text = BUF_INIT;
    for (int i = 0; i < plan->columns_count; i++)
        plan->row[i] = store_row_value(row, i);
    for (int i = 0; i < plan->outputs_count; i++) {
        const struct list_output *output = &plan->outputs[i];
        const struct value *values = &plan->row[output->first];
        const struct field_type *type = output->field->type;
        buf_clear(&text);
        if (values[0].type != VALUE_NULL)
            (type->put_text ? type->put_text : type->put)(output->field, values, &text);
        struct slice cell = buf_slice(&text);
        if (!type->put_text && cell.len >= 2 && cell.at[0] == '"')
            cell = slice_of(cell.at + 1, cell.len - 2); /* ids, times: text in JSON */
        csv_put_cell(&x->chunk, cell, i == 0);
    }
    csv_put_end(&x->chunk);
    buf_release(&text);
}

static bool export_row(void *arg, const struct store_row *row)
{
    struct exporter *x = arg;
    if (x->format == EXPORT_CSV) {
        put_cells(x, row);
    } else {
        list_plan_put(&x->plan, row, &x->chunk);
        buf_put_char(&x->chunk, '\n');
    }
    if (++x->rows == EXPORT_PAGE_ROWS) {
        for (int i = 0; i < x->plan.orders_count; i++) {
            struct value key = store_row_value(row, x->plan.columns_count + i);
            x->last[i] = value_copy(x->keys[x->page % 2], &key);
        }
    }
    return true;
}

static enum err plan_export(struct exporter *x, struct ctx *ctx, const struct list_query *query)
{
    if (query->expand.len > 0 && x->format == EXPORT_CSV)
        return err_field(&ctx->err, "expand", "unknown_field", NULL);
    enum err e = list_plan_rows(&x->plan, ctx, query, ROLE_EXPORT);
    if (!e)
        e = list_plan_fields(&x->plan, query->fields, query->expand, query->with_deleted);
    if (!e)
        e = list_plan_sort(&x->plan, query->sort);
    return e;
}

static enum err read_page(struct exporter *x)
{
    struct list_plan *plan = &x->plan;
    struct query q = {
        .table = plan->entity->table,
        .select = plan->columns,
        .select_count = plan->columns_count,
        .joins = plan->joins.items,
        .joins_count = plan->joins.count,
        .where = plan->where,
        .order = plan->orders,
        .order_count = plan->orders_count,
        .keyset = true,
        .after = x->page > 0 ? x->last : NULL,
        .limit = EXPORT_PAGE_ROWS,
    };
    size_t from = x->chunk.len;
    enum err e = ERR_BUSY;
    for (int tries = 0; e == ERR_BUSY && tries < EXPORT_TRIES;
         tries++) { /* the snapshot had to end */
        x->rows = 0;
        buf_truncate(&x->chunk, from);
        arena_clear(x->keys[x->page % 2]);
        e = store_read(plan->ctx->tenant->store, &q, export_row, x);
    }
    return e;
}

enum err exporter_run(struct ctx *ctx, const struct list_query *query, enum exporter_format format,
                      exporter_cb cb, void *arg, int64_t *rows)
{
    struct exporter x = {.format = format, .chunk = BUF_INIT};
    int64_t total = 0;
    enum err e = plan_export(&x, ctx, query);
    if (e)
        return e;
    x.keys[0] = arena_new();
    x.keys[1] = arena_new();
    if (format == EXPORT_CSV) {
        buf_put_str(&x.chunk, "\xEF\xBB\xBF"); /* spreadsheets take it for GBK otherwise */
        put_names(&x);
    }
    do {
        e = read_page(&x);
        x.page++;
        total += x.rows;
        if (!e && x.chunk.len > 0)
            e = cb(arg, buf_slice(&x.chunk));
        buf_clear(&x.chunk);
    } while (!e && x.rows == EXPORT_PAGE_ROWS);
    arena_free(x.keys[0]);
    arena_free(x.keys[1]);
    buf_release(&x.chunk);
    if (!e && rows)
        *rows = total;
    return e;
}
