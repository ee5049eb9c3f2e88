/* unit - a unit of writes with the tenant's scripts around it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/app.h"
#include "record/record.h"
#include "script/vm.h"

enum err app_unit_begin(struct app *app, struct ctx *ctx, struct unit *unit)
{
    ASSERT(app->role != APP_GATEWAY);
    ASSERT(ctx->model);

    struct vm *vm = NULL;
    enum err e = vm_get(ctx, app->config->home, &vm);
    if (e)
        return e;
    unit_begin(ctx, unit, vm_hooks(vm));
    unit->computed = vm_computed(vm);
    return ERR_OK;
}
