/* record_load - a record from its row, a new one with defaults, and whether the actor may.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/field_kit.h"
#include "record/filter.h"
#include "record/record_in.h"

const struct expr *record_is_live(struct arena *arena)
{
    return expr_cmp(arena, EXPR_NULL, "deleted_at", value_null());
}

const struct expr *record_has_id(struct arena *arena, int64_t id)
{
    return expr_cmp(arena, EXPR_EQ, "id", value_int(id));
}

/* --- rows --- */

struct row_reader {
    struct arena *arena;
    int slots;
    struct value *values;
};

static bool take_row(void *arg, const struct store_row *row)
{
    struct row_reader *reader = arg;
    reader->values = arena_array(reader->arena, struct value, (size_t)reader->slots);
    for (int i = 0; i < reader->slots; i++) {
        struct value v = store_row_value(row, i);
        reader->values[i] = value_copy(reader->arena, &v);
    }
    return false;
}

enum err record_read(struct ctx *ctx, const struct entity *entity, const struct expr *where,
                     struct value **out)
{
    struct row_reader reader = {ctx->arena, entity->slots, NULL};
    struct query_column *select =
        arena_array(ctx->arena, struct query_column, (size_t)entity->slots);
    for (int i = 0; i < entity->slots; i++)
        select[i].column.column = entity->columns[i];
    struct query query = {.table = entity->table,
                          .select = select,
                          .select_count = entity->slots,
                          .where = where,
                          .limit = 1};
    enum err e = store_read(ctx->tenant->store, &query, take_row, &reader);
    if (e)
        return e;
    if (!reader.values)
        return ERR_NOT_FOUND;
    *out = reader.values;
    return ERR_OK;
}

struct id_reader {
    int64_t *ids;
    int count, limit;
};

static bool take_id(void *arg, const struct store_row *row)
{
    struct id_reader *reader = arg;
    reader->ids[reader->count++] = store_row_int(row, 0);
    return reader->count < reader->limit;
}

enum err record_ids(struct ctx *ctx, const char *table, const struct expr *where, int limit,
                    int64_t **ids, int *count)
{
    ASSERT(limit > 0);
    struct id_reader reader = {arena_array(ctx->arena, int64_t, (size_t)limit), 0, limit};
    struct query_column id = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}};
    struct query query = {.table = table,
                          .select = &id,
                          .select_count = 1,
                          .where = where,
                          .order = &order,
                          .order_count = 1,
                          .limit = limit};
    enum err e = store_read(ctx->tenant->store, &query, take_id, &reader);
    if (e)
        return e;
    *ids = reader.ids;
    *count = reader.count;
    return ERR_OK;
}

/* --- rights to a row --- */

static enum err row_matches(struct ctx *ctx, const struct entity *entity, enum role_action action,
                            const struct value *values, bool *out)
{
    struct rights *rights;
    const struct expr *rows = NULL;
    *out = true;
    if (ctx->as_system)
        return ERR_OK;
    enum err e = unit_rights(ctx, entity, action, &rights);
    if (!e)
        e = rights_make_rows(rights, true, &rows);
    if (e == ERR_FORBIDDEN) {
        *out = false;
        return ERR_OK;
    }
    return e ? e : filter_matches_expr(ctx, entity, rows, values, out);
}

enum err record_is_visible(struct ctx *ctx, const struct entity *entity, const struct value *values,
                           bool *out)
{
    return row_matches(ctx, entity, ROLE_READ, values, out);
}

enum err record_allows(struct ctx *ctx, const struct entity *entity, enum role_action action,
                       const struct value *values)
{
    bool yes;
    enum err e = row_matches(ctx, entity, action, values, &yes);
    if (e || yes)
        return e;
    if (action != ROLE_READ)
        e = row_matches(ctx, entity, ROLE_READ, values, &yes);
    if (e)
        return e;
    return yes ? ERR_FORBIDDEN : ERR_NOT_FOUND;
}

/* --- records --- */

struct record *record_wrap(struct ctx *ctx, const struct entity *entity, struct value *values)
{
    size_t slots = (size_t)entity->slots;
    struct record *record = arena_make(ctx->arena, struct record);
    record->entity = entity;
    record->old = values;
    record->now = arena_array(ctx->arena, struct value, slots);
    memcpy(record->now, values, slots * sizeof *values);
    record->changed = arena_alloc(ctx->arena, slots);
    return record;
}

enum err record_load(struct ctx *ctx, const struct entity *entity, int64_t id,
                     enum role_action action, struct record **out)
{
    struct value *values;
    ASSERT(ctx->tenant && entity && out);

    const struct expr *where =
        expr_and(ctx->arena, record_has_id(ctx->arena, id), record_is_live(ctx->arena));
    enum err e = record_read(ctx, entity, where, &values);
    if (!e)
        e = record_allows(ctx, entity, action, values);
    if (e)
        return e;
    *out = record_wrap(ctx, entity, values);
    return ERR_OK;
}

/* --- a new one --- */

static struct value default_variable(const struct ctx *ctx, struct slice name)
{
    const struct actor *actor = ctx->actor;
    if (slice_is(name, "$me"))
        return actor && actor->user ? value_int(actor->user) : value_null();
    if (slice_is(name, "$my_team"))
        return actor && actor->team ? value_int(actor->team) : value_null();
    if (slice_is(name, "$my_department"))
        return actor && actor->department ? value_int(actor->department) : value_null();
    if (slice_is(name, "$now"))
        return value_int(ctx->now_ms);
    const struct zone *zone = ctx->tenant->zone ? ctx->tenant->zone : zone_find("UTC");
    return value_int(zone_day(zone, ctx->now_ms)); /* $today */
}

static bool is_variable(const struct json *fallback)
{
    static const char *const names[] = {"$me", "$my_team", "$my_department", "$now", "$today"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fallback->type == JSON_STRING && slice_is(fallback->text, names[i]))
            return true;
    return false;
}

static enum err set_default(struct ctx *ctx, struct record *record, const struct field *field)
{
    const struct json *fallback = field->fallback;
    if (field->type->columns == 0)
        return ERR_OK;
    if (field_is(field, "rollup") && field_rollup_of(field)->op == MEASURE_COUNT)
        record->now[field->slot] = value_int(0);
    if (!fallback || fallback->type == JSON_NULL || field->type->is_derived)
        return ERR_OK;
    if (is_variable(fallback)) {
        record->now[field->slot] = default_variable(ctx, fallback->text);
        return ERR_OK;
    }
    return field->type->parse(ctx, field, field->name, fallback, record->now + field->slot);
}

enum err record_new(struct ctx *ctx, const struct entity *entity, struct record **out)
{
    ASSERT(ctx->tenant && entity && out);
    size_t slots = (size_t)entity->slots;
    struct record *record = arena_make(ctx->arena, struct record);
    record->entity = entity;
    record->is_new = true;
    record->now = arena_array(ctx->arena, struct value, slots);
    record->changed = arena_alloc(ctx->arena, slots);
    record->now[SLOT_ID] = value_int(id_next());
    if (entity->has_owner && ctx->actor && ctx->actor->user)
        record->now[SLOT_OWNER] = value_int(ctx->actor->user);
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        enum err e = set_default(ctx, record, entity->fields[i]);
        if (e)
            return e;
    }
    *out = record;
    return ERR_OK;
}
