/* host - how scripts outside a transaction get one: a write turn lent to the runner they run in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/vm_in.h"

const struct vm_host *vm_host(const struct vm *vm)
{
    return vm->depth ? vm->frames[0].call->host : NULL;
}

void vm_write_count(lua_State *L)
{
    struct vm *vm = vm_of(L);
    const struct ctx *ctx = vm_ctx(L);
    bool in_tx = store_in_tx(ctx->tenant->store);
    if (++vm->used.writes > vm_limit(vm)->writes)
        vm_stop(L, VM_LIMIT, "it wrote more often than it may in one unit of work");
    if (in_tx ? !ctx->unit : !vm_host(vm))
        luaL_error(L, "nothing can be written here: this service was asked for an answer only");
}

enum err vm_write_counted(lua_State *L, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct vm *vm = vm_of(L);
    struct ctx *ctx = vm_frame(vm)->call->ctx; /* vm_ctx may raise */
    struct store *store = ctx->tenant->store;
    const struct vm_host *host = vm_host(vm);
    if (!store_in_tx(store))
        return host->write(host, ctx, fn, arg);
    enum err e = store_savepoint(store);
    return e ? e : store_savepoint_end(store, fn(ctx, arg));
}

enum err vm_write(lua_State *L, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    vm_write_count(L);
    return vm_write_counted(L, fn, arg);
}
