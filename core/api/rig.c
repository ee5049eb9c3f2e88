/* rig - see rig.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/rig_in.h"

#include "api/call.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "tenant/folder.h"

static const struct app_services NO_SERVICES = {0};

enum err rig_new(struct arena *arena, const struct rig_spec *spec, struct rig **out,
                 const char **why)
{
    ASSERT(arena && spec && spec->home);
    ASSERT(out && why);
    struct rig *rig = arena_make(arena, struct rig);
    rig->arena = arena;
    rig->spec = *spec;
    rig->app = (struct app){.role = APP_COMMAND, .config = &rig->config, .services = &NO_SERVICES};
    actor_role_source(model_role);
    ctx_init(&rig->ctx, arena);
    rig->ctx.as_system = true;
    rig->ctx.lang = LANG_EN;
    rig->ctx.tenant = &rig->tenant;
    clock_fix(RIG_START_MS);
    rig->ctx.now_ms = RIG_START_MS;
    enum err e = rig_make(rig, why);
    if (!e) {
        *out = rig;
        return ERR_OK;
    }
    if (!*why)
        *why = rig->ctx.err.detail ? rig->ctx.err.detail : err_text(e, LANG_EN);
    *why = arena_strdup(arena, *why); /* it may stand in the model, which goes */
    rig_free(rig);
    return e;
}

void rig_free(struct rig *rig)
{
    if (!rig)
        return;
    struct tenant *tenant = &rig->tenant;
    if (tenant->vm)
        tenant->vm_free(tenant->vm);
    if (tenant->cache)
        tenant->cache_free(tenant->cache);
    if (tenant->vault)
        tenant->vault_free(tenant->vault);
    if (tenant->model)
        tenant->model_free(tenant->model);
    store_close(tenant->store);
    store_close(rig->template);
    if (tenant->arena)
        arena_free(tenant->arena);
    if (rig->data && folder_remove(rig->data))
        log_warn("%s could not be removed", rig->data);
    clock_fix(-1);
}

struct ctx *rig_ctx(struct rig *rig)
{
    return &rig->ctx;
}

const char *rig_plugin(const struct rig *rig)
{
    return rig->plugin;
}

enum err rig_write(struct rig *rig, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    return app_write(&rig->app, &rig->ctx, fn, arg);
}
