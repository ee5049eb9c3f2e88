/* bind_tx - `ctx.tx`, `ctx.once`, `ctx.emit`: what a plugin does as one unit of work.
 *
 * Code that may wait (after_commit, jobs, routes) runs outside of any transaction. It borrows the
 * tenant's write turn for one function at a time; that function may not wait itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/id.h"
#include "hook/once.h"
#include "script/bind.h"

#define WAITERS (VM_COMMIT | VM_JOB | VM_ROUTE)
#define WRITERS (VM_AFTER | VM_ACTION | VM_TX | WAITERS)

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* --- a function in a transaction --- */

struct work {
    struct script *script;
    struct vm_call call;
    int ref, result; /* registry */
    const char *key; /* ctx.once, else NULL */
    bool was_done;
};

static void take_result(lua_State *L, void *arg)
{
    struct work *work = arg;
    lua_pushvalue(L, -1);
    work->result = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* May run twice: what the first time left in the registry is dropped. */
static enum err call_function(struct ctx *ctx, struct work *work)
{
    luaL_unref(work->script->vm->L, LUA_REGISTRYINDEX, work->result);
    work->result = LUA_NOREF;
    work->call.ctx = ctx;
    return vm_call(work->script, work->ref, &work->call);
}

static enum err tx_fn(struct ctx *ctx, void *arg)
{
    return call_function(ctx, arg);
}

/* What the core answered becomes the script's error, or goes through it. */
static void check(lua_State *L, enum err e)
{
    struct vm *vm = vm_of(L);
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (e == ERR_PLUGIN && vm_ctx(L)->err.detail)
        luaL_error(L, "%s", vm_ctx(L)->err.detail);
    if (e)
        vm_veto(L, e);
}

static void work_run(lua_State *L, struct work *work, int at, unsigned moment,
                     enum err (*fn)(struct ctx *ctx, void *arg))
{
    const struct frame *frame = vm_frame(vm_of(L));
    luaL_checktype(L, at, LUA_TFUNCTION);
    work->script = script_of(L);
    work->result = LUA_NOREF;
    work->call = (struct vm_call){.ctx = frame->call->ctx,
                                  .event = frame->call->event,
                                  .moment = (enum vm_moment)moment,
                                  .handler = frame->call->handler,
                                  .take = take_result,
                                  .arg = work};
    work->ref = bind_function(L, at);
    enum err e = vm_write(L, fn, work);
    luaL_unref(L, LUA_REGISTRYINDEX, work->ref);
    lua_rawgeti(L, LUA_REGISTRYINDEX, work->result);
    luaL_unref(L, LUA_REGISTRYINDEX, work->result);
    check(L, e);
}

/* Functions may be written ctx.tx(…) or ctx:tx(…). */
static void drop_self(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA)
        lua_remove(L, 1);
}

/*** Runs a function as one transaction: all that it writes is there afterwards, or nothing. It has
 * 50 ms and may not wait itself (no ctx.http). An error in it rolls everything back and is raised
 * again; records that were read in it cannot be used behind it.
 * @param fn function
 * @return any what fn returned (one value)
 * @moment after_commit job route
 * @usage local id = ctx.tx(function() return assert(ctx.db.task:insert { subject = "x" }).id end)
 */
static int context_tx(lua_State *L)
{
    struct work work = {0};
    drop_self(L);
    vm_allow(L, WAITERS, "ctx.tx");
    work_run(L, &work, 1, VM_TX, tx_fn);
    return 1;
}

/* --- once --- */

static enum err once_fn(struct ctx *ctx, void *arg)
{
    struct work *work = arg;
    const char *plugin = work->script->id;
    enum err e = once_is_done(ctx, plugin, work->key, &work->was_done);
    if (e || work->was_done)
        return e;
    e = call_function(ctx, work);
    return e ? e : once_put(ctx, plugin, work->key);
}

/*** Runs a function once for a key, however often this is called: the key is kept in the same
 * transaction as what the function writes. Keys are the plugin's own and kept for 90 days.
 * @param key string
 * @param fn function as for ctx.tx
 * @return boolean did it run now?
 * @moment after_* action after_commit job route
 * @usage ctx.once(ev.id, function() ctx.db.account:update(id, { pushed = true }) end)
 */
static int context_once(lua_State *L)
{
    struct work work = {0};
    drop_self(L);
    vm_allow(L, WRITERS, "ctx.once");
    luaL_checkstring(L, 1);
    struct slice key = convert_text(L, 1);
    luaL_argcheck(L, key.len > 0 && key.len <= ONCE_KEY_BYTES_MAX, 1, "a key has 1 to 200 bytes");
    work.key = arena_str(vm_ctx(L)->arena, key);
    unsigned now = (unsigned)vm_frame(vm_of(L))->call->moment;
    work_run(L, &work, 2, now & WAITERS ? (unsigned)VM_TX : now, once_fn);
    lua_pushboolean(L, !work.was_done);
    return 1;
}

/* --- declared events --- */

static bool fits(const struct json *value, struct slice type)
{
    static const struct {
        const char *type;
        enum json_type json;
    } types[] = {
        {"id", JSON_INT},      {"int", JSON_INT},         {"text", JSON_STRING},
        {"bool", JSON_BOOL},   {"money", JSON_OBJECT},    {"decimal", JSON_STRING},
        {"date", JSON_STRING}, {"datetime", JSON_STRING}, {"list", JSON_ARRAY},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(type, types[i].type))
            return value->type == types[i].json;
    return true; /* json */
}

/* The payload against its declaration: { "lead": "id!", "score": "int" }, ! = it has to be there.
 */
static void payload_check(lua_State *L, const char *name, const struct json *declared,
                          const struct json *payload)
{
    json_each(member, payload)
    {
        const struct json *type = json_get_slice(declared, member->key);
        if (!type)
            luaL_error(L, "the event %s has no \"%s\"", name, member->key.at);
        struct slice text = type->text;
        if (slice_ends(text, SLICE("!")))
            text.len--;
        if (member->type != JSON_NULL && !fits(member, text))
            luaL_error(L, "%s of the event %s is a %s", member->key.at, name,
                       arena_str(vm_ctx(L)->arena, text));
    }
    json_each(type, declared)
    {
        const struct json *member = json_get_slice(payload, type->key);
        if (slice_ends(type->text, SLICE("!")) && (!member || member->type == JSON_NULL))
            luaL_error(L, "the event %s lacks \"%s\"", name, type->key.at);
    }
}

static const char *emit_chain(struct ctx *ctx, const char *name, const struct emitting *emitting)
{
    const char *text = name;
    for (; emitting; emitting = emitting->up)
        text = arena_printf(ctx->arena, "%s < %s", text, emitting->name);
    return text;
}

static enum err emit_fn(struct ctx *ctx, void *arg)
{
    struct event *event = arg;
    event->moment = HOOK_EVENT;
    enum err e = hook_fire(ctx->unit->hooks, ctx, event);
    event->moment = HOOK_AFTER_COMMIT;
    return e ? e : hook_fire(ctx->unit->hooks, ctx, event);
}

/*** Fires an event that the plugin declares in its folder events. Its handlers run now, in this
 * unit of work (a refusal of theirs ends it); those of after_commit when it is stored.
 * @param name string
 * @param payload table|nil as declared
 * @moment after_* action after_commit job route
 * @usage ctx.emit("lead.scored", { lead = ev.record.id, score = 80 })
 */
static int context_emit(lua_State *L)
{
    drop_self(L);
    vm_allow(L, WRITERS, "ctx.emit");
    struct vm *vm = vm_of(L);
    struct ctx *ctx = vm_ctx(L);
    const char *name = luaL_checkstring(L, 1);
    const struct model_view *view = model_view(vm->model, NULL, "event", name);
    if (!view || strcmp(view->plugin, script_of(L)->id) != 0)
        return luaL_error(L, "%s does not declare the event \"%s\"", script_of(L)->id, name);
    struct json *payload = lua_isnoneornil(L, 2) ? json_new(ctx->arena, JSON_OBJECT)
                                                 : convert_json(L, 2, ctx->arena, NULL);
    luaL_argexpected(L, payload->type == JSON_OBJECT || !payload->count, 2, "table");
    payload->type = JSON_OBJECT;
    payload_check(L, name, json_get(view->body, "payload"), payload);
    const char *about = json_cstr(view->body, "entity", NULL);
    struct event event = {.entity = view->name,
                          .name = view->name,
                          .payload = payload,
                          .subject = about ? json_int(payload, about, 0) : 0,
                          .actor = ctx->actor ? ctx->actor->user : 0,
                          .id = id_next()};
    struct emitting emitting = {view->name, vm->emitting,
                                vm->emitting ? vm->emitting->depth + 1 : 1};
    if (emitting.depth > EMIT_DEPTH_MAX)
        return luaL_error(L, "events set each other off more than %d deep: %s", EMIT_DEPTH_MAX,
                          emit_chain(ctx, view->name, vm->emitting));
    vm_write_count(L);
    vm->emitting = &emitting;
    enum err e = vm_write_counted(L, emit_fn, &event);
    vm->emitting = emitting.up;
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (e)
        vm_veto(L, e);
    return 0;
}

const luaL_Reg bind_tx[] = {
    {"tx", context_tx}, {"once", context_once}, {"emit", context_emit}, {NULL, NULL}};
