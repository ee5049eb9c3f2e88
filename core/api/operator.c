/* operator - the tenants of this server, for its owner: make, list, suspend, resume, delete.
 *
 * Runs where control.db may be written: in worker 0, or in a command that holds the folder lock.
 * Other processes notice within TENANTS_CHECK_MS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/keep.h"
#include "api/operator.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "hook/outbox.h"
#include "tenant/folder.h"
#include "tenant/migration.h"
#include "tenant/plugin.h"

#define TENANTS_PATH    "/api/v1/operator/tenants"
#define PLUGINS_ASK_MAX 100

/* --- seeing -------------------------------------------------------------------------------------
 */

static void put_tenant(struct call *call, const struct control_tenant *tenant)
{
    char at[25];
    struct buf *out = &call->resp->body;
    time_text(tenant->created_at_ms, at);
    buf_put_char(out, '{');
    json_put_key(out, "name");
    json_put_cstr(out, tenant->name);
    json_put_key(out, "title");
    json_put_cstr(out, tenant->title);
    json_put_key(out, "state");
    json_put_cstr(out, tenant->state);
    json_put_key(out, "parked_why");
    json_put_cstr(out, tenant->parked_why);
    json_put_key(out, "hosts");
    buf_put_char(out, '[');
    for (const char **host = tenant->hosts; host && *host; host++) {
        json_put_comma(out);
        json_put_cstr(out, *host);
    }
    buf_put_char(out, ']');
    json_put_key(out, "locale");
    json_put_cstr(out, tenant->locale);
    json_put_key(out, "timezone");
    json_put_cstr(out, tenant->timezone);
    json_put_key(out, "currency");
    json_put_cstr(out, tenant->currency);
    json_put_key(out, "worker");
    if (operator_worker(call, tenant) < 0)
        buf_put_str(out, "null");
    else
        json_put_int(out, operator_worker(call, tenant));
    json_put_key(out, "created_at");
    json_put_cstr(out, at);
    buf_put_char(out, '}');
}

enum err operator_find(struct call *call, const char *name, const struct control_tenant **out)
{
    struct control_tenant *all = NULL;
    int count = 0;
    ASSERT(call->app->control);
    enum err e = control_list(call->app->control, call->ctx->arena, &all, &count);
    for (int i = 0; i < count && !e; i++) {
        if (strcmp(all[i].name, name) != 0)
            continue;
        *out = &all[i];
        return ERR_OK;
    }
    return e ? e : ERR_NOT_FOUND;
}

enum err operator_tenants_list(struct call *call)
{
    struct control_tenant *all = NULL;
    int count = 0;
    struct buf *out = &call->resp->body;
    enum err e = control_list(call->app->control, call->ctx->arena, &all, &count);
    if (e)
        return e;
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < count; i++) {
        json_put_comma(out);
        put_tenant(call, &all[i]);
    }
    buf_put_str(out, "],\"next\":null}");
    return ERR_OK;
}

enum err operator_tenants_get(struct call *call)
{
    const struct control_tenant *tenant;
    enum err e = operator_find(call, arena_str(call->ctx->arena, call_param(call, 0)), &tenant);
    if (!e)
        put_tenant(call, tenant);
    return e;
}

/* --- making -------------------------------------------------------------------------------------
 */

struct plan {
    struct control_tenant spec;
    const struct plugin *plugins[PLUGINS_ASK_MAX];
    int plugins_count;
};

/* Lower case is the canonical form; nothing else about a host is guessed. */
static const char *host_lower(struct arena *arena, struct slice text)
{
    char *host = arena_str(arena, slice_trim(text));
    for (char *c = host; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    return host;
}

enum err operator_hosts(struct call *call, const char *field, const struct json *hosts,
                        const char ***out)
{
    struct ctx *ctx = call->ctx;
    if (!hosts || hosts->type != JSON_ARRAY || hosts->count == 0)
        return err_field(&ctx->err, field, "required", NULL);
    if (hosts->count > HOSTS_PER_TENANT_MAX)
        return err_field(&ctx->err, field, "too_many", NULL);
    const char **names = arena_array(ctx->arena, const char *, (size_t)hosts->count + 1);
    int n = 0;
    json_each(item, hosts)
    {
        const char *host = item->type == JSON_STRING ? host_lower(ctx->arena, item->text) : "";
        if (!control_host_is_valid(host))
            return err_field(&ctx->err, field, "bad_host", NULL);
        names[n++] = host;
    }
    *out = names;
    return ERR_OK;
}

static const struct plugin *plugin_find(struct plugin **all, int count, struct slice id)
{
    for (int i = 0; i < count; i++)
        if (slice_is(id, all[i]->id))
            return all[i];
    return NULL;
}

/* Takes the plugin in with all it requires. */
static enum err plan_plugin(struct call *call, struct plan *plan, struct plugin **all, int count,
                            struct slice id)
{
    struct ctx *ctx = call->ctx;
    for (int i = 0; i < plan->plugins_count; i++)
        if (slice_is(id, plan->plugins[i]->id))
            return ERR_OK;
    const struct plugin *plugin = plugin_find(all, count, id);
    if (!plugin)
        return err_say(&ctx->err, ERR_VALIDATION, "unknown_plugin",
                       ctx->lang == LANG_ZH ? "没有名为 %.*s 的插件。"
                                            : "There is no plugin called %.*s.",
                       SLICE_ARG(id));
    if (plugin->broken)
        return err_say(&ctx->err, ERR_VALIDATION, "broken_plugin", "%s", plugin->broken);
    if (plan->plugins_count == PLUGINS_ASK_MAX)
        return err_field(&ctx->err, "plugins", "too_many", NULL);
    plan->plugins[plan->plugins_count++] = plugin;
    enum err e = ERR_OK;
    json_each(needed, json_get(plugin->manifest, "requires"))
    {
        if (!e)
            e = plan_plugin(call, plan, all, count, needed->key);
    }
    return e;
}

static enum err plan_plugins(struct call *call, struct plan *plan, const struct json *wanted)
{
    struct plugin **all = NULL;
    int count = 0;
    const char *why = NULL;
    if (!wanted || wanted->type == JSON_NULL)
        return ERR_OK;
    if (wanted->type != JSON_ARRAY)
        return err_field(&call->ctx->err, "plugins", "not_a_list", NULL);
    enum err e = plugin_list(call->ctx->arena, call->app->config->home, &all, &count, &why);
    if (e)
        return err_say(&call->ctx->err, e, NULL, "%s", why ? why : err_text(e, LANG_EN));
    json_each(item, wanted)
    {
        if (!e)
            e = plan_plugin(call, plan, all, count, slice_trim(item->text));
    }
    return e;
}

static enum err plan_make(struct call *call, struct plan *plan)
{
    static const char *const members[] = {"name",     "hosts",    "title",   "locale",
                                          "timezone", "currency", "plugins", NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct control_tenant *spec = &plan->spec;
    *spec = (struct control_tenant){.name = json_cstr(body, "name", ""),
                                    .title = json_cstr(body, "title", NULL),
                                    .locale = json_cstr(body, "locale", NULL),
                                    .timezone = json_cstr(body, "timezone", NULL),
                                    .currency = json_cstr(body, "currency", NULL),
                                    .state = "active",
                                    .worker = -1,
                                    .created_at_ms = ctx->now_ms};
    spec->title = spec->title ? spec->title : spec->name;
    spec->locale = spec->locale ? spec->locale : "zh-CN";
    spec->timezone = spec->timezone ? spec->timezone : "Asia/Shanghai";
    spec->currency = spec->currency ? spec->currency : "CNY";
    if (!control_name_is_valid(spec->name))
        return err_field(&ctx->err, "name", "bad_name", NULL);
    e = operator_hosts(call, "hosts", json_get(body, "hosts"), &spec->hosts);
    return e ? e : plan_plugins(call, plan, json_get(body, "plugins"));
}

enum err operator_free(struct call *call, const struct control_tenant *spec)
{
    struct control_tenant *all = NULL;
    int count = 0;
    enum err e = control_list(call->app->control, call->ctx->arena, &all, &count);
    for (int i = 0; i < count && !e; i++) {
        if (strcmp(all[i].name, spec->name) == 0)
            e = err_say(&call->ctx->err, ERR_CONFLICT, "taken", "There is a tenant %s already.",
                        spec->name);
        for (const char **mine = spec->hosts; mine && *mine && !e; mine++)
            for (const char **host = all[i].hosts; *host && !e; host++)
                if (strcmp(*mine, *host) == 0)
                    e = err_say(&call->ctx->err, ERR_CONFLICT, "taken",
                                "The host %s already belongs to the tenant %s.", *host,
                                all[i].name);
    }
    return e;
}

/* For scripts that prepare what a new company begins with. */
static enum err announce(struct call *call, struct tenant *tenant)
{
    struct ctx at = *call->ctx;
    struct json *payload = json_new(at.arena, JSON_OBJECT);
    at.tenant = tenant;
    at.actor = NULL;
    at.as_system = true;
    json_add(at.arena, payload, "name", json_new_str(at.arena, slice_str(tenant->name)));
    return outbox_announce(&at, HOOK_EVENT_TENANT_PROVISIONED, 0, payload);
}

static enum err plugins_write(struct call *call, struct tenant *tenant, const struct plan *plan)
{
    enum err e = store_begin(tenant->store, true);
    if (e)
        return e;
    for (int i = 0; i < plan->plugins_count && !e; i++) {
        e = migration_skip(tenant, call->ctx->arena, plan->plugins[i]);
        if (!e)
            e = tenant_plugin_put(tenant, plan->plugins[i]->id, plan->plugins[i]->version,
                                  "enabled", SLICE("{}"));
    }
    if (!e)
        e = announce(call, tenant);
    if (e) {
        store_rollback(tenant->store);
        return e;
    }
    e = store_commit(tenant->store);
    return e ? e : tenant_refresh(tenant);
}

/* The model with every plugin in it, or the reason why not. */
static enum err model_try(struct call *call, struct tenant *tenant)
{
    const struct model *model = NULL;
    const char *why = NULL;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = model_get(tenant, call->app->config->home, true, &model, &why);
    if (e)
        return err_say(&call->ctx->err, e, NULL, "%s", why ? why : err_text(e, LANG_EN));
    for (int i = 0; i < model->plugins_count && !e; i++)
        if (model->plugins[i]->broken)
            e = err_say(&call->ctx->err, ERR_VALIDATION, "broken_plugin", "%s",
                        arena_strdup(call->ctx->arena, model->plugins[i]->broken));
    return e;
}

enum err operator_open(struct call *call, const char *folder, const struct control_tenant *spec,
                       struct tenant *out)
{
    struct arena *arena = call->ctx->arena;
    struct store *store = NULL;
    enum err e = store_open(arena_printf(arena, "%s/tenant.db", folder), STORE_OWNER, &store);
    if (e)
        return e;
    *out = (struct tenant){.name = spec->name,
                           .title = spec->title,
                           .locale = spec->locale,
                           .timezone = spec->timezone,
                           .currency = spec->currency,
                           .folder = folder,
                           .state = "active",
                           .arena = arena,
                           .zone = spec->timezone ? zone_find(spec->timezone) : NULL,
                           .store = store,
                           .master = tenants_master(call->app->tenants)};
    if (!out->zone)
        out->zone = zone_find("UTC");
    return ERR_OK;
}

void operator_close(struct tenant *tenant)
{
    if (tenant->model)
        tenant->model_free(tenant->model);
    if (tenant->cache)
        tenant->cache_free(tenant->cache);
    if (tenant->vault)
        tenant->vault_free(tenant->vault);
    tenant->model = tenant->cache = tenant->vault = NULL;
    store_close(tenant->store);
    tenant->store = NULL;
}

const char *operator_folder(struct call *call, const char *name)
{
    return arena_printf(call->ctx->arena, "%s/tenants/%s", call->app->config->data, name);
}

static enum err tenant_fill(struct call *call, const struct plan *plan)
{
    struct tenant tenant = {0};
    enum err e = operator_open(call, operator_folder(call, plan->spec.name), &plan->spec, &tenant);
    if (e)
        return e;
    e = plugins_write(call, &tenant, plan);
    if (!e)
        e = model_try(call, &tenant);
    if (!e)
        e = store_checkpoint(tenant.store, STORE_CHECKPOINT_TRUNCATE, NULL);
    operator_close(&tenant);
    return e;
}

/* Somebody has to deliver what was announced. */
static void wake(struct call *call, const char *name)
{
    struct tenant *tenant;
    struct app *app = call->app;
    if (!app->services->wake || tenants_by_name(app->tenants, slice_str(name), &tenant))
        return; /* a command: the server finds it when it starts */
    app->services->wake(app, tenant, call->ctx->now_ms);
    tenants_unpin(app->tenants, tenant);
}

enum err operator_tenants_create(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct plan *plan = arena_make(ctx->arena, struct plan);
    const char *why = NULL;
    enum err e = plan_make(call, plan);
    if (!e)
        e = operator_free(call, &plan->spec);
    if (e)
        return e;
    e = tenant_create(call->app->config->data, &plan->spec, &why);
    if (e)
        return err_say(&ctx->err, e == ERR_MALFORMED ? ERR_VALIDATION : e, NULL, "%s",
                       why ? why : err_text(e, LANG_EN));
    e = tenant_fill(call, plan);
    if (!e) {
        e = control_add(call->app->control, &plan->spec, &why);
        if (e)
            e = err_say(&ctx->err, e, NULL, "%s", why ? why : err_text(e, LANG_EN));
    }
    if (e && folder_remove(operator_folder(call, plan->spec.name)))
        log_error("%s could not be removed", operator_folder(call, plan->spec.name));
    if (e)
        return e;
    tenants_reload(call->app->tenants);
    wake(call, plan->spec.name);
    call->resp->status = 201;
    resp_header(call->resp, "Location",
                arena_printf(ctx->arena, TENANTS_PATH "/%s", plan->spec.name));
    put_tenant(call, &plan->spec);
    return ERR_OK;
}

/* --- state and end ------------------------------------------------------------------------------
 */

enum err operator_tenants_state(struct call *call)
{
    static const char *const members[] = {"state", NULL};
    struct ctx *ctx = call->ctx;
    const struct control_tenant *tenant;
    const struct json *body;
    const char *name = arena_str(ctx->arena, call_param(call, 0));
    enum err e = operator_find(call, name, &tenant);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    const char *state = json_cstr(body, "state", "");
    if (strcmp(state, "active") != 0 && strcmp(state, "suspended") != 0)
        return err_field(&ctx->err, "state", *state ? "unknown_value" : "required", NULL);
    e = control_set_state(call->app->control, name, state, NULL);
    if (!e)
        e = operator_find(call, name, &tenant);
    if (e)
        return e;
    tenants_reload(call->app->tenants);
    put_tenant(call, tenant);
    return ERR_OK;
}

/* Out of the register first: nobody finds it any more. The folder gets a name that is swept at the
 * next start, should removing it not come to an end. */
enum err operator_tenants_delete(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const char *name = arena_str(ctx->arena, call_param(call, 0));
    const struct control_tenant *tenant;
    enum err e = operator_find(call, name, &tenant);
    if (!e)
        e = control_remove(call->app->control, name);
    if (e)
        return e;
    tenants_drop(call->app->tenants, name);
    tenants_reload(call->app->tenants);
    const char *folder = operator_folder(call, name), *gone = operator_fresh(call, name);
    if (rename(folder, gone) != 0)
        e = errno == ENOENT ? ERR_OK : folder_err(errno);
    else
        e = folder_remove(gone);
    if (e)
        return err_say(&ctx->err, e, NULL, "The tenant is gone, but not all of its folder %s.",
                       folder);
    call->resp->status = 204;
    return ERR_OK;
}

const char *operator_fresh(struct call *call, const char *name)
{
    char id[ID_TEXT_LEN + 1];
    id_text(id_next(), id);
    return arena_printf(call->ctx->arena, "%s/tenants/" KEEP_FRESH "%s-%s", call->app->config->data,
                        name, id);
}
