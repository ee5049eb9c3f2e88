/* bind_trial - `t`: what a test of a plugin does and expects.
 *
 * Everything here is called from a case itself, outside of any transaction. Limits of reads and
 * writes begin anew with each call, as they do with each request.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/id.h"
#include "outbound/fetch.h"
#include "script/plan.h"
#include "script/sandbox_in.h"
#include "script/trial_in.h"

static struct trial *trial_of(lua_State *L)
{
    struct trial *trial = lua_touserdata(L, lua_upvalueindex(1));
    if (trial->vm->depth != 1)
        luaL_error(L, "t belongs to the test itself, not to what runs in it");
    trial->vm->used = (struct vm_used){.ticks = trial->vm->used.ticks};
    return trial;
}

/* --- refusals --- */

/* The data said no, and nobody expected it to. */
static int refused(lua_State *L, const struct trial *trial, const char *what)
{
    return luaL_error(L, "%s was refused: %s", what, trial->refusal.text);
}

/* What the core refused becomes the case's error; nothing else does. */
static void check(lua_State *L, struct trial *trial, enum err e, const char *what)
{
    struct ctx *ctx = trial->ctx;
    struct vm *vm = trial->vm;
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (!e)
        return;
    if (e == ERR_PLUGIN && ctx->err.detail)
        luaL_error(L, "%s: %s", what, ctx->err.detail);
    const struct err_info said = ctx->err;
    const struct err_field *f = said.first;
    const char *text = f              ? arena_printf(ctx->arena, "%s: %s", f->field, f->code)
                       : said.message ? said.message
                                      : err_text(e, ctx->lang);
    trial_refused(trial, e, &said, text);
    err_info_clear(&ctx->err);
    refused(L, trial, what);
}

/* "@level_min" is what "acme.sales:level_min" was said by; also written in full, or as it is. */
static bool is_code(const char *said, const char *wanted)
{
    const char *key = *wanted == '@' ? wanted + 1 : wanted, *colon = strchr(said, ':');
    return strcmp(said, key) == 0 || (colon && strcmp(colon + 1, key) == 0);
}

static const char *said_all(struct arena *arena, const struct refusal *refusal)
{
    const char *text = refusal->e ? refusal->text : "nothing";
    for (const struct err_field *f = refusal->first; f; f = f->next)
        text = arena_printf(arena, f == refusal->first ? "%s (%s: %s" : "%s, %s: %s", text,
                            *f->field ? f->field : "the record", f->code);
    if (refusal->first || !refusal->e)
        return refusal->first ? arena_printf(arena, "%s)", text) : text;
    return arena_printf(arena, "%s (%s)", text,
                        *refusal->code ? refusal->code : err_code(refusal->e));
}

static void expect_field(lua_State *L, const struct trial *trial, const char *field,
                         const char *wanted)
{
    for (const struct err_field *f = trial->refusal.first; f; f = f->next)
        if (strcmp(f->field, field) == 0 && (!*wanted || is_code(f->code, wanted)))
            return;
    luaL_error(L, "expected %s to be refused%s%s, got %s", field, *wanted ? " with " : "", wanted,
               said_all(trial->ctx->arena, &trial->refusal));
}

static void expect(lua_State *L, const struct trial *trial)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        const char *wanted = lua_tostring(L, 2);
        const struct refusal *refusal = &trial->refusal;
        if (!is_code(refusal->code, wanted) && strcmp(err_code(refusal->e), wanted) != 0 &&
            !(refusal->first && is_code(refusal->first->code, wanted)))
            luaL_error(L, "expected %s, got %s", wanted, said_all(trial->ctx->arena, refusal));
        return;
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        bool any = lua_type(L, -1) == LUA_TBOOLEAN; /* { amount = true }: whatever was said */
        const char *field = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (!field || (!any && lua_type(L, -1) != LUA_TSTRING))
            luaL_error(L, "what is expected is written { field = \"@key\" }");
        expect_field(L, trial, field, any ? "" : lua_tostring(L, -1));
        lua_pop(L, 1);
    }
}

/*** Runs a function whose writes the data has to refuse.
 * @param fn function
 * @param expected table|string|nil { field = "@key" }, all of them; or the key or code of a refusal
 *   that belongs to no field; nil: any refusal
 * @usage t.expect_fail(function() t.db.lead:insert { name = "" } end, { name = "required" })
 */
static int t_expect_fail(lua_State *L)
{
    struct trial *trial = trial_of(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2); /* what is expected may be left out */
    trial->refusal = (struct refusal){0};
    lua_pushcfunction(L, vm_pcall);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    if (lua_toboolean(L, -2))
        return luaL_error(L, "nothing was refused");
    if (!trial->refusal.e) /* it failed for another reason: a slip of the test, a handler's fault */
        return lua_error(L);
    if (!lua_isnoneornil(L, 2))
        expect(L, trial);
    return 0;
}

/* --- comparing --- */

static void push_shown(lua_State *L, int at)
{
    if (lua_type(L, at) == LUA_TSTRING)
        lua_pushfstring(L, "\"%s\"", lua_tostring(L, at));
    else
        sandbox_push_text(L, at);
}

static bool is_equal(lua_State *L, int a, int b, int deep);

/* Has b all that a has? */
static bool holds(lua_State *L, int a, int b, int deep)
{
    lua_pushnil(L);
    while (lua_next(L, a)) {
        lua_pushvalue(L, -2);
        lua_gettable(L, b);
        bool same = is_equal(L, lua_gettop(L) - 1, lua_gettop(L), deep);
        lua_pop(L, 2);
        if (!same) {
            lua_pop(L, 1);
            return false;
        }
    }
    return true;
}

static bool is_equal(lua_State *L, int a, int b, int deep)
{
    luaL_checkstack(L, 12, NULL);
    int top = lua_gettop(L);
    if (lua_compare(L, a, b, LUA_OPEQ))
        return true;
    if (frozen_open(L, a))
        a = lua_gettop(L);
    if (frozen_open(L, b))
        b = lua_gettop(L);
    bool same = lua_istable(L, a) && lua_istable(L, b) && deep < TRIAL_EQUAL_DEPTH_MAX &&
                holds(L, a, b, deep + 1) && holds(L, b, a, deep + 1);
    lua_settop(L, top);
    return same;
}

/*** Two values are the same; tables by what they hold.
 * @param got any
 * @param expected any
 * @param about string|nil said when they are not
 */
static int t_eq(lua_State *L)
{
    (void)trial_of(L);
    luaL_checkany(L, 2);
    if (is_equal(L, 1, 2, 0))
        return 0;
    push_shown(L, 1);
    push_shown(L, 2);
    return luaL_error(L, "%s%sexpected %s, got %s", luaL_optstring(L, 3, ""),
                      lua_isnoneornil(L, 3) ? "" : ": ", lua_tostring(L, -1), lua_tostring(L, -2));
}

/*** A value is neither nil nor false. It is given back.
 * @param value any
 * @param about string|nil said when it is
 */
static int t_ok(lua_State *L)
{
    (void)trial_of(L);
    if (!lua_toboolean(L, 1))
        return luaL_error(L, "%s", luaL_optstring(L, 2, "expected something, got nothing"));
    lua_settop(L, 1);
    return 1;
}

/* --- people --- */

static void act(struct trial *trial, bool as_system)
{
    trial->ctx->as_system = as_system;
    trial->vm->unit_as_system = as_system;
}

/*** From here on a person asks: with that one's rights. Without a login, the system does, as at the
 * beginning of each case.
 * @param login string|nil
 */
static int t_as(lua_State *L)
{
    struct trial *trial = trial_of(L);
    trial->ctx->actor = NULL;
    act(trial, true);
    if (lua_isnoneornil(L, 1))
        return 0;
    const char *login = luaL_checkstring(L, 1);
    enum err e = trial->host->act_as(trial->host, trial->ctx, login);
    if (e == ERR_NOT_FOUND)
        return luaL_error(L, "there is no user \"%s\": t.user { login = \"%s\" }", login, login);
    if (e)
        vm_veto(L, e);
    act(trial, false);
    return 0;
}

struct making {
    struct trial *trial;
    const struct json *spec;
    int64_t id;
};

static enum err user_fn(struct ctx *ctx, void *arg)
{
    struct making *making = arg;
    struct trial_host *host = making->trial->host;
    return host->user(host, ctx, making->spec, &making->id);
}

/*** Makes a user.
 * @param spec table login; also name, roles (list), team, department, manager (a login)
 * @return integer id
 * @usage t.user { login = "sales1", roles = { "sales" }, team = "East" }
 */
static int t_user(lua_State *L)
{
    struct trial *trial = trial_of(L);
    struct making making = {.trial = trial};
    luaL_checktype(L, 1, LUA_TTABLE);
    making.spec = convert_json(L, 1, trial->ctx->arena, NULL);
    check(L, trial, vm_write(L, user_fn, &making), "the user");
    lua_pushinteger(L, making.id);
    return 1;
}

/* --- time --- */

static void clock_set(struct trial *trial, int64_t ms)
{
    clock_fix(ms);
    trial->ctx->now_ms = ms;
}

/*** t.clock.set puts the clock; it stands still until it is put or advanced again.
 * @param at datetime|string "2026-01-31T09:30:00Z"
 */
static int clock_set_at(lua_State *L)
{
    struct trial *trial = trial_of(L);
    const struct time_box *at = luaL_testudata(L, 1, DATETIME_META);
    int64_t ms = at ? at->at : 0;
    if (!at && !time_parse(slice_str(luaL_checkstring(L, 1)), &ms))
        return luaL_argerror(L, 1, "an instant is written 2026-01-31T09:30:00Z");
    clock_set(trial, ms);
    return 0;
}

/*** t.clock.advance moves the clock on.
 * @param by table weeks, days, hours, minutes, seconds, as datetime:add takes them
 * @return datetime
 */
static int clock_advance(lua_State *L)
{
    struct trial *trial = trial_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    datetime_push(L, trial->ctx->now_ms);
    lua_getfield(L, -1, "add");
    lua_insert(L, -2);
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
    clock_set(trial, ((const struct time_box *)luaL_checkudata(L, -1, DATETIME_META))->at);
    return 1;
}

/*** t.clock.now
 * @return datetime
 */
static int clock_now(lua_State *L)
{
    datetime_push(L, trial_of(L)->ctx->now_ms);
    return 1;
}

static const luaL_Reg clock_functions[] = {
    {"set", clock_set_at}, {"advance", clock_advance}, {"now", clock_now}, {NULL, NULL}};

/* --- what runs --- */

/*** Delivers what waits: handlers of after_commit, and jobs that were pushed.
 * @return integer how many
 * @return table why those failed that did; empty when all went well
 */
static int t_run_outbox(lua_State *L)
{
    struct trial *trial = trial_of(L);
    const struct json *failed = NULL;
    int done = 0;
    enum err e = trial->host->outbox(trial->host, &done, &failed);
    check(L, trial, e, "the outbox");
    lua_pushinteger(L, done);
    convert_push_json(L, failed, false);
    return 2;
}

static enum err keep(struct task *task, struct ctx *ctx, const char *state_json, bool requeue)
{
    const struct trial *trial = task->user;
    (void)ctx;
    (void)requeue;
    if (!state_json)
        return ERR_OK;
    return json_parse(trial->ctx->arena, slice_str(arena_strdup(trial->ctx->arena, state_json)),
                      &task->state, NULL);
}

static enum err run_steps(struct trial *trial, struct task *task)
{
    enum err e;
    struct await *answered = NULL;
    do {
        task->yielded = false;
        task->await = NULL;
        task->answered = answered;
        if (answered)
            task->state = answered->state;
        trial->vm->used = (struct vm_used){.ticks = trial->vm->used.ticks};
        e = task_run(trial->vm, trial->ctx, task, &trial->host->vm);
        if (answered)
            await_free(answered);
        answered = task->await;
    } while (!e && (task->yielded || answered));
    if (answered)
        await_free(answered);
    return e;
}

/*** Runs a job of the plugin from its beginning to its end, all steps of it.
 * @param name string "recycle", or "leads:recycle" of another plugin
 * @param args any what ctx.queue:push would hand to it
 * @return any what it returns
 */
static int t_run_job(lua_State *L)
{
    struct trial *trial = trial_of(L);
    struct ctx *ctx = trial->ctx;
    const char *name = luaL_checkstring(L, 1), *colon = strchr(name, ':');
    struct task task = {.plugin = trial->script->id, .name = name, .keep = keep, .user = trial};
    task.at_ms = ctx->now_ms;
    if (colon) {
        task.plugin = arena_str(ctx->arena, slice_of(name, (size_t)(colon - name)));
        task.name = colon + 1;
    }
    if (!lua_isnoneornil(L, 2))
        task.args = convert_json(L, 2, ctx->arena, NULL);
    struct ctx before = *ctx;
    ctx->actor = NULL;
    ctx->source = CTX_JOB;
    act(trial, false); /* nobody: what it may do is its plugin's to declare */
    enum err e = run_steps(trial, &task);
    ctx->actor = before.actor;
    ctx->source = before.source;
    act(trial, before.as_system);
    if (e == ERR_NOT_FOUND)
        return luaL_error(L, "%s has no job \"%s\"", task.plugin, task.name);
    check(L, trial, e, name);
    convert_push_json(L, task.result, false);
    return 1;
}

/* --- services and operations --- */

struct asking {
    struct trial *trial;
    const char *name;
    const struct entity *entity;
    int64_t id;
    const struct json *params;
    const struct bound *bound;
    int argument, result; /* registry */
    struct buf out;
};

static int push_argument(lua_State *L, void *arg)
{
    const struct asking *asking = arg;
    lua_rawgeti(L, LUA_REGISTRYINDEX, asking->argument);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_owner(vm_of(L), asking->bound)->context);
    return 2;
}

static void take_result(lua_State *L, void *arg)
{
    struct asking *asking = arg;
    lua_pushvalue(L, -1);
    asking->result = luaL_ref(L, LUA_REGISTRYINDEX);
}

static enum err service_fn(struct ctx *ctx, void *arg)
{
    struct asking *asking = arg;
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_ACTION,
                           .handler = asking->name,
                           .push = push_argument,
                           .take = take_result,
                           .arg = asking};
    int before = ctx->err.count;
    enum err e = vm_call(vm_owner(asking->trial->vm, asking->bound), asking->bound->ref, &call);
    return !e && ctx->err.count > before ? ERR_VALIDATION : e;
}

/*** Calls a service, as ctx.call does, in a transaction of its own.
 * @param name string
 * @param argument any
 * @return any
 */
static int t_call(lua_State *L)
{
    struct trial *trial = trial_of(L);
    struct asking asking = {.trial = trial, .name = luaL_checkstring(L, 1), .result = LUA_NOREF};
    asking.bound = map_get(&trial->vm->plan->services, slice_str(asking.name));
    if (!asking.bound)
        return luaL_error(L, "there is no service \"%s\"", asking.name);
    lua_settop(L, 2);
    asking.argument = luaL_ref(L, LUA_REGISTRYINDEX);
    enum err e = vm_write(L, service_fn, &asking);
    lua_rawgeti(L, LUA_REGISTRYINDEX, asking.result);
    luaL_unref(L, LUA_REGISTRYINDEX, asking.result);
    luaL_unref(L, LUA_REGISTRYINDEX, asking.argument);
    check(L, trial, e, asking.name);
    return 1;
}

static enum err action_fn(struct ctx *ctx, void *arg)
{
    struct asking *asking = arg;
    struct record *record;
    enum err e = record_load(ctx, asking->entity, asking->id, ROLE_READ, &record);
    if (!e)
        e = vm_action(asking->trial->vm, ctx, asking->entity, asking->name, record, asking->params,
                      &asking->out);
    return e;
}

/*** Runs an operation of a record, as POST /records/{entity}/{id}/actions/{name} does.
 * @param entity string
 * @param record integer|record its id
 * @param name string
 * @param params table|nil
 * @return table the answer, as JSON has it
 */
static int t_action(lua_State *L)
{
    struct trial *trial = trial_of(L);
    struct asking asking = {.trial = trial, .name = luaL_checkstring(L, 3)};
    const struct json *answer = NULL;
    const struct record_handle *handle = record_test(L, 2);
    asking.entity = bind_entity(L, 1);
    if (!asking.entity)
        return luaL_argerror(L, 1, "the name of an entity is expected");
    asking.id = handle ? (handle->values ? handle->values : handle->record->now)[SLOT_ID].integer
                       : luaL_checkinteger(L, 2);
    asking.params = lua_isnoneornil(L, 4) ? json_new(trial->ctx->arena, JSON_OBJECT)
                                          : convert_json(L, 4, trial->ctx->arena, NULL);
    enum err e = vm_write(L, action_fn, &asking);
    if (!e)
        e = json_parse(trial->ctx->arena, arena_slice(trial->ctx->arena, buf_slice(&asking.out)),
                       &answer, NULL);
    buf_release(&asking.out);
    check(L, trial, e, asking.name);
    convert_push_json(L, answer, false);
    return 1;
}

/* --- invariants --- */

struct sentences {
    lua_State *L;
    const char *name;
};

static void take_wrong(void *arg, int64_t id, const char *wrong)
{
    const struct sentences *sentences = arg;
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    lua_pushfstring(sentences->L, "%s: %s: %s", sentences->name, text, wrong);
    lua_rawseti(sentences->L, -2, (lua_Integer)lua_rawlen(sentences->L, -2) + 1);
}

/*** Asks the plugin's crm.check of all records, as `perigee check` does.
 * @return table what is wrong, sentence by sentence; empty when everything holds
 * @usage t.eq(t.check(), {})
 */
static int t_check(lua_State *L)
{
    struct trial *trial = trial_of(L);
    int count = 0;
    const struct check_rule *rules = check_all(trial->vm, &count);
    lua_newtable(L);
    luaL_checkstack(L, 8, NULL);
    for (int n = 0; n < count; n++) {
        struct sentences sentences = {L, rules[n].name};
        int64_t records = 0;
        if (strcmp(rules[n].plugin, trial->script->id) != 0)
            continue;
        trial->vm->used = (struct vm_used){.ticks = trial->vm->used.ticks};
        check(L, trial, check_run(trial->vm, trial->ctx, n, take_wrong, &sentences, &records),
              rules[n].name);
    }
    return 1;
}

/* --- the outside --- */

/*** Answers ctx.http from here on: fn(call) gets method, url, headers and body, and returns
 * { status =, headers =, body = } or { json = }; or nil and a text, as when nobody answers.
 * @param fn function
 * @usage t.http(function(call) return { status = 201, json = { no = 7 } } end)
 */
static int t_http(lua_State *L)
{
    struct trial *trial = trial_of(L);
    luaL_unref(L, LUA_REGISTRYINDEX, trial->stub);
    trial->stub = bind_function(L, 1);
    return 0;
}

/*** What ctx.http was asked for so far.
 * @return table list of method, url, headers, body
 */
static int t_calls(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial_of(L)->calls);
    return 1;
}

/*** The letters that were posted, oldest first.
 * @return table list of to, subject, text, html, template, data, lang
 */
static int t_mails(lua_State *L)
{
    struct trial *trial = trial_of(L);
    const struct json *list = NULL;
    check(L, trial, trial->host->mails(trial->host, trial->ctx, &list), "the letters");
    convert_push_json(L, list, false);
    return 1;
}

static void push_fetch(lua_State *L, const struct fetch *fetch)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, fetch->method);
    lua_setfield(L, -2, "method");
    lua_pushstring(L, fetch->url);
    lua_setfield(L, -2, "url");
    lua_pushlstring(L, fetch->body.at ? fetch->body.at : "", fetch->body.len);
    lua_setfield(L, -2, "body");
    lua_createtable(L, 0, fetch->headers_count);
    for (int i = 0; i < fetch->headers_count; i++) {
        lua_pushstring(L, fetch->headers[i].value);
        lua_setfield(L, -2, fetch->headers[i].name);
    }
    lua_setfield(L, -2, "headers");
}

/* The table on top as an answer. */
static void take_answer(lua_State *L, struct arena *arena, struct fetch_answer *out)
{
    const struct json *given = convert_json(L, -1, arena, NULL), *headers;
    struct buf b = BUF_INIT;
    int n = 0;
    out->status = (int)json_int(given, "status", 200);
    headers = json_get(given, "headers");
    out->headers =
        arena_array(arena, struct fetch_header, headers ? (size_t)headers->count + 1 : 1);
    json_each(header, headers)
    {
        if (header->type == JSON_STRING)
            out->headers[n++] = (struct fetch_header){arena_str(arena, header->key),
                                                      arena_str(arena, header->text)};
    }
    out->headers_count = n;
    out->body = json_str(given, "body", SLICE(""));
    if (json_get(given, "json")) {
        json_put(&b, json_get(given, "json"));
        out->body = arena_slice(arena, buf_slice(&b));
        buf_release(&b);
    }
}

enum err trial_fetch(lua_State *L, struct arena *arena, const struct fetch *fetch,
                     struct fetch_answer *out, const char **why)
{
    struct trial *trial = vm_of(L)->trial;
    luaL_checkstack(L, 12, NULL);
    push_fetch(L, fetch);
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->calls);
    lua_pushvalue(L, -2);
    lua_Integer count = (lua_Integer)lua_rawlen(L, -2);
    lua_rawseti(L, -2, count + 1);
    lua_pop(L, 1);
    if (trial->stub == LUA_NOREF) {
        luaL_error(L, "a test calls nobody: answer %s with t.http(function(call) … end)",
                   fetch->url);
        BUG("luaL_error came back");
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->stub);
    lua_insert(L, -2);
    lua_call(L, 1, 2);
    bool is_answer = lua_istable(L, -2);
    *why = is_answer ? NULL : arena_strdup(arena, luaL_optstring(L, -1, "nobody answers"));
    lua_pop(L, 1);
    if (is_answer)
        take_answer(L, arena, out);
    lua_pop(L, 1);
    return is_answer ? ERR_OK : ERR_IO;
}

/* --- t.db --- */

/* Upvalues: the trial, the entity's name, the method's. Called with t.db.<entity> in front. */
static int db_call(lua_State *L)
{
    struct trial *trial = trial_of(L);
    const char *entity = lua_tostring(L, lua_upvalueindex(2));
    const char *method = lua_tostring(L, lua_upvalueindex(3));
    int args = lua_gettop(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->ctx->as_system ? trial->db : trial->db_people);
    lua_getfield(L, -1, entity);
    lua_replace(L, 1);
    lua_pop(L, 1);
    lua_getfield(L, 1, method);
    lua_insert(L, 1);
    lua_call(L, args, LUA_MULTRET);
    bool is_refusal = lua_gettop(L) == 3 && lua_isnil(L, 1) && lua_isstring(L, 3);
    if (is_refusal && strcmp(lua_tostring(L, 3), "NOT_FOUND") == 0 && strcmp(method, "get") == 0) {
        lua_pushnil(L);
        return 1;
    }
    return is_refusal ? refused(L, trial, entity) : lua_gettop(L);
}

/* Upvalue 1: the trial. t.db.lead: a table of methods, made on first use. */
static int db_index(lua_State *L)
{
    static const char *const methods[] = {"get",    "find",   "each",   "count", "aggregate",
                                          "insert", "update", "delete", NULL};
    (void)trial_of(L);
    lua_settop(L, 2);
    if (!bind_entity(L, 2))
        return luaL_argerror(L, 2, "the name of an entity is expected");
    lua_newtable(L);
    for (const char *const *method = methods; *method; method++) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_pushvalue(L, 2);
        lua_pushstring(L, *method);
        lua_pushcclosure(L, db_call, 3);
        lua_setfield(L, 3, *method);
    }
    lua_pushvalue(L, 3);
    lua_setfield(L, 1, lua_tostring(L, 2));
    return 1;
}

/* --- t --- */

static const luaL_Reg functions[] = {
    {"expect_fail", t_expect_fail},
    {"eq", t_eq},
    {"ok", t_ok},
    {"as", t_as},
    {"user", t_user},
    {"run_outbox", t_run_outbox},
    {"run_job", t_run_job},
    {"call", t_call},
    {"action", t_action},
    {"check", t_check},
    {"http", t_http},
    {"calls", t_calls},
    {"mails", t_mails},
    {"money", bind_money_new},
    {"decimal", bind_decimal_new},
    {"date", bind_date_new},
    {"datetime", bind_datetime_new},
    {NULL, NULL},
};

static int no_member(lua_State *L)
{
    return luaL_error(L, "t has no member \"%s\"", luaL_checkstring(L, 2));
}

void bind_trial_push(lua_State *L, struct trial *trial)
{
    luaL_checkstack(L, 10, NULL);
    lua_newtable(L);
    lua_pushlightuserdata(L, trial);
    luaL_setfuncs(L, functions, 1);
    lua_newtable(L);
    lua_pushlightuserdata(L, trial);
    luaL_setfuncs(L, clock_functions, 1);
    lua_setfield(L, -2, "clock");
    lua_rawgeti(L, LUA_REGISTRYINDEX, trial->script->context);
    lua_setfield(L, -2, "ctx");
    lua_newtable(L); /* db */
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, trial);
    lua_pushcclosure(L, db_index, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "db");
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, no_member);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}
