/* entity - see entity.h: lookups and the fields that every record has.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/entity.h"

#include "record/field_kit.h"
#include "record/model_build.h"

const struct field *entity_field(const struct entity *entity, struct slice name)
{
    return map_get(&entity->by_name, name);
}

const struct field *entity_field_by_n(const struct entity *entity, int n)
{
    for (int i = 0; i < entity->fields_count; i++)
        if (entity->fields[i]->n == n)
            return entity->fields[i];
    return NULL;
}

/* --- system fields --- */

static const struct field_type type_id = {
    .name = "id",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = field_parse_id,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};

static const struct {
    enum entity_slot slot;
    const struct field_type *type;
    const char *ref_entity;
    bool is_writable, of_owner, is_hidden;
} system_fields[] = {
    {SLOT_ID, &type_id, NULL, false, false, false},
    {SLOT_VERSION, &field_type_int, NULL, false, false, false},
    {SLOT_CREATED_AT, &field_type_datetime, NULL, false, false, false},
    {SLOT_UPDATED_AT, &field_type_datetime, NULL, false, false, false},
    {SLOT_CREATED_BY, &field_type_user, "user", false, false, false},
    {SLOT_UPDATED_BY, &field_type_user, "user", false, false, false},
    {SLOT_OWNER, &field_type_user, "user", true, true, false},
    {SLOT_TEAM, &field_type_team, "team", false, true, false},
    {SLOT_DEPARTMENT, &field_type_ref, "department", false, true, false},
    {SLOT_DELETED_AT, &field_type_datetime, NULL, false, false, true},
    {SLOT_DELETE_BATCH, &field_type_int, NULL, false, false, true},
    {SLOT_ORIGIN, &field_type_text, NULL, false, false, false},
};
static const char *const slot_names[] = {
#define X(name, column) column,
    ENTITY_SLOTS(X)
#undef X
};

static bool is_named(const struct json *list, const char *name)
{
    json_each(item, list) if (slice_is(item->text, name)) return true;
    return false;
}

void entity_add_system_fields(struct arena *arena, struct entity *entity)
{
    _Static_assert(sizeof(system_fields) / sizeof *system_fields == SLOT_FIELDS,
                   "every slot has its field");
    const struct json *writable = json_get(entity->declared, "writable");

    for (int i = 0; i < SLOT_FIELDS; i++) {
        ASSERT(system_fields[i].slot == (enum entity_slot)i);
        struct field *field = arena_make(arena, struct field);
        field->name = slot_names[i];
        field->label = arena_printf(arena, "@field.%s", slot_names[i]);
        field->plugin = "core";
        field->n = -(i + 1);
        field->type = system_fields[i].type;
        field->entity = entity;
        field->slot = i;
        field->column = slot_names[i];
        field->is_system = true;
        bool open = is_named(writable, field->name);
        field->is_readonly =
            !open && !(system_fields[i].is_writable && entity->has_owner && !entity->is_private);
        field->is_hidden = system_fields[i].is_hidden ||
                           (system_fields[i].of_owner && !entity->has_owner && !open);
        field->min = INT64_MIN;
        field->max = INT64_MAX;
        field->sort_slot = -1;
        field->ref_entity = system_fields[i].ref_entity;
        field->on_delete = ON_DELETE_CLEAR;
        entity->fields[entity->fields_count++] = field;
        map_put(&entity->by_name, slice_str(field->name), field);
    }
}
