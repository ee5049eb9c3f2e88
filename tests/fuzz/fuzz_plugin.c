/* fuzz_plugin - the JSON of a plugin's folder: manifest, entities, views and the rest, as a company
 * would deploy them, against the schemas and into a model.
 *
 * The input is the files one after the other, each behind a line "=== name". What does not fit must
 * say why in a sentence; what fits must give metadata that is JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "place.h"
#include "record/meta.h"
#include "tenant/pack.h"

#define ID   "acme.fuzz"
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define MARK "=== "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *folder;

static void open_once(void)
{
    if (place.arena)
        return;
    place_open();
    folder = arena_printf(place.arena, "%s/custom/" ID "/" HASH, place.tenant->folder);
}

/* As a deploy takes them: names that a pack may have, text only. */
static enum err write_files(struct arena *arena, struct slice in)
{
    struct pack pack = {.files = arena_array(arena, struct pack_file, PACK_FILES_MAX + 1)};
    const char *why = NULL;
    struct buf text = BUF_INIT;
    const char *name = NULL;
    while (in.len || name) {
        struct slice line = slice_split(&in, '\n');
        bool is_mark = slice_starts(line, SLICE(MARK));
        if (!is_mark && name) {
            buf_put_slice(&text, line);
            buf_put_char(&text, '\n');
        }
        if (name && (is_mark || !in.len) && pack.count < PACK_FILES_MAX)
            pack.files[pack.count++] =
                (struct pack_file){name, arena_slice(arena, buf_slice(&text))};
        if (is_mark) {
            name =
                arena_str(arena, slice_of(line.at + sizeof MARK - 1, line.len - sizeof MARK + 1));
            buf_clear(&text);
        }
        if (!in.len)
            break;
    }
    buf_release(&text);
    enum err e = pack_make(arena, &pack, &why);
    if (e)
        return e;
    place_must(!folder_remove(folder), "remove");
    for (int i = 0; i < pack.count; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, pack.files[i].name);
        const char *slash = strrchr(path, '/');
        place_must(!folder_make(arena_str(arena, slice_of(path, (size_t)(slash - path)))), path);
        FILE *file = fopen(path, "wb");
        place_must(file != NULL, path);
        (void)fwrite(pack.files[i].bytes.at, 1, pack.files[i].bytes.len, file);
        (void)fclose(file);
    }
    return ERR_OK;
}

static void check_json(struct arena *arena, enum err e, struct buf *out)
{
    const struct json *doc;
    const char *why = NULL;
    place_must(e || !json_parse(arena, buf_slice(out), &doc, &why), buf_cstr(out));
    buf_clear(out);
}

/* What clients are told of it. */
static void look_at(struct arena *arena, const struct model *model)
{
    struct buf out = BUF_INIT;
    struct ctx ctx;
    ctx_init(&ctx, arena);
    ctx.tenant = place.tenant;
    ctx.model = model;
    ctx.as_system = true;
    check_json(arena, meta_all(&ctx, &out), &out);
    check_json(arena, meta_openapi(&ctx, &out), &out);
    meta_texts(model, LANG_EN, &out);
    check_json(arena, ERR_OK, &out);
    for (int i = 0; i < model->entities_count; i++)
        check_json(arena, meta_entity(&ctx, model->entity_list[i], &out), &out);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct model_change change = {ID, HASH, true};
    struct arena *arena = arena_new();
    struct model *model = NULL;
    const char *why = NULL;
    open_once();
    if (!write_files(arena, slice_of((const char *)data, size))) {
        enum err e = model_plan(place.tenant, place.home, false, &change, 1, &model, &why);
        ASSERT(!e || (why && text_is_utf8(slice_str(why))));
        bool found = false;
        for (int i = 0; !e && i < model->plugins_count; i++) {
            const struct plugin *plugin = model->plugins[i];
            ASSERT(!plugin->broken || text_is_utf8(slice_str(plugin->broken)));
            ASSERT(!plugin->broken || strcmp(plugin->id, "core") != 0);
            found = found || !plugin->broken;
        }
        ASSERT(e || found); /* whatever comes, the core's own stays */
        if (!e)
            look_at(arena, model);
        model_free(model);
    }
    arena_free(arena);
    return 0;
}
