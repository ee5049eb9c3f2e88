/* exporter - records to CSV, a sheet or JSON lines, page after page.
 *
 * Asks for the right to export besides reading. Each page is a statement of its own behind the last
 * row, so a long export holds no snapshot; what changes meanwhile may come or not, nothing twice.
 * The first line of CSV are field names: what the importer matches without a mapping.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/exporter.h"

#include "base/clock.h"
#include "base/limits.h"
#include "document/csv.h"
#include "record/list_plan.h"

#define EXPORT_TRIES 5 /* of one page */

struct exporter {
    struct list_plan plan;
    enum exporter_format format;
    struct xlsx *sheet; /* EXPORT_XLSX; the chunk then holds a page's cells until it is whole */
    struct buf chunk;
    struct value last[SORT_KEYS_MAX + 1];
    struct arena *keys[2]; /* the last row's sort keys; this page's and the one before */
    int page, rows;
};

/* --- a sheet: a page may have to be read again, a written row cannot be taken back -------------
 */

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_MONEY, CELL_DATE, CELL_TIME, CELL_BOOL };

struct cell {
    enum cell_kind kind;
    int64_t number; /* of a day, an instant, a truth value */
    size_t len;     /* of the text behind it */
};

static void keep_cell(struct exporter *x, enum cell_kind kind, int64_t number, struct slice text)
{
    struct cell cell = {kind, number, text.len};
    buf_put(&x->chunk, &cell, sizeof cell);
    buf_put_slice(&x->chunk, text);
}

static enum cell_kind cell_kind(const struct field *field)
{
    switch (field->type->kind) {
    case KIND_INT:
    case KIND_DECIMAL:
        return CELL_NUMBER;
    case KIND_MONEY:
        return CELL_MONEY;
    case KIND_DATE:
        return CELL_DATE;
    case KIND_DATETIME:
        return CELL_TIME;
    case KIND_BOOL:
        return CELL_BOOL;
    default:
        return field->slot == SLOT_VERSION ? CELL_NUMBER : CELL_TEXT;
    }
}

/* Money of the tenant's own currency is a number, "12.00 USD" a text. */
static struct slice bare_amount(const struct exporter *x, struct slice text)
{
    const char *own = x->plan.ctx->tenant->currency;
    struct slice rest = text, amount = slice_split(&rest, ' ');
    return own && slice_is(rest, own) ? amount : text;
}

static void keep_value(struct exporter *x, const struct field *field, const struct value *values,
                       struct slice text)
{
    enum cell_kind kind = cell_kind(field);
    if (values[0].type == VALUE_NULL)
        keep_cell(x, CELL_EMPTY, 0, SLICE(""));
    else if (kind == CELL_DATE || kind == CELL_TIME || kind == CELL_BOOL)
        keep_cell(x, kind, values[0].integer, SLICE(""));
    else
        keep_cell(x, kind, 0, kind == CELL_MONEY ? bare_amount(x, text) : text);
}

static enum err write_cell(struct exporter *x, const struct cell *cell, struct slice text)
{
    struct time_parts local;
    const struct zone *zone = x->plan.ctx->tenant->zone;
    switch (cell->kind) {
    case CELL_NUMBER:
    case CELL_MONEY:
        return xlsx_number(x->sheet, text, cell->kind == CELL_MONEY);
    case CELL_DATE:
        return xlsx_date(x->sheet, date_from_days(cell->number));
    case CELL_TIME:
        zone_parts(zone ? zone : zone_find("UTC"), cell->number, &local);
        return xlsx_time(x->sheet, &local);
    case CELL_BOOL:
        return xlsx_bool(x->sheet, cell->number != 0);
    case CELL_TEXT:
        return xlsx_text(x->sheet, text);
    case CELL_EMPTY:
        break;
    }
    xlsx_skip(x->sheet);
    return ERR_OK;
}

/* The page that is whole now, or the names of the columns. */
static enum err write_cells(struct exporter *x)
{
    size_t at = 0;
    int column = 0;
    while (at < x->chunk.len) {
        struct cell cell;
        memcpy(&cell, x->chunk.at + at, sizeof cell);
        at += sizeof cell;
        enum err e = write_cell(x, &cell, slice_of(x->chunk.at + at, cell.len));
        at += cell.len;
        if (!e && ++column == x->plan.outputs_count) {
            e = xlsx_row_end(x->sheet);
            column = 0;
        }
        if (e)
            return e;
    }
    buf_clear(&x->chunk);
    return ERR_OK;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static void put_names(struct exporter *x)
{
    struct buf name = BUF_INIT;
    for (int i = 0; i < x->plan.outputs_count; i++) {
        struct slice key = x->plan.outputs[i].key; /* "\"name\":" */
        buf_clear(&name);
        buf_put(&name, key.at + 1, key.len - 3);
        if (x->sheet)
            keep_cell(x, CELL_TEXT, 0, buf_slice(&name));
        else
            csv_put_cell(&x->chunk, buf_slice(&name), i == 0);
    }
    if (!x->sheet)
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
        if (x->sheet)
            keep_value(x, output->field, values, cell);
        else
            csv_put_cell(&x->chunk, cell, i == 0);
    }
    if (!x->sheet)
        csv_put_end(&x->chunk);
    buf_release(&text);
}

static bool export_row(void *arg, const struct store_row *row)
{
    struct exporter *x = arg;
    if (x->format != EXPORT_JSON) {
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
    if (query->expand.len > 0 && x->format != EXPORT_JSON)
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
    struct query q = list_plan_query(plan);
    q.keyset = true;
    q.after = x->page > 0 ? x->last : NULL;
    q.limit = EXPORT_PAGE_ROWS;
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

static enum err run(struct exporter *x, struct ctx *ctx, const struct list_query *query,
                    exporter_cb cb, void *arg, int64_t *rows)
{
    int64_t total = 0;
    enum err e = plan_export(x, ctx, query);
    if (e)
        return e;
    x->keys[0] = arena_new();
    x->keys[1] = arena_new();
    if (x->format == EXPORT_CSV)
        buf_put_str(&x->chunk, "\xEF\xBB\xBF"); /* spreadsheets take it for GBK otherwise */
    if (x->format != EXPORT_JSON)
        put_names(x);
    do {
        e = read_page(x);
        x->page++;
        total += x->rows;
        if (!e && x->sheet)
            e = write_cells(x);
        if (!e && (x->chunk.len > 0 || x->sheet))
            e = cb(arg, buf_slice(&x->chunk));
        buf_clear(&x->chunk);
    } while (!e && x->rows == EXPORT_PAGE_ROWS);
    arena_free(x->keys[0]);
    arena_free(x->keys[1]);
    buf_release(&x->chunk);
    if (!e && rows)
        *rows = total;
    return e;
}

enum err exporter_run(struct ctx *ctx, const struct list_query *query, enum exporter_format format,
                      exporter_cb cb, void *arg, int64_t *rows)
{
    struct exporter x = {.format = format, .chunk = BUF_INIT};
    ASSERT(format != EXPORT_XLSX);
    return run(&x, ctx, query, cb, arg, rows);
}

enum err exporter_run_sheet(struct ctx *ctx, const struct list_query *query, struct xlsx *sheet,
                            exporter_cb cb, void *arg, int64_t *rows)
{
    struct exporter x = {.format = EXPORT_XLSX, .sheet = sheet, .chunk = BUF_INIT};
    ASSERT(sheet);
    return run(&x, ctx, query, cb, arg, rows);
}
