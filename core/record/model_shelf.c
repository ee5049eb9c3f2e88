/* model_shelf - the declarations and texts of products, read by the supervisor for all processes.
 *
 * Parsing and checking them was seven tenths of the first model that a process builds, and each
 * kept trees of its own: now they are there, once, when the first request comes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/shelf.h"
#include "record/model_build.h"

/* The file as it was put there; NULL: who needs a faulty one reads it again, and says what is
 * wrong. */
static const struct json *shelve(struct build *b, const char *path, const char *schema)
{
    struct arena *shelf = shelf_arena();
    struct stat st;

    if (stat(path, &st) != 0)
        return NULL;
    const struct document *d = build_read(b, shelf, path, &st, schema);
    if (d->fault)
        return NULL;
    shelf_put(arena_printf(shelf, SHELF_DOCUMENT "%s", path), d);
    return d->json;
}

static void shelve_texts(struct build *b, const char *path)
{
    struct arena *shelf = shelf_arena();
    const struct json *doc = shelve(b, path, NULL), *fault;
    const struct words *words =
        doc && doc->type == JSON_OBJECT ? words_make(shelf, b->plugin->id, doc, &fault) : NULL;

    if (words)
        shelf_put(arena_printf(shelf, SHELF_WORDS "%s", path), words);
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
            (void)shelve(b, paths[k], build_schemas[i]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        shelve_texts(b, arena_printf(b->arena, "%s/%s", b->plugin->folder, texts[i]));
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
