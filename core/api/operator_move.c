/* operator_move - a tenant gets another worker, while it is being written to.
 *
 * Asked again until it is done: the first time the present owner is told to give the tenant up, and
 * once the shared page names the new one, that is written into control.db for the next start. In
 * this order, because processes read control.db at different times: as long as the page says where
 * the tenant lives, all of them agree.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"
#include "api/operator.h"
#include "tenant/control.h"

int operator_worker(struct call *call, const struct control_tenant *tenant)
{
    const struct app *app = call->app;
    return app->services->owner ? app->services->owner(call->app, tenant->name) : tenant->worker;
}

static enum err move_body(struct call *call, int64_t *to)
{
    static const char *const members[] = {"worker", NULL};
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    const struct json *worker = json_get(body, "worker");
    if (!worker || worker->type != JSON_INT)
        return err_field(&call->ctx->err, "worker", worker ? "not_a_number" : "required", NULL);
    *to = json_int(body, "worker", -1);
    if (*to < 0 || *to >= call->app->config->workers)
        return err_field(&call->ctx->err, "worker", "out_of_range", NULL);
    return ERR_OK;
}

enum err operator_tenants_move(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct app *app = call->app;
    const struct control_tenant *tenant;
    const char *name = arena_str(ctx->arena, call_param(call, 0));
    int64_t to = 0;
    enum err e = operator_find(call, name, &tenant);
    if (!e)
        e = move_body(call, &to);
    if (e)
        return e;
    bool is_there = !app->services->owner || operator_worker(call, tenant) == to;
    if (!is_there) {
        app->services->move(app, name, (int)to);
        call->resp->status = 202;
    } else {
        e = control_place(app->control, name, (int)to);
        if (e)
            return e;
        tenants_reload(app->tenants);
    }
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"name\":");
    json_put_cstr(out, name);
    buf_printf(out, ",\"worker\":%d}", is_there ? (int)to : operator_worker(call, tenant));
    return ERR_OK;
}
