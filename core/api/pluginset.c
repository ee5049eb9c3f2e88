/* pluginset - every plugin the company has or could have, and what it has set.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/pluginset.h"

#include "api/admin.h"
#include "base/text.h"
#include "script/code.h"
#include "tenant/quarantine.h"

#define SUGGEST_DISTANCE 3

const struct plugin *pluginset_find(const struct pluginset *set, struct slice id)
{
    for (int i = 0; i < set->count; i++)
        if (slice_is(id, set->items[i]->id))
            return set->items[i];
    return NULL;
}

static const struct tenant_plugin *find_row(const struct pluginset *set, struct slice id)
{
    for (int i = 0; i < set->rows_count; i++)
        if (slice_is(id, set->rows[i].id))
            return &set->rows[i];
    return NULL;
}

static enum err find_named(struct call *call, const struct pluginset *set, struct slice id,
                           const struct plugin **out)
{
    struct arena *arena = call->ctx->arena;
    const struct plugin *near = NULL;
    *out = pluginset_find(set, id);
    if (*out)
        return ERR_OK;
    for (int i = 0, least = SUGGEST_DISTANCE; i < set->count; i++) {
        int distance = text_distance(id, slice_str(set->items[i]->id), SUGGEST_DISTANCE);
        if (distance < least) {
            least = distance;
            near = set->items[i];
        }
    }
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"plugin\":");
    json_put_string(&args, id);
    buf_put_str(&args, ",\"near\":");
    json_put_cstr(&args, near ? near->id : NULL);
    buf_put_char(&args, '}');
    enum err e = admin_refuse(call, ERR_NOT_FOUND, near ? "no_plugin_but" : "no_plugin",
                              arena_str(arena, buf_slice(&args)));
    buf_release(&args);
    return e;
}

enum err pluginset_asked(struct call *call, struct pluginset *set, const struct plugin **out)
{
    enum err e = pluginset_read(call, set);
    return e ? e : find_named(call, set, call_param(call, 0), out);
}

bool pluginset_is_enabled(const struct pluginset *set, struct slice id)
{
    const struct tenant_plugin *row = find_row(set, id);
    return slice_is(id, "core") || (row && strcmp(row->state, "enabled") == 0);
}

const struct json *pluginset_config(const struct pluginset *set, struct slice id)
{
    const struct tenant_plugin *row = find_row(set, id);
    return row && row->config && row->config->type == JSON_OBJECT ? row->config : NULL;
}

const char *pluginset_version(const struct pluginset *set, const struct plugin *plugin)
{
    const struct tenant_plugin *row = find_row(set, slice_str(plugin->id));
    return plugin->layer == PLUGIN_TENANT && row ? row->version : plugin->version;
}

bool pluginset_needs(const struct plugin *plugin, struct slice id)
{
    return json_get_slice(json_get(plugin->manifest, "requires"), id) != NULL;
}

/* As the model knows it, if it is part of the model. */
static const struct plugin *in_model(const struct call *call, const char *id)
{
    const struct model *model = call->ctx->model;
    for (int i = 0; i < model->plugins_count; i++)
        if (strcmp(model->plugins[i]->id, id) == 0)
            return model->plugins[i];
    return NULL;
}

const char *pluginset_why(const struct call *call, const struct plugin *plugin)
{
    const struct plugin *built = in_model(call, plugin->id);
    return built && built->broken ? built->broken : plugin->broken;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* A bundle of the company lies in custom/<id>/<version>/. */
static struct plugin *bundle(struct call *call, const struct tenant_plugin *row)
{
    struct arena *arena = call->ctx->arena;
    struct plugin *plugin;
    const char *why = NULL;
    const char *sub = arena_printf(arena, "custom/%s/%s", row->id, row->version);
    const char *folder = tenant_path(call->ctx->tenant, arena, sub, NULL);
    if (!plugin_read(arena, call->app->config->home, folder, PLUGIN_TENANT, &plugin, &why))
        return plugin;
    plugin = arena_make(arena, struct plugin);
    *plugin = (struct plugin){.id = row->id,
                              .title = row->id,
                              .version = row->version,
                              .folder = folder,
                              .layer = PLUGIN_TENANT,
                              .broken = why};
    return plugin;
}

enum err pluginset_read(struct call *call, struct pluginset *out)
{
    struct arena *arena = call->ctx->arena;
    struct plugin **found;
    const char *why = NULL;
    int count;
    *out = (struct pluginset){0};
    enum err e = plugin_list(arena, call->app->config->home, &found, &count, &why);
    if (e) {
        call->ctx->err.detail = why;
        return ERR_IO;
    }
    e = tenant_plugins(call->ctx->tenant, arena, &out->rows, &out->rows_count);
    if (e)
        return e;
    out->items = arena_array(arena, struct plugin *, (size_t)(count + out->rows_count) + 1);
    out->count = count;
    memcpy(out->items, found, (size_t)count * sizeof(void *));
    for (int i = 0; i < out->rows_count; i++)
        if (!pluginset_find(out, slice_str(out->rows[i].id)))
            out->items[out->count++] = bundle(call, &out->rows[i]);
    return ERR_OK;
}

bool pluginset_is_aside(const struct call *call, const struct plugin *plugin)
{
    const struct quarantine *mark = NULL;
    char hash[2 * CRYPTO_SHA256_LEN + 1];
    const struct tenant *tenant = call->ctx->tenant;
    if (code_hash(plugin->folder, hash))
        return false;
    return quarantine_get(call->ctx->arena, tenant->folder, plugin->id, hash, &mark) || mark;
}

/* --- texts --------------------------------------------------------------------------------------
 */

static const char *text_of_file(const struct call *call, const struct plugin *plugin,
                                const char *lang, const char *key)
{
    struct arena *arena = call->ctx->arena;
    const struct json *texts;
    const char *path = arena_printf(arena, "%s/i18n/%s.json", plugin->folder, lang);
    return json_load(arena, path, &texts, NULL) ? NULL : json_cstr(texts, key, NULL);
}

const char *pluginset_text(const struct call *call, const struct plugin *plugin, const char *key)
{
    const struct ctx *ctx = call->ctx;
    if (!key || *key != '@')
        return key;
    const char *text =
        model_text_or(ctx->model, ctx->arena, ctx->lang, plugin->id, key, NULL, NULL);
    if (!text) /* not part of the model: its own file says */
        text = text_of_file(call, plugin, ctx->lang == LANG_EN ? "en" : "zh-CN", key + 1);
    if (!text)
        text = text_of_file(call, plugin, "zh-CN", key + 1);
    return text ? text : key + 1;
}
