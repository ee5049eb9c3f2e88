/* list_group - groups and measures of a list query.
 *
 * Sums, counts and extremes are the store's; averages and parts in percent are divided here.
 * Buckets of a datetime are those of the tenant's time zone. Money is measured in the tenant's
 * currency (base amounts).
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/list_group.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/id.h"
#include "record/filter_operand.h"
#include "record/list_bucket.h"
#include "record/model.h"

#define AVERAGE_SCALE 4     /* fraction digits of the average of whole numbers */
#define PART_SCALE    2     /* and of a part in percent */
#define PART_OF_WHOLE 10000 /* the whole, in units of that scale */

struct key {
    struct slice name;
    const struct field *field;
    enum query_bucket bucket;
    int64_t *ids; /* references seen: their titles follow */
    int ids_count;
};

struct measure {
    struct slice name;         /* "sum.amount" */
    const struct field *field; /* NULL for count */
    bool is_average, is_part;
    int column; /* of the row; an average's count and a part's whole stand behind it */
};

struct grouping {
    struct list_plan *plan;
    struct key keys[GROUPS_MAX];
    int keys_count;
    struct measure measures[MEASURES_MAX];
    int measures_count;
    struct buf *out;
    int limit, rows;
    bool has_more;
};

static enum err bad(struct list_plan *plan, const char *what, struct slice name, const char *code)
{
    struct arena *arena = plan->ctx->arena;
    const char *path = name.len ? arena_printf(arena, "%s.%.*s", what, SLICE_ARG(name)) : what;
    return err_field(&plan->ctx->err, path, code, NULL);
}

/* --- keys --- */

static enum err add_key(struct grouping *g, const struct json *in)
{
    struct list_plan *plan = g->plan;
    struct slice name = in->type == JSON_OBJECT ? json_str(in, "f", SLICE("")) : in->text;
    struct slice by = in->type == JSON_OBJECT ? json_str(in, "by", SLICE("")) : SLICE("");
    struct key *key = &g->keys[g->keys_count];
    const struct expr *only_when;
    int join;
    if ((in->type != JSON_STRING && in->type != JSON_OBJECT) || name.len == 0)
        return bad(plan, "group", SLICE(""), "bad_value");
    for (int i = 0; i < g->keys_count; i++) {
        if (slice_eq(g->keys[i].name, name))
            return bad(plan, "group", name, "given_twice");
    }
    *key = (struct key){.name = name, .bucket = list_bucket_parse(by)};
    enum err e = list_plan_path(plan, "group", name, &key->field, &join, &only_when);
    if (e)
        return e;
    enum field_kind kind = field_result_type(key->field)->kind;
    bool timed = kind == KIND_DATE || kind == KIND_DATETIME;
    if (kind == KIND_LIST || kind == KIND_JSON || kind == KIND_MONEY ||
        field_result_type(key->field)->is_sealed)
        return bad(plan, "group", name, "not_groupable");
    if ((by.len > 0) != (key->bucket != BUCKET_NONE) || (by.len > 0 && !timed))
        return bad(plan, "group", name, "bad_bucket");
    if (join == 0) {
        plan->where = expr_and(plan->ctx->arena, plan->where, only_when);
        only_when = NULL;
    }
    struct query_column column = {.column = {join, key->field->column}, .only_when = only_when};
    column.bucket = key->bucket;
    if (kind == KIND_DATETIME && key->bucket != BUCKET_NONE)
        column.zone = filter_operand_zone(plan->ctx);
    if (kind == KIND_REF)
        key->ids = arena_array(plan->ctx->arena, int64_t, GROUP_ROWS_MAX);
    list_plan_column(plan, column);
    g->keys_count++;
    return e;
}

/* --- measures --- */

static bool parse_measure(struct slice text, enum query_measure *op, bool *average,
                          struct slice *of)
{
    static const struct {
        const char *word;
        enum query_measure op;
        bool average;
    } words[] = {{"sum", MEASURE_SUM, false},
                 {"avg", MEASURE_SUM, true},
                 {"min", MEASURE_MIN, false},
                 {"max", MEASURE_MAX, false}};
    struct slice rest = text, word = slice_split(&rest, '.');
    *average = false;
    *op = MEASURE_COUNT;
    *of = rest;
    if (slice_is(word, "count"))
        return rest.len == 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!slice_is(word, words[i].word))
            continue;
        *op = words[i].op;
        *average = words[i].average;
        return rest.len > 0;
    }
    return false;
}

static bool is_measurable(const struct field *field, enum query_measure op)
{
    enum field_kind kind = field_result_type(field)->kind;
    if (kind == KIND_INT || kind == KIND_DECIMAL || kind == KIND_MONEY)
        return true;
    return op != MEASURE_SUM && (kind == KIND_DATE || kind == KIND_DATETIME);
}

/* What "sum.amount" asks for: the column of a measure that has its name. */
static enum err measured_column(struct grouping *g, struct slice text, struct measure *measure,
                                struct query_column *column)
{
    struct list_plan *plan = g->plan;
    struct slice of;
    int join;
    *column = (struct query_column){.measure = MEASURE_NONE};
    if (!parse_measure(text, &column->measure, &measure->is_average, &of))
        return bad(plan, "measure", text, "bad_value");
    measure->field = NULL;
    if (of.len == 0)
        return ERR_OK;
    enum err e = list_plan_path(plan, "measure", of, &measure->field, &join, &column->only_when);
    if (e)
        return e;
    if (!is_measurable(measure->field, column->measure))
        return bad(plan, "measure", text, "not_measurable");
    column->column = (struct column_ref){join, list_plan_measured(measure->field)};
    return ERR_OK;
}

/* "share": how many of the records a filter lets through. */
static enum err add_share(struct grouping *g, const struct json *tree, struct measure *measure)
{
    struct list_plan *plan = g->plan;
    struct filter_scope scope = {.entity = plan->entity, .name = "measure.share"};
    struct query_column part = {.column = {0, "id"}, .measure = MEASURE_COUNT};
    struct query_column whole = {.measure = MEASURE_COUNT};
    enum err e = filter_compile(plan->ctx, &scope, tree, &part.only_when);
    if (e)
        return e;
    measure->column = list_plan_column(plan, part);
    list_plan_column(plan, whole);
    return ERR_OK;
}

/* "ratio": one sum, in percent of another of the same unit. */
static enum err add_ratio(struct grouping *g, const struct json *pair, struct measure *measure)
{
    struct list_plan *plan = g->plan;
    struct measure sides[2] = {{.field = NULL}, {.field = NULL}};
    struct query_column columns[2];
    int count = 0;
    if (pair->type != JSON_ARRAY || pair->count != 2)
        return bad(plan, "measure", measure->name, "bad_value");
    json_each(side, pair)
    {
        if (side->type != JSON_STRING)
            return bad(plan, "measure", measure->name, "bad_value");
        enum err e = measured_column(g, side->text, &sides[count], &columns[count]);
        if (e)
            return e;
        if (sides[count].is_average || columns[count].measure != MEASURE_SUM)
            return bad(plan, "measure", side->text, "not_measurable");
        count++;
    }
    const struct field *part = sides[0].field, *whole = sides[1].field;
    if (field_result_type(part)->kind != field_result_type(whole)->kind ||
        part->scale != whole->scale)
        return bad(plan, "measure", measure->name, "not_measurable");
    measure->column = list_plan_column(plan, columns[0]);
    list_plan_column(plan, columns[1]);
    return ERR_OK;
}

static const struct measure *find_measure(const struct grouping *g, struct slice name)
{
    for (int i = 0; i < g->measures_count; i++) {
        if (slice_eq(g->measures[i].name, name))
            return &g->measures[i];
    }
    return NULL;
}

static bool is_taken(const struct grouping *g, struct slice name)
{
    for (int i = 0; i < g->keys_count; i++)
        if (slice_eq(g->keys[i].name, name))
            return true;
    return find_measure(g, name) != NULL;
}

/* {"as":"win_rate","share":FILTER}, or "ratio":["sum.paid","sum.total"] in its place; "label" is
 * for whoever shows it. */
static enum err add_part(struct grouping *g, const struct json *in, struct measure *measure)
{
    const struct json *share = json_get(in, "share"), *ratio = json_get(in, "ratio");
    struct slice name = json_str(in, "as", SLICE(""));
    int members = 2 + (json_get(in, "label") != NULL);
    if (in->count != members || name.len == 0 || name.len > MEASURE_NAME_MAX || (!share && !ratio))
        return bad(g->plan, "measure", SLICE(""), "bad_value");
    if (is_taken(g, name))
        return bad(g->plan, "measure", name, "given_twice");
    *measure = (struct measure){.name = name, .is_part = true};
    return share ? add_share(g, share, measure) : add_ratio(g, ratio, measure);
}

static enum err add_measure(struct grouping *g, const struct json *in)
{
    struct list_plan *plan = g->plan;
    struct measure *measure = &g->measures[g->measures_count];
    struct query_column column;
    enum err e = ERR_OK;
    if (in->type == JSON_OBJECT) {
        e = add_part(g, in, measure);
        g->measures_count += !e;
        return e;
    }
    if (in->type != JSON_STRING)
        return bad(plan, "measure", SLICE(""), "bad_value");
    const struct measure *same = find_measure(g, in->text);
    if (same && same->is_part) /* another meaning under one name */
        return bad(plan, "measure", in->text, "given_twice");
    *measure = (struct measure){.name = in->text};
    e = measured_column(g, in->text, measure, &column);
    if (e)
        return e;
    measure->column = list_plan_column(plan, column);
    if (measure->is_average) {
        column.measure = MEASURE_COUNT;
        list_plan_column(plan, column);
    }
    g->measures_count++;
    return ERR_OK;
}

static enum err parse(struct grouping *g, const struct list_query *query)
{
    struct list_plan *plan = g->plan;
    const struct json *group = query->group, *measure = query->measure;
    enum err e = ERR_OK;
    if (group && group->type != JSON_ARRAY)
        return bad(plan, "group", SLICE(""), "not_a_list");
    if (measure && measure->type != JSON_ARRAY)
        return bad(plan, "measure", SLICE(""), "not_a_list");
    if (group && group->count > GROUPS_MAX)
        return bad(plan, "group", SLICE(""), "too_many_values");
    if (measure && measure->count > MEASURES_MAX)
        return bad(plan, "measure", SLICE(""), "too_many_values");
    json_each(in, group)
    {
        e = add_key(g, in);
        if (e)
            return e;
    }
    json_each(in, measure)
    {
        e = add_measure(g, in);
        if (e)
            return e;
    }
    struct json count = {.type = JSON_STRING, .text = SLICE("count")};
    return g->measures_count ? ERR_OK : add_measure(g, &count);
}

/* --- having, order --- */

static struct column_ref selected(struct list_plan *plan, int column)
{
    return (struct column_ref){-1, arena_printf(plan->ctx->arena, "%d", column)};
}

/* Zero needs no currency; any other money does not come as a bare number. */
static enum err having_value(struct list_plan *plan, const struct measure *measure,
                             const struct json *in, struct value *out)
{
    int column = 0;
    if (in->type == JSON_INT && (!measure->field || in->integer == 0)) {
        *out = value_int(in->integer);
        return ERR_OK;
    }
    if (!measure->field)
        return bad(plan, "having", measure->name, "not_a_number");
    return field_result_type(measure->field)->operand(plan->ctx, measure->field, in, out, &column);
}

static enum err having(struct grouping *g, const struct json *in, const struct expr **out)
{
    static const struct {
        const char *word;
        enum expr_op op;
    } words[] = {{"eq", EXPR_EQ}, {"ne", EXPR_NE},   {"lt", EXPR_LT},
                 {"gt", EXPR_GT}, {"lte", EXPR_LTE}, {"gte", EXPR_GTE}};
    struct list_plan *plan = g->plan;
    *out = NULL;
    if (in && in->type != JSON_OBJECT)
        return bad(plan, "having", SLICE(""), "not_an_object");
    json_each(member, in)
    {
        const struct measure *measure = find_measure(g, member->key);
        if (!measure || measure->is_average || measure->is_part || member->type != JSON_OBJECT)
            return bad(plan, "having", member->key, "unknown_field");
        json_each(condition, member)
        {
            struct expr *e = expr_new(plan->ctx->arena, EXPR_TRUE);
            for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                if (slice_is(condition->key, words[i].word))
                    e->op = words[i].op;
            }
            if (e->op == EXPR_TRUE)
                return bad(plan, "having", member->key, "unknown_operator");
            e->column = selected(plan, measure->column);
            enum err error = having_value(plan, measure, condition, &e->value);
            if (error)
                return error;
            *out = expr_and(plan->ctx->arena, *out, e);
        }
    }
    return ERR_OK;
}

static enum err order(struct grouping *g, struct slice sort)
{
    struct list_plan *plan = g->plan;
    plan->orders_count = 0;
    while (sort.len > 0) {
        struct slice name = slice_trim(slice_split(&sort, ','));
        bool descending = name.len > 0 && name.at[0] == '-';
        int column = -1;
        name = descending ? slice_of(name.at + 1, name.len - 1) : name;
        for (int i = 0; i < g->keys_count; i++) {
            if (slice_eq(g->keys[i].name, name))
                column = i;
        }
        const struct measure *measure = find_measure(g, name);
        if (measure && !measure->is_average && !measure->is_part)
            column = measure->column;
        if (column < 0)
            return bad(plan, "sort", name, "unknown_field");
        if (plan->orders_count == SORT_KEYS_MAX)
            return bad(plan, "sort", SLICE(""), "too_many_values");
        plan->orders[plan->orders_count++] =
            (struct query_order){selected(plan, column), NULL, descending};
    }
    for (int i = 0; i < g->keys_count && plan->orders_count < SORT_KEYS_MAX + GROUPS_MAX; i++)
        plan->orders[plan->orders_count++] = (struct query_order){selected(plan, i), NULL, false};
    return ERR_OK;
}

/* --- rows --- */

static const char *base_currency(const struct ctx *ctx)
{
    if (ctx->model && ctx->model->currency)
        return ctx->model->currency;
    return ctx->tenant->currency ? ctx->tenant->currency : "CNY";
}

static void put_number(const struct ctx *ctx, const struct field *field, int64_t n, struct buf *out)
{
    struct value values[4] = {value_int(n)};
    if (field_result_type(field)->kind == KIND_MONEY)
        values[1] = value_text(slice_str(base_currency(ctx)));
    field->type->put(field, values, out);
}

/* A sum too large for any value of its field is written like one all the same; whole numbers as
 * text, because no reader of JSON would keep their digits. */
static void put_digits(const struct ctx *ctx, const struct field *field, struct slice digits,
                       struct buf *out)
{
    enum field_kind kind = field_result_type(field)->kind;
    struct slice currency = slice_str(base_currency(ctx));
    int scale = kind == KIND_MONEY ? currency_digits(currency) : field->scale;
    buf_put_str(out, kind == KIND_MONEY ? "{\"amount\":\"" : "\"");
    decimal_put_digits(out, digits, kind == KIND_INT || scale < 0 ? 0 : scale);
    buf_put_char(out, '"');
    if (kind != KIND_MONEY)
        return;
    buf_put_str(out, ",\"currency\":");
    json_put_string(out, currency);
    buf_put_char(out, '}');
}

void list_put_sum(const struct ctx *ctx, const struct field *field, const struct value *sum,
                  struct buf *out)
{
    if (sum->type == VALUE_NULL)
        buf_put_str(out, "null");
    else if (sum->type == VALUE_TEXT)
        put_digits(ctx, field, sum->bytes, out);
    else
        put_number(ctx, field, sum->integer, out);
}

static void put_average(const struct ctx *ctx, const struct field *field, const struct value *sum,
                        int64_t count, struct buf *out)
{
    int64_t units;
    bool whole = field_result_type(field)->kind == KIND_INT;
    bool fits = sum->type == VALUE_TEXT
                    ? decimal_digits_mul_div(sum->bytes, whole ? 10000 : 1, count, &units)
                    : decimal_mul_div(sum->integer, whole ? 10000 : 1, count, &units);
    if (!fits)
        buf_put_str(out, "null");
    else if (whole)
        decimal_put(out, units, AVERAGE_SCALE);
    else
        put_number(ctx, field, units, out);
}

/* Hundredths of a percent, rounded half to even; empty where there is no whole. */
static void put_part(const struct store_row *row, int column, struct buf *out)
{
    struct value part = store_row_value(row, column), whole = store_row_value(row, column + 1);
    int64_t units;
    bool fits = part.type != VALUE_NULL && whole.type == VALUE_INT && whole.integer != 0;
    if (fits && part.type == VALUE_TEXT)
        fits = decimal_digits_mul_div(part.bytes, PART_OF_WHOLE, whole.integer, &units);
    else if (fits)
        fits = decimal_mul_div(part.integer, PART_OF_WHOLE, whole.integer, &units);
    if (fits)
        decimal_put(out, units, PART_SCALE);
    else
        buf_put_str(out, "null");
}

static void put_measure(struct grouping *g, const struct measure *measure,
                        const struct store_row *row)
{
    struct value value = store_row_value(row, measure->column);
    if (measure->is_part)
        put_part(row, measure->column, g->out);
    else if (!measure->field)
        buf_put_int(g->out, value.integer);
    else if (measure->is_average && value.type != VALUE_NULL)
        put_average(g->plan->ctx, measure->field, &value, store_row_int(row, measure->column + 1),
                    g->out);
    else
        list_put_sum(g->plan->ctx, measure->field, &value, g->out);
}

static void put_key(struct grouping *g, struct key *key, const struct value *value)
{
    char text[11];
    if (value->type == VALUE_NULL) {
        buf_put_str(g->out, "null");
        return;
    }
    if (key->ids && value->type == VALUE_INT && key->ids_count < GROUP_ROWS_MAX)
        key->ids[key->ids_count++] = value->integer;
    if (key->bucket == BUCKET_NONE) {
        key->field->type->put(key->field, value, g->out);
        return;
    }
    int64_t day = value->integer;
    if (field_result_type(key->field)->kind == KIND_DATETIME)
        day = zone_day(filter_operand_zone(g->plan->ctx), day);
    date_text(day, text);
    json_put_cstr(g->out, text);
}

static bool group_row(void *arg, const struct store_row *row)
{
    struct grouping *g = arg;
    if (g->rows == g->limit) {
        g->has_more = true;
        return false;
    }
    if (g->rows++ > 0)
        buf_put_char(g->out, ',');
    buf_put_char(g->out, '{');
    for (int i = 0; i < g->keys_count; i++) {
        struct value value = store_row_value(row, i);
        json_put_comma(g->out);
        json_put_string(g->out, g->keys[i].name);
        buf_put_char(g->out, ':');
        put_key(g, &g->keys[i], &value);
    }
    for (int i = 0; i < g->measures_count; i++) {
        json_put_comma(g->out);
        json_put_string(g->out, g->measures[i].name);
        buf_put_char(g->out, ':');
        put_measure(g, &g->measures[i], row);
    }
    buf_put_char(g->out, '}');
    return true;
}

/* --- titles of references --- */

struct titles {
    struct ctx *ctx;
    const struct field *field;
    struct buf *out;
};

static bool title_row(void *arg, const struct store_row *row)
{
    struct titles *titles = arg;
    struct value values[4];
    char id[ID_TEXT_LEN + 1];
    for (int i = 0; i < titles->field->type->columns; i++)
        values[i] = store_row_value(row, 1 + i);
    id_text(store_row_int(row, 0), id);
    json_put_key(titles->out, id);
    list_plan_put_title(titles->ctx, titles->field, values, titles->out);
    return true;
}

enum err list_titles(struct ctx *ctx, const struct entity *target, const int64_t *ids, int count,
                     struct buf *out)
{
    struct list_plan plan;
    struct list_query query = {.entity = target};
    struct rights_field right;
    struct titles titles = {ctx, target->title_field, out};
    if (!target->title_field)
        return ERR_OK;
    enum err e = list_plan_rows(&plan, ctx, &query, ROLE_READ);
    if (!e)
        e = rights_make_field(plan.rights, target->title_field, &right);
    if (e == ERR_FORBIDDEN || (!e && right.access == ROLE_NONE))
        return ERR_OK;
    if (e)
        return e;
    list_plan_column(&plan, (struct query_column){.column = {0, "id"}});
    list_plan_columns(&plan, target->title_field, 0, right.only_when);
    for (int at = 0; !e && at < count; at += FILTER_IN_MAX) {
        int n = count - at < FILTER_IN_MAX ? count - at : FILTER_IN_MAX;
        struct value *values = arena_array(ctx->arena, struct value, (size_t)n);
        for (int i = 0; i < n; i++)
            values[i] = value_int(ids[at + i]);
        struct query q = {
            .table = target->table,
            .select = plan.columns,
            .select_count = plan.columns_count,
            .where = expr_and(ctx->arena, expr_in(ctx->arena, "id", values, n), plan.where)};
        e = store_read(ctx->tenant->store, &q, title_row, &titles);
    }
    return e;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum err put_titles(struct grouping *g)
{
    buf_put_str(g->out, ",\"titles\":{");
    for (int i = 0; i < g->keys_count; i++) {
        struct key *key = &g->keys[i];
        if (!key->ids || !key->field->ref_at)
            continue;
        qsort(key->ids, (size_t)key->ids_count, sizeof *key->ids, compare_ids);
        int count = 0;
        for (int k = 0; k < key->ids_count; k++) {
            if (k == 0 || key->ids[k] != key->ids[count - 1])
                key->ids[count++] = key->ids[k];
        }
        json_put_comma(g->out);
        json_put_string(g->out, key->name);
        buf_put_str(g->out, ":{");
        struct ctx *ctx = g->plan->ctx;
        enum err e = list_titles(ctx, model_ref(ctx->model, key->field), key->ids, count, g->out);
        if (e)
            return e;
        buf_put_char(g->out, '}');
    }
    buf_put_char(g->out, '}');
    return ERR_OK;
}

enum err list_group(struct list_plan *plan, const struct list_query *query, struct buf *out)
{
    struct grouping g = {.plan = plan, .out = out};
    const struct expr *wanted;
    size_t from = out->len;
    g.limit = query->limit > 0 ? query->limit : GROUP_ROWS_MAX;
    enum err e = parse(&g, query);
    if (!e)
        e = having(&g, query->having, &wanted);
    if (!e)
        e = order(&g, query->sort);
    if (e)
        return e;
    struct query q = list_plan_query(plan);
    q.limit = g.limit + 1;
    q.group_count = g.keys_count;
    q.wide_sums = true;
    q.having = wanted;
    buf_put_str(out, "{\"groups\":[");
    e = store_read(plan->ctx->tenant->store, &q, group_row, &g);
    if (!e) {
        buf_put_str(out, "],\"more\":");
        json_put_bool(out, g.has_more);
        e = put_titles(&g);
        buf_put_char(out, '}');
    }
    if (e)
        buf_truncate(out, from);
    return e;
}
