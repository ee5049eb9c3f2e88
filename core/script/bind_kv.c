/* bind_kv - `ctx.kv`: what a plugin keeps by key, over restarts; each plugin sees its own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/bind.h"
#include "tenant/kv.h"

#define WRITERS (VM_BEFORE | VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)
#define READERS (VM_VALIDATE | WRITERS)

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Functions may be written ctx.kv.get(…) or ctx.kv:get(…): where the first argument stands. */
static int first_of(lua_State *L)
{
    return lua_type(L, 1) == LUA_TSTRING ? 1 : 2;
}

static const char *key_at(lua_State *L, int at)
{
    luaL_checktype(L, at, LUA_TSTRING);
    struct slice key = convert_text(L, at);
    if (!key.len || key.len > KV_KEY_BYTES_MAX)
        luaL_argerror(L, at, lua_pushfstring(L, "a key has 1 to %d bytes", KV_KEY_BYTES_MAX));
    return arena_str(vm_ctx(L)->arena, key);
}

/* When it expires, from options { ttl = seconds }. */
static int64_t expiry_at(lua_State *L, int at)
{
    if (lua_isnoneornil(L, at))
        return 0;
    luaL_checktype(L, at, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "ttl") != 0)
            luaL_argerror(L, at, "the only option is ttl, in seconds");
        lua_pop(L, 1);
    }
    lua_getfield(L, at, "ttl");
    lua_Number seconds = lua_tonumber(L, -1);
    if (!lua_isnumber(L, -1) || !(seconds > 0 && seconds <= KV_TTL_S_MAX))
        luaL_argerror(L, at, "\"ttl\" is a number of seconds, at most ten years");
    lua_pop(L, 1);
    return vm_ctx(L)->now_ms + (int64_t)(seconds * 1000);
}

static void count_read(lua_State *L)
{
    struct vm *vm = vm_of(L);
    if (++vm->used.reads > vm_limit(vm)->reads)
        vm_stop(L, VM_LIMIT, "it read more often than it may in one unit of work");
}

/* --- one write, which may have a transaction of its own --- */

struct writing {
    const char *plugin, *key;
    const struct json *value; /* NULL: delete, or add */
    int64_t expires_at_ms, by, sum;
    bool was_there;
};

static enum err set_fn(struct ctx *ctx, void *arg)
{
    const struct writing *w = arg;
    return kv_put(ctx, w->plugin, w->key, w->value, w->expires_at_ms);
}

static enum err delete_fn(struct ctx *ctx, void *arg)
{
    struct writing *w = arg;
    return kv_delete(ctx, w->plugin, w->key, &w->was_there);
}

static enum err add_fn(struct ctx *ctx, void *arg)
{
    struct writing *w = arg;
    return kv_add(ctx, w->plugin, w->key, w->by, w->expires_at_ms, &w->sum);
}

static void write_now(lua_State *L, struct writing *w, enum err (*fn)(struct ctx *ctx, void *arg))
{
    w->plugin = script_of(L)->id;
    enum err e = vm_write(L, fn, w);
    if (e == ERR_TOO_LARGE)
        luaL_error(L,
                   "\"%s\": a value has at most %d bytes as JSON, a number 64 bits, and a plugin "
                   "at most %d keys",
                   w->key, KV_VALUE_BYTES_MAX, KV_KEYS_MAX);
    if (e == ERR_CONFLICT)
        luaL_error(L, "\"%s\" is no whole number", w->key);
    if (e)
        vm_veto(L, e);
}

/* --- functions --- */

/*** What is kept under the key, or nil.
 * @param key string at most 200 bytes
 * @return any a copy; tables are read-only
 * @moment before_* validate after_* action job route after_commit
 */
static int kv_get_value(lua_State *L)
{
    vm_allow(L, READERS, "ctx.kv");
    const char *key = key_at(L, first_of(L));
    const struct json *value;
    count_read(L);
    enum err e = kv_get(vm_ctx(L), script_of(L)->id, key, &value);
    if (e)
        vm_veto(L, e);
    if (value)
        convert_push_json(L, value, true);
    else
        lua_pushnil(L);
    return 1;
}

/*** Keeps a value: in the transaction that is open, else in one of its own. Of each plugin 10,000
 * keys at most.
 * @param key string
 * @param value any at most 16 KB as JSON; nil deletes
 * @param options table|nil ttl: seconds until it is gone
 * @moment before_* after_* action job route after_commit
 * @usage ctx.kv:set("token", token, { ttl = 3600 })
 */
static int kv_set_value(lua_State *L)
{
    vm_allow(L, WRITERS, "ctx.kv:set");
    int first = first_of(L);
    struct writing w = {.key = key_at(L, first)};
    luaL_checkany(L, first + 1);
    w.expires_at_ms = expiry_at(L, first + 2);
    if (lua_isnil(L, first + 1) || convert_is_null(L, first + 1)) {
        write_now(L, &w, delete_fn);
        return 0;
    }
    w.value = convert_json(L, first + 1, vm_ctx(L)->arena, NULL);
    write_now(L, &w, set_fn);
    return 0;
}

/*** Forgets a key.
 * @param key string
 * @return boolean was there anything?
 * @moment before_* after_* action job route after_commit
 */
static int kv_delete_value(lua_State *L)
{
    vm_allow(L, WRITERS, "ctx.kv:delete");
    struct writing w = {.key = key_at(L, first_of(L))};
    write_now(L, &w, delete_fn);
    lua_pushboolean(L, w.was_there);
    return 1;
}

/*** Adds to a whole number, 0 where there is none: no two callers get the same one.
 * @param key string
 * @param by integer|nil 1
 * @param options table|nil ttl: seconds until it is gone, counted from the first
 * @return integer the new one
 * @moment before_* after_* action job route after_commit
 */
static int kv_incr_value(lua_State *L)
{
    vm_allow(L, WRITERS, "ctx.kv:incr");
    int first = first_of(L);
    struct writing w = {.key = key_at(L, first), .by = luaL_optinteger(L, first + 1, 1)};
    w.expires_at_ms = expiry_at(L, first + 2);
    write_now(L, &w, add_fn);
    lua_pushinteger(L, w.sum);
    return 1;
}

struct keys {
    struct arena *arena;
    struct pair {
        const char *key;
        const struct json *value;
    } items[KV_LIST_MAX];
    int count;
};

static bool keep_pair(void *arg, const char *key, const struct json *value)
{
    struct keys *keys = arg;
    keys->items[keys->count++] = (struct pair){key, value};
    return true;
}

/*** Keys that begin with a text, in order, at most 200 at once.
 * @param prefix string|nil
 * @param after string|nil only keys behind this one
 * @return table list of { key=, value= }
 * @moment before_* validate after_* action job route after_commit
 */
static int kv_list_values(lua_State *L)
{
    vm_allow(L, READERS, "ctx.kv:list");
    struct ctx *ctx = vm_ctx(L);
    int first = lua_type(L, 1) == LUA_TSTRING || lua_isnoneornil(L, 1) ? 1 : 2;
    const char *prefix = luaL_optstring(L, first, ""), *after = luaL_optstring(L, first + 1, NULL);
    struct keys *keys = arena_make(ctx->arena, struct keys);
    count_read(L);
    enum err e = kv_list(ctx, script_of(L)->id, arena_strdup(ctx->arena, prefix),
                         arena_strdup(ctx->arena, after), keep_pair, keys);
    if (e)
        vm_veto(L, e);
    lua_createtable(L, keys->count, 0);
    for (int i = 0; i < keys->count; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, keys->items[i].key);
        lua_setfield(L, -2, "key");
        convert_push_json(L, keys->items[i].value, true);
        lua_setfield(L, -2, "value");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static const luaL_Reg functions[] = {{"get", kv_get_value},       {"set", kv_set_value},
                                     {"delete", kv_delete_value}, {"incr", kv_incr_value},
                                     {"list", kv_list_values},    {NULL, NULL}};

void luaopen_crm_kv(lua_State *L, struct script *script)
{
    lua_newtable(L);
    lua_pushlightuserdata(L, script);
    luaL_setfuncs(L, functions, 1);
    frozen_wrap(L);
}
