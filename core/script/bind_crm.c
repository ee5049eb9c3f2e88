/* bind_crm - `crm`: what a plugin registers while it loads, and the types of values.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/log.h"
#include "script/bind.h"
#include "script/plan.h"

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- services and actions --- */

static struct bound *bind(lua_State *L, struct map *map, const char *key, int at)
{
    struct script *script = script_of(L);
    struct bound *bound = arena_make(script->vm->plan->arena, struct bound);
    bound->script = script->index;
    bound->name = arena_strdup(script->vm->plan->arena, key);
    bound->ref = bind_slot(L, script, at);
    map_put(map, slice_str(bound->name), bound);
    return bound;
}

/*** Offers a function to other plugins and to the core.
 * @param name string "lead.match"
 * @param fn function called with (argument, ctx)
 * @moment load
 */
static int crm_service(lua_State *L)
{
    struct vm *vm = script_of(L)->vm;
    vm_allow(L, VM_LOAD, "crm.service");
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (bind_again(L, script_of(L), 2))
        return 0;
    if (map_get(&vm->plan->services, slice_str(name)))
        return luaL_error(L, "service \"%s\" is there already: crm.wrap changes it", name);
    (void)bind(L, &vm->plan->services, name, 2);
    return 0;
}

/* `next` of a wrapper: what it wraps, with the ctx of that one's plugin, whatever came along: keys,
 * settings and capabilities are those of whose code runs. That may not have been loaded yet.
 * Upvalue: what is wrapped. */
static int call_next(lua_State *L)
{
    const struct bound *bound = lua_touserdata(L, lua_upvalueindex(1));
    struct script *inner = vm_owner(vm_of(L), bound);
    struct frame *frame = vm_frame(vm_of(L));
    if (!frame)
        return luaL_error(L, "this works only inside a call");
    if (inner->barred)
        return luaL_error(L, "%s", inner->barred);
    enum err e = vm_ready(inner, bound->ref, vm_ctx(L));
    if (e)
        vm_veto(L, e);
    frame = vm_frame(vm_of(L));
    lua_settop(L, 1);
    vm_push_ref(L, bound->ref);
    lua_insert(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, inner->context);
    struct script *caller = frame->script;
    frame->script = inner;
    lua_pushcfunction(L, vm_pcall);
    lua_insert(L, 1);
    lua_call(L, 3, 2);
    frame->script = caller;
    return lua_toboolean(L, -2) ? 1 : lua_error(L);
}

/* Upvalues: the wrapper, next. */
static int call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 2);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* [-0, +1] The function at 2 around what the bound is. */
static void push_wrapper(lua_State *L, const struct bound *inner)
{
    lua_pushvalue(L, 2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)inner);
    lua_pushcclosure(L, call_next, 1);
    lua_pushcclosure(L, call_wrapped, 2);
}

/* In a VM that began with a plan: which of the service's wrappers this script puts there now. */
static const struct bound *planned_wrapper(const struct script *script, const char *name)
{
    const struct bound *bound = map_get(&script->vm->plan->services, slice_str(name));
    while (bound && bound->ref != PLAN_SLOT_FIRST - script->next)
        bound = bound->inner;
    return bound && bound->inner ? bound : NULL;
}

/*** Puts a function around a service. What is wrapped runs with the ctx of its own plugin.
 * @param name string
 * @param fn function called with (next, argument, ctx)
 * @moment load
 * @usage crm.wrap("lead.match", function(next, lead, ctx) return next(lead) end)
 */
static int crm_wrap(lua_State *L)
{
    struct script *script = script_of(L);
    vm_allow(L, VM_LOAD, "crm.wrap");
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (script->is_planned) {
        const struct bound *planned = planned_wrapper(script, name);
        if (!planned)
            return luaL_error(L, "%s registers otherwise than when it was loaded first",
                              script->id);
        push_wrapper(L, planned->inner);
        (void)bind_again(L, script, lua_gettop(L));
        return 0;
    }
    const struct bound *inner = map_get(&script->vm->plan->services, slice_str(name));
    if (!inner)
        return luaL_error(L, "there is no service \"%s\" to wrap", name);
    push_wrapper(L, inner);
    bind(L, &script->vm->plan->services, name, lua_gettop(L))->inner = inner;
    return 0;
}

/*** Binds an operation of an entity: POST /records/lead/{id}/actions/{name}.
 * @param entity string
 * @param name string
 * @param fn function called with (ev, ctx): ev.record, ev.params; what it returns is the answer
 * @moment load
 */
static int crm_action(lua_State *L)
{
    struct vm *vm = script_of(L)->vm;
    vm_allow(L, VM_LOAD, "crm.action");
    const struct entity *entity = bind_entity(L, 1);
    const char *name = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (bind_again(L, script_of(L), 3))
        return 0;
    if (!entity)
        return luaL_argerror(L, 1, "an action has one entity");
    const char *key = arena_printf(vm->plan->arena, "%s.%s", entity->name, name);
    if (map_get(&vm->plan->actions, slice_str(key)))
        return luaL_error(L, "%s has an action \"%s\" already", entity->name, name);
    (void)bind(L, &vm->plan->actions, key, 3);
    return 0;
}

/* --- the rest --- */

/*** What an entity's declaration says, read-only: `duplicates` for example.
 * @param name string
 */
static int crm_entity(lua_State *L)
{
    const struct entity *entity = bind_entity(L, 1);
    if (!entity)
        return luaL_argerror(L, 1, "a name is expected");
    frozen_json(L, entity->declared);
    return 1;
}

/*** An id as people and other systems see it: 13 letters and digits.
 * @param id integer
 */
static int crm_id_text(lua_State *L)
{
    char text[ID_TEXT_LEN + 1];
    lua_Integer id = luaL_checkinteger(L, 1);
    luaL_argcheck(L, id > 0, 1, "this is no id");
    id_text(id, text);
    lua_pushstring(L, text);
    return 1;
}

/*** The integer for such a text, or nil.
 * @param text string
 */
static int crm_id_parse(lua_State *L)
{
    int64_t id;
    if (id_parse(slice_str(luaL_checkstring(L, 1)), &id))
        lua_pushinteger(L, id);
    else
        lua_pushnil(L);
    return 1;
}

static const luaL_Reg functions[] = {
    {"on", bind_on},
    {"service", crm_service},
    {"wrap", crm_wrap},
    {"action", crm_action},
    {"job", bind_job},
    {"check", bind_check},
    {"route", bind_route},
    {"entity", crm_entity},
    {"id_text", crm_id_text},
    {"id_parse", crm_id_parse},
    {"money", bind_money_new},
    {"decimal", bind_decimal_new},
    {"date", bind_date_new},
    {"datetime", bind_datetime_new},
    {"calendar", bind_worktime_new},
    {"sha256", bind_sha256},
    {"token", bind_token},
    {"matches", bind_matches},
    {"data", bind_data},
    {"secret", bind_secret},
    {"hmac_sha256", bind_hmac_sha256},
    {"same", bind_same},
    {"json_encode", bind_json_encode},
    {"json_decode", bind_json_decode},
    {"object", bind_json_object},
    {"filter_check", bind_filter_check},
    {NULL, NULL},
};

/* A registration where all that does not fit is asked for: it is told with its line, and the script
 * goes on. Upvalues: the script, the function's name, the function. */
static int register_or_tell(lua_State *L)
{
    const struct script *script = script_of(L);
    const struct vm_telling *telling = script->vm->telling;
    int count = lua_gettop(L);
    luaL_where(L, 1);
    lua_insert(L, 1);
    lua_pushcfunction(L, vm_pcall);
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_rotate(L, 2, 2);
    lua_call(L, count + 1, 2); /* a kill goes through */
    if (lua_toboolean(L, -2))
        return 1;
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    const char *text = luaL_gsub(L, luaL_tolstring(L, -1, NULL), "'?'", name);
    telling->tell(telling->arg, script->plugin,
                  arena_printf(vm_ctx(L)->arena, "%s%s", lua_tostring(L, 1), text));
    return 0;
}

/* In the crm table on top. */
static void set_telling(lua_State *L, struct script *script)
{
    static const char *const registers[] = {"on",  "service", "wrap", "action",
                                            "job", "check",   "route"};
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        lua_pushlightuserdata(L, script);
        lua_pushstring(L, registers[i]);
        lua_getfield(L, -3, registers[i]);
        lua_pushcclosure(L, register_or_tell, 3);
        lua_setfield(L, -2, registers[i]);
    }
}

void luaopen_crm(lua_State *L, struct script *script)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    lua_pushlightuserdata(L, script);
    luaL_setfuncs(L, functions, 1);
    if (script->vm->telling)
        set_telling(L, script);
    convert_push_null(L);
    lua_setfield(L, -2, "null");
    bind_log_push(L, script);
    lua_setfield(L, -2, "log");
    frozen_wrap(L);
}
