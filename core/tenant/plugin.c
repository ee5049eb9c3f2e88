/* plugin - reading manifests and listing plugin folders.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/plugin.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonschema.h"
#include "tenant/folder.h"

#define PLUGIN_INDUSTRY_PREFIX "industry_"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Ranges are checked here: a pattern in the schema could say no more than "wrong". */
static const char *ranges_check(struct arena *arena, const char *file, const struct json *wanted)
{
    json_each(range, wanted)
    {
        if (!plugin_range_is_valid(range->text.at))
            return arena_printf(arena, "%s:%d: \"%s\" is no version range (such as \"^1.2\")", file,
                                range->line, range->text.at);
    }
    return NULL;
}

static const char *manifest_check(struct arena *arena, const char *home, const char *file,
                                  const struct json *manifest)
{
    const struct json *schema;
    const char *detail = NULL;
    const char *path = arena_printf(arena, "%s/schemas/plugin.schema.json", home);
    enum err e = json_load(arena, path, &schema, &detail);
    if (e)
        return arena_printf(arena, "%s: %s", path, detail ? detail : err_text(e, LANG_EN));
    const struct jsonschema_fault *fault = jsonschema_check(arena, schema, manifest);
    if (fault)
        return arena_printf(arena, "%s:%d: %s%s%s", file, fault->line, fault->pointer,
                            fault->pointer[0] ? " " : "", fault->what);
    const char *why = ranges_check(arena, file, json_get(manifest, "requires"));
    return why ? why : ranges_check(arena, file, json_get(manifest, "optional"));
}

enum err plugin_read(struct arena *arena, const char *home, const char *folder,
                     enum plugin_layer layer, struct plugin **out, const char **why)
{
    ASSERT(arena && home && folder);
    ASSERT(out && why);
    char full[PATH_MAX];
    const char *absolute = realpath(folder, full) ? arena_strdup(arena, full) : folder;
    const char *file = arena_printf(arena, "%s/plugin.json", base_name(absolute));

    const struct json *manifest;
    const char *detail = NULL;
    enum err e =
        json_load(arena, arena_printf(arena, "%s/plugin.json", absolute), &manifest, &detail);
    if (e) {
        *why = e == ERR_NOT_FOUND
                   ? arena_printf(arena, "%s is missing", file)
                   : arena_printf(arena, "%s: %s", file, detail ? detail : err_text(e, LANG_EN));
        return e;
    }
    const char *fault = manifest_check(arena, home, file, manifest);
    const struct json *id = json_get(manifest, "id");
    if (!fault && layer != PLUGIN_TENANT && !slice_is(id->text, base_name(absolute)))
        fault = arena_printf(arena, "%s:%d: the id \"%s\" is not the folder's name \"%s\"", file,
                             id->line, id->text.at, base_name(absolute));
    if (fault) {
        *why = fault;
        return ERR_MALFORMED;
    }
    struct plugin *plugin = arena_make(arena, struct plugin);
    plugin->id = json_cstr(manifest, "id", NULL);
    plugin->version = json_cstr(manifest, "version", NULL);
    plugin->title = json_cstr(manifest, "title", plugin->id);
    plugin->folder = absolute;
    plugin->layer = layer;
    plugin->manifest = manifest;
    *out = plugin;
    return ERR_OK;
}

static struct plugin *read_or_broken(struct arena *arena, const char *home, const char *folder,
                                     const char *name)
{
    bool industry = slice_starts(slice_str(name), SLICE(PLUGIN_INDUSTRY_PREFIX));
    enum plugin_layer layer = industry ? PLUGIN_INDUSTRY : PLUGIN_PRODUCT;
    struct plugin *plugin = NULL;
    const char *why = NULL;
    enum err e = plugin_read(arena, home, folder, layer, &plugin, &why);
    if (!e)
        return plugin;
    plugin = arena_make(arena, struct plugin);
    plugin->id = arena_strdup(arena, name);
    plugin->version = "0.0.0";
    plugin->title = plugin->id;
    plugin->folder = folder;
    plugin->layer = layer;
    plugin->broken = why;
    return plugin;
}

enum err plugin_list(struct arena *arena, const char *home, struct plugin ***out, int *count,
                     const char **why)
{
    ASSERT(arena && home);
    ASSERT(out && count);
    const char *folder = arena_printf(arena, "%s/plugins", home);
    const char **names;
    int names_count;
    enum err e = folder_names(arena, folder, &names, &names_count);
    if (e) {
        if (why)
            *why = arena_printf(arena,
                                "%s cannot be read: point PERIGEE_HOME at the folder with "
                                "plugins/ and schemas/",
                                folder);
        return e;
    }
    struct plugin **plugins = arena_array(arena, struct plugin *, (size_t)names_count + 1);
    int n = 0;
    for (int i = 0; i < names_count; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, names[i]);
        if (folder_exists(arena_printf(arena, "%s/plugin.json", path)))
            plugins[n++] = read_or_broken(arena, home, path, names[i]);
    }
    *out = plugins;
    *count = n;
    return ERR_OK;
}

enum err plugin_files(struct arena *arena, const struct plugin *plugin, const char *sub,
                      const char ***paths, int *count)
{
    ASSERT(arena && plugin);
    ASSERT(sub && paths && count);
    const char *folder = arena_printf(arena, "%s/%s", plugin->folder, sub);
    const char **names = NULL;
    int n = 0;
    enum err e = folder_names(arena, folder, &names, &n);
    if (e && e != ERR_NOT_FOUND)
        return e;

    const char **found = arena_array(arena, const char *, (size_t)n + 1);
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (names[i][0] != '.' && slice_ends(slice_str(names[i]), SLICE(".json")))
            found[kept++] = arena_printf(arena, "%s/%s", folder, names[i]);
    *paths = found;
    *count = kept;
    return ERR_OK;
}
