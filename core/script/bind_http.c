/* bind_http - `ctx.http`: calls to other systems, where nothing waits for the script; and whether
 * one might be let through.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/id.h"
#include "hook/hook.h"
#include "outbound/fetch.h"
#include "script/trial_in.h"

#define CALLERS (VM_JOB | VM_ROUTE | VM_COMMIT)

/* --- what is asked ------------------------------------------------------------------------------
 */

static bool names(const struct fetch *fetch, const char *name)
{
    for (int i = 0; i < fetch->headers_count; i++)
        if (slice_eq_nocase(slice_str(fetch->headers[i].name), slice_str(name)))
            return true;
    return false;
}

static void add_header(lua_State *L, struct fetch *fetch, struct fetch_header *headers,
                       const char *name, const char *value)
{
    if (fetch->headers_count == FETCH_HEADERS_MAX)
        luaL_error(L, "more than %d headers", FETCH_HEADERS_MAX);
    headers[fetch->headers_count++] = (struct fetch_header){name, value};
}

static void take_headers(lua_State *L, struct fetch *fetch, struct fetch_header *headers)
{
    if (lua_getfield(L, 1, "headers") != LUA_TNIL) {
        if (frozen_open(L, lua_gettop(L))) /* what came with a request */
            lua_replace(L, -2);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "headers is a table of names and texts");
            const char *name = arena_strdup(vm_ctx(L)->arena, lua_tostring(L, -2));
            add_header(L, fetch, headers, name,
                       bind_secret_text(L, lua_gettop(L), "a header", false));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static void take_body(lua_State *L, struct arena *arena, struct fetch *fetch,
                      struct fetch_header *headers)
{
    bool has_body = lua_getfield(L, 1, "body") != LUA_TNIL;
    bool has_json = lua_getfield(L, 1, "json") != LUA_TNIL;
    if (has_body && has_json)
        luaL_error(L, "a call has body or json, not both");
    if (has_body) {
        struct slice body = {0};
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "body is a text");
        body.at = lua_tolstring(L, -2, &body.len);
        fetch->body = arena_slice(arena, body);
    } else if (has_json) {
        const struct json *tree = convert_json(L, lua_gettop(L), arena, NULL);
        struct buf b = BUF_INIT;
        json_put(&b, tree);
        fetch->body = arena_slice(arena, buf_slice(&b));
        buf_release(&b);
        if (!names(fetch, "content-type"))
            add_header(L, fetch, headers, "Content-Type", "application/json");
    }
    lua_pop(L, 2);
}

/* A handler that is tried again sends the same keys: the event's id, and from the second call that
 * changes something on also its number. */
static void add_key(lua_State *L, struct arena *arena, struct fetch *fetch,
                    struct fetch_header *headers)
{
    struct vm *vm = vm_of(L);
    const struct frame *first = vm->depth ? &vm->frames[0] : NULL;
    if (!first || first->call->moment != VM_COMMIT || !first->call->event ||
        strcmp(fetch->method, "GET") == 0 || names(fetch, "idempotency-key"))
        return;
    char id[ID_TEXT_LEN + 1];
    id_text(first->call->event->id, id);
    const char *key = ++vm->used.keyed > 1 ? arena_printf(arena, "%s-%d", id, vm->used.keyed)
                                           : arena_strdup(arena, id);
    add_header(L, fetch, headers, "Idempotency-Key", key);
}

static void take_capabilities(struct arena *arena, const struct plugin *plugin, struct fetch *fetch)
{
    const struct json *all = json_get(plugin->manifest, "capabilities");
    struct slice *may = arena_array(arena, struct slice, all ? (size_t)all->count + 1 : 1);
    json_each(item, all) may[fetch->may_count++] = item->text;
    fetch->may = may;
}

void bind_http_take(lua_State *L, const struct script *script, const char *const *known,
                    struct fetch *fetch)
{
    struct arena *arena = vm_ctx(L)->arena;
    struct fetch_header *headers = arena_array(arena, struct fetch_header, FETCH_HEADERS_MAX);
    if (store_in_tx(vm_ctx(L)->tenant->store))
        luaL_error(L, "ctx.http waits for others: call it before or behind ctx.tx");
    if (frozen_open(L, 1))
        lua_replace(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    bind_members(L, 1, "a call has no member", known);
    if (lua_getfield(L, 1, "url") == LUA_TNIL)
        luaL_error(L, "a call needs a url");
    fetch->url = bind_secret_text(L, lua_gettop(L), "url", true);
    lua_pop(L, 1);
    fetch->headers = headers;
    take_headers(L, fetch, headers);
    take_body(L, arena, fetch, headers);
    take_capabilities(arena, script->plugin, fetch);
    if (lua_getfield(L, 1, "timeout") != LUA_TNIL)
        fetch->timeout_ms = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    int left_ms = vm_http_begin(L);
    if (fetch->timeout_ms <= 0 || fetch->timeout_ms > left_ms)
        fetch->timeout_ms = left_ms;
    add_key(L, arena, fetch, headers);
}

/* --- what is answered ---------------------------------------------------------------------------
 */

/* Upvalue 1: the body. */
static int answer_json(lua_State *L)
{
    struct slice body = {0};
    struct arena *arena = vm_ctx(L)->arena;
    const struct json *tree = NULL;
    const char *why = NULL;
    body.at = lua_tolstring(L, lua_upvalueindex(1), &body.len);
    if (json_parse(arena, body, &tree, &why)) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    convert_push_json(L, tree, false);
    return 1;
}

void bind_http_answer(lua_State *L, const struct fetch_answer *answer, int64_t ms)
{
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 5);
    lua_pushinteger(L, ms);
    lua_setfield(L, -2, "ms");
    lua_pushinteger(L, answer->status);
    lua_setfield(L, -2, "status");
    lua_createtable(L, 0, answer->headers_count);
    for (int i = 0; i < answer->headers_count; i++) {
        const struct fetch_header *header = &answer->headers[i];
        if (lua_getfield(L, -1, header->name) == LUA_TSTRING)
            lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), header->value);
        else
            lua_pushstring(L, header->value);
        lua_setfield(L, -3, header->name);
        lua_pop(L, 1);
    }
    lua_setfield(L, -2, "headers");
    lua_pushlstring(L, answer->body.at, answer->body.len);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "body");
    lua_pushcclosure(L, answer_json, 1);
    lua_setfield(L, -2, "json");
}

static const char *name_of(enum err e)
{
    switch (e) {
    case ERR_TIMEOUT:
        return "TIMEOUT";
    case ERR_FORBIDDEN:
        return "FORBIDDEN";
    case ERR_TOO_LARGE:
        return "TOO_LARGE";
    case ERR_NOT_SUPPORTED:
        return "NOT_SUPPORTED";
    default:
        return "IO";
    }
}

void bind_http_fault(lua_State *L, enum err e, const char *why)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, why);
    lua_setfield(L, -2, "error");
    lua_pushstring(L, name_of(e));
    lua_setfield(L, -2, "name");
}

/* --- the calls ----------------------------------------------------------------------------------
 */

/*** ctx.http.get, post, put, patch and delete call another system: in after_commit, jobs and routes
 * only, and never inside ctx.tx, because nobody waits for them there. The plugin names each host
 * under capabilities: "http:https://erp.example.com". Redirects are not followed, certificates are
 * verified, addresses of private networks are refused unless the operator allows them. A call has
 * 10 s, a body 1 MiB. In after_commit every call but get carries the Idempotency-Key of its event,
 * the same when it is tried again. A setting of type secret can be sent in a header and read by
 * nobody: ctx.config has a handle for it, and the plugin the capability "secret:erp_key".
 * So can an encrypted field (crm.secret), and both in the address: `url` may be a list, too.
 * @param call table|string url, headers, body (text) or json (any), timeout in ms; or the url
 * @return table|nil status, headers (names in lower case), body, json(), ms (how long it took)
 * @return string|nil what went wrong
 * @return string|nil TIMEOUT, IO, FORBIDDEN, TOO_LARGE or NOT_SUPPORTED
 * @moment job route after_commit
 * @usage local answer = assert(ctx.http.post { url = "https://erp.example.com/v1/orders",
 *   json = { no = ev.record.no }, headers = { authorization = { "Bearer ", ctx.config.erp_key } }
 * })
 */
static int http_call(lua_State *L)
{
    static const char *const known[] = {"url", "headers", "body", "json", "timeout", NULL};
    const struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct arena *arena = vm_ctx(L)->arena;
    struct fetch_answer answer = {0};
    const char *why = NULL;
    struct fetch fetch = {.method = lua_tostring(L, lua_upvalueindex(2))};
    vm_allow(L, CALLERS, "ctx.http");
    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_createtable(L, 0, 1);
        lua_pushvalue(L, 1);
        lua_setfield(L, -2, "url");
        lua_replace(L, 1);
    }
    bind_http_take(L, script, known, &fetch);
    int64_t from_us = clock_mono_us();
    enum err e = vm_of(L)->trial ? trial_fetch(L, arena, &fetch, &answer, &why)
                                 : fetch_run(arena, &fetch, &answer, &why);
    vm_poll(L);
    if (e == ERR_MALFORMED)
        return luaL_error(L, "ctx.http: %s", why);
    if (e) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        lua_pushstring(L, name_of(e));
        return 3;
    }
    bind_http_answer(L, &answer, (clock_mono_us() - from_us) / 1000);
    return 1;
}

/*** Might a call to that address be let through? An address in numbers and localhost are judged as
 * the call would judge them, by what the operator allows inside the network; a name is judged when
 * it is called. Works everywhere: for refusing a setting when it is saved.
 * @param url string
 * @return boolean
 * @usage if not ctx.http.may(ev.record.url) then ev:fail("url", "@inside") end
 */
static int http_may(lua_State *L)
{
    lua_pushboolean(L, fetch_may_reach(luaL_checkstring(L, 1)));
    return 1;
}

void bind_http_push(lua_State *L, struct script *script)
{
    static const char *const methods[][2] = {
        {"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}};
    lua_createtable(L, 0, 6);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        lua_pushlightuserdata(L, script);
        lua_pushstring(L, methods[i][1]);
        lua_pushcclosure(L, http_call, 2);
        lua_setfield(L, -2, methods[i][0]);
    }
    lua_pushcfunction(L, http_may);
    lua_setfield(L, -2, "may");
    frozen_wrap(L);
}
