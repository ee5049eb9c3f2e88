/* bind_fields - `ctx.fields`: the fields of an entity as the company has them.
 *
 * crm.entity tells what its plugin declared. Who makes forms or documents of fields that people
 * chose has to know those of other plugins and of the company too, and what they are called.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/bind.h"

#include "record/field.h"
#include "record/meta_kit.h"
#include "record/model.h"

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_true(lua_State *L, const char *name, bool is_so)
{
    if (!is_so)
        return;
    lua_pushboolean(L, true);
    lua_setfield(L, -2, name);
}

static void push_choices(lua_State *L, struct ctx *ctx, const struct field *field)
{
    int n = 0;
    lua_newtable(L);
    for (int i = 0; i < field->options_count; i++) {
        const struct field_option *option = &field->options[i];
        if (!option->is_active)
            continue;
        lua_createtable(L, 0, 2);
        set_text(L, "value", option->value);
        set_text(L, "label", field_option_label(ctx, field, option));
        lua_rawseti(L, -2, ++n);
    }
}

static void push_field(lua_State *L, struct ctx *ctx, const struct field *field)
{
    lua_createtable(L, 0, 6);
    set_text(L, "name", field->name);
    set_text(L, "type", field->type->name);
    set_text(L, "label", meta_label(ctx, field));
    set_true(L, "readonly", field->is_readonly || field->type->is_derived);
    set_true(L, "hidden", field->is_hidden);
    set_true(L, "required", field->is_required);
    if (field->options) {
        push_choices(L, ctx, field);
        lua_setfield(L, -2, "choices");
    }
}

/*** The fields of an entity as the company has them, those of other plugins and its own among them:
 * name, type, label in the language of who asks, readonly, hidden, required, and the choices that
 * can be made now ({ value, label }). Without those that every record has, as id and owner.
 * @param entity string
 * @return table list
 */
static int context_fields(lua_State *L)
{
    struct ctx *ctx = vm_ctx(L);
    const char *name = luaL_checkstring(L, 1);
    const struct entity *entity = model_entity(ctx->model, slice_str(name));
    int n = 0;
    if (!entity)
        return luaL_error(L, "there is no entity \"%s\"", name);
    lua_createtable(L, entity->fields_count, 0);
    for (int i = 0; i < entity->fields_count; i++) {
        if (entity->fields[i]->is_system)
            continue;
        push_field(L, ctx, entity->fields[i]);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

const luaL_Reg bind_fields[] = {{"fields", context_fields}, {NULL, NULL}};
