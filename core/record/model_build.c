/* model_build - one attempt after another until what is left of the plugins fits together.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/jsonschema.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/shelf.h"
#include "base/text.h"
#include "tenant/migration.h"
#include "tenant/tree.h"

#include <sys/stat.h>

#define SUGGEST_DISTANCE 2

/* --- failures --- */

static enum err fail_with(struct build *b, struct plugin *culprit, const char *file, int line,
                          const char *text)
{
    b->culprit = culprit;
    b->why = line > 0 ? arena_printf(b->arena, "%s:%d: %s", file, line, text)
                      : arena_printf(b->arena, "%s: %s", file, text);
    return ERR_MALFORMED;
}

enum err build_fail(struct build *b, int line, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    const char *text = arena_vprintf(b->arena, fmt, list);
    va_end(list);
    return fail_with(b, b->plugin, b->file, line, text);
}

enum err build_fail_at(struct build *b, const char *plugin, const char *file, int line,
                       const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    const char *text = arena_vprintf(b->arena, fmt, list);
    va_end(list);
    return fail_with(b, build_plugin(b, slice_str(plugin)), file ? file : plugin, file ? line : 0,
                     text);
}

static bool is_noted(struct slice noted, struct slice line)
{
    while (noted.len)
        if (slice_eq(slice_split(&noted, '\n'), line))
            return true;
    return false;
}

bool build_goes_on(struct build *b, enum err e)
{
    struct plugin *culprit = b->culprit;
    if (!e || !b->tells_all || !culprit || !build_is_own(culprit))
        return false;
    b->culprit = NULL;
    if (!culprit->breaks)
        culprit->breaks = b->why;
    else if (!is_noted(slice_str(culprit->breaks), slice_str(b->why)))
        culprit->breaks = arena_printf(b->arena, "%s\n%s", culprit->breaks, b->why);
    return true;
}

struct plugin *build_plugin(const struct build *b, struct slice id)
{
    for (int i = 0; i < b->model->plugins_count; i++)
        if (!b->model->plugins[i]->broken && slice_is(id, b->model->plugins[i]->id))
            return b->model->plugins[i];
    return NULL;
}

bool build_has_plugin(const struct build *b, struct slice id)
{
    return build_plugin(b, id) != NULL;
}

static const char *suggestion(struct arena *arena, const char *best)
{
    return best ? arena_printf(arena, " (did you mean \"%s\"?)", best) : "";
}

const char *build_suggest_field(struct arena *arena, const struct entity *entity, struct slice name)
{
    const char *best = NULL;
    int least = SUGGEST_DISTANCE + 1;

    for (int i = 0; i < entity->fields_count; i++) {
        int d = text_nearness(name, slice_str(entity->fields[i]->name), SUGGEST_DISTANCE);
        if (d < least) {
            least = d;
            best = entity->fields[i]->name;
        }
    }
    return suggestion(arena, best);
}

const char *build_suggest_entity(struct arena *arena, const struct model *model, struct slice name)
{
    const char *best = NULL;
    int least = SUGGEST_DISTANCE + 1;

    for (int i = 0; i < model->entities_count; i++) {
        int d = text_nearness(name, slice_str(model->entity_list[i]->name), SUGGEST_DISTANCE);
        if (d < least) {
            least = d;
            best = model->entity_list[i]->name;
        }
    }
    return suggestion(arena, best);
}

/* --- documents --- */

/* Files of products are kept for the life of the process. Grows only by the files of home; a file
 * that changes leaves its old tree behind. */
static struct {
    struct arena *arena;
    struct map documents;
} cache;

static const struct json *load_schema(struct build *b, const char *schema, const char **why)
{
    const char *path = arena_printf(b->scratch, "%s/schemas/%s.schema.json", b->home, schema);
    struct document *d = map_get(&cache.documents, slice_str(path));

    if (d)
        return d->json;
    d = arena_make(cache.arena, struct document);
    if (json_load(cache.arena, path, &d->json, why))
        return NULL;
    map_put(&cache.documents, slice_str(arena_strdup(cache.arena, path)), d);
    return d->json;
}

static const char *first_fault(struct build *b, struct arena *arena, const struct json *schema,
                               const struct json *json)
{
    const struct jsonschema_fault *fault = jsonschema_check(b->scratch, schema, json);

    if (!fault)
        return NULL;
    return arena_printf(arena, "%d: %s%s%s", fault->line, fault->pointer,
                        *fault->pointer ? " " : "", fault->what);
}

/* "line 2 column 13: …" → "2: column 13: …", as all our complaints begin. */
static const char *json_fault(struct arena *arena, const char *why)
{
    struct slice rest = slice_str(why);
    int64_t line;

    struct slice word = slice_split(&rest, ' '), number = slice_split(&rest, ' ');
    if (!slice_is(word, "line") || !slice_to_int(number, &line))
        return arena_printf(arena, " %s", why);
    return arena_printf(arena, "%lld: " SLICE_FMT, (long long)line, SLICE_ARG(rest));
}

/* Parses and checks; a list is checked item by item. */
static void read_document(struct build *b, struct arena *arena, const char *path,
                          const char *schema_name, struct document *d)
{
    const char *why = NULL;
    const struct json *json = NULL;

    enum err e = json_load(arena, path, &json, &why);
    if (e) {
        d->fault = json_fault(arena, why ? why : err_text(e, LANG_EN));
        return;
    }
    const struct json *schema = schema_name ? load_schema(b, schema_name, &why) : NULL;
    if (schema_name && !schema) {
        d->fault =
            arena_printf(arena, " the schema %s cannot be read: %s", schema_name, why ? why : "");
        return;
    }
    if (schema && json->type == JSON_ARRAY) {
        json_each(item, json)
        {
            if (!d->fault)
                d->fault = first_fault(b, arena, schema, item);
        }
    } else if (schema) {
        d->fault = first_fault(b, arena, schema, json);
    }
    if (d->fault)
        return;
    struct buf text = BUF_INIT;
    json_put(&text, json);
    d->hash = hash_stable(buf_slice(&text));
    buf_release(&text);
    d->json = json;
}

static int64_t modified_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void cache_begin(void)
{
    if (cache.arena)
        return;
    cache.arena = arena_new();
    map_init(&cache.documents, cache.arena);
}

struct document *build_read(struct build *b, struct arena *arena, const char *path,
                            const struct stat *st, const char *schema)
{
    cache_begin();
    struct document *d = arena_make(arena, struct document);
    d->modified_ns = modified_ns(st);
    d->bytes = (int64_t)st->st_size;
    read_document(b, arena, path, schema, d);
    return d;
}

void build_forget(void)
{
    arena_free(cache.arena);
    cache.arena = NULL;
}

static bool is_current(const struct document *d, const struct stat *st)
{
    return d && d->modified_ns == modified_ns(st) && d->bytes == (int64_t)st->st_size;
}

/* What all processes have, what this one has, or read now and kept. */
static const struct document *product_document(struct build *b, const char *path,
                                               const struct stat *st, const char *schema)
{
    const struct document *d = shelf_get(arena_printf(b->scratch, SHELF_DOCUMENT "%s", path));
    if (is_current(d, st))
        return d;
    d = map_get(&cache.documents, slice_str(path));
    if (is_current(d, st))
        return d;
    struct document *fresh = build_read(b, cache.arena, path, st, schema);
    map_put(&cache.documents, slice_str(arena_strdup(cache.arena, path)), fresh);
    return fresh;
}

static bool is_product(const struct build *b)
{
    return b->plugin->layer != PLUGIN_TENANT;
}

enum err build_load(struct build *b, const char *path, const char *schema, const struct json **out)
{
    struct stat st;

    b->file = arena_printf(b->arena, "%s/%s", b->plugin->id, path + strlen(b->plugin->folder) + 1);
    if (tree_stat(path, &st) != 0)
        return build_fail(b, 0, "the file cannot be read");
    cache_begin();
    const struct document *d = is_product(b) ? product_document(b, path, &st, schema)
                                             : build_read(b, b->arena, path, &st, schema);
    if (d->fault) {
        b->culprit = b->plugin;
        b->why = arena_printf(b->arena, "%s:%s", b->file, d->fault);
        return ERR_MALFORMED;
    }
    b->hash = (b->hash ^ d->hash) * 0x100000001b3ull;
    *out = d->json;
    return ERR_OK;
}

/* --- lists --- */

#define LIST_FIRST 64 /* a power of two */

size_t build_list_room(int n)
{
    size_t room = LIST_FIRST;

    while (room < (size_t)n)
        room *= 2;
    return room;
}

void *build_list(struct arena *arena, void *list, int n)
{
    bool is_full = n == 0 || (n >= LIST_FIRST && (n & (n - 1)) == 0);

    return is_full ? arena_grow(arena, list, (size_t)n * sizeof(void *),
                                build_list_room(n + 1) * sizeof(void *))
                   : list;
}

/* --- one plugin --- */

typedef enum err (*take_document)(struct build *b, const struct json *doc);

static enum err each_file(struct build *b, const char *folder, const char *schema,
                          take_document take)
{
    const char **paths;
    int count;

    b->file = arena_printf(b->arena, "%s/%s", b->plugin->id, folder);
    enum err e = plugin_files(b->scratch, b->plugin, folder, &paths, &count);
    if (e)
        return build_fail(b, 0, "the folder cannot be read");
    for (int i = 0; i < count; i++) {
        const struct json *doc;
        e = build_load(b, paths[i], schema, &doc);
        if (build_goes_on(b, e))
            continue;
        if (e)
            return e;
        bool is_list = doc->type == JSON_ARRAY;
        for (const struct json *d = is_list ? doc->first : doc; d; d = is_list ? d->next : NULL) {
            e = take(b, d);
            if (e && !build_goes_on(b, e))
                return e;
        }
    }
    return ERR_OK;
}

static void put_off(struct build *b, const struct json *json, struct build_doc **first,
                    struct build_doc **last)
{
    struct build_doc *doc = arena_make(b->scratch, struct build_doc);

    doc->plugin = b->plugin;
    doc->file = b->file;
    doc->json = json;
    if (*last)
        (*last)->next = doc;
    else
        *first = doc;
    *last = doc;
}

static enum err take_view(struct build *b, const struct json *doc)
{
    put_off(b, doc, &b->views, &b->views_last);
    return ERR_OK;
}

/* Reports and events are kept beside the views, under kinds of their own. */
static enum err take_as(struct build *b, const struct json *doc, const char *kind)
{
    struct json *copy = json_copy(b->arena, doc);

    json_add(b->arena, copy, "kind", json_new_str(b->arena, slice_str(kind)));
    put_off(b, copy, &b->views, &b->views_last);
    return ERR_OK;
}

static enum err take_report(struct build *b, const struct json *doc)
{
    return take_as(b, doc, "report");
}

static enum err take_event(struct build *b, const struct json *doc)
{
    return take_as(b, doc, "event");
}

static enum err take_role(struct build *b, const struct json *doc)
{
    put_off(b, doc, &b->roles, &b->roles_last);
    return ERR_OK;
}

const char *const build_folders[BUILD_FOLDERS] = {"dictionaries", "entities", "views",
                                                  "reports",      "events",   "roles"};
const char *const build_schemas[BUILD_FOLDERS] = {"dictionary", "entity", "view",
                                                  "report",     "event",  "role"};

static enum err read_plugin(struct build *b)
{
    static const take_document takes[BUILD_FOLDERS] = {build_dictionary, build_entity, take_view,
                                                       take_report,      take_event,   take_role};

    for (size_t i = 0; i < BUILD_FOLDERS; i++) {
        enum err e = each_file(b, build_folders[i], build_schemas[i], takes[i]);
        if (e)
            return e;
    }
    return build_texts(b);
}

/* --- attempts --- */

static void clear_attempt(struct build *b)
{
    struct model *model = b->model;

    map_init(&model->entities, b->arena);
    map_init(&model->roles, b->arena);
    map_init(&model->role_trees, b->arena);
    map_init(&model->views, b->arena);
    map_init(&model->dictionaries, b->arena);
    model->entity_list = arena_array(b->scratch, struct entity *, ENTITIES_MAX);
    model->entities_count = model->views_count = model->dictionaries_count = 0;
    model->view_list = NULL;
    model->dictionary_list = NULL;
    model->warnings = NULL;
    memset(model->texts_hash, 0, sizeof model->texts_hash);
    memset(model->texts_count, 0, sizeof model->texts_count);
    b->views = b->views_last = b->roles = b->roles_last = NULL;
    b->culprit = NULL;
    b->why = NULL;
    b->hash = 0xcbf29ce484222325ull;
    overlay_begin(b);
}

static enum err attempt(struct build *b)
{
    clear_attempt(b);
    for (int i = 0; i < b->model->plugins_count; i++) {
        b->plugin = b->model->plugins[i];
        if (b->plugin->broken || (b->base && !build_is_own(b->plugin)))
            continue;
        b->file = arena_printf(b->arena, "%s/plugin.json", b->plugin->id);
        enum err e = read_plugin(b);
        if (e && !build_goes_on(b, e))
            return e;
    }
    enum err e = build_dictionary_rows(b);
    if (!e)
        e = build_resolve(b);
    if (!e)
        e = build_views(b);
    return e ? e : build_roles(b);
}

/* --- which plugins --- */

static struct plugin *missing_plugin(struct build *b, const char *id)
{
    struct plugin *plugin = arena_make(b->arena, struct plugin);

    plugin->id = plugin->title = id;
    plugin->version = "0.0.0";
    plugin->folder = "";
    plugin->broken = arena_printf(b->arena, "%s is enabled but its folder is not there", id);
    return plugin;
}

/* A bundle of the tenant lies in custom/<id>/<version>/. */
static struct plugin *own_plugin(struct build *b, const struct tenant_plugin *wanted)
{
    struct plugin *plugin = NULL;
    const char *why = NULL;
    const char *folder = arena_printf(b->arena, "%s/custom/%s/%s", b->tenant->folder, wanted->id,
                                      wanted->version ? wanted->version : "");
    struct stat st;

    if (!b->tenant->folder || stat(folder, &st) != 0)
        return missing_plugin(b, wanted->id);
    if (plugin_read(b->arena, b->home, folder, PLUGIN_TENANT, &plugin, &why) == ERR_OK)
        return plugin;
    plugin = missing_plugin(b, wanted->id);
    plugin->broken = why;
    return plugin;
}

/* A secret setting reaches nobody's script: in its place stands { "secret": NAME }, which the core
 * opens for calls and signatures of that plugin. */
static struct json *secret_handle(struct arena *arena, const char *name)
{
    struct json *handle = json_new(arena, JSON_OBJECT);
    json_add(arena, handle, "secret", json_new_str(arena, slice_str(name)));
    return handle;
}

/* What the tenant set, and the defaults of the rest. */
static struct json *read_config(struct arena *arena, const struct plugin *plugin,
                                const struct json *set)
{
    struct json *config = json_new(arena, JSON_OBJECT);

    json_each(item, json_get(plugin->manifest, "config"))
    {
        const char *name = json_cstr(item, "name", "");
        const struct json *value = json_get(set, name);
        bool is_secret = slice_is(json_str(item, "type", SLICE("")), "secret");
        value = value || is_secret ? value : json_get(item, "default");
        if (value && value->type != JSON_NULL)
            json_add(arena, config, name,
                     is_secret ? secret_handle(arena, name) : json_copy(arena, value));
    }
    return config;
}

void build_configs(const struct build *b, struct arena *arena, const struct model *model,
                   struct map *configs)
{
    map_init(configs, arena);
    for (int i = 0; i < b->rows_count; i++) {
        const struct tenant_plugin *row = &b->rows[i];
        if (strcmp(row->state, "enabled") != 0 || strcmp(row->id, "core") == 0)
            continue;
        for (int k = 0; k < model->plugins_count; k++)
            if (strcmp(model->plugins[k]->id, row->id) == 0)
                map_put(configs, slice_str(model->plugins[k]->id),
                        read_config(arena, model->plugins[k], row->config));
    }
}

/* The rows of table `plugin` as the changes of a trial leave them. */
static void apply_changes(struct build *b, struct tenant_plugin **rows, int *count)
{
    size_t room = (size_t)*count + (size_t)b->changes_count;
    struct tenant_plugin *all = arena_array(b->arena, struct tenant_plugin, room + 1);

    if (*count)
        memcpy(all, *rows, (size_t)*count * sizeof *all);
    for (int i = 0; i < b->changes_count; i++) {
        const struct model_change *change = &b->changes[i];
        int at = 0;
        while (at < *count && strcmp(all[at].id, change->id) != 0)
            at++;
        if (at == *count)
            all[(*count)++] = (struct tenant_plugin){.id = change->id};
        all[at].state = change->enabled ? "enabled" : "disabled";
        if (change->version)
            all[at].version = change->version;
    }
    *rows = all;
}

/* A plugin whose migrations have not run waits for them, unless this is the trial that is to run
 * them. */
static enum err wait_for_migrations(struct build *b, struct plugin *plugin)
{
    struct migration *all = NULL;
    int count = 0;
    const char *why = NULL;

    bool is_tried = false;

    for (int i = 0; i < b->changes_count; i++)
        is_tried = is_tried || strcmp(b->changes[i].id, plugin->id) == 0;
    if (plugin->broken)
        return ERR_OK;
    enum err e = migration_list(b->tenant, b->arena, plugin, &all, &count, &why);
    if (e == ERR_MALFORMED)
        plugin->broken = why;
    for (int i = 0; i < count && !e && !plugin->broken && !is_tried; i++)
        if (!migration_is_done(&all[i]))
            plugin->broken = arena_printf(
                b->arena, "%s/migrations/%s.lua has not run yet: `perigee upgrade` runs it",
                plugin->id, all[i].name);
    return e == ERR_MALFORMED ? ERR_OK : e;
}

enum err build_choose(struct build *b)
{
    struct plugin **all;
    struct tenant_plugin *enabled;
    int all_count, enabled_count, n = 0;
    const char *why = NULL;

    enum err e = plugin_list(b->arena, b->home, &all, &all_count, &why);
    if (e) {
        b->why = why;
        return e;
    }
    e = tenant_plugins(b->tenant, b->arena, &enabled, &enabled_count);
    if (e)
        return e;
    apply_changes(b, &enabled, &enabled_count);
    b->rows = enabled;
    b->rows_count = enabled_count;
    struct plugin **chosen =
        arena_array(b->arena, struct plugin *, (size_t)(all_count + enabled_count));
    for (int i = 0; i < all_count; i++)
        if (strcmp(all[i]->id, "core") == 0)
            chosen[n++] = all[i];
    for (int k = 0; k < enabled_count; k++) {
        if (strcmp(enabled[k].state, "enabled") != 0 || strcmp(enabled[k].id, "core") == 0)
            continue;
        struct plugin *found = NULL;
        for (int i = 0; i < all_count && !found; i++)
            found = strcmp(all[i]->id, enabled[k].id) == 0 ? all[i] : NULL;
        if (!found && b->is_base)
            continue;
        chosen[n] = found ? found : own_plugin(b, &enabled[k]);
        e = wait_for_migrations(b, chosen[n++]);
        if (e)
            return e;
    }
    b->model->plugins = chosen;
    b->model->plugins_count = n;
    return ERR_OK;
}

/* A bundle that asks for another version of a plugin than is there is read all the same. */
static void note_versions(struct build *b, struct plugin *plugin)
{
    struct json *manifest = json_copy(b->arena, plugin->manifest);
    json_each(range, json_get(plugin->manifest, "requires"))
    {
        const struct plugin *needed = build_plugin(b, range->key);
        if (!needed || plugin_version_fits(needed->version, range->text.at))
            continue;
        b->culprit = plugin;
        b->why = arena_printf(b->arena, "%s/plugin.json:%d: needs \"%s\" %s, but %s is there",
                              plugin->id, range->line, needed->id, range->text.at, needed->version);
        (void)build_goes_on(b, ERR_MALFORMED);
        struct json *own =
            (struct json *)json_get_slice(json_get(manifest, "requires"), range->key);
        own->text = SLICE("*");
    }
    plugin->manifest = manifest;
}

/* What was noted while an attempt went on: those bundles are left out of the next one. */
static bool take_breaks(struct model *model)
{
    bool took = false;
    for (int i = 0; i < model->plugins_count; i++) {
        struct plugin *plugin = model->plugins[i];
        if (plugin->broken || !plugin->breaks)
            continue;
        plugin->broken = plugin->breaks;
        took = true;
    }
    return took;
}

static void count_broken(struct model *model)
{
    model->plugins_broken = 0;
    for (int i = 0; i < model->plugins_count; i++)
        model->plugins_broken += model->plugins[i]->broken != NULL;
}

enum err build_model(struct build *b)
{
    struct model *model = b->model;
    enum err e;
    for (int i = 0; i < model->plugins_count && b->tells_all; i++)
        if (build_is_own(model->plugins[i]) && model->plugins[i]->manifest)
            note_versions(b, model->plugins[i]);
    for (int i = 0; i < model->plugins_count && !b->is_trial && !b->is_base; i++)
        if (model->plugins[i]->broken)
            log_warn("plugin %s is left out: %s", model->plugins[i]->id, model->plugins[i]->broken);
    for (;;) {
        plugin_order(b->arena, model->plugins, model->plugins_count);
        if (!build_plugin(b, SLICE("core"))) {
            b->why = model->plugins_count && model->plugins[model->plugins_count - 1]->broken
                         ? model->plugins[model->plugins_count - 1]->broken
                         : "the plugin core is not there";
            return ERR_MALFORMED;
        }
        e = attempt(b);
        if (b->tells_all && take_breaks(model))
            continue;
        if (!e || !b->culprit || (b->base && !build_is_own(b->culprit)))
            break;
        if (!b->is_trial)
            log_warn("plugin %s is left out: %s", b->culprit->id, b->why);
        b->culprit->broken = b->why;
    }
    count_broken(model);
    size_t bytes = (size_t)model->entities_count * sizeof(void *);
    model->entity_list = arena_grow(b->arena, model->entity_list, bytes, bytes);
    model->hash = b->hash;
    return e;
}
