/* visit - see visit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/visit.h"

#include "auth/actor.h"
#include "base/id.h"
#include "record/record_in.h"

static const struct expr *of_record(struct arena *arena, const struct entity *entity, int64_t id)
{
    return expr_and(arena, expr_cmp(arena, EXPR_EQ, "entity", value_int(entity->n)),
                    expr_cmp(arena, EXPR_EQ, "record", value_int(id)));
}

static enum err leave(struct ctx *ctx, const struct record *record, const struct field *field)
{
    struct arena *a = ctx->arena;
    struct store_set left = {"left_at", value_int(ctx->now_ms), false};
    const struct expr *open = expr_and(a, expr_cmp(a, EXPR_EQ, "field", value_int(field->n)),
                                       expr_cmp(a, EXPR_NULL, "left_at", value_null()));
    const struct expr *where =
        expr_and(a, of_record(a, record->entity, record->now[SLOT_ID].integer), open);
    return store_update(ctx->tenant->store, "visit", where, &left, 1, NULL, NULL);
}

static enum err enter(struct ctx *ctx, const struct record *record, const struct field *field)
{
    int64_t actor = ctx->actor ? ctx->actor->user : 0;
    struct store_set sets[] = {
        {"id", value_int(id_next()), false},
        {"entity", value_int(record->entity->n), false},
        {"record", record->now[SLOT_ID], false},
        {"field", value_int(field->n), false},
        {"value", record->now[field->slot], false},
        {"entered_at", record->is_new ? record->now[SLOT_CREATED_AT] : value_int(ctx->now_ms),
         false},
        {"actor", actor ? value_int(actor) : value_null(), false},
    };
    return store_insert(ctx->tenant->store, "visit", sets, sizeof sets / sizeof *sets, NULL);
}

enum err visit_move(struct ctx *ctx, const struct record *record)
{
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (!field_is(field, "state") || !record_field_changed(record, field))
            continue;
        enum err e = record->is_new ? ERR_OK : leave(ctx, record, field);
        if (!e && !field_is_empty(field, record->now))
            e = enter(ctx, record, field);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err visit_drop(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    return store_delete(ctx->tenant->store, "visit", of_record(ctx->arena, entity, id), NULL);
}
