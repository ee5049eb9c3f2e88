/* model_build - how a model comes about; private to this folder.
 *
 * One attempt walks the active plugins in load order. The first declaration that does not fit ends
 * the attempt: its plugin is marked broken with the reason and the next attempt leaves it out, so
 * that a model never holds half a plugin.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/stat.h>

#include "record/model.h"
#include "record/model_share.h"
#include "record/words.h"

struct build {
    struct tenant *tenant;
    const char *home;
    struct arena *arena;   /* becomes the model's */
    struct arena *scratch; /* what nobody needs once it is built */
    struct model *model;
    const struct model *base; /* what an overlay lies on (model_overlay.c); NULL: a whole model */
    bool is_base;             /* of the products alone, for overlays to lie on */
    bool *redrawn;            /* overlay: entities whose table a view may have changed, by place */
    struct plugin *plugin;    /* whose declarations are being read */
    const char *file;         /* "leads/entities/lead.json" */
    struct plugin *culprit;   /* set by a failure */
    const char *why;
    struct build_doc { /* views wait until every plugin's entities are known */
        struct plugin *plugin;
        const char *file;
        const struct json *json;
        struct build_doc *next;
        bool is_done;
    } * views, *views_last, *roles, *roles_last;
    bool may_wait, waits; /* a patch whose anchor another file of the plugin may bring */
    uint64_t hash;
    const struct model_change *changes; /* of a model that is only tried */
    int changes_count;
    bool is_trial;
    bool tells_all;                   /* of a trial: every break of a bundle, see build_goes_on */
    const struct tenant_plugin *rows; /* of table plugin, with the changes */
    int rows_count;
    struct share_key sources[2]; /* of what was chosen, see share_keys_of */
    bool has_sources;
};

/* ERR_MALFORMED with "file:line: sentence"; line 0 is left out. */
enum err build_fail(struct build *b, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for what is found out only after reading: names the plugin and file that declared it. */
enum err build_fail_at(struct build *b, const char *plugin, const char *file, int line,
                       const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Where one declaration after another is read: true when what failed is a bundle's and all of its
 * breaks are asked for. Then it is noted, and the next declaration is read; when the attempt ends
 * what was noted leaves the bundle broken, a line for each. Only ERR_MALFORMED of the above. */
bool build_goes_on(struct build *b, enum err e);
/* The id of an active plugin? */
bool build_has_plugin(const struct build *b, struct slice id);
struct plugin *build_plugin(const struct build *b, struct slice id);
/* " (did you mean "x"?)" or "". */
const char *build_suggest_field(struct arena *arena, const struct entity *entity,
                                struct slice name);
const char *build_suggest_entity(struct arena *arena, const struct model *model, struct slice name);

/* Reads and checks a file of the current plugin (schemas/<schema>.schema.json). Files of products
 * are kept parsed for the life of the process, as long as they do not change. */
MUST_USE enum err build_load(struct build *b, const char *path, const char *schema,
                             const struct json **out);

/* A file as parsed and checked. */
struct document {
    int64_t modified_ns, bytes;
    const struct json *json; /* NULL when it is faulty */
    const char *fault;       /* "14: sentence", without the file */
    uint64_t hash;
};
/* Reads a file of the current plugin into the arena: what build_load does when it keeps none. */
struct document *build_read(struct build *b, struct arena *arena, const char *path,
                            const struct stat *st, const char *schema);
/* Gives back what is kept of products' files and schemas; nothing may have been built. */
void build_forget(void);

/* One document of entities/: an entity or an extension of one. */
MUST_USE enum err build_entity(struct build *b, const struct json *doc);
MUST_USE enum err build_extension(struct build *b, const struct json *doc);
/* A declared field joins an entity. `owner` is the plugin that declares it. */
MUST_USE enum err build_field(struct build *b, struct entity *entity, const struct json *doc);
/* min and max of a declaration in units of the type. */
MUST_USE enum err build_bounds(struct build *b, struct field *field, const struct json *doc);
MUST_USE enum err build_indexes(struct build *b, struct entity *entity, const struct json *list);
/* The fields every record has. */
void entity_add_system_fields(struct arena *arena, struct entity *entity);

/* Once all are read: references, roll-ups, lookups, conditions, titles, options of dictionaries. */
MUST_USE enum err build_resolve(struct build *b);
MUST_USE enum err build_views(struct build *b);
/* Does every part of "account.industry" exist? */
MUST_USE enum err build_path(struct build *b, const struct entity *entity, struct slice path,
                             int line);
/* model_screen.c: can what a view or a dashboard (NULL) counts, measures and draws by be that? */
MUST_USE enum err build_screen(struct build *b, const struct entity *entity,
                               const struct json *doc);
MUST_USE enum err build_roles(struct build *b);
MUST_USE enum err build_texts(struct build *b);
MUST_USE enum err build_dictionary(struct build *b, const struct json *doc);
/* The tenant's own rows in place of the presets. Store errors come back as they are. */
MUST_USE enum err build_dictionary_rows(struct build *b);

/* A list of pointers that holds n of them, with room for one more: twice as much at each power of
 * two. One that begins as a copy needs build_list_room. */
void *build_list(struct arena *arena, void *list, int n);
size_t build_list_room(int n);

/* An empty one with an arena of its own. */
struct model *model_new(void);

/* --- model_overlay.c: what an overlay has of its own. All of these do nothing in a whole model. */

/* The attempt begins with what the base has. */
void overlay_begin(struct build *b);
bool overlay_shares(const struct build *b, const struct entity *entity);
/* Is it a field that the base does not have? */
bool overlay_adds(const struct build *b, const struct field *field);
/* The same, or a copy in its place, to be written to. */
struct entity *overlay_entity(struct build *b, struct entity *entity);
struct model_dictionary *overlay_dictionary(struct build *b, struct model_dictionary *dictionary);
struct model_view *overlay_view(struct build *b, struct model_view *view);
struct model_view *overlay_find_view(const struct build *b, struct slice key);
/* What it is found by: "entity.kind.name". */
struct slice model_view_key(struct arena *arena, const struct model_view *view);
/* The role as its plugins say it until now, to be written to; NULL: there is none. */
struct json *overlay_role(struct build *b, struct map *trees, struct slice name);
/* Lists and reports have indexes. */
void overlay_redraw(struct build *b, const struct model_view *view);
/* Before anything is resolved: copies what refers to something that has been changed. */
void overlay_reach(struct build *b);
/* The image of what has been chosen as an overlay; *out NULL: it cannot be one, or share_find knows
 * it. *moved: numbers were written. */
MUST_USE enum err overlay_image(struct build *b, const struct share_keys *keys, bool may_apply,
                                bool *moved, struct model_image **out);

/* Numbers from the registry; what is missing is allocated when may_apply is set, else ERR_BUSY.
 * *moved: something was written. */
MUST_USE enum err build_numbers(struct build *b, bool may_apply, bool *moved);
/* The same without writing: what is missing gets the numbers that it would be given. */
MUST_USE enum err build_numbers_made_up(struct build *b);
/* The columns of the index that an entity's reports are answered from, separated by commas; NULL:
 * it needs none. Needs the columns. */
const char *build_report_columns(struct build *b, const struct entity *entity);
/* The column that a declared list of that entity is ordered by first; NULL: the view is none, or
 * says no order of the entity's own. */
const char *build_sort_column(const struct entity *entity, const struct model_view *view,
                              const struct field **field, bool *descending);
/* Slots, columns, tables. Needs the numbers. */
void build_schema(struct build *b);

/* Is it a bundle of the tenant (or one whose folder is gone), and no product? */
static inline bool build_is_own(const struct plugin *plugin)
{
    return plugin->layer == PLUGIN_TENANT || !*plugin->folder;
}
/* First: which plugins, with what is known against them before a declaration of theirs is read. */
MUST_USE enum err build_choose(struct build *b);
/* Then one attempt after another; store errors and missing core end it. */
MUST_USE enum err build_model(struct build *b);
/* What the chosen plugins are set to, by the tenant or by default, in `arena`. */
void build_configs(const struct build *b, struct arena *arena, const struct model *model,
                   struct map *configs);
/* What each_file of the build reads, in its order. */
#define BUILD_FOLDERS 6
extern const char *const build_folders[BUILD_FOLDERS];
extern const char *const build_schemas[BUILD_FOLDERS];
/* The keys of what model_shelf.c puts there: these words and the path. */
#define SHELF_DOCUMENT "document:"
#define SHELF_WORDS    "words:"
