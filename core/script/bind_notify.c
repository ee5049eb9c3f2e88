/* bind_notify - `ctx.notify`: tells people of the company something, in their language.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/notify.h"

#include "base/limits.h"
#include "hook/pace.h"
#include "script/bind.h"

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static int told_users(lua_State *L, int at, int64_t *ids)
{
    int count = 0;
    if (lua_isinteger(L, at)) {
        ids[0] = lua_tointeger(L, at);
        return 1;
    }
    luaL_checktype(L, at, LUA_TTABLE);
    for (lua_Integer i = 1; lua_rawgeti(L, at, i) != LUA_TNIL; i++) {
        if (!lua_isinteger(L, -1))
            luaL_error(L, "users is the id of one, or a list of ids");
        if (count == NOTIFY_USERS_MAX)
            luaL_error(L, "at most %d users are told at once", NOTIFY_USERS_MAX);
        ids[count++] = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return count;
}

/* Member `name` of the table at 2, NULL when it is absent. */
static const char *text_member(lua_State *L, struct arena *arena, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, 2, name) != LUA_TNIL)
        text = arena_str(arena, convert_text(L, lua_gettop(L)));
    lua_pop(L, 1);
    return text;
}

static void check_members(lua_State *L)
{
    static const char *const known[] = {"text",  "body", "args", "kind", "tone",
                                        "about", "link", "key",  NULL};
    bind_members(L, 2, "a notification has no member", known);
}

static void take_args(lua_State *L, struct arena *arena, struct notify *notify)
{
    if (lua_getfield(L, 2, "args") != LUA_TNIL) {
        struct buf b = BUF_INIT;
        json_put(&b, convert_json(L, lua_gettop(L), arena, NULL));
        notify->args = arena_str(arena, buf_slice(&b));
        buf_release(&b);
    }
    lua_pop(L, 1);
}

static void take_about(lua_State *L, struct notify *notify)
{
    if (lua_getfield(L, 2, "about") != LUA_TNIL) {
        const struct record_handle *handle = record_test(L, lua_gettop(L));
        if (!handle)
            luaL_error(L, "about is a record");
        const struct value *values = handle->values ? handle->values : handle->record->now;
        notify->about = handle->entity->name;
        notify->record = values[SLOT_ID].integer;
    }
    lua_pop(L, 1);
}

static bool is_tone(const char *tone)
{
    static const char *const tones[] = {"info", "success", "warning", "danger"};
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++)
        if (strcmp(tones[i], tone) == 0)
            return true;
    return false;
}

struct telling {
    const struct plugin *plugin;
    const struct notify *notify;
    const int64_t *users;
    int count, written;
};

static enum err put(struct ctx *ctx, void *arg)
{
    struct telling *t = arg;
    enum err e = notify_put(ctx, t->notify, t->users, t->count, &t->written);
    return e || t->plugin->layer != PLUGIN_TENANT
               ? e
               : pace_take(ctx, t->plugin->id, PACE_NOTICES, t->written);
}

/*** Tells people something: each gets a notification of their own, in their language, which nobody
 * else sees. It is there when what happens here has been committed. Who is not active is passed
 * over.
 * @param users integer|table the id of a user, or a list of ids (at most 200)
 * @param notification table text ("@key" or a sentence) and, as needed, body, args (for both: put
 *   the name of the record it is about under `what`; who may not see the record reads its kind),
 *   kind ("assigned"), tone (info, success, warning, danger), about (a record), link (a page of the
 *   console), key (while an unread one of that key is there, none is added)
 * @return integer how many were told
 * @moment after_* action job route after_commit
 * @usage ctx.notify(ev.record.owner, { text = "@assigned", about = ev.record, kind = "assigned" })
 */
static int context_notify(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA && lua_gettop(L) > 2)
        lua_remove(L, 1); /* ctx:notify(…) */
    struct ctx *ctx = vm_ctx(L);
    struct script *script = script_of(L);
    int64_t users[NOTIFY_USERS_MAX];
    vm_allow(L, VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX, "ctx.notify");
    luaL_checktype(L, 2, LUA_TTABLE);
    check_members(L);
    struct notify notify = {.plugin = script->id,
                            .kind = text_member(L, ctx->arena, "kind"),
                            .text = text_member(L, ctx->arena, "text"),
                            .body = text_member(L, ctx->arena, "body"),
                            .tone = text_member(L, ctx->arena, "tone"),
                            .link = text_member(L, ctx->arena, "link"),
                            .dedupe = text_member(L, ctx->arena, "key")};
    if (!notify.text || !*notify.text)
        return luaL_error(L, "a notification has a text");
    if (notify.tone && !is_tone(notify.tone))
        return luaL_error(L, "tone is info, success, warning or danger, not \"%s\"", notify.tone);
    if (notify.dedupe)
        notify.dedupe = arena_printf(ctx->arena, "%s:%.120s", script->id, notify.dedupe);
    take_args(L, ctx->arena, &notify);
    take_about(L, &notify);
    struct telling telling = {script->plugin, &notify, users, told_users(L, 1, users), 0};
    enum err e = vm_write(L, put, &telling);
    if (e)
        vm_veto(L, e);
    lua_pushinteger(L, telling.written);
    return 1;
}

const luaL_Reg bind_notify[] = {{"notify", context_notify}, {NULL, NULL}};
