/* model_report - the one index of an entity that its reports are answered from.
 *
 * It holds what the entity's reports group, filter and measure by, and what the usual row rules
 * ask (owner, team, department), so that a report reads a narrow copy of the table in order and
 * touches no row. One wide index serves them all, because groups are found by hashing: the order
 * inside does not matter. An entity with a state and money gets it without declaring a report.
 * What declared lists show of numbers is in it, too: a page in their order is found there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"
#include "record/field_kit.h"

struct columns {
    const char *names[REPORT_COLUMNS];
    int count;
    bool declared; /* somebody asks for it */
};

static void add(struct columns *columns, const char *name)
{
    for (int i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return;
    if (columns->count < REPORT_COLUMNS)
        columns->names[columns->count++] = name;
}

/* Whether a copy of it beside every row is cheap: long texts and lists are not. */
static bool is_short(const struct field *field)
{
    if (!field->column || field->type->columns == 0)
        return false;
    enum field_kind kind = field->type->kind;
    if (kind == KIND_TEXT)
        return field->options_count > 0 || field->length_max <= REPORT_TEXT_CHARS;
    return kind != KIND_LIST && kind != KIND_JSON;
}

/* Money is grouped by nobody and measured by its base amount. */
static void add_field(struct columns *columns, const struct entity *entity, struct slice path)
{
    struct slice name = slice_split(&path, '.');
    const struct field *field = entity_field(entity, name);
    if (!field || !is_short(field))
        return;
    columns->declared = true;
    if (field->type->kind == KIND_MONEY)
        add(columns, entity->columns[field->slot + 2]);
    else
        add(columns, field->column);
}

/* Whether there is money at all is asked of the amount as it was given. */
static void add_amount(struct columns *columns, const struct entity *entity, struct slice path)
{
    const struct field *field = entity_field(entity, slice_split(&path, '.'));
    if (field && field->column && field->type->kind == KIND_MONEY)
        add(columns, field->column);
}

static void add_filter(struct columns *columns, const struct entity *entity,
                       const struct json *tree, int depth)
{
    if (!tree || depth > FILTER_DEPTH_MAX)
        return;
    json_each(item, tree)
    {
        bool joins = tree->type == JSON_ARRAY || slice_is(item->key, "and") ||
                     slice_is(item->key, "or") || slice_is(item->key, "not");
        if (joins) {
            add_filter(columns, entity, item, depth + 1);
            continue;
        }
        add_field(columns, entity, item->key);
        add_amount(columns, entity, item->key);
    }
}

/* "sum.amount" */
static void add_measured(struct columns *columns, const struct entity *entity,
                         const struct json *measure)
{
    struct slice of = measure->type == JSON_STRING ? measure->text : SLICE("");
    slice_split(&of, '.');
    if (of.len)
        add_field(columns, entity, of);
}

static void add_report(struct columns *columns, const struct entity *entity,
                       const struct json *query)
{
    json_each(group, json_get(query, "group"))
    {
        add_field(columns, entity,
                  group->type == JSON_OBJECT ? json_str(group, "f", SLICE("")) : group->text);
    }
    json_each(measure, json_get(query, "measure"))
    {
        add_measured(columns, entity, measure);
        json_each(side, json_get(measure, "ratio")) add_measured(columns, entity, side);
        add_filter(columns, entity, json_get(measure, "share"), 0);
    }
    add_filter(columns, entity, json_get(query, "filter"), 0);
}

/* States first: what most reports begin with, and a seek when one is asked for. */
static void add_states(struct columns *columns, const struct entity *entity)
{
    bool has_money = false, has_state = false;
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        has_money = has_money || (field->type == &field_type_money && field->column);
        if (field->type != &field_type_state || !field->column)
            continue;
        has_state = true;
        add(columns, field->column);
    }
    columns->declared = has_money && has_state;
    add(columns, "created_at");
    for (int i = 0; i < entity->fields_count && has_state; i++) {
        const struct field *field = entity->fields[i];
        if (field->type == &field_type_money && field->column)
            add(columns, entity->columns[field->slot + 2]);
    }
}

/* What a declared list shows and may be sorted by: numbers, money, times. A page in such an order
 * is then found here (store/sqlite/cover.h), so none of them needs an index of its own. */
static void add_list(struct columns *columns, const struct entity *entity, const struct json *list)
{
    bool declared = columns->declared;
    json_each(column, list)
    {
        const struct field *field =
            column->type == JSON_STRING ? entity_field(entity, column->text) : NULL;
        enum field_kind kind = field ? field_result_type(field)->kind : KIND_TEXT;
        if (kind == KIND_INT || kind == KIND_DECIMAL || kind == KIND_MONEY || kind == KIND_DATE ||
            kind == KIND_DATETIME)
            add_field(columns, entity, column->text);
    }
    columns->declared = declared; /* a list alone is no reason for the index */
}

static void add_views(struct build *b, struct columns *columns, const struct entity *entity,
                      const char *kind)
{
    for (int i = 0; i < b->model->views_count; i++) {
        const struct model_view *view = b->model->view_list[i];
        if (strcmp(view->kind, kind) != 0 || !view->entity ||
            strcmp(view->entity, entity->name) != 0)
            continue;
        if (strcmp(kind, "report") == 0)
            add_report(columns, entity, json_get(view->body, "query"));
        else
            add_list(columns, entity, json_get(view->body, "columns"));
    }
}

const char *build_report_columns(struct build *b, const struct entity *entity)
{
    struct columns columns = {.count = 0};
    struct buf text = BUF_INIT;
    ASSERT(b && entity);

    add_states(&columns, entity);
    add_views(b, &columns, entity, "report");
    if (!columns.declared)
        return NULL;
    if (entity->has_owner) {
        add(&columns, "owner");
        add(&columns, "team");
        add(&columns, "department");
    }
    add_views(b, &columns, entity, "list");
    for (int i = 0; i < columns.count; i++)
        buf_printf(&text, "%s,", columns.names[i]);
    buf_put_str(&text, "deleted_at"); /* or SQLite would ask the row whether it lives */
    const char *all = arena_str(b->arena, buf_slice(&text));
    buf_release(&text);
    return all;
}
