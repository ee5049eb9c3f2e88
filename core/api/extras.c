/* extras - what active plugins bring to the console beside their metadata: help and modules with
 * widgets.
 *
 * Help is Markdown in <plugin>/help/<language>.md, of the product's plugins and of a company's own
 * bundles. A module with widgets, <plugin>/ui/ui.js, runs with the session of who looks at it, so
 * only what the operator has installed may bring one: it is served from home (health.c), under a
 * name that changes with the file.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/stat.h>

#include "api/handlers.h"
#include "base/hash.h"
#include "http/assets.h"

static const char *const help_names[] = {[LANG_ZH] = "zh-CN.md", [LANG_EN] = "en.md"};

static bool is_file(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISREG(st->st_mode);
}

/* The language that is asked for, else the other one; NULL where there is none. */
static const char *help_of(struct call *call, const struct plugin *plugin)
{
    enum lang order[] = {call->ctx->lang, call->ctx->lang == LANG_EN ? LANG_ZH : LANG_EN};
    struct stat st;
    for (size_t i = 0; i < 2; i++) {
        const char *name = help_names[order[i]];
        if (is_file(arena_printf(call->ctx->arena, "%s/help/%s", plugin->folder, name), &st))
            return name;
    }
    return NULL;
}

static void put_module(struct call *call, const struct plugin *plugin)
{
    struct stat st;
    struct arena *arena = call->ctx->arena;
    if (plugin->layer == PLUGIN_TENANT ||
        !is_file(arena_printf(arena, "%s/ui/ui.js", plugin->folder), &st))
        return;
    const char *mark =
        arena_printf(arena, "%s %s %lld %lld", plugin->id, plugin->version, (long long)st.st_size,
                     (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    json_put_key(&call->resp->body, "ui");
    json_put_cstr(&call->resp->body, arena_printf(arena, "/plugins/%s/%016llx/ui.js", plugin->id,
                                                  (unsigned long long)hash_bytes(slice_str(mark))));
}

enum err extras_list(struct call *call)
{
    const struct model *model = call->ctx->model;
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken)
            continue;
        json_put_comma(out);
        buf_put_char(out, '{');
        json_put_key(out, "id");
        json_put_cstr(out, plugin->id);
        json_put_key(out, "title");
        json_put_cstr(out, model_text(model, call->ctx->arena, call->ctx->lang, plugin->id,
                                      plugin->title ? plugin->title : plugin->id, NULL));
        json_put_key(out, "help");
        json_put_bool(out, help_of(call, plugin) != NULL);
        put_module(call, plugin);
        buf_put_char(out, '}');
    }
    buf_put_str(out, "]}");
    return ERR_OK;
}

enum err extras_help(struct call *call)
{
    const struct model *model = call->ctx->model;
    struct slice id = call_param(call, 0);
    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        const char *name =
            plugin->broken || !slice_is(id, plugin->id) ? NULL : help_of(call, plugin);
        if (!name)
            continue;
        const char *folder = arena_printf(call->ctx->arena, "%s/help", plugin->folder);
        enum err e = assets_serve(folder, slice_str(name), call->req, call->resp);
        call->resp->content_type = "text/markdown; charset=utf-8";
        resp_header(call->resp, "Vary", "Accept-Language");
        return e;
    }
    return ERR_NOT_FOUND;
}
