/* bind_job - `crm.job`, which offers a job, and `ctx.queue`, which asks for one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/clock.h"
#include "base/cron.h"
#include "base/text.h"
#include "script/plan.h"
#include "script/task_in.h"

#define PUSHERS                                                                                    \
    (VM_BEFORE | VM_VALIDATE | VM_AFTER | VM_ACTION | VM_JOB | VM_ROUTE | VM_COMMIT | VM_TX)
#define RETRY_DEFAULT 3
#define JOB_KEY_MAX   200 /* characters that tell a waiting job from others */
#define JOB_PART_MAX  60  /* of what it works on: with the job's name it is a trip's */

const struct json *task_data(lua_State *L, int at, const char *what)
{
    struct json *data = convert_json(L, at, vm_ctx(L)->arena, NULL);
    struct buf b = BUF_INIT;
    json_put(&b, data);
    size_t bytes = b.len;
    buf_release(&b);
    if (bytes > JOB_ARGS_BYTES_MAX)
        luaL_error(L, "%s has at most %d bytes as JSON", what, JOB_ARGS_BYTES_MAX);
    return data;
}

/* --- crm.job --- */

static bool name_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (i && c >= '0' && c <= '9') || (i && c == '_')))
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

static void check_options(lua_State *L)
{
    static const char *const known[] = {"cron",     "tz",    "every",   "concurrency",
                                        "catch_up", "retry", "changes", NULL};
    bind_members(L, 2, "crm.job has no", known);
}

static const char *option_text(lua_State *L, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "\"%s\" is a text", name);
        text = arena_str(vm_of(L)->plan->arena, convert_text(L, -1));
    }
    lua_pop(L, 1);
    return text;
}

static int option_number(lua_State *L, const char *name, int fallback, int max)
{
    lua_getfield(L, 2, name);
    lua_Integer n = fallback;
    if (!lua_isnil(L, -1)) {
        if (!lua_isinteger(L, -1))
            luaL_error(L, "\"%s\" is a whole number", name);
        n = lua_tointeger(L, -1);
    }
    lua_pop(L, 1);
    if (n < 0 || n > max)
        luaL_error(L, "\"%s\" is a number from 0 to %d", name, max);
    return (int)n;
}

/* "90s", "15m", "2h", "1d"; 0 when it is none of that. */
static int64_t interval_ms(struct slice text)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    int64_t n;
    if (text.len < 2 || text.len > 8 || !slice_to_int(slice_of(text.at, text.len - 1), &n) || n < 1)
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text.at[text.len - 1] == units[i].unit)
            return n * units[i].ms;
    return 0;
}

static void read_times(lua_State *L, struct schedule *spec)
{
    const char *every = option_text(L, "every"), *zone = option_text(L, "tz"), *why = NULL;
    struct cron cron;
    spec->cron = option_text(L, "cron");
    if (spec->cron && every)
        luaL_error(L, "a job has \"cron\" or \"every\", not both");
    if (spec->cron && cron_parse(slice_str(spec->cron), &cron, &why))
        luaL_error(L, "cron \"%s\": %s", spec->cron, why);
    if (spec->cron && !cron_next_ms(&cron, zone_find("UTC"), clock_now_ms()))
        luaL_error(L, "cron \"%s\": there is no such day", spec->cron);
    spec->every_ms = every ? interval_ms(slice_str(every)) : 0;
    if (every && spec->every_ms < JOB_EVERY_S_MIN * 1000LL)
        luaL_error(L,
                   "\"every\" is an interval of at least %d seconds: \"90s\", \"15m\", \"2h\", "
                   "\"1d\"",
                   JOB_EVERY_S_MIN);
    if (zone && strcmp(zone, "tenant") != 0) {
        spec->zone = zone;
        if (!zone_find(zone))
            luaL_error(L, "there is no time zone \"%s\"", zone);
    }
}

static bool read_changes(lua_State *L, struct schedule *spec)
{
    int type = lua_getfield(L, 2, "changes");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        luaL_error(L, "\"changes\" is true or false");
    spec->by_changes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return spec->by_changes;
}

static void read_options(lua_State *L, struct schedule *spec)
{
    check_options(L);
    read_times(L, spec);
    bool by_changes = read_changes(L, spec);
    bool by_clock = spec->cron || spec->every_ms || by_changes;
    const char *catch_up = option_text(L, "catch_up");
    if (catch_up && !schedule_catch_up_find(slice_str(catch_up), &spec->catch_up))
        luaL_error(L, "\"catch_up\" is once, all or none");
    spec->concurrency = option_number(L, "concurrency", by_clock ? 1 : 0, JOB_CONCURRENCY_MAX);
    spec->retry = option_number(L, "retry", RETRY_DEFAULT, JOB_RETRIES_MAX);
}

static const struct schedule *find(const struct vm *vm, const struct script *script,
                                   const char *name)
{
    for (int i = 0; i < vm->plan->tasks_count; i++)
        if (vm->plan->tasks_bound[i].script == script->index &&
            strcmp(vm->plan->tasks[i].name, name) == 0)
            return &vm->plan->tasks[i];
    return NULL;
}

static void grow(lua_State *L, struct vm *vm)
{
    if (vm->plan->tasks_count == SCHEDULES_MAX)
        luaL_error(L, "the plugins of this company have more than %d jobs", SCHEDULES_MAX);
    struct plan *plan = vm->plan;
    const struct plan *below = plan->below ? plan->below : plan;
    int count = plan->tasks_count;
    plan->tasks =
        plan_list(plan, plan->tasks, below->tasks, count, SCHEDULES_MAX, sizeof *plan->tasks);
    plan->tasks_bound = plan_list(plan, plan->tasks_bound, below->tasks_bound, count, SCHEDULES_MAX,
                                  sizeof *plan->tasks_bound);
}

/* What the plugin itself writes does not wake its job. */
static enum err wake(struct ctx *ctx, struct event *event, void *arg)
{
    const struct schedule *spec = arg;
    if (event->record && strcmp(event->record->entity->plugin, spec->plugin) == 0)
        return ERR_OK;
    return schedule_wake(ctx, spec);
}

/* No handler of Lua: a save asks for the job and goes on. */
static void bind_wake(lua_State *L, struct script *script, struct schedule *spec)
{
    struct vm *vm = script->vm;
    struct hook_spec *hook = arena_make(vm->plan->arena, struct hook_spec);
    *hook = (struct hook_spec){.entity = "*",
                               .moment = HOOK_AFTER_COMMIT,
                               .plugin = script->id,
                               .id = arena_printf(vm->plan->arena, "job.%s", spec->name),
                               .where = arena_printf(vm->plan->arena, "%s/init.lua", script->id),
                               .layer = (int)script->plugin->layer,
                               .load_order = script->plugin->order};
    if (hook_add(vm->plan->hooks, hook, wake, spec))
        luaL_error(L, "more than %d handlers of one event", HANDLERS_PER_EVENT_MAX);
}

/*** Offers a job: work outside of any request, by the clock or asked for with ctx.queue.
 *
 * It runs as nobody, unless a person's work has asked for it: then with that person's rights. What
 * it reads and writes as nobody it does through `ctx.db:as_system()` with the plugin's capability.
 * A run that fails is tried again after 1 and 5 minutes, half an hour, 2, 12 and 24 hours; three
 * kills or twenty errors in a row within ten minutes pause the job, or the part of it that it was
 * asked for with, until an administrator resumes it. With `changes` it is asked for when records
 * have changed (ctx.changes), soon behind the commit and once for many of them; `every` beside it
 * is for what waits without a change. Without any of `cron`, `every` and `changes` it runs only
 * when it is asked for.
 *
 * @param name string small letters, digits and _
 * @param options table cron ("30 2 * * *"), tz ("tenant", or a zone's name), every ("15m"),
 *   catch_up (times missed while nothing ran: "once", "all", "none"), concurrency (runs at the same
 *   time; 1 by the clock, else any number), retry (3), changes (true)
 * @param fn function called with (job, ctx); what it returns is the job's result
 * @moment load
 * @usage crm.job("recycle_idle", { cron = "30 2 * * *", catch_up = "once" }, pool.recycle)
 */
int bind_job(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct vm *vm = script->vm;
    vm_allow(L, VM_LOAD, "crm.job");
    const char *name = luaL_checkstring(L, 1);
    if (!name_is_plain(slice_str(name)))
        return luaL_argerror(L, 1, "a job's name is small letters, digits and _");
    if (lua_isfunction(L, 2)) {
        lua_newtable(L);
        lua_insert(L, 2);
    }
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (bind_again(L, script, 3))
        return 0;
    struct schedule spec = {.plugin = script->id, .name = arena_strdup(vm->plan->arena, name)};
    read_options(L, &spec);
    grow(L, vm);
    if (find(vm, script, name))
        return luaL_error(L, "there is a job \"%s\" already", name);
    vm->plan->tasks_bound[vm->plan->tasks_count] =
        (struct bound){script->index, spec.name, bind_slot(L, script, 3), NULL};
    vm->plan->tasks[vm->plan->tasks_count++] = spec;
    if (spec.by_changes)
        bind_wake(L, script, &vm->plan->tasks[vm->plan->tasks_count - 1]);
    return 0;
}

/* --- ctx.queue --- */

struct pushing {
    struct schedule_push push;
    int64_t id;
};

bool bind_has_room(lua_State *L, const char *queue, int max)
{
    struct vm_used *used = &vm_of(L)->used;
    uint64_t hash = hash_stable(slice_str(queue));
    if (used->queue != hash) {
        int64_t count = 0;
        enum err e = job_waiting(vm_ctx(L), queue, max, &count);
        if (e)
            vm_veto(L, e);
        used->queue = hash;
        used->waiting = count;
    }
    return used->waiting++ < max;
}

static enum err push_fn(struct ctx *ctx, void *arg)
{
    struct pushing *pushing = arg;
    return schedule_push(ctx, &pushing->push, &pushing->id);
}

/* A short text among the options. */
static const char *push_text(lua_State *L, const char *name, size_t max)
{
    struct slice text = convert_text(L, -1);
    if (!text.len || text.len > max)
        luaL_error(L, "\"%s\" is a text of at most %d bytes", name, (int)max);
    return arena_str(vm_ctx(L)->arena, text);
}

/* key, part, again, delay and as of the third argument. */
static void read_push(lua_State *L, const struct script *script, int at, struct schedule_push *push)
{
    const struct ctx *ctx = vm_ctx(L);
    if (lua_isnoneornil(L, at))
        return;
    luaL_checktype(L, at, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        if (strcmp(name, "key") == 0) {
            push->key = push_text(L, name, JOB_KEY_MAX);
        } else if (strcmp(name, "part") == 0) {
            push->part = push_text(L, name, JOB_PART_MAX);
        } else if (strcmp(name, "delay") == 0) {
            lua_Number seconds = lua_tonumber(L, -1);
            if (!lua_isnumber(L, -1) || !(seconds >= 0 && seconds <= JOB_DELAY_S_MAX))
                luaL_error(L, "\"delay\" is a number of seconds, at most a year");
            push->run_at_ms = ctx->now_ms + (int64_t)(seconds * 1000);
        } else if (strcmp(name, "again") == 0) {
            push->again = lua_toboolean(L, -1);
        } else if (strcmp(name, "as") == 0) {
            if (!bind_declares(script, "user:act"))
                luaL_error(L, "%s does not declare the capability \"user:act\"", script->id);
            if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) <= 0)
                luaL_error(L, "\"as\" is the id of a user");
            push->created_by = lua_tointeger(L, -1);
        } else {
            luaL_error(L, "queue:push has no \"%s\": key, part, again, delay, as", name);
        }
        lua_pop(L, 1);
    }
}

/*** Asks for a job of the same plugin. Inside a transaction the request is part of it: when that is
 * rolled back, nothing runs. Of one job at most 10,000 wait.
 * @param job string its name
 * @param args table|nil what it finds in `job.args`; at most 64 KB
 * @param options table|nil key (while one with this key waits or runs, no second is made), again
 *   (with a key: one that waits is enough, but behind one that runs already another is made, which
 *   begins when it has ended), part (what it works on: failures are counted for that alone, and
 *   only that is paused by them), delay (seconds), as (the id of a user with whose rights it runs;
 *   with the capability "user:act")
 * @return integer the id of the job
 * @moment before_* validate after_* action job route after_commit
 * @usage ctx.queue:push("invite", { lead = ev.record.id }, { key = "invite:" .. ev.record.id })
 */
static int queue_push(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct vm *vm = vm_of(L);
    vm_allow(L, PUSHERS, "ctx.queue");
    int first = lua_type(L, 1) == LUA_TSTRING ? 1 : 2; /* ctx.queue.push or ctx.queue:push */
    const char *name = luaL_checkstring(L, first);
    const struct ctx *ctx = vm_ctx(L);
    const struct schedule *spec = find(vm, script, name);
    if (!spec)
        return luaL_error(L, "%s offers no job \"%s\"", script->id, name);
    struct pushing pushing = {.push = {.plugin = script->id, .name = name, .spec = spec}};
    pushing.push.created_by = ctx->actor ? ctx->actor->user : 0;
    if (!lua_isnoneornil(L, first + 1)) {
        luaL_checktype(L, first + 1, LUA_TTABLE);
        pushing.push.args = task_data(L, first + 1, "what a job is pushed with");
    }
    read_push(L, script, first + 2, &pushing.push);
    if (!bind_has_room(L, schedule_queue(ctx->arena, script->id, name), JOB_WAITING_MAX))
        return luaL_error(L, "%d runs of the job \"%s\" wait already: no more are taken",
                          JOB_WAITING_MAX, name);
    enum err e = vm_write(L, push_fn, &pushing);
    if (e)
        vm_veto(L, e);
    lua_pushinteger(L, pushing.id);
    return 1;
}

void bind_queue_push(lua_State *L, struct script *script)
{
    lua_newtable(L);
    lua_pushlightuserdata(L, script);
    lua_pushcclosure(L, queue_push, 1);
    lua_setfield(L, -2, "push");
    frozen_wrap(L);
}
