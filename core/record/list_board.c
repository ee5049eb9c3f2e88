/* list_board - records in columns by one field: how many, how much, and the first of each.
 *
 * One grouped statement counts and sums; each column is then a page of its own, whose mark leads on
 * by asking the board for that column alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/limits.h"
#include "record/list_group.h"
#include "record/list_plan.h"
#include "record/model.h"

struct column {
    struct value value; /* VALUE_NULL: nothing chosen */
    int64_t count;
    struct value sum; /* VALUE_NULL: nothing to sum */
};

struct board {
    struct ctx *ctx;
    const struct field *by, *sum; /* sum may be NULL */
    struct list_query query;      /* of one column, without its own condition */
    const struct json *filter;
    const struct json *only; /* the one column asked for, or NULL */
    struct column columns[BOARD_COLUMNS_MAX];
    int count;
};

/* --- what is asked --- */

static enum err bad(struct board *b, const char *member, const char *code)
{
    return err_field(&b->ctx->err, member, code, NULL);
}

static bool is_groupable(const struct field *field)
{
    enum field_kind kind = field_result_type(field)->kind;
    return field->type->columns == 1 &&
           (kind == KIND_REF || kind == KIND_BOOL || field->options_count > 0 || field->dictionary);
}

static enum err parse(struct board *b, const struct entity *entity, const struct json *body)
{
    struct json *rest = json_new(b->ctx->arena, JSON_OBJECT);
    struct slice by = json_str(body, "group_by", SLICE("")), sum = json_str(body, "sum", SLICE(""));
    if (!body || body->type != JSON_OBJECT)
        return ERR_MALFORMED;
    json_each(member, body)
    {
        if (slice_is(member->key, "group_by") || slice_is(member->key, "sum"))
            continue;
        if (slice_is(member->key, "column"))
            b->only = member;
        else
            json_add(b->ctx->arena, rest, arena_str(b->ctx->arena, member->key),
                     json_copy(b->ctx->arena, member));
    }
    enum err e = list_query_json(b->ctx, entity, rest, &b->query);
    if (e)
        return e;
    b->by = entity_field(entity, by);
    if (!b->by || !is_groupable(b->by))
        return bad(b, "group_by", b->by ? "not_groupable" : "unknown_field");
    if (sum.len > 0) {
        b->sum = entity_field(entity, sum);
        enum field_kind kind = b->sum ? field_result_type(b->sum)->kind : KIND_TEXT;
        if (kind != KIND_INT && kind != KIND_DECIMAL && kind != KIND_MONEY)
            return bad(b, "sum", b->sum ? "not_measurable" : "unknown_field");
    }
    if (b->query.group || b->query.measure || b->query.having)
        return bad(b, "group", "unknown_field");
    if (b->query.cursor.len > 0 && !b->only)
        return bad(b, "column", "required");
    b->query.limit = b->query.limit ? b->query.limit : BOARD_ITEMS;
    b->filter = b->query.filter;
    return ERR_OK;
}

/* --- counting --- */

static struct column *find_column(struct board *b, const struct value *value)
{
    for (int i = 0; i < b->count; i++) {
        if (value_equal(&b->columns[i].value, value))
            return &b->columns[i];
    }
    return NULL;
}

static struct column *add_column(struct board *b, const struct value *value)
{
    if (b->count == BOARD_COLUMNS_MAX)
        return NULL;
    struct column *column = &b->columns[b->count++];
    *column = (struct column){.value = value_copy(b->ctx->arena, value)};
    return column;
}

static bool count_row(void *arg, const struct store_row *row)
{
    struct board *b = arg;
    struct value value = store_row_value(row, 0);
    struct column *column = find_column(b, &value);
    if (!column)
        column = add_column(b, &value);
    if (!column)
        return false;
    column->count = store_row_int(row, 1);
    struct value sum = b->sum ? store_row_value(row, 2) : value_null();
    column->sum = value_copy(b->ctx->arena, &sum);
    return true;
}

/* The field's own order, whether or not anything stands there. */
static void add_options(struct board *b)
{
    for (int i = 0; i < b->by->options_count; i++) {
        const struct field_option *option = &b->by->options[i];
        struct value value = value_text(slice_str(option->value));
        if (option->is_active)
            add_column(b, &value);
    }
}

static enum err count_columns(struct board *b)
{
    struct list_plan plan;
    const struct field *field;
    const struct expr *only_when;
    int join;
    enum err e = list_plan_rows(&plan, b->ctx, &b->query, ROLE_READ);
    if (!e)
        e = list_plan_path(&plan, "group_by", slice_str(b->by->name), &field, &join, &only_when);
    if (e)
        return e;
    plan.where = expr_and(b->ctx->arena, plan.where, only_when);
    list_plan_column(&plan, (struct query_column){.column = {0, b->by->column}});
    list_plan_column(&plan, (struct query_column){.measure = MEASURE_COUNT});
    if (b->sum) {
        e = list_plan_path(&plan, "sum", slice_str(b->sum->name), &field, &join, &only_when);
        if (e)
            return e;
        list_plan_column(&plan, (struct query_column){.column = {0, list_plan_measured(b->sum)},
                                                      .only_when = only_when,
                                                      .measure = MEASURE_SUM});
    }
    struct query_order most = {{-1, "1"}, NULL, true};
    struct query q = {.table = plan.entity->table,
                      .select = plan.columns,
                      .select_count = plan.columns_count,
                      .where = plan.where,
                      .order = &most,
                      .order_count = 1,
                      .limit = BOARD_COLUMNS_MAX,
                      .group_count = 1,
                      .wide_sums = true};
    add_options(b);
    return store_read(b->ctx->tenant->store, &q, count_row, b);
}

/* --- columns --- */

static struct slice value_json(struct board *b, const struct value *value)
{
    struct buf text = BUF_INIT;
    if (value->type == VALUE_NULL)
        buf_put_str(&text, "null");
    else
        b->by->type->put(b->by, value, &text);
    struct slice copy = arena_slice(b->ctx->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

/* The column's page is a list like any other: its filter is the caller's and the column's value. */
static enum err put_page(struct board *b, const struct json *value, struct buf *out)
{
    struct arena *arena = b->ctx->arena;
    struct json *tree = json_new(arena, JSON_OBJECT), *all = json_new(arena, JSON_ARRAY);
    struct json *mine = json_new(arena, JSON_OBJECT);
    struct list_plan plan;
    json_add(arena, mine, b->by->name, json_copy(arena, value));
    json_add(arena, all, NULL, mine);
    if (b->filter)
        json_add(arena, all, NULL, json_copy(arena, b->filter));
    json_add(arena, tree, "and", all);
    b->query.filter = tree;
    enum err e = list_plan_rows(&plan, b->ctx, &b->query, ROLE_READ);
    if (!e)
        e = list_plan_fields(&plan, b->query.fields, b->query.expand, b->query.with_deleted);
    if (!e)
        e = list_plan_sort(&plan, b->query.sort);
    return e ? e : list_page(&plan, &b->query, out);
}

static enum err put_column(struct board *b, const struct column *column, struct buf *out)
{
    const struct json *value;
    struct slice text = value_json(b, &column->value);
    enum err e = json_parse(b->ctx->arena, text, &value, NULL);
    if (e)
        return ERR_INTERNAL;
    json_put_comma(out);
    buf_put_str(out, "{\"value\":");
    buf_put_slice(out, text);
    buf_put_str(out, ",\"count\":");
    buf_put_int(out, column->count);
    if (b->sum) {
        buf_put_str(out, ",\"sum\":");
        list_put_sum(b->ctx, b->sum, &column->sum, out);
    }
    buf_put_char(out, ',');
    if (column->count > 0)
        e = put_page(b, value, out);
    else
        buf_put_str(out, "\"items\":[],\"next\":null");
    buf_put_char(out, '}');
    return e;
}

static bool is_wanted(struct board *b, const struct column *column)
{
    const struct json *value;
    if (!b->only)
        return true;
    return json_parse(b->ctx->arena, value_json(b, &column->value), &value, NULL) == ERR_OK &&
           json_equal(value, b->only);
}

static enum err put_titles(struct board *b, struct buf *out)
{
    int64_t ids[BOARD_COLUMNS_MAX];
    int count = 0;
    if (b->by->type->kind != KIND_REF || !b->by->ref_at)
        return ERR_OK;
    for (int i = 0; i < b->count; i++) {
        if (b->columns[i].value.type == VALUE_INT)
            ids[count++] = b->columns[i].value.integer;
    }
    buf_put_str(out, ",\"titles\":{");
    enum err e = list_titles(b->ctx, model_ref(b->ctx->model, b->by), ids, count, out);
    buf_put_char(out, '}');
    return e;
}

enum err list_board(struct ctx *ctx, const struct entity *entity, const struct json *body,
                    struct buf *out)
{
    struct board *b = arena_make(ctx->arena, struct board);
    size_t from = out->len;
    b->ctx = ctx;
    enum err e = parse(b, entity, body);
    if (!e)
        e = count_columns(b);
    if (e)
        return e;
    buf_put_str(out, "{\"columns\":[");
    for (int i = 0; i < b->count && !e; i++) {
        if (is_wanted(b, &b->columns[i]))
            e = put_column(b, &b->columns[i], out);
    }
    buf_put_char(out, ']');
    if (!e)
        e = put_titles(b, out);
    buf_put_char(out, '}');
    if (e)
        buf_truncate(out, from);
    return e;
}
