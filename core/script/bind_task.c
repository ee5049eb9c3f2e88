/* bind_task - `job`, the first argument of a job's function: what it was given, how far it is.
 *
 * job:each opens one transaction per batch, in a write turn lent for it. The batch's effects, its
 * place and the job's lease are committed together, so a job that is killed anywhere goes on
 * exactly behind its last batch.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/id.h"
#include "record/list.h"
#include "script/task_in.h"
#include "script/trial_in.h"

#define TASK_META      "crm.job"
#define ID_REST        0x1fffff /* node and sequence of an id */
#define TURN_MARGIN_US 15000    /* of a lent turn, for the commit and for a slow last record */

struct task_box {
    struct task_step *step;
    uint32_t generation;
    int depth;
};

static struct task_step *step_at(lua_State *L, int at)
{
    const struct task_box *box = luaL_checkudata(L, at, TASK_META);
    const struct vm *vm = vm_of(L);
    if (box->depth >= vm->depth || vm->frames[box->depth].generation != box->generation)
        luaL_error(L, "job used after its call ended");
    return box->step;
}

/* --- a batch --- */

struct batch {
    lua_State *L;
    struct task_step *step;
    struct task_walk *walk;
    const struct entity *entity;
    const struct json *where; /* or NULL */
    bool as_system;
    int size, fn; /* fn: reference to the function */
    bool requeued;
};

struct rows {
    struct arena *arena;
    size_t arena_limit;
    int slots, count;
    struct value **items;
};

static bool keep_row(void *arg, const struct value *values)
{
    struct rows *rows = arg;
    if (arena_used(rows->arena) > rows->arena_limit)
        return false; /* what is left is read with the next batch, or the script is ended */
    struct value *copy = arena_array(rows->arena, struct value, (size_t)rows->slots);
    for (int i = 0; i < rows->slots; i++)
        copy[i] = value_copy(rows->arena, &values[i]);
    rows->items[rows->count++] = copy;
    return true;
}

static struct json *compare_id(struct arena *arena, const char *operator, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    struct json *tree = json_new(arena, JSON_OBJECT), *condition = json_new(arena, JSON_OBJECT);
    id_text(id, text);
    json_add(arena, condition, operator, json_new_str(arena, slice_str(arena_strdup(arena, text))));
    json_add(arena, tree, "id", condition);
    return tree;
}

/* The next records behind the place, by id: their number decides nothing, so a record that changes
 * its place in any list is neither left out nor met twice. */
static enum err read_batch(struct ctx *ctx, const struct batch *batch, struct rows *rows)
{
    struct arena *arena = ctx->arena;
    struct json *all = json_new(arena, JSON_ARRAY), *tree = json_new(arena, JSON_OBJECT);
    if (batch->where)
        json_add(arena, all, NULL, json_copy(arena, batch->where));
    if (batch->walk->after)
        json_add(arena, all, NULL, compare_id(arena, "gt", batch->walk->after));
    json_add(arena, all, NULL, compare_id(arena, "lte", batch->walk->until));
    json_add(arena, tree, "and", all);
    struct list_query query = {
        .entity = batch->entity, .filter = tree, .sort = SLICE("id"), .limit = batch->size};
    *rows = (struct rows){.arena = arena,
                          .arena_limit = vm_of(batch->L)->arena_limit,
                          .slots = batch->entity->slots,
                          .items = arena_array(arena, struct value *, (size_t)batch->size + 1)};
    bool as_system = ctx->as_system;
    ctx->as_system = as_system || batch->as_system;
    enum err e = list_rows(ctx, &query, keep_row, rows);
    ctx->as_system = as_system;
    return e;
}

struct one {
    const struct entity *entity;
    const struct value *values;
};

static int push_one(lua_State *L, void *arg)
{
    const struct one *one = arg;
    record_push(L, &(struct record_handle){.entity = one->entity, .values = one->values});
    return 1;
}

static enum err call_one(struct ctx *ctx, const struct batch *batch, const struct value *values)
{
    struct one one = {batch->entity, values};
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_TX,
                           .handler = batch->step->task->name,
                           .push = push_one,
                           .arg = &one};
    int before = ctx->err.count;
    enum err e = vm_call(batch->step->script, batch->fn, &call);
    return !e && ctx->err.count > before ? ERR_VALIDATION : e;
}

static enum err run_rows(struct ctx *ctx, struct batch *batch, const struct rows *rows)
{
    struct vm *vm = vm_of(batch->L);
    int64_t until_us = clock_mono_us() + TURN_LOAN_US - TURN_MARGIN_US;
    enum err e = ERR_OK;
    int i = 0;
    vm->used.reads++;
    vm->used.rows += rows->count;
    while (i < rows->count && !e && (i == 0 || clock_mono_us() < until_us)) {
        e = call_one(ctx, batch, rows->items[i]);
        batch->walk->after = rows->items[i++][SLOT_ID].integer;
    }
    if (!e)
        batch->walk->done = i == rows->count && rows->count < batch->size;
    return e;
}

/* The whole transaction. */
static enum err batch_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    struct task *task = batch->step->task;
    struct task_walk before = *batch->walk;
    struct rows rows;
    enum err e = task->keep(task, ctx, NULL, false);
    if (e || task->cancelled)
        return e;
    batch->step->in_batch = true;
    e = read_batch(ctx, batch, &rows);
    if (!e)
        e = run_rows(ctx, batch, &rows);
    batch->step->in_batch = false;
    batch->requeued = !batch->walk->done && task_step_is_long(vm_of(batch->L), batch->step);
    if (!e)
        e = task->keep(task, ctx, task_step_text(batch->step, ctx->arena), batch->requeued);
    if (e)
        *batch->walk = before;
    return e;
}

/* What ended the step unwinds the function; its own pcall does not keep it. */
static void go_on(lua_State *L, struct task_step *step, enum err e, bool requeued)
{
    const struct vm *vm = vm_of(L);
    if (vm->stop)
        vm_stop(L, vm->stop, vm->why);
    if (e)
        vm_veto(L, e);
    step->task->yielded = requeued;
    if (requeued || step->task->cancelled)
        vm_veto(L, ERR_BUSY);
}

/* --- job:each --- */

static void check_members(lua_State *L)
{
    static const char *const known[] = {"entity", "where", "batch", "as_system", NULL};
    bind_members(L, 2, "job:each has no", known);
}

static void read_query(lua_State *L, struct batch *batch)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    check_members(L);
    lua_getfield(L, 2, "entity");
    luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "\"entity\" as a name");
    batch->entity = bind_entity(L, lua_gettop(L));
    luaL_argcheck(L, batch->entity != NULL, 2, "\"entity\" is one, not all");
    if (lua_getfield(L, 2, "where") != LUA_TNIL)
        batch->where = convert_filter(L, -1, vm_ctx(L)->arena, batch->entity);
    lua_getfield(L, 2, "batch");
    lua_Integer size = luaL_optinteger(L, -1, JOB_BATCH);
    if (size < 1 || size > JOB_BATCH_MAX)
        luaL_error(L, "\"batch\" is a number from 1 to %d", JOB_BATCH_MAX);
    batch->size = (int)size;
    lua_getfield(L, 2, "as_system");
    batch->as_system = lua_toboolean(L, -1);
    lua_settop(L, 3);
    if (batch->as_system && !bind_capability(batch->step->script, batch->entity->name))
        luaL_error(L, "%s does not declare the capability \"db:%s:rw\"", batch->step->script->id,
                   batch->entity->name);
}

/*** Walks over all records that match, by id, in batches: each batch is a transaction of its own
 * with its place. A job that takes long is called again later, from the beginning of its function,
 * and goes on here behind its last batch; so code before job:each runs more than once.
 * @param query table entity, where (a filter), batch (200), as_system (with the plugin's
 * capability)
 * @param fn function called with (record); may write; an error takes its batch back and ends the
 * run
 * @moment job
 * @usage job:each({ entity = "lead", where = { status = "new" } }, function(lead) … end)
 */
static int task_each(lua_State *L)
{
    struct batch batch = {.L = L, .step = step_at(L, 1)};
    vm_allow(L, VM_JOB, "job:each");
    read_query(L, &batch);
    if (batch.step->walks_count == JOB_WALKS_MAX)
        return luaL_error(L, "job:each more than %d times in one job", JOB_WALKS_MAX);
    batch.walk = &batch.step->walks[batch.step->walks_count++];
    if (batch.walk->done)
        return 0;
    if (!batch.walk->until)
        batch.walk->until = id_next() | ID_REST; /* other processes mint in this millisecond, too */
    batch.fn = luaL_ref(L, LUA_REGISTRYINDEX);
    while (!batch.walk->done) {
        enum err e = vm_write(L, batch_fn, &batch);
        if (e || batch.requeued || batch.step->task->cancelled)
            luaL_unref(L, LUA_REGISTRYINDEX, batch.fn);
        go_on(L, batch.step, e, batch.requeued);
    }
    luaL_unref(L, LUA_REGISTRYINDEX, batch.fn);
    return 0;
}

/* --- job:save, job:progress --- */

struct saving {
    struct task_step *step;
    bool requeued;
};

static enum err save_fn(struct ctx *ctx, void *arg)
{
    const struct saving *saving = arg;
    struct task *task = saving->step->task;
    return task->keep(task, ctx, task_step_text(saving->step, ctx->arena), saving->requeued);
}

/*** Keeps a value over steps, failures and crashes: `job.cursor`. Inside job:each it is committed
 * with the batch. Outside, a job that has run for long is called again later, with the cursor.
 * @param cursor any at most 64 KB
 * @moment job
 * @usage while true do local page = fetch(job.cursor) … job:save(page.next) end
 */
static int task_save(lua_State *L)
{
    struct task_step *step = step_at(L, 1);
    vm_allow(L, VM_JOB | VM_TX, "job:save");
    luaL_checkany(L, 2);
    const struct json *before = step->cursor;
    step->cursor = lua_isnil(L, 2) ? NULL : task_data(L, 2, "a job's cursor");
    if (step->in_batch)
        return 0;
    vm_allow(L, VM_JOB, "job:save");
    struct saving saving = {step, task_step_is_long(vm_of(L), step)};
    enum err e = vm_write(L, save_fn, &saving);
    if (e)
        step->cursor = before;
    go_on(L, step, e, saving.requeued);
    return 0;
}

/*** Says how far the job is. People see it with the next batch, or the next job:save.
 * @param percent number 0 to 100
 * @moment job
 */
static int task_progress(lua_State *L)
{
    struct task_step *step = step_at(L, 1);
    lua_Number percent = luaL_checknumber(L, 2);
    luaL_argcheck(L, percent >= 0 && percent <= 100, 2, "0 to 100 is expected");
    step->task->progress = (int)percent;
    return 0;
}

/* --- job:await --- */

static bool is_method(const char *name)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i], name) == 0)
            return true;
    return false;
}

/* What the next call of the function is given, kept where it lasts until then. */
static void keep_for_next(struct await *await, const struct json *kept, const char *state)
{
    await->kept = kept ? json_copy(await->arena, kept) : NULL;
    if (json_parse(await->arena, slice_str(arena_strdup(await->arena, state)), &await->state, NULL))
        BUG("a job's state is JSON");
}

/* A test answers at once. */
static void try_out(lua_State *L, struct await *await, const struct fetch *fetch)
{
    struct fetch_answer answer = {0};
    const char *why = NULL;
    enum err e = trial_fetch(L, vm_ctx(L)->arena, fetch, &answer, &why);
    await->e = e;
    await->why = why;
    await->answer = answer;
    await->is_over = true;
}

/* Without a place: the lease is good for another while. */
static enum err stay(lua_State *L, struct task_step *step)
{
    struct saving saving = {step, false};
    enum err e = vm_write(L, save_fn, &saving);
    return e || !step->task->cancelled ? e : ERR_BUSY;
}

/*** Calls another system as ctx.http does, and lets go of the process while it waits: this step
 * ends, other work of the company goes on, and the function is called again from its beginning,
 * with `job.answer`: { status, headers, body, json(), ms }, or { error, name } as ctx.http has
 * them, and `kept`. For a job that calls whoever may be silent for long: one call, then what
 * follows from its answer, then the next call. A process that dies meanwhile has the function
 * called again without an answer.
 * @param call table as ctx.http has it, with method ("GET", "POST" …) and keep: any, given back
 * @moment job
 * @usage if job.answer then settle(job.answer.kept, job.answer) end
 * job:await { method = "POST", url = next.url, json = next.data, keep = next.id }
 */
static int task_await(lua_State *L)
{
    static const char *const known[] = {"url",     "headers", "body", "json",
                                        "timeout", "method",  "keep", NULL};
    struct task_step *step = step_at(L, 1);
    const char *why = NULL;
    struct fetch fetch = {0};
    vm_allow(L, VM_JOB, "job:await");
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_remove(L, 1);
    lua_getfield(L, 1, "method");
    fetch.method = arena_strdup(vm_ctx(L)->arena, luaL_checkstring(L, -1));
    luaL_argcheck(L, is_method(fetch.method), 2, "\"method\" is GET, POST, PUT, PATCH or DELETE");
    bind_http_take(L, step->script, known, &fetch);
    lua_getfield(L, 1, "keep");
    const struct json *kept = lua_isnil(L, -1) ? NULL : task_data(L, -1, "what job:await keeps");
    const char *state = task_step_text(step, vm_ctx(L)->arena);
    struct await *await = await_new(vm_ctx(L)->tenant->name);
    enum err e = ERR_OK;
    if (vm_of(L)->trial)
        try_out(L, await, &fetch);
    else
        e = await->has_place ? await_call(await, vm_ctx(L)->arena, &fetch, &why) : stay(L, step);
    if (e) {
        await_free(await);
        if (why)
            return luaL_error(L, "job:await: %s", why);
        go_on(L, step, e, false);
    }
    keep_for_next(await, kept, state);
    step->task->await = await;
    vm_veto(L, ERR_BUSY);
}

static void push_answered(lua_State *L, const struct await *answered)
{
    if (!answered) {
        lua_pushnil(L);
        return;
    }
    if (answered->e)
        bind_http_fault(L, answered->e, answered->why);
    else
        bind_http_answer(L, &answered->answer, answered->ms);
    if (answered->kept)
        convert_push_json(L, answered->kept, true);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "kept");
}

/* --- members --- */

static const luaL_Reg methods[] = {{"each", task_each},
                                   {"save", task_save},
                                   {"progress", task_progress},
                                   {"await", task_await},
                                   {NULL, NULL}};

/* Upvalue 1: methods. */
static int task_index(lua_State *L)
{
    const struct task_step *step = step_at(L, 1);
    const char *name = luaL_checkstring(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TFUNCTION)
        return 1;
    if (strcmp(name, "args") == 0 && step->task->args)
        convert_push_json(L, step->task->args, true);
    else if (strcmp(name, "args") == 0)
        lua_newtable(L);
    else if (strcmp(name, "cursor") == 0 && step->cursor)
        convert_push_json(L, step->cursor, true);
    else if (strcmp(name, "cursor") == 0)
        lua_pushnil(L);
    else if (strcmp(name, "answer") == 0)
        push_answered(L, step->task->answered);
    else if (strcmp(name, "name") == 0)
        lua_pushstring(L, step->task->name);
    else if (strcmp(name, "id") == 0)
        lua_pushinteger(L, step->task->id);
    else if (strcmp(name, "tries") == 0)
        lua_pushinteger(L, step->task->tries);
    else if (strcmp(name, "due") == 0)
        datetime_push(L, step->task->at_ms);
    else
        return luaL_error(L, "job has no member \"%s\"", name);
    return 1;
}

static int task_newindex(lua_State *L)
{
    return luaL_error(L, "job is read-only: job:save(cursor) keeps something");
}

void task_push(lua_State *L, struct task_step *step)
{
    const struct vm *vm = vm_of(L);
    struct task_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->step = step;
    box->depth = vm->depth - 1;
    box->generation = vm->frames[box->depth].generation;
    if (luaL_newmetatable(L, TASK_META)) {
        luaL_newlib(L, methods);
        lua_pushcclosure(L, task_index, 1);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, task_newindex);
        lua_setfield(L, -2, "__newindex");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}
