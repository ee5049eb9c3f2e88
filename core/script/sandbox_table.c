/* sandbox_table - the functions of `table` that walk over items in C.
 *
 * Lua's own trust ranges, lengths and metamethods; these take plain tables and ranges of at most
 * SCRIPT_RANGE_MAX items, notice when the script's time is over, and say the rest in Lua's words.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox_in.h"

/* --- arguments --- */

static void plain_table(lua_State *L, int at)
{
    luaL_checktype(L, at, LUA_TTABLE);
    if (luaL_getmetafield(L, at, "__len") != LUA_TNIL ||
        luaL_getmetafield(L, at, "__index") != LUA_TNIL ||
        luaL_getmetafield(L, at, "__newindex") != LUA_TNIL)
        luaL_argerror(L, at, "a plain table is expected, without metamethods");
}

/* A list of a record is read by what only reads. true: a deep view, so tables in it go out as
 * views, too. */
static bool table_to_read(lua_State *L)
{
    bool is_view = frozen_opens_view(L, 1);
    if (is_view || frozen_open(L, 1))
        lua_replace(L, 1);
    plain_table(L, 1);
    return is_view;
}

/* [-0, +1] Item i of the table at 1. */
static void item_to_read(lua_State *L, lua_Integer i, bool is_view)
{
    if (lua_rawgeti(L, 1, i) == LUA_TTABLE && is_view)
        frozen_view(L);
}

static void range(lua_State *L, lua_Integer first, lua_Integer last)
{
    if (last >= first && (lua_Unsigned)last - (lua_Unsigned)first >= SCRIPT_RANGE_MAX)
        luaL_error(L, "a range may span at most %d items", SCRIPT_RANGE_MAX);
}

/* The length of the table at 1: a border, which can lie anywhere in a table with gaps. */
static lua_Integer length(lua_State *L)
{
    lua_Integer len = (lua_Integer)lua_rawlen(L, 1);
    range(L, 1, len);
    return len;
}

/* --- one item --- */

int sandbox_insert(lua_State *L)
{
    plain_table(L, 1);
    lua_Integer end = length(L) + 1, at = end;
    switch (lua_gettop(L)) {
    case 2:
        break;
    case 3:
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)at - 1U < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > at; i--) {
            lua_rawgeti(L, 1, i - 1);
            lua_rawseti(L, 1, i);
        }
        break;
    default:
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_rawseti(L, 1, at);
    return 0;
}

int sandbox_remove(lua_State *L)
{
    plain_table(L, 1);
    lua_Integer len = length(L), at = luaL_optinteger(L, 2, len);
    if (at != len)
        luaL_argcheck(L, (lua_Unsigned)at - 1U <= (lua_Unsigned)len, 2, "position out of bounds");
    lua_rawgeti(L, 1, at);
    for (; at < len; at++) {
        lua_rawgeti(L, 1, at + 1);
        lua_rawseti(L, 1, at);
    }
    lua_pushnil(L);
    lua_rawseti(L, 1, at);
    return 1;
}

/* --- many --- */

int sandbox_concat(lua_State *L)
{
    size_t between_len;
    (void)table_to_read(L);
    const char *between = luaL_optlstring(L, 2, "", &between_len);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer last = lua_isnoneornil(L, 4) ? length(L) : luaL_checkinteger(L, 4);
    luaL_Buffer out;
    range(L, first, last);
    luaL_buffinit(L, &out);
    for (lua_Unsigned i = 0; last >= first && i <= (lua_Unsigned)last - (lua_Unsigned)first; i++) {
        lua_Integer at = (lua_Integer)((lua_Unsigned)first + i);
        size_t len;
        lua_rawgeti(L, 1, at);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'",
                              (LUAI_UACINT)at);
        (void)lua_tolstring(L, -1, &len);
        if (luaL_bufflen(&out) + len + between_len > SCRIPT_STRING_BYTES_MAX)
            return luaL_error(L, "table.concat: the result would be longer than %d bytes",
                              SCRIPT_STRING_BYTES_MAX);
        luaL_addvalue(&out);
        if (at != last)
            luaL_addlstring(&out, between, between_len);
        vm_poll(L);
    }
    luaL_pushresult(&out);
    return 1;
}

int sandbox_unpack(lua_State *L)
{
    bool is_view = table_to_read(L);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? length(L) : luaL_checkinteger(L, 3);
    if (first > last)
        return 0;
    range(L, first, last);
    int count = (int)(last - first) + 1;
    if (!lua_checkstack(L, count + 8))
        return luaL_error(L, "too many results to unpack");
    for (int i = 0; i < count; i++)
        item_to_read(L, first + i, is_view);
    return count;
}

static void move_item(lua_State *L, lua_Integer from, bool is_view, int table, lua_Integer to)
{
    item_to_read(L, from, is_view);
    lua_rawseti(L, table, to);
    vm_poll(L);
}

int sandbox_move(lua_State *L)
{
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4);
    int table = lua_isnoneornil(L, 5) ? 1 : 5;
    bool is_view = false;
    if (table == 1)
        plain_table(L, 1);
    else
        is_view = table_to_read(L);
    plain_table(L, table);
    lua_pushvalue(L, table);
    if (last < first)
        return 1;
    range(L, first, last);
    lua_Integer count = (lua_Integer)((lua_Unsigned)last - (lua_Unsigned)first) + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    if (to > last || to <= first || (table != 1 && !lua_rawequal(L, 1, table)))
        for (lua_Integer i = 0; i < count; i++)
            move_item(L, first + i, is_view, table, to + i);
    else
        for (lua_Integer i = count - 1; i >= 0; i--)
            move_item(L, first + i, is_view, table, to + i);
    return 1;
}

/* --- sort: the table at 1, the order at 2 or nil, a table for what is being merged at 3 --- */

/* Is the value on top before the one below it? Drops neither. */
static bool is_before(lua_State *L)
{
    vm_poll(L);
    if (lua_isnil(L, 2))
        return lua_compare(L, -1, -2, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -4);
    lua_call(L, 2, 1);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* Merges low..middle, which lie in the table at 3, with middle+1..high of the table at 1. */
static void merge(lua_State *L, lua_Integer low, lua_Integer middle, lua_Integer high)
{
    lua_Integer left = low, right = middle + 1, to = low;
    while (left <= middle && right <= high) {
        lua_rawgeti(L, 3, left);
        lua_rawgeti(L, 1, right);
        if (is_before(L)) {
            lua_rawseti(L, 1, to++);
            lua_pop(L, 1);
            right++;
        } else {
            lua_pop(L, 1);
            lua_rawseti(L, 1, to++);
            left++;
        }
    }
    for (; left <= middle; left++, to++) {
        lua_rawgeti(L, 3, left);
        lua_rawseti(L, 1, to);
    }
}

static void sort(lua_State *L, lua_Integer low, lua_Integer high)
{
    if (low >= high)
        return;
    lua_Integer middle = low + (high - low) / 2;
    sort(L, low, middle);
    sort(L, middle + 1, high);
    lua_rawgeti(L, 1, middle);
    lua_rawgeti(L, 1, middle + 1);
    bool is_sorted = !is_before(L);
    lua_pop(L, 2);
    if (is_sorted)
        return;
    for (lua_Integer i = low; i <= middle; i++) {
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 3, i);
    }
    merge(L, low, middle, high);
}

int sandbox_sort(lua_State *L)
{
    plain_table(L, 1);
    lua_Integer len = length(L);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    luaL_checkstack(L, 10, NULL);
    lua_createtable(L, (int)(len / 2), 0);
    sort(L, 1, len);
    return 0;
}
