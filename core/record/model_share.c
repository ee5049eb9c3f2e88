/* model_share - models that several tenants of this process have in common.
 *
 * Companies with the same plugins declare the same entities, so their model is built once and kept
 * under a hash of everything it follows from; that of a company with something of its own lies on
 * the one that its products make (model_overlay.c), which others use too. What differs from company
 * to company without changing the tree (settings of plugins, currency, language, version) is not in
 * here: each tenant has a struct model of its own around the shared one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/crypto.h"
#include "base/limits.h"
#include "store/query.h"
#include "tenant/tree.h"

#include <stdlib.h>
#include <sys/stat.h>

/* --- the key --- */

static struct share_key key_of(const struct buf *all)
{
    static uint64_t drawn[4];
    static bool is_drawn;

    if (!is_drawn)
        crypto_random(drawn, sizeof drawn);
    is_drawn = true;
    return (struct share_key){{hash_sip(drawn[0], drawn[1], buf_slice(all)),
                               hash_sip(drawn[2], drawn[3], buf_slice(all))}};
}

static void put_key(struct buf *out, struct share_key key)
{
    buf_put(out, key.bits, sizeof key.bits);
}

static void put_text(struct buf *out, const char *text)
{
    buf_put(out, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static void put_number(struct buf *out, int64_t n)
{
    buf_put(out, &n, sizeof n);
}

/* A file as it is now; one that is not there counts too. */
static void put_file(struct buf *out, const char *path)
{
    struct stat st = {0};

    put_text(out, path);
    bool is_there = tree_stat(path, &st) == 0;
    put_number(out, is_there);
    if (!is_there)
        return;
    put_number(out, (int64_t)st.st_ino);
    put_number(out, (int64_t)st.st_size);
    put_number(out, (int64_t)st.st_mtim.tv_sec);
    put_number(out, (int64_t)st.st_mtim.tv_nsec);
}

static void put_files(struct build *b, struct buf *out, const struct plugin *plugin)
{
    static const char *const texts[] = {"i18n/zh-CN.json", "i18n/en.json"};

    for (size_t i = 0; i < BUILD_FOLDERS; i++) {
        const char **paths;
        int count;
        if (plugin_files(b->scratch, plugin, build_folders[i], &paths, &count))
            put_text(out, build_folders[i]);
        else
            for (int k = 0; k < count; k++)
                put_file(out, paths[k]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_file(out, arena_printf(b->scratch, "%s/%s", plugin->folder, texts[i]));
}

/* The folder of a bundle is the tenant's own, so its declarations are shared with nobody else. */
static void put_plugins(struct build *b, struct buf *out, bool own)
{
    for (int i = 0; i < b->model->plugins_count; i++) {
        const struct plugin *plugin = b->model->plugins[i];
        if (build_is_own(plugin) != own)
            continue;
        put_text(out, plugin->id);
        put_text(out, plugin->version);
        put_text(out, plugin->folder);
        put_text(out, plugin->broken);
        put_number(out, plugin->layer);
        if (!plugin->broken)
            put_files(b, out, plugin);
        put_file(out, arena_printf(b->scratch, "%s/plugin.json", plugin->folder));
    }
}

struct rows {
    const struct build *b;
    struct buf *products, *own; /* where rows of plugins go */
    int columns, plugin;        /* which of them names the plugin; -1: all are the tenant's own */
    const struct plugin *last;  /* the plugin of the row before */
    int count;
};

/* Is it one of the model's? Rows of a plugin come after one another. */
static const struct plugin *plugin_of(struct rows *rows, struct slice id)
{
    if (rows->last && slice_is(id, rows->last->id))
        return rows->last;
    for (int i = 0; i < rows->b->model->plugins_count; i++) {
        const struct plugin *known = rows->b->model->plugins[i];
        if (!slice_is(id, known->id))
            continue;
        rows->last = known;
        return known;
    }
    return NULL;
}

static bool take_row(void *arg, const struct store_row *row)
{
    struct rows *rows = arg;
    const struct plugin *plugin =
        rows->plugin < 0 ? NULL : plugin_of(rows, store_row_bytes(row, rows->plugin));

    if (rows->plugin >= 0 && !plugin)
        return true;
    struct buf *out = !plugin || build_is_own(plugin) ? rows->own : rows->products;
    rows->count++;
    for (int i = 0; i < rows->columns; i++) {
        struct value value = store_row_value(row, i);
        bool is_number = value.type == VALUE_INT;
        put_number(out, value.type);
        put_number(out, is_number ? value.integer : (int64_t)value.bytes.len);
        if (!is_number)
            buf_put_slice(out, value.bytes);
    }
    return true;
}

static enum err put_rows(struct rows *rows, const char *table, const char *const *columns,
                         int count, int plugin)
{
    struct query_column select[8];
    struct query_order order[3];
    struct query query = {.table = table, .select = select, .order = order};

    ASSERT(count <= 8);
    for (int i = 0; i < count; i++)
        select[i] = (struct query_column){.column = {0, columns[i]}};
    query.select_count = count;
    query.order_count = plugin >= 0 ? 1 : 3;
    for (int i = 0; i < query.order_count; i++)
        order[i] = (struct query_order){.column = {0, columns[i]}};
    rows->columns = count;
    rows->plugin = plugin;
    rows->count = 0;
    put_text(rows->products, table);
    put_text(rows->own, table);
    return store_read(rows->b->tenant->store, &query, take_row, rows);
}

static void find_sources(struct build *b)
{
    if (b->has_sources) /* as chosen: the attempts to build put them into order */
        return;
    for (int own = 0; own < 2; own++) {
        struct buf all = BUF_INIT;
        put_text(&all, b->home);
        put_plugins(b, &all, own);
        b->sources[own] = key_of(&all);
        buf_release(&all);
    }
    b->has_sources = true;
}

static bool is_plain(const struct build *b, int dictionary_rows)
{
    bool is_plain = dictionary_rows == 0;

    for (int i = 0; i < b->model->plugins_count; i++)
        is_plain = is_plain && !build_is_own(b->model->plugins[i]);
    return is_plain;
}

enum err share_keys_of(struct build *b, struct share_keys *out)
{
    static const char *const entities[] = {"id", "plugin", "name"};
    static const char *const fields[] = {"id", "plugin", "entity", "no"};
    static const char *const values[] = {"dict", "sort", "value", "parent", "label", "active"};
    struct buf products = BUF_INIT, own = BUF_INIT;
    struct rows rows = {.b = b, .products = &products, .own = &own};

    find_sources(b);
    put_key(&products, b->sources[false]);
    put_key(&own, b->sources[true]);
    enum err e = put_rows(&rows, "entity_reg", entities, 3, 1);
    if (!e)
        e = put_rows(&rows, "field_reg", fields, 4, 1);
    if (!e)
        e = put_rows(&rows, "dictionary", values, 6, -1);
    if (!e) {
        out->base = key_of(&products);
        out->is_plain = is_plain(b, rows.count);
        put_key(&own, out->base);
        out->whole = out->is_plain ? out->base : key_of(&own);
    }
    buf_release(&products);
    buf_release(&own);
    return e;
}

/* --- what is kept --- */

struct model_image {
    struct share_key key;
    struct model *model;      /* owned, with its arena */
    struct model_image *base; /* what it lies on: one use of it; NULL: it is whole */
    int users;
    struct model_extra extra;
    struct model_image *newer, *older; /* by last use */
};

/* One process is one thread. */
static struct {
    struct model_image *newest, *oldest;
    struct map by_key;
    bool is_ready;
} kept;

static struct slice key_slice(const struct share_key *key)
{
    return slice_of((const char *)key->bits, sizeof key->bits);
}

static void list_drop(struct model_image *image)
{
    *(image->newer ? &image->newer->older : &kept.newest) = image->older;
    *(image->older ? &image->older->newer : &kept.oldest) = image->newer;
    image->newer = image->older = NULL;
}

static void list_put(struct model_image *image)
{
    image->older = kept.newest;
    *(kept.newest ? &kept.newest->newer : &kept.oldest) = image;
    kept.newest = image;
}

static void image_free(struct model_image *image)
{
    ASSERT(image->users == 0);
    list_drop(image);
    (void)map_remove(&kept.by_key, key_slice(&image->key));
    if (image->extra.value)
        image->extra.release(image->extra.value);
    struct model_image *base = image->base;
    arena_free(image->model->arena);
    free(image);
    share_release(base);
}

struct model_image *share_find(const struct share_key *key)
{
    struct model_image *image = kept.is_ready ? map_get(&kept.by_key, key_slice(key)) : NULL;

    if (!image)
        return NULL;
    list_drop(image);
    list_put(image);
    image->users++;
    return image;
}

struct model_image *share_put(const struct share_key *key, struct model *model,
                              struct model_image *base)
{
    if (!kept.is_ready)
        map_init(&kept.by_key, NULL);
    kept.is_ready = true;
    ASSERT(!map_get(&kept.by_key, key_slice(key)));
    struct model_image *image = calloc(1, sizeof *image);
    ASSERT_MEMORY(image);
    image->key = *key;
    image->model = model;
    image->base = base;
    image->users = 1;
    map_put(&kept.by_key, key_slice(&image->key), image);
    list_put(image);
    return image;
}

const struct model *share_model(const struct model_image *image)
{
    return image->model;
}

struct model_extra *model_extra(const struct model *model)
{
    return model->image ? &model->image->extra : NULL;
}

bool model_below(const struct model *model, struct model *out)
{
    ASSERT(model && out);
    if (!model->base)
        return false;
    ASSERT(model->image && model->image->base);
    *out = *model->base;
    out->arena = NULL;
    out->image = model->image->base;
    out->version = model->version;
    out->serial = model->serial;
    out->configs = model->configs;
    out->currency = model->currency;
    out->lang = model->lang;
    return true;
}

size_t share_own_bytes(const struct model_image *image)
{
    if (image->users != 1)
        return 0;
    return arena_used(image->model->arena) + (image->base ? share_own_bytes(image->base) : 0);
}

int share_idle(void)
{
    int idle = 0;

    for (const struct model_image *image = kept.newest; image; image = image->older)
        idle += image->users == 0;
    return idle;
}

static void drop_idle(int keep)
{
    while (share_idle() > keep) {
        struct model_image *at = kept.oldest;
        while (at->users > 0)
            at = at->newer;
        image_free(at); /* which may leave another one, its base, without a user */
    }
}

void model_forget(void)
{
    drop_idle(0);
}

void share_release(struct model_image *image)
{
    if (!image)
        return;
    ASSERT(image->users > 0);
    if (--image->users > 0)
        return;
    list_drop(image);
    list_put(image); /* it was used until now */
    drop_idle(MODEL_IMAGES_IDLE_MAX);
}
