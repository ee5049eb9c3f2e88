/* record_save - the phases of plugin-api.md section 3, in order, on one page.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/rollup.h"

enum err record_fire(struct ctx *ctx, struct record *record, enum hook_moment moment,
                     struct event *event)
{
    const struct hooks *hooks = ctx->unit->hooks;
    if (!hooks || !hook_wants(hooks, record->entity->name, moment))
        return ERR_OK;
    event->moment = moment;
    event->entity = record->entity->name;
    event->record = record;
    event->id = id_next();
    return hook_fire(hooks, ctx, event);
}

static enum err fire(struct ctx *ctx, struct record *record, enum hook_moment moment)
{
    struct event event = {0};
    return record_fire(ctx, record, moment, &event);
}

/* A line that goes to another contract has to be allowed there, too. */
static enum err check_new_parent(struct ctx *ctx, const struct record *record)
{
    const struct entity *entity = record->entity;
    const struct field *parent =
        entity->parent ? entity_field(entity, slice_str(entity->parent)) : NULL;
    bool matches = true;
    if (!parent || !record->changed[parent->slot])
        return ERR_OK;
    enum err e = rights_matches(ctx, entity, ROLE_UPDATE, record->now, &matches);
    return e || matches ? e : ERR_FORBIDDEN;
}

/* Phase 0: may this actor make such a record, is it the version the client knew? */
static enum err check_start(struct ctx *ctx, struct record *record, int64_t version)
{
    const struct entity *entity = record->entity;
    bool matches = true;
    if (!record->is_new && entity->is_append_only)
        return ERR_FORBIDDEN;
    if (!record->is_new && version > 0 && record->old[SLOT_VERSION].integer != version)
        return record_version_error(ctx, entity, record->now[SLOT_ID].integer,
                                    record->old[SLOT_VERSION].integer);
    if (ctx->as_system)
        return ERR_OK;
    if (!record->is_new)
        return check_new_parent(ctx, record);
    enum err e = record_follow_owner(ctx, record);
    if (!e)
        e = rights_action(ctx, entity, ROLE_CREATE);
    if (!e)
        e = rights_matches(ctx, entity, ROLE_CREATE, record->now, &matches);
    return e || matches ? e : ERR_FORBIDDEN;
}

/* Phases 1-3. What the core and the validators complain about is told together. */
static enum err judge(struct ctx *ctx, struct record *record)
{
    enum err e = fire(ctx, record, record->is_new ? HOOK_BEFORE_CREATE : HOOK_BEFORE_UPDATE);
    if (e)
        return e;
    enum err core = record_check(ctx, record);
    if (core && core != ERR_VALIDATION)
        return core;
    record->phase = RECORD_CHECKED;
    e = fire(ctx, record, HOOK_VALIDATE);
    return core ? core : e;
}

static struct slice state_of(const struct value *values, const struct field *field)
{
    return values[field->slot].bytes;
}

/* Phase 5. */
static enum err follow(struct ctx *ctx, struct record *record)
{
    if (ctx->unit->skip_after)
        return ERR_OK;
    enum err e = fire(ctx, record, record->is_new ? HOOK_AFTER_CREATE : HOOK_AFTER_UPDATE);
    for (int i = SLOT_FIELDS; i < record->entity->fields_count && !e && !record->is_new; i++) {
        const struct field *field = record->entity->fields[i];
        if (!field_is(field, "state") || !record_field_changed(record, field))
            continue;
        struct event event = {
            .field = field->name,
            .from = field_is_empty(field, record->old)
                        ? NULL
                        : arena_str(ctx->arena, state_of(record->old, field)),
            .to = field_is_empty(field, record->now)
                      ? NULL
                      : arena_str(ctx->arena, state_of(record->now, field)),
        };
        e = record_fire(ctx, record, HOOK_TRANSITION, &event);
    }
    return e;
}

/* Phase 6: what waits for the commit is written with it. It comes before phase 5, whose handlers
 * may change this record once more: their row must lie behind this one. */
enum err record_outbox(struct ctx *ctx, struct record *record, const char *op)
{
    struct event event = {.op = op,
                          .subject = record->now[SLOT_ID].integer,
                          .actor = ctx->actor ? ctx->actor->user : 0};
    if (ctx->unit->skip_after)
        return ERR_OK;
    return record_fire(ctx, record, HOOK_AFTER_COMMIT, &event);
}

static size_t bytes_of(const struct value *value)
{
    return value->type == VALUE_TEXT || value->type == VALUE_BLOB ? value->bytes.len : 0;
}

/* Does what is written of it behind the row, its line in the change log above all, surely fit? */
static bool is_short(const struct record *record)
{
    size_t bytes = 0;
    for (int i = 0; i < record->entity->slots; i++) {
        bytes += bytes_of(&record->now[i]);
        bytes += record->old ? bytes_of(&record->old[i]) : 0;
    }
    return bytes <= CERTAIN_BYTES_MAX;
}

/* Is the row the last thing of this save that may be refused? Then a savepoint of its own need not
 * be made. A number is taken before the row, roll-ups may become too large behind it, and so may
 * the line in the change log. */
static bool is_certain(const struct ctx *ctx, const struct record *record)
{
    static const enum hook_moment behind[] = {HOOK_AFTER_CREATE, HOOK_AFTER_UPDATE, HOOK_TRANSITION,
                                              HOOK_AFTER_COMMIT};
    const struct entity *entity = record->entity;
    const struct hooks *hooks = ctx->unit->skip_after ? NULL : ctx->unit->hooks;
    if (!record->is_alone || entity->is_system || !is_short(record) || rollup_follows(ctx, entity))
        return false;
    for (int i = SLOT_FIELDS; i < entity->fields_count && record->is_new; i++)
        if (field_is(entity->fields[i], "autonumber"))
            return false;
    for (size_t i = 0; hooks && i < sizeof behind / sizeof *behind; i++)
        if (hook_wants(hooks, entity->name, behind[i]))
            return false;
    return true;
}

/* What was saved is as if it had been loaded now. */
static void settle(struct ctx *ctx, struct record *record)
{
    size_t slots = (size_t)record->entity->slots;
    if (!record->old)
        record->old = arena_array(ctx->arena, struct value, slots);
    memcpy(record->old, record->now, slots * sizeof *record->now);
    memset(record->changed, 0, slots);
    record->is_new = false;
    record->phase = RECORD_OPEN;
}

enum err record_save(struct ctx *ctx, struct record *record, int64_t version)
{
    ASSERT(ctx && ctx->tenant && ctx->unit);
    ASSERT(record && (record->is_new || record->old));

    struct unit_frame frame = {.entity = record->entity,
                               .id = record->now[SLOT_ID].integer,
                               .verb = record->is_new ? "create" : "update"};
    enum err e = check_start(ctx, record, version);
    if (e || (!record_differs(record) && record->phase == RECORD_OPEN))
        return e;
    e = unit_enter(ctx, &frame);
    if (e)
        return e;
    e = judge(ctx, record);
    if (!e && record_differs(record)) {
        if (is_certain(ctx, record))
            store_certain(ctx->tenant->store);
        e = record_write(ctx, record);
        frame.is_settled = true;
        record->phase = RECORD_SAVED;
        if (!e)
            e = record_outbox(ctx, record, frame.verb);
        if (!e)
            e = follow(ctx, record);
    }
    e = unit_leave(ctx, &frame, e);
    if (!e)
        settle(ctx, record);
    return e;
}
