/* local - see local.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/local.h"

#include <sys/stat.h>
#include <unistd.h>

#include "api/jobs.h"
#include "api/pipeline.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"

#define LOCAL_NODE                                                                                 \
    1023 /* of ids: the supervisor counts up from 0 and starts when we have ended                  \
          */

struct local {
    struct config config;
    struct app app;
    int lock;
    struct arena *arena;
};

static const struct app_services LOCAL_SERVICES = {0};

enum err local_open(struct arena *arena, const char *data, struct local **out, const char **why)
{
    struct local *local = arena_make(arena, struct local);
    local->arena = arena;
    local->lock = -1;
    umask(0077);
    enum err e = store_check_library(why);
    if (!e)
        e = config_load(arena, data, config_home(arena), &local->config, why);
    if (e)
        return e;
    e = control_lock(data, &local->lock);
    if (e == ERR_CONFLICT) {
        *why = arena_printf(arena, "another server or command is using %s", data);
        return e;
    }
    id_init(LOCAL_NODE, 0);
    /* Without a folder there is nothing to lock; opening it says what is missing. */
    struct tenants *tenants = NULL;
    e = tenants_new(&local->config, STORE_OWNER, 1, &tenants, why);
    if (!e)
        e = tenants_own_control(tenants, STORE_OWNER, why);
    if (e) {
        *why = *why ? *why : arena_printf(arena, "%s: %s", data, err_code(e));
        return e;
    }
    app_init(&local->app, APP_COMMAND, &local->config, tenants, &LOCAL_SERVICES);
    local->app.control = tenants_control(tenants);
    *out = local;
    return ERR_OK;
}

void local_close(struct local *local)
{
    if (!local)
        return;
    tenants_free(local->app.tenants);
    app_release(&local->app);
    close(local->lock);
}

/* A turn of one request. */
static void run_turn(struct call *call)
{
    struct store *store = call->ctx->tenant->store;
    enum err e = store_begin(store, true);
    if (e) {
        pipeline_fail(call, e);
        return;
    }
    e = pipeline_run(call);
    if (e) {
        store_rollback(store);
        return;
    }
    e = store_commit(store);
    if (e)
        pipeline_fail(call, e);
}

/* No worker runs beside a command: it is the one to start the log of the store anew. */
static void wal_look(struct tenant *tenant)
{
    if (store_wal_pages(tenant->store) < WAL_RESTART_PAGES)
        return;
    enum err e = store_checkpoint(tenant->store, STORE_CHECKPOINT_RESTART, NULL);
    if (e && e != ERR_BUSY)
        log_error("checkpoint of %s: %s", tenant->name, err_code(e));
}

static void run_jobs(struct local *local, struct tenant *tenant)
{
    bool more = true;
    while (more) {
        wal_look(tenant);
        int64_t next_ms = 0;
        struct arena *arena = arena_new();
        enum err e = jobs_step(&local->app, tenant, arena, &more, &next_ms);
        arena_free(arena);
        if (e) {
            log_warn("jobs of %s: %s", tenant->name, err_code(e));
            return;
        }
    }
}

void local_call(struct local *local, struct arena *arena, const struct req *req, struct resp *resp)
{
    struct call *call = pipeline_call_new(&local->app, arena, req, resp);
    call->is_operator = true;
    int64_t body_max;
    if (pipeline_admit(call, false, &body_max) == ERR_OK) {
        if (call->route->runs == RUNS_WORKER && call->ctx->tenant) {
            run_turn(call);
        } else if (pipeline_run(call)) {
            log_debug("refused with %d", resp->status);
        }
        if (call->ctx->tenant && resp->status < 300 && req->method != HTTP_GET)
            run_jobs(local, call->ctx->tenant);
    }
    pipeline_end(call);
}
