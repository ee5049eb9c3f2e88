/* bind_check - `crm.check`, which names an invariant of a plugin's records.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/bind.h"
#include "script/plan.h"

static void check_options(lua_State *L)
{
    static const char *const known[] = {"entity", "where", NULL};
    bind_members(L, 2, "crm.check has no", known);
}

static void grow(lua_State *L, struct vm *vm)
{
    if (vm->plan->checks_count == CHECKS_MAX)
        luaL_error(L, "the plugins of this company have more than %d checks", CHECKS_MAX);
    struct plan *plan = vm->plan;
    const struct plan *below = plan->below ? plan->below : plan;
    int count = plan->checks_count;
    plan->checks =
        plan_list(plan, plan->checks, below->checks, count, CHECKS_MAX, sizeof *plan->checks);
    plan->checks_bound = plan_list(plan, plan->checks_bound, below->checks_bound, count, CHECKS_MAX,
                                   sizeof *plan->checks_bound);
}

/*** Names an invariant: what holds for every record of an entity whenever nothing is half done.
 *
 * `perigee check TENANT` asks it of all of them, on live data. It may read, as_system what the
 * plugin's capabilities name, and write nothing; each record has the limits of a job's step. What
 * it reads and the record are of one moment.
 *
 * @param name string told with what was found: "points.balance"
 * @param options table entity, where (a filter: the records it holds for)
 * @param fn function called with (record, ctx); returns nil, or a text that says what is wrong
 * @moment load
 * @usage crm.check("order.total", { entity = "order" }, function(order) … return "x is missing"
 * end)
 */
int bind_check(lua_State *L)
{
    struct script *script = lua_touserdata(L, lua_upvalueindex(1));
    struct vm *vm = script->vm;
    vm_allow(L, VM_LOAD, "crm.check");
    const char *name = luaL_checkstring(L, 1);
    luaL_argcheck(L, *name && strlen(name) <= NAME_BYTES_MAX, 1, "a short name is expected");
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (bind_again(L, script, 3))
        return 0;
    check_options(L);
    lua_getfield(L, 2, "entity");
    luaL_argexpected(L, lua_type(L, -1) == LUA_TSTRING, 2, "\"entity\" as a name");
    const struct entity *entity = bind_entity(L, lua_gettop(L));
    luaL_argcheck(L, entity, 2, "\"entity\" is one, not all");
    struct check_rule rule = {
        .plugin = script->id, .name = arena_strdup(vm->plan->arena, name), .entity = entity};
    if (lua_getfield(L, 2, "where") != LUA_TNIL)
        rule.where = convert_filter(L, -1, vm->plan->arena, entity);
    for (int i = 0; i < vm->plan->checks_count; i++)
        if (vm->plan->checks_bound[i].script == script->index &&
            strcmp(vm->plan->checks[i].name, name) == 0)
            return luaL_error(L, "there is a check \"%s\" already", name);
    grow(L, vm);
    vm->plan->checks_bound[vm->plan->checks_count] =
        (struct bound){script->index, rule.name, bind_slot(L, script, 3), NULL};
    vm->plan->checks[vm->plan->checks_count++] = rule;
    return 0;
}
