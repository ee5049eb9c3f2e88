/* record_ref - what a record points to: it must be there and be visible to who points at it.
 *
 * Colleagues, teams and departments may be named by everybody. Only references that were changed
 * are asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"
#include "record/model.h"
#include "record/record_in.h"

/* --- owner --- */

struct place {
    bool found;
    struct value team, department;
};

static bool take_place(void *arg, const struct store_row *row)
{
    struct place *place = arg;
    place->found = true;
    place->team = store_row_value(row, 0);
    place->department = store_row_value(row, 1);
    return false;
}

/* An owner who does not exist is found out by the check of references. */
enum err record_follow_owner(struct ctx *ctx, struct record *record)
{
    struct place place = {.team = value_null(), .department = value_null()};
    const struct value *owner = &record->now[SLOT_OWNER];
    bool moved = !record->old || !value_equal(&record->old[SLOT_OWNER], owner);
    if (!record->entity->has_owner ||
        (record->followed ? record->followed == owner->integer : !moved))
        return ERR_OK;
    if (owner->type == VALUE_INT) {
        struct query_column select[] = {{.column = {0, "team"}}, {.column = {0, "department"}}};
        struct query query = {.table = "user",
                              .select = select,
                              .select_count = 2,
                              .where = record_has_id(ctx->arena, owner->integer),
                              .limit = 1};
        enum err e = store_read(ctx->tenant->store, &query, take_place, &place);
        if (e)
            return e;
    }
    record->followed = owner->integer;
    record_put(record, SLOT_TEAM, place.team);
    record_put(record, SLOT_DEPARTMENT, place.department);
    return ERR_OK;
}

/* --- existence --- */

static bool take_any(void *arg, const struct store_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

static enum err file_exists(struct ctx *ctx, int64_t id, bool *out)
{
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "file",
                          .select = &select,
                          .select_count = 1,
                          .where = record_has_id(ctx->arena, id),
                          .limit = 1};
    *out = false;
    return store_read(ctx->tenant->store, &query, take_any, out);
}

static enum err target_exists(struct ctx *ctx, const struct entity *target, int64_t id, bool *out)
{
    bool ask = !ctx->as_system && !target->is_system;
    const struct expr *where = record_has_id(ctx->arena, id);
    struct value *values;
    *out = false;
    where = expr_and(ctx->arena, where, record_is_live(ctx->arena));
    if (ask) {
        enum err e = record_read(ctx, target, where, &values);
        if (e)
            return e == ERR_NOT_FOUND ? ERR_OK : e;
        return record_is_visible(ctx, target, values, out);
    }
    struct query_column select = {.column = {0, "id"}};
    struct query query = {
        .table = target->table, .select = &select, .select_count = 1, .where = where, .limit = 1};
    return store_read(ctx->tenant->store, &query, take_any, out);
}

static enum err check_one(struct ctx *ctx, const struct field *field, const struct entity *target,
                          int64_t id)
{
    bool found = false;
    enum err e = ERR_OK;
    if (target)
        e = target_exists(ctx, target, id, &found);
    if (e || found)
        return e;
    return field_bad(ctx, field->name, "bad_ref", "\"entity\":\"%s\"", target ? target->name : "");
}

/* "[1,2]", as the type keeps it. */
static enum err check_list(struct ctx *ctx, const struct field *field, struct slice list,
                           bool is_file)
{
    struct slice rest = list.len < 2 ? SLICE("") : slice_of(list.at + 1, list.len - 2);
    while (rest.len) {
        int64_t id = 0;
        bool found = false;
        if (!slice_to_int(slice_split(&rest, ','), &id))
            continue;
        enum err e = is_file ? file_exists(ctx, id, &found) : ERR_OK;
        if (!e && is_file && !found)
            e = field_bad(ctx, field->name, "bad_ref", "\"entity\":\"file\"");
        if (!e && !is_file)
            e = check_one(ctx, field, model_ref(ctx->model, field), id);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err check_file(struct ctx *ctx, const struct field *field, int64_t id)
{
    bool found;
    enum err e = file_exists(ctx, id, &found);
    if (e || found)
        return e;
    return field_bad(ctx, field->name, "bad_ref", "\"entity\":\"file\"");
}

static enum err check_field(struct ctx *ctx, const struct record *record, const struct field *field)
{
    const struct value *values = record->now + field->slot;
    const struct field_type *type = field->type;
    if (type == &field_type_refs || type == &field_type_files)
        return check_list(ctx, field, values->bytes, type == &field_type_files);
    if (type == &field_type_file || type == &field_type_image)
        return check_file(ctx, field, values->integer);
    if (type == &field_type_ref_any)
        return check_one(ctx, field, model_entity(ctx->model, values[1].bytes), values->integer);
    if (field->ref_at && type->is_ref)
        return check_one(ctx, field, model_ref(ctx->model, field), values->integer);
    return ERR_OK;
}

enum err record_check_refs(struct ctx *ctx, struct record *record)
{
    const struct entity *entity = record->entity;
    enum err failed = ERR_OK;
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        bool is_derived_place =
            entity->has_owner && (field->slot == SLOT_TEAM || field->slot == SLOT_DEPARTMENT);
        if (is_derived_place || (field->type->kind != KIND_REF && field->type->kind != KIND_LIST) ||
            field->slot == SLOT_ID || field_is_empty(field, record->now) ||
            !record_field_changed(record, field))
            continue;
        enum err e = check_field(ctx, record, field);
        if (e && e != ERR_VALIDATION)
            return e;
        failed = e ? e : failed;
    }
    return failed;
}
