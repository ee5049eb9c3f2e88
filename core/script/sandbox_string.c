/* sandbox_string - string.rep and string.format with a bound, and without addresses.
 *
 * Those that match patterns are in match.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox_in.h"

int sandbox_rep(lua_State *L)
{
    size_t text, between = 0;
    luaL_checklstring(L, 1, &text);
    lua_Integer times = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (times > 0 && text + between > SCRIPT_STRING_BYTES_MAX / (lua_Unsigned)times)
        return luaL_error(L, "string.rep: the result would be longer than %d bytes",
                          SCRIPT_STRING_BYTES_MAX);
    if (text + between == 0 && times > 0) { /* Lua's own would copy nothing, so many times */
        lua_pushliteral(L, "");
        return 1;
    }
    return sandbox_original(L);
}

/* The values of %s become texts here, so that Lua's own never shows an address. */
int sandbox_format(lua_State *L)
{
    size_t len, total;
    const char *at = luaL_checklstring(L, 1, &total), *end = at + total;
    int count = lua_gettop(L);
    for (int arg = 2; at < end; arg++) {
        at = memchr(at, '%', (size_t)(end - at));
        if (!at)
            break;
        at++;
        if (*at == '%') {
            at++;
            arg--;
            continue;
        }
        at += strspn(at, "-+ #0123456789.");
        if (*at == 'p')
            return luaL_error(L, "invalid conversion '%%p' to 'format': there are no addresses");
        if (arg > count) /* Lua's own says which is missing */
            break;
        if (*at == 's' && lua_type(L, arg) != LUA_TSTRING) {
            sandbox_push_text(L, arg);
            lua_replace(L, arg);
        }
        if (lua_type(L, arg) == LUA_TSTRING) {
            (void)lua_tolstring(L, arg, &len);
            total += len;
        }
    }
    if (total > SCRIPT_STRING_BYTES_MAX)
        return luaL_error(L, "string.format: the result would be longer than %d bytes",
                          SCRIPT_STRING_BYTES_MAX);
    return sandbox_original(L);
}
