/* upgrade - see upgrade.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/upgrade.h"

#include "api/activate.h"
#include "api/bundle_tests.h"
#include "api/handlers.h"
#include "api/migrations.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "script/lint.h"
#include "tenant/folder.h"
#include "tenant/tree.h"

/* Every plugin that is enabled: the trial is to see them with their migrations behind them. */
static enum err enabled_changes(struct ctx *ctx, struct model_change **out, int *count)
{
    struct tenant_plugin *rows;
    int n = 0, found = 0;
    enum err e = tenant_plugins(ctx->tenant, ctx->arena, &rows, &n);
    if (e)
        return e;
    *out = arena_array(ctx->arena, struct model_change, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        if (strcmp(rows[i].state, "enabled") == 0)
            (*out)[found++] = (struct model_change){rows[i].id, NULL, true};
    *count = found;
    return ERR_OK;
}

/* --- for one tenant that is served --------------------------------------------------------------
 */

static void put_run(struct buf *out, const char *tenant, const struct migrations_run *run)
{
    buf_put_str(out, "{\"tenant\":");
    json_put_cstr(out, tenant);
    buf_put_str(out, ",\"migrations\":[");
    buf_put_slice(out, buf_slice(&run->names));
    buf_printf(out, "],\"rows\":%lld", (long long)run->rows);
}

static enum err write_done(struct call *call, void *arg)
{
    const struct migrations_run *run = arg;
    struct buf *out = &call->resp->body;
    put_run(out, call->ctx->tenant->name, run);
    json_put_key(out, "backup");
    json_put_cstr(out, run->backup);
    buf_put_char(out, '}');
    return audit_put(call->ctx, "upgrade", NULL, 0, arena_str(call->ctx->arena, buf_slice(out)));
}

/* A plugin of the product that came in another version than the tenant has. */
static bool is_newer(struct call *call, const struct model *model, const char *id)
{
    struct tenant_plugin *rows;
    int count;
    if (tenant_plugins(call->ctx->tenant, call->ctx->arena, &rows, &count))
        return false;
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (strcmp(plugin->id, id) != 0 || plugin->layer == PLUGIN_TENANT || plugin->broken)
            continue;
        for (int k = 0; k < count; k++)
            if (strcmp(rows[k].id, id) == 0)
                return strcmp(rows[k].version, plugin->version) != 0;
    }
    return false;
}

/* Only those that wait and fit: a bundle that does not must not hold up the rest. */
static enum err waiting(struct call *call, const struct model_change *all, int all_count,
                        struct model_change *out, int *count)
{
    struct ctx *ctx = call->ctx;
    struct model *model = NULL;
    const char *why = NULL;
    *count = 0;
    enum err e =
        model_plan(ctx->tenant, call->app->config->home, false, all, all_count, &model, &why);
    if (e)
        return e;
    for (int i = 0; i < all_count && !e; i++) {
        bool waits = false;
        e = migrations_wait(ctx->tenant, ctx->arena, model, &all[i], 1, &waits);
        if (waits || is_newer(call, model, all[i].id))
            out[(*count)++] = all[i];
    }
    model_free(model);
    return e;
}

enum err operator_upgrade(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct model_change *all = NULL;
    struct migrations_run run = {0};
    int all_count = 0, count = 0;
    const struct json *body;
    enum err e = call->body ? call_object(call, &body) : ERR_OK;
    if (!e)
        e = call_only(call, (const char *const[]){NULL});
    if (!e)
        e = enabled_changes(ctx, &all, &all_count);
    if (e)
        return e;
    struct model_change *some = arena_array(ctx->arena, struct model_change, (size_t)all_count + 1);
    e = waiting(call, all, all_count, some, &count);
    struct activation activation = {.changes = some,
                                    .count = count,
                                    .code = "upgrade_failed",
                                    .write = write_done,
                                    .arg = &run,
                                    .ran = &run};
    if (!e && count)
        e = activate_run(call, &activation);
    else if (!e)
        e = call_write(call, write_done, &run);
    buf_release(&run.names);
    return e;
}

/* --- on a copy ----------------------------------------------------------------------------------
 */

struct rehearsal {
    struct app app;
    struct ctx ctx;
    struct tenant tenant;
    const char *home;             /* the release that is tried now: the one before, then the new */
    const char *before;           /* that which serves; NULL: it is this one, or not known */
    struct map known;             /* sentences that are true of the one before */
    struct model_change *changes; /* of this try */
    int count;
    struct buf broken;
    int breaks; /* of it: what the new release breaks, and keeps plugins from running */
};

static const char *layer_name(enum plugin_layer layer)
{
    return layer == PLUGIN_TENANT ? "tenant" : layer == PLUGIN_INDUSTRY ? "industry" : "product";
}

static bool is_trying_before(const struct rehearsal *r)
{
    return r->home == r->before;
}

/* Told as what was so before, or as what the new release breaks; of the release before it is only
 * remembered. */
static bool put_item(struct rehearsal *r, const char *plugin, const char *layer, const char *why,
                     bool was_so)
{
    if (is_trying_before(r)) {
        (void)map_put(&r->known, slice_str(arena_strdup(r->ctx.arena, why)), r);
        return true;
    }
    was_so = was_so || (r->before && map_get(&r->known, slice_str(why)));
    buf_put_str(&r->broken, r->broken.len ? ",{\"plugin\":" : "{\"plugin\":");
    json_put_cstr(&r->broken, plugin);
    json_put_key(&r->broken, "layer");
    json_put_cstr(&r->broken, layer);
    json_put_key(&r->broken, "why");
    json_put_cstr(&r->broken, why);
    if (was_so)
        buf_put_str(&r->broken, ",\"before\":true");
    buf_put_char(&r->broken, '}');
    return was_so;
}

static void put_broken(struct rehearsal *r, const char *plugin, const char *layer, const char *why)
{
    r->breaks += !put_item(r, plugin, layer, why, false);
}

static const struct plugin *culprit(const struct model *model, const char *why);

/* What is left out of a screen without harm, as a patch whose anchor has gone: the upgrade goes
 * through, but people will look for it. */
static void put_warnings(struct rehearsal *r, const struct model *model)
{
    for (const struct model_warning *w = model->warnings; w; w = w->next) {
        const struct plugin *plugin = culprit(model, w->text);
        (void)put_item(r, plugin ? plugin->id : "?", plugin ? layer_name(plugin->layer) : "?",
                       w->text, false);
    }
}

/* A line for each: of a bundle everything that breaks is known. */
static void put_broken_model(struct rehearsal *r, const struct model *model)
{
    put_warnings(r, model);
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        struct slice lines = slice_str(plugin->broken ? plugin->broken : "");
        while (lines.len)
            put_broken(r, plugin->id, layer_name(plugin->layer),
                       arena_str(r->ctx.arena, slice_split(&lines, '\n')));
    }
}

/* "acme.sales/rules.lua:14: …" is a failure of acme.sales. */
static const struct plugin *culprit(const struct model *model, const char *why)
{
    struct slice rest = slice_str(why), id = slice_split(&rest, '/');
    for (int i = 0; i < model->plugins_count; i++)
        if (slice_is(id, model->plugins[i]->id))
            return model->plugins[i];
    return NULL;
}

static void leave_out(struct rehearsal *r, const char *id)
{
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->changes[i].id, id) == 0)
            r->changes[i].enabled = false;
}

struct found {
    struct found *next;
    const char *plugin, *layer, *text;
};

struct finding {
    struct arena *arena;
    struct found *first, **end;
};

static void note_found(void *arg, const struct plugin *plugin, const char *text)
{
    struct finding *finding = arg;
    for (const struct found *one = finding->first; one; one = one->next)
        if (strcmp(one->text, text) == 0)
            return;
    struct found *found = arena_make(finding->arena, struct found);
    *found = (struct found){.plugin = plugin->id,
                            .layer = layer_name(plugin->layer),
                            .text = arena_strdup(finding->arena, text)};
    *finding->end = found;
    finding->end = &found->next;
}

/* What of scripts breaks, all of it. One that had to be ended takes the VM with it: it is left out,
 * and the rest is tried again. */
static enum err try_scripts(struct rehearsal *r)
{
    for (int tries = 0; tries <= r->count; tries++) {
        struct finding finding = {.arena = r->ctx.arena, .end = &finding.first};
        struct model *model = NULL;
        const char *why = NULL;
        enum err e = model_rehearse(&r->tenant, r->home, r->changes, r->count, &model, &why);
        if (e)
            return e;
        if (tries == 0)
            put_broken_model(r, model);
        e = lint_breaks(&r->ctx, model, note_found, &finding, &why);
        const struct plugin *plugin = e ? culprit(model, why) : NULL;
        if (e)
            put_broken(r, plugin ? plugin->id : "?", plugin ? layer_name(plugin->layer) : "?", why);
        if (plugin)
            leave_out(r, plugin->id);
        for (const struct found *one = finding.first; one && !plugin; one = one->next)
            put_broken(r, one->plugin, one->layer, one->text);
        model_free(model);
        if (!plugin)
            break;
    }
    return ERR_OK;
}

static enum err run_migrations(struct rehearsal *r, struct migrations_run *run)
{
    struct model *model = NULL;
    const char *why = NULL;
    enum err e = model_plan(&r->tenant, r->home, true, r->changes, r->count, &model, &why);
    if (e)
        return e;
    if (migrations_run(&r->app, &r->ctx, model, r->changes, r->count, run, &why)) {
        const struct plugin *plugin = why ? culprit(model, why) : NULL;
        put_broken(r, plugin ? plugin->id : "?", plugin ? layer_name(plugin->layer) : "?",
                   why ? why : "a migration failed");
    }
    model_free(model);
    return ERR_OK;
}

/* As its only user, and without the keys of its encrypted fields: those stay closed. */
static enum err open_copy(struct rehearsal *r, const char *folder,
                          const struct control_tenant *spec)
{
    struct arena *arena = r->ctx.arena;
    r->tenant = (struct tenant){.name = spec->name,
                                .title = spec->title,
                                .locale = spec->locale,
                                .timezone = spec->timezone,
                                .currency = spec->currency,
                                .folder = folder,
                                .state = "active",
                                .arena = arena,
                                .zone = spec->timezone ? zone_find(spec->timezone) : NULL};
    if (!r->tenant.zone)
        r->tenant.zone = zone_find("UTC");
    r->ctx.tenant = &r->tenant;
    return store_open(arena_printf(arena, "%s/tenant.db", folder), STORE_OWNER, &r->tenant.store);
}

/* Did the bundle's own tests fail in the release before, and as they do now? Asked only of those
 * that fail. */
static bool failed_before(struct rehearsal *r, const char *id, const char *now)
{
    struct model *model = NULL;
    const char *why = NULL;
    bool failed = false;
    if (!r->before || model_plan(&r->tenant, r->before, false, r->changes, r->count, &model, &why))
        return false;
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken || strcmp(plugin->id, id) != 0)
            continue;
        enum err e = bundle_tests(&r->ctx, r->before, model, plugin, NULL, &why);
        failed = e == ERR_PLUGIN && strcmp(why, now) == 0;
    }
    model_free(model);
    return failed;
}

/* The company's bundles in this release, each by its own tests. */
static enum err run_tests(struct rehearsal *r)
{
    struct model *model = NULL;
    const char *why = NULL;
    enum err e = model_plan(&r->tenant, r->home, false, r->changes, r->count, &model, &why);
    for (int i = 0; !e && i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken)
            continue;
        e = bundle_tests(&r->ctx, r->home, model, plugin, NULL, &why);
        if (e == ERR_PLUGIN) {
            why = arena_strdup(r->ctx.arena, why);
            bool was_so = failed_before(r, plugin->id, why);
            r->breaks += !put_item(r, plugin->id, layer_name(plugin->layer), why, was_so);
            e = ERR_OK;
        }
    }
    model_free(model);
    return e;
}

static enum err try_release(struct rehearsal *r, const char *home)
{
    r->home = home;
    enum err e = enabled_changes(&r->ctx, &r->changes, &r->count); /* a try leaves some out */
    return e ? e : try_scripts(r);
}

static enum err rehearse(struct rehearsal *r, struct migrations_run *run)
{
    enum err e = store_header_read(r->tenant.store, &r->tenant.header);
    if (!e && r->before)
        e = try_release(r, r->before);
    if (!e)
        e = try_release(r, r->app.config->home);
    if (!e && !r->breaks)
        e = run_migrations(r, run);
    if (!e)
        e = run_tests(r);
    return e;
}

enum err upgrade_rehearse(const struct config *config, const char *before, struct arena *arena,
                          const char *folder, const struct control_tenant *spec, struct buf *out,
                          const char **why)
{
    static const struct app_services none = {0};
    struct rehearsal *r = arena_make(arena, struct rehearsal);
    struct migrations_run run = {0};
    r->app = (struct app){.role = APP_COMMAND, .config = config, .services = &none};
    ctx_init(&r->ctx, arena);
    r->ctx.as_system = true;
    bool is_other = before && strcmp(tree_real(arena, before), tree_real(arena, config->home)) != 0;
    r->before = is_other && folder_exists(before) ? before : NULL;
    map_init(&r->known, arena);
    enum err e = open_copy(r, folder, spec);
    if (e) {
        *why = arena_printf(arena, "%s: %s", folder, err_text(e, LANG_EN));
        return e;
    }
    e = rehearse(r, &run);
    if (e)
        *why = r->ctx.err.detail ? r->ctx.err.detail : err_text(e, LANG_EN);
    put_run(out, spec->name, &run);
    buf_put_str(out, ",\"broken\":[");
    buf_put_slice(out, buf_slice(&r->broken));
    buf_put_str(out, "]}");
    buf_release(&r->broken);
    buf_release(&run.names);
    if (r->tenant.cache)
        r->tenant.cache_free(r->tenant.cache);
    if (r->tenant.vault)
        r->tenant.vault_free(r->tenant.vault);
    store_close(r->tenant.store);
    return e;
}
