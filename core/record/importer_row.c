/* importer_row - one row: find or make its record, set what the columns say, save, keep what it
 * was.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/meter.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/importer_in.h"
#include "record/model.h"
#include "record/undo.h"

/* What a row did, as import_item keeps it. */
struct outcome {
    const char *op; /* "create", "update", "same", "skip", "fail" */
    int64_t record;
    const char *before; /* update: JSON of the values that were there */
};

/* --- import_item --- */

static enum err item_put(struct ctx *ctx, const struct importer *importer, int64_t line,
                         const struct outcome *outcome, const char *reason)
{
    if (!importer->batch)
        return ERR_OK;
    struct store_set sets[] = {
        {"import", value_int(importer->batch), false},
        {"line", value_int(line), false},
        {"op", value_text(slice_str(outcome->op)), false},
        {"record", outcome->record ? value_int(outcome->record) : value_null(), false},
        {"reason", reason ? value_text(slice_str(reason)) : value_null(), false},
        {"before", outcome->before ? value_text(slice_str(outcome->before)) : value_null(), false},
    };
    return store_put(ctx->tenant->store, "import_item", sets, sizeof sets / sizeof *sets);
}

enum err importer_made(struct ctx *ctx, const struct importer *importer,
                       const struct record *record)
{
    int64_t id = record->now[SLOT_ID].integer;
    struct outcome made = {.op = "create", .record = id};
    return item_put(ctx, importer, -id, &made, record->entity->name);
}

struct item_reader {
    struct arena *arena;
    struct outcome *outcome;
};

static bool take_item(void *arg, const struct store_row *row)
{
    struct item_reader *reader = arg;
    reader->outcome->op = arena_str(reader->arena, store_row_bytes(row, 0));
    reader->outcome->record = store_row_int(row, 1);
    if (!store_row_is_null(row, 2))
        reader->outcome->before = arena_str(reader->arena, store_row_bytes(row, 2));
    return false;
}

static enum err item_read(struct ctx *ctx, const struct importer *importer, int64_t line,
                          struct outcome *out)
{
    struct item_reader reader = {ctx->arena, out};
    struct query_column select[] = {
        {.column = {0, "op"}}, {.column = {0, "record"}}, {.column = {0, "before"}}};
    const struct expr *where =
        expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "import", value_int(importer->batch)),
                 expr_cmp(ctx->arena, EXPR_EQ, "line", value_int(line)));
    struct query query = {
        .table = "import_item", .select = select, .select_count = 3, .where = where, .limit = 1};
    *out = (struct outcome){0};
    return store_read(ctx->tenant->store, &query, take_item, &reader);
}

/* --- values --- */

static enum err set_column(struct ctx *ctx, struct importer *importer, struct record *record,
                           const struct import_column *column, struct slice cell)
{
    struct value values[4];
    bool is_empty;
    enum err e = importer_cell(ctx, importer, column, cell, values, &is_empty);
    if (e || is_empty || column->field->slot == SLOT_ID)
        return e;
    return record_set_values(ctx, record, column->field, values);
}

/* Every cell is judged, so that the reason names all that is wrong with the row. */
static enum err set_columns(struct ctx *ctx, struct importer *importer, struct record *record,
                            const struct slice *cells, int count, bool late)
{
    enum err failed = ERR_OK;
    for (int i = 0; i < importer->columns_count; i++) {
        const struct import_column *column = &importer->columns[i];
        if (column->is_late != late || (column->only_new && !record->is_new && !late))
            continue;
        struct slice cell =
            column->cell >= 0 && column->cell < count ? cells[column->cell] : SLICE("");
        enum err e = set_column(ctx, importer, record, column, cell);
        if (e && e != ERR_VALIDATION)
            return e;
        failed = e ? e : failed;
    }
    return failed;
}

/* --- finding --- */

/* The first item of a list as it is kept: a phone number in the form that all of them have. */
static struct value first_item(struct ctx *ctx, const struct value *list)
{
    const struct json *doc = NULL;
    if (json_parse(ctx->arena, list->bytes, &doc, NULL) || !doc->first)
        return value_null();
    return doc->first->type == JSON_INT ? value_int(doc->first->integer)
                                        : value_text(doc->first->text);
}

/* Only among what the importer may see: whether others have such a record is not told. *is_dry: the
 * row that made it has been rolled back. */
static enum err find_existing(struct ctx *ctx, struct importer *importer, const struct slice *cells,
                              int count, int64_t *id, bool *is_dry)
{
    const struct import_column *column = importer->match_column;
    struct value values[4];
    bool is_empty = true;
    int64_t *ids;
    int found = 0;
    const struct expr *rows = NULL;
    *id = 0;
    *is_dry = false;
    if (!column || column->cell >= count)
        return ERR_OK;
    enum err e = importer_cell(ctx, importer, column, cells[column->cell], values, &is_empty);
    if (e || is_empty)
        return e;
    bool is_list = column->field->type->kind == KIND_LIST;
    struct value key = is_list ? first_item(ctx, values)
                               : values[column->field->type->is_sealed ? FIELD_INDEX : 0];
    const struct expr *same =
        expr_cmp(ctx->arena, is_list ? EXPR_HAS : EXPR_EQ, field_equal_column(column->field), key);
    e = rights_rows(ctx, importer->entity, ROLE_READ, false, &rows);
    if (e == ERR_FORBIDDEN) {
        err_info_clear(&ctx->err);
        return ERR_OK;
    }
    if (!e)
        e = record_ids(ctx, importer->entity->table, expr_and(ctx->arena, same, rows), 2, &ids,
                       &found);
    if (!e && found > 1)
        e = field_bad(ctx, column->field->name, "ambiguous", NULL);
    if (!e && found == 1)
        *id = ids[0];
    if (!e && found == 0 && !is_list) {
        *id = importer_dry_find(ctx, importer, column->field, &key);
        *is_dry = *id != 0;
    }
    return e;
}

/* --- the row --- */

static enum err save(struct ctx *ctx, struct importer *importer, struct record *record)
{
    enum err e = importer_dry_check(ctx, importer, record);
    enum meter_part part = meter_enter(METER_CORE, false);
    record->is_alone = true; /* in the row's savepoint: what follows only writes down what it did */
    if (!e)
        e = record_save(ctx, record, 0);
    if (!e)
        importer_dry_keep(ctx, importer, record);
    meter_leave(part);
    return e;
}

static enum err save_existing(struct ctx *ctx, struct importer *importer, struct record *record,
                              const struct slice *cells, int count, bool late,
                              struct outcome *outcome)
{
    size_t slots = (size_t)importer->entity->slots;
    struct value *was = arena_array(ctx->arena, struct value, slots);
    memcpy(was, record->old, slots * sizeof *was);
    enum err e = set_columns(ctx, importer, record, cells, count, late);
    if (!e)
        e = save(ctx, importer, record);
    if (e)
        return e;
    outcome->record = record->now[SLOT_ID].integer;
    if (late && strcmp(outcome->op, "create") == 0)
        return ERR_OK; /* undo takes the whole record away */
    outcome->before = undo_before(ctx, record, was, outcome->before);
    outcome->op = outcome->before ? "update" : "same";
    return ERR_OK;
}

static enum err apply(struct ctx *ctx, struct importer *importer, const struct slice *cells,
                      int count, struct outcome *outcome)
{
    struct record *record;
    int64_t id;
    bool is_dry;
    enum importer_mode mode = importer->options.mode;
    enum err e = find_existing(ctx, importer, cells, count, &id, &is_dry);
    if (e)
        return e;
    if ((id && mode == IMPORT_CREATE) || (!id && mode == IMPORT_UPDATE)) {
        *outcome = (struct outcome){.op = "skip", .record = id};
        return ERR_OK;
    }
    if (is_dry) { /* the row that made it has been judged; this one would change it */
        *outcome = (struct outcome){.op = "update", .record = id};
        return ERR_OK;
    }
    if (id) {
        e = record_load(ctx, importer->entity, id, ROLE_UPDATE, &record);
        return e ? e : save_existing(ctx, importer, record, cells, count, false, outcome);
    }
    e = record_new(ctx, importer->entity, &record);
    if (!e)
        e = set_columns(ctx, importer, record, cells, count, false);
    if (!e)
        e = save(ctx, importer, record);
    if (!e)
        *outcome = (struct outcome){.op = "create", .record = record->now[SLOT_ID].integer};
    return e;
}

static enum err apply_late(struct ctx *ctx, struct importer *importer, const struct slice *cells,
                           int count, struct outcome *outcome)
{
    struct record *record;
    enum err e = item_read(ctx, importer, csv_line(importer->csv), outcome);
    if (e)
        return e;
    if (!outcome->op || !outcome->record || strcmp(outcome->op, "skip") == 0) {
        outcome->op = NULL; /* the first pass has said why */
        return ERR_OK;
    }
    e = record_load(ctx, importer->entity, outcome->record, ROLE_UPDATE, &record);
    return e ? e : save_existing(ctx, importer, record, cells, count, true, outcome);
}

/* --- reasons --- */

/* As wide as the heading, so that the last two columns stand below each other. */
static void put_cells(struct buf *out, const struct importer *importer, const struct slice *cells,
                      int count, const char *error, const char *line)
{
    int width = count > importer->header_count ? count : importer->header_count;
    for (int i = 0; i < width; i++)
        csv_put_cell(out, i < count ? cells[i] : SLICE(""), i == 0);
    csv_put_cell(out, slice_str(error), width == 0);
    csv_put_cell(out, slice_str(line), false);
    csv_put_end(out);
}

static void put_reason(struct importer *importer, const struct slice *cells, int count,
                       const char *why, struct buf *reasons)
{
    if (importer->counts.failed++ == 0)
        put_cells(reasons, importer, importer->header, importer->header_count, "error", "line");
    char line[24];
    (void)snprintf(line, sizeof line, "%lld", (long long)csv_line(importer->csv));
    put_cells(reasons, importer, cells, count, why, line);
}

void importer_bad_row(struct importer *importer, const char *why, struct buf *reasons)
{
    importer->counts.rows++;
    put_reason(importer, NULL, 0, why, reasons);
}

static const char *sentence(struct ctx *ctx, enum err e)
{
    struct buf b = BUF_INIT;
    model_err_texts(ctx);
    for (const struct err_field *f = ctx->err.first; f; f = f->next) {
        if (b.len)
            buf_put_str(&b, "; ");
        if (*f->field)
            buf_printf(&b, "%s: ", f->field);
        buf_put_str(&b, f->message ? f->message : f->code);
    }
    if (b.len == 0)
        buf_put_str(&b, ctx->err.message ? ctx->err.message : err_text(e, ctx->lang));
    const char *out = arena_str(ctx->arena, buf_slice(&b));
    buf_release(&b);
    return out;
}

/* Errors that say something about the row, not about the store. */
static bool is_of_row(enum err e)
{
    return e == ERR_VALIDATION || e == ERR_CONFLICT || e == ERR_FORBIDDEN || e == ERR_NOT_FOUND ||
           e == ERR_PLUGIN || e == ERR_VERSION || e == ERR_MALFORMED || e == ERR_TOO_LARGE;
}

static void count_row(struct importer *importer, const struct outcome *outcome)
{
    if (strcmp(outcome->op, "create") == 0)
        importer->counts.created++;
    else if (strcmp(outcome->op, "skip") == 0)
        importer->counts.skipped++;
    else
        importer->counts.updated++;
}

enum err importer_row(struct ctx *base, struct importer *importer, struct slice *cells, int count,
                      struct buf *reasons)
{
    struct store *store = base->tenant->store;
    int64_t line = csv_line(importer->csv);
    struct outcome outcome = {0};
    bool late = importer->pass == 2;
    struct ctx ctx = *base; /* its memory is dropped with the row */
    ctx.arena = importer->row_arena;
    ctx.batch = importer->batch;
    ctx.source = CTX_IMPORT;
    err_info_init(&ctx.err, ctx.arena);

    enum err e = store_savepoint(store);
    if (e)
        return e;
    if (!late)
        e = importer_before_row(&ctx, importer, cells, count);
    if (!e)
        e = late ? apply_late(&ctx, importer, cells, count, &outcome)
                 : apply(&ctx, importer, cells, count, &outcome);
    if (!e && outcome.op)
        e = item_put(&ctx, importer, line, &outcome, NULL);
    e = store_savepoint_end(store, e);
    if (e && !is_of_row(e)) {
        base->err.detail = arena_strdup(base->arena, ctx.err.detail);
        return e;
    }
    importer->counts.rows += !late;
    if (!e) {
        if (!late)
            count_row(importer, &outcome);
        return ERR_OK;
    }
    const char *why = sentence(&ctx, e);
    put_reason(importer, cells, count, why, reasons);
    outcome = (struct outcome){.op = "fail"};
    return late ? ERR_OK : item_put(&ctx, importer, line, &outcome, why);
}
