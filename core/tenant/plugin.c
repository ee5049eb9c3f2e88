/* plugin - reading manifests and listing plugin folders.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/plugin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/jsonschema.h"
#include "tenant/tree.h"

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

/* A file as parsed: kept for the life of the process, because every tenant asks for the same. */
struct kept {
    struct stat identity;
    const struct json *json;
    const char *fault; /* a manifest's that does not fit; NULL */
};

/* Grows only by the files of home; a file that changes leaves its old tree behind. */
static struct {
    struct arena *arena;
    struct map files;
} cache;

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The file as it is kept, NULL when it is not or has changed. */
static struct kept *kept_find(const char *path, struct stat *st)
{
    if (!cache.arena) {
        cache.arena = arena_new();
        map_init(&cache.files, cache.arena);
    }
    struct kept *kept = map_get(&cache.files, slice_str(path));
    return tree_stat(path, st) == 0 && kept && is_same(&kept->identity, st) ? kept : NULL;
}

static struct kept *kept_put(const char *path, const struct stat *st, const struct json *json)
{
    struct kept *kept = arena_make(cache.arena, struct kept);
    *kept = (struct kept){.identity = *st, .json = json};
    map_put(&cache.files, slice_str(arena_strdup(cache.arena, path)), kept);
    return kept;
}

static enum err load_schema(struct arena *arena, const char *path, const struct json **out,
                            const char **detail)
{
    struct stat st = {0};
    const struct kept *kept = kept_find(path, &st);
    if (kept) {
        *out = kept->json;
        return ERR_OK;
    }
    enum err e = json_load(cache.arena, path, out, detail);
    if (!e)
        (void)kept_put(path, &st, *out);
    else if (*detail)
        *detail = arena_strdup(arena, *detail);
    return e;
}

static const char *manifest_check(struct arena *arena, const char *home, const char *file,
                                  const struct json *manifest)
{
    const struct json *schema;
    const char *detail = NULL;
    const char *path = arena_printf(arena, "%s/schemas/plugin.schema.json", home);
    enum err e = load_schema(arena, path, &schema, &detail);
    if (e)
        return arena_printf(arena, "%s: %s", path, detail ? detail : err_text(e, LANG_EN));
    const struct jsonschema_fault *fault = jsonschema_check(arena, schema, manifest);
    if (fault)
        return arena_printf(arena, "%s:%d: %s%s%s", file, fault->line, fault->pointer,
                            fault->pointer[0] ? " " : "", fault->what);
    const char *why = ranges_check(arena, file, json_get(manifest, "requires"));
    return why ? why : ranges_check(arena, file, json_get(manifest, "optional"));
}

/* Of a product's plugin the tree is shared and a fault is kept; a bundle's is the caller's own. */
static enum err load_manifest(struct arena *arena, const char *home, const char *folder,
                              enum plugin_layer layer, const struct json **out, const char **why)
{
    struct stat st = {0};
    const char *path = arena_printf(arena, "%s/plugin.json", folder), *detail = NULL;
    const char *file = arena_printf(arena, "%s/plugin.json", base_name(folder));
    bool is_shared = layer != PLUGIN_TENANT;
    const struct kept *kept = is_shared ? kept_find(path, &st) : NULL;
    if (!kept) {
        struct arena *own = is_shared ? cache.arena : arena;
        enum err e = json_load(own, path, out, &detail);
        if (e) {
            *why = e == ERR_NOT_FOUND ? arena_printf(arena, "%s is missing", file)
                                      : arena_printf(arena, "%s: %s", file,
                                                     detail ? detail : err_text(e, LANG_EN));
            if (is_shared && e == ERR_MALFORMED)
                kept_put(path, &st, NULL)->fault = arena_strdup(own, *why);
            return e;
        }
        *why = manifest_check(arena, home, file, *out);
        if (!is_shared)
            return *why ? ERR_MALFORMED : ERR_OK;
        struct kept *fresh = kept_put(path, &st, *out);
        fresh->fault = *why ? arena_strdup(own, *why) : NULL;
        kept = fresh;
    }
    *out = kept->json;
    *why = kept->fault;
    return kept->fault ? ERR_MALFORMED : ERR_OK;
}

enum err plugin_read(struct arena *arena, const char *home, const char *folder,
                     enum plugin_layer layer, struct plugin **out, const char **why)
{
    ASSERT(arena && home && folder);
    ASSERT(out && why);
    const char *absolute = tree_real(arena, folder);
    const struct json *manifest;
    enum err e = load_manifest(arena, home, absolute, layer, &manifest, why);
    if (e)
        return e;
    const struct json *id = json_get(manifest, "id");
    if (layer != PLUGIN_TENANT && !slice_is(id->text, base_name(absolute))) {
        *why =
            arena_printf(arena, "%s/plugin.json:%d: the id \"%s\" is not the folder's name \"%s\"",
                         base_name(absolute), id->line, id->text.at, base_name(absolute));
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
    tree_look(folder);
    enum err e = tree_names(arena, folder, &names, &names_count);
    if (e) {
        if (why)
            *why = arena_printf(arena,
                                "%s cannot be read: point PERIGEE_HOME at the folder with "
                                "plugins/ and schemas/",
                                folder);
        return e;
    }
    struct plugin **plugins = arena_array(arena, struct plugin *, (size_t)names_count + 1);
    struct stat st;
    int n = 0;
    for (int i = 0; i < names_count; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, names[i]);
        if (tree_stat(arena_printf(arena, "%s/plugin.json", path), &st) == 0)
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
    enum err e = tree_names(arena, folder, &names, &n);
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
