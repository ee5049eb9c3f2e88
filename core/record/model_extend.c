/* model_extend - an extension adds fields and indexes to another plugin's entity and may tighten
 * its fields: required, narrower bounds, hidden, read-only, other words, a default, more values. It
 * may never loosen or retype what somebody else declared.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"

/* Members a change of a field may have. */
static const char *const changes[] = {
    "name",   "required",    "required_when", "readonly",     "readonly_when",
    "hidden", "hidden_when", "min",           "max",          "length",
    "label",  "help",        "default",       "values",       "import_alias",
    "quick",  "inline",      "placeholder",   "visible_when", "length_min",
};

static enum err check_members(struct build *b, const struct field *field, const struct json *doc)
{
    json_each(member, doc)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(changes) / sizeof *changes; i++)
            known = known || slice_is(member->key, changes[i]);
        if (!known)
            return build_fail(b, member->line,
                              "\"" SLICE_FMT "\" of the field \"%s\" of %s cannot be changed by an "
                              "extension",
                              SLICE_ARG(member->key), field->name, field->plugin);
    }
    return ERR_OK;
}

static enum err loosens(struct build *b, const struct field *field, const char *what, int line)
{
    return build_fail(b, line, "an extension may only tighten: \"%s\" of the field \"%s\" of %s",
                      what, field->name, field->plugin);
}

static enum err tighten_flags(struct build *b, struct field *field, const struct json *doc)
{
    static const char *const names[] = {"required", "readonly", "hidden"};
    bool *const flags[] = {&field->is_required, &field->is_readonly, &field->is_hidden};

    for (size_t i = 0; i < 3; i++) {
        const struct json *flag = json_get(doc, names[i]);
        if (!flag)
            continue;
        if (!flag->boolean && *flags[i])
            return loosens(b, field, names[i], flag->line);
        *flags[i] = *flags[i] || flag->boolean;
    }
    return ERR_OK;
}

static enum err tighten_bounds(struct build *b, struct field *field, const struct json *doc)
{
    int64_t min = field->min, max = field->max;

    enum err e = build_bounds(b, field, doc);
    if (e)
        return e;
    if (field->min < min)
        return loosens(b, field, "min", doc->line);
    if (field->max > max)
        return loosens(b, field, "max", doc->line);
    int64_t length = json_int(doc, "length", field->length_max);
    if (length > field->length_max || length < 1)
        return loosens(b, field, "length", doc->line);
    int64_t least = json_int(doc, "length_min", field->length_min);
    if (least < field->length_min || least > length)
        return loosens(b, field, "length_min", doc->line);
    field->length_max = (int)length;
    field->length_min = (int)least;
    return ERR_OK;
}

/* An earlier condition and a new one hold together: both ask for it. */
static const struct json *either(struct arena *arena, const struct json *old,
                                 const struct json *more)
{
    if (!old || !more)
        return more ? more : old;
    struct json *both = json_new(arena, JSON_OBJECT), *list = json_new(arena, JSON_ARRAY);
    json_add(arena, list, NULL, json_copy(arena, old));
    json_add(arena, list, NULL, json_copy(arena, more));
    json_add(arena, both, "or", list);
    return both;
}

/* New values join at the end; known ones get another word or colour. */
static enum err add_values(struct build *b, struct field *field, const struct json *values)
{
    if (!values)
        return ERR_OK;
    if (!field->options)
        return build_fail(b, values->line, "the field \"%s\" has no values to add to", field->name);
    size_t room = (size_t)field->options_count + (size_t)values->count;
    if (room > ENUM_VALUES_MAX)
        return build_fail(b, values->line, "the field \"%s\" has more than %d values", field->name,
                          ENUM_VALUES_MAX);
    struct field_option *options = arena_array(b->arena, struct field_option, room);
    memcpy(options, field->options, (size_t)field->options_count * sizeof *options);
    json_each(item, values)
    {
        const char *value =
            item->type == JSON_STRING ? item->text.at : json_cstr(item, "value", "");
        int at = 0;
        while (at < field->options_count && strcmp(options[at].value, value) != 0)
            at++;
        bool is_new = at == field->options_count;
        options[at].value = value;
        if (is_new || json_get(item, "label")) {
            const char *key = json_cstr(
                item, "label",
                arena_printf(b->arena, "@%s.%s.%s", field->entity->name, field->name, value));
            options[at].label =
                *key == '@' ? arena_printf(b->arena, "@%s:%s", b->plugin->id, key + 1) : key;
        }
        options[at].tone = json_cstr(item, "tone", options[at].tone);
        options[at].is_active = is_new ? json_bool(item, "active", true) : options[at].is_active;
        field->options_count += is_new;
    }
    field->options = options;
    return ERR_OK;
}

/* Words of the extension live in its own plugin. */
static const char *own_key(struct build *b, const char *key)
{
    return *key == '@' && !strchr(key, ':')
               ? arena_printf(b->arena, "@%s:%s", b->plugin->id, key + 1)
               : key;
}

static enum err change_field(struct build *b, struct field *field, const struct json *doc)
{
    enum err e = check_members(b, field, doc);
    if (!e)
        e = tighten_flags(b, field, doc);
    if (!e)
        e = tighten_bounds(b, field, doc);
    if (!e)
        e = add_values(b, field, json_get(doc, "values"));
    if (e)
        return e;
    field->is_changed = true;
    field->required_when = either(b->arena, field->required_when, json_get(doc, "required_when"));
    field->readonly_when = either(b->arena, field->readonly_when, json_get(doc, "readonly_when"));
    field->hidden_when = either(b->arena, field->hidden_when, json_get(doc, "hidden_when"));
    if (json_get(doc, "visible_when"))
        field->visible_when = json_get(doc, "visible_when");
    if (json_get(doc, "label"))
        field->label = own_key(b, json_cstr(doc, "label", ""));
    if (json_get(doc, "help"))
        field->help = own_key(b, json_cstr(doc, "help", ""));
    if (json_get(doc, "default"))
        field->fallback = json_get(doc, "default");
    field->import_alias = json_cstr(doc, "import_alias", field->import_alias);
    field->is_quick = json_bool(doc, "quick", field->is_quick);
    field->is_inline = json_bool(doc, "inline", field->is_inline);
    return ERR_OK;
}

enum err build_extension(struct build *b, const struct json *doc)
{
    struct slice name = json_str(doc, "extend", SLICE(""));
    struct entity *entity = map_get(&b->model->entities, name);

    if (!entity && json_bool(doc, "optional", false))
        return ERR_OK; /* its plugin is not enabled */
    if (!entity)
        return build_fail(b, doc->line, "there is no entity \"" SLICE_FMT "\" to extend%s",
                          SLICE_ARG(name), build_suggest_entity(b->arena, b->model, name));
    entity = overlay_entity(b, entity);
    json_each(item, json_get(doc, "fields"))
    {
        struct field *known = map_get(&entity->by_name, json_str(item, "name", SLICE("")));
        bool is_change = known && !json_get(item, "no") && !json_get(item, "type");
        enum err e;
        if (is_change && known->is_system)
            e = build_fail(b, item->line, "the field \"%s\" belongs to the core", known->name);
        else
            e = is_change ? change_field(b, known, item) : build_field(b, entity, item);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return build_indexes(b, entity, json_get(doc, "indexes"));
}
