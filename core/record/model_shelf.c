/* model_shelf - the declarations and texts of products, read by the supervisor for all processes.
 *
 * Parsing and checking them was seven tenths of the first model that a process builds, and each
 * kept trees of its own: now they are there, once, when the first request comes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/shelf.h"
#include "record/model_build.h"

static void shelve(struct build *b, const char *path, const char *schema)
{
    struct arena *shelf = shelf_arena();
    struct stat st;

    if (stat(path, &st) != 0)
        return;
    const struct document *d = build_read(b, shelf, path, &st, schema);
    if (!d->fault) /* who needs a faulty one reads it again, and says what is wrong */
        shelf_put(arena_printf(shelf, SHELF_DOCUMENT "%s", path), d);
}

static void shelve_plugin(struct build *b)
{
    static const char *const texts[] = {"i18n/zh-CN.json", "i18n/en.json"};

    for (size_t i = 0; i < BUILD_FOLDERS; i++) {
        const char **paths;
        int count = 0;
        if (plugin_files(b->arena, b->plugin, build_folders[i], &paths, &count))
            continue;
        for (int k = 0; k < count; k++)
            shelve(b, paths[k], build_schemas[i]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        shelve(b, arena_printf(b->arena, "%s/%s", b->plugin->folder, texts[i]), NULL);
}

void model_shelve(const char *home)
{
    ASSERT(shelf_arena());
    struct arena *arena = arena_new();
    struct build b = {.home = home, .arena = arena, .scratch = arena};
    struct plugin **plugins;
    int count = 0;
    const char *why;

    if (plugin_list(b.arena, home, &plugins, &count, &why) == ERR_OK)
        for (int i = 0; i < count; i++) {
            b.plugin = plugins[i];
            if (!b.plugin->broken)
                shelve_plugin(&b);
        }
    build_forget();
    arena_free(arena);
}
