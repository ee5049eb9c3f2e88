/* sandbox_coroutine - coroutines that cannot keep a kill and cannot nest for ever.
 *
 * A stop inside one (its time is over, a refusal) ends the whole call: resume hands it on. The
 * watch follows the coroutine that runs. A coroutine that is kept for a later call finds its
 * handles dead.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox_in.h"

static lua_State *thread_at(lua_State *L, int at)
{
    lua_State *co = lua_tothread(L, at);
    luaL_argexpected(L, co, at, "coroutine");
    return co;
}

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug activation;
    if (L == co)
        return "running";
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK:
        if (lua_getstack(co, 0, &activation))
            return "normal"; /* it waits for another */
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    default:
        return "dead";
    }
}

/* Runs co as the VM's running state. */
static int run(lua_State *L, lua_State *co, int count, int *results)
{
    struct vm *vm = vm_of(L);
    vm->running = co;
    vm->resumes++;
    watch_move(co);
    int status = lua_resume(co, L, count, results);
    watch_move(L);
    vm->resumes--;
    vm->running = L;
    if (vm->collect_due)
        watch_arm(L, vm_hook);
    return status;
}

/* The `count` arguments on top go in. Results come out, or -1 and an error. [-count, +n] */
static int resume(lua_State *L, lua_State *co, int count)
{
    struct vm *vm = vm_of(L);
    const char *status = status_of(L, co);
    int results = 0;
    if (strcmp(status, "suspended") != 0) {
        const char *what = strcmp(status, "dead") == 0 ? "dead" : "non-suspended";
        lua_pushfstring(L, "cannot resume %s coroutine", what);
        return -1;
    }
    if (vm->resumes >= SCRIPT_RESUMES_MAX) {
        lua_pushfstring(L, "more than %d coroutines wait for one another", SCRIPT_RESUMES_MAX);
        return -1;
    }
    if (!lua_checkstack(co, count)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, count);
    int ended = run(L, co, count, &results);
    if (ended == LUA_ERRMEM)
        vm_stop(L, VM_KILLED, "it used more memory than it may");
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (ended != LUA_OK && ended != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

/* --- functions --- */

static int co_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int co_resume(lua_State *L)
{
    int results = resume(L, thread_at(L, 1), lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results >= 0 ? -(results + 1) : -2);
    return results >= 0 ? results + 1 : 2;
}

/* Upvalue 1: the coroutine. */
static int call_wrapped(lua_State *L)
{
    int results = resume(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L));
    if (results >= 0)
        return results;
    if (lua_type(L, -1) == LUA_TSTRING) { /* where it was called, as Lua says it */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int co_wrap(lua_State *L)
{
    co_create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

static int co_yield (lua_State *L)
{
    return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L)
{
    lua_pushstring(L, status_of(L, thread_at(L, 1)));
    return 1;
}

static int co_isyieldable(lua_State *L)
{
    lua_pushboolean(L, lua_isyieldable(lua_isnone(L, 1) ? L : thread_at(L, 1)));
    return 1;
}

static int co_running(lua_State *L)
{
    lua_pushboolean(L, lua_pushthread(L));
    return 2;
}

static const luaL_Reg functions[] = {
    {"create", co_create},
    {"resume", co_resume},
    {"running", co_running},
    {"status", co_status},
    {"isyieldable", co_isyieldable},
    {"wrap", co_wrap},
    {"yield", co_yield },
    {NULL, NULL},
};

int sandbox_open_coroutine(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
