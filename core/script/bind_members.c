/* bind_members - tables of options: a member that nobody knows is a slip, and is told.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "script/bind.h"

#define SUGGEST_DISTANCE 3

static bool is_known(const char *name, const char *const *known)
{
    while (*known && strcmp(*known, name) != 0)
        known++;
    return *known != NULL;
}

/* The known one that looks most like it, or NULL. */
static const char *nearest(const char *name, const char *const *known)
{
    const char *near = NULL;
    int least = SUGGEST_DISTANCE;
    for (; *known; known++) {
        int distance = text_nearness(slice_str(name), slice_str(*known), SUGGEST_DISTANCE);
        if (distance < least) {
            least = distance;
            near = *known;
        }
    }
    return near;
}

static void refuse(lua_State *L, const char *lacks, const char *name, const char *const *known)
{
    const char *near = nearest(name, known);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, lacks);
    luaL_addstring(&text, " \"");
    luaL_addstring(&text, name);
    luaL_addstring(&text, "\"");
    if (near) {
        luaL_addstring(&text, " (did you mean \"");
        luaL_addstring(&text, near);
        luaL_addstring(&text, "\"?)");
    }
    for (int i = 0; known[i]; i++) {
        luaL_addstring(&text, i ? ", " : ": ");
        luaL_addstring(&text, known[i]);
    }
    luaL_pushresult(&text);
    luaL_error(L, "%s", lua_tostring(L, -1));
}

void bind_members(lua_State *L, int at, const char *lacks, const char *const *known)
{
    ASSERT(at > 0 && lacks && known);
    luaL_checktype(L, at, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (!is_known(name, known))
            refuse(L, lacks, name, known);
        lua_pop(L, 1);
    }
}
