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
    plan->scripts_count = 0; /* homes stay: what lies on top has none */
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

/* --- where functions are found --- */

/* A function of a module, by its address. */
struct function {
    const void *at;
    struct plan_home home;
};

/* The members of the module on top that are functions. [-0, +0] */
static void note_members(lua_State *L, struct map *found, int script, const char *module)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_isfunction(L, -1) && !lua_iscfunction(L, -1)) {
            struct function *function = arena_make(found->arena, struct function);
            *function =
                (struct function){lua_topointer(L, -1), {module, lua_tostring(L, -2), script}};
            (void)map_put(found, slice_of((const char *)&function->at, sizeof function->at),
                          function);
        }
        lua_pop(L, 1);
    }
}

/* Of all modules of products that have been loaded. */
static void note_modules(struct vm *vm, struct map *found)
{
    lua_State *L = vm->L;
    for (int i = 0; i < vm->scripts_count; i++) {
        const struct script *script = &vm->scripts[i];
        if (!script->is_open || script->is_apart || script->plugin->layer == PLUGIN_TENANT)
            continue;
        lua_rawgeti(L, LUA_REGISTRYINDEX, script->modules);
        lua_pushnil(L);
        while (lua_next(L, -2)) { /* the keys are those of push_module: texts */
            if (lua_istable(L, -1))
                note_members(L, found, i, lua_tostring(L, -2));
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

/* All scripts have run: which of their functions will be found without their init.lua? */
static void note_homes(struct vm *vm)
{
    struct plan *plan = vm->plan;
    lua_State *L = vm->L;
    if (plan->below || !lua_checkstack(L, 8)) /* then they are those of the plan below, or none */
        return;
    struct arena *scratch = arena_new();
    struct map found;
    map_init(&found, scratch);
    note_modules(vm, &found);
    plan->homes = arena_array(plan->arena, struct plan_home, (size_t)plan->slots_count + 1);
    plan->homes_count = plan->slots_count;
    for (int slot = 0; slot < plan->slots_count; slot++) {
        if (vm->scripts[plan->slots[slot]].plugin->layer == PLUGIN_TENANT)
            continue;
        lua_rawgeti(L, LUA_REGISTRYINDEX, vm->refs[slot]);
        const void *at = lua_topointer(L, -1);
        const struct function *function = map_get(&found, slice_of((const char *)&at, sizeof at));
        lua_pop(L, 1);
        if (function)
            plan->homes[slot] = (struct plan_home){arena_strdup(plan->arena, function->home.module),
                                                   arena_strdup(plan->arena, function->home.member),
                                                   function->home.script};
    }
    arena_free(scratch);
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
    note_homes(vm);
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
    script->is_apart = script->is_apart || script->loading > 0;
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
    /* It would take another one's slot. */
    if (!frame || frame->script != script || !script->is_loaded)
        luaL_error(L, "%s registers while another plugin loads its file", script->id);
    if (script->next >= plan->slots_count || plan->slots[script->next] != script->index)
        luaL_error(L, "%s registers more than it did when it was loaded first", script->id);
    int ref = bind_function(L, at);
    luaL_unref(L, LUA_REGISTRYINDEX, vm->refs[script->next]); /* found before in its module */
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

/* The script with all that it names. */
static enum err load_whole(struct script *script, struct ctx *ctx)
{
    struct vm *vm = script->vm;
    const struct plan *plan = vm->plan;
    script->is_loaded = true; /* also while it loads: it may call itself */
    enum err e = load_one(vm, script, ctx);
    bool is_short = script->next < plan->slots_count && plan->slots[script->next] == script->index;
    if (!e && is_short) {
        ctx->err.detail = arena_printf(
            ctx->arena, "%s registers less than it did when it was loaded first", script->id);
        e = ERR_PLUGIN;
    }
    return e;
}

enum err vm_ready(struct script *script, int ref, struct ctx *ctx)
{
    struct vm *vm = script->vm;
    if (script->is_loaded || !script->is_planned || script->barred || vm->is_dead)
        return ERR_OK;
    int slot = plan_is_slot(ref) ? PLAN_SLOT_FIRST - ref : vm->plan->homes_count;
    const struct plan_home *home = slot < vm->plan->homes_count ? &vm->plan->homes[slot] : NULL;
    bool is_member = home && home->module;
    if (is_member && vm->refs[slot] != LUA_NOREF)
        return ERR_OK;
    const struct vm_used used = vm->used;
    enum err e = is_member ? load_member(script, home, slot, ctx) : load_whole(script, ctx);
    if (!vm->depth)
        vm->used = used; /* what the unit has used so far */
    if (e) {
        vm->is_dead = true;
        vm->plan->is_alone = true; /* the next VM runs every script again */
    }
    return e;
}
