/* undo - see undo.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/undo.h"

#include "base/limits.h"
#include "record/bulk.h"
#include "record/change.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/model.h"
#include "record/record_in.h"

/* --- values that were there --- */

const char *undo_before(struct ctx *ctx, const struct record *record, const struct value *was,
                        const char *more)
{
    struct buf b = BUF_INIT;
    bool any = more && strlen(more) > 2;
    buf_put_char(&b, '{');
    if (any)
        buf_put(&b, more + 1, strlen(more) - 2);
    for (int i = 0; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        bool is_set = !field->is_system || field->slot == SLOT_OWNER;
        if (!is_set || field->type->columns == 0 || field->type->is_derived ||
            field_equal(field, was, record->now))
            continue;
        json_put_key(&b, field->name);
        if (field->type->is_sealed)
            field_put_kept(field, was, &b);
        else
            field_put(field, was, &b);
        any = true;
    }
    buf_put_char(&b, '}');
    const char *out = any ? arena_str(ctx->arena, buf_slice(&b)) : NULL;
    buf_release(&b);
    return out;
}

/* What was asked for by name has to be writable for who takes it back; what handlers made of it
 * beside that goes back with it. */
static enum err may_put_back(struct ctx *ctx, const struct record *record, const char *asked)
{
    struct slice rest = slice_str(asked);
    while (rest.len > 0) {
        enum role_access access = ROLE_NONE;
        const struct field *field = entity_field(record->entity, slice_split(&rest, ','));
        enum err e = ERR_OK;
        if (!field)
            continue; /* it is gone, and so is its value */
        e = rights_field_on(ctx, record->entity, field, ROLE_UPDATE, record->old, &access);
        if (!e && access != ROLE_WRITE)
            e = field_bad(ctx, access == ROLE_NONE ? "" : field->name, "forbidden", NULL);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err undo_put_back(struct ctx *ctx, const struct entity *entity, int64_t id, const char *asked,
                       const char *before)
{
    struct record *record;
    const struct json *values;
    enum err e = record_load(ctx, entity, id, ROLE_UPDATE, &record);
    if (!e && asked)
        e = may_put_back(ctx, record, asked);
    if (!e)
        e = json_parse(ctx->arena, slice_str(before), &values, NULL);
    if (e)
        return e;
    json_each(value, values)
    {
        const struct field *field = entity_field(entity, value->key);
        struct value kept[3];
        if (field && field->type->is_sealed)
            e = field_parse_kept(ctx, value, kept) ? record_set_values(ctx, record, field, kept)
                                                   : ERR_CORRUPT;
        else
            e = field ? record_set(ctx, record, field, value) : ERR_OK;
        if (e)
            return e;
    }
    return record_save(ctx, record, 0);
}

/* --- keeping --- */

static enum err keep(struct ctx *ctx, struct undo *undo, const char *op, int64_t record,
                     const char *before, const char *asked)
{
    struct store_set sets[] = {
        {"import", value_int(undo->batch), false},
        {"line", value_int(++undo->line), false},
        {"op", value_text(slice_str(op)), false},
        {"record", value_int(record), false},
        {"reason", asked ? value_text(slice_str(asked)) : value_null(), false},
        {"before", before ? value_text(slice_str(before)) : value_null(), false},
    };
    return store_put(ctx->tenant->store, "import_item", sets, sizeof sets / sizeof *sets);
}

enum err undo_keep_create(struct ctx *ctx, struct undo *undo, int64_t record)
{
    return keep(ctx, undo, "create", record, NULL, NULL);
}

enum err undo_keep_update(struct ctx *ctx, struct undo *undo, const struct json *data,
                          const struct record *record, const struct value *was)
{
    struct buf asked = BUF_INIT;
    const char *before = undo_before(ctx, record, was, NULL);
    if (!before)
        return ERR_OK; /* nothing has changed */
    json_each(member, data)
    {
        if (slice_is(member->key, "version") || slice_is(member->key, "id"))
            continue;
        if (asked.len)
            buf_put_char(&asked, ',');
        buf_put(&asked, member->key.at, member->key.len);
    }
    enum err e = keep(ctx, undo, "update", record->now[SLOT_ID].integer, before, buf_cstr(&asked));
    buf_release(&asked);
    return e;
}

enum err undo_keep_delete(struct ctx *ctx, struct undo *undo, int64_t record, int64_t delete_batch)
{
    const char *batch = arena_printf(ctx->arena, "%lld", (long long)delete_batch);
    return keep(ctx, undo, "delete", record, batch, NULL);
}

enum err undo_forget(struct ctx *ctx, int64_t batch)
{
    const struct expr *of_it = expr_cmp(ctx->arena, EXPR_EQ, "import", value_int(batch));
    return store_delete(ctx->tenant->store, "import_item", of_it, NULL);
}

/* --- taking back --- */

struct item {
    int64_t line, record;
    const char *op, *before, *asked;
};

struct kept_reader {
    struct arena *arena;
    struct item *items;
    int count, limit;
};

static bool take(void *arg, const struct store_row *row)
{
    struct kept_reader *reader = arg;
    struct item *item = &reader->items[reader->count++];
    item->line = store_row_int(row, 0);
    item->record = store_row_int(row, 1);
    item->op = arena_str(reader->arena, store_row_bytes(row, 2));
    item->before = arena_str(reader->arena, store_row_bytes(row, 3));
    item->asked = arena_str(reader->arena, store_row_bytes(row, 4));
    return reader->count < reader->limit;
}

static const struct expr *still_kept(struct ctx *ctx, int64_t batch)
{
    static const char *const names[] = {"create", "update", "delete"};
    struct value *ops = arena_array(ctx->arena, struct value, 3);
    for (int i = 0; i < 3; i++)
        ops[i] = value_text(slice_str(names[i]));
    return expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "import", value_int(batch)),
                    expr_in(ctx->arena, "op", ops, 3));
}

static enum err read_items(struct ctx *ctx, int64_t batch, struct kept_reader *reader)
{
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
        .where = still_kept(ctx, batch),
        .order = &order,
        .order_count = 1,
        .limit = reader->limit,
    };
    return store_read(ctx->tenant->store, &query, take, reader);
}

static enum err changed_since(struct ctx *ctx)
{
    return err_say(&ctx->err, ERR_CONFLICT, "changed_since", NULL);
}

/* Only what that very deletion took: one that came back, or was purged, is another story. */
static enum err bring_back(struct ctx *ctx, const struct entity *entity, const struct item *item)
{
    struct value *values;
    struct record *record;
    int64_t batch = 0;
    enum err e = record_read(ctx, entity, record_has_id(ctx->arena, item->record), &values);
    if (e)
        return e;
    if (!slice_to_int(slice_str(item->before), &batch) ||
        values[SLOT_DELETED_AT].type == VALUE_NULL || values[SLOT_DELETE_BATCH].integer != batch)
        return changed_since(ctx);
    return record_restore(ctx, entity, item->record, &record);
}

static enum err take_back(struct ctx *ctx, const struct entity *entity, int64_t batch,
                          const struct item *item)
{
    int64_t last;
    if (strcmp(item->op, "delete") == 0)
        return bring_back(ctx, entity, item);
    enum err e = change_last_batch(ctx, entity, item->record, &last);
    if (e)
        return e;
    bool is_update = strcmp(item->op, "update") == 0;
    if (last != batch || (is_update && !*item->before))
        return changed_since(ctx);
    return is_update ? undo_put_back(ctx, entity, item->record, item->asked, item->before)
                     : record_delete(ctx, entity, item->record, 0);
}

static enum err mark(struct ctx *ctx, int64_t batch, int64_t line, const char *op)
{
    struct arena *a = ctx->arena;
    struct store_set sets[] = {{"op", value_text(slice_str(op)), false},
                               {"before", value_null(), false}};
    const struct expr *where = expr_and(a, expr_cmp(a, EXPR_EQ, "import", value_int(batch)),
                                        expr_cmp(a, EXPR_EQ, "line", value_int(line)));
    return store_update(ctx->tenant->store, "import_item", where, sets, 2, NULL, NULL);
}

static enum err try_item(struct ctx *ctx, const struct entity *entity, int64_t batch,
                         const struct item *item, struct buf *out, bool *is_refused)
{
    struct store *store = ctx->tenant->store;
    enum err e = store_savepoint(store);
    if (!e)
        e = store_savepoint_end(store, take_back(ctx, entity, batch, item));
    if (e && bulk_is_fatal(e))
        return e;
    *is_refused = e != ERR_OK;
    const struct bulk_result result = {item->op, item->record, 0};
    bulk_put_result(ctx, e, &result, out);
    if (e)
        err_info_clear(&ctx->err);
    return mark(ctx, batch, item->line, *is_refused ? "refused" : "undone");
}

enum err undo_bulk(struct ctx *ctx, const struct entity *entity, int64_t batch, int rows,
                   struct buf *out, int64_t *done, int64_t *failed, int64_t *left)
{
    ASSERT(ctx && ctx->unit && entity);
    ASSERT(batch && rows > 0 && out);
    ASSERT(done && failed && left);
    struct kept_reader reader = {ctx->arena, arena_array(ctx->arena, struct item, (size_t)rows), 0,
                                 rows};
    int64_t outer = ctx->batch;
    enum err e = read_items(ctx, batch, &reader);
    *done = *failed = 0;
    buf_put_str(out, "{\"results\":[");
    ctx->batch = batch;
    for (int i = 0; i < reader.count && !e; i++) {
        bool is_refused = false;
        e = try_item(ctx, entity, batch, &reader.items[i], out, &is_refused);
        *(is_refused ? failed : done) += 1;
    }
    ctx->batch = outer;
    if (!e)
        e = store_count(ctx->tenant->store, "import_item", still_kept(ctx, batch), INT32_MAX, left);
    buf_printf(out, "],\"done\":%lld,\"failed\":%lld", (long long)*done, (long long)*failed);
    if (!e)
        buf_printf(out, ",\"left\":%lld}", (long long)*left);
    return e;
}
