/* model_entity - reads a plugin's entities folder: an entity, its fields and indexes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "record/field_kit.h"

#include <stdio.h>

/* --- fields --- */

static bool read_bound(const struct field *field, const struct json *in, int64_t *out)
{
    switch (field->type->kind) {
    case KIND_DECIMAL:
    case KIND_MONEY: {
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%lld", (long long)in->integer);
        struct slice s = in->type == JSON_INT ? slice_of(digits, (size_t)n) : in->text;
        return decimal_parse(s, field->type->kind == KIND_MONEY ? 2 : field->scale, out);
    }
    case KIND_DATE:
        return date_parse(in->text, out);
    case KIND_DATETIME:
        return time_parse(in->text, out);
    case KIND_INT:
        *out = in->integer;
        return in->type == JSON_INT;
    default:
        return false;
    }
}

enum err build_bounds(struct build *b, struct field *field, const struct json *doc)
{
    const struct json *min = json_get(doc, "min"), *max = json_get(doc, "max");

    if ((min && !read_bound(field, min, &field->min)) ||
        (max && !read_bound(field, max, &field->max)))
        return build_fail(b, doc->line, "min or max of the field \"%s\" does not fit its type",
                          field->name);
    if (field->min > field->max)
        return build_fail(b, doc->line, "min of the field \"%s\" is above its max", field->name);
    return ERR_OK;
}

/* Who may use which names: a tenant's fields start with x_, another plugin's with its own name. */
static enum err check_prefix(struct build *b, const struct entity *entity, const char *name,
                             int line)
{
    struct slice s = slice_str(name);
    bool is_own = strcmp(entity->plugin, b->plugin->id) == 0;

    if (b->plugin->layer == PLUGIN_TENANT) {
        if (is_own || slice_starts(s, SLICE("x_")))
            return ERR_OK;
        return build_fail(b, line, "a tenant's field must start with \"x_\": \"x_%s\"", name);
    }
    if (slice_starts(s, SLICE("x_")))
        return build_fail(b, line, "the prefix of \"%s\" belongs to tenants", name);
    const char *prefix = arena_printf(b->arena, "%s_", b->plugin->id);
    if (is_own || slice_starts(s, slice_str(prefix)))
        return ERR_OK;
    return build_fail(b, line, "a field added to another plugin's entity must start with \"%s\"",
                      prefix);
}

/* The same for entities: what a product brings later must not meet what a tenant has. */
static enum err check_entity_prefix(struct build *b, const char *name, int line)
{
    bool is_tenants = slice_starts(slice_str(name), SLICE("x_"));

    if (b->plugin->layer == PLUGIN_TENANT && !is_tenants)
        return build_fail(b, line, "a tenant's entity must start with \"x_\": \"x_%s\"", name);
    if (b->plugin->layer != PLUGIN_TENANT && is_tenants)
        return build_fail(b, line, "the prefix of \"%s\" belongs to tenants", name);
    return ERR_OK;
}

static enum err check_name(struct build *b, const struct entity *entity, const struct json *doc)
{
    const char *name = json_cstr(doc, "name", "");
    const struct field *same = map_get(&entity->by_name, slice_str(name));

    if (same)
        return build_fail(b, doc->line, "%s has a field \"%s\" already", entity->name, name);
    if (entity->fields_count == FIELDS_PER_ENTITY_MAX)
        return build_fail(b, doc->line, "%s has more than %d fields", entity->name,
                          FIELDS_PER_ENTITY_MAX);
    int64_t no = json_int(doc, "no", 0);
    if (no <= 0 || no > INT32_MAX) {
        if (!json_get(doc, "type"))
            return build_fail(
                b, doc->line, "%s has no field \"%s\"%s; a new one needs \"no\" and \"type\"",
                entity->name, name, build_suggest_field(b->arena, entity, slice_str(name)));
        return build_fail(b, doc->line, "the field \"%s\" needs its number, \"no\"", name);
    }
    int custom = 0; /* of all the tenant's bundles */
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *f = entity->fields[i];
        custom += slice_starts(slice_str(f->name), SLICE("x_"));
        if (f->is_system || strcmp(f->plugin, b->plugin->id) != 0)
            continue;
        if (f->no == (int)no)
            return build_fail(b, doc->line, "the fields \"%s\" and \"%s\" have the same number %d",
                              f->name, name, (int)no);
    }
    if (b->plugin->layer == PLUGIN_TENANT && custom >= CUSTOM_FIELDS_MAX)
        return build_fail(b, doc->line, "%s has more than %d fields of the tenant", entity->name,
                          CUSTOM_FIELDS_MAX);
    return check_prefix(b, entity, name, doc->line);
}

static void read_flags(struct field *field, const struct json *doc)
{
    field->is_required = json_bool(doc, "required", false);
    field->is_readonly = json_bool(doc, "readonly", false);
    field->is_unique = json_bool(doc, "unique", false);
    field->is_search = json_bool(doc, "search", false);
    field->is_person = json_bool(doc, "person", false);
    field->is_hidden = json_bool(doc, "hidden", false);
    field->is_quick = json_bool(doc, "quick", false);
    field->is_inline = json_bool(doc, "inline", false);
    field->is_audited = json_bool(doc, "audit", field->entity->is_audited);
    field->required_when = json_get(doc, "required_when");
    field->readonly_when = json_get(doc, "readonly_when");
    field->visible_when = json_get(doc, "visible_when");
    field->hidden_when = json_get(doc, "hidden_when");
    field->fallback = json_get(doc, "default");
    field->import_alias = json_cstr(doc, "import_alias", NULL);
}

static void read_common(struct build *b, struct field *field, const struct json *doc)
{
    field->name = json_cstr(doc, "name", "");
    field->no = (int)json_int(doc, "no", 0);
    field->plugin = b->plugin->id;
    field->source = b->file;
    field->declared = doc;
    field->label =
        json_cstr(doc, "label", arena_printf(b->arena, "@%s.%s", field->entity->name, field->name));
    field->help = json_cstr(doc, "help", NULL);
    field->min = INT64_MIN;
    field->max = INT64_MAX;
    field->sort_slot = -1;
    field->column = json_cstr(doc, "column", NULL);
    read_flags(field, doc);
}

static enum err read_length(struct build *b, struct field *field, const struct json *doc)
{
    bool is_long = field->type == &field_type_longtext || field->type == &field_type_richtext;
    int64_t most = is_long ? FIELD_LONG_CHARS : TEXT_BYTES_MAX;
    int64_t length = json_int(doc, "length", is_long ? FIELD_LONG_CHARS : FIELD_TEXT_CHARS);

    if (length < 1 || length > most)
        return build_fail(b, doc->line, "length of the field \"%s\" must be 1 to %lld", field->name,
                          (long long)most);
    int64_t least = json_int(doc, "length_min", 0);
    if (least < 0 || least > length)
        return build_fail(b, doc->line, "length_min of the field \"%s\" must be 0 to its length",
                          field->name);
    field->length_max = (int)length;
    field->length_min = (int)least;
    return ERR_OK;
}

static enum err read_type(struct build *b, struct field *field, const struct json *doc)
{
    struct slice name = json_str(doc, "type", SLICE(""));

    field->type = field_type_find(name);
    if (!field->type)
        return build_fail(b, doc->line, "there is no field type \"" SLICE_FMT "\"",
                          SLICE_ARG(name));
    const struct field_type *type = field->type;
    const char *why = "";
    if (type->declare && type->declare(field, doc, b->arena, &why))
        return build_fail(b, doc->line, "%s", why);
    if (json_bool(doc, "multiple", false)) {
        if (!field->type->many)
            return build_fail(b, doc->line, "a field of type %s cannot be \"multiple\"",
                              type->name);
        field->type = field->type->many;
        field->is_multiple = true;
    }
    if (field->is_search && !field->type->is_searchable)
        return build_fail(b, doc->line, "a field of type %s cannot be searched", type->name);
    if (field->is_unique && (field->type->kind == KIND_LIST || field->type->kind == KIND_JSON ||
                             (field->type->columns != 1 && !field->type->is_sealed)))
        return build_fail(b, doc->line, "a field of type %s cannot be unique", type->name);
    return ERR_OK;
}

static void add_field(struct arena *arena, struct entity *entity, struct field *field)
{
    int n = entity->fields_count++;

    if (n == entity->fields_room) {
        entity->fields_room = n + n / 2;
        entity->fields = arena_grow(arena, entity->fields, (size_t)n * sizeof(void *),
                                    (size_t)entity->fields_room * sizeof(void *));
    }
    entity->fields[n] = field;
    map_put(&entity->by_name, slice_str(field->name), field);
}

enum err build_field(struct build *b, struct entity *entity, const struct json *doc)
{
    const char *needs = json_cstr(doc, "if_plugin", NULL);

    if (needs && !build_has_plugin(b, slice_str(needs)))
        return ERR_OK; /* its target is not there */
    if (json_bool(doc, "retired", false))
        return ERR_OK; /* its number and its data stay, it does not */
    enum err e = check_name(b, entity, doc);
    if (e)
        return e;

    struct field *field = arena_make(b->arena, struct field);
    field->entity = entity;
    read_common(b, field, doc);
    field->needs = needs;
    if (field->column && !entity->is_system)
        return build_fail(b, doc->line, "only core entities name their columns");
    e = read_type(b, field, doc);
    if (!e)
        e = read_length(b, field, doc);
    if (!e)
        e = build_bounds(b, field, doc);
    if (e)
        return e;
    if (field->type->is_derived)
        field->is_readonly = true;
    add_field(b->arena, entity, field);
    return ERR_OK;
}

/* --- indexes --- */

static enum err read_index(struct build *b, struct entity *entity, const struct json *doc)
{
    const struct json *fields = json_get(doc, "fields");
    struct entity_index *index = &entity->indexes[entity->indexes_count];

    index->name = json_cstr(doc, "name", "");
    index->unique = json_bool(doc, "unique", false);
    index->fields = arena_array(b->arena, const char *, (size_t)fields->count + 1);
    for (int i = 0; i < entity->indexes_count; i++)
        if (strcmp(entity->indexes[i].name, index->name) == 0)
            return build_fail(b, doc->line, "%s has an index \"%s\" already", entity->name,
                              index->name);
    json_each(item, fields)
    {
        struct slice name = item->text;
        if (name.len && *name.at == '-')
            name = slice_of(name.at + 1, name.len - 1);
        const struct field *field = entity_field(entity, name);
        if (!field || !field->type->columns)
            return build_fail(b, item->line, "%s has no field \"" SLICE_FMT "\" to index%s",
                              entity->name, SLICE_ARG(name),
                              build_suggest_field(b->arena, entity, name));
        index->fields[index->fields_count++] = item->text.at;
    }
    entity->indexes_count++;
    return ERR_OK;
}

enum err build_indexes(struct build *b, struct entity *entity, const struct json *list)
{
    json_each(doc, list)
    {
        if (entity->indexes_count == INDEXES_PER_ENTITY_MAX)
            return build_fail(b, doc->line, "%s has more than %d indexes", entity->name,
                              INDEXES_PER_ENTITY_MAX);
        enum err e = read_index(b, entity, doc);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}

/* --- the entity --- */

static struct entity *new_entity(struct build *b, const char *name, const struct json *doc)
{
    struct entity *entity = arena_make(b->arena, struct entity);

    entity->name = name;
    entity->plugin = b->plugin->id;
    entity->declared = doc;
    entity->label = json_cstr(doc, "label", arena_printf(b->arena, "@%s", name));
    entity->label_plural =
        json_cstr(doc, "label_plural", arena_printf(b->arena, "@%s.plural", name));
    entity->icon = json_cstr(doc, "icon", NULL);
    entity->title = json_cstr(doc, "title", "name");
    entity->table = json_cstr(doc, "table", NULL);
    entity->is_system = entity->table != NULL;
    entity->has_owner = json_bool(doc, "owner", false);
    entity->is_audited = json_bool(doc, "audit", true);
    entity->is_append_only = json_bool(doc, "append_only", false);
    entity->is_private = json_bool(doc, "private", false);
    entity->parent = json_cstr(doc, "parent", NULL);
    entity->fields_room = SLOT_FIELDS + json_get(doc, "fields")->count + 1;
    entity->fields = arena_array(b->arena, struct field *, (size_t)entity->fields_room);
    entity->indexes = arena_array(b->arena, struct entity_index, INDEXES_PER_ENTITY_MAX);
    map_init(&entity->by_name, b->arena);
    map_reserve(&entity->by_name, (size_t)entity->fields_room);
    entity_add_system_fields(b->arena, entity);
    return entity;
}

enum err build_entity(struct build *b, const struct json *doc)
{
    struct model *model = b->model;

    if (json_get(doc, "extend"))
        return build_extension(b, doc);
    const char *name = json_cstr(doc, "name", "");
    if (json_bool(doc, "retired", false))
        return ERR_OK;
    if (!*name || !json_get(doc, "fields"))
        return build_fail(b, doc->line,
                          "an entity needs \"name\" and \"fields\", an extension "
                          "\"extend\"");
    const struct entity *same = map_get(&model->entities, slice_str(name));
    if (same)
        return build_fail(b, doc->line, "the entity \"%s\" is declared by %s already", name,
                          same->plugin);
    if (model->entities_count == ENTITIES_MAX)
        return build_fail(b, doc->line, "there are more than %d entities", ENTITIES_MAX);
    if (json_get(doc, "table") && strcmp(b->plugin->id, "core") != 0)
        return build_fail(b, doc->line, "only core entities name their table");
    if (json_get(doc, "private") && strcmp(b->plugin->id, "core") != 0)
        return build_fail(b, doc->line, "only core entities are private");

    enum err e = check_entity_prefix(b, name, doc->line);
    if (e)
        return e;
    struct entity *entity = new_entity(b, name, doc);
    json_each(field, json_get(doc, "fields"))
    {
        e = build_field(b, entity, field);
        if (e && !build_goes_on(b, e))
            return e;
    }
    e = build_indexes(b, entity, json_get(doc, "indexes"));
    if (e)
        return e;
    entity->at = model->entities_count;
    model->entity_list[model->entities_count++] = entity;
    map_put(&model->entities, slice_str(name), entity);
    return ERR_OK;
}
