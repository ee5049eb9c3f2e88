/* importer_undo - takes an import back, last row first.
 *
 * A record is left as it is when its newest change does not belong to the import: somebody has
 * worked on it since. What is taken away carries the import's id as its delete batch, so the undo
 * can be undone by restoring any one of the records.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "record/change.h"
#include "record/field_kit.h"
#include "record/importer_in.h"
#include "record/model.h"
#include "record/undo.h"

struct undo_item {
    int64_t line, record;
    const char *before; /* NULL: the row made the record */
    const char *entity; /* of a target made on the way (negative line), else NULL */
};

struct undo_reader {
    struct arena *arena;
    struct undo_item *items;
    int count, limit;
};

static bool take_item(void *arg, const struct store_row *row)
{
    struct undo_reader *reader = arg;
    bool is_update = slice_is(store_row_bytes(row, 2), "update");
    reader->items[reader->count++] = (struct undo_item){
        store_row_int(row, 0), store_row_int(row, 1),
        is_update ? arena_str(reader->arena, store_row_bytes(row, 3)) : NULL,
        store_row_int(row, 0) < 0 ? arena_str(reader->arena, store_row_bytes(row, 4)) : NULL};
    return reader->count < reader->limit;
}

static enum err read_items(struct ctx *ctx, int64_t batch, struct undo_reader *reader)
{
    struct arena *a = ctx->arena;
    struct value ops[] = {value_text(SLICE("create")), value_text(SLICE("update"))};
    struct query_column select[] = {{.column = {0, "line"}},
                                    {.column = {0, "record"}},
                                    {.column = {0, "op"}},
                                    {.column = {0, "before"}},
                                    {.column = {0, "reason"}}};
    struct query_order order = {.column = {0, "line"}, .descending = true};
    struct query query = {
        .table = "import_item",
        .select = select,
        .select_count = 5,
        .where =
            expr_and(a, expr_cmp(a, EXPR_EQ, "import", value_int(batch)), expr_in(a, "op", ops, 2)),
        .order = &order,
        .order_count = 1,
        .limit = reader->limit,
    };
    return store_read(ctx->tenant->store, &query, take_item, reader);
}

struct import_row {
    const char *entity;
    struct arena *arena;
};

static bool take_entity(void *arg, const struct store_row *row)
{
    struct import_row *import = arg;
    import->entity = arena_str(import->arena, store_row_bytes(row, 0));
    return false;
}

static enum err find_entity(struct ctx *ctx, int64_t batch, const struct entity **out)
{
    struct import_row import = {.arena = ctx->arena};
    struct query_column select = {.column = {0, "entity"}};
    struct query query = {.table = "import",
                          .select = &select,
                          .select_count = 1,
                          .where = record_has_id(ctx->arena, batch),
                          .limit = 1};
    enum err e = store_read(ctx->tenant->store, &query, take_entity, &import);
    if (e)
        return e;
    *out = import.entity ? model_entity(ctx->model, slice_str(import.entity)) : NULL;
    return *out ? ERR_OK : ERR_NOT_FOUND;
}

/* --- one record --- */

static enum err undo_one(struct ctx *ctx, const struct entity *entity, int64_t batch,
                         const struct undo_item *item, const char **op)
{
    int64_t last;
    if (item->entity)
        entity = model_entity(ctx->model, slice_str(item->entity));
    if (!entity)
        return ERR_NOT_FOUND;
    enum err e = change_last_batch(ctx, entity, item->record, &last);
    if (e)
        return e;
    *op = "kept";
    if (last != batch)
        return ERR_OK;
    *op = "undone";
    if (item->before)
        return undo_put_back(ctx, entity, item->record, NULL, item->before);
    ctx->unit->delete_batch = batch;
    e = record_delete(ctx, entity, item->record, 0);
    ctx->unit->delete_batch = 0;
    return e;
}

static enum err mark(struct ctx *ctx, int64_t batch, int64_t line, const char *op)
{
    struct arena *a = ctx->arena;
    struct store_set set = {"op", value_text(slice_str(op)), false};
    const struct expr *where = expr_and(a, expr_cmp(a, EXPR_EQ, "import", value_int(batch)),
                                        expr_cmp(a, EXPR_EQ, "line", value_int(line)));
    return store_update(ctx->tenant->store, "import_item", where, &set, 1, NULL, NULL);
}

static bool is_of_record(enum err e)
{
    return e == ERR_VALIDATION || e == ERR_CONFLICT || e == ERR_FORBIDDEN || e == ERR_NOT_FOUND ||
           e == ERR_PLUGIN || e == ERR_VERSION;
}

static enum err undo_item(struct ctx *ctx, const struct entity *entity, int64_t batch,
                          const struct undo_item *item, struct importer_counts *counts)
{
    struct store *store = ctx->tenant->store;
    const char *op = NULL;
    enum err e = store_savepoint(store);
    if (e)
        return e;
    e = store_savepoint_end(store, undo_one(ctx, entity, batch, item, &op));
    if (e && !is_of_record(e))
        return e;
    counts->rows++;
    if (e) {
        op = "refused";
        counts->failed++;
        err_info_clear(&ctx->err);
    } else if (strcmp(op, "kept") == 0) {
        counts->skipped++;
    } else if (item->before) {
        counts->updated++;
    } else {
        counts->created++;
    }
    return mark(ctx, batch, item->line, op);
}

enum err importer_undo(struct ctx *ctx, int64_t batch, int rows, struct importer_counts *counts,
                       bool *done)
{
    ASSERT(ctx && ctx->unit && ctx->model);
    ASSERT(batch && rows > 0 && counts && done);
    const struct entity *entity;
    struct undo_reader reader = {ctx->arena,
                                 arena_array(ctx->arena, struct undo_item, (size_t)rows), 0, rows};
    int64_t outer = ctx->batch;
    enum err e = find_entity(ctx, batch, &entity);
    if (!e)
        e = rights_action(ctx, entity, ROLE_IMPORT);
    if (!e)
        e = read_items(ctx, batch, &reader);
    if (e)
        return e;
    ctx->batch = batch;
    for (int i = 0; i < reader.count && !e; i++)
        e = undo_item(ctx, entity, batch, &reader.items[i], counts);
    ctx->batch = outer;
    if (e)
        return e;
    *done = reader.count < rows;
    struct store_set undone = {"state", value_text(SLICE("undone")), false};
    return *done ? store_update(ctx->tenant->store, "import", record_has_id(ctx->arena, batch),
                                &undone, 1, NULL, NULL)
                 : ERR_OK;
}
