/* bind_filter - conditions kept as data: crm.matches(record, filter), crm.filter_check(entity,
 * filter).
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/filter.h"
#include "script/bind.h"

/*** Does a record fit a filter? The same tree as everywhere else, so that conditions which people
 * shape (rules, policies, recycling) are asked as lists would ask them.
 * @param record record
 * @param filter table as for `where`; an empty one fits every record
 * @return boolean
 * @moment before_* validate after_* action job route
 * @usage if crm.matches(ev.record, policy.match or {}) then … end
 */
int bind_matches(lua_State *L)
{
    const struct record_handle *handle = record_test(L, 1);
    bool fits = false;
    luaL_argcheck(L, handle, 1, "a record is expected");
    struct ctx *ctx = vm_ctx(L);
    vm_allow(L, ~(unsigned)(VM_LOAD | VM_COMPUTED), "crm.matches");
    const struct json *tree = convert_filter(L, 2, ctx->arena, handle->entity);
    struct err_info before = ctx->err;
    err_info_init(&ctx->err, ctx->arena);
    const struct value *values = handle->values ? handle->values : handle->record->now;
    /* Conditions on other records ask the store, which takes no longer than the script may. */
    int64_t budget_us = store_budget(ctx->tenant->store, watch_left_us());
    enum err e = filter_matches(ctx, handle->entity, tree, values, &fits);
    (void)store_budget(ctx->tenant->store, budget_us);
    const struct err_field *complaint = ctx->err.first;
    const char *where = complaint ? complaint->field : "filter";
    const char *what = complaint ? complaint->code : err_code(e);
    ctx->err = before;
    if (e == ERR_TIMEOUT)
        vm_stop(L, VM_KILLED, "it used more CPU time than it may");
    if (e)
        return luaL_error(L, "this filter does not fit %s: %s: %s", handle->entity->name, where,
                          what);
    lua_pushboolean(L, fits);
    return 1;
}

/*** Can this filter be asked of an entity's records? For conditions that people save.
 * @param entity string
 * @param filter table
 * @return boolean|nil true; or nil and what is wrong with it
 * @usage local fits, why = crm.filter_check("ticket", ev.record.match)
 */
int bind_filter_check(lua_State *L)
{
    const struct entity *entity = bind_entity(L, 1);
    luaL_argcheck(L, entity, 1, "a name is expected");
    struct ctx *ctx = vm_ctx(L);
    const struct json *tree = convert_filter(L, 2, ctx->arena, entity);
    const struct filter_scope scope = {.entity = entity};
    const struct expr *compiled;
    struct err_info before = ctx->err;
    err_info_init(&ctx->err, ctx->arena);
    bool was_system = ctx->as_system;
    ctx->as_system = true;
    enum err e = filter_compile(ctx, &scope, tree, &compiled);
    ctx->as_system = was_system;
    if (e)
        model_err_texts(ctx);
    const struct err_field *complaint = ctx->err.first;
    ctx->err = before;
    if (!e) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    if (complaint)
        lua_pushfstring(L, "%s: %s", complaint->field,
                        complaint->message ? complaint->message : complaint->code);
    else
        lua_pushfstring(L, "filter: %s", err_code(e));
    return 2;
}
