/* record_restore - what was deleted together comes back together; what nobody wanted back is
 * purged.
 *
 * Coming back is neither making nor changing: what a record was made with (numbers, first tasks,
 * points) it has, so the handlers of creation are not asked again. There are two moments of its
 * own: validate_restore may refuse, after_restore may write; and after_commit is told of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/limits.h"
#include "record/change.h"
#include "record/field_kit.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/rollup.h"
#include "record/staff.h"
#include "record/visit.h"

static enum err load_any(struct ctx *ctx, const struct entity *entity, int64_t id,
                         struct record **out)
{
    struct value *values;
    enum err e = record_read(ctx, entity, record_has_id(ctx->arena, id), &values);
    if (!e)
        *out = record_wrap(ctx, entity, values);
    return e;
}

static enum err write_back(struct ctx *ctx, struct record *record, const struct store_set *sets,
                           int count)
{
    enum err e = store_update(ctx->tenant->store, record->entity->table,
                              record_has_id(ctx->arena, record->now[SLOT_ID].integer), sets, count,
                              NULL, NULL);
    return e == ERR_CONFLICT ? record_conflict(ctx, record) : e;
}

/* What came back together: handlers are asked when all of it is there. */
struct back {
    struct ctx *ctx;
    struct record **records;
    int count;
};

static enum err restore_one(struct back *back, const struct entity *entity, int64_t id,
                            int64_t batch)
{
    struct ctx *ctx = back->ctx;
    struct record *record;
    enum err e = load_any(ctx, entity, id, &record);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* purged meanwhile */
    if (record->old[SLOT_DELETE_BATCH].integer != batch)
        return ERR_OK; /* came back and went again in another batch */
    record->now[SLOT_DELETED_AT] = value_null();
    record->now[SLOT_DELETE_BATCH] = value_null();
    record->now[SLOT_VERSION] = value_int(record->old[SLOT_VERSION].integer + 1);
    record->now[SLOT_UPDATED_AT] = value_int(ctx->now_ms);
    const struct store_set sets[] = {
        {"deleted_at", value_null(), false},
        {"delete_batch", value_null(), false},
        {"version", record->now[SLOT_VERSION], false},
        {"updated_at", record->now[SLOT_UPDATED_AT], false},
    };
    e = write_back(ctx, record, sets, 4);
    if (!e)
        e = rollup_move(ctx, entity, NULL, record->now);
    if (!e)
        e = change_put(ctx, record, CHANGE_RESTORE, batch);
    ASSERT(back->count < DELETE_BATCH_MAX);
    back->records[back->count++] = record;
    return e ? e : staff_moved(ctx, entity);
}

/* --- handlers -----------------------------------------------------------------------------------
 */

static enum err fire(struct ctx *ctx, struct record *record, enum hook_moment moment)
{
    struct event event = {0};
    return record_fire(ctx, record, moment, &event);
}

static enum err judge(struct back *back, struct record *record)
{
    struct unit_frame frame = {.entity = record->entity,
                               .id = record->now[SLOT_ID].integer,
                               .verb = "restore",
                               .is_core = true};
    enum err e = unit_enter(back->ctx, &frame);
    if (e)
        return e;
    record->phase = RECORD_CHECKED;
    e = fire(back->ctx, record, HOOK_VALIDATE_RESTORE);
    return unit_leave(back->ctx, &frame, e);
}

static enum err follow(struct back *back, struct record *record)
{
    struct ctx *ctx = back->ctx;
    struct unit_frame frame = {.entity = record->entity,
                               .id = record->now[SLOT_ID].integer,
                               .verb = "restore",
                               .is_core = true,
                               .is_settled = true};
    enum err e = unit_enter(ctx, &frame);
    if (e)
        return e;
    record->phase = RECORD_SAVED;
    e = record_outbox(ctx, record, frame.verb);
    if (!e && !ctx->unit->skip_after)
        e = fire(ctx, record, HOOK_AFTER_RESTORE);
    return unit_leave(ctx, &frame, e);
}

/* All are judged before the first handler may write. */
static enum err ask(struct back *back)
{
    enum err all = ERR_OK;
    for (int i = 0; i < back->count; i++) {
        enum err e = judge(back, back->records[i]);
        if (e && e != ERR_VALIDATION)
            return e;
        all = e ? e : all;
    }
    for (int i = 0; i < back->count && !all; i++)
        all = follow(back, back->records[i]);
    return all;
}

/* --- references that deleting cleared --- */

/* Puts [old, null] back where the field is still empty. */
static enum err refill_field(struct ctx *ctx, struct record *record, const struct json *pair)
{
    int64_t n;
    struct value values[4] = {{0}};
    const struct field *field =
        slice_to_int(pair->key, &n) ? entity_field_by_n(record->entity, (int)n) : NULL;
    const struct json *old = json_at(pair, 0), *now = json_at(pair, 1);
    if (!field || !old || old->type == JSON_NULL || !now || now->type != JSON_NULL ||
        !field_is_empty(field, record->now) || field->type->kind != KIND_REF)
        return ERR_OK;
    enum err e = field->type->parse(ctx, field, field->name, old, values);
    for (int i = 0; i < field->type->columns && !e; i++)
        record_put(record, field->slot + i, values[i]);
    return e;
}

static enum err refill(struct ctx *ctx, const struct change_item *item, int64_t batch)
{
    const struct entity *entity = model_entity_by_number(ctx->model, item->entity);
    const struct json *diff;
    struct record *record;
    if (!entity)
        return ERR_OK;
    enum err e = load_any(ctx, entity, item->record, &record);
    if (!e)
        e = json_parse(ctx->arena, item->diff, &diff, NULL);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    json_each(pair, diff)
    {
        e = refill_field(ctx, record, pair);
        if (e)
            return e;
    }
    if (!record_differs(record))
        return ERR_OK;
    record->now[SLOT_VERSION] = value_int(record->old[SLOT_VERSION].integer + 1);
    struct store_set *sets = arena_array(ctx->arena, struct store_set, (size_t)entity->slots);
    int count = 0;
    for (int i = 0; i < entity->slots; i++)
        if (!value_equal(&record->old[i], &record->now[i]))
            sets[count++] = (struct store_set){entity->columns[i], record->now[i], false};
    e = write_back(ctx, record, sets, count);
    bool is_live = record->now[SLOT_DELETED_AT].type == VALUE_NULL;
    if (!e && is_live)
        e = rollup_move(ctx, entity, record->old, record->now);
    return e ? e : change_put(ctx, record, CHANGE_UPDATE, batch);
}

/* The change log is read first: a row callback must not write to the table it reads. */
struct batch {
    struct ctx *ctx;
    struct change_item *items;
    int count;
};

static enum err collect(void *arg, const struct change_item *item)
{
    struct batch *batch = arg;
    if (batch->count == DELETE_BATCH_MAX)
        return ERR_TOO_LARGE;
    batch->items[batch->count] = *item;
    batch->items[batch->count++].diff = arena_slice(batch->ctx->arena, item->diff);
    return ERR_OK;
}

static enum err restore_batch(struct back *back, int64_t id)
{
    struct ctx *ctx = back->ctx;
    struct batch deleted = {ctx, arena_array(ctx->arena, struct change_item, DELETE_BATCH_MAX), 0};
    struct batch cleared = {ctx, arena_array(ctx->arena, struct change_item, DELETE_BATCH_MAX), 0};
    enum err e = change_batch(ctx, id, CHANGE_DELETE, collect, &deleted);
    if (!e)
        e = change_batch(ctx, id, CHANGE_UPDATE, collect, &cleared);
    for (int i = 0; i < deleted.count && !e; i++) {
        const struct entity *entity = model_entity_by_number(ctx->model, deleted.items[i].entity);
        if (entity)
            e = restore_one(back, entity, deleted.items[i].record, id);
    }
    for (int i = 0; i < cleared.count && !e; i++)
        e = refill(ctx, &cleared.items[i], id);
    return e;
}

enum err record_restore(struct ctx *ctx, const struct entity *entity, int64_t id,
                        struct record **out)
{
    ASSERT(ctx && ctx->unit && ctx->model);
    ASSERT(entity && out);
    struct record *record;
    enum err e = load_any(ctx, entity, id, &record);
    if (!e)
        e = record_allows(ctx, entity, ROLE_DELETE, record->now);
    if (e)
        return e;
    int64_t batch = record->now[SLOT_DELETE_BATCH].integer;
    if (record->now[SLOT_DELETED_AT].type == VALUE_NULL) {
        *out = record; /* it is there already */
        return ERR_OK;
    }
    struct back back = {ctx, arena_array(ctx->arena, struct record *, DELETE_BATCH_MAX), 0};
    e = batch ? restore_batch(&back, batch) : ERR_NOT_FOUND;
    if (e == ERR_TOO_LARGE) /* such as an import that was undone: this one alone */
        e = restore_one(&back, entity, id, batch);
    if (!e)
        e = ask(&back);
    return e ? e : load_any(ctx, entity, id, out);
}

/* --- purge --- */

static enum err purge_one(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    struct store *store = ctx->tenant->store;
    struct record *record;
    enum err e = load_any(ctx, entity, id, &record);
    if (!e)
        e = store_delete(store, entity->table, record_has_id(ctx->arena, id), NULL);
    if (!e && entity->has_search)
        e = store_tokens_put(store, entity->table, id, SLICE(""), SLICE(""));
    if (!e)
        e = visit_drop(ctx, entity, id);
    return e ? e : change_put(ctx, record, CHANGE_PURGE, 0);
}

enum err record_purge(struct ctx *ctx, int limit, int *purged)
{
    ASSERT(ctx && ctx->unit && ctx->model);
    ASSERT(limit > 0 && purged);
    const struct expr *old =
        expr_cmp(ctx->arena, EXPR_LT, "deleted_at", value_int(ctx->now_ms - DELETED_KEEP_MS));
    *purged = 0;
    for (int i = 0; i < ctx->model->entities_count && *purged < limit; i++) {
        const struct entity *entity = ctx->model->entity_list[i];
        int64_t *ids;
        int count;
        if (entity->is_append_only)
            continue;
        enum err e = record_ids(ctx, entity->table, old, limit - *purged, &ids, &count);
        for (int k = 0; k < count && !e; k++, ++*purged)
            e = purge_one(ctx, entity, ids[k]);
        if (e)
            return e;
    }
    return ERR_OK;
}
