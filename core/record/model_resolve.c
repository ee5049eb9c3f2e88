/* model_resolve - what needs every entity to be known: references, roll-ups, lookups, titles,
 * dictionaries, and whether conditions name fields that exist.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"
#include "record/field_kit.h"

static enum err fail(struct build *b, const struct field *field, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static enum err fail(struct build *b, const struct field *field, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    const char *text = arena_vprintf(b->arena, fmt, list);
    va_end(list);
    return build_fail_at(b, field->plugin, field->source,
                         field->declared ? field->declared->line : 0, "%s.%s: %s",
                         field->entity->name, field->name, text);
}

/* --- references --- */

static enum err resolve_ref(struct build *b, struct field *field)
{
    if (!field->ref_entity)
        return ERR_OK;
    struct slice name = slice_str(field->ref_entity);
    struct entity *target = map_get(&b->model->entities, name);
    if (!target)
        return fail(b, field, "there is no entity \"%s\" to point to%s", field->ref_entity,
                    build_suggest_entity(b->arena, b->model, name));
    field->ref_at = target->at + 1;
    return ERR_OK;
}

static enum err resolve_options(struct build *b, struct field *field)
{
    if (!field->dictionary)
        return ERR_OK;
    const struct model_dictionary *dictionary =
        map_get(&b->model->dictionaries, slice_str(field->dictionary));
    if (!dictionary)
        return fail(b, field, "there is no dictionary \"%s\"", field->dictionary);
    field->options = dictionary->options;
    field->options_count = dictionary->options_count;
    return ERR_OK;
}

/* --- paths: "account.owner.name" --- */

static const struct field *path_end(struct build *b, const struct entity *entity, struct slice path,
                                    const char **why)
{
    const struct field *field = NULL;
    struct slice rest = path;

    for (int refs = 0; rest.len; refs++) {
        struct slice name = slice_split(&rest, '.');
        field = entity_field(entity, name);
        if (!field) {
            *why = arena_printf(b->arena, "%s has no field \"" SLICE_FMT "\"%s", entity->name,
                                SLICE_ARG(name), build_suggest_field(b->arena, entity, name));
            return NULL;
        }
        if (!rest.len)
            return field;
        if (!field->ref_entity || !field->type->is_ref || refs == PATH_REFS_MAX) {
            *why = arena_printf(b->arena, "the path \"" SLICE_FMT "\" cannot go on behind \"%s\"",
                                SLICE_ARG(path), field->name);
            return NULL;
        }
        entity = map_get(&b->model->entities, slice_str(field->ref_entity));
        if (!entity) {
            *why = arena_printf(b->arena, "there is no entity \"%s\"", field->ref_entity);
            return NULL;
        }
    }
    *why = "an empty path";
    return NULL;
}

static enum err resolve_rollup(struct build *b, struct field *field)
{
    if (field->type != &field_type_rollup)
        return ERR_OK;
    const struct field_rollup *rollup = field_rollup_of(field);
    struct entity *from = map_get(&b->model->entities, slice_str(rollup->from));
    if (!from)
        return fail(b, field, "there is no entity \"%s\" to roll up%s", rollup->from,
                    build_suggest_entity(b->arena, b->model, slice_str(rollup->from)));
    const struct field *by = entity_field(from, slice_str(rollup->by));
    if (!by || !by->type->is_ref || !by->ref_entity ||
        strcmp(by->ref_entity, field->entity->name) != 0)
        return fail(b, field, "\"%s\" of %s does not point to %s", rollup->by, from->name,
                    field->entity->name);
    const struct field *of = NULL;
    if (rollup->op != MEASURE_COUNT) {
        of = entity_field(from, slice_str(rollup->of));
        bool is_time = of && (of->type->kind == KIND_DATE || of->type->kind == KIND_DATETIME);
        bool is_number = of && (of->type->kind == KIND_INT || of->type->kind == KIND_DECIMAL ||
                                of->type->kind == KIND_MONEY);
        if (!is_number && !(is_time && rollup->op != MEASURE_SUM))
            return fail(b, field, "\"%s\" of %s cannot be rolled up that way", rollup->of,
                        from->name);
        if (of->type->is_derived)
            return fail(b, field, "\"%s\" of %s is itself derived", rollup->of, from->name);
    }
    field_rollup_resolve(field, b->arena, of);
    return ERR_OK;
}

static enum err resolve_lookup(struct build *b, struct field *field)
{
    if (field->type != &field_type_lookup)
        return ERR_OK;
    const char *why = "";
    const char *path = field_lookup_path(field);
    const struct field *end = path_end(b, field->entity, slice_str(path), &why);
    if (!end)
        return fail(b, field, "%s", why);
    if (!strchr(path, '.') || end->type->columns == 0)
        return fail(b, field, "the path \"%s\" must lead to a stored field of another record",
                    path);
    field_lookup_resolve(field, b->arena, end);
    return ERR_OK;
}

/* --- conditions: every path in a filter tree exists --- */

static bool is_joiner(struct slice key)
{
    return slice_is(key, "and") || slice_is(key, "or") || slice_is(key, "not");
}

static bool tree_fits(struct build *b, const struct entity *entity, const struct json *tree,
                      int depth, const char **why)
{
    if (!tree || depth > FILTER_DEPTH_MAX)
        return true;
    json_each(item, tree)
    {
        bool is_group = tree->type == JSON_ARRAY || is_joiner(item->key);
        if (is_group && !tree_fits(b, entity, item, depth + 1, why))
            return false;
        if (is_group || slice_is(item->key, "exists"))
            continue;
        if (!path_end(b, entity, item->key, why))
            return false;
    }
    return true;
}

static enum err check_conditions(struct build *b, const struct field *field)
{
    const struct json *trees[] = {field->required_when, field->readonly_when, field->visible_when,
                                  field->hidden_when};
    const char *why = "";

    for (size_t i = 0; i < sizeof(trees) / sizeof *trees; i++)
        if (!tree_fits(b, field->entity, trees[i], 0, &why))
            return fail(b, field, "%s", why);
    return ERR_OK;
}

/* What a computed field follows is saved with its record: a roll-up or lookup changes when others
 * are saved, and what was worked out from it would be stale without a word. */
static enum err check_deps(struct build *b, const struct field *field)
{
    const char *const *deps = NULL;
    field_computed_fn(field, &deps);
    for (; *deps; deps++) {
        const struct field *dep = entity_field(field->entity, slice_str(*deps));
        if (!dep)
            return fail(b, field, "%s has no field \"%s\"%s", field->entity->name, *deps,
                        build_suggest_field(b->arena, field->entity, slice_str(*deps)));
        bool is_rollup = strcmp(dep->type->name, "rollup") == 0;
        if (is_rollup || dep->type->columns == 0)
            return fail(b, field,
                        "it cannot depend on \"%s\": a %s changes when other records are saved",
                        *deps, is_rollup ? "rollup" : "lookup");
    }
    return ERR_OK;
}

/* The first path of a tree that asks what is not saved with the record itself, or NULL. */
static const char *foreign_path(struct build *b, const struct entity *entity,
                                const struct json *tree, int depth)
{
    if (!tree || depth > FILTER_DEPTH_MAX)
        return NULL;
    json_each(item, tree)
    {
        const char *path = NULL;
        const struct field *field = entity_field(entity, item->key);
        if (tree->type == JSON_ARRAY || is_joiner(item->key))
            path = foreign_path(b, entity, item, depth + 1);
        else if (!field || field->type->columns == 0 || strcmp(field->type->name, "rollup") == 0)
            path = arena_str(b->arena, item->key);
        if (path)
            return path;
    }
    return NULL;
}

/* Which children a roll-up counts is asked when they are saved: of what changes without that, its
 * figures would be wrong without a word. */
static enum err check_counted(struct build *b, const struct field *field, const struct entity *from)
{
    const struct json *where = field_rollup_of(field)->where;
    const char *why = "", *path;
    if (!tree_fits(b, from, where, 0, &why))
        return fail(b, field, "%s", why);
    path = foreign_path(b, from, where, 0);
    return path ? fail(b, field,
                       "its where cannot ask \"%s\": that changes when other records are saved",
                       path)
                : ERR_OK;
}

static enum err check_derived(struct build *b, const struct field *field)
{
    if (strcmp(field->type->name, "computed") == 0)
        return check_deps(b, field);
    if (strcmp(field->type->name, "rollup") != 0)
        return ERR_OK;
    const struct field_rollup *rollup = field_rollup_of(field);
    const struct entity *from = map_get(&b->model->entities, slice_str(rollup->from));
    return from ? check_counted(b, field, from) : ERR_OK; /* without: told before */
}

/* --- entities --- */

/* The reference to the record that this one is part of; rights may follow it so many times. */
static enum err resolve_parent(struct build *b, const struct entity *entity)
{
    const struct entity *above = entity;
    for (int depth = 0; above && above->parent; depth++) {
        const struct field *field = entity_field(above, slice_str(above->parent));
        if (!field || field->type->kind != KIND_REF || !field->ref_at)
            return build_fail_at(b, above->plugin, NULL, above->declared->line,
                                 "%s has no reference \"%s\" to its parent", above->name,
                                 above->parent);
        if (depth == RIGHTS_PARENTS_MAX)
            return build_fail_at(b, entity->plugin, NULL, entity->declared->line,
                                 "%s stands below more than %d parents", entity->name,
                                 RIGHTS_PARENTS_MAX);
        above = model_ref(b->model, field);
    }
    return ERR_OK;
}

static enum err resolve_title(struct build *b, struct entity *entity)
{
    struct field *title = map_get(&entity->by_name, slice_str(entity->title));

    if (!title)
        return build_fail_at(b, entity->plugin, NULL, entity->declared->line,
                             "%s has no field \"%s\" to be its title%s", entity->name,
                             entity->title,
                             build_suggest_field(b->arena, entity, slice_str(entity->title)));
    title->is_title = true;
    entity->title_field = title;
    for (int i = 0; i < entity->fields_count; i++) {
        struct field *field = entity->fields[i];
        entity->has_search = entity->has_search || field->is_search;
        bool by_reading = field->is_title || json_get(field->declared, "sort");
        if (by_reading && !field->is_system && field->type == &field_type_text)
            field->sort_column = ""; /* named with its column */
    }
    if (!entity->parent)
        return ERR_OK;
    return resolve_parent(b, entity);
}

static enum err resolve_timeline(struct build *b, const struct entity *entity)
{
    const char *name = json_cstr(entity->declared, "timeline", NULL);
    const struct field *field = name ? entity_field(entity, slice_str(name)) : NULL;

    if (name && (!field || (field->type->kind != KIND_DATETIME && field->type->kind != KIND_DATE)))
        return build_fail_at(b, entity->plugin, NULL, entity->declared->line,
                             "%s has no time \"%s\" for its place in timelines", entity->name,
                             name);
    return ERR_OK;
}

static int place_of(const struct field *field)
{
    int at = 0;

    while (field->entity->fields[at] != field)
        at++;
    return at;
}

/* They stand in the order of entities and fields. */
static void add_referrer(struct build *b, const struct field *field)
{
    struct entity *target = map_get(&b->model->entities, slice_str(field->ref_entity));
    const struct entity_referrer fresh = {field->entity->at, place_of(field)};
    int n = target->referrers_count++;

    if ((n & (n - 1)) == 0) /* twice as many at each power of two */
        target->referrers =
            arena_grow(b->arena, target->referrers, (size_t)n * sizeof *target->referrers,
                       ((size_t)n * 2 + (n == 0)) * sizeof *target->referrers);
    for (; n > 0; n--) {
        const struct entity_referrer *before = &target->referrers[n - 1];
        if (before->from < fresh.from ||
            (before->from == fresh.from && before->field < fresh.field))
            break;
        target->referrers[n] = *before;
    }
    target->referrers[n] = fresh;
}

typedef enum err (*field_pass)(struct build *b, struct field *field);

static enum err each_field(struct build *b, field_pass pass)
{
    for (int i = 0; i < b->model->entities_count; i++) {
        struct entity *entity = b->model->entity_list[i];
        for (int k = 0; k < entity->fields_count && !overlay_shares(b, entity); k++) {
            enum err e = pass(b, entity->fields[k]);
            if (e && !build_goes_on(b, e))
                return e;
        }
    }
    return ERR_OK;
}

static enum err resolve_rest(struct build *b, struct field *field)
{
    bool is_known = b->base && !overlay_adds(b, field);
    if (field->ref_at && field->type->is_ref && !field->is_system && !is_known)
        add_referrer(b, field);
    enum err e = check_conditions(b, field);
    return e ? e : check_derived(b, field);
}

enum err build_resolve(struct build *b)
{
    /* A lookup may lead to a roll-up, so roll-ups come first. */
    static const field_pass passes[] = {resolve_ref, resolve_options, resolve_rollup,
                                        resolve_lookup, resolve_rest};

    overlay_reach(b);
    for (size_t i = 0; i < sizeof(passes) / sizeof *passes; i++) {
        enum err e = each_field(b, passes[i]);
        if (e)
            return e;
    }
    for (int i = 0; i < b->model->entities_count; i++) {
        struct entity *entity = b->model->entity_list[i];
        if (overlay_shares(b, entity))
            continue;
        enum err e = resolve_title(b, entity);
        if (!e)
            e = resolve_timeline(b, entity);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}
