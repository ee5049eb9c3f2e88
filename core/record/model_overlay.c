/* model_overlay - the model of a tenant with something of its own, on top of that of its products.
 *
 * Most of what a company with bundles declares is what everybody declares. So its model begins as
 * the one that its products make (the base), and only what its bundles and dictionary rows touch is
 * copied before it is written to: entities with their fields, dictionaries, views, roles.
 * References are places in the list of entities (model_ref), which are the same in both, so that
 * what is shared leads to what the tenant has in its place. Bundles come last in load order: so the
 * outcome is what building everything from the beginning gives, number for number, and where it
 * might not be (a product that does not fit) that is done.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"
#include "base/log.h"
#include "record/field_kit.h"

/* --- what the base has --- */

static bool is_named(const struct field_type *type, const char *name)
{
    return strcmp(type->name, name) == 0;
}

bool overlay_shares(const struct build *b, const struct entity *entity)
{
    return b->base && entity->at < b->base->entities_count &&
           b->base->entity_list[entity->at] == entity;
}

bool overlay_adds(const struct build *b, const struct field *field)
{
    const struct entity *entity = field->entity;
    int known = b->base && entity->at < b->base->entities_count
                    ? b->base->entity_list[entity->at]->fields_count
                    : 0;

    for (int i = 0; i < known; i++)
        if (entity->fields[i] == field)
            return false;
    return true;
}

static void *copy_list(struct arena *arena, const void *list, int count)
{
    return arena_grow(arena, list, (size_t)count * sizeof(void *),
                      build_list_room(count) * sizeof(void *));
}

void overlay_begin(struct build *b)
{
    const struct model *base = b->base;
    struct model *model = b->model;

    if (!base)
        return;
    memcpy(model->entity_list, base->entity_list,
           (size_t)base->entities_count * sizeof *model->entity_list);
    model->entities_count = base->entities_count;
    map_copy(&model->entities, b->arena, &base->entities, 0);
    map_copy(&model->roles, b->arena, &base->roles, 0);
    map_copy(&model->dictionaries, b->arena, &base->dictionaries, 0);
    model->view_list = copy_list(b->arena, base->view_list, base->views_count);
    model->views_count = base->views_count;
    model->dictionary_list = copy_list(b->arena, base->dictionary_list, base->dictionaries_count);
    model->dictionaries_count = base->dictionaries_count;
    model->warnings = base->warnings;
    memcpy(model->texts_hash, base->texts_hash, sizeof model->texts_hash);
    b->hash = base->hash;
    b->redrawn = arena_array(b->scratch, bool, ENTITIES_MAX);
}

/* --- copies --- */

/* As it was read: what follows from others is found anew. */
static struct field *copy_field(struct build *b, struct entity *entity, const struct field *from)
{
    struct field *field = arena_make(b->arena, struct field);

    *field = *from;
    field->entity = entity;
    bool is_lookup = is_named(field->type, "lookup");
    if (is_lookup || field->dictionary) {
        field->options = NULL;
        field->options_count = 0;
    }
    if (is_lookup) {
        field->type = &field_type_lookup;
        field->ref_entity = NULL;
        field->ref_at = 0;
    } else if (is_named(field->type, "rollup")) {
        field->type = &field_type_rollup;
    }
    return field;
}

/* One that is a power of two has no room for another, see add_referrer. */
static struct entity_referrer *copy_referrers(struct build *b, const struct entity *from)
{
    size_t room = 1;

    while (room < (size_t)from->referrers_count)
        room *= 2;
    return arena_grow(b->arena, from->referrers,
                      (size_t)from->referrers_count * sizeof *from->referrers,
                      room * sizeof *from->referrers);
}

struct entity *overlay_entity(struct build *b, struct entity *entity)
{
    if (!overlay_shares(b, entity))
        return entity;
    struct entity *own = arena_make(b->arena, struct entity);
    int count = entity->fields_count;
    *own = *entity;
    own->fields_room = count + 4; /* what bundles add is little */
    own->fields = arena_array(b->arena, struct field *, (size_t)own->fields_room);
    map_init(&own->by_name, b->arena);
    map_reserve(&own->by_name, (size_t)own->fields_room);
    for (int i = 0; i < count; i++) {
        own->fields[i] = copy_field(b, own, entity->fields[i]);
        map_put(&own->by_name, slice_str(own->fields[i]->name), own->fields[i]);
    }
    own->indexes = arena_array(b->arena, struct entity_index, INDEXES_PER_ENTITY_MAX);
    memcpy(own->indexes, entity->indexes, (size_t)entity->indexes_count * sizeof *own->indexes);
    own->referrers = copy_referrers(b, entity);
    own->columns = NULL;
    own->column_types = NULL;
    own->slots = 0;
    b->model->entity_list[own->at] = own;
    map_put(&b->model->entities, slice_str(own->name), own);
    return own;
}

struct model_dictionary *overlay_dictionary(struct build *b, struct model_dictionary *dictionary)
{
    int at = 0;

    while (b->base && at < b->base->dictionaries_count &&
           b->base->dictionary_list[at] != dictionary)
        at++;
    if (!b->base || at == b->base->dictionaries_count)
        return dictionary;
    struct model_dictionary *own = arena_make(b->arena, struct model_dictionary);
    *own = *dictionary;
    b->model->dictionary_list[at] = own;
    map_put(&b->model->dictionaries, slice_str(own->name), own);
    return own;
}

struct model_view *overlay_find_view(const struct build *b, struct slice key)
{
    struct model_view *view = map_get(&b->model->views, key);

    return view || !b->base ? view : map_get(&b->base->views, key);
}

/* The place among the base's views of one that is shared; -1: it is the tenant's own. */
static int shared_view(const struct build *b, const struct model_view *view)
{
    for (int i = 0; b->base && i < b->base->views_count; i++)
        if (b->base->view_list[i] == view)
            return i;
    return -1;
}

struct model_view *overlay_view(struct build *b, struct model_view *view)
{
    int at = shared_view(b, view);

    if (at < 0)
        return view;
    struct model_view *own = arena_make(b->arena, struct model_view);
    *own = *view;
    own->is_patched = false;
    b->model->view_list[at] = own;
    map_put(&b->model->views, model_view_key(b->arena, own), own);
    return own;
}

struct json *overlay_role(struct build *b, struct map *trees, struct slice name)
{
    struct json *tree = map_get(trees, name);
    const struct json *shared = !tree && b->base ? map_get(&b->base->role_trees, name) : NULL;

    if (!shared)
        return tree;
    tree = json_copy(b->arena, shared);
    map_put(trees, name, tree);
    return tree;
}

void overlay_redraw(struct build *b, const struct model_view *view)
{
    bool has_index = strcmp(view->kind, "list") == 0 || strcmp(view->kind, "report") == 0;
    const struct entity *entity = b->base && has_index && view->entity
                                      ? model_entity(b->model, slice_str(view->entity))
                                      : NULL;

    if (entity)
        b->redrawn[entity->at] = true;
}

/* --- what refers to what has changed --- */

/* Whom a new reference points to has one more that points to it. */
static void reach_targets(struct build *b)
{
    struct model *model = b->model;

    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        for (int k = 0; k < entity->fields_count && !overlay_shares(b, entity); k++) {
            const struct field *field = entity->fields[k];
            struct entity *target = field->ref_entity && !field->is_system && overlay_adds(b, field)
                                        ? map_get(&model->entities, slice_str(field->ref_entity))
                                        : NULL;
            if (target)
                (void)overlay_entity(b, target);
        }
    }
}

static bool has_other_words(const struct build *b, const struct field *field)
{
    struct slice name = slice_str(field->dictionary ? field->dictionary : "");

    return field->dictionary &&
           map_get(&b->model->dictionaries, name) != map_get(&b->base->dictionaries, name);
}

/* Are the field's values those of a dictionary, or of another entity's field, that has changed? */
static bool shows_other(const struct build *b, const struct field *field)
{
    const struct field *known = field_lookup_end(field);

    if (!known)
        return has_other_words(b, field);
    const struct entity *from = b->model->entity_list[known->entity->at];
    const struct field *end = entity_field(from, slice_str(known->name));
    return has_other_words(b, end) || (end != known && end->is_changed);
}

static bool reach_shown(struct build *b)
{
    bool moved = false;

    for (int i = 0; i < b->base->entities_count; i++) {
        struct entity *entity = b->model->entity_list[i];
        for (int k = 0; k < entity->fields_count && overlay_shares(b, entity); k++)
            if (shows_other(b, entity->fields[k])) {
                entity = overlay_entity(b, entity);
                moved = true;
            }
    }
    return moved;
}

void overlay_reach(struct build *b)
{
    if (!b->base)
        return;
    reach_targets(b);
    while (reach_shown(b))
        continue;
}

/* --- the images --- */

/* Bundles are where they would be if all had been read in one go? */
static bool lies_on(const struct model *model, const struct model *base)
{
    if (base->plugins_broken || model->plugins_count < base->plugins_count)
        return false;
    for (int i = 0; i < base->plugins_count; i++)
        if (model->plugins[i]->broken || strcmp(model->plugins[i]->id, base->plugins[i]->id) != 0)
            return false;
    return true;
}

/* Fits as it is? A base with a product that does not is for nobody: who builds all of it at once
 * finds out what to do. */
static bool fits(const struct build *b)
{
    return b->base ? lies_on(b->model, b->base) : b->model->plugins_broken == 0;
}

static enum err build_whole(struct build *b, bool may_apply, bool *moved)
{
    bool has_moved = false;
    enum err e = build_choose(b);
    if (!e)
        e = build_model(b);
    if (!e && !fits(b))
        e = ERR_MALFORMED;
    if (!e)
        e = build_numbers(b, may_apply, &has_moved);
    *moved = *moved || has_moved;
    if (e)
        return e;
    build_schema(b);
    b->model->base = b->base;
    const struct model_warning *known = b->base ? b->base->warnings : b->model->warnings;
    for (const struct model_warning *w = b->model->warnings; w != known; w = w->next)
        log_warn("%s", w->text);
    return ERR_OK;
}

/* What the products alone make (base NULL), or the tenant's own on top of it, for which one use of
 * the base is taken over; *out NULL: it does not fit together. */
static enum err image_make(struct build *of, const struct share_keys *keys,
                           struct model_image *base, bool may_apply, bool *moved,
                           struct model_image **out)
{
    struct share_keys now = *keys;
    struct model *model = model_new();
    struct build b = {.tenant = of->tenant,
                      .home = of->home,
                      .arena = model->arena,
                      .scratch = of->scratch,
                      .model = model,
                      .is_base = !base,
                      .base = base ? share_model(base) : NULL};
    enum err e = build_whole(&b, may_apply, moved);
    if (!e && *moved) /* the numbers are part of the key */
        e = share_keys_of(of, &now);
    const struct share_key *key = base ? &now.whole : &now.base;
    *out = e ? NULL : share_find(key);
    if (!e && !*out) {
        *out = share_put(key, model, base);
        return ERR_OK;
    }
    model_free(model);
    share_release(base);
    return e == ERR_MALFORMED ? ERR_OK : e;
}

enum err overlay_image(struct build *of, const struct share_keys *keys, bool may_apply, bool *moved,
                       struct model_image **out)
{
    struct model_image *base = share_find(&keys->base);

    *out = NULL;
    enum err e = base ? ERR_OK : image_make(of, keys, NULL, may_apply, moved, &base);
    return e || !base ? e : image_make(of, keys, base, may_apply, moved, out);
}
