/* app - what one process has for answering requests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/app.h"

#include "api/routes.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "record/model.h"

void app_init(struct app *app, enum app_role role, const struct config *config,
              struct tenants *tenants, const struct app_services *services)
{
    ASSERT(config);
    ASSERT(services);

    *app = (struct app){.role = role,
                        .config = config,
                        .tenants = tenants,
                        .services = services,
                        .router = router_new(),
                        .started_at_ms = clock_now_ms()};
    int count = 0;
    const struct route *routes = routes_all(&count);
    for (int i = 0; i < count; i++)
        router_add(app->router, routes[i].method, routes[i].pattern, &routes[i]);
    actor_role_source(model_role);
}

void app_release(struct app *app)
{
    router_free(app->router);
    app->router = NULL;
}
