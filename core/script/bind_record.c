/* bind_record - records as scripts see them: handles that read from C's memory when asked.
 *
 * A handle names its record and the call it was made in; when that call has ended it is dead. Each
 * entity has its metatable, with its fields by name as upvalue: one lookup in a Lua table finds the
 * field. Only the record of a before_* event can be written, and only by assigning to its fields.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "script/bind.h"

#define SUGGEST_DISTANCE 3

/* --- names --- */

const char *record_suggest(const struct entity *entity, struct slice name)
{
    const char *near = NULL;
    int least = SUGGEST_DISTANCE + 1;
    for (int i = 0; i < entity->fields_count; i++) {
        int distance = text_nearness(name, slice_str(entity->fields[i]->name), SUGGEST_DISTANCE);
        if (distance < least) {
            least = distance;
            near = entity->fields[i]->name;
        }
    }
    return near;
}

static _Noreturn void unknown(lua_State *L, const struct entity *entity, struct slice name)
{
    const char *near = record_suggest(entity, name);
    lua_pushlstring(L, name.at, name.len < NAME_BYTES_MAX ? name.len : NAME_BYTES_MAX);
    if (near)
        luaL_error(L, "%s has no field \"%s\" (did you mean \"%s\"?)", entity->name,
                   lua_tostring(L, -1), near);
    luaL_error(L, "%s has no field \"%s\"", entity->name, lua_tostring(L, -1));
    BUG("luaL_error came back");
}

const struct field *record_field(lua_State *L, const struct entity *entity, struct slice name)
{
    const struct field *field = entity_field(entity, name);
    if (!field)
        unknown(L, entity, name);
    return field;
}

/* --- values --- */

static void push_text_json(lua_State *L, struct slice text)
{
    const struct json *node;
    if (json_parse(vm_ctx(L)->arena, text, &node, NULL))
        luaL_error(L, "what is stored here is no longer readable");
    convert_push_json(L, node, true);
}

/* As it is written too: { entity = "lead", id = 7 }. */
static void push_ref_any(lua_State *L, const struct value *v)
{
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, v[1].bytes.at, v[1].bytes.len);
    lua_setfield(L, -2, "entity");
    lua_pushinteger(L, v[0].integer);
    lua_setfield(L, -2, "id");
    frozen_wrap(L);
}

void record_push_value(lua_State *L, const struct field *field, const struct value *values)
{
    if (field->type->columns == 0)
        luaL_error(L, "%s.%s is looked up when it is shown; scripts read the other record",
                   field->entity->name, field->name);
    const struct value *v = values + field->slot;
    if (v->type == VALUE_NULL) {
        lua_pushnil(L);
        return;
    }
    switch (field->type->kind) {
    case KIND_TEXT:
        if (v->type == VALUE_TEXT)
            lua_pushlstring(L, v->bytes.at, v->bytes.len);
        else
            lua_pushinteger(L, v->integer);
        return;
    case KIND_INT:
        lua_pushinteger(L, v->integer);
        return;
    case KIND_REF:
        if (field->type->columns == 2)
            push_ref_any(L, v);
        else if (v->type == VALUE_INT)
            lua_pushinteger(L, v->integer);
        else
            lua_pushlstring(L, v->bytes.at, v->bytes.len);
        return;
    case KIND_BOOL:
        lua_pushboolean(L, v->integer != 0);
        return;
    case KIND_DECIMAL:
        decimal_push(L, v->integer, field->scale);
        return;
    case KIND_MONEY:
        money_push_rated(L, v->integer, v[1].bytes, v[3].type == VALUE_INT ? v[3].integer : 0);
        return;
    case KIND_DATE:
        date_push(L, v->integer);
        return;
    case KIND_DATETIME:
        datetime_push(L, v->integer);
        return;
    case KIND_LIST:
    case KIND_JSON:
        push_text_json(L, v->bytes);
        return;
    }
    BUG("a kind of field that scripts do not know");
}

/* --- handles --- */

static void check_alive(lua_State *L, const struct record_handle *handle)
{
    const struct vm *vm = vm_of(L);
    if (handle->depth >= vm->depth || vm->frames[handle->depth].generation != handle->generation)
        luaL_error(L, "record used after its call ended");
}

static const struct value *values_of(const struct record_handle *handle)
{
    return handle->values ? handle->values : handle->record->now;
}

/* The record that a reference points to, if who asks may read it; else NULL. A read like another.
 */
static const struct value *follow(lua_State *L, const struct field *ref, const struct value *values)
{
    struct ctx *ctx = vm_ctx(L);
    struct vm *vm = vm_of(L);
    const struct value *id = values + ref->slot;
    struct err_info before = ctx->err;
    struct record *record = NULL;
    if (!ref->ref_at || id->type != VALUE_INT)
        return NULL;
    vm_allow(L, ~(unsigned)(VM_LOAD | VM_COMPUTED), "a looked up field");
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
    enum err e = record_load(ctx, model_ref(ctx->model, ref), id->integer, ROLE_READ, &record);
    if (e && e != ERR_NOT_FOUND && e != ERR_FORBIDDEN)
        vm_veto(L, e);
    ctx->err = before;
    return e ? NULL : record->now;
}

/* "account.industry": the field at the end of the path, or nil where it does not lead on. [-0, +1]
 */
static void push_lookup(lua_State *L, const struct entity *entity, const struct field *field,
                        const struct value *values)
{
    struct slice path = slice_str(field_lookup_path(field));
    while (values) {
        const struct field *step = entity_field(entity, slice_split(&path, '.'));
        if (!step)
            break;
        if (!path.len) {
            record_push_value(L, step, values);
            return;
        }
        values = follow(L, step, values);
        entity = model_ref(vm_of(L)->model, step);
    }
    lua_pushnil(L);
}

/* Upvalue 1: fields by name. */
static int record_index(lua_State *L)
{
    struct record_handle *handle = lua_touserdata(L, 1);
    check_alive(L, handle);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TLIGHTUSERDATA) {
        size_t len;
        const char *name = luaL_checklstring(L, 2, &len);
        unknown(L, handle->entity, slice_of(name, len));
    }
    const struct field *field = lua_touserdata(L, -1);
    if (field->type->columns == 0)
        push_lookup(L, handle->entity, field, values_of(handle));
    else
        record_push_value(L, field, values_of(handle));
    return 1;
}

/* What C would have to say in ctx->err becomes the script's error: it set what does not fit. */
static _Noreturn void refuse_value(lua_State *L, const struct field *field, struct err_info *before,
                                   enum err e)
{
    struct ctx *ctx = vm_ctx(L);
    const struct err_field *complaint = before->last ? before->last->next : ctx->err.first;
    const char *code = complaint ? complaint->code : err_code(e);
    const char *args = complaint && complaint->args ? complaint->args : "";
    if (before->last)
        before->last->next = NULL;
    ctx->err = *before;
    luaL_error(L, "%s.%s cannot be set so: %s %s", field->entity->name, field->name, code, args);
    BUG("luaL_error came back");
}

/* A value on the C stack where it needs no copy, else a tree in the arena. */
static const struct json *simple_json(lua_State *L, int at, const struct field *field,
                                      struct json *out)
{
    enum field_kind kind = field->type->kind;
    if (lua_type(L, at) == LUA_TSTRING) {
        *out = (struct json){.type = JSON_STRING, .text = convert_text(L, at)};
        return out;
    }
    if (lua_isinteger(L, at) && kind == KIND_INT) {
        *out = (struct json){.type = JSON_INT, .integer = lua_tointeger(L, at)};
        return out;
    }
    if (lua_type(L, at) == LUA_TNIL) {
        *out = (struct json){.type = JSON_NULL};
        return out;
    }
    return convert_json(L, at, vm_ctx(L)->arena, field);
}

void record_assign(lua_State *L, struct record *record, const struct field *field, int at)
{
    struct ctx *ctx = vm_ctx(L);
    if (field->type->is_derived)
        luaL_error(L, "%s.%s is worked out by the core (%s) and cannot be set", field->entity->name,
                   field->name, field->type->name);
    if (field->is_system && field->is_readonly)
        luaL_error(L, "%s.%s is kept by the core and cannot be set", field->entity->name,
                   field->name);
    struct json simple;
    const struct json *value = simple_json(L, at, field, &simple);
    struct err_info before = ctx->err;
    enum err e = record_set(ctx, record, field, value);
    if (e)
        refuse_value(L, field, &before, e);
}

static int record_newindex(lua_State *L)
{
    struct record_handle *handle = lua_touserdata(L, 1);
    check_alive(L, handle);
    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TLIGHTUSERDATA) {
        size_t len;
        const char *name = luaL_checklstring(L, 2, &len);
        unknown(L, handle->entity, slice_of(name, len));
    }
    const struct field *field = lua_touserdata(L, -1);
    if (!handle->is_own || handle->values)
        return luaL_error(L, "this %s is read-only: change it with ctx.db.%s:update",
                          handle->entity->name, handle->entity->name);
    vm_allow(L, VM_BEFORE, "changing ev.record");
    if (handle->record->phase != RECORD_OPEN)
        return luaL_error(L, "this %s has been checked already and is read-only now",
                          handle->entity->name);
    record_assign(L, handle->record, field, 3);
    return 0;
}

static int record_tostring(lua_State *L)
{
    const struct record_handle *handle = lua_touserdata(L, 1);
    char id[ID_TEXT_LEN + 1];
    check_alive(L, handle);
    id_text(values_of(handle)[SLOT_ID].integer, id);
    lua_pushfstring(L, "%s %s", handle->entity->name, id);
    return 1;
}

static int record_eq(lua_State *L)
{
    const struct record_handle *a = record_test(L, 1), *b = record_test(L, 2);
    lua_pushboolean(L, a && b && a->entity == b->entity &&
                           values_of(a)[SLOT_ID].integer == values_of(b)[SLOT_ID].integer);
    return 1;
}

/* [-0, +1] The entity's metatable, made on first use. */
static void push_metatable(lua_State *L, const struct entity *entity)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, entity) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 8);
    lua_createtable(L, 0, entity->fields_count);
    for (int i = 0; i < entity->fields_count; i++) {
        lua_pushlightuserdata(L, entity->fields[i]);
        lua_setfield(L, -2, entity->fields[i]->name);
    }
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, record_index, 1);
    lua_setfield(L, -3, "__index");
    lua_pushcclosure(L, record_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, record_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, record_eq);
    lua_setfield(L, -2, "__eq");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "crm.record");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, entity);
}

void record_push(lua_State *L, const struct record_handle *handle)
{
    const struct vm *vm = vm_of(L);
    ASSERT(vm->depth > 0);
    struct record_handle *own = lua_newuserdatauv(L, sizeof *own, 0);
    *own = *handle;
    own->depth = vm->depth - 1;
    own->generation = vm->frames[own->depth].generation;
    push_metatable(L, handle->entity);
    lua_setmetatable(L, -2);
}

struct record_handle *record_test(lua_State *L, int at)
{
    struct record_handle *handle = lua_touserdata(L, at);
    if (lua_type(L, at) != LUA_TUSERDATA || luaL_getmetafield(L, at, "__name") == LUA_TNIL)
        return NULL;
    bool is_record =
        lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "crm.record") == 0;
    lua_pop(L, 1);
    if (!is_record)
        return NULL;
    check_alive(L, handle);
    return handle;
}
