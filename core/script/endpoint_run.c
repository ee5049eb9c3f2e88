/* endpoint_run - one request to a plugin's route: what its function gets, what it answers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/decimal.h"
#include "base/id.h"
#include "hook/hookstat.h"
#include "script/bind.h"
#include "script/endpoint.h"
#include "script/plan.h"

struct running {
    struct endpoint_call *call;
    const struct bound *bound;
    struct arena *arena;
    bool lacks_file; /* it answers with one that who asks may not have */
};

/* --- the request --- */

static void push_decimal(lua_State *L, const struct json *value)
{
    int64_t units = 0;
    struct slice text = value->text;
    if (value->type == JSON_INT)
        text = slice_str(arena_printf(vm_ctx(L)->arena, "%lld", (long long)value->integer));
    if (!decimal_parse(text, ENDPOINT_DECIMAL_SCALE, &units))
        luaL_error(L, "the number is too large");
    decimal_push(L, units, ENDPOINT_DECIMAL_SCALE);
}

/* A value that was checked. */
static void push_value(lua_State *L, enum endpoint_type type, const struct json *value)
{
    int64_t n = 0;
    struct slice currency;
    switch (value->type == JSON_NULL ? ENDPOINT_JSON : type) {
    case ENDPOINT_MONEY:
        (void)endpoint_money(vm_ctx(L), value, &n, &currency);
        money_push(L, n, currency);
        return;
    case ENDPOINT_DECIMAL:
        push_decimal(L, value);
        return;
    case ENDPOINT_DATE:
        (void)date_parse(value->text, &n);
        date_push(L, n);
        return;
    case ENDPOINT_DATETIME:
        (void)time_parse(value->text, &n);
        datetime_push(L, n);
        return;
    case ENDPOINT_ID:
        (void)id_parse(value->text, &n);
        lua_pushinteger(L, n);
        return;
    default:
        convert_push_json(L, value, true);
    }
}

static void push_fields(lua_State *L, const struct endpoint_field *fields, int count,
                        const struct json *given)
{
    lua_createtable(L, 0, count);
    for (int i = 0; i < count; i++) {
        const struct json *value = json_get(given, fields[i].name);
        int n = 0;
        if (!value || value->type == JSON_NULL)
            continue;
        if (fields[i].is_list) {
            lua_createtable(L, value->count, 0);
            json_each(item, value)
            {
                push_value(L, fields[i].type, item);
                lua_rawseti(L, -2, ++n);
            }
        } else {
            push_value(L, fields[i].type, value);
        }
        lua_setfield(L, -2, fields[i].name);
    }
    frozen_wrap(L);
}

static void push_params(lua_State *L, const struct endpoint_match *match)
{
    struct slice rest = slice_str(match->endpoint->path);
    int n = 0;
    lua_newtable(L);
    while (rest.len) {
        struct slice one = slice_split(&rest, '/');
        if (!slice_starts(one, SLICE("{")))
            continue;
        lua_pushlstring(L, one.at + 1, one.len - 2);
        lua_pushlstring(L, match->params[n].at, match->params[n].len);
        lua_rawset(L, -3);
        n++;
    }
    frozen_wrap(L);
}

/* Who somebody is stays with the core: no cookies, no tokens. A signature is the script's to judge
 * where the core does not. */
static void push_headers(lua_State *L, const struct req *req, bool is_public)
{
    static const char *const hidden[] = {"authorization", "cookie", "x-csrf-token",
                                         "x-perigee-signature"};
    lua_newtable(L);
    for (int i = 0; i < req->headers_count; i++) {
        const struct req_pair *pair = &req->headers[i];
        bool is_hidden = false;
        for (size_t k = 0; k < sizeof hidden / sizeof *hidden - is_public; k++)
            is_hidden = is_hidden || slice_is(pair->name, hidden[k]);
        if (is_hidden)
            continue;
        lua_pushlstring(L, pair->name.at, pair->name.len);
        lua_pushlstring(L, pair->value.at, pair->value.len);
        lua_rawset(L, -3);
    }
    frozen_wrap(L);
}

static int push_arguments(lua_State *L, void *arg)
{
    const struct running *running = arg;
    const struct endpoint_call *call = running->call;
    const struct endpoint *endpoint = call->match->endpoint;
    luaL_checkstack(L, 10, NULL);
    lua_createtable(L, 0, 10);
    lua_pushstring(L, http_method_name(call->req->method));
    lua_setfield(L, -2, "method");
    lua_pushstring(L, endpoint->path);
    lua_setfield(L, -2, "path");
    lua_pushstring(L, call->req->address);
    lua_setfield(L, -2, "address");
    push_params(L, call->match);
    lua_setfield(L, -2, "params");
    push_headers(L, call->req, endpoint->auth == ENDPOINT_PUBLIC);
    lua_setfield(L, -2, "headers");
    push_fields(L, endpoint->query, endpoint->query_count, call->query);
    lua_setfield(L, -2, "query");
    if (endpoint->has_body)
        push_fields(L, endpoint->body, endpoint->body_count, call->body);
    else if (call->body)
        convert_push_json(L, call->body, true);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "body");
    lua_pushlstring(L, call->text.at ? call->text.at : "", call->text.len);
    lua_setfield(L, -2, "text");
    event_push_refusals(L);
    frozen_wrap(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_owner(vm_of(L), running->bound)->context);
    return 2;
}

/* --- the answer --- */

/* Types that a browser would not run as a page of ours. */
static bool is_harmless(struct slice type)
{
    static const char *const types[] = {
        "text/plain",      "text/csv",         "text/calendar",
        "text/vcard",      "application/json", "application/xml",
        "application/pdf", "application/zip",  "application/octet-stream"};
    struct slice main = slice_trim(slice_split(&type, ';'));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(main, types[i]))
            return true;
    return false;
}

static const char *take_option(lua_State *L, struct arena *arena, const char *name)
{
    const char *text = NULL;
    int top = lua_gettop(L);
    lua_rawgeti(L, -1, 3);
    if (lua_istable(L, -1) && lua_getfield(L, -1, name) != LUA_TNIL)
        text = arena_str(arena, convert_text(L, -1));
    lua_settop(L, top);
    return text;
}

static void take_body(lua_State *L, struct running *running)
{
    struct endpoint_call *call = running->call;
    int type = lua_rawgeti(L, -1, 1);
    if (type == LUA_TSTRING) {
        size_t len;
        const char *text = lua_tolstring(L, -1, &len);
        if (len > ENDPOINT_ANSWER_MAX)
            luaL_error(L, "an answer has at most %d bytes", ENDPOINT_ANSWER_MAX);
        if (!call->type)
            call->type = "text/plain; charset=utf-8";
        buf_put(&call->out, text, len);
    } else if (type != LUA_TNIL) {
        struct json *value = convert_json(L, -1, running->arena, NULL);
        if (value->type == JSON_ARRAY && !value->count)
            value->type = JSON_OBJECT;
        json_put(&call->out, value);
        if (call->out.len > ENDPOINT_ANSWER_MAX)
            luaL_error(L, "an answer has at most %d bytes", ENDPOINT_ANSWER_MAX);
        call->type = NULL;
    }
    lua_pop(L, 1);
}

static void check_options(lua_State *L)
{
    static const char *const known[] = {"type", "filename", "file", "as_system", NULL};
    int type = lua_rawgeti(L, -1, 3);
    if (type == LUA_TTABLE)
        bind_members(L, lua_gettop(L), "an answer has no", known);
    else if (type != LUA_TNIL)
        luaL_error(L, "behind value and status an answer has a table: { filename = \"a.csv\" }");
    lua_pop(L, 1);
}

/* What hangs on a record is for who may read it, unless the plugin answers for that: as_system,
 * with the capability for its entity. */
static void take_file(lua_State *L, struct running *running)
{
    struct endpoint_call *call = running->call;
    const struct script *script = vm_owner(vm_of(L), running->bound);
    int top = lua_gettop(L);
    lua_rawgeti(L, -1, 3);
    int type = lua_istable(L, -1) ? lua_getfield(L, -1, "file") : LUA_TNIL;
    if (type != LUA_TNIL) {
        lua_Integer id = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        lua_getfield(L, -2, "as_system");
        bool as_system = lua_toboolean(L, -1);
        if (id <= 0)
            luaL_error(L, "an answer's file is the id of a stored file");
        if (call->type || call->out.len || (call->status && call->status != 200))
            luaL_error(L, "a file is answered alone: return nil, 200, { file = id }");
        call->has_file = bind_file(L, script, id, as_system, &call->file);
        running->lacks_file = !call->has_file;
    }
    lua_settop(L, top);
}

/* The table of pack_results is on top. */
static void take_answer(lua_State *L, void *arg)
{
    struct running *running = arg;
    struct endpoint_call *call = running->call;
    check_options(L);
    call->type = take_option(L, running->arena, "type");
    call->filename = take_option(L, running->arena, "filename");
    if (call->type && !is_harmless(slice_str(call->type)))
        luaL_error(L, "an answer cannot be of type \"%s\"", call->type);
    lua_rawgeti(L, -1, 2);
    lua_Integer status = luaL_optinteger(L, -1, 0);
    if (status && (status < 200 || status > 599 || status == 304))
        luaL_error(L, "a status is a number from 200 to 599");
    lua_pop(L, 1);
    call->status = (int)status;
    take_body(L, running);
    take_file(L, running);
}

const char *endpoint_stat_name(struct arena *arena, const struct endpoint *endpoint)
{
    return arena_printf(arena, "%s:%s@%s", endpoint->plugin, endpoint->path,
                        http_method_name(endpoint->method));
}

enum err endpoint_run(struct vm *vm, struct ctx *ctx, struct endpoint_call *call,
                      const struct vm_host *host)
{
    ASSERT(vm && ctx && call && host);
    ASSERT(!ctx->unit && !store_in_tx(ctx->tenant->store));

    const struct bound *bound =
        &vm->plan->endpoints_bound[call->match->endpoint - vm->plan->endpoints];
    struct running running = {call, bound, ctx->arena, false};
    struct event event = {.entity = "", .name = bound->name};
    struct vm_call entry = {.ctx = ctx,
                            .event = &event,
                            .moment = VM_ROUTE,
                            .host = host,
                            .handler = bound->name,
                            .push = push_arguments,
                            .take = take_answer,
                            .arg = &running};
    int before = ctx->err.count;
    enum err e = vm_call_counted(
        vm_owner(vm, bound), bound->ref, &entry,
        hookstat_of(ctx->tenant->name, endpoint_stat_name(ctx->arena, call->match->endpoint)));
    if (!e && ctx->err.count > before)
        return ERR_VALIDATION;
    return !e && running.lacks_file ? ERR_NOT_FOUND : e;
}
