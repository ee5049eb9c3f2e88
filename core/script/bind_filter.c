/* bind_filter - conditions kept as data: crm.matches(record, filter).
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
    const struct json *tree = convert_filter(L, 2, ctx->arena, handle->entity);
    struct err_info before = ctx->err;
    err_info_init(&ctx->err, ctx->arena);
    const struct value *values = handle->values ? handle->values : handle->record->now;
    enum err e = filter_matches(ctx, handle->entity, tree, values, &fits);
    const struct err_field *complaint = ctx->err.first;
    const char *where = complaint ? complaint->field : "filter";
    const char *what = complaint ? complaint->code : err_code(e);
    ctx->err = before;
    if (e)
        return luaL_error(L, "this filter does not fit %s: %s: %s", handle->entity->name, where,
                          what);
    lua_pushboolean(L, fits);
    return 1;
}
