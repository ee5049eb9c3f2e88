/* past - see past.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/past.h"

#include "base/tuning.h"
#include "record/change.h"
#include "record/record_in.h"

struct past {
    struct ctx *ctx;
    const struct entity *entity;
    struct value *values; /* of the record, as it was before the changes read so far */
    int slices_count;
    struct slice slices[PAST_CHANGES]; /* diffs, newest first */
};

static bool take_diff(void *arg, const struct store_row *row)
{
    struct past *past = arg;
    if (!slice_is(store_row_bytes(row, 0), CHANGE_UPDATE))
        return false; /* before it was made, or while it was deleted, nobody saw it */
    past->slices[past->slices_count++] = arena_slice(past->ctx->arena, store_row_bytes(row, 1));
    return past->slices_count < PAST_CHANGES;
}

static enum err read_diffs(struct past *past, int64_t id)
{
    struct ctx *ctx = past->ctx;
    struct arena *a = ctx->arena;
    struct query_column select[] = {{.column = {0, "op"}}, {.column = {0, "diff"}}};
    struct query_order newest = {{0, "seq"}, NULL, true};
    const struct expr *where =
        expr_and(a, expr_cmp(a, EXPR_EQ, "entity", value_int(past->entity->n)),
                 expr_cmp(a, EXPR_EQ, "record", value_int(id)));
    where = expr_and(a, where, expr_cmp(a, EXPR_GTE, "at", value_int(ctx->now_ms - PAST_SEEN_MS)));
    struct query q = {.table = "change",
                      .select = select,
                      .select_count = 2,
                      .where = where,
                      .order = &newest,
                      .order_count = 1,
                      .limit = PAST_CHANGES};
    return store_read(ctx->tenant->store, &q, take_diff, past);
}

/* What cannot be read back any more (an option that is gone) does not count: it stays as it is. */
static enum err put_back(struct past *past, const struct json *change)
{
    struct ctx *ctx = past->ctx;
    int64_t n;
    if (!slice_to_int(change->key, &n))
        return ERR_OK;
    const struct field *field = entity_field_by_n(past->entity, (int)n);
    if (!field || field->type->columns == 0 || field->type->is_sealed)
        return ERR_OK;
    const struct json *old = json_at(change, 0);
    struct value before[4] = {{0}};
    if (!old)
        return ERR_OK;
    if (old->type != JSON_NULL) {
        enum err e = field->type->parse(ctx, field, field->name, old, before);
        err_info_clear(&ctx->err);
        if (e)
            return e == ERR_VALIDATION ? ERR_OK : e;
    }
    memcpy(past->values + field->slot, before, (size_t)field->type->columns * sizeof *before);
    return ERR_OK;
}

static enum err go_back(struct past *past, struct slice text)
{
    const struct json *diff;
    enum err e = json_parse(past->ctx->arena, text, &diff, NULL);
    if (e)
        return ERR_CORRUPT;
    json_each(change, diff)
    {
        e = put_back(past, change);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err past_was_visible(struct ctx *ctx, const struct entity *entity, int64_t id, bool *out)
{
    struct past past = {.ctx = ctx, .entity = entity};
    ASSERT(ctx->tenant && entity && out);
    *out = false;
    const struct expr *where =
        expr_and(ctx->arena, record_has_id(ctx->arena, id), record_is_live(ctx->arena));
    enum err e = record_read(ctx, entity, where, &past.values);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = record_is_visible(ctx, entity, past.values, out);
    if (!e)
        e = read_diffs(&past, id);
    for (int i = 0; i < past.slices_count && !e && !*out; i++) {
        e = go_back(&past, past.slices[i]);
        if (!e)
            e = record_is_visible(ctx, entity, past.values, out);
    }
    return e;
}
