/* bind_route - `crm.route`: addresses of a plugin's own below /api/v1/x/<plugin>/.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "script/bind.h"
#include "script/endpoint.h"
#include "script/plan.h"

/* --- what is read from the options --- */

static void check_options(lua_State *L)
{
    static const char *const known[] = {"auth", "body", "query",   "rate",
                                        "role", "perm", "summary", NULL};
    bind_members(L, 3, "crm.route has no", known);
}

static const char *option_text(lua_State *L, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, 3, name) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "\"%s\" is a text", name);
        text = arena_str(vm_of(L)->plan->arena, convert_text(L, -1));
    }
    lua_pop(L, 1);
    return text;
}

static bool has_secret(const struct script *script, const char *name)
{
    json_each(setting, json_get(script->plugin->manifest, "config"))
    {
        if (slice_is(json_str(setting, "name", SLICE("")), name))
            return slice_is(json_str(setting, "type", SLICE("")), "secret");
    }
    return false;
}

static void read_auth(lua_State *L, const struct script *script, struct endpoint *out)
{
    const char *auth = option_text(L, "auth");
    if (!auth || strcmp(auth, "session") == 0)
        return;
    if (strcmp(auth, "key") == 0) {
        out->auth = ENDPOINT_KEY;
    } else if (strcmp(auth, "public") == 0) {
        out->auth = ENDPOINT_PUBLIC;
        if (!bind_declares(script, "route:public"))
            luaL_error(L, "%s does not declare the capability \"route:public\"", script->id);
        if (!out->rate)
            luaL_error(L, "a public route needs a \"rate\", such as \"60/m\"");
    } else if (strncmp(auth, "hmac:", 5) == 0 || strncmp(auth, "webhook:", 8) == 0) {
        out->auth = auth[0] == 'h' ? ENDPOINT_HMAC : ENDPOINT_WEBHOOK;
        out->secret = strchr(auth, ':') + 1;
        if (!has_secret(script, out->secret))
            luaL_error(L, "%s has no setting \"%s\" of type secret", script->id, out->secret);
        if (!bind_declares(script, lua_pushfstring(L, "secret:%s", out->secret)))
            luaL_error(L, "%s does not declare the capability \"secret:%s\"", script->id,
                       out->secret);
    } else {
        luaL_error(L,
                   "\"auth\" is session, key, hmac:<secret setting>, webhook:<secret setting> or "
                   "public");
    }
}

/* "60/m": so many in a second, minute, hour or day. */
static void read_rate(lua_State *L, struct endpoint *out)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const char *text = option_text(L, "rate");
    struct slice rest = slice_str(text), count = slice_split(&rest, '/');
    int64_t n = 0;
    if (!text)
        return;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (rest.len == 1 && rest.at[0] == units[i].unit)
            out->rate_period_s = units[i].seconds;
    if (!slice_to_int(count, &n) || n < 1 || n > ENDPOINT_RATE_MAX || !out->rate_period_s)
        luaL_error(L, "\"rate\" is written \"60/m\": 1 to %d per s, m, h or d", ENDPOINT_RATE_MAX);
    out->rate = (int)n;
}

static bool name_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.'))
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

static int compare_fields(const void *a, const void *b)
{
    return strcmp(((const struct endpoint_field *)a)->name,
                  ((const struct endpoint_field *)b)->name);
}

/* { no = "text!", amount = "money" } as a list by name. */
static const struct endpoint_field *read_fields(lua_State *L, const char *option, int *count)
{
    struct arena *arena = vm_of(L)->plan->arena;
    *count = 0;
    if (lua_getfield(L, 3, option) != LUA_TTABLE) {
        lua_pop(L, 1);
        return NULL;
    }
    struct endpoint_field *fields = arena_array(arena, struct endpoint_field, ENDPOINT_FIELDS_MAX);
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "\"%s\" is a table of names and types: no = \"text!\"", option);
        struct slice name = convert_text(L, -2);
        if (*count == ENDPOINT_FIELDS_MAX)
            luaL_error(L, "\"%s\" has more than %d members", option, ENDPOINT_FIELDS_MAX);
        if (!name_is_plain(name))
            luaL_error(L, "\"%s\" is no name of a member", name.at);
        struct endpoint_field *field = &fields[(*count)++];
        field->name = arena_str(arena, name);
        if (!endpoint_type_parse(convert_text(L, -1), field))
            luaL_error(L,
                       "%s: there is no type \"%s\": text int decimal money bool date datetime id "
                       "json, with [] for lists and ! where it is required",
                       field->name, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    qsort(fields, (size_t)*count, sizeof *fields, compare_fields);
    return fields;
}

static void read_body(lua_State *L, struct endpoint *out)
{
    int type = lua_getfield(L, 3, "body");
    out->has_body = type == LUA_TTABLE;
    out->is_raw = type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "text") == 0;
    if (type != LUA_TNIL && !out->has_body && !out->is_raw)
        luaL_error(L, "\"body\" is a table of names and types, or \"text\"");
    if (type != LUA_TNIL && (out->method == HTTP_GET || out->method == HTTP_DELETE))
        luaL_error(L, "%s has no body", http_method_name(out->method));
    lua_pop(L, 1);
    out->body = read_fields(L, "body", &out->body_count);
    if (lua_getfield(L, 3, "query") != LUA_TNIL)
        luaL_argexpected(L, lua_istable(L, -1), 3, "\"query\" as a table of names and types");
    lua_pop(L, 1);
    out->query = read_fields(L, "query", &out->query_count);
}

static void read_rights(lua_State *L, struct endpoint *out)
{
    struct arena *arena = vm_of(L)->plan->arena;
    int type = lua_getfield(L, 3, "role"), count = 0;
    const char **roles = arena_array(arena, const char *, ENDPOINT_ROLES_MAX + 1);
    if (type == LUA_TTABLE && lua_rawlen(L, -1) > ENDPOINT_ROLES_MAX)
        luaL_error(L, "\"role\" has more than %d names", ENDPOINT_ROLES_MAX);
    if (type == LUA_TSTRING)
        roles[count++] = arena_str(arena, convert_text(L, -1));
    else if (type == LUA_TTABLE)
        for (int i = 1; i <= ENDPOINT_ROLES_MAX && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
            roles[count++] = arena_str(arena, convert_text(L, -1));
            lua_pop(L, 1);
        }
    else if (type != LUA_TNIL)
        luaL_error(L, "\"role\" is a name, or a list of names");
    lua_settop(L, 4);
    out->roles = count ? roles : NULL;
    out->right = option_text(L, "perm");
    const char *colon = out->right ? strchr(out->right, ':') : NULL;
    if (out->right && (!colon || !model_entity(vm_of(L)->model,
                                               slice_of(out->right, (size_t)(colon - out->right)))))
        luaL_error(L, "\"perm\" is written \"lead:update\"");
    if ((out->roles || out->right) && out->auth >= ENDPOINT_HMAC)
        luaL_error(L, "\"role\" and \"perm\" are asked of users");
}

/* --- method and path --- */

static enum http_method read_method(lua_State *L)
{
    enum http_method method = HTTP_GET;
    const char *name = luaL_checkstring(L, 1);
    if (!http_method_find(slice_str(name), &method) || method == HTTP_HEAD ||
        method == HTTP_OPTIONS)
        luaL_argerror(L, 1, "a method is GET, POST, PUT, PATCH or DELETE");
    return method;
}

static const char *read_path(lua_State *L)
{
    struct slice path = convert_text(L, 2), rest = path;
    int segments = 0, params = 0;
    luaL_argcheck(L, path.len > 1 && path.at[0] == '/', 2, "a path is written \"/orders/{id}\"");
    rest = slice_of(path.at + 1, path.len - 1);
    while (rest.len || segments == 0) {
        struct slice one = slice_split(&rest, '/');
        bool is_param = slice_starts(one, SLICE("{")) && slice_ends(one, SLICE("}"));
        params += is_param;
        segments++;
        if (is_param)
            one = slice_of(one.at + 1, one.len - 2);
        luaL_argcheck(L, name_is_plain(one), 2, "a path has segments of letters, digits, _ - .");
    }
    luaL_argcheck(L, !slice_ends(path, SLICE("/")), 2, "a path does not end in /");
    luaL_argcheck(L, segments <= ENDPOINT_SEGMENTS_MAX && params <= ENDPOINT_PARAMS_MAX, 2,
                  "the path is too long");
    return arena_str(vm_of(L)->plan->arena, path);
}

/* --- crm.route --- */

/* The function's results as one table: value, status, options. Upvalue 1: the function. */
static int pack_results(lua_State *L)
{
    int count = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, count, 3);
    lua_createtable(L, 3, 0);
    lua_insert(L, 1);
    for (int i = 3; i >= 1; i--)
        lua_rawseti(L, 1, i);
    return 1;
}

/* [-0, +1] The fourth argument, its results as one. */
static void push_packed(lua_State *L)
{
    lua_pushvalue(L, 4);
    lua_pushcclosure(L, pack_results, 1);
}

static struct endpoint *grow(lua_State *L, struct vm *vm)
{
    if (vm->plan->endpoints_count == ENDPOINTS_MAX)
        luaL_error(L, "the plugins of this company have more than %d routes", ENDPOINTS_MAX);
    struct plan *plan = vm->plan;
    const struct plan *below = plan->below ? plan->below : plan;
    int count = plan->endpoints_count;
    plan->endpoints = plan_list(plan, plan->endpoints, below->endpoints, count, ENDPOINTS_MAX,
                                sizeof *plan->endpoints);
    plan->endpoints_bound = plan_list(plan, plan->endpoints_bound, below->endpoints_bound, count,
                                      ENDPOINTS_MAX, sizeof *plan->endpoints_bound);
    return &plan->endpoints[count];
}

static void check_new(lua_State *L, const struct vm *vm, const struct endpoint *endpoint)
{
    for (int i = 0; i < vm->plan->endpoints_count; i++)
        if (strcmp(vm->plan->endpoints[i].plugin, endpoint->plugin) == 0 &&
            vm->plan->endpoints[i].method == endpoint->method &&
            strcmp(vm->plan->endpoints[i].path, endpoint->path) == 0)
            luaL_error(L, "there is a route %s %s already", http_method_name(endpoint->method),
                       endpoint->path);
}

/*** Answers requests at /api/v1/x/<plugin><path>. It runs outside a transaction: what it writes is
 * stored at once, or together inside ctx.tx. `req` has method, path, params, query, body, text (the
 * body as it came), headers, address, and req:fail(field, "@key"), req:abort("@key") to refuse.
 * With hmac the caller sends X-Perigee-Timestamp (seconds) and X-Perigee-Signature: sha256= and the
 * hexadecimal HMAC-SHA256 of four lines without an end: timestamp, method, path with query as sent,
 * hexadecimal SHA-256 of the body; with webhook, of "<timestamp>.<body>", which is for senders that
 * can do no better. A signature is good once and for five minutes. An Idempotency-Key is kept in
 * the first transaction of the function: what belongs together stands in one ctx.tx.
 * @param method string GET POST PUT PATCH DELETE
 * @param path string "/orders/{id}"
 * @param options table|nil auth ("session", "key", "hmac:<secret setting>", "webhook:<secret
 *   setting>", "public"), body and query ({ no = "text!", amount = "money", tags = "text[]" }; body
 * = "text" takes anything), rate ("60/m" for each caller), role, perm ("lead:update"), summary
 * @param fn function called with (req, ctx); returns value, status, { type, filename }: a table is
 *   JSON, a string is text, nothing is 204; or nil, nil, { file = id, filename } to send a stored
 *   file, if who asks may read the record it hangs on (with as_system = true: if the plugin may, by
 *   its capabilities)
 * @moment load
 * @usage crm.route("POST", "/inbound", { auth = "hmac:erp_key", body = { no = "text!" } }, inbound)
 */
int bind_route(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct vm *vm = script->vm;
    vm_allow(L, VM_LOAD, "crm.route");
    if (lua_isfunction(L, 3)) {
        lua_newtable(L);
        lua_insert(L, 3);
    }
    luaL_checktype(L, 4, LUA_TFUNCTION);
    lua_settop(L, 4);
    if (script->is_planned) {
        push_packed(L);
        (void)bind_again(L, script, 5);
        return 0;
    }
    struct endpoint endpoint = {.plugin = script->id, .method = read_method(L)};
    endpoint.path = read_path(L);
    check_options(L);
    endpoint.summary = option_text(L, "summary");
    read_rate(L, &endpoint);
    read_auth(L, script, &endpoint);
    lua_settop(L, 4);
    read_body(L, &endpoint);
    read_rights(L, &endpoint);
    check_new(L, vm, &endpoint);
    struct endpoint *slot = grow(L, vm);
    push_packed(L);
    vm->plan->endpoints_bound[vm->plan->endpoints_count] =
        (struct bound){script->index, endpoint.path, bind_slot(L, script, lua_gettop(L)), NULL};
    *slot = endpoint;
    vm->plan->endpoints_count++;
    return 0;
}
