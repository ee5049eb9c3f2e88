/* rig_make - puts a throw-away tenant together: folder, plugins in order, settings, people.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs_in.h"
#include "api/rig_in.h"
#include "auth/user.h"
#include "base/limits.h"
#include "tenant/deploy.h"
#include "tenant/folder.h"
#include "tenant/migration.h"

/* --- folder -------------------------------------------------------------------------------------
 */

static enum err make_folder(struct rig *rig, const char **why)
{
    const char *base = rig->spec.base ? rig->spec.base : getenv("TMPDIR");
    char *path = arena_printf(rig->arena, "%s/perigee-trial-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) {
        *why = arena_printf(rig->arena, "%s: no folder can be made there", base ? base : "/tmp");
        return ERR_IO;
    }
    rig->data = path;
    return folder_make(arena_printf(rig->arena, "%s/tenants", path));
}

static enum err make_tenant(struct rig *rig, const char **why)
{
    static const struct control_tenant spec = {.name = "trial",
                                               .title = "Trial",
                                               .locale = "en",
                                               .timezone = "Asia/Shanghai",
                                               .currency = "CNY"};
    struct tenant *tenant = &rig->tenant;
    enum err e = config_load(rig->arena, rig->data, rig->spec.home, &rig->config, why);
    if (!e)
        e = tenant_create(rig->data, &spec, why);
    if (e)
        return e;
    crypto_random(rig->master, sizeof rig->master);
    *tenant = (struct tenant){.name = spec.name,
                              .title = spec.title,
                              .locale = spec.locale,
                              .timezone = spec.timezone,
                              .currency = spec.currency,
                              .folder = arena_printf(rig->arena, "%s/tenants/trial", rig->data),
                              .state = "active",
                              .arena = arena_new(),
                              .zone = zone_find(spec.timezone),
                              .master = rig->master};
    e = store_open(arena_printf(rig->arena, "%s/tenant.db", tenant->folder), STORE_OWNER,
                   &tenant->store);
    return e ? e : store_header_read(tenant->store, &tenant->header);
}

/* --- which plugins ------------------------------------------------------------------------------
 */

static struct rig_part *part_find(struct rig *rig, struct slice id)
{
    for (int i = 0; i < rig->parts_count; i++)
        if (slice_is(id, rig->parts[i].id))
            return &rig->parts[i];
    return NULL;
}

static enum err part_add(struct rig *rig, const struct rig_part *part, const char **why)
{
    struct rig_part *old = part_find(rig, slice_str(part->id));
    if (old) {
        *old = *part;
        return ERR_OK;
    }
    if (rig->parts_count == RIG_PLUGINS_MAX) {
        *why = "more plugins than one tenant has";
        return ERR_TOO_LARGE;
    }
    rig->parts[rig->parts_count++] = *part;
    return ERR_OK;
}

static const struct plugin *product_find(const struct rig *rig, struct slice id)
{
    for (int i = 0; i < rig->product_count; i++)
        if (slice_is(id, rig->product[i]->id))
            return rig->product[i];
    return NULL;
}

static bool is_same_folder(const char *a, const char *b)
{
    char *real_a = realpath(a, NULL), *real_b = realpath(b, NULL);
    bool same = real_a && real_b && strcmp(real_a, real_b) == 0;
    free(real_a);
    free(real_b);
    return same;
}

static enum err add_needed(struct rig *rig, const struct json *manifest, const char *beside,
                           const char **why);

/* A bundle's files go where a deploy would put them. */
static enum err add_bundle(struct rig *rig, const char *folder, const char **id, const char **why)
{
    struct pack pack;
    const struct json *manifest;
    bool fresh;
    enum err e = pack_folder(rig->arena, folder, &pack, why);
    if (e) {
        *why = arena_printf(rig->arena, "%s: %s", folder, *why ? *why : err_text(e, LANG_EN));
        return e;
    }
    if (json_parse(rig->arena, pack_get(&pack, "plugin.json"), &manifest, why)) {
        *why = arena_printf(rig->arena, "%s/plugin.json: %s", folder, *why);
        return ERR_MALFORMED;
    }
    *id = json_cstr(manifest, "id", NULL);
    if (!*id) {
        *why = arena_printf(rig->arena, "%s/plugin.json: \"id\" is missing", folder);
        return ERR_MALFORMED;
    }
    const char *hash = arena_strdup(rig->arena, pack.hash);
    e = deploy_keep(&rig->tenant, rig->arena, *id, &pack, &fresh);
    if (!e)
        e = part_add(rig, &(struct rig_part){.id = *id, .version = hash}, why);
    const char *slash = strrchr(folder, '/');
    const char *beside =
        slash ? arena_str(rig->arena, slice_of(folder, (size_t)(slash - folder))) : ".";
    return e ? e : add_needed(rig, manifest, beside, why);
}

static const char *folder_of(const struct model *model, const char *id)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (strcmp(model->plugins[i]->id, id) == 0)
            return model->plugins[i]->folder;
    return NULL;
}

/* By id: of the product, or a bundle that lies beside the one that asks. What is not there at all
 * is for the model to say. */
static enum err add_by_id(struct rig *rig, struct slice id, const char *beside, const char **why)
{
    const struct plugin *plugin = product_find(rig, id);
    const char *name = arena_str(rig->arena, id);
    if (part_find(rig, id) || slice_is(id, "core"))
        return ERR_OK;
    if (plugin) {
        enum err e = part_add(rig, &(struct rig_part){.id = plugin->id}, why);
        return e ? e : add_needed(rig, plugin->manifest, beside, why);
    }
    const char *folder = beside ? arena_printf(rig->arena, "%s/%s", beside, name) : NULL;
    if (rig->spec.model)
        folder = folder_of(rig->spec.model, name);
    if (!folder || !folder_exists(arena_printf(rig->arena, "%s/plugin.json", folder)))
        return ERR_OK;
    return add_bundle(rig, folder, &name, why);
}

static enum err add_needed(struct rig *rig, const struct json *manifest, const char *beside,
                           const char **why)
{
    enum err e = ERR_OK;
    json_each(need, json_get(manifest, "requires"))
    {
        if (!e)
            e = add_by_id(rig, need->key, beside, why);
    }
    return e;
}

/* What is enabled for a tenant that is served; its store is only read. */
static enum err add_of_tenant(struct rig *rig, const char **why)
{
    struct arena *arena = rig->arena;
    struct tenant other = {.folder = rig->spec.tenant};
    struct tenant_plugin *rows = NULL;
    const char *file = arena_printf(arena, "%s/tenant.db", rig->spec.tenant), *id;
    int count = 0;
    if (!folder_exists(file)) {
        *why = arena_printf(arena, "there is no tenant %s", strrchr(rig->spec.tenant, '/') + 1);
        return ERR_NOT_FOUND;
    }
    enum err e = store_open(file, STORE_READ, &other.store);
    if (!e)
        e = tenant_plugins(&other, arena, &rows, &count);
    store_close(other.store);
    for (int i = 0; i < count && !e; i++) {
        if (strcmp(rows[i].state, "enabled") != 0)
            continue;
        struct rig_part part = {.id = rows[i].id};
        if (product_find(rig, slice_str(part.id)))
            e = part_add(rig, &part, why);
        else
            e = add_bundle(rig, deploy_folder(&other, arena, rows[i].id, rows[i].version), &id,
                           why);
        if (!e && part_find(rig, slice_str(rows[i].id)))
            part_find(rig, slice_str(rows[i].id))->config = rows[i].config;
    }
    return e;
}

static enum err read_fixtures(struct rig *rig, const char *folder, const char **why)
{
    struct pack pack;
    enum err e = pack_folder(rig->arena, folder, &pack, why);
    if (e || !pack_get(&pack, "tests/fixtures.json").at)
        return ERR_OK; /* what is wrong with the folder is said elsewhere */
    e = json_parse(rig->arena, pack_get(&pack, "tests/fixtures.json"), &rig->fixtures, why);
    if (e)
        *why = arena_printf(rig->arena, "%s/tests/fixtures.json: %s", rig->plugin, *why);
    return e;
}

static enum err add_worked_on(struct rig *rig, const char **why)
{
    const char *folder = rig->spec.folder;
    struct slice name = slice_str(folder);
    while (name.len > 1 && slice_ends(name, SLICE("/")))
        name.len--;
    folder = arena_str(rig->arena, name);
    enum err e = ERR_OK;
    for (int i = 0; i < rig->product_count && !rig->plugin; i++)
        if (is_same_folder(rig->product[i]->folder, folder))
            rig->plugin = rig->product[i]->id;
    if (rig->plugin)
        e = add_by_id(rig, slice_str(rig->plugin), NULL, why);
    else
        e = add_bundle(rig, folder, &rig->plugin, why);
    if (!e)
        e = read_fixtures(rig, folder, why);
    json_each(more, json_get(rig->fixtures, "plugins"))
    {
        if (!e && more->type == JSON_STRING)
            e = add_by_id(rig, more->text, NULL, why);
    }
    struct rig_part *part = part_find(rig, slice_str(rig->plugin ? rig->plugin : ""));
    if (part && json_get(rig->fixtures, "config"))
        part->config = json_get(rig->fixtures, "config");
    return e;
}

/* --- the model ----------------------------------------------------------------------------------
 */

static enum err put_parts(struct ctx *ctx, void *arg)
{
    struct rig *rig = arg;
    enum err e = ERR_OK;
    for (int i = 0; i < rig->parts_count && !e; i++) {
        const struct rig_part *part = &rig->parts[i];
        const struct plugin *plugin = product_find(rig, slice_str(part->id));
        const char *version = part->version ? part->version : plugin->version;
        struct buf config = BUF_INIT;
        if (part->config)
            json_put(&config, part->config);
        e = tenant_plugin_put(ctx->tenant, part->id, version, "enabled", buf_slice(&config));
        buf_release(&config);
        const struct plugin own = {
            .id = part->id,
            .version = version,
            .folder = plugin ? plugin->folder
                             : deploy_folder(ctx->tenant, rig->arena, part->id, version)};
        if (!e) /* it is new here: there is nothing to migrate */
            e = migration_skip(ctx->tenant, rig->arena, &own);
    }
    return e;
}

static enum err open_model(struct rig *rig, const char **why)
{
    enum err e = tenant_refresh(&rig->tenant);
    if (!e)
        e = model_get(&rig->tenant, rig->spec.home, true, &rig->ctx.model, why);
    for (int i = 0; !e && i < rig->ctx.model->plugins_count; i++) {
        const struct plugin *plugin = rig->ctx.model->plugins[i];
        if (!plugin->broken || (rig->plugin && strcmp(plugin->id, rig->plugin) != 0 &&
                                !part_find(rig, slice_str(plugin->id))))
            continue;
        *why = plugin->broken;
        return ERR_MALFORMED;
    }
    return e;
}

/* --- people -------------------------------------------------------------------------------------
 */

static bool take_id(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

static enum err find_named(struct ctx *ctx, const char *table, struct slice name, int64_t *id)
{
    struct query_column column = {.column = {0, "id"}};
    struct query query = {.table = table,
                          .select = &column,
                          .select_count = 1,
                          .where = expr_cmp(ctx->arena, EXPR_EQ, "name", value_text(name)),
                          .limit = 1};
    return store_read(ctx->tenant->store, &query, take_id, id);
}

/* The team or department of that name, made where there is none. */
static enum err named(struct ctx *ctx, const struct json *spec, const char *what, int64_t *id)
{
    const char *name = json_cstr(spec, what, NULL);
    if (!name)
        return ERR_OK;
    enum err e = find_named(ctx, what, slice_str(name), id);
    if (e || *id)
        return e;
    return strcmp(what, "team") == 0 ? user_team_create(ctx, name, 0, id)
                                     : user_department_create(ctx, name, 0, id);
}

enum err rig_user(struct ctx *ctx, const struct json *spec, int64_t *id)
{
    const struct json *roles = json_get(spec, "roles");
    const char **names =
        arena_array(ctx->arena, const char *, roles ? (size_t)roles->count + 1 : 1);
    const char *manager = json_cstr(spec, "manager", NULL);
    int n = 0;
    json_each(role, roles) names[n++] = arena_str(ctx->arena, role->text);
    struct user_spec user = {.login = json_cstr(spec, "login", ""),
                             .name = json_cstr(spec, "name", NULL),
                             .email = json_cstr(spec, "email", NULL),
                             .roles = names};
    enum err e = named(ctx, spec, "team", &user.team);
    if (!e)
        e = named(ctx, spec, "department", &user.department);
    if (!e && manager)
        e = actor_by_login(ctx->tenant, slice_str(manager), &user.manager);
    return e ? e : user_create(ctx, &user, id);
}

static enum err put_users(struct ctx *ctx, void *arg)
{
    const struct rig *rig = arg;
    enum err e = ERR_OK;
    json_each(spec, json_get(rig->fixtures, "users"))
    {
        int64_t id;
        if (!e)
            e = rig_user(ctx, spec, &id);
    }
    return e;
}

static enum err make_users(struct rig *rig, const char **why)
{
    enum err e = rig_write(rig, put_users, rig);
    const struct err_field *field = rig->ctx.err.first;
    if (e && field)
        *why = arena_printf(rig->arena, "%s/tests/fixtures.json: users: %s: %s", rig->plugin,
                            field->field, field->code);
    return e;
}

enum err rig_make(struct rig *rig, const char **why)
{
    enum err e = make_folder(rig, why);
    if (!e)
        e = make_tenant(rig, why);
    if (!e)
        e = plugin_list(rig->arena, rig->spec.home, &rig->product, &rig->product_count, why);
    if (!e && rig->spec.tenant)
        e = add_of_tenant(rig, why);
    if (!e && rig->spec.folder)
        e = add_worked_on(rig, why);
    if (!e)
        e = rig_write(rig, put_parts, rig);
    if (!e)
        e = open_model(rig, why);
    if (!e)
        e = make_users(rig, why);
    return e;
}
