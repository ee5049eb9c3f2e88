/* bind_data - `crm.data`: a record as plain data, to be kept, compared or shown elsewhere.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/rights.h"
#include "script/bind.h"

/* May who asks see this field of this record? Where nobody asks (a job by the clock), yes. */
static bool is_readable(struct ctx *ctx, const struct record_handle *handle,
                        const struct field *field, const struct value *values)
{
    enum role_access access = ROLE_NONE;
    if (!ctx->actor || ctx->as_system)
        return true;
    struct err_info before = ctx->err;
    enum err e = rights_field_on(ctx, handle->entity, field, ROLE_READ, values, &access);
    ctx->err = before;
    return !e && access != ROLE_NONE;
}

/* Its value of a whole row, as clients are shown it. [-0, +1] */
static void push_shown(lua_State *L, const struct field *field, const struct value *values)
{
    struct buf text = BUF_INIT;
    const struct json *node = NULL;
    struct arena *arena = vm_ctx(L)->arena;
    field_put(field, values, &text);
    struct slice copy = arena_slice(arena, buf_slice(&text));
    buf_release(&text);
    if (json_parse(arena, copy, &node, NULL))
        luaL_error(L, "%s.%s is no longer readable", field->entity->name, field->name);
    convert_push_json(L, node, false);
}

/*** A record as a table of what its fields show, as clients are shown them: ids and amounts as
 * text, lists as lists. Holds what is not empty and who asks may read; secrets are left out. It
 * outlives the call, so it can be kept in a field of type json and compared later.
 * @param record record
 * @return table
 * @usage ctx.db.approval:insert { about = about, snapshot = crm.data(record) }
 */
int bind_data(lua_State *L)
{
    const struct record_handle *handle = record_test(L, 1);
    luaL_argcheck(L, handle, 1, "a record is expected");
    const struct value *values = handle->values ? handle->values : handle->record->now;
    const struct entity *entity = handle->entity;
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, entity->fields_count);
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!field->type->columns || field->type->is_sealed ||
            values[field->slot].type == VALUE_NULL ||
            !is_readable(vm_ctx(L), handle, field, values))
            continue;
        push_shown(L, field, values);
        lua_setfield(L, -2, field->name);
    }
    return 1;
}
