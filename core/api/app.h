/* app - what one process of the server has for answering requests, whatever its role.
 *
 * The layer above (process/, or cli/ for a command that holds the folder lock) fills it and lends
 * the services that differ by role through `struct app_services`: how a write turn is borrowed, how
 * a waiting job is announced.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/throttle.h"
#include "http/router.h"
#include "tenant/ctx.h"
#include "tenant/tenants.h"

struct app;
struct unit;

enum app_role { APP_GATEWAY, APP_WORKER, APP_RUNNER, APP_COMMAND };

struct app_services {
    /* Borrow and give back the tenant's write turn (runners); the command line's are empty. */
    enum err (*turn_take)(struct app *app, struct tenant *tenant);
    void (*turn_give)(struct app *app, struct tenant *tenant, int64_t change_seq);
    /* Whether the owner of the tenant waits for the snapshot that is read: asked while a statement
     * runs. NULL: nobody does. The argument is the app. */
    bool (*is_asked)(void *app);
    /* Whether requests wait for the write turn that is borrowed: who has had it for TURN_YIELD_US
     * commits and gives it back. NULL: nobody waits. The argument is the app. */
    bool (*is_wanted)(void *app);
    /* A job of this tenant is due at that time. */
    void (*wake)(struct app *app, struct tenant *tenant, int64_t run_at_ms);
    /* The worker a tenant lives on now, and asking for another one: it writes everything, closes
     * the store and only then belongs to the other. Worker 0 alone; NULL in commands. */
    int (*owner)(struct app *app, const char *tenant);
    void (*move)(struct app *app, const char *tenant, int to);
    /* One process' numbers as Prometheus text (gateways collect nothing from others). */
    void (*metrics)(struct app *app, struct buf *out);
};

struct app {
    enum app_role role;
    int slot;
    const struct config *config;
    struct tenants *tenants;
    struct store *control;     /* control.db open for writing: worker 0 and commands; else NULL */
    struct router *api;        /* what lies below /api/ */
    struct router *router;     /* all else: the console takes any name */
    struct throttle *throttle; /* NULL: no rates (command line) */
    const struct app_services *services;
    void *user;    /* of the layer above */
    bool stopping; /* readyz says no */
    int64_t started_at_ms;
};

/* Builds the router from the route table and sets the role source of auth/actor. The rest is the
 * caller's. */
void app_init(struct app *app, enum app_role role, const struct config *config,
              struct tenants *tenants, const struct app_services *services);
void app_release(struct app *app);
/* Now and then, while there is nothing to do: keeps open tenants within their bounds, and gives
 * back what those at rest need no more (tenants_rest, vm_rest). */
void app_rest(struct app *app);
/* In a process that ends with it: puts what every process reads of home's plugins onto the shelf.
 */
void app_shelve(const char *home);
/* What config_check cannot know besides: whether outbound_private can be read. */
MUST_USE enum err app_config_check(struct arena *arena, const struct config *config,
                                   const char **why);
/* The configuration has been read again: what was taken from it is taken anew. */
void app_configured(struct app *app);
/* Begins a unit of writes in ctx with the hooks and computed fields of the tenant's scripts (the VM
 * is built on first use). An error when they do not load: writes are refused, naming the plugin.
 * The caller ends it with unit_end. Never on gateways. */
MUST_USE enum err app_unit_begin(struct app *app, struct ctx *ctx, struct unit *unit);
/* The one that knows the path. */
struct router *app_router(const struct app *app, struct slice path);
