/* frozen - a read-only view of a table.
 *
 * A userdata whose metatable reads from the table: as fast as a table with __index, and nothing can
 * be written, removed or taken out by rawget and next. Libraries, settings, lists of a record and
 * modules lent to other plugins look like this.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/vm_in.h"

static int frozen_set(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING)
        return luaL_error(L, "this is read-only: \"%s\" cannot be set", lua_tostring(L, 2));
    return luaL_error(L, "this is read-only");
}

/* Upvalue 1: the table. */
static int frozen_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int frozen_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, frozen_next, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int frozen_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

static void method(lua_State *L, int table, const char *name, lua_CFunction fn)
{
    lua_pushvalue(L, table);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

void frozen_wrap(lua_State *L)
{
    luaL_checkstack(L, 6, NULL);
    int table = lua_gettop(L);
    ASSERT(lua_istable(L, table));
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, table);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, frozen_set);
    lua_setfield(L, -2, "__newindex");
    method(L, table, "__pairs", frozen_pairs);
    method(L, table, "__len", frozen_len);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "crm.frozen");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_remove(L, table);
}

bool frozen_open(lua_State *L, int at)
{
    at = lua_absindex(L, at);
    if (lua_type(L, at) != LUA_TUSERDATA || luaL_getmetafield(L, at, "__name") == LUA_TNIL)
        return false;
    bool is_frozen =
        lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "crm.frozen") == 0;
    lua_pop(L, 1);
    if (!is_frozen)
        return false;
    luaL_getmetafield(L, at, "__index");
    return true;
}
