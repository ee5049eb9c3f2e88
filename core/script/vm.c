/* vm - see vm.h: making, keeping and ending a tenant's Lua state, and what the core runs in it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/vm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tuning.h"
#include "record/operation.h"
#include "record/rights.h"
#include "script/bind.h"
#include "script/code.h"
#include "script/plan.h"
#include "script/watch.h"
#include "tenant/quarantine.h"

#define VM_BYTES_HARD   (VM_BYTES_MAX + VM_BYTES_MAX / 4)
#define BROKEN_RETRY_US 1000000 /* a script that did not load is tried again after so long */
#define BROKEN_SLOWER   6 /* …twice as long each time it was ended by force, so many times */

/* --- memory --- */

/* Grants up to the soft mark and asks the hook to look behind it; refuses above the hard one. A
 * shrink is never refused. */
static void *allocate(void *arg, void *block, size_t old, size_t size)
{
    struct vm *vm = arg;
    size_t had = block ? old : 0;
    if (size == 0) {
        free(block);
        vm->bytes -= had;
        return NULL;
    }
    if (size > had && vm->bytes - had + size > VM_BYTES_HARD)
        return NULL;
    void *now = realloc(block, size);
    if (!now)
        return size <= had ? block : NULL;
    vm->bytes += size - had;
    if (vm->bytes > vm->bytes_limit && vm->depth && !vm->collect_due) {
        vm->collect_due = true;
        watch_arm(vm->running, vm_hook);
    }
    return now;
}

/* --- the VMs of this process, by last use --- */

static struct {
    struct vm *newest, *oldest;
} used;

static void used_drop(struct vm *vm)
{
    *(vm->newer ? &vm->newer->older : &used.newest) = vm->older;
    *(vm->older ? &vm->older->newer : &used.oldest) = vm->newer;
    vm->newer = vm->older = NULL;
}

static void used_put(struct vm *vm)
{
    vm->older = used.newest;
    *(used.newest ? &used.newest->newer : &used.oldest) = vm;
    used.newest = vm;
}

void vm_trim(size_t bytes_max)
{
    size_t bytes = 0;
    for (const struct vm *vm = used.newest; vm; vm = vm->older)
        bytes += vm_bytes(vm);
    for (struct vm *vm = used.oldest, *newer; vm && bytes > bytes_max; vm = newer) {
        newer = vm->newer;
        if (vm == used.newest || vm->depth || vm->tenant->pins)
            continue;
        bytes -= vm_bytes(vm);
        vm->tenant->vm = NULL;
        vm_free(vm);
    }
}

/* A cycle that was under way keeps what died during it, so the one behind it is due, too. */
static void collect(struct vm *vm, int64_t until_us)
{
    while (vm->cycles_due > 0 && clock_mono_us() < until_us)
        vm->cycles_due -= lua_gc(vm->L, LUA_GCSTEP, 0) != 0;
}

size_t vm_rest(void)
{
    int64_t until_us = clock_mono_us() + VM_REST_US, now_ms = clock_now_ms();
    size_t freed = 0;
    for (struct vm *vm = used.oldest; vm && clock_mono_us() < until_us; vm = vm->newer) {
        size_t before = vm->bytes;
        if (vm->depth || vm->is_dead || now_ms - vm->tenant->used_at_ms < VM_REST_MS)
            continue;
        collect(vm, until_us);
        freed += before > vm->bytes ? before - vm->bytes : 0;
    }
    return freed;
}

/* --- making --- */

static int open_state(lua_State *L)
{
    sandbox_open(L);
    luaopen_crm_event(L);
    luaopen_crm_money(L);
    luaopen_crm_decimal(L);
    luaopen_crm_time(L);
    luaopen_crm_worktime(L);
    return 0;
}

static enum err run_computed(struct ctx *ctx, const struct field *field, struct record *record,
                             void *arg);

/* Whose code this is and what, and whether it was set aside. What cannot be read is no mark of
 * ours: the folder's owner can always put the tenant out of service. */
static void know_script(struct script *script, const struct tenant *tenant)
{
    struct arena *arena = script->vm->arena;
    const struct quarantine *mark = NULL;
    struct late_code *code = &script->code;
    (void)snprintf(code->tenant, sizeof code->tenant, "%s", tenant->name);
    (void)snprintf(code->plugin, sizeof code->plugin, "%s", script->id);
    if (code_hash(script->plugin->folder, code->hash))
        (void)snprintf(code->hash, sizeof code->hash, "unknown");
    enum err e = tenant->folder
                     ? quarantine_get(arena, tenant->folder, script->id, code->hash, &mark)
                     : ERR_OK;
    if (!e && !mark)
        return;
    script->is_stuck = e || mark->is_loading;
    script->barred = arena_printf(
        arena,
        "%s is set aside: its code had to be stopped together with its process. Deploy other "
        "code, or release it: perigee plugin release %s %s",
        script->id, tenant->name, script->id);
}

static void make_scripts(struct vm *vm, const struct tenant *tenant)
{
    const struct model *model = vm->model;
    vm->scripts = arena_array(vm->arena, struct script, (size_t)model->plugins_count + 1);
    for (int i = 0; i < model->plugins_count; i++) {
        if (model->plugins[i]->broken)
            continue;
        struct script *script = &vm->scripts[vm->scripts_count++];
        script->vm = vm;
        script->index = vm->scripts_count - 1;
        script->plugin = model->plugins[i];
        script->id = model->plugins[i]->id;
        know_script(script, tenant);
    }
}

/* What the tenant's plan allows; where it cannot be read, what everybody may. */
static void make_limits(struct vm *vm, struct ctx *ctx)
{
    const struct json *plan = NULL;
    if (ctx->tenant->store && tenant_setting(ctx->tenant, ctx->arena, "limits", &plan))
        plan = NULL;
    limit_make(vm->limits, plan);
}

static struct vm *vm_new(struct ctx *ctx)
{
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        BUG("out of memory");
    vm->arena = arena_new_small();
    vm->model = ctx->model;
    vm->version = ctx->model->version;
    vm->serial = ctx->model->serial;
    vm->bytes_limit = VM_BYTES_MAX;
    vm->marks = late_marks();
    make_limits(vm, ctx);
    vm->computed = (struct record_computed){run_computed, vm};
    vm->L = lua_newstate(allocate, vm);
    if (!vm->L)
        BUG("out of memory");
    vm->running = vm->L;
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    make_scripts(vm, ctx->tenant);
    watch_start();
    return vm;
}

void vm_free(void *arg)
{
    struct vm *vm = arg;
    if (!vm)
        return;
    ASSERT(vm->depth == 0);
    if (vm->tenant)
        used_drop(vm);
    lua_close(vm->L);
    plan_release(vm->plan);
    arena_free(vm->arena);
    free(vm->refs);
    free(vm);
}

/* A VM for the products alone, run only so that what they register is known to all. */
static void make_below(struct ctx *ctx, const struct model *below)
{
    const struct model *before = ctx->model;
    struct err_info info = ctx->err;
    struct vm *vm;
    const char *why;
    ctx->model = below;
    if (!vm_beside(ctx, &vm, &why))
        plan_leave(vm);
    vm_free(vm);
    ctx->model = before;
    ctx->err = info;
}

static bool has_own_scripts(const struct model *model)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (model->plugins[i]->layer == PLUGIN_TENANT)
            return true;
    return false;
}

void vm_prepare(struct ctx *ctx)
{
    ASSERT(ctx->tenant && ctx->model && !ctx->unit);
    struct model below;
    const struct model *model = model_below(ctx->model, &below) ? &below : ctx->model;
    const struct model_extra *extra = model_extra(model);
    if (extra && !extra->value && !has_own_scripts(model))
        make_below(ctx, model);
}

/* What the VM begins with where its tenant has scripts of its own; NULL: nothing. */
static struct plan *plan_below(struct vm *vm, struct ctx *ctx)
{
    struct model below;
    if (!model_below(vm->model, &below) || vm->scripts_count < below.plugins_count)
        return NULL;
    struct plan *plan = plan_find(&below, vm->scripts, below.plugins_count);
    if (!plan)
        make_below(ctx, &below);
    return plan ? plan : plan_find(&below, vm->scripts, below.plugins_count);
}

/* By the plan that another VM has left, on top of that of its products (may_lie), or by running
 * every script. */
static void load(struct vm *vm, struct ctx *ctx, bool may_lie)
{
    struct err_info before = ctx->err;
    struct plan *plan = plan_find(vm->model, vm->scripts, vm->scripts_count);
    struct plan *below = plan || !may_lie ? NULL : plan_below(vm, ctx);
    vm->is_guess = below;
    plan_begin(vm, plan ? plan : below ? plan_over(below) : plan_new(), plan != NULL);
    enum err e = vm_protect(vm, NULL, ctx, VM_LOAD, "libraries", open_state, NULL);
    if (!e && !plan)
        e = load_all(vm, ctx);
    if (!e && !plan)
        plan_leave(vm);
    if (e && !vm->broken)
        vm->broken = arena_strdup(vm->arena, ctx->err.detail);
    vm->is_guess = false;
    vm->broken_at_us = e ? clock_mono_us() : 0;
    if (e && below && !vm->is_dead)
        log_info("tenant %s: what its bundles add does not load alone, all scripts run: %s",
                 ctx->tenant->name, vm->broken);
    else if (e)
        log_error("tenant %s: scripts do not load: %s", ctx->tenant->name, vm->broken);
    ctx->err = before;
}

/* Still what the model asks for? One that did not load is tried again now and then: its files may
 * have been mended. */
static bool is_current(const struct vm *vm, const struct ctx *ctx)
{
    if (vm->depth || ctx->unit)
        return true; /* in the middle of a unit, which holds its handlers */
    if (vm->serial != ctx->model->serial || vm->marks != late_marks())
        return false;
    int times = vm->slow_loads < BROKEN_SLOWER ? vm->slow_loads : BROKEN_SLOWER;
    return vm->broken ? clock_mono_us() - vm->broken_at_us < (int64_t)BROKEN_RETRY_US << times
                      : !vm->is_dead;
}

static struct vm *vm_loaded(struct ctx *ctx, int slow, bool may_lie)
{
    struct vm *vm = vm_new(ctx);
    vm->slow_loads = slow;
    ctx->tenant->vm = vm;
    ctx->tenant->vm_free = vm_free;
    vm->tenant = ctx->tenant;
    used_put(vm);
    load(vm, ctx, may_lie);
    return vm;
}

enum err vm_get(struct ctx *ctx, const char *home, struct vm **out)
{
    ASSERT(ctx->tenant && ctx->model);
    ASSERT(out);
    (void)home; /* the model's plugins know their folders */
    struct vm *vm = ctx->tenant->vm;
    if (!vm || !is_current(vm, ctx)) {
        bool again = vm && vm->broken && vm->is_dead && vm->version == ctx->model->version;
        int slow = again ? vm->slow_loads + 1 : 0;
        vm_free(vm);
        vm = vm_loaded(ctx, slow, true);
        if (vm->broken && vm->plan->below && !vm->is_dead) {
            vm_free(vm); /* perhaps it needs that its products' scripts have run */
            vm = vm_loaded(ctx, slow, false);
        }
        vm_trim(SCRIPT_VMS_BYTES_MAX);
    } else if (used.newest != vm) {
        used_drop(vm);
        used_put(vm);
    }
    if (!vm->depth && !ctx->unit) { /* a unit of work begins */
        vm->used = (struct vm_used){0};
        vm->saving = 0;
    }
    if (vm->broken) {
        ctx->err.detail = arena_strdup(ctx->arena, vm->broken);
        return ERR_PLUGIN;
    }
    *out = vm;
    return ERR_OK;
}

/* "acme.sales:init.lua acme.sales/rules.lua:14: …" without the handler before it. */
static const char *without_handler(struct ctx *ctx, const char *text)
{
    const char *space = strchr(text, ' '), *colon = strchr(text, ':');
    bool has_handler = space && colon && colon < space && strstr(space, ".lua:");
    return arena_strdup(ctx->arena, has_handler ? space + 1 : text);
}

const char *vm_sentence(struct ctx *ctx, const char *detail)
{
    return without_handler(ctx, detail ? detail : "it failed");
}

enum err vm_beside_telling(struct ctx *ctx, const struct vm_telling *telling, struct vm **out,
                           const char **why)
{
    struct vm *vm = vm_new(ctx);
    vm->is_trial = true;
    vm->telling = telling;
    *out = vm;
    plan_begin(vm, plan_new(), false);
    enum err e = vm_protect(vm, NULL, ctx, VM_LOAD, "libraries", open_state, NULL);
    if (!e)
        e = load_all(vm, ctx);
    if (e)
        *why = vm_sentence(ctx, vm->broken ? vm->broken : ctx->err.detail);
    return e ? ERR_PLUGIN : ERR_OK;
}

enum err vm_beside(struct ctx *ctx, struct vm **out, const char **why)
{
    return vm_beside_telling(ctx, NULL, out, why);
}

enum err vm_try(struct ctx *ctx, const struct model *model, const struct plugin *plugin,
                const char **why)
{
    ASSERT(ctx->tenant && model && why);
    ASSERT(!ctx->unit);
    const struct model *before = ctx->model;
    struct err_info info = ctx->err;
    ctx->model = model;
    struct vm *vm = NULL;
    enum err e = vm_beside(ctx, &vm, why);
    if (!e && plugin) {
        e = load_compile(vm, ctx, plugin->id);
        if (e)
            *why = vm_sentence(ctx, ctx->err.detail);
    }
    vm_free(vm);
    ctx->model = before;
    ctx->err = info;
    return e ? ERR_PLUGIN : ERR_OK;
}

const struct hooks *vm_hooks(const struct vm *vm)
{
    return vm->hooks;
}

struct record_computed *vm_computed(struct vm *vm)
{
    return &vm->computed;
}

bool vm_was_killed(const struct vm *vm)
{
    return vm->was_killed;
}

const struct limit *vm_limits(const struct vm *vm)
{
    return vm->limits;
}

size_t vm_bytes(const struct vm *vm)
{
    return vm->bytes;
}

/* --- computed fields --- */

struct computing {
    const struct field *field;
    struct record *record;
    struct json *result; /* in the arena of the unit */
    struct arena *arena;
};

static int push_record(lua_State *L, void *arg)
{
    const struct computing *computing = arg;
    record_push(L, &(struct record_handle){.entity = computing->record->entity,
                                           .record = computing->record});
    return 1;
}

static void take_json(lua_State *L, void *arg)
{
    struct computing *computing = arg;
    computing->result = convert_json(L, -1, computing->arena, computing->field);
}

static enum err run_computed(struct ctx *ctx, const struct field *field, struct record *record,
                             void *arg)
{
    struct vm *vm = arg;
    const struct bound *bound =
        map_get(&vm->plan->functions, slice_of((const char *)&field->n, sizeof field->n));
    ASSERT(bound); /* all of the model's were found while loading */
    struct computing computing = {field, record, NULL, ctx->arena};
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_COMPUTED,
                           .handler = field->name,
                           .push = push_record,
                           .take = take_json,
                           .arg = &computing};
    enum err e = vm_call(vm_owner(vm, bound), bound->ref, &call);
    struct value values[4] = {{0}};
    if (!e && computing.result->type != JSON_NULL)
        e = field_result_type(field)->parse(ctx, field, field->name, computing.result, values);
    for (int i = 0; i < field->type->columns && !e; i++) {
        record->now[field->slot + i] = values[i];
        record->changed[field->slot + i] = 1;
    }
    return e;
}

/* --- operations and services --- */

struct operation {
    struct vm *vm;
    const struct bound *bound;
    struct event *event; /* NULL: a service */
    const struct json *argument;
    struct json *result;
    struct arena *arena;
};

static int push_operation(lua_State *L, void *arg)
{
    const struct operation *operation = arg;
    if (operation->event)
        event_push(L, operation->event, operation->argument);
    else
        convert_push_json(L, operation->argument, false);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm_owner(vm_of(L), operation->bound)->context);
    return 2;
}

static void take_result(lua_State *L, void *arg)
{
    struct operation *operation = arg;
    if (!lua_isnil(L, -1))
        operation->result = convert_json(L, -1, operation->arena, NULL);
}

static enum err operate(struct ctx *ctx, struct operation *operation, struct buf *out)
{
    struct vm_call call = {.ctx = ctx,
                           .event = operation->event,
                           .moment = VM_ACTION,
                           .handler = operation->bound->name,
                           .push = push_operation,
                           .take = take_result,
                           .arg = operation};
    int before = ctx->err.count;
    operation->arena = ctx->arena;
    enum err e = vm_call(vm_owner(operation->vm, operation->bound), operation->bound->ref, &call);
    if (!e && ctx->err.count > before)
        e = ERR_VALIDATION;
    if (e)
        return e;
    const struct json *result = operation->result;
    if (!result || (result->type == JSON_ARRAY && !result->count))
        buf_put_str(out, "{}"); /* an answer is an object */
    else
        json_put(out, result);
    return ERR_OK;
}

enum err vm_action(struct vm *vm, struct ctx *ctx, const struct entity *entity, const char *action,
                   struct record *record, const struct json *params, struct buf *out)
{
    ASSERT(vm && ctx && entity);
    ASSERT(action && out);
    const char *key = arena_printf(ctx->arena, "%s.%s", entity->name, action);
    const struct bound *bound = map_get(&vm->plan->actions, slice_str(key));
    if (!bound)
        return ERR_NOT_FOUND;
    if (!rights_operation(ctx, entity, action, vm_owner(vm, bound)->id))
        return ERR_FORBIDDEN;
    enum err e = operation_check(ctx, entity, action, params);
    if (e)
        return e;
    struct event event = {.entity = entity->name, .record = record, .name = action};
    struct operation operation = {.vm = vm, .bound = bound, .event = &event, .argument = params};
    return operate(ctx, &operation, out);
}

enum err vm_service(struct vm *vm, struct ctx *ctx, const char *name, const struct json *argument,
                    struct buf *out)
{
    ASSERT(vm && ctx);
    ASSERT(name && out);
    const struct bound *bound = map_get(&vm->plan->services, slice_str(name));
    if (!bound)
        return ERR_NOT_FOUND;
    struct operation operation = {.vm = vm, .bound = bound, .argument = argument};
    return operate(ctx, &operation, out);
}
