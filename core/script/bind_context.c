/* bind_context - `ctx`, the second argument: who asks, for whom, when, and the tenant's data.
 *
 * One per plugin, made when it is loaded. It speaks of the call that runs now, so keeping it does
 * no harm and gives nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/text.h"
#include "record/rights.h"
#include "script/bind.h"
#include "script/plan.h"

#define ANY_CALL                                                                                   \
    (VM_BEFORE | VM_VALIDATE | VM_CHECK | VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT |   \
     VM_TX)

/* Upvalue 1 of everything here. */
static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Functions may be written ctx.now() or ctx:now(): drops the ctx in front. */
static void drop_self(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA && luaL_getmetafield(L, 1, "__name") != LUA_TNIL) {
        bool is_self = strcmp(lua_tostring(L, -1), "crm.context") == 0;
        lua_pop(L, 1);
        if (is_self)
            lua_remove(L, 1);
    }
}

/* --- functions --- */

/*** The time of this unit of work: the same however often it is asked. */
static int context_now(lua_State *L)
{
    datetime_push(L, vm_ctx(L)->now_ms);
    return 1;
}

/*** A text in the language of who asks.
 * @param key string "@key" of the plugin, or "@plugin:key"
 * @param args table|nil placeholders
 */
static int context_t(lua_State *L)
{
    drop_self(L);
    struct ctx *ctx = vm_ctx(L);
    const char *key = luaL_checkstring(L, 1);
    const char *args = NULL;
    if (!lua_isnoneornil(L, 2)) {
        struct json *given = convert_json(L, 2, ctx->arena, NULL);
        struct buf b = BUF_INIT;
        json_put(&b, given);
        args = arena_str(ctx->arena, buf_slice(&b));
        buf_release(&b);
    }
    lua_pushstring(L, model_text(ctx->model, ctx->arena, ctx->lang, script_of(L)->id, key, args));
    return 1;
}

static enum role_action action_find(lua_State *L, const char *name)
{
    for (int i = 0; i < ROLE_ACTIONS; i++)
        if (strcmp(role_action_name((enum role_action)i), name) == 0)
            return (enum role_action)i;
    luaL_error(L, "there is no right \"%s\": read create update delete export import", name);
    return ROLE_READ;
}

/*** May who asks do this?
 * @param right string "lead:update"; with a record, "update"
 * @param record record|nil asks for this very record
 */
static int context_can(lua_State *L)
{
    drop_self(L);
    struct ctx *ctx = vm_ctx(L);
    const char *right = luaL_checkstring(L, 1), *colon = strchr(right, ':');
    const struct record_handle *handle = lua_isnoneornil(L, 2) ? NULL : record_test(L, 2);
    const struct entity *entity = handle ? handle->entity : NULL;
    if (colon)
        entity = model_entity(ctx->model, slice_of(right, (size_t)(colon - right)));
    if (!entity)
        return luaL_argerror(L, 1, "a right is written \"lead:update\"");
    enum role_action action = action_find(L, colon ? colon + 1 : right);
    bool may = true;
    struct err_info before = ctx->err;
    if (handle && handle->entity == entity) {
        const struct value *values = handle->values ? handle->values : handle->record->now;
        may = rights_matches(ctx, entity, action, values, &may) == ERR_OK && may;
    } else {
        may = rights_action(ctx, entity, action) == ERR_OK;
    }
    ctx->err = before;
    lua_pushboolean(L, may);
    return 1;
}

static bool user_may(struct ctx *ctx, int64_t user, const struct entity *entity, const char *name,
                     const char *plugin)
{
    const struct actor *before = ctx->actor, *actor = NULL;
    bool as_system = ctx->as_system, may = false;
    struct err_info said = ctx->err;
    if (actor_load(ctx->tenant, user, &actor) == ERR_OK && actor->active) {
        ctx->actor = actor;
        ctx->as_system = false;
        may = rights_operation(ctx, entity, name, plugin) &&
              rights_action(ctx, entity, ROLE_READ) == ERR_OK;
        ctx->actor = before;
        ctx->as_system = as_system;
    }
    ctx->err = said;
    return may;
}

/*** May a user of the company run an operation, by the roles that one has? Not whether on a certain
 * record, and never for who has left. The plugin declares "db:user:r".
 * @param user integer
 * @param operation string "approval_task:approve"
 * @usage if not ctx.may(user, "approval_task:approve") then … end
 */
static int context_may(lua_State *L)
{
    drop_self(L);
    struct ctx *ctx = vm_ctx(L);
    const struct script *script = script_of(L);
    if (!bind_declares(script, "db:user:r"))
        return luaL_error(L, "%s does not declare the capability \"db:user:r\"", script->id);
    int64_t user = luaL_checkinteger(L, 1);
    const char *right = luaL_checkstring(L, 2), *colon = strchr(right, ':');
    const struct entity *entity = NULL;
    if (colon)
        entity = model_entity(ctx->model, slice_of(right, (size_t)(colon - right)));
    if (!entity)
        return luaL_argerror(L, 2, "an operation is written \"lead:pick\"");
    lua_pushboolean(L, user_may(ctx, user, entity, colon + 1, script_of(L)->id));
    return 1;
}

/*** Is a plugin there and working?
 * @param id string
 */
static int context_has(lua_State *L)
{
    drop_self(L);
    lua_pushboolean(L, vm_script(vm_of(L), luaL_checkstring(L, 1)) != NULL);
    return 1;
}

static void set_left(lua_State *L, const char *name, int64_t left)
{
    lua_pushinteger(L, left > 0 ? left : 0);
    lua_setfield(L, -2, name);
}

/*** What is left to this call: reads, writes, rows and http of its unit of work, cpu_ms of its
 * handler, heap_kb, kept_kb (what the core keeps for it until it ends: rows, answers, texts), and
 * wall_ms where time counts.
 * @return table
 */
static int context_limits(lua_State *L)
{
    const struct vm *vm = vm_of(L);
    const struct limit *limit = vm_limit(vm);
    lua_createtable(L, 0, 8);
    set_left(L, "reads", limit->reads - vm->used.reads);
    set_left(L, "writes", limit->writes - vm->used.writes);
    set_left(L, "rows", limit->rows - vm->used.rows);
    set_left(L, "http", limit->http - vm->used.http);
    set_left(L, "cpu_ms", (int64_t)(vm->deadline - watch_ticks()) * WATCH_TICK_US / 1000);
    set_left(L, "heap_kb", ((int64_t)vm->bytes_limit - (int64_t)vm->bytes) / 1024);
    set_left(L, "kept_kb",
             ((int64_t)vm->arena_limit - (int64_t)arena_used(vm_ctx(L)->arena)) / 1024);
    if (vm->wall_us)
        set_left(L, "wall_ms", (vm->wall_us - clock_mono_us()) / 1000);
    return 1;
}

/*** Calls a service that some plugin offers.
 * @param name string
 * @param argument any
 * @usage local found = ctx.call("lead.match", { phones = { "13800000000" } })
 */
static int context_call(lua_State *L)
{
    drop_self(L);
    struct vm *vm = vm_of(L);
    struct frame *frame = vm_frame(vm);
    const char *name = luaL_checkstring(L, 1);
    const struct bound *bound = map_get(&vm->plan->services, slice_str(name));
    if (!frame || !bound)
        return luaL_error(L, "there is no service \"%s\"", name);
    struct script *owner = vm_owner(vm, bound);
    if (owner->barred)
        return luaL_error(L, "%s", owner->barred);
    enum err e = vm_ready(owner, bound->ref, frame->call->ctx);
    if (e)
        vm_veto(L, e);
    lua_settop(L, 2);
    vm_push_ref(L, bound->ref);
    lua_insert(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, owner->context);
    struct script *caller = frame->script;
    frame->script = owner; /* keys and errors are those of the service's plugin */
    lua_pushcfunction(L, vm_pcall);
    lua_insert(L, 2);
    lua_call(L, 3, 2);
    frame->script = caller;
    return lua_toboolean(L, -2) ? 1 : lua_error(L);
}

/*** Does some plugin offer this service?
 * @param name string
 * @return boolean
 * @usage if not ctx.offers("connector." .. name .. ".push") then ev:fail("connector") end
 */
static int context_offers(lua_State *L)
{
    drop_self(L);
    struct vm *vm = vm_of(L);
    const char *name = luaL_checkstring(L, 1);
    lua_pushboolean(L, map_get(&vm->plan->services, slice_str(name)) != NULL);
    return 1;
}

static const luaL_Reg functions[] = {
    {"now", context_now},   {"t", context_t},           {"can", context_can},
    {"may", context_may},   {"has", context_has},       {"limits", context_limits},
    {"call", context_call}, {"offers", context_offers}, {NULL, NULL}};

/* --- members --- */

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text) {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

static void push_tenant(lua_State *L)
{
    const struct tenant *tenant = vm_ctx(L)->tenant;
    lua_createtable(L, 0, 5);
    set_text(L, "name", tenant->name);
    set_text(L, "title", tenant->title);
    set_text(L, "locale", tenant->locale);
    set_text(L, "timezone", tenant->timezone);
    set_text(L, "currency", tenant->currency);
    frozen_wrap(L);
}

static void set_id(lua_State *L, const char *name, int64_t id)
{
    if (id) {
        lua_pushinteger(L, id);
        lua_setfield(L, -2, name);
    }
}

static void push_user(lua_State *L)
{
    const struct actor *actor = vm_ctx(L)->actor;
    if (!actor) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 0, 7);
    set_id(L, "id", actor->user);
    set_id(L, "team", actor->team);
    set_id(L, "department", actor->department);
    set_id(L, "manager", actor->manager);
    set_text(L, "login", actor->login);
    set_text(L, "name", actor->name);
    frozen_wrap(L);
}

/* Upvalues: the script, the members that stay the same. */
static int context_index(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL)
        return 1;
    vm_allow(L, ANY_CALL, "ctx");
    if (strcmp(name, "tenant") == 0)
        push_tenant(L);
    else if (strcmp(name, "user") == 0)
        push_user(L);
    else if (strcmp(name, "source") == 0)
        lua_pushstring(L, ctx_source_name(vm_ctx(L)->source));
    else if (strcmp(name, "address") == 0)
        lua_pushstring(L, vm_ctx(L)->address);
    else
        return luaL_error(L, "ctx has no member \"%s\"", name);
    return 1;
}

static int context_newindex(lua_State *L)
{
    return luaL_error(L, "ctx is read-only");
}

static bool is_secret(const struct script *script, struct slice name)
{
    json_each(setting, json_get(script->plugin->manifest, "config"))
    {
        if (slice_eq(json_str(setting, "name", SLICE("")), name))
            return slice_is(json_str(setting, "type", SLICE("")), "secret");
    }
    return false;
}

/* Of a secret there is a handle. [-0, +1] */
static void push_config(lua_State *L, const struct script *script, const struct json *config)
{
    lua_newtable(L);
    json_each(value, config)
    {
        lua_pushlstring(L, value->key.at, value->key.len);
        if (is_secret(script, value->key))
            bind_secret_push(L, script, arena_str(script->vm->arena, value->key));
        else
            convert_push_json(L, value, true);
        lua_rawset(L, -3);
    }
    frozen_wrap(L);
}

void luaopen_crm_context(lua_State *L, struct script *script)
{
    static const luaL_Reg *const all[] = {functions,   bind_tx,       bind_fields, bind_mail,
                                          bind_notify, bind_document, bind_changes};
    const struct json *config = map_get(&script->vm->model->configs, slice_str(script->id));
    luaL_checkstack(L, 12, NULL);
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 4);
    lua_pushlightuserdata(L, script);
    lua_newtable(L);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        lua_pushlightuserdata(L, script);
        luaL_setfuncs(L, all[i], 1);
    }
    bind_http_push(L, script);
    lua_setfield(L, -2, "http");
    bind_log_push(L, script);
    lua_setfield(L, -2, "log");
    luaopen_crm_db(L, script);
    lua_setfield(L, -2, "db");
    bind_queue_push(L, script);
    lua_setfield(L, -2, "queue");
    luaopen_crm_kv(L, script);
    lua_setfield(L, -2, "kv");
    push_config(L, script, config);
    lua_setfield(L, -2, "config");
    lua_pushcclosure(L, context_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, context_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "crm.context");
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
}
