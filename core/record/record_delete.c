/* record_delete - softly: a record, what belongs to it, and what points at it.
 *
 * Everything that one deletion takes along carries the same delete_batch, and the change log names
 * it too: restoring puts back the records and the references that were cleared.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/change.h"
#include "record/field_kit.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/rollup.h"
#include "record/staff.h"

static enum err delete_one(struct ctx *ctx, struct record *record, bool is_core);

/* --- who points here --- */

static const struct expr *points_at(struct arena *arena, const struct field *field, int64_t id)
{
    enum expr_op op = field->type->kind == KIND_LIST ? EXPR_HAS : EXPR_EQ;
    return expr_and(arena, expr_cmp(arena, op, field->column, value_int(id)),
                    record_is_live(arena));
}

static enum err referring(struct ctx *ctx, const struct entity_ref *ref, int64_t id, int64_t **ids,
                          int *count)
{
    enum err e = record_ids(ctx, ref->from->table, points_at(ctx->arena, ref->field, id),
                            REFERRERS_MAX + 1, ids, count);
    if (!e && *count > REFERRERS_MAX) {
        ctx->err.args = arena_printf(ctx->arena, "{\"entity\":\"%s\",\"max\":%d}", ref->from->name,
                                     REFERRERS_MAX);
        e = err_say(&ctx->err, ERR_CONFLICT, "too_many_referrers", NULL);
    }
    return e;
}

/* All that stands in the way is told at once. */
static enum err check_refused(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    struct buf list = BUF_INIT;
    enum err e = ERR_OK;
    for (int i = 0; i < entity->referrers_count && !e; i++) {
        const struct entity_ref ref = model_referrer(ctx->model, entity, i);
        int64_t count = 0;
        if (ref.field->on_delete != ON_DELETE_REFUSE)
            continue;
        e = store_count(ctx->tenant->store, ref.from->table, points_at(ctx->arena, ref.field, id),
                        COUNT_CAP, &count);
        if (e || !count)
            continue;
        buf_printf(&list, "%s{\"entity\":\"%s\",\"field\":\"%s\",\"count\":%lld}",
                   list.len ? "," : "", ref.from->name, ref.field->name, (long long)count);
        if (!ctx->err.args)
            ctx->err.args = arena_printf(ctx->arena, "{\"entity\":\"%s\",\"count\":%lld}",
                                         ref.from->name, (long long)count);
    }
    if (!e && list.len) {
        ctx->err.extra = arena_printf(ctx->arena, "\"referrers\":[%s]", buf_cstr(&list));
        e = err_say(&ctx->err, ERR_CONFLICT, "is_referred_to", NULL);
    }
    buf_release(&list);
    return e;
}

/* "[1,2,3]" without 2; empty becomes null. */
static struct value list_without(struct arena *arena, struct slice list, int64_t id)
{
    struct buf b = BUF_INIT;
    struct slice rest = list.len < 2 ? SLICE("") : slice_of(list.at + 1, list.len - 2);
    buf_put_char(&b, '[');
    while (rest.len) {
        int64_t n = 0;
        struct slice item = slice_split(&rest, ',');
        if (!slice_to_int(item, &n) || n == id)
            continue;
        json_put_comma(&b);
        buf_put_slice(&b, item);
    }
    buf_put_char(&b, ']');
    struct value out = b.len > 2 ? value_text(arena_slice(arena, buf_slice(&b))) : value_null();
    buf_release(&b);
    return out;
}

static enum err load_live(struct ctx *ctx, const struct entity *entity, int64_t id,
                          struct record **out)
{
    struct value *values;
    const struct expr *where =
        expr_and(ctx->arena, record_has_id(ctx->arena, id), record_is_live(ctx->arena));
    enum err e = record_read(ctx, entity, where, &values);
    if (!e)
        *out = record_wrap(ctx, entity, values);
    return e;
}

/* The core's own change: no rights, no handlers, but the log, the version and the roll-ups. */
static enum err write_quietly(struct ctx *ctx, struct record *record, int64_t batch)
{
    const struct entity *entity = record->entity;
    struct store_set sets[8];
    int count = 0;
    record->now[SLOT_VERSION] = value_int(record->old[SLOT_VERSION].integer + 1);
    record->now[SLOT_UPDATED_AT] = value_int(ctx->now_ms);
    for (int i = 0; i < entity->slots; i++) {
        if (value_equal(&record->old[i], &record->now[i]))
            continue;
        ASSERT(count < 8);
        sets[count++] = (struct store_set){entity->columns[i], record->now[i], false};
    }
    enum err e = store_update(ctx->tenant->store, entity->table,
                              record_has_id(ctx->arena, record->now[SLOT_ID].integer), sets, count,
                              NULL, NULL);
    if (!e)
        e = rollup_move(ctx, entity, record->old, record->now);
    return e ? e : change_put(ctx, record, CHANGE_UPDATE, batch);
}

static enum err clear_ref(struct ctx *ctx, const struct entity_ref *ref, int64_t from, int64_t to)
{
    struct record *record;
    const struct field *field = ref->field;
    enum err e = load_live(ctx, ref->from, from, &record);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (field->type->kind == KIND_LIST)
        record_put(record, field->slot,
                   list_without(ctx->arena, record->now[field->slot].bytes, to));
    else
        for (int i = 0; i < field->type->columns; i++)
            record_put(record, field->slot + i, value_null());
    return write_quietly(ctx, record, ctx->unit->delete_batch);
}

static enum err follow_refs(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    for (int i = 0; i < entity->referrers_count; i++) {
        const struct entity_ref ref = model_referrer(ctx->model, entity, i);
        int64_t *ids;
        int count;
        if (ref.field->on_delete == ON_DELETE_REFUSE || ref.from->is_append_only)
            continue;
        enum err e = referring(ctx, &ref, id, &ids, &count);
        for (int k = 0; k < count && !e; k++) {
            struct record *record;
            if (ref.field->on_delete == ON_DELETE_CLEAR) {
                e = clear_ref(ctx, &ref, ids[k], id);
                continue;
            }
            e = load_live(ctx, ref.from, ids[k], &record);
            e = e ? (e == ERR_NOT_FOUND ? ERR_OK : e) : delete_one(ctx, record, true);
        }
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- the record itself --- */

static enum err write_deleted(struct ctx *ctx, struct record *record)
{
    struct value by = ctx->actor && ctx->actor->user ? value_int(ctx->actor->user) : value_null();
    int64_t changed = 0;
    record->now[SLOT_DELETED_AT] = value_int(ctx->now_ms);
    record->now[SLOT_DELETE_BATCH] = value_int(ctx->unit->delete_batch);
    record->now[SLOT_VERSION] = value_int(record->old[SLOT_VERSION].integer + 1);
    record->now[SLOT_UPDATED_AT] = value_int(ctx->now_ms);
    record->now[SLOT_UPDATED_BY] = by;
    const struct store_set sets[] = {
        {"deleted_at", record->now[SLOT_DELETED_AT], false},
        {"delete_batch", record->now[SLOT_DELETE_BATCH], false},
        {"version", record->now[SLOT_VERSION], false},
        {"updated_at", record->now[SLOT_UPDATED_AT], false},
        {"updated_by", by, false},
    };
    const struct expr *where =
        expr_and(ctx->arena, record_has_id(ctx->arena, record->now[SLOT_ID].integer),
                 expr_cmp(ctx->arena, EXPR_EQ, "version", record->old[SLOT_VERSION]));
    enum err e = store_update(ctx->tenant->store, record->entity->table, where, sets,
                              sizeof sets / sizeof *sets, &changed, NULL);
    if (!e && !changed)
        e = err_say(&ctx->err, ERR_CONFLICT, NULL, NULL); /* a handler changed it meanwhile */
    if (!e)
        e = rollup_move(ctx, record->entity, record->old, NULL);
    if (!e)
        e = change_put(ctx, record, CHANGE_DELETE, ctx->unit->delete_batch);
    return e ? e : staff_moved(ctx, record->entity);
}

static enum err fire(struct ctx *ctx, struct record *record, enum hook_moment moment)
{
    struct event event = {0};
    return record_fire(ctx, record, moment, &event);
}

static enum err delete_one(struct ctx *ctx, struct record *record, bool is_core)
{
    struct unit_frame frame = {.entity = record->entity,
                               .id = record->now[SLOT_ID].integer,
                               .verb = "delete",
                               .is_core = is_core};
    if (record->entity->is_append_only)
        return ERR_FORBIDDEN;
    enum err e = unit_enter(ctx, &frame);
    if (e)
        return e;
    record->phase = RECORD_CHECKED;
    e = fire(ctx, record, HOOK_BEFORE_DELETE);
    if (!e)
        e = fire(ctx, record, HOOK_VALIDATE_DELETE);
    if (!e)
        e = check_refused(ctx, record->entity, frame.id);
    if (!e)
        e = write_deleted(ctx, record);
    frame.is_settled = true; /* what goes along is a nested write */
    if (!e)
        e = follow_refs(ctx, record->entity, frame.id);
    record->phase = RECORD_SAVED;
    if (!e)
        e = record_outbox(ctx, record, frame.verb);
    if (!e && !ctx->unit->skip_after)
        e = fire(ctx, record, HOOK_AFTER_DELETE);
    return unit_leave(ctx, &frame, e);
}

enum err record_delete(struct ctx *ctx, const struct entity *entity, int64_t id, int64_t version)
{
    ASSERT(ctx && ctx->unit && entity);
    struct record *record;
    enum err e = record_load(ctx, entity, id, ROLE_DELETE, &record);
    if (e)
        return e;
    if (version > 0 && record->old[SLOT_VERSION].integer != version)
        return record_version_error(ctx, entity, id, record->old[SLOT_VERSION].integer);
    int64_t outer = ctx->unit->delete_batch;
    if (!outer)
        ctx->unit->delete_batch = id_next();
    e = delete_one(ctx, record, false);
    ctx->unit->delete_batch = outer;
    return e;
}
