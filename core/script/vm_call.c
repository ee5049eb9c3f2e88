/* vm_call - the one door from C into Lua: protected, bounded, with errors that name file and line.
 *
 * An entry may nest in another: a handler writes a record whose handlers run. All of them share one
 * Lua stack; an inner entry never outlives its outer one and never has more time than it.
 *
 * Three things unwind a script past its own pcall: a refusal (ev:abort, or a core error that a
 * binding hands on), a count that was passed, and the kill. They raise one token; sandbox_pcall
 * lets it go on. After a kill the VM is not entered again.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/meter.h"
#include "base/text.h"
#include "base/tuning.h"
#include "script/fuse.h"
#include "script/plan.h"
#include "script/vm_in.h"

/* Budgets are CPU time. Sanitizers make everything several times slower, valgrind fifty times. */
#ifdef PERIGEE_SCRIPT_SLOWDOWN
#define SLOWDOWN PERIGEE_SCRIPT_SLOWDOWN
#elif defined(PERIGEE_SANITIZE)
#define SLOWDOWN 10
#else
#define SLOWDOWN 1
#endif

struct entry {
    struct vm_call *call;
    int ref;
};

/* --- stopping --- */

static void push_token(lua_State *L)
{
    lua_pushlightuserdata(L, vm_of(L));
}

/* "leads/rules.lua:7: ", the innermost line of Lua; "" without one. Allocates nothing. */
static void note_place(struct vm *vm, lua_State *L)
{
    lua_Debug ar;
    vm->place[0] = 0;
    for (int level = 0; level < SCRIPT_PLACE_LEVELS && lua_getstack(L, level, &ar); level++)
        if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0) {
            (void)snprintf(vm->place, sizeof vm->place, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
}

_Noreturn void vm_stop(lua_State *L, enum vm_stop how, const char *why)
{
    struct vm *vm = vm_of(L);
    if (how > vm->stop) {
        vm->stop = how;
        vm->why = why;
        note_place(vm, L);
    }
    push_token(L);
    lua_error(L);
    BUG("lua_error came back");
}

_Noreturn void vm_veto(lua_State *L, enum err e)
{
    struct vm *vm = vm_of(L);
    ASSERT(e);
    vm->veto = e;
    vm_stop(L, VM_VETO, NULL);
}

/* Armed by the clock after the deadline, or by the allocator past its mark. The mark is passed by
 * garbage too, so memory is judged after a collection. */
void vm_hook(lua_State *L, lua_Debug *activation)
{
    (void)activation;
    struct vm *vm = vm_of(L);
    if (vm->stop == VM_KILLED)
        vm_stop(L, VM_KILLED, vm->why);
    vm_poll(L);
    if (!vm->collect_due) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    vm->collect_due = false;
    lua_gc(L, LUA_GCCOLLECT);
    if (vm->bytes > vm->bytes_limit)
        vm_stop(L, VM_KILLED, "it used more memory than it may");
    lua_sethook(L, NULL, 0, 0);
}

void vm_poll(lua_State *L)
{
    const struct vm *vm = vm_of(L);
    if (watch_ticks() >= vm->deadline)
        vm_stop(L, VM_KILLED, "it used more CPU time than it may");
    if (vm->wall_us && watch_is_late())
        vm_stop(L, VM_KILLED, "it took more time than it may");
}

/* --- what bindings ask --- */

const struct limit *vm_limit(const struct vm *vm)
{
    return &vm->limits[vm->kind];
}

int vm_http_begin(lua_State *L)
{
    struct vm *vm = vm_of(L);
    if (++vm->used.http > vm_limit(vm)->http)
        vm_stop(L, VM_LIMIT, "it made more calls to other systems than it may");
    vm_poll(L);
    int64_t left_us = vm->wall_us - clock_mono_us();
    return left_us < 1000 ? 1 : (int)(left_us / 1000);
}

struct ctx *vm_ctx(lua_State *L)
{
    struct frame *frame = vm_frame(vm_of(L));
    if (!frame)
        luaL_error(L, "this works only inside a call");
    struct ctx *ctx = frame->call->ctx;
    vm_kept(L, ctx->arena);
    return ctx;
}

void vm_kept(lua_State *L, const struct arena *arena)
{
    const struct vm *vm = vm_of(L);
    size_t most = arena == vm->plan->arena ? SCRIPT_KEPT_BYTES_MAX : vm->arena_limit;
    if (arena_used(arena) > most)
        vm_stop(L, VM_LIMIT, "it made the core keep more data than it may");
}

void vm_allow(lua_State *L, unsigned allowed, const char *what)
{
    static const struct {
        enum vm_moment moment;
        const char *name;
    } moments[] = {
        {VM_LOAD, "while loading"},
        {VM_BEFORE, "in before_*"},
        {VM_VALIDATE, "in validate"},
        {VM_AFTER, "in after_*"},
        {VM_COMPUTED, "in a computed field"},
        {VM_ACTION, "in an action"},
        {VM_JOB, "in a job"},
        {VM_ROUTE, "in a route"},
        {VM_COMMIT, "in after_commit"},
        {VM_TX, "in ctx.tx"},
        {VM_CHECK, "in a check"},
    };
    const struct frame *frame = vm_frame(vm_of(L));
    unsigned now = frame ? (unsigned)frame->call->moment : 0;
    if (now == VM_LOAD)
        vm_kept(L, vm_of(L)->plan->arena); /* what is registered stays */
    if (now & allowed)
        return;
    luaL_Buffer list;
    luaL_buffinit(L, &list);
    for (size_t i = 0, n = 0; i < sizeof moments / sizeof *moments; i++)
        if ((unsigned)moments[i].moment & allowed) {
            luaL_addstring(&list, n++ ? ", " : "");
            luaL_addstring(&list, moments[i].name);
        }
    luaL_pushresult(&list);
    luaL_error(L, "%s works only %s", what, lua_tostring(L, -1));
}

struct script *vm_script(struct vm *vm, const char *id)
{
    for (int i = 0; i < vm->scripts_count; i++)
        if (strcmp(vm->scripts[i].id, id) == 0)
            return &vm->scripts[i];
    return NULL;
}

/* --- errors --- */

/* Runs where the error arose, so the traceback is that of the fault. */
static int on_error(lua_State *L)
{
    struct vm *vm = vm_of(L);
    if (vm->stop)
        return 1;
    if (lua_type(L, 1) != LUA_TSTRING) {
        if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
            lua_pop(L, 1);
            luaL_tolstring(L, 1, NULL);
        } else {
            lua_pushfstring(L, "(the error is a %s)", luaL_typename(L, 1));
        }
        lua_replace(L, 1);
    }
    luaL_traceback(L, L, NULL, 1);
    (void)snprintf(vm->trace, sizeof vm->trace, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return 1;
}

/* What a script says as its error: cut, and text. */
static const char *error_text(struct arena *arena, const char *text)
{
    struct slice shown = slice_str(text);
    if (shown.len > SCRIPT_ERROR_BYTES_MAX) {
        shown.len = SCRIPT_ERROR_BYTES_MAX;
        while ((shown.at[shown.len] & 0xC0) == 0x80 && shown.len)
            shown.len--; /* not through a character */
    }
    char *copy = arena_str(arena, shown);
    if (text_is_utf8(shown))
        return copy;
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    return copy;
}

static enum err fail(struct vm *vm, const struct vm_call *call, const char *text)
{
    struct ctx *ctx = call->ctx;
    ctx->err.detail = arena_printf(ctx->arena, "%s:%s %s", call->plugin, call->handler,
                                   error_text(ctx->arena, text));
    ctx->err.plugin = arena_strdup(ctx->arena, call->plugin);
    ctx->err.handler = arena_strdup(ctx->arena, call->handler);
    struct buf members = BUF_INIT;
    buf_put_str(&members, "\"plugin\":");
    json_put_cstr(&members, call->plugin);
    buf_put_str(&members, ",\"handler\":");
    json_put_cstr(&members, call->handler);
    if (vm->trace[0]) {
        buf_put_str(&members, ",\"stack\":");
        struct slice trace = slice_str(vm->trace);
        while (trace.len && !text_is_utf8(trace))
            trace.len--; /* cut inside a character */
        json_put_string(&members, trace);
        vm->trace[0] = 0;
    }
    if (!vm->is_trial)
        log_line(vm->is_guess ? LOG_DEBUG : LOG_ERROR, buf_cstr(&members), "%s", ctx->err.detail);
    buf_release(&members);
    return ERR_PLUGIN;
}

/* --- resting --- */

#define FUSED (VM_BEFORE | VM_VALIDATE | VM_AFTER | VM_COMPUTED | VM_ACTION | VM_ROUTE)

/* By what the function, or all of its plugin, is known. */
struct fuse_keys {
    uint64_t function, plugin;
};

static struct fuse_keys fuse_keys(const struct script *script, const struct vm_call *call)
{
    char text[sizeof script->code + 2 * NAME_BYTES_MAX + 32];
    const struct late_code *code = &script->code;
    int n = snprintf(text, sizeof text, "%s\n%s\n%s", code->tenant, code->plugin, code->hash);
    uint64_t plugin = hash_stable(slice_of(text, (size_t)n));
    int more = snprintf(text + n, sizeof text - (size_t)n, "\n%s\n%s\n%d",
                        call->event && call->event->entity ? call->event->entity : "",
                        call->handler, (int)call->moment);
    n = more < (int)sizeof text - n ? n + more : (int)sizeof text - 1;
    return (struct fuse_keys){hash_stable(slice_of(text, (size_t)n)), plugin};
}

/* Jobs have a wire of their own (hook/trip.h), and what they set off ends with them. */
static bool is_fused(const struct vm *vm, const struct script *script, const struct vm_call *call)
{
    return script && !vm->is_trial && (call->moment & FUSED) &&
           (vm->depth == 0 || vm->kind == LIMIT_TRANSACTION || vm->kind == LIMIT_ROUTE);
}

/* Refused without a line in the log: the first refusal had one. */
static enum err rest(struct vm *vm, struct script *script, struct vm_call *call)
{
    if (!fuse_any() || !is_fused(vm, script, call))
        return ERR_OK;
    struct fuse_keys keys = fuse_keys(script, call);
    int64_t now_us = clock_mono_us();
    int64_t function_us = fuse_rests_us(keys.function, now_us);
    int64_t left_us = fuse_rests_us(keys.plugin, now_us);
    left_us = left_us > function_us ? left_us : function_us;
    if (!left_us)
        return ERR_OK;
    struct ctx *ctx = call->ctx;
    ctx->err.detail = arena_printf(ctx->arena, "%s:%s rests: it was ended by force too often",
                                   call->plugin, call->handler);
    ctx->err.plugin = arena_strdup(ctx->arena, call->plugin);
    ctx->err.handler = arena_strdup(ctx->arena, call->handler);
    ctx->err.retry_after_s = (int)((left_us + 999999) / 1000000);
    return ERR_PLUGIN;
}

static void note_kill(const struct vm *vm, const struct script *script, const struct vm_call *call)
{
    if (!is_fused(vm, script, call))
        return;
    struct fuse_keys keys = fuse_keys(script, call);
    int64_t now_us = clock_mono_us();
    bool function = fuse_killed(keys.function, FUSE_KILLS, now_us);
    bool plugin = fuse_killed(keys.plugin, FUSE_PLUGIN_KILLS, now_us);
    if (function || plugin)
        log_warn("%s: %s%s%s was ended by force too often: calls are refused for a while",
                 script->code.tenant, call->plugin, plugin ? "" : ":", plugin ? "" : call->handler);
}

static void note_end(const struct vm *vm, const struct script *script, const struct vm_call *call)
{
    if (!fuse_any() || !is_fused(vm, script, call))
        return;
    struct fuse_keys keys = fuse_keys(script, call);
    fuse_passed(keys.function);
    fuse_passed(keys.plugin);
}

/* Turns what the protected call left into an error of the core. */
static enum err conclude(struct vm *vm, const struct vm_call *call, int status)
{
    lua_State *L = vm->running;
    if (status == LUA_ERRMEM && vm->stop < VM_KILLED) {
        vm->stop = VM_KILLED;
        vm->why = "it used more memory than it may";
        vm->place[0] = 0;
    }
    if (vm->stop == VM_VETO) {
        vm->stop = VM_GOES;
        return vm->veto;
    }
    if (vm->stop == VM_GOES) {
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it failed";
        return fail(vm, call, text);
    }
    if (!vm->is_dead && vm->stop == VM_KILLED) { /* the innermost: its work it was */
        vm->is_dead = true;
        note_kill(vm, vm_frame(vm)->script, call);
    }
    return fail(vm, call, arena_printf(call->ctx->arena, "%s%s", vm->place, vm->why));
}

/* --- entering --- */

static int enter(lua_State *L)
{
    const struct entry *entry = lua_touserdata(L, 1);
    struct vm_call *call = entry->call;
    vm_push_ref(L, entry->ref);
    int count = call->push ? call->push(L, call->arg) : 0;
    lua_call(L, count, call->take ? 1 : 0);
    if (call->take)
        call->take(L, call->arg);
    return 0;
}

static int ticks_of(int64_t cpu_us)
{
    return 1 + (int)(cpu_us * SLOWDOWN / WATCH_TICK_US);
}

static enum limit_kind kind_of(enum vm_moment moment)
{
    switch (moment) {
    case VM_LOAD:
        return LIMIT_LOAD;
    case VM_ROUTE:
        return LIMIT_ROUTE;
    case VM_COMMIT:
    case VM_JOB:
    case VM_CHECK:
        return LIMIT_JOB;
    default:
        return LIMIT_TRANSACTION;
    }
}

/* When this call must be over: its own budget, the unit's rest, and the outer call's end. What
 * ctx.tx runs is a unit as a whole. */
static int deadline_of(const struct vm *vm, const struct vm_call *call, int now)
{
    const struct limit *limit = &vm->limits[kind_of(call->moment)];
    int own = now + ticks_of(call->moment == VM_TX ? limit->unit_cpu_us : limit->cpu_us);
    int unit = now + ticks_of(limit->unit_cpu_us) - vm->used.ticks;
    if (vm->depth)
        return own < vm->deadline ? own : vm->deadline;
    return own < unit ? own : unit;
}

static size_t heap_limit(const struct vm *vm, const struct limit *limit)
{
    size_t most = vm->bytes + (size_t)limit->heap_bytes;
    return most < VM_BYTES_MAX ? most : VM_BYTES_MAX;
}

/* Limits of the unit begin with the outermost call: each record of a bulk request, each job step
 * and each load has its own. */
static void unit_start(struct vm *vm, const struct vm_call *call)
{
    vm->kind = kind_of(call->moment);
    const struct limit *limit = &vm->limits[vm->kind];
    int64_t save = call->event && call->ctx->unit ? call->ctx->unit->saves : 0;
    bool is_next = save && save != vm->saving;
    if (vm->kind != LIMIT_TRANSACTION || is_next)
        vm->used = (struct vm_used){0};
    if (is_next)
        vm->saving = save;
    vm->bytes_limit = heap_limit(vm, limit);
    vm->arena_limit = arena_used(call->ctx->arena) + SCRIPT_ARENA_BYTES_MAX;
    vm->unit_as_system = call->ctx->as_system;
    vm->seed_due = true;
    vm->wall_us = limit->wall_us ? clock_mono_us() + limit->wall_us * SLOWDOWN : 0;
}

static void watch_frame(struct vm *vm)
{
    const struct frame *frame = vm_frame(vm);
    watch_set(&(struct watch_run){.L = vm->running,
                                  .deadline = vm->deadline,
                                  .wall_us = vm->wall_us,
                                  .code = frame->script ? &frame->script->code : NULL,
                                  .is_loading = frame->call->moment == VM_LOAD},
              vm_hook);
}

/* What the nesting of calls saves and puts back. */
struct outer {
    int deadline, started;
    size_t bytes_limit;
    bool as_system;
    struct emitting *emitting;
};

static void frame_begin(struct vm *vm, struct script *script, struct vm_call *call,
                        struct outer *outer)
{
    int now = watch_ticks();
    *outer = (struct outer){vm->deadline, now, vm->bytes_limit, call->ctx->as_system, vm->emitting};
    if (vm->depth == 0)
        unit_start(vm, call);
    /* A handler of a write made as_system has the rights of the unit, not of that write. */
    call->ctx->as_system = vm->unit_as_system;
    vm->deadline = deadline_of(vm, call, now);
    struct frame *frame = &vm->frames[vm->depth++];
    frame->call = call;
    frame->script = script;
    watch_frame(vm);
}

static void frame_end(struct vm *vm, const struct vm_call *call, const struct outer *outer)
{
    vm->depth--;
    vm->frames[vm->depth].generation++;
    vm->deadline = outer->deadline;
    call->ctx->as_system = outer->as_system;
    vm->emitting = outer->emitting;
    if (vm->depth) {
        watch_frame(vm);
        return;
    }
    watch_set(&(struct watch_run){0}, vm_hook);
    lua_sethook(vm->L, NULL, 0, 0);
    vm->bytes_limit = VM_BYTES_MAX;
    vm->wall_us = 0;
    vm->collect_due = false;
    vm->cycles_due = VM_REST_CYCLES;
    vm->was_killed = vm->stop >= VM_LIMIT;
    vm->stop = VM_GOES;
    vm->used.ticks += watch_ticks() - outer->started;
}

static enum err run(struct vm *vm, struct script *script, struct vm_call *call, lua_CFunction fn,
                    void *arg)
{
    ASSERT(call->ctx && call->handler);
    ASSERT(call->moment);
    call->plugin = script ? script->id : "core";
    if (vm->is_dead)
        return fail(vm, call, "the tenant's scripts were ended because one of them ran too long");
    if (script && script->barred && call->moment != VM_LOAD)
        return fail(vm, call, script->barred);
    enum err e = rest(vm, script, call);
    if (e)
        return e;
    lua_State *L = vm->running; /* a coroutine's, where a binding called from one has brought us */
    if (vm->depth == VM_FRAMES_MAX || !lua_checkstack(L, 2 * LUA_MINSTACK))
        return fail(vm, call, "calls are nested too deep");

    struct outer outer;
    frame_begin(vm, script, call, &outer);
    enum meter_part part = meter_enter(METER_LUA, true);
    int base = lua_gettop(L);
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);
    int status = lua_pcall(L, 1, 0, base + 1);
    if (status)
        e = conclude(vm, call, status);
    else
        note_end(vm, script, call);
    lua_settop(L, base);
    meter_leave(part);
    frame_end(vm, call, &outer);
    return e;
}

enum err vm_call(struct script *script, int ref, struct vm_call *call)
{
    ASSERT(script && call);
    struct entry entry = {call, ref};
    enum err e = vm_ready(script, entry.ref, call->ctx);
    if (e)
        return e;
    return run(script->vm, script, call, enter, &entry);
}

enum err vm_protect(struct vm *vm, struct script *script, struct ctx *ctx, enum vm_moment moment,
                    const char *handler, lua_CFunction fn, void *arg)
{
    struct vm_call call = {.ctx = ctx, .moment = moment, .handler = handler};
    return run(vm, script, &call, fn, arg);
}

void *vm_protect_arg(lua_State *L)
{
    return lua_touserdata(L, 1);
}

/* --- pcall and xpcall of scripts --- */

/* Passes on what must not be kept; else leaves false and the error. */
static int caught(lua_State *L, int status)
{
    struct vm *vm = vm_of(L);
    if (status == LUA_ERRMEM)
        vm_stop(L, VM_KILLED, "it used more memory than it may");
    if (vm->stop)
        return lua_error(L); /* the token is on top */
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* The end of a pcall, also of one that a coroutine has yielded in: `skip` values below the results
 * are its own. */
static int finish(lua_State *L, int status, lua_KContext skip)
{
    if (status != LUA_OK && status != LUA_YIELD)
        return caught(L, status);
    return lua_gettop(L) - (int)skip;
}

int vm_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return finish(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish), 0);
}

/* Upvalue 1: the script's handler, which sees no kill. */
static int handle(lua_State *L)
{
    if (vm_of(L)->stop)
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

int vm_xpcall(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TFUNCTION);
    int count = lua_gettop(L) - 2;
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_replace(L, 2);
    return finish(L, lua_pcallk(L, count, LUA_MULTRET, 2, 2, finish), 2);
}
