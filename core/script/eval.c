/* eval - see eval.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/eval.h"

#include "script/bind.h"
#include "script/plan.h"
#include "script/sandbox_in.h"

struct eval {
    struct script *script;
    struct slice code;
    const char *shown; /* in the arena of the call */
};

/* [-0, +1] What the code sees: all that the plugin sees, ctx, and room for its own names. */
static void push_env(lua_State *L, const struct script *script)
{
    lua_newtable(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->context);
    lua_setfield(L, -2, "ctx");
    lua_createtable(L, 0, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->env);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* The record at `at` as its fields; what is empty is left out. [-0, +1] */
static bool push_record_text(lua_State *L, int at)
{
    if (lua_type(L, at) != LUA_TUSERDATA || luaL_getmetafield(L, at, "__name") == LUA_TNIL)
        return false;
    bool is_record = strcmp(lua_tostring(L, -1), "crm.record") == 0;
    lua_pop(L, 1);
    const struct record_handle *handle = is_record ? record_test(L, at) : NULL;
    if (!handle)
        return false;
    const struct value *values = handle->values ? handle->values : handle->record->now;
    struct arena *arena = vm_ctx(L)->arena;
    struct buf out = BUF_INIT;
    buf_printf(&out, "%s {", handle->entity->name);
    for (int i = 0; i < handle->entity->fields_count; i++) {
        const struct field *field = handle->entity->fields[i];
        if (field->type->columns == 0 || field_is_empty(field, values))
            continue;
        buf_printf(&out, "%s%s = ", out.at[out.len - 1] == '{' ? " " : ", ", field->name);
        field_put(field, values, &out);
    }
    buf_put_str(&out, " }");
    const char *text = arena_str(arena, buf_slice(&out));
    buf_release(&out);
    lua_pushstring(L, text);
    return true;
}

static const char *shown(lua_State *L, int at, int deep);

/* The table on top, which is taken off. */
static const char *table_text(lua_State *L, struct arena *arena, int deep)
{
    const char *text = "{";
    const char *between = " ";
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        vm_poll(L);
        (void)vm_ctx(L); /* what is kept is bounded */
        const char *value = shown(L, -1, deep + 1);
        if (lua_isinteger(L, -2))
            text = arena_printf(arena, "%s%s%s", text, between, value);
        else
            text = arena_printf(arena, "%s%s%s = %s", text, between, shown(L, -2, 0), value);
        between = ", ";
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return arena_printf(arena, "%s }", text);
}

/* One value as a person reads it, in the arena of the call. [-0, +0] */
static const char *shown(lua_State *L, int at, int deep)
{
    luaL_checkstack(L, 12, NULL);
    struct arena *arena = vm_ctx(L)->arena;
    const char *text;
    at = lua_absindex(L, at);
    if (push_record_text(L, at)) {
        text = arena_strdup(arena, lua_tostring(L, -1));
        lua_pop(L, 1);
        return text;
    }
    if (deep < EVAL_DEPTH_MAX && lua_istable(L, at))
        lua_pushvalue(L, at);
    else if (deep >= EVAL_DEPTH_MAX || !frozen_open(L, at)) {
        bool is_quoted = deep && lua_type(L, at) == LUA_TSTRING;
        sandbox_push_text(L, at);
        const char *mark = is_quoted ? "\"" : "";
        text = arena_printf(arena, "%s%s%s", mark, lua_tostring(L, -1), mark);
        lua_pop(L, 1);
        return text;
    }
    return table_text(L, arena, deep);
}

static void load(lua_State *L, struct slice code)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "return ");
    luaL_addlstring(&b, code.at, code.len);
    luaL_pushresult(&b);
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);
    if (luaL_loadbufferx(L, text, n, "=repl", "t") == LUA_OK) {
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 2);
    if (luaL_loadbufferx(L, code.at, code.len, "=repl", "t"))
        lua_error(L);
}

static int run(lua_State *L)
{
    struct eval *eval = lua_touserdata(L, lua_upvalueindex(1));
    struct arena *arena = vm_ctx(L)->arena;
    lua_settop(L, 0);
    load(L, eval->code);
    push_env(L, eval->script);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, LUA_MULTRET);
    int count = lua_gettop(L);
    eval->shown = "";
    for (int i = 1; i <= count; i++) {
        eval->shown = arena_printf(arena, "%s%s\n", eval->shown, shown(L, i, 0));
    }
    return 0;
}

static int push_run(lua_State *L, void *arg)
{
    (void)arg;
    (void)L;
    return 0;
}

static int make(lua_State *L)
{
    int *ref = ((void **)vm_protect_arg(L))[0];
    lua_pushlightuserdata(L, ((void **)vm_protect_arg(L))[1]);
    lua_pushcclosure(L, run, 1);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

enum err vm_eval(struct vm *vm, struct ctx *ctx, const struct vm_host *host, const char *plugin,
                 struct slice code, struct buf *out)
{
    ASSERT(vm && ctx && out);
    ASSERT(host || ctx->unit);
    struct eval eval = {.script = vm_script(vm, plugin ? plugin : "core"), .code = code};
    int ref = LUA_NOREF;
    void *made[] = {&ref, &eval};
    if (!eval.script)
        return ERR_NOT_FOUND;
    enum err e = vm_ready(eval.script, LUA_NOREF, ctx);
    if (!e)
        e = vm_protect(vm, eval.script, ctx, VM_LOAD, "repl", make, made);
    struct vm_call call = {.ctx = ctx,
                           .moment = host ? VM_JOB : VM_TX,
                           .host = host,
                           .handler = "repl",
                           .push = push_run};
    if (!e)
        e = vm_call(eval.script, ref, &call);
    luaL_unref(vm->L, LUA_REGISTRYINDEX, ref);
    if (!e)
        buf_put_str(out, eval.shown);
    return e;
}
