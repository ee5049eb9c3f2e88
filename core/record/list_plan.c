/* list_plan - a list query made ready for the store, and rows written as JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/list_plan.h"

#include "base/hash.h"
#include "base/limits.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/model.h"
#include "record/search.h"

/* --- rows --- */

static enum err add_tree(struct list_plan *plan, const struct json *tree)
{
    struct filter_scope scope = {.entity = plan->entity};
    const struct expr *wanted;
    enum err e = filter_compile(plan->ctx, &scope, tree, &wanted);
    if (!e)
        plan->where = expr_and(plan->ctx->arena, plan->where, wanted);
    return e;
}

enum err list_plan_rows(struct list_plan *plan, struct ctx *ctx, const struct list_query *query,
                        enum role_action action)
{
    struct arena *arena = ctx->arena;
    ASSERT(query->entity);
    *plan = (struct list_plan){.ctx = ctx, .entity = query->entity};
    enum err e = rights_make(ctx, plan->entity, ROLE_READ, &plan->rights);
    if (!e)
        e = rights_make_rows(plan->rights, query->with_deleted, &plan->where);
    if (!e && action != ROLE_READ) {
        const struct expr *more;
        e = rights_rows(ctx, plan->entity, action, true, &more);
        if (!e)
            plan->where = expr_and(arena, plan->where, more);
    }
    if (e)
        return e;
    if (query->with_deleted)
        plan->where = expr_and(
            arena, plan->where,
            expr_cmp(arena, EXPR_NOT_NULL, plan->entity->columns[SLOT_DELETED_AT], value_null()));
    e = add_tree(plan, query->filter);
    if (!e && query->short_filter)
        e = add_tree(plan, query->short_filter);
    if (!e && query->q.len > 0) {
        const struct expr *found;
        e = search_expr(ctx, plan->entity, query->q, query->found_in, &found);
        if (!e)
            plan->where = expr_and(arena, plan->where, found);
    }
    return e;
}

/* --- columns --- */

struct query list_plan_query(const struct list_plan *plan)
{
    return (struct query){
        .table = plan->entity->table,
        .select = plan->columns,
        .select_count = plan->columns_count,
        .joins = plan->joins.items,
        .joins_count = plan->joins.count,
        .where = plan->where,
        .order = plan->orders,
        .order_count = plan->orders_count,
    };
}

int list_plan_column(struct list_plan *plan, struct query_column column)
{
    if (plan->columns_count == plan->columns_cap) {
        size_t used = (size_t)plan->columns_count * sizeof column;
        plan->columns_cap = plan->columns_cap ? plan->columns_cap * 2 : 64;
        plan->columns = arena_grow(plan->ctx->arena, plan->columns, used,
                                   (size_t)plan->columns_cap * sizeof column);
    }
    plan->columns[plan->columns_count] = column;
    return plan->columns_count++;
}

int list_plan_columns(struct list_plan *plan, const struct field *field, int join,
                      const struct expr *only_when)
{
    int first = plan->columns_count;
    for (int i = 0; i < field_shown_columns(field); i++) {
        const char *name = i == 0 ? field->column : field->entity->columns[field->slot + i];
        list_plan_column(
            plan, (struct query_column){{join, name}, only_when, MEASURE_NONE, BUCKET_NONE, NULL});
    }
    return first;
}

const char *list_plan_measured(const struct field *field)
{
    if (field->type->kind == KIND_MONEY)
        return field->entity->columns[field->slot + 2];
    return field->column;
}

enum err list_plan_path(struct list_plan *plan, const char *what, struct slice path,
                        const struct field **field, int *join, const struct expr **only_when)
{
    struct filter_scope scope = {.entity = plan->entity, .joins = &plan->joins, .name = what};
    return filter_path(plan->ctx, &scope, path, field, join, only_when);
}

/* Names of fields and paths need no escapes. */
static struct slice output_key(struct ctx *ctx, struct slice name)
{
    char *key = arena_alloc(ctx->arena, name.len + 3);
    key[0] = '"';
    memcpy(key + 1, name.at, name.len);
    memcpy(key + 1 + name.len, "\":", 2);
    return slice_of(key, name.len + 3);
}

static struct list_output *add_output(struct list_plan *plan, struct slice name,
                                      const struct field *field)
{
    struct list_output *output = &plan->outputs[plan->outputs_count++];
    *output = (struct list_output){.key = output_key(plan->ctx, name), .field = field};
    return output;
}

/* Shown only in the recycle bin. */
static bool is_trash(const struct field *field)
{
    return field->slot == SLOT_DELETED_AT || field->slot == SLOT_DELETE_BATCH;
}

static enum err select_path(struct list_plan *plan, struct slice path)
{
    const struct field *field;
    const struct expr *only_when;
    int join;
    enum err e = list_plan_path(plan, "fields", path, &field, &join, &only_when);
    if (e)
        return e;
    struct list_output *output = add_output(plan, path, field);
    output->first = list_plan_columns(plan, field, join, only_when);
    return ERR_OK;
}

/* A lookup that goes where the actor may not is left out, not refused. */
static enum err select_all(struct list_plan *plan, bool with_deleted)
{
    for (int i = 0; i < plan->entity->fields_count; i++) {
        const struct field *field = plan->entity->fields[i];
        struct rights_field right;
        if (field->is_system && field->is_hidden && !(with_deleted && is_trash(field)))
            continue; /* owner and team where records have none */
        enum err e = rights_make_field(plan->rights, field, &right);
        if (e)
            return e;
        if (right.access == ROLE_NONE)
            continue;
        if (field->type->columns > 0) {
            struct list_output *output = add_output(plan, slice_str(field->name), field);
            output->first = list_plan_columns(plan, field, 0, right.only_when);
            continue;
        }
        struct err_info before = plan->ctx->err;
        e = field->type->put ? select_path(plan, slice_str(field->name)) : ERR_OK;
        if (e == ERR_FORBIDDEN) {
            plan->ctx->err = before;
            if (before.last)
                before.last->next = NULL;
        } else if (e) {
            return e;
        }
    }
    return ERR_OK;
}

static bool lists_name(struct slice list, const char *name)
{
    while (list.len > 0) {
        if (slice_is(slice_trim(slice_split(&list, ',')), name))
            return true;
    }
    return false;
}

/* Named ones; id and version always come first. */
static enum err select_named(struct list_plan *plan, struct slice fields)
{
    int count = 0;
    enum err e = select_path(plan, SLICE("id"));
    if (!e)
        e = select_path(plan, SLICE("version"));
    while (!e && fields.len > 0) {
        struct slice name = slice_trim(slice_split(&fields, ','));
        if (slice_is(name, "id") || slice_is(name, "version"))
            continue;
        if (++count > FIELDS_PER_ENTITY_MAX)
            return err_field(&plan->ctx->err, "fields", "too_many_values", NULL);
        e = select_path(plan, name);
    }
    return e;
}

/* --- expanded references --- */

static enum err expand_target(struct list_plan *plan, struct rights *rights,
                              const struct entity *target, int join, struct list_expand *expand)
{
    bool has_title = entity_field(target, SLICE("title")) != NULL;
    expand->outputs =
        arena_array(plan->ctx->arena, struct list_output, (size_t)target->fields_count);
    for (int i = 0; i < target->fields_count; i++) {
        const struct field *field = target->fields[i];
        struct rights_field right;
        if ((field->is_system && field->slot != SLOT_ID) || field->type->columns == 0)
            continue;
        enum err e = rights_make_field(rights, field, &right);
        if (e)
            return e;
        if (right.access == ROLE_NONE)
            continue;
        struct list_output *output = &expand->outputs[expand->outputs_count++];
        *output = (struct list_output){.key = output_key(plan->ctx, slice_str(field->name)),
                                       .field = field};
        output->first = list_plan_columns(plan, field, join,
                                          expr_rebase(plan->ctx->arena, right.only_when, join));
        if (field->slot == SLOT_ID)
            expand->id = output->first;
        if (field == target->title_field && !has_title) {
            expand->title = field;
            expand->title_first = output->first;
        }
    }
    return ERR_OK;
}

static enum err expand_one(struct list_plan *plan, struct slice name)
{
    const struct entity *entity = plan->entity;
    const struct field *field = entity_field(entity, name);
    const struct field *id;
    const struct expr *only_when;
    struct rights *rights;
    int join;
    const char *path = arena_str(plan->ctx->arena, name);
    if (!field || field->type->kind != KIND_REF || !field->ref_at)
        return err_field(&plan->ctx->err, arena_printf(plan->ctx->arena, "expand.%s", path),
                         field ? "not_a_reference" : "unknown_field", NULL);
    struct list_output *output = NULL;
    for (int i = 0; i < plan->outputs_count; i++) {
        if (plan->outputs[i].field == field)
            output = &plan->outputs[i];
    }
    if (!output) { /* not among `fields`, or hidden */
        enum err e = select_path(plan, name);
        if (e)
            return e;
        output = &plan->outputs[plan->outputs_count - 1];
    }
    output->expand = arena_make(plan->ctx->arena, struct list_expand);
    output->expand->id = -1;
    const struct entity *target = model_ref(plan->ctx->model, field);
    enum err e = rights_make(plan->ctx, target, ROLE_READ, &rights);
    if (e == ERR_FORBIDDEN)
        return ERR_OK;
    if (!e)
        e = list_plan_path(plan, "expand", slice_str(arena_printf(plan->ctx->arena, "%s.id", path)),
                           &id, &join, &only_when);
    return e ? e : expand_target(plan, rights, target, join, output->expand);
}

enum err list_plan_fields(struct list_plan *plan, struct slice fields, struct slice expand,
                          bool with_deleted)
{
    size_t names = (size_t)plan->entity->fields_count + FIELDS_PER_ENTITY_MAX + 2 + EXPANDS_MAX;
    if (fields.len == 0)
        names = (size_t)plan->entity->fields_count + EXPANDS_MAX;
    plan->outputs = arena_array(plan->ctx->arena, struct list_output, names);
    enum err e = fields.len > 0 ? select_named(plan, fields) : select_all(plan, with_deleted);
    struct slice rest = expand, done = expand;
    for (int i = 0; !e && rest.len > 0; i++) {
        struct slice name = slice_trim(slice_split(&rest, ','));
        done.len = (size_t)(name.at - expand.at);
        char *text = arena_str(plan->ctx->arena, name);
        if (i >= EXPANDS_MAX)
            return err_field(&plan->ctx->err, "expand", "too_many_values", NULL);
        if (!lists_name(done, text))
            e = expand_one(plan, name);
    }
    if (!e)
        plan->row = arena_array(plan->ctx->arena, struct value, (size_t)plan->columns_count + 1);
    return e;
}

/* --- order --- */

/* Is the column held to one value, so that an index may go on behind it? */
static bool is_fixed(const struct expr *e, struct slice column)
{
    if (!e)
        return false;
    if (e->op == EXPR_EQ || e->op == EXPR_NULL)
        return e->column.join == 0 && slice_is(column, e->column.column);
    if (e->op != EXPR_AND)
        return false;
    for (const struct expr *child = e->first; child; child = child->next) {
        if (is_fixed(child, column))
            return true;
    }
    return false;
}

/* The index's columns up to the sorted one are all held to one value. */
static bool serves(const struct list_plan *plan, const struct store_index *index,
                   const char *sorted)
{
    struct slice rest = slice_str(index->columns);
    while (rest.len > 0) {
        struct slice column = slice_trim(slice_split(&rest, ','));
        column = slice_split(&column, ' '); /* without "desc" */
        if (slice_is(column, sorted))
            return true;
        if (!is_fixed(plan->where, column))
            return false;
    }
    return false;
}

/* Whether a page in this order needs no sorting. */
static bool is_indexed(const struct list_plan *plan, const struct query_order *order)
{
    const struct model *model = plan->ctx->model;
    if (order->column.join != 0 || order->only_when)
        return false;
    if (strcmp(order->column.column, "id") == 0)
        return true;
    for (int i = 0; model && model->schema && i < model->schema->tables_count; i++) {
        const struct store_table *table = &model->schema->tables[i];
        if (strcmp(table->name, plan->entity->table) != 0)
            continue;
        for (int k = 0; k < table->indexes_count; k++) {
            if (serves(plan, &table->indexes[k], order->column.column))
                return true;
        }
    }
    return false;
}

static enum err refuse_large_sort(struct list_plan *plan, struct slice key)
{
    struct store *store = plan->ctx->tenant->store;
    int64_t cap = UNINDEXED_SORT_ROWS_MAX + 1, rows;
    enum err e = store_count(store, plan->entity->table, NULL, cap, &rows);
    if (!e && rows == cap)
        e = store_count(store, plan->entity->table, plan->where, cap, &rows);
    if (e || rows < cap)
        return e;
    return err_field(&plan->ctx->err, arena_printf(plan->ctx->arena, "sort.%.*s", SLICE_ARG(key)),
                     "unindexed_sort",
                     arena_printf(plan->ctx->arena, "{\"max\":%d}", UNINDEXED_SORT_ROWS_MAX));
}

static enum err add_order(struct list_plan *plan, struct slice key)
{
    bool descending = key.len > 0 && key.at[0] == '-';
    struct slice path = descending ? slice_of(key.at + 1, key.len - 1) : key;
    const struct field *field;
    const struct expr *only_when;
    int join;
    enum err e = list_plan_path(plan, "sort", path, &field, &join, &only_when);
    if (e)
        return e;
    enum field_kind kind = field_result_type(field)->kind;
    if (kind == KIND_LIST || kind == KIND_JSON || field_result_type(field)->is_sealed)
        return err_field(&plan->ctx->err,
                         arena_printf(plan->ctx->arena, "sort.%.*s", SLICE_ARG(path)),
                         "not_sortable", NULL);
    const char *column = field->sort_column ? field->sort_column : list_plan_measured(field);
    /* Where the own field is hidden the row is left out; behind a reference it sorts as empty. */
    if (join == 0) {
        plan->where = expr_and(plan->ctx->arena, plan->where, only_when);
        only_when = NULL;
    }
    plan->orders[plan->orders_count++] =
        (struct query_order){{join, column}, only_when, descending};
    return ERR_OK;
}

enum err list_plan_sort(struct list_plan *plan, struct slice sort)
{
    struct slice rest = sort, first = sort;
    plan->orders_count = 0;
    while (rest.len > 0) {
        struct slice key = slice_trim(slice_split(&rest, ','));
        if (plan->orders_count == SORT_KEYS_MAX)
            return err_field(&plan->ctx->err, "sort", "too_many_values",
                             arena_printf(plan->ctx->arena, "{\"max\":%d}", SORT_KEYS_MAX));
        enum err e = add_order(plan, key);
        if (e)
            return e;
        if (plan->orders_count == 1)
            first = key;
        const struct query_order *last = &plan->orders[plan->orders_count - 1];
        if (last->column.join == 0 && strcmp(last->column.column, "id") == 0)
            break; /* nothing is equal from here on */
    }
    int count = plan->orders_count;
    bool descending = count == 0 || plan->orders[count - 1].descending;
    bool ends = count > 0 && plan->orders[count - 1].column.join == 0 &&
                strcmp(plan->orders[count - 1].column.column, "id") == 0;
    if (!ends)
        plan->orders[plan->orders_count++] = (struct query_order){{0, "id"}, NULL, descending};
    if (count > 0 && !is_indexed(plan, &plan->orders[0]))
        return refuse_large_sort(plan, first);
    return ERR_OK;
}

uint64_t list_plan_shape(const struct list_plan *plan, const struct list_query *query)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s\n%d\n", plan->entity->name, query->with_deleted);
    for (int i = 0; i < plan->orders_count; i++) {
        const struct query_order *order = &plan->orders[i];
        buf_printf(&text, "%d.%s%s,", order->column.join, order->column.column,
                   order->descending ? "-" : "");
    }
    buf_put_char(&text, '\n');
    if (query->filter)
        json_put_canonical(&text, query->filter);
    buf_put_char(&text, '\n');
    if (query->short_filter)
        json_put_canonical(&text, query->short_filter);
    buf_put_char(&text, '\n');
    buf_put_slice(&text, query->q);
    uint64_t shape = hash_stable(buf_slice(&text));
    buf_release(&text);
    return shape;
}

/* --- a row as JSON --- */

static void put_values(const struct field *field, const struct value *values, struct buf *out)
{
    if (values[0].type == VALUE_NULL)
        buf_put(out, "null", 4);
    else
        field->type->put(field, values, out);
}

void list_plan_put_title(struct ctx *ctx, const struct field *field, const struct value *values,
                         struct buf *out)
{
    struct buf text = BUF_INIT;
    const struct field_option *option =
        values[0].type == VALUE_TEXT ? field_option_find(field, values[0].bytes) : NULL;
    if (option) {
        json_put_cstr(out, field_option_label(ctx, field, option));
        return;
    }
    if (values[0].type == VALUE_TEXT && !field->type->put_text) {
        json_put_string(out, values[0].bytes);
        return;
    }
    if (values[0].type != VALUE_NULL)
        (field->type->put_text ? field->type->put_text : field->type->put)(field, values, &text);
    json_put_string(out, buf_slice(&text));
    buf_release(&text);
}

static void put_expanded(struct ctx *ctx, const struct list_expand *expand, const struct value *row,
                         struct buf *out)
{
    if (expand->id < 0 || row[expand->id].type == VALUE_NULL) {
        buf_put(out, "null", 4);
        return;
    }
    buf_put_char(out, '{');
    for (int i = 0; i < expand->outputs_count; i++) {
        const struct list_output *output = &expand->outputs[i];
        if (i)
            buf_put_char(out, ',');
        buf_put_slice(out, output->key);
        put_values(output->field, &row[output->first], out);
    }
    if (expand->title) {
        buf_put_str(out, ",\"title\":");
        list_plan_put_title(ctx, expand->title, &row[expand->title_first], out);
    }
    buf_put_char(out, '}');
}

void list_plan_put(struct list_plan *plan, const struct store_row *row, struct buf *out)
{
    for (int i = 0; i < plan->columns_count; i++)
        plan->row[i] = store_row_value(row, i);
    buf_put_char(out, '{');
    for (int i = 0; i < plan->outputs_count; i++) {
        const struct list_output *output = &plan->outputs[i];
        if (i)
            buf_put_char(out, ',');
        buf_put_slice(out, output->key);
        if (output->expand)
            put_expanded(plan->ctx, output->expand, plan->row, out);
        else
            put_values(output->field, &plan->row[output->first], out);
    }
    buf_put_char(out, '}');
}
