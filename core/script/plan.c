/* plan - see plan.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/plan.h"

#include <stdlib.h>

#include "script/bind.h"

struct plan *plan_new(void)
{
    struct plan *plan = calloc(1, sizeof *plan);
    ASSERT_MEMORY(plan);
    plan->arena = arena_new();
    plan->users = 1;
    plan->hooks = hooks_new(plan->arena);
    map_init(&plan->services, plan->arena);
    map_init(&plan->actions, plan->arena);
    map_init(&plan->functions, plan->arena);
    return plan;
}

void plan_release(struct plan *plan)
{
    if (!plan || --plan->users > 0)
        return;
    struct plan *below = plan->below;
    arena_free(plan->arena);
    free(plan);
    plan_release(below);
}

struct plan *plan_over(struct plan *below)
{
    struct plan *plan = calloc(1, sizeof *plan);
    ASSERT_MEMORY(plan);
    *plan = *below;
    plan->arena = arena_new_small();
    plan->users = 1;
    plan->below = below;
    plan->codes = NULL;
    plan->scripts_count = 0;
    plan->hooks = hooks_over(plan->arena, below->hooks);
    map_copy(&plan->services, plan->arena, &below->services, 0);
    map_copy(&plan->actions, plan->arena, &below->actions, 0);
    map_copy(&plan->functions, plan->arena, &below->functions, 0);
    plan->slots_room = plan->slots_count + 16; /* what bundles add is little */
    plan->slots =
        arena_grow(plan->arena, below->slots, (size_t)below->slots_count * sizeof *plan->slots,
                   (size_t)plan->slots_room * sizeof *plan->slots);
    return plan;
}

void *plan_list(const struct plan *plan, void *list, const void *of_below, int count, int max,
                size_t size)
{
    if (list && !(plan->below && list == of_below))
        return list;
    return arena_grow(plan->arena, list, (size_t)count * size, (size_t)max * size);
}

static void release(void *plan)
{
    plan_release(plan);
}

/* Made of this very code, none of which is set aside? */
static bool fits(const struct plan *plan, const struct script *scripts, int count)
{
    if (!plan || plan->scripts_count != count)
        return false;
    for (int i = 0; i < count; i++)
        if (scripts[i].barred || strcmp(plan->codes[i], scripts[i].code.hash) != 0)
            return false;
    return true;
}

struct plan *plan_find(const struct model *model, const struct script *scripts, int count)
{
    const struct model_extra *extra = model_extra(model);
    struct plan *plan = extra ? extra->value : NULL;
    if (!fits(plan, scripts, count) || plan->is_alone)
        return NULL;
    plan->users++;
    return plan;
}

void plan_leave(struct vm *vm)
{
    struct plan *plan = vm->plan;
    struct model_extra *extra = model_extra(vm->model);
    if (!extra || plan->is_alone || fits(extra->value, vm->scripts, vm->scripts_count))
        return;
    plan->codes = arena_alloc_array(plan->arena, (size_t)vm->scripts_count, sizeof *plan->codes);
    plan->scripts_count = vm->scripts_count;
    for (int i = 0; i < vm->scripts_count; i++) {
        if (vm->scripts[i].barred)
            return;
        memcpy(plan->codes[i], vm->scripts[i].code.hash, sizeof plan->codes[i]);
    }
    if (extra->value)
        extra->release(extra->value);
    plan->users++;
    *extra = (struct model_extra){plan, release};
}

/* --- slots --- */

/* So that the VM's list of functions is as long as the plan's. */
static void refs_grow(struct vm *vm)
{
    if (vm->plan->slots_count <= vm->refs_room)
        return;
    int room = vm->refs_room ? vm->refs_room * 2 : 64;
    while (room < vm->plan->slots_count)
        room *= 2;
    vm->refs = realloc(vm->refs, (size_t)room * sizeof *vm->refs);
    ASSERT_MEMORY(vm->refs);
    for (int i = vm->refs_room; i < room; i++)
        vm->refs[i] = LUA_NOREF;
    vm->refs_room = room;
}

int bind_slot(lua_State *L, struct script *script, int at)
{
    struct vm *vm = script->vm;
    struct plan *plan = vm->plan;
    const struct frame *frame = vm_frame(vm);
    int ref = bind_function(L, at);
    if (plan->slots_count == plan->slots_room) {
        int room = plan->slots_room ? plan->slots_room * 2 : 128;
        plan->slots =
            arena_grow(plan->arena, plan->slots, (size_t)plan->slots_count * sizeof *plan->slots,
                       (size_t)room * sizeof *plan->slots);
        plan->slots_room = room;
    }
    /* Registered by another plugin's init.lua, through a module: who loads it alone lacks it. */
    plan->is_alone = plan->is_alone || !frame || frame->script != script;
    int slot = plan->slots_count++;
    plan->slots[slot] = script->index;
    refs_grow(vm);
    vm->refs[slot] = ref;
    return PLAN_SLOT_FIRST - slot;
}

bool bind_again(lua_State *L, struct script *script, int at)
{
    struct vm *vm = script->vm;
    const struct plan *plan = vm->plan;
    if (!script->is_planned)
        return false;
    const struct frame *frame = vm_frame(vm);
    if (!frame || frame->script != script) /* it would take another one's slot */
        luaL_error(L, "%s registers while another plugin loads its file", script->id);
    if (script->next >= plan->slots_count || plan->slots[script->next] != script->index)
        luaL_error(L, "%s registers more than it did when it was loaded first", script->id);
    int ref = bind_function(L, at);
    vm->refs[script->next++] = ref;
    return true;
}

void vm_push_ref(lua_State *L, int ref)
{
    const struct vm *vm = vm_of(L);
    if (plan_is_slot(ref))
        ref = vm->refs[PLAN_SLOT_FIRST - ref];
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
}

/* --- a VM that begins with a plan --- */

static int first_slot(const struct plan *plan, int script)
{
    int slot = 0;
    while (slot < plan->slots_count && plan->slots[slot] != script)
        slot++;
    return slot;
}

void plan_begin(struct vm *vm, struct plan *plan, bool is_shared)
{
    int known = is_shared ? vm->scripts_count : plan->below ? plan->below->scripts_count : 0;
    vm->plan = plan;
    if (is_shared) {
        vm->hooks = hooks_view(vm->arena, plan->hooks, vm);
    } else {
        hooks_own(plan->hooks, vm);
        vm->hooks = plan->hooks;
    }
    refs_grow(vm);
    for (int i = 0; i < known; i++) {
        vm->scripts[i].is_planned = true;
        vm->scripts[i].next = first_slot(plan, i);
    }
}

static enum err load_now(struct vm *vm, struct script *script, struct ctx *ctx)
{
    const struct plan *plan = vm->plan;
    const struct vm_used used = vm->used;
    enum err e = load_one(vm, script, ctx);
    bool is_short = script->next < plan->slots_count && plan->slots[script->next] == script->index;
    if (!e && is_short) {
        ctx->err.detail = arena_printf(
            ctx->arena, "%s registers less than it did when it was loaded first", script->id);
        e = ERR_PLUGIN;
    }
    if (!vm->depth)
        vm->used = used; /* what the unit has used so far */
    if (e) {
        vm->is_dead = true;
        vm->plan->is_alone = true; /* the next VM runs every script again */
    }
    return e;
}

enum err vm_ready(struct script *script, struct ctx *ctx)
{
    struct vm *vm = script->vm;
    if (script->is_loaded || !script->is_planned || script->barred || vm->is_dead)
        return ERR_OK;
    script->is_loaded = true; /* also while it loads: it may call itself */
    return load_now(vm, script, ctx);
}
