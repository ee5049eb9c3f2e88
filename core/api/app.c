/* app - what one process has for answering requests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/app.h"

#include "api/routes.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/tuning.h"
#include "outbound/guard.h"
#include "outbound/outbound.h"
#include "record/meta.h"
#include "record/model.h"
#include "script/code.h"
#include "script/vm.h"

#define API_PREFIX    "/api/v1"
#define RECORD_PREFIX API_PREFIX "/records/{entity}"

/* Routes of records depend on the model, which describes them itself; the operator's are no part of
 * a company's interface. */
static bool is_described(const struct route *route)
{
    struct slice pattern = slice_str(route->pattern);
    return slice_starts(pattern, SLICE(API_PREFIX "/")) && route->who != WHO_OPERATOR &&
           !slice_starts(pattern, SLICE(RECORD_PREFIX));
}

static void describe_routes(const struct route *routes, int count)
{
    static const char *const methods[] = {[HTTP_GET] = "get",
                                          [HTTP_POST] = "post",
                                          [HTTP_PUT] = "put",
                                          [HTTP_PATCH] = "patch",
                                          [HTTP_DELETE] = "delete"};
    static struct meta_path paths[OPENAPI_PATHS_MAX];
    int described = 0;
    for (int i = 0; i < count; i++) {
        if (!is_described(&routes[i]))
            continue;
        ASSERT(described < OPENAPI_PATHS_MAX);
        paths[described++] = (struct meta_path){routes[i].pattern + strlen(API_PREFIX),
                                                methods[routes[i].method], routes[i].summary};
    }
    meta_openapi_paths(paths, described);
}

struct router *app_router(const struct app *app, struct slice path)
{
    return slice_starts(path, SLICE("/api/")) ? app->api : app->router;
}

void app_init(struct app *app, enum app_role role, const struct config *config,
              struct tenants *tenants, const struct app_services *services)
{
    ASSERT(config);
    ASSERT(services);

    *app = (struct app){.role = role,
                        .config = config,
                        .tenants = tenants,
                        .services = services,
                        .api = router_new(),
                        .router = router_new(),
                        .started_at_ms = clock_now_ms()};
    int count = 0;
    const struct route *routes = routes_all(&count);
    for (int i = 0; i < count; i++)
        router_add(app_router(app, slice_str(routes[i].pattern)), routes[i].method,
                   routes[i].pattern, &routes[i]);
    describe_routes(routes, count);
    actor_role_source(model_role);
    app_configured(app);
}

void app_configured(struct app *app)
{
    const struct outbound_policy policy = {app->config->outbound_private, app->config->outbound_ca};
    if (app->role == APP_RUNNER || app->role == APP_COMMAND)
        outbound_permit(&policy);
    else
        outbound_judge_by(&policy);
}

enum err app_config_check(struct arena *arena, const struct config *config, const char **why)
{
    enum err e = config_check(config, why);
    for (const char **one = config->outbound_private; !e && *one; one++) {
        if (guard_exception_is_valid(slice_str(*one)))
            continue;
        *why =
            arena_printf(arena, "outbound_private: \"%s\" is no address, range or host name", *one);
        e = ERR_MALFORMED;
    }
    return e;
}

void app_rest(struct app *app)
{
    ASSERT(app && app->tenants);
    tenants_freed(app->tenants, vm_rest());
    if (app->role == APP_RUNNER) /* all companies come to each of them, few of them often */
        tenants_close_idle(app->tenants, RUNNER_IDLE_MS);
    tenants_trim(app->tenants, TENANTS_OPEN_MAX, TENANTS_BYTES_MAX);
    tenants_rest(app->tenants);
}

void app_release(struct app *app)
{
    router_free(app->api);
    router_free(app->router);
    app->api = app->router = NULL;
}

void app_shelve(const char *home)
{
    model_shelve(home);
    code_shelve(home);
}
