/* change - see change.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/change.h"

#include "auth/actor.h"
#include "store/query.h"

/* --- writing --- */

static bool is_logged(const struct field *field)
{
    if (field->is_system)
        return (field->slot == SLOT_OWNER || field->slot == SLOT_TEAM ||
                field->slot == SLOT_DEPARTMENT) &&
               field->entity->is_audited;
    return field->is_audited && field->type->columns > 0;
}

static void put_diff(const struct record *record, const char *op, struct buf *out)
{
    const struct entity *entity = record->entity;
    bool all = strcmp(op, CHANGE_CREATE) == 0;
    buf_put_char(out, '{');
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!is_logged(field) || !record_field_changed(record, field))
            continue;
        json_put_comma(out);
        buf_printf(out, "\"%d\":[", field->n);
        if (all || !record->old)
            buf_put_str(out, "null");
        else
            field_put(field, record->old, out);
        buf_put_char(out, ',');
        field_put(field, record->now, out);
        buf_put_char(out, ']');
    }
    buf_put_char(out, '}');
}

static struct store_set set_int(const char *column, int64_t n, bool is_null)
{
    return (struct store_set){column, is_null ? value_null() : value_int(n), false};
}

static struct store_set set_text(const char *column, struct slice s)
{
    return (struct store_set){column, value_text(s), false};
}

/* Nobody else writes in this transaction, so the unit knows what it wrote last. A savepoint that
 * was rolled back leaves a gap, as a deleted row would. */
static enum err last_seq(struct ctx *ctx, int64_t *seq)
{
    *seq = ctx->unit->change_seq;
    return *seq ? ERR_OK : store_key_max(ctx->tenant->store, "change", seq);
}

enum err change_put(struct ctx *ctx, const struct record *record, const char *op, int64_t batch)
{
    struct store *store = ctx->tenant->store;
    struct buf diff = BUF_INIT;
    int64_t seq, actor = ctx->actor ? ctx->actor->user : 0;
    enum err e = last_seq(ctx, &seq);
    if (e)
        return e;
    put_diff(record, op, &diff);
    batch = batch ? batch : ctx->batch;
    struct store_set sets[] = {
        set_int("seq", seq + 1, false),
        set_int("at", ctx->now_ms, false),
        set_int("actor", actor, actor == 0),
        set_int("entity", record->entity->n, false),
        set_int("record", record->now[SLOT_ID].integer, false),
        set_int("version", record->now[SLOT_VERSION].integer, false),
        set_text("op", slice_str(op)),
        set_text("diff", buf_slice(&diff)),
        set_text("source", slice_str(ctx_source_name(ctx->source))),
        set_int("batch", batch, batch == 0),
    };
    e = store_insert(store, "change", sets, sizeof sets / sizeof *sets, NULL);
    buf_release(&diff);
    if (!e)
        ctx->unit->change_seq = seq + 1;
    return e;
}

/* --- reading --- */

struct batch_reader {
    const char *op;
    change_cb cb;
    void *arg;
    enum err e;
};

static bool take_item(void *arg, const struct store_row *row)
{
    struct batch_reader *reader = arg;
    if (!slice_is(store_row_bytes(row, 3), reader->op))
        return true;
    struct change_item item = {(int)store_row_int(row, 1), store_row_int(row, 2),
                               store_row_int(row, 0), store_row_bytes(row, 4)};
    reader->e = reader->cb(reader->arg, &item);
    return reader->e == ERR_OK;
}

enum err change_batch(struct ctx *ctx, int64_t batch, const char *op, change_cb cb, void *arg)
{
    ASSERT(batch);
    struct batch_reader reader = {op, cb, arg, ERR_OK};
    struct query_column select[] = {{.column = {0, "seq"}},
                                    {.column = {0, "entity"}},
                                    {.column = {0, "record"}},
                                    {.column = {0, "op"}},
                                    {.column = {0, "diff"}}};
    struct query_order order = {.column = {0, "seq"}};
    struct query query = {
        .table = "change",
        .select = select,
        .select_count = 5,
        .where = expr_cmp(ctx->arena, EXPR_EQ, "batch", value_int(batch)),
        .order = &order,
        .order_count = 1,
    };
    enum err e = store_read(ctx->tenant->store, &query, take_item, &reader);
    return e ? e : reader.e;
}

static bool take_batch(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

enum err change_last_batch(struct ctx *ctx, const struct entity *entity, int64_t id, int64_t *batch)
{
    struct query_column select = {.column = {0, "batch"}};
    struct query_order order = {.column = {0, "seq"}, .descending = true};
    const struct expr *where =
        expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "entity", value_int(entity->n)),
                 expr_cmp(ctx->arena, EXPR_EQ, "record", value_int(id)));
    struct query query = {.table = "change",
                          .select = &select,
                          .select_count = 1,
                          .where = where,
                          .order = &order,
                          .order_count = 1,
                          .limit = 1};
    *batch = 0;
    return store_read(ctx->tenant->store, &query, take_batch, batch);
}
