/* bind_json - `crm.json_encode` and `crm.json_decode`: for texts whose very bytes matter, as those
 * that are signed, and for what other systems send; `crm.object` for tables that may be empty.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/bind.h"

/*** A value as JSON text (RFC 8259), members in no particular order: keep the text where its bytes
 * matter. An empty table is a list, unless crm.object marks it.
 * @param value any
 * @return string
 * @usage local body = crm.json_encode { no = "A1", lines = { 1, 2 } }
 */
int bind_json_encode(lua_State *L)
{
    struct buf b = BUF_INIT;
    luaL_checkany(L, 1);
    struct arena *arena = vm_ctx(L)->arena;
    json_put(&b, convert_json(L, 1, arena, NULL));
    struct slice text = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    lua_pushlstring(L, text.at, text.len);
    return 1;
}

/*** What a JSON text says; null is crm.null.
 * @param text string
 * @return any|nil the value; or nil and what is wrong
 * @return string
 */
int bind_json_decode(lua_State *L)
{
    struct slice text;
    const struct json *tree = NULL;
    const char *why = NULL;
    text.at = luaL_checklstring(L, 1, &text.len);
    if (json_parse(vm_ctx(L)->arena, text, &tree, &why)) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    convert_push_json(L, tree, false);
    return 1;
}

/*** Marks a table as an object: where it is empty it is {} in JSON, and not [].
 * @param value table|nil the table, or a new one
 * @return table the same
 * @usage return { fields = crm.object(changed) }
 */
int bind_json_object(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (luaL_newmetatable(L, OBJECT_META)) {
        lua_pushboolean(L, 0); /* shared by all plugins: not for any of them to change */
        lua_setfield(L, -2, "__metatable");
    }
    bool is_plain = !lua_getmetatable(L, 1);
    bool is_marked = !is_plain && lua_rawequal(L, -1, -2);
    luaL_argcheck(L, is_plain || is_marked, 1, "this table has a metatable of its own");
    lua_settop(L, 1);
    luaL_setmetatable(L, OBJECT_META);
    return 1;
}
