/* warm - see warm.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/warm.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/shelf.h"
#include "base/tuning.h"
#include "record/model.h"
#include "script/vm.h"
#include "tenant/control.h"

struct warm {
    struct app *app;     /* borrowed */
    struct arena *arena; /* owned; the names */
    int looks;           /* at the shelf */
    bool has_chosen;
    struct candidate {
        const char *name;
        int64_t bytes;
    } list[WARM_TENANTS]; /* the largest comes first */
    int count, next;
};

struct warm *warm_new(struct app *app)
{
    ASSERT(app && app->tenants);
    struct warm *warm = calloc(1, sizeof *warm);
    ASSERT_MEMORY(warm);
    warm->app = app;
    warm->arena = arena_new_small();
    return warm;
}

void warm_free(struct warm *warm)
{
    if (!warm)
        return;
    arena_free(warm->arena);
    free(warm);
}

/* --- whose --- */

/* Who was asked last cannot be told from the files: a server that ends writes to all of them. The
 * largest store is that of most people's work. */
static int64_t store_bytes(const struct app *app, struct arena *scratch, const char *name)
{
    struct stat st;
    const char *path = arena_printf(scratch, "%s/tenants/%s/tenant.db", app->config->data, name);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static bool is_served_here(struct app *app, const struct control_tenant *tenant)
{
    if (strcmp(tenant->state, "active") != 0)
        return false;
    return app->role != APP_WORKER || app->services->owner(app, tenant->name) == app->slot;
}

static void take(struct warm *warm, const char *name, int64_t bytes)
{
    int at = warm->count;
    while (at > 0 && warm->list[at - 1].bytes < bytes)
        at--;
    if (at == WARM_TENANTS)
        return;
    if (warm->count < WARM_TENANTS)
        warm->count++;
    memmove(&warm->list[at + 1], &warm->list[at],
            (size_t)(warm->count - 1 - at) * sizeof *warm->list);
    warm->list[at] = (struct candidate){name, bytes};
}

static void choose(struct warm *warm)
{
    struct app *app = warm->app;
    struct arena *scratch = arena_new();
    struct control_tenant *all;
    int count = 0;
    if (control_list(tenants_control(app->tenants), scratch, &all, &count))
        count = 0; /* who comes builds for themselves */
    for (int i = 0; i < count; i++)
        if (is_served_here(app, &all[i]))
            take(warm, all[i].name, store_bytes(app, scratch, all[i].name));
    for (int i = 0; i < warm->count; i++)
        warm->list[i].name = arena_strdup(warm->arena, warm->list[i].name);
    arena_free(scratch);
    warm->has_chosen = true;
}

/* --- their models --- */

/* In one snapshot: the number of a model and what it follows from belong together. A model that
 * has to be applied first is left to whoever asks. */
static void make(struct app *app, struct tenant *tenant)
{
    struct arena *arena = arena_new();
    struct ctx ctx;
    const char *why = NULL;
    ctx_init(&ctx, arena);
    ctx.tenant = tenant;
    ctx.as_system = true;
    if (!store_begin(tenant->store, false)) {
        enum err e = tenant_refresh(tenant);
        if (!e)
            e = model_get(tenant, app->config->home, false, &ctx.model, &why);
        if (!e && app->role == APP_WORKER)
            vm_prepare(&ctx);
        store_rollback(tenant->store);
    }
    arena_free(arena);
}

static void make_of(struct app *app, const char *name)
{
    struct tenant *tenant;
    if (tenants_is_open(app->tenants, name)) /* it came by itself */
        return;
    if (tenants_by_name(app->tenants, slice_str(name), &tenant))
        return;
    make(app, tenant);
    tenants_unpin(app->tenants, tenant);
    tenants_drop(app->tenants, name);
}

bool warm_step(struct warm *warm)
{
    ASSERT(warm);
    if (shelf_is_filling())
        return ++warm->looks < WARM_LOOKS;
    if (!warm->has_chosen)
        choose(warm);
    else if (warm->next < warm->count)
        make_of(warm->app, warm->list[warm->next++].name);
    bool is_over = warm->next >= warm->count;
    if (is_over) /* what building took besides: the heap gives it back at the next rest */
        tenants_freed(warm->app->tenants, TENANTS_REST_BYTES);
    return !is_over;
}
