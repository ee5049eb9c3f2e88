/* sandbox - see sandbox.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox.h"

#include "base/hash.h"
#include "script/match.h"
#include "script/sandbox_in.h"

#define LIBRARIES   "crm.libraries"
#define RANDOM_SEED "crm.randomseed"

static const char *const allowed[] = {"assert",
                                      "error",
                                      "getmetatable",
                                      "ipairs",
                                      "next",
                                      "pairs",
                                      "pcall",
                                      "rawequal",
                                      "rawget",
                                      "rawlen",
                                      "select",
                                      "setmetatable",
                                      "tonumber",
                                      "tostring",
                                      "type",
                                      "xpcall",
                                      "_VERSION",
                                      "coroutine.create",
                                      "coroutine.isyieldable",
                                      "coroutine.resume",
                                      "coroutine.running",
                                      "coroutine.status",
                                      "coroutine.wrap",
                                      "coroutine.yield",
                                      "math.abs",
                                      "math.ceil",
                                      "math.floor",
                                      "math.fmod",
                                      "math.huge",
                                      "math.max",
                                      "math.maxinteger",
                                      "math.min",
                                      "math.mininteger",
                                      "math.modf",
                                      "math.pi",
                                      "math.random",
                                      "math.sqrt",
                                      "math.tointeger",
                                      "math.type",
                                      "math.ult",
                                      "math.exp",
                                      "math.log",
                                      "math.sin",
                                      "math.cos",
                                      "math.tan",
                                      "math.asin",
                                      "math.acos",
                                      "math.atan",
                                      "math.deg",
                                      "math.rad",
                                      "string.byte",
                                      "string.char",
                                      "string.find",
                                      "string.format",
                                      "string.gmatch",
                                      "string.gsub",
                                      "string.len",
                                      "string.lower",
                                      "string.match",
                                      "string.rep",
                                      "string.reverse",
                                      "string.sub",
                                      "string.upper",
                                      "string.pack",
                                      "string.packsize",
                                      "string.unpack",
                                      "table.concat",
                                      "table.insert",
                                      "table.move",
                                      "table.pack",
                                      "table.remove",
                                      "table.sort",
                                      "table.unpack",
                                      "utf8.char",
                                      "utf8.charpattern",
                                      "utf8.codepoint",
                                      "utf8.codes",
                                      "utf8.len",
                                      "utf8.offset",
                                      NULL};

const char *const *sandbox_names(void)
{
    return allowed;
}

/* --- replaced functions --- */

static int sandbox_setmetatable(lua_State *L)
{
    static const char *const refused[] = {"__gc", "__mode"};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    for (size_t i = 0; i < 2 && lua_istable(L, 2); i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a metatable may not have %s", refused[i]);
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

void sandbox_push_text(lua_State *L, int at)
{
    int type = lua_type(L, at);
    bool is_plain =
        type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
    if (convert_is_null(L, at))
        lua_pushliteral(L, "null");
    else if (is_plain)
        luaL_tolstring(L, at, NULL);
    else if (luaL_getmetafield(L, at, "__tostring") != LUA_TNIL) {
        lua_pop(L, 1);
        luaL_tolstring(L, at, NULL);
    } else
        lua_pushstring(L, luaL_typename(L, at)); /* no addresses */
}

static int sandbox_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    sandbox_push_text(L, 1);
    return 1;
}

int sandbox_original(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* The first number of a call seeds anew, from what the call is about: the same work in the same
 * unit draws the same numbers, and nobody's numbers tell of another's. */
static int sandbox_random(lua_State *L)
{
    struct vm *vm = vm_of(L);
    const struct frame *frame = vm_frame(vm);
    if (vm->seed_due && frame) {
        const struct ctx *ctx = frame->call->ctx;
        const struct event *event = frame->call->event;
        vm->seed_due = false;
        lua_getfield(L, LUA_REGISTRYINDEX, RANDOM_SEED);
        lua_pushinteger(L, (lua_Integer)hash_stable(slice_str(ctx->tenant->name)));
        lua_pushinteger(L, ctx->now_ms + (event ? event->id : 0));
        lua_call(L, 2, 0);
    }
    lua_pushvalue(L, lua_upvalueindex(1)); /* it keeps its state in an upvalue of its own */
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static const struct {
    const char *library, *name;
    lua_CFunction fn; /* with Lua's own as upvalue 1 */
} replaced[] = {
    {"", "pcall", vm_pcall},
    {"", "xpcall", vm_xpcall},
    {"", "setmetatable", sandbox_setmetatable},
    {"", "tostring", sandbox_tostring},
    {"math", "random", sandbox_random},
    {"string", "find", match_find},
    {"string", "format", sandbox_format},
    {"string", "gmatch", match_gmatch},
    {"string", "gsub", match_gsub},
    {"string", "match", match_match},
    {"string", "rep", sandbox_rep},
    {"table", "concat", sandbox_concat},
    {"table", "insert", sandbox_insert},
    {"table", "move", sandbox_move},
    {"table", "remove", sandbox_remove},
    {"table", "sort", sandbox_sort},
    {"table", "unpack", sandbox_unpack},
};

/* --- building --- */

/* Puts a library's allowed names from the table at `from` into the one at `to`. */
static void copy_allowed(lua_State *L, const char *library, int from, int to)
{
    size_t prefix = strlen(library);
    for (const char *const *name = allowed; *name; name++) {
        const char *dot = strchr(*name, '.');
        const char *member = dot ? dot + 1 : *name;
        size_t before = dot ? (size_t)(dot - *name) : 0;
        if (before != prefix || strncmp(*name, library, prefix) != 0)
            continue;
        lua_getfield(L, from, member);
        ASSERT(!lua_isnil(L, -1));
        lua_setfield(L, to, member);
    }
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        if (strcmp(replaced[i].library, library) != 0)
            continue;
        lua_getfield(L, from, replaced[i].name);
        lua_pushcclosure(L, replaced[i].fn, 1);
        lua_setfield(L, to, replaced[i].name);
    }
}

static void open_library(lua_State *L, const char *name, lua_CFunction open, int libraries)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    int from = lua_gettop(L);
    lua_newtable(L);
    copy_allowed(L, name, from, lua_gettop(L));
    if (strcmp(name, "string") == 0) {
        /* Methods of strings read from the same allowed functions. */
        lua_pushliteral(L, "");
        ASSERT(lua_getmetatable(L, -1));
        lua_pushvalue(L, -3);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 2);
    }
    if (strcmp(name, "math") == 0) {
        lua_getfield(L, from, "randomseed");
        lua_setfield(L, LUA_REGISTRYINDEX, RANDOM_SEED);
    }
    frozen_wrap(L);
    lua_setfield(L, libraries, name);
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    luaL_checkstack(L, 20, NULL);
    lua_newtable(L);
    int libraries = lua_gettop(L);
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    copy_allowed(L, "", lua_gettop(L), libraries);
    lua_pop(L, 1);
    open_library(L, "coroutine", sandbox_open_coroutine, libraries);
    open_library(L, "math", luaopen_math, libraries);
    open_library(L, "string", luaopen_string, libraries);
    open_library(L, "table", luaopen_table, libraries);
    open_library(L, "utf8", luaopen_utf8, libraries);
    lua_setfield(L, LUA_REGISTRYINDEX, LIBRARIES);
}

static int undeclared(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "globals have names");
    return luaL_error(L, "undeclared global \"%s\"", lua_tostring(L, 2));
}

static int no_globals(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "globals cannot be made: use local");
    return luaL_error(L, "\"%s\" cannot be set as a global: use local", lua_tostring(L, 2));
}

void sandbox_env(lua_State *L, struct script *script)
{
    luaL_checkstack(L, 10, NULL);
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 4); /* its metatable */
    lua_newtable(L);          /* what can be read */
    lua_getfield(L, LUA_REGISTRYINDEX, LIBRARIES);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    luaopen_crm(L, script);
    lua_setfield(L, -2, "crm");
    lua_pushlightuserdata(L, script);
    lua_pushcclosure(L, load_require, 1);
    lua_setfield(L, -2, "require");
    lua_createtable(L, 0, 1); /* and what cannot */
    lua_pushcfunction(L, undeclared);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, no_globals);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
