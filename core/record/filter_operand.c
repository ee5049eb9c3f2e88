/* filter_operand - one operator of the filter tree on one field, as an expression of the store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/filter_operand.h"

#include "auth/actor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "record/list_bucket.h"

/* --- variables --- */

const struct zone *filter_operand_zone(const struct ctx *ctx)
{
    if (ctx->tenant && ctx->tenant->zone)
        return ctx->tenant->zone;
    return zone_find("UTC");
}

bool filter_operand_ids(const struct ctx *ctx, struct slice name, const int64_t **ids, int *count)
{
    static const int64_t nobody;
    const struct actor *actor = ctx->actor;
    const int64_t *one = NULL;
    *ids = &nobody;
    *count = 0;
    if (slice_is(name, "$me"))
        one = actor ? &actor->user : &nobody;
    else if (slice_is(name, "$my_team"))
        one = actor ? &actor->team : &nobody;
    else if (slice_is(name, "$my_department"))
        one = actor ? &actor->department : &nobody;
    else if (!slice_is(name, "$my_subtree"))
        return false;
    if (one) {
        *ids = one;
        *count = *one ? 1 : 0;
    } else if (actor) {
        *ids = actor->subtree;
        *count = actor->subtree_count;
    }
    return true;
}

static bool takes_ids(const struct field *field, const struct field_type *type)
{
    return type->kind == KIND_REF || (type->kind == KIND_LIST && field->ref_entity);
}

/* --- values --- */

struct operand {
    struct ctx *ctx;
    const struct field *field;
    const struct field_type *type;
    const char **code;
};

static enum err refuse(const struct operand *o, const char *code)
{
    *o->code = code;
    return ERR_VALIDATION;
}

static const char *column_name(const struct operand *o, int column)
{
    const struct field *field = o->field;
    return column == 0 ? field->column : field->entity->columns[field->slot + column];
}

/* The type reads it; what it complains about becomes our code, at our path. */
static enum err read_value(const struct operand *o, const struct json *in, struct value *out,
                           int *column)
{
    struct err_info before = o->ctx->err;
    *column = 0;
    if (!o->type->operand)
        return refuse(o, "operator_not_allowed");
    enum err e = o->type->operand(o->ctx, o->field, in, out, column);
    if (e != ERR_VALIDATION)
        return e;
    const struct err_field *said = o->ctx->err.last;
    *o->code = said && said != before.last && said->code ? arena_strdup(o->ctx->arena, said->code)
                                                         : "bad_value";
    o->ctx->err = before;
    if (before.last)
        before.last->next = NULL;
    return ERR_VALIDATION;
}

/* "$today" or "2026-01-31" given for a datetime. */
static bool is_day(const struct operand *o, const struct json *in, int64_t *day)
{
    if (o->type->kind != KIND_DATETIME || in->type != JSON_STRING)
        return false;
    if (slice_is(in->text, "$today")) {
        *day = zone_day(filter_operand_zone(o->ctx), o->ctx->now_ms);
        return true;
    }
    return date_parse(in->text, day);
}

static bool moment(const struct operand *o, const struct json *in, struct value *out)
{
    if (in->type != JSON_STRING || in->text.len == 0 || in->text.at[0] != '$')
        return false;
    bool now = slice_is(in->text, "$now");
    if (o->type->kind == KIND_DATETIME && now)
        *out = value_int(o->ctx->now_ms);
    else if (o->type->kind == KIND_DATE && (now || slice_is(in->text, "$today")))
        *out = value_int(zone_day(filter_operand_zone(o->ctx), o->ctx->now_ms));
    else
        return false;
    return true;
}

/* One JSON scalar to values of one column: several for $my_subtree, none for an empty variable. */
static enum err values_of(const struct operand *o, const struct json *in, const struct value **out,
                          int *count, int *column)
{
    const int64_t *ids;
    int n;
    *column = 0;
    if (in->type == JSON_STRING && takes_ids(o->field, o->type) &&
        filter_operand_ids(o->ctx, in->text, &ids, &n)) {
        struct value *values = arena_array(o->ctx->arena, struct value, (size_t)(n ? n : 1));
        for (int i = 0; i < n; i++)
            values[i] = value_int(ids[i]);
        *out = values;
        *count = n;
        return ERR_OK;
    }
    struct value *value = arena_make(o->ctx->arena, struct value);
    *count = 1;
    *out = value;
    if (moment(o, in, value))
        return ERR_OK;
    return read_value(o, in, value, column);
}

/* --- comparisons --- */

/* States, options, yes and no: whichever is asked for, many records have it. */
static bool is_of_few(const struct operand *o)
{
    return o->type->kind == KIND_BOOL || (o->type->kind == KIND_TEXT && o->field->options_count);
}

static struct expr *cmp(const struct operand *o, enum expr_op op, int column, struct value value)
{
    struct expr *e = expr_cmp(o->ctx->arena, op, column_name(o, column), value);
    e->is_weak = is_of_few(o);
    return e;
}

static struct expr *among(const struct operand *o, int column, const struct value *values,
                          int count)
{
    struct expr *e = expr_in(o->ctx->arena, column_name(o, column), values, count);
    e->is_weak = is_of_few(o);
    return e;
}

static const struct expr *days_between(const struct operand *o, int64_t from, int64_t to)
{
    if (o->type->kind == KIND_DATE) {
        struct expr *e = cmp(o, EXPR_BETWEEN, 0, value_int(from));
        e->value2 = value_int(to);
        return e;
    }
    const struct zone *zone = filter_operand_zone(o->ctx);
    return expr_and(o->ctx->arena, cmp(o, EXPR_GTE, 0, value_int(zone_day_start_ms(zone, from))),
                    cmp(o, EXPR_LT, 0, value_int(zone_day_start_ms(zone, to + 1))));
}

static const struct expr *compare_day(const struct operand *o, enum expr_op op, int64_t day)
{
    const struct zone *zone = filter_operand_zone(o->ctx);
    struct value start = value_int(zone_day_start_ms(zone, day));
    struct value end = value_int(zone_day_start_ms(zone, day + 1));
    switch (op) {
    case EXPR_LT:
        return cmp(o, EXPR_LT, 0, start);
    case EXPR_LTE:
        return cmp(o, EXPR_LT, 0, end);
    case EXPR_GT:
        return cmp(o, EXPR_GTE, 0, end);
    case EXPR_GTE:
        return cmp(o, EXPR_GTE, 0, start);
    default:
        return days_between(o, day, day);
    }
}

/* Money given with its currency compares amounts of that currency only. */
static const struct expr *of_currency(const struct operand *o, const struct json *in,
                                      const struct expr *compared)
{
    struct slice currency = json_str(in, "currency", SLICE(""));
    if (o->type->kind != KIND_MONEY || in->type != JSON_OBJECT || currency.len == 0)
        return compared;
    return expr_and(o->ctx->arena, cmp(o, EXPR_EQ, 1, value_text(currency)), compared);
}

static enum err compare(const struct operand *o, enum expr_op op, const struct json *in,
                        const struct expr **out)
{
    const struct value *values;
    int count, column;
    int64_t day;
    if (is_day(o, in, &day)) {
        *out = compare_day(o, op, day);
        return ERR_OK;
    }
    enum err e = values_of(o, in, &values, &count, &column);
    if (e)
        return e;
    if (count == 0) {
        *out = expr_new(o->ctx->arena, EXPR_FALSE);
    } else if (count == 1) {
        *out = of_currency(o, in, cmp(o, op, column, values[0]));
    } else if (op == EXPR_EQ) {
        *out = among(o, column, values, count);
    } else {
        return refuse(o, "one_value");
    }
    return ERR_OK;
}

static enum err has(const struct operand *o, const struct json *in, const struct expr **out)
{
    const struct value *values;
    int count, column;
    enum err e = values_of(o, in, &values, &count, &column);
    const struct expr *any = NULL;
    for (int i = 0; !e && i < count; i++)
        any = expr_or(o->ctx->arena, any, cmp(o, EXPR_HAS, 0, values[i]));
    if (!e)
        *out = any ? any : expr_new(o->ctx->arena, EXPR_FALSE);
    return e;
}

/* --- lists of values --- */

/* Whether all of them are plain values of one column, so that one IN serves. */
static bool is_plain(const struct operand *o, const struct json *item)
{
    int64_t day;
    return item->type != JSON_OBJECT && o->type->kind != KIND_LIST && !is_day(o, item, &day);
}

static enum err in_plain(const struct operand *o, const struct json *in, const struct expr **out)
{
    struct arena *arena = o->ctx->arena;
    struct value *all = arena_array(arena, struct value, (size_t)in->count + SUBTREE_IDS_MAX);
    int total = 0, column = 0;
    json_each(item, in)
    {
        const struct value *values;
        int count;
        if (item->type == JSON_NULL)
            continue;
        enum err e = values_of(o, item, &values, &count, &column);
        if (e)
            return e;
        if (total + count > FILTER_IN_MAX)
            return refuse(o, "too_many_values");
        for (int i = 0; i < count; i++)
            all[total++] = values[i];
    }
    if (total == 0)
        *out = expr_new(arena, EXPR_FALSE);
    else if (total == 1)
        *out = cmp(o, EXPR_EQ, column, all[0]);
    else
        *out = among(o, column, all, total);
    return ERR_OK;
}

static enum err in_list(const struct operand *o, const struct json *in, struct filter_operand *out)
{
    bool plain = true;
    if (in->type != JSON_ARRAY)
        return refuse(o, "not_a_list");
    if (in->count > FILTER_IN_MAX)
        return refuse(o, "too_many_values");
    json_each(item, in)
    {
        out->or_empty |= item->type == JSON_NULL;
        plain &= item->type == JSON_NULL || is_plain(o, item);
    }
    if (plain)
        return in_plain(o, in, &out->expr);
    struct expr *any = expr_new(o->ctx->arena, EXPR_OR), *last = NULL;
    json_each(item, in)
    {
        const struct expr *one;
        if (item->type == JSON_NULL)
            continue;
        enum err e =
            o->type->kind == KIND_LIST ? has(o, item, &one) : compare(o, EXPR_EQ, item, &one);
        if (e)
            return e;
        struct expr *copy = arena_make(o->ctx->arena, struct expr);
        *copy = *one;
        copy->next = NULL;
        if (last)
            last->next = copy;
        else
            any->first = copy;
        last = copy;
    }
    out->expr = any;
    return ERR_OK;
}

static enum err between(const struct operand *o, const struct json *in, const struct expr **out)
{
    const struct json *from = json_at(in, 0), *to = json_at(in, 1);
    const struct expr *low = NULL, *high = NULL;
    if (in->type != JSON_ARRAY || in->count != 2)
        return refuse(o, "not_a_pair");
    if (from->type == JSON_NULL && to->type == JSON_NULL)
        return refuse(o, "not_a_pair");
    enum err e = from->type == JSON_NULL ? ERR_OK : compare(o, EXPR_GTE, from, &low);
    if (!e && to->type != JSON_NULL)
        e = compare(o, EXPR_LTE, to, &high);
    if (!e)
        *out = expr_and(o->ctx->arena, low, high);
    return e;
}

/* --- periods --- */

void filter_operand_period(enum filter_op op, int64_t n, int64_t today, int64_t *from, int64_t *to)
{
    static const struct {
        enum query_bucket bucket;
        int move; /* before or after the one that holds today */
    } periods[] = {
        [FILTER_YESTERDAY] = {BUCKET_DAY, -1},       [FILTER_TODAY] = {BUCKET_DAY, 0},
        [FILTER_TOMORROW] = {BUCKET_DAY, 1},         [FILTER_LAST_WEEK] = {BUCKET_WEEK, -1},
        [FILTER_THIS_WEEK] = {BUCKET_WEEK, 0},       [FILTER_NEXT_WEEK] = {BUCKET_WEEK, 1},
        [FILTER_LAST_MONTH] = {BUCKET_MONTH, -1},    [FILTER_THIS_MONTH] = {BUCKET_MONTH, 0},
        [FILTER_NEXT_MONTH] = {BUCKET_MONTH, 1},     [FILTER_LAST_QUARTER] = {BUCKET_QUARTER, -1},
        [FILTER_THIS_QUARTER] = {BUCKET_QUARTER, 0}, [FILTER_NEXT_QUARTER] = {BUCKET_QUARTER, 1},
        [FILTER_LAST_YEAR] = {BUCKET_YEAR, -1},      [FILTER_THIS_YEAR] = {BUCKET_YEAR, 0},
        [FILTER_NEXT_YEAR] = {BUCKET_YEAR, 1},
    };
    ASSERT(op >= FILTER_LAST_DAYS && op < FILTER_OPS_COUNT);
    if (op == FILTER_LAST_DAYS || op == FILTER_NEXT_DAYS) {
        *from = op == FILTER_LAST_DAYS ? today - n : today;
        *to = op == FILTER_LAST_DAYS ? today : today + n;
        return;
    }
    enum query_bucket bucket = periods[op].bucket;
    *from = list_bucket_start(bucket, today);
    if (periods[op].move < 0)
        *from = list_bucket_start(bucket, *from - 1);
    else if (periods[op].move > 0)
        *from = list_bucket_next(bucket, *from);
    *to = list_bucket_next(bucket, *from) - 1;
}

static enum err period(const struct operand *o, enum filter_op op, const struct json *in,
                       struct filter_operand *out)
{
    bool counted = op == FILTER_LAST_DAYS || op == FILTER_NEXT_DAYS;
    int64_t from, to;
    if (counted && (in->type != JSON_INT || in->integer < 0 || in->integer > FILTER_DAYS_MAX))
        return refuse(o, "bad_days");
    if (!counted && in->type != JSON_BOOL)
        return refuse(o, "not_true");
    int64_t today = zone_day(filter_operand_zone(o->ctx), o->ctx->now_ms);
    filter_operand_period(op, counted ? in->integer : 0, today, &from, &to);
    out->expr = days_between(o, from, to);
    out->negated = !counted && !in->boolean;
    return ERR_OK;
}

/* --- the operators --- */

bool filter_operand_is_value(const struct field *field, const struct json *in)
{
    return field_result_type(field)->kind == KIND_MONEY &&
           (json_get(in, "amount") || json_get(in, "minor"));
}

static enum err folded(const struct operand *o, enum expr_op op, const struct json *in,
                       const struct expr **out)
{
    if (in->type != JSON_STRING)
        return refuse(o, "not_text");
    *out = cmp(o, op, 0, value_text(in->text));
    return ERR_OK;
}

static enum err empty(const struct operand *o, bool wanted, struct filter_operand *out)
{
    out->expr = cmp(o, EXPR_NOT_NULL, 0, value_null());
    out->negated = wanted;
    return ERR_OK;
}

/* Lists take eq and in as "has one of". */
static bool is_allowed(const struct operand *o, enum filter_op op)
{
    bool same = op == FILTER_EQ || op == FILTER_NE || op == FILTER_IN || op == FILTER_NIN;
    if (o->type->kind == KIND_LIST && same && (o->type->operators & FIELD_OP(HAS)))
        return true;
    return (o->type->operators & (1u << op)) != 0;
}

static enum err equal(const struct operand *o, const struct json *in, struct filter_operand *out)
{
    if (in->type == JSON_NULL)
        return empty(o, !out->negated, out);
    if (o->type->kind == KIND_LIST)
        return has(o, in, &out->expr);
    return compare(o, EXPR_EQ, in, &out->expr);
}

enum err filter_operand(struct ctx *ctx, const struct field *field, enum filter_op op,
                        const struct json *in, struct filter_operand *out, const char **code)
{
    struct operand o = {ctx, field, field_result_type(field), code};
    *out = (struct filter_operand){.negated = op == FILTER_NE || op == FILTER_NIN};
    if (!is_allowed(&o, op))
        return refuse(&o, "operator_not_allowed");
    bool equality = op == FILTER_EQ || op == FILTER_NE;
    if (in->type == JSON_NULL && !equality)
        return refuse(&o, "bad_value");
    switch (op) {
    case FILTER_EQ:
    case FILTER_NE:
        return equal(&o, in, out);
    case FILTER_LT:
        return compare(&o, EXPR_LT, in, &out->expr);
    case FILTER_LTE:
        return compare(&o, EXPR_LTE, in, &out->expr);
    case FILTER_GT:
        return compare(&o, EXPR_GT, in, &out->expr);
    case FILTER_GTE:
        return compare(&o, EXPR_GTE, in, &out->expr);
    case FILTER_IN:
    case FILTER_NIN:
        return in_list(&o, in, out);
    case FILTER_BETWEEN:
        return between(&o, in, &out->expr);
    case FILTER_NULL:
        return in->type == JSON_BOOL ? empty(&o, in->boolean, out) : refuse(&o, "not_true");
    case FILTER_PREFIX:
        return folded(&o, EXPR_PREFIX, in, &out->expr);
    case FILTER_CONTAINS:
        return folded(&o, EXPR_CONTAINS, in, &out->expr);
    case FILTER_HAS:
        return has(&o, in, &out->expr);
    default:
        return period(&o, op, in, out);
    }
}
