/* bind_log - log.info(message, fields): lines of the server's log with plugin and tenant.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log.h"
#include "script/bind.h"

#define LOG_TEXT_BYTES_MAX 1000

/* Upvalues: the script, the level. */
static int log_at(lua_State *L)
{
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    enum log_level level = (enum log_level)lua_tointeger(L, lua_upvalueindex(2));
    struct ctx *ctx = vm_ctx(L);
    luaL_checkstring(L, 1);
    if (!log_wants(level) || vm_of(L)->used.logs++ >= SCRIPT_LOGS_MAX)
        return 0;
    struct slice message = convert_text(L, 1);
    struct json *fields = NULL;
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        fields = convert_json(L, 2, ctx->arena, NULL);
    }
    struct buf members = BUF_INIT;
    buf_put_str(&members, "\"plugin\":");
    json_put_cstr(&members, script->id);
    buf_put_str(&members, ",\"tenant\":");
    json_put_cstr(&members, ctx->tenant->name);
    if (fields && fields->type == JSON_OBJECT) {
        buf_put_str(&members, ",\"fields\":");
        json_put(&members, fields);
    }
    if (message.len > LOG_TEXT_BYTES_MAX)
        message.len = LOG_TEXT_BYTES_MAX;
    log_line(level, buf_cstr(&members), SLICE_FMT, SLICE_ARG(message));
    buf_release(&members);
    return 0;
}

void bind_log_push(lua_State *L, struct script *script)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}};
    lua_createtable(L, 0, 4);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        lua_pushlightuserdata(L, script);
        lua_pushinteger(L, (lua_Integer)levels[i].level);
        lua_pushcclosure(L, log_at, 2);
        lua_setfield(L, -2, levels[i].name);
    }
    frozen_wrap(L);
}
