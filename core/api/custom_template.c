/* custom_template - texts that a company writes instead of those of plugins: which there are, and
 * whether they fit.
 *
 * What a text may ask for is what the plugin's own texts of that template ask for, in any language
 * and kind: the plugin hands in data for those.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/body.h"
#include "api/custom_doc.h"
#include "api/handlers.h"
#include "api/pluginset.h"
#include "base/hash.h"
#include "base/template.h"
#include "record/letter.h"
#include "tenant/folder.h"

static const char *const tags[] = {[LANG_ZH] = "zh-CN", [LANG_EN] = "en"};
static const char *const endings[] = {".txt", ".html"};

/* --- what a template is given -------------------------------------------------------------------
 */

struct known {
    struct arena *arena;
    struct map paths; /* path → "raw" where some text puts it in so, else "" */
};

static void learn(void *arg, const char *path, bool raw, int line)
{
    struct known *known = arg;
    const char *before = map_get(&known->paths, slice_str(path));
    (void)line;
    map_put(&known->paths, slice_str(path), raw || (before && *before) ? "raw" : "");
    /* Whoever has "order.lines" has "order". */
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        struct slice part = arena_slice(known->arena, slice_of(path, (size_t)(dot - path)));
        if (!map_get(&known->paths, part))
            map_put(&known->paths, part, "");
    }
}

/* False where the plugin has no such template. */
static bool learn_all(struct ctx *ctx, const char *plugin, const char *name, struct known *known)
{
    bool found = false;
    for (size_t lang = 0; lang < 2; lang++)
        for (size_t kind = 0; kind < 2; kind++) {
            struct slice source;
            const char *file, *why;
            const struct template *t;
            if (letter_source(ctx, plugin, name, (enum lang)lang, endings[kind], false, &source,
                              &file) ||
                template_parse(ctx->arena, file, source, &t, &why))
                continue;
            found = true;
            template_paths(ctx->arena, t, learn, known);
        }
    return found;
}

/* --- checking -----------------------------------------------------------------------------------
 */

struct checking {
    struct call *call;
    const char *place;
    const struct known *known;
};

static void judge(void *arg, const char *path, bool raw, int line)
{
    struct checking *c = arg;
    const char *how = map_get(&c->known->paths, slice_str(path));
    if (!how)
        body_bad(c->call, c->place, "unknown_placeholder", "\"name\":\"%s\",\"line\":%d", path,
                 line);
    else if (raw && !*how)
        body_bad(c->call, c->place, "raw_placeholder", "\"name\":\"%s\",\"line\":%d", path, line);
}

static void check_one(struct call *call, const struct json *text)
{
    struct ctx *ctx = call->ctx;
    struct slice rest = text->key;
    const char *place =
        arena_printf(ctx->arena, "document.templates." SLICE_FMT, SLICE_ARG(text->key));
    const char *plugin = arena_str(ctx->arena, slice_split(&rest, '.'));
    const char *name = arena_str(ctx->arena, slice_split(&rest, '.')), *why = NULL;
    struct known known = {.arena = ctx->arena};
    const struct template *t;
    map_init(&known.paths, ctx->arena);
    if (!learn_all(ctx, plugin, name, &known)) {
        body_bad(call, place, "unknown_template", NULL);
        return;
    }
    if (template_parse(ctx->arena, name, text->text, &t, &why)) {
        struct buf args = BUF_INIT;
        buf_put_str(&args, "\"why\":");
        json_put_cstr(&args, why);
        body_bad(call, place, "bad_template", "%s", buf_cstr(&args));
        buf_release(&args);
        return;
    }
    struct checking checking = {call, place, &known};
    template_paths(ctx->arena, t, judge, &checking);
}

enum err custom_check_templates(struct call *call, const struct json *doc)
{
    json_each(text, json_get(doc, "templates")) check_one(call, text);
    return body_done(call);
}

/* --- which there are ----------------------------------------------------------------------------
 */

static void put_path(void *arg, const char *path, bool raw, int line)
{
    struct known *known = arg;
    learn(known, path, raw, line);
}

static void put_text(struct call *call, const struct plugin *plugin, const char *name,
                     enum lang lang, const char *ending, struct slice source)
{
    struct buf *out = &call->resp->body;
    struct slice own;
    const char *file;
    json_put_comma(out);
    buf_put_str(out, "{\"plugin\":");
    json_put_cstr(out, plugin->id);
    json_put_key(out, "name");
    json_put_cstr(out, name);
    json_put_key(out, "label");
    json_put_cstr(
        out, pluginset_text(call, plugin, arena_printf(call->ctx->arena, "@template.%s", name)));
    json_put_key(out, "lang");
    json_put_cstr(out, tags[lang]);
    json_put_key(out, "key");
    json_put_cstr(
        out, arena_printf(call->ctx->arena, "%s.%s.%s%s", plugin->id, name, tags[lang], ending));
    json_put_key(out, "source");
    json_put_string(out, source);
    json_put_key(out, "own");
    if (letter_source(call->ctx, plugin->id, name, lang, ending, true, &own, &file))
        buf_put_str(out, "null");
    else
        json_put_string(out, own);
    struct known known = {.arena = call->ctx->arena};
    const struct template *t;
    const char *why;
    map_init(&known.paths, call->ctx->arena);
    json_put_key(out, "values");
    buf_put_char(out, '[');
    if (!template_parse(call->ctx->arena, name, source, &t, &why))
        template_paths(call->ctx->arena, t, put_path, &known);
    size_t at = 0;
    struct slice path;
    void *how;
    while (map_next(&known.paths, &at, &path, &how)) {
        json_put_comma(out);
        json_put_string(out, path);
    }
    buf_put_str(out, "]}");
}

/* "received" of "received.en.txt"; NULL for what is no template of that language and kind. */
static const char *name_of(struct arena *arena, const char *file, enum lang lang,
                           const char *ending)
{
    struct slice name = slice_str(file);
    struct slice tail = slice_str(arena_printf(arena, ".%s%s", tags[lang], ending));
    if (!slice_ends(name, tail))
        return NULL;
    name.len -= tail.len;
    return slice_find(name, SLICE(".")) < 0 ? arena_str(arena, name) : NULL;
}

static enum err put_plugin(struct call *call, const struct plugin *plugin)
{
    struct arena *arena = call->ctx->arena;
    const char **files = NULL, *place = arena_printf(arena, "%s/templates", plugin->folder);
    int count = 0;
    if (!folder_exists(place))
        return ERR_OK;
    enum err e = folder_names(arena, place, &files, &count);
    for (int i = 0; i < count && !e; i++)
        for (size_t k = 0; k < 4; k++) {
            const char *ending = endings[k % 2], *path;
            const char *name = name_of(arena, files[i], (enum lang)(k / 2), ending);
            struct slice source;
            if (name && !letter_source(call->ctx, plugin->id, name, (enum lang)(k / 2), ending,
                                       false, &source, &path))
                put_text(call, plugin, name, (enum lang)(k / 2), ending, source);
        }
    return e;
}

/* Every text of the product's and the industry's plugins, with what the company wrote instead. */
enum err custom_templates(struct call *call)
{
    const struct model *model = call->ctx->model;
    enum err e = ERR_OK;
    buf_put_str(&call->resp->body, "{\"items\":[");
    for (int i = 0; i < model->plugins_count && !e; i++)
        if (!model->plugins[i]->broken && model->plugins[i]->layer != PLUGIN_TENANT)
            e = put_plugin(call, model->plugins[i]);
    buf_put_str(&call->resp->body, "]}");
    return e;
}
