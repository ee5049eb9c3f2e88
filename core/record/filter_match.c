/* filter_match - asks a filter of a record in memory.
 *
 * The tree is compiled as for the store and the expression is evaluated here over the record's
 * values, so both can differ in nothing but the operators themselves. Paths and exists ask the
 * store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "record/filter.h"

struct match {
    struct ctx *ctx;
    const struct entity *entity;
    const struct value *values;
};

static const struct value *value_of(const struct match *m, const char *column)
{
    for (int i = 0; i < m->entity->slots; i++) {
        if (m->entity->columns[i] == column)
            return &m->values[i];
    }
    for (int i = 0; i < m->entity->slots; i++) {
        if (strcmp(m->entity->columns[i], column) == 0)
            return &m->values[i];
    }
    BUG("a filter on a column that its entity does not have");
}

/* Order of the store: numbers before text before bytes. */
static int compare(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->type == VALUE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return slice_cmp(a->bytes, b->bytes);
}

static bool is_among(const struct expr *e, const struct value *value)
{
    for (int i = 0; i < e->values_count; i++) {
        if (e->values[i].type != VALUE_NULL && compare(value, &e->values[i]) == 0)
            return true;
    }
    return false;
}

static bool matches_folded(const struct expr *e, const struct value *value)
{
    struct buf have = BUF_INIT, want = BUF_INIT;
    if (value->type != VALUE_TEXT || e->value.type != VALUE_TEXT)
        return false;
    text_fold(&have, value->bytes);
    text_fold(&want, e->value.bytes);
    ptrdiff_t at = want.len ? slice_find(buf_slice(&have), buf_slice(&want)) : 0;
    buf_release(&have);
    buf_release(&want);
    return e->op == EXPR_PREFIX ? at == 0 : at >= 0;
}

static bool has(const struct match *m, const struct expr *e, const struct value *value)
{
    const struct json *list;
    if (value->type != VALUE_TEXT || json_parse(m->ctx->arena, value->bytes, &list, NULL))
        return false;
    json_each(item, list)
    {
        struct value one = value_null();
        if (item->type == JSON_INT)
            one = value_int(item->integer);
        else if (item->type == JSON_STRING)
            one = value_text(item->text);
        else if (item->type == JSON_BOOL)
            one = value_int(item->boolean);
        if (one.type != VALUE_NULL && compare(&one, &e->value) == 0)
            return true;
    }
    return false;
}

static enum err exists(const struct match *m, const struct expr *e, bool *out)
{
    const struct value *outer = value_of(m, e->sub.outer.column);
    int64_t count = 0;
    *out = false;
    if (outer->type == VALUE_NULL)
        return ERR_OK;
    const struct expr *where = expr_and(
        m->ctx->arena, expr_cmp(m->ctx->arena, EXPR_EQ, e->sub.column, *outer), e->sub.where);
    enum err error = store_count(m->ctx->tenant->store, e->sub.table, where, 1, &count);
    *out = count > 0;
    return error;
}

static bool compared(const struct expr *e, const struct value *value)
{
    if (e->op == EXPR_NULL || e->op == EXPR_NOT_NULL)
        return (value->type == VALUE_NULL) == (e->op == EXPR_NULL);
    if (value->type == VALUE_NULL)
        return e->op == EXPR_NIN || (e->op == EXPR_NE && e->value.type != VALUE_NULL);
    switch (e->op) {
    case EXPR_IN:
        return is_among(e, value);
    case EXPR_NIN:
        return !is_among(e, value);
    case EXPR_NE:
        return e->value.type == VALUE_NULL || compare(value, &e->value) != 0;
    case EXPR_PREFIX:
    case EXPR_CONTAINS:
        return matches_folded(e, value);
    default:
        break;
    }
    if (e->value.type == VALUE_NULL)
        return false;
    int order = compare(value, &e->value);
    switch (e->op) {
    case EXPR_EQ:
        return order == 0;
    case EXPR_LT:
        return order < 0;
    case EXPR_LTE:
        return order <= 0;
    case EXPR_GT:
        return order > 0;
    case EXPR_GTE:
        return order >= 0;
    case EXPR_BETWEEN:
        return order >= 0 && compare(value, &e->value2) <= 0;
    default:
        BUG("a comparison of no kind");
    }
}

static enum err eval(const struct match *m, const struct expr *e, bool *out)
{
    switch (e->op) {
    case EXPR_TRUE:
    case EXPR_FALSE:
        *out = e->op == EXPR_TRUE;
        return ERR_OK;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT: {
        bool ends = e->op != EXPR_AND; /* the answer of one child that settles it */
        bool any = !ends;
        for (const struct expr *child = e->first; child && any != ends; child = child->next) {
            enum err error = eval(m, child, &any);
            if (error)
                return error;
        }
        *out = e->op == EXPR_NOT ? !any : any;
        return ERR_OK;
    }
    case EXPR_EXISTS:
        return exists(m, e, out);
    case EXPR_HAS:
        *out = has(m, e, value_of(m, e->column.column));
        return ERR_OK;
    case EXPR_MATCH:
        BUG("a search cannot be asked of a record in memory");
    default:
        *out = compared(e, value_of(m, e->column.column));
        return ERR_OK;
    }
}

enum err filter_matches(struct ctx *ctx, const struct entity *entity, const struct json *tree,
                        const struct value *values, bool *out)
{
    struct filter_scope scope = {.entity = entity, .as_rule = true};
    struct match match = {ctx, entity, values};
    const struct expr *compiled;
    ASSERT(values);
    enum err e = filter_compile(ctx, &scope, tree, &compiled);
    if (e)
        return e;
    *out = true;
    return compiled ? eval(&match, compiled, out) : ERR_OK;
}

enum err filter_matches_expr(struct ctx *ctx, const struct entity *entity, const struct expr *e,
                             const struct value *values, bool *out)
{
    struct match match = {ctx, entity, values};
    *out = true;
    return e ? eval(&match, e, out) : ERR_OK;
}
