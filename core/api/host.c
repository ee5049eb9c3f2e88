/* host - see host.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/host.h"

#include "api/call.h"

struct writing {
    struct app *app;
    enum err (*fn)(struct ctx *ctx, void *arg);
    void *arg;
};

/* In the turn the model may be another than the one the script was loaded for. */
static enum err write_fn(struct ctx *ctx, void *arg)
{
    struct writing *w = arg;
    struct unit unit;
    if (ctx->tenant->header.model_version != ctx->model->version)
        return ERR_BUSY;
    enum err e = app_unit_begin(w->app, ctx, &unit);
    if (e)
        return e;
    e = w->fn(ctx, w->arg);
    unit_end(ctx);
    return e;
}

static enum err host_write(const struct vm_host *host, struct ctx *ctx,
                           enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct writing w = {host->user, fn, arg};
    return app_write(w.app, ctx, write_fn, &w);
}

struct vm_host host_of(struct app *app)
{
    ASSERT(app->role != APP_GATEWAY);
    return (struct vm_host){.write = host_write, .user = app};
}
