/* activate - see activate.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/activate.h"

#include "api/admin.h"
#include "api/body.h"
#include "api/bundle_tests.h"
#include "api/custom_doc.h"
#include "api/migrations.h"
#include "base/clock.h"
#include "hook/outbox.h"
#include "script/lint.h"
#include "script/vm.h"

/* --- trying -------------------------------------------------------------------------------------
 */

static enum err refuse(struct call *call, const struct activation *a, const char *why)
{
    enum err e = strcmp(a->code, "bundle_refused") == 0 ? ERR_VALIDATION : ERR_CONFLICT;
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"why\":");
    json_put_cstr(&args, why);
    buf_put_char(&args, '}');
    e = admin_refuse(call, e, a->code, buf_cstr(&args));
    buf_release(&args);
    return e;
}

static const struct plugin *find_plugin(const struct model *model, const char *id)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (strcmp(model->plugins[i]->id, id) == 0)
            return model->plugins[i];
    return NULL;
}

static const struct model_change *find_change(const struct activation *a, const char *id)
{
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->changes[i].id, id) == 0)
            return &a->changes[i];
    return NULL;
}

/* What is switched on must fit, and whatever works now must go on working. */
static enum err check_model(struct call *call, const struct activation *a,
                            const struct model *model)
{
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        const struct model_change *change = find_change(a, plugin->id);
        if (plugin->broken && change && change->enabled)
            return refuse(call, a, plugin->broken);
    }
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        const struct plugin *now = find_plugin(call->ctx->model, plugin->id);
        if (plugin->broken && now && !now->broken)
            return refuse(
                call, a,
                arena_printf(call->ctx->arena, "%s would break: %s", plugin->id, plugin->broken));
    }
    return ERR_OK;
}

static void put_warnings(const struct activation *a, const struct model *model)
{
    for (const struct model_warning *w = model->warnings; a->warnings && w; w = w->next) {
        struct slice text = slice_str(w->text);
        if (a->subject && !slice_is(slice_split(&text, '/'), a->subject))
            continue;
        if (a->warnings->len)
            buf_put_char(a->warnings, ',');
        json_put_cstr(a->warnings, w->text);
    }
}

struct texts_missing {
    const char *first;
    int count;
};

static void note_text(void *arg, const char *text)
{
    struct texts_missing *missing = arg;
    if (!missing->count++)
        missing->first = text;
}

/* A company's people may read either language. What administrators word in the console is theirs
 * to word in one. */
static enum err check_texts(struct call *call, const struct activation *a,
                            const struct model *model, const struct plugin *plugin)
{
    struct texts_missing missing = {0};
    const char *why = NULL;
    if (plugin->layer != PLUGIN_TENANT || strcmp(plugin->id, CUSTOM_ID) == 0)
        return ERR_OK;
    if (lint_texts(call->ctx, model, plugin, note_text, &missing, &why))
        return refuse(call, a, why);
    if (missing.count > 1)
        missing.first =
            arena_printf(call->ctx->arena, "%s (and %d more)", missing.first, missing.count - 1);
    return missing.count ? refuse(call, a, missing.first) : ERR_OK;
}

/* This is where a bundle is judged; whatever more is asked of one belongs here. */
static enum err judge(struct call *call, const struct activation *a, const struct model *model)
{
    const char *why = NULL;
    enum err e = check_model(call, a, model);
    if (e)
        return e;
    const struct plugin *plugin = a->subject ? find_plugin(model, a->subject) : NULL;
    e = plugin ? check_texts(call, a, model, plugin) : ERR_OK;
    if (e)
        return e;
    if (vm_try(call->ctx, model, plugin, &why))
        return refuse(call, a, why);
    bool *park = call->may_park ? &call->is_parked : NULL;
    e = plugin ? bundle_tests(call->ctx, call->app->config->home, model, plugin, park, &why)
               : ERR_OK;
    if (e)
        return e == ERR_PLUGIN ? refuse(call, a, why) : e;
    put_warnings(a, model);
    return ERR_OK;
}

enum err activate_check(struct call *call, const struct activation *activation)
{
    ASSERT(call->ctx->model && activation->code);
    struct ctx *ctx = call->ctx;
    struct model *model = NULL;
    const char *why = NULL;
    enum err e = model_plan(ctx->tenant, call->app->config->home, false, activation->changes,
                            activation->count, &model, &why);
    if (e == ERR_MALFORMED)
        return refuse(call, activation, why);
    if (e) {
        ctx->err.detail = arena_strdup(ctx->arena, why);
        return e;
    }
    e = judge(call, activation, model);
    model_free(model);
    return e;
}

/* --- switching ----------------------------------------------------------------------------------
 */

/* What is stored as the version of a plugin: of the product its own, of a bundle its hash. */
static const char *stored_version(const struct model *model, const struct model_change *change)
{
    const struct plugin *plugin = find_plugin(model, change->id);
    if (change->version)
        return change->version;
    return plugin && plugin->layer != PLUGIN_TENANT ? plugin->version : NULL;
}

/* What becomes of it: switched on, of another version, switched off; NULL: it stays as it is. */
static const char *event_of(const struct model_change *change, const struct tenant_plugin *before,
                            const char *version)
{
    bool was_on = before && strcmp(before->state, "enabled") == 0;
    if (!change->enabled)
        return was_on ? HOOK_EVENT_PLUGIN_DISABLED : NULL;
    if (!was_on)
        return HOOK_EVENT_PLUGIN_INSTALLED;
    return strcmp(before->version, version) == 0 ? NULL : HOOK_EVENT_PLUGIN_UPGRADED;
}

static enum err announce(struct ctx *ctx, const char *event, const char *id, const char *version)
{
    struct json *payload = json_new(ctx->arena, JSON_OBJECT);
    if (!event)
        return ERR_OK;
    json_add(ctx->arena, payload, "plugin", json_new_str(ctx->arena, slice_str(id)));
    json_add(ctx->arena, payload, "version", json_new_str(ctx->arena, slice_str(version)));
    return outbox_announce(ctx, event, ctx->actor ? ctx->actor->user : 0, payload);
}

static enum err put_pointers(struct call *call, const struct activation *a,
                             const struct model *model)
{
    struct tenant *tenant = call->ctx->tenant;
    struct tenant_plugin *rows;
    int count;
    enum err e = tenant_plugins(tenant, call->ctx->arena, &rows, &count);
    for (int i = 0; i < a->count && !e; i++) {
        const struct model_change *change = &a->changes[i];
        const char *version = stored_version(model, change);
        const struct tenant_plugin *before = NULL;
        for (int k = 0; k < count && !before; k++)
            before = strcmp(rows[k].id, change->id) == 0 ? &rows[k] : NULL;
        if (!version)
            version = before ? before->version : "0.0.0";
        const struct plugin *plugin = find_plugin(model, change->id);
        if (!before && plugin) /* nothing is there that could be migrated */
            e = migration_skip(tenant, call->ctx->arena, plugin);
        if (!e)
            e = tenant_plugin_put(tenant, change->id, version,
                                  change->enabled ? "enabled" : "disabled", (struct slice){0});
        if (!e)
            e = announce(call->ctx, event_of(change, before, version), change->id, version);
    }
    return e;
}

static enum err switch_tx(struct call *call, const struct activation *a, const struct model *model)
{
    struct store *store = call->ctx->tenant->store;
    enum err e = store_begin(store, true);
    if (e)
        return e;
    e = put_pointers(call, a, model);
    if (!e && a->write)
        e = a->write(call, a->arg);
    if (!e)
        return store_commit(store);
    store_rollback(store);
    return e;
}

/* With the write turn: nobody else writes to this tenant meanwhile. */
static enum err plan_tables(struct call *call, const struct activation *a, struct model **out)
{
    struct ctx *ctx = call->ctx;
    const char *why = NULL;
    enum err e = tenant_refresh(ctx->tenant);
    if (!e && ctx->tenant->header.model_version != ctx->model->version)
        e = ERR_BUSY; /* what was tried is not what is there any more */
    if (e)
        return e;
    e = model_plan(ctx->tenant, call->app->config->home, true, a->changes, a->count, out, &why);
    if (e == ERR_CONFLICT || e == ERR_NOT_SUPPORTED)
        return refuse(call, a, why); /* the data there does not allow these tables */
    if (e)
        ctx->err.detail = arena_strdup(ctx->arena, why);
    return e;
}

typedef enum err (*turn_fn)(struct call *call, const struct activation *a, struct model **model);

static enum err with_turn(struct call *call, const struct activation *a, turn_fn fn,
                          struct model **model)
{
    const struct app_services *services = call->app->services;
    struct tenant *tenant = call->ctx->tenant;
    enum err e = services->turn_take ? services->turn_take(call->app, tenant) : ERR_OK;
    if (e)
        return e;
    e = fn(call, a, model);
    if (services->turn_give)
        services->turn_give(call->app, tenant, 0);
    return e;
}

static enum err switch_over(struct call *call, const struct activation *a, struct model **model)
{
    enum err e = plan_tables(call, a, model);
    return e ? e : switch_tx(call, a, *model);
}

/* Does the tenant know one of them already? Only then is there something to migrate. */
static bool knows_any(struct call *call, const struct activation *a)
{
    struct tenant_plugin *rows;
    int count;
    if (tenant_plugins(call->ctx->tenant, call->ctx->arena, &rows, &count))
        return false;
    for (int i = 0; i < a->count; i++)
        for (int k = 0; k < count; k++)
            if (a->changes[i].enabled && strcmp(rows[k].id, a->changes[i].id) == 0)
                return true;
    return false;
}

/* The tables come first, then each migration in a transaction of its own; the plugin goes on as it
 * was until all of them have run. */
static enum err migrate(struct call *call, const struct activation *a)
{
    struct ctx *ctx = call->ctx;
    struct model *model = NULL;
    struct migrations_run own = {0}, *run = a->ran ? a->ran : &own;
    const char *why = NULL;
    bool waits = false;
    if (!knows_any(call, a))
        return ERR_OK;
    enum err e =
        model_plan(ctx->tenant, call->app->config->home, false, a->changes, a->count, &model, &why);
    if (e)
        return e;
    e = migrations_wait(ctx->tenant, ctx->arena, model, a->changes, a->count, &waits);
    model_free(model);
    model = NULL;
    if (!e && waits)
        e = with_turn(call, a, plan_tables, &model);
    if (!e && waits)
        e = migrations_run(call->app, ctx, model, a->changes, a->count, run, &why);
    if (e && why)
        e = refuse(call, a, why);
    model_free(model);
    buf_release(&own.names);
    return e;
}

enum err activate_run(struct call *call, const struct activation *activation)
{
    struct model *model = NULL;
    ASSERT(call->app->role == APP_RUNNER || call->app->role == APP_COMMAND);
    ASSERT(!store_in_tx(call->ctx->tenant->store));

    enum err e = activate_check(call, activation);
    if (!e)
        e = migrate(call, activation);
    if (!e)
        e = with_turn(call, activation, switch_over, &model);
    model_free(model);
    /* It was announced, and its plugins may have other jobs and routes. */
    if (!e && call->app->services->wake)
        call->app->services->wake(call->app, call->ctx->tenant, clock_now_ms());
    return e;
}
