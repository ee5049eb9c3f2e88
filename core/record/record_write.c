/* record_write - phase 4 of a save: numbers, sort keys, the row, and all that hangs on it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "base/token.h"
#include "record/change.h"
#include "record/field_sealed.h"
#include "record/list.h"
#include "record/number.h"
#include "record/record_in.h"
#include "record/rollup.h"
#include "record/search.h"
#include "record/staff.h"
#include "record/visit.h"

/* --- values the core sets --- */

static struct value actor_value(const struct ctx *ctx)
{
    return ctx->actor && ctx->actor->user ? value_int(ctx->actor->user) : value_null();
}

static void stamp(const struct ctx *ctx, struct record *record)
{
    struct value *now = record->now;
    struct value at = value_int(ctx->now_ms);
    if (record->is_new) { /* an import may have given the original time and author */
        if (now[SLOT_CREATED_AT].type == VALUE_NULL)
            now[SLOT_CREATED_AT] = at;
        if (now[SLOT_CREATED_BY].type == VALUE_NULL)
            now[SLOT_CREATED_BY] = actor_value(ctx);
        if (now[SLOT_ORIGIN].type == VALUE_NULL)
            now[SLOT_ORIGIN] = value_text(slice_str(ctx_source_name(ctx->source)));
    }
    now[SLOT_VERSION] = value_int(record->is_new ? 1 : record->old[SLOT_VERSION].integer + 1);
    now[SLOT_UPDATED_AT] = at;
    now[SLOT_UPDATED_BY] = actor_value(ctx);
}

static void sort_keys(struct ctx *ctx, struct record *record)
{
    struct buf key = BUF_INIT;
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (!field->sort_column || !record_field_changed(record, field))
            continue;
        buf_clear(&key);
        if (!field_is_empty(field, record->now))
            token_sort_key(&key, record->now[field->slot].bytes, field->is_person);
        record_put(record, field->sort_slot,
                   key.len ? value_text(arena_slice(ctx->arena, buf_slice(&key))) : value_null());
    }
    buf_release(&key);
}

/* From here on the values are as they are stored. */
static enum err seal_fields(struct ctx *ctx, struct record *record)
{
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        enum err e = field->type->is_sealed ? field_seal(ctx, field, record->now) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- the row --- */

/* Every column, so that all inserts of an entity share a statement; tables with columns that cannot
 * be empty keep their defaults. */
static enum err insert_row(struct ctx *ctx, const struct record *record)
{
    const struct entity *entity = record->entity;
    struct store_set *sets = arena_array(ctx->arena, struct store_set, (size_t)entity->slots);
    int count = 0;
    for (int i = 0; i < entity->slots; i++)
        if (!entity->is_system || record->now[i].type != VALUE_NULL)
            sets[count++] = (struct store_set){entity->columns[i], record->now[i], false};
    enum err e = store_insert(ctx->tenant->store, entity->table, sets, count, NULL);
    return e == ERR_CONFLICT ? record_conflict(ctx, record) : e;
}

enum err record_version_error(struct ctx *ctx, const struct entity *entity, int64_t id,
                              int64_t version)
{
    struct buf current = BUF_INIT;
    int64_t shown;
    enum err e = list_get(ctx, entity, id, SLICE(""), SLICE(""), &current, &shown);
    if (e)
        buf_clear(&current);
    ctx->err.extra = arena_printf(ctx->arena, "\"version\":%lld,\"current\":%s", (long long)version,
                                  current.len ? buf_cstr(&current) : "null");
    buf_release(&current);
    return ERR_VERSION;
}

/* Nothing matched: the record is gone, has moved on, or is not the actor's to change. */
static enum err why_not(struct ctx *ctx, const struct record *record)
{
    struct value *values;
    int64_t id = record->now[SLOT_ID].integer;
    const struct expr *where =
        expr_and(ctx->arena, record_has_id(ctx->arena, id), record_is_live(ctx->arena));
    enum err e = record_read(ctx, record->entity, where, &values);
    if (!e)
        e = record_allows(ctx, record->entity, ROLE_UPDATE, values);
    if (e)
        return e;
    return record_version_error(ctx, record->entity, id, values[SLOT_VERSION].integer);
}

static enum err update_row(struct ctx *ctx, const struct record *record)
{
    const struct entity *entity = record->entity;
    struct arena *arena = ctx->arena;
    struct store_set *sets = arena_array(arena, struct store_set, (size_t)entity->slots);
    const struct expr *rows = NULL;
    struct rights *rights;
    int64_t changed = 0;
    int count = 0;
    for (int i = 0; i < entity->slots; i++)
        if (!value_equal(&record->old[i], &record->now[i]))
            sets[count++] = (struct store_set){entity->columns[i], record->now[i], false};
    enum err e = unit_rights(ctx, entity, ROLE_UPDATE, &rights);
    if (!e)
        e = rights_make_rows(rights, false, &rows);
    if (e)
        return e;
    const struct expr *same =
        expr_and(arena, record_has_id(arena, record->now[SLOT_ID].integer),
                 expr_cmp(arena, EXPR_EQ, "version", record->old[SLOT_VERSION]));
    e = store_update(ctx->tenant->store, entity->table, expr_and(arena, same, rows), sets, count,
                     &changed, NULL);
    if (e == ERR_CONFLICT)
        return record_conflict(ctx, record);
    return e || changed ? e : why_not(ctx, record);
}

/* --- what hangs on it --- */

static enum err put_tokens(struct ctx *ctx, const struct record *record)
{
    const struct entity *entity = record->entity;
    struct buf old = BUF_INIT, now = BUF_INIT;
    if (!entity->has_search || (record->old && !search_moved(entity, record->old, record->now)))
        return ERR_OK;
    if (record->old)
        search_tokens_of(ctx->arena, entity, record->old, &old);
    search_tokens_of(ctx->arena, entity, record->now, &now);
    enum err e = ERR_OK;
    if (old.len || now.len)
        e = store_tokens_put(ctx->tenant->store, entity->table, record->now[SLOT_ID].integer,
                             buf_slice(&old), buf_slice(&now));
    buf_release(&old);
    buf_release(&now);
    return e;
}

enum err record_write(struct ctx *ctx, struct record *record)
{
    const struct entity *entity = record->entity;
    enum err e = record->is_new ? number_fill(ctx, record) : ERR_OK;
    if (!e)
        e = staff_prepare(ctx, record);
    if (!e)
        e = seal_fields(ctx, record);
    if (e)
        return e;
    sort_keys(ctx, record);
    stamp(ctx, record);
    e = record->is_new ? insert_row(ctx, record) : update_row(ctx, record);
    if (!e)
        e = put_tokens(ctx, record);
    if (!e)
        e = rollup_move(ctx, entity, record->old, record->now);
    if (!e)
        e = visit_move(ctx, record);
    if (!e)
        e = record_files(ctx, record);
    if (!e)
        e = change_put(ctx, record, record->is_new ? CHANGE_CREATE : CHANGE_UPDATE, 0);
    return e ? e : staff_saved(ctx, record);
}
