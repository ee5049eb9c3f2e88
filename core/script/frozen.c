/* frozen - read-only views of tables.
 *
 * A userdata whose metatable reads from the table: as fast as a table with __index, and nothing can
 * be written, removed or taken out by rawget and next. Libraries, settings and lists of a record
 * look like this: the tables in them are views themselves.
 *
 * A module lent to another plugin is deep: what is a table in it comes out as a view of that table,
 * made when it is asked for, because its owner may put others there at any time. All deep views
 * share one metatable and keep their table as user value 1.
 *
 * What the model says (frozen_json) is not made of tables at all: a view points into the JSON, and
 * Lua holds no more of it than what is looked at. As tables, what one plugin keeps of two entities
 * was 90 KB in every tenant.
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

/* --- deep views --- */

#define VIEW "crm.view" /* their metatable, in the registry */

static int view_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    if (lua_istable(L, -1))
        frozen_view(L);
    return 1;
}

/* Upvalue 1: the table. */
static int view_next(lua_State *L)
{
    lua_settop(L, 2);
    if (frozen_opens_view(L, 2)) /* a key that went out as a view */
        lua_replace(L, 2);
    if (!lua_next(L, lua_upvalueindex(1))) {
        lua_pushnil(L);
        return 1;
    }
    if (lua_istable(L, -1))
        frozen_view(L);
    if (lua_istable(L, -2)) {
        lua_pushvalue(L, -2);
        frozen_view(L);
        lua_replace(L, -3);
    }
    return 2;
}

static int view_pairs(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    lua_pushcclosure(L, view_next, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int view_len(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

/* Two views of one table are the same value. */
static int view_eq(lua_State *L)
{
    bool same = false;
    if (frozen_opens_view(L, 1) && frozen_opens_view(L, 2))
        same = lua_rawequal(L, -1, -2);
    lua_pushboolean(L, same);
    return 1;
}

static void push_view_metatable(lua_State *L)
{
    static const luaL_Reg methods[] = {{"__index", view_index}, {"__newindex", frozen_set},
                                       {"__pairs", view_pairs}, {"__len", view_len},
                                       {"__eq", view_eq},       {NULL, NULL}};
    if (luaL_newmetatable(L, VIEW)) { /* sets __name */
        luaL_setfuncs(L, methods, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
}

void frozen_view(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    ASSERT(lua_istable(L, -1));
    lua_newuserdatauv(L, 0, 1);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    push_view_metatable(L);
    lua_setmetatable(L, -2);
}

bool frozen_opens_view(lua_State *L, int at)
{
    at = lua_absindex(L, at);
    if (lua_type(L, at) != LUA_TUSERDATA || !lua_getmetatable(L, at))
        return false;
    luaL_getmetatable(L, VIEW);
    bool is_view = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (is_view)
        lua_getiuservalue(L, at, 1);
    return is_view;
}

/* --- views of JSON --- */

#define JSON_VIEW "crm.json" /* their metatable, in the registry */

/* NULL: the value is none. */
static const struct json *json_of(lua_State *L, int at)
{
    const struct json *const *view = luaL_testudata(L, at, JSON_VIEW);
    return view ? *view : NULL;
}

static int json_index(lua_State *L)
{
    const struct json *node = json_of(L, 1), *found = NULL;
    int is_number = 0;
    if (lua_type(L, 2) == LUA_TSTRING && node->type == JSON_OBJECT)
        found = json_get(node, lua_tostring(L, 2));
    lua_Integer n = node->type == JSON_ARRAY ? lua_tointegerx(L, 2, &is_number) : 0;
    if (is_number && n >= 1 && n <= node->count)
        for (found = node->first; n > 1; n--)
            found = found->next;
    if (found)
        frozen_json(L, found);
    else
        lua_pushnil(L);
    return 1;
}

/* Upvalue 1: the member that comes next, 2: the place of the one before it. */
static int json_next(lua_State *L)
{
    const struct json *node = json_of(L, 1), *item = lua_touserdata(L, lua_upvalueindex(1));
    if (!item) {
        lua_pushnil(L);
        return 1;
    }
    lua_Integer place = lua_tointeger(L, lua_upvalueindex(2)) + 1;
    lua_pushlightuserdata(L, item->next);
    lua_replace(L, lua_upvalueindex(1));
    lua_pushinteger(L, place);
    lua_replace(L, lua_upvalueindex(2));
    if (node->type == JSON_OBJECT)
        lua_pushlstring(L, item->key.at, item->key.len);
    else
        lua_pushinteger(L, place);
    frozen_json(L, item);
    return 2;
}

static int json_pairs(lua_State *L)
{
    lua_pushlightuserdata(L, json_of(L, 1)->first);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, json_next, 2);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int json_len(lua_State *L)
{
    const struct json *node = json_of(L, 1);
    lua_pushinteger(L, node->type == JSON_ARRAY ? node->count : 0);
    return 1;
}

static int json_eq(lua_State *L)
{
    const struct json *node = json_of(L, 1);
    lua_pushboolean(L, node && node == json_of(L, 2));
    return 1;
}

void frozen_json(lua_State *L, const struct json *node)
{
    static const luaL_Reg methods[] = {{"__index", json_index}, {"__newindex", frozen_set},
                                       {"__pairs", json_pairs}, {"__len", json_len},
                                       {"__eq", json_eq},       {NULL, NULL}};
    luaL_checkstack(L, 6, NULL);
    if (node->type != JSON_ARRAY && node->type != JSON_OBJECT) {
        convert_push_json(L, node, false);
        return;
    }
    const struct json **view = lua_newuserdatauv(L, sizeof *view, 0);
    *view = node;
    if (luaL_newmetatable(L, JSON_VIEW)) { /* sets __name */
        luaL_setfuncs(L, methods, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

/* [-0, +1] Its members as a table of their own. */
static void push_members(lua_State *L, const struct json *node)
{
    bool is_object = node->type == JSON_OBJECT;
    lua_Integer n = 0;
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, is_object ? 0 : node->count, is_object ? node->count : 0);
    json_each(item, node)
    {
        if (is_object)
            lua_pushlstring(L, item->key.at, item->key.len);
        else
            lua_pushinteger(L, ++n);
        frozen_json(L, item);
        lua_rawset(L, -3);
    }
}

/* --- opening --- */

bool frozen_open(lua_State *L, int at)
{
    at = lua_absindex(L, at);
    if (frozen_opens_view(L, at))
        return true;
    if (json_of(L, at)) {
        push_members(L, json_of(L, at));
        return true;
    }
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
