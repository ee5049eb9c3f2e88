/* model_screen - what lists, charts, trees, timelines, dashboards and actions count, draw and set:
 * is it there, and can it be?
 *
 * That the fields of a view exist is said by model_view. This asks what they are used for: a total
 * of a text, a tree by a reference to something else or a ranking of what is no person would be an
 * empty place on somebody's screen, and nothing would say why. Widgets of an entity that is not
 * there (another plugin's, which is off) are nobody's fault and not shown.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"
#include "record/field_kit.h"

/* The field at the end of the path; *out NULL: the path is empty. */
static enum err field_at(struct build *b, const struct entity *entity, struct slice path, int line,
                         const struct field **out)
{
    enum err e = build_path(b, entity, path, line);
    *out = NULL;
    while (!e && path.len && entity) {
        *out = entity_field(entity, slice_split(&path, '.'));
        entity = *out ? model_ref(b->model, *out) : NULL;
    }
    return e;
}

static bool is_number(const struct field *field)
{
    enum field_kind kind = field_result_type(field)->kind;
    return kind == KIND_INT || kind == KIND_DECIMAL || kind == KIND_MONEY;
}

static bool is_time(const struct field *field)
{
    enum field_kind kind = field_result_type(field)->kind;
    return kind == KIND_DATE || kind == KIND_DATETIME;
}

/* --- measures and groups --- */

/* "sum" of "amount" */
static enum err check_measured(struct build *b, const struct entity *entity, struct slice word,
                               struct slice path, int line)
{
    const struct field *field;
    bool is_extreme = slice_is(word, "min") || slice_is(word, "max");
    if (!is_extreme && !slice_is(word, "sum") && !slice_is(word, "avg"))
        return build_fail(b, line, "there is no measure \"" SLICE_FMT "\" of a field",
                          SLICE_ARG(word));
    enum err e = field_at(b, entity, path, line, &field);
    if (e)
        return e;
    if (!field || (!is_number(field) && !(is_extreme && is_time(field))))
        return build_fail(b, line, "\"" SLICE_FMT "\" of \"" SLICE_FMT "\" cannot be measured",
                          SLICE_ARG(word), SLICE_ARG(path));
    return ERR_OK;
}

/* "count", "sum.amount" */
static enum err check_measure_text(struct build *b, const struct entity *entity,
                                   const struct json *text)
{
    struct slice path = text->text, word = slice_split(&path, '.');
    if (slice_is(word, "count") && !path.len)
        return ERR_OK;
    return check_measured(b, entity, word, path, text->line);
}

static enum err check_measure(struct build *b, const struct entity *entity,
                              const struct json *measure)
{
    if (measure->type == JSON_STRING)
        return check_measure_text(b, entity, measure);
    json_each(side, json_get(measure, "ratio"))
    {
        enum err e = side->type == JSON_STRING ? check_measure_text(b, entity, side) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

static struct slice group_path(const struct json *group)
{
    if (group && group->type == JSON_STRING)
        return group->text;
    return group ? json_str(group, "f", SLICE("")) : SLICE("");
}

static enum err check_query(struct build *b, const struct entity *entity, const struct json *query)
{
    json_each(group, json_get(query, "group"))
    {
        enum err e = build_path(b, entity, group_path(group), group->line);
        if (e)
            return e;
    }
    json_each(measure, json_get(query, "measure"))
    {
        enum err e = check_measure(b, entity, measure);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err check_date(struct build *b, const struct entity *entity, const struct json *name)
{
    const struct field *field;
    if (!name || name->type != JSON_STRING)
        return ERR_OK;
    enum err e = field_at(b, entity, name->text, name->line, &field);
    if (!e && (!field || !is_time(field)))
        e = build_fail(b, name->line, "\"" SLICE_FMT "\" is no date", SLICE_ARG(name->text));
    return e;
}

/* --- views of an entity --- */

/* {"field":"amount","agg":"sum"} */
static enum err check_totals(struct build *b, const struct entity *entity,
                             const struct json *columns)
{
    static const char *const words[] = {"sum", "avg", "min", "max", "count"};
    json_each(column, columns)
    {
        const struct json *agg = json_get(column, "agg");
        struct slice word = json_str(column, "agg", SLICE(""));
        size_t known = 0;
        while (known < 5 && !slice_is(word, words[known]))
            known++;
        if (agg && known == 5)
            return build_fail(b, agg->line,
                              "\"agg\": \"" SLICE_FMT "\" is none of sum, avg, min, max, count",
                              SLICE_ARG(word));
        if (!agg || slice_is(word, "count"))
            continue;
        enum err e =
            check_measured(b, entity, word, json_str(column, "field", SLICE("")), agg->line);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* One value of a list of values: a category, a state. */
static bool is_choice(const struct field *field)
{
    return !field->is_multiple &&
           (field->type == &field_type_dict || field->type == &field_type_enum ||
            field->type == &field_type_state);
}

/* A record stands below one of its own kind, below one of another (a contact below a customer),
 * which may stand below its like, or below a value (an article below its category). */
static enum err check_tree(struct build *b, const struct entity *entity, const struct json *doc)
{
    const struct json *parent = json_get(doc, "parent");
    const struct field *field = NULL;
    if (!parent || parent->type != JSON_STRING)
        return build_fail(b, doc->line, "a tree names the reference to the \"parent\"");
    enum err e = field_at(b, entity, parent->text, parent->line, &field);
    if (e)
        return e;
    bool is_one = field && (is_choice(field) || (field_result_type(field)->kind == KIND_REF &&
                                                 model_ref(b->model, field)));
    if (is_one && slice_find(parent->text, SLICE(".")) < 0)
        return ERR_OK;
    return build_fail(b, parent->line,
                      "\"parent\": \"" SLICE_FMT
                      "\" is no reference of %s to one record, and no choice",
                      SLICE_ARG(parent->text), entity->name);
}

static enum err check_timeline(struct build *b, const struct entity *entity, const struct json *doc)
{
    const struct json *fields = json_get(doc, "fields");
    if (!fields || fields->type != JSON_ARRAY || fields->count < 1 || fields->count > 2)
        return build_fail(b, doc->line, "a timeline has \"fields\": a date, or begin and end");
    json_each(name, fields)
    {
        enum err e = check_date(b, entity, name);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* What an action sets: fields of the record that people may change. */
static enum err check_values(struct build *b, const struct entity *entity,
                             const struct json *values)
{
    json_each(value, values)
    {
        const struct field *field = entity_field(entity, value->key);
        if (!field)
            return build_path(b, entity, value->key, value->line);
        if (field->is_readonly || field->is_system)
            return build_fail(b, value->line, "\"" SLICE_FMT "\" is not for people to change",
                              SLICE_ARG(value->key));
    }
    return ERR_OK;
}

/* An operation by its name, a plugin's route, fields that are set, or a list that is opened. */
static enum err check_action(struct build *b, const struct entity *entity, const struct json *doc)
{
    const struct json *route = json_get(doc, "route"), *values = json_get(doc, "values");
    const struct json *opens = json_get(doc, "open");
    if (!!route + !!values + !!opens > 1)
        return build_fail(b, doc->line,
                          "an action does one thing: \"route\", \"values\" or "
                          "\"open\"");
    if (slice_is(json_str(doc, "place", SLICE("")), "toolbar") && !route && !opens)
        return build_fail(b, doc->line,
                          "the head of a list has no record: such an action says \"route\" or "
                          "\"open\"");
    return values ? check_values(b, entity, values) : ERR_OK;
}

static enum err check_chart(struct build *b, const struct entity *entity, const struct json *doc)
{
    const struct json *query = json_get(doc, "query");
    const struct json *group = json_get(query, "group");
    if (!group || group->count == 0)
        return build_fail(b, doc->line, "a chart has a \"query\" with what it groups by");
    return check_query(b, entity, query);
}

/* --- widgets --- */

/* {"config":"sales.month_goal"}: a number that a plugin is set to. Of one that is off there is no
 * goal. */
static enum err check_setting(struct build *b, const struct json *path)
{
    struct slice name = path->text, id = slice_split(&name, '.');
    const struct plugin *plugin = build_plugin(b, id);
    const struct json *setting = model_setting(b->model, path->text);
    if (!name.len)
        return build_fail(b, path->line, "\"config\" names plugin and setting: \"%s.goal\"",
                          b->plugin->id);
    if (!plugin || model_setting_is_number(setting))
        return ERR_OK;
    return setting ? build_fail(b, path->line, "the setting \"" SLICE_FMT "\" is no number",
                                SLICE_ARG(name))
                   : build_fail(b, path->line, "%s has no setting \"" SLICE_FMT "\"", plugin->id,
                                SLICE_ARG(name));
}

/* What is to be reached: a number, another measure, a setting, or what other records say. */
static enum err check_target(struct build *b, const struct entity *entity,
                             const struct json *target)
{
    const struct json *setting = json_get(target, "config");
    if (target->type == JSON_STRING)
        return check_measure_text(b, entity, target);
    if (setting && setting->type == JSON_STRING)
        return check_setting(b, setting);
    const struct entity *other = model_entity(b->model, json_str(target, "entity", SLICE("")));
    if (!other)
        return ERR_OK;
    const struct json *owner = json_get(target, "owner_field");
    const struct field *person = NULL;
    enum err e = check_query(b, other, json_get(target, "query"));
    if (!e)
        e = check_date(b, other, json_get(target, "date_field"));
    if (!e && owner && owner->type == JSON_STRING)
        e = field_at(b, other, owner->text, owner->line, &person);
    return e;
}

/* People are ranked: those of the first group. */
static enum err check_ranking(struct build *b, const struct entity *entity,
                              const struct json *widget)
{
    const struct json *group = json_at(json_get(json_get(widget, "query"), "group"), 0);
    const struct field *field = NULL;
    enum err e = group ? field_at(b, entity, group_path(group), group->line, &field) : ERR_OK;
    if (e)
        return e;
    const struct entity *who = field ? model_ref(b->model, field) : NULL;
    if (who && (strcmp(who->name, "user") == 0 || strcmp(who->name, "team") == 0))
        return ERR_OK;
    return build_fail(b, group ? group->line : widget->line,
                      "a leaderboard groups by people: a field of type user or team");
}

static enum err check_widget(struct build *b, const struct json *widget)
{
    const struct entity *entity = model_entity(b->model, json_str(widget, "entity", SLICE("")));
    const struct json *target = json_get(widget, "target");
    struct slice kind = json_str(widget, "kind", SLICE(""));
    if (!entity)
        return ERR_OK;
    enum err e = check_query(b, entity, json_get(widget, "query"));
    if (!e)
        e = check_date(b, entity, json_get(widget, "date_field"));
    if (!e && slice_is(kind, "leaderboard"))
        e = check_ranking(b, entity, widget);
    if (!e && slice_is(kind, "goal") && !target)
        e = build_fail(b, widget->line, "a goal has a \"target\"");
    return e || !target ? e : check_target(b, entity, target);
}

enum err build_screen(struct build *b, const struct entity *entity, const struct json *doc)
{
    struct slice kind = json_str(doc, "kind", SLICE(""));
    ASSERT(b && doc);

    if (entity && slice_is(kind, "list"))
        return check_totals(b, entity, json_get(doc, "columns"));
    if (entity && slice_is(kind, "tree"))
        return check_tree(b, entity, doc);
    if (entity && slice_is(kind, "timeline"))
        return check_timeline(b, entity, doc);
    if (entity && slice_is(kind, "chart"))
        return check_chart(b, entity, doc);
    if (entity && slice_is(kind, "action"))
        return check_action(b, entity, doc);
    const struct json *widgets = slice_is(kind, "dashboard") ? json_get(doc, "widgets") : NULL;
    if (widgets && widgets->count > DASHBOARD_WIDGETS_MAX)
        return build_fail(b, widgets->line, "a dashboard has at most %d widgets",
                          DASHBOARD_WIDGETS_MAX);
    json_each(widget, widgets)
    {
        enum err e = check_widget(b, widget);
        if (e && !build_goes_on(b, e))
            return e;
    }
    return ERR_OK;
}
