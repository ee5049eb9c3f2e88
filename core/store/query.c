/* query - builders of expressions in an arena.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/query.h"

struct expr *expr_new(struct arena *arena, enum expr_op op)
{
    ASSERT(arena);
    struct expr *e = arena_make(arena, struct expr);
    e->op = op;
    return e;
}

struct expr *expr_cmp(struct arena *arena, enum expr_op op, const char *column, struct value value)
{
    ASSERT(column);
    struct expr *e = expr_new(arena, op);
    e->column.column = column;
    e->value = value;
    return e;
}

struct expr *expr_in(struct arena *arena, const char *column, const struct value *values, int count)
{
    ASSERT(column);
    ASSERT(count == 0 || values);
    struct expr *e = expr_new(arena, EXPR_IN);
    e->column.column = column;
    e->values = values;
    e->values_count = count;
    return e;
}

/* A copy without its sibling, so that one tree may hang under several parents. */
static struct expr *detached_copy(struct arena *arena, const struct expr *e)
{
    struct expr *copy = arena_make(arena, struct expr);
    *copy = *e;
    copy->next = NULL;
    return copy;
}

static const struct expr *pair(struct arena *arena, enum expr_op op, const struct expr *a,
                               const struct expr *b)
{
    struct expr *first = detached_copy(arena, a);
    first->next = detached_copy(arena, b);
    struct expr *e = expr_new(arena, op);
    e->first = first;
    return e;
}

const struct expr *expr_and(struct arena *arena, const struct expr *a, const struct expr *b)
{
    if (!a)
        return b;
    return b ? pair(arena, EXPR_AND, a, b) : a;
}

const struct expr *expr_or(struct arena *arena, const struct expr *a, const struct expr *b)
{
    if (!a)
        return b;
    return b ? pair(arena, EXPR_OR, a, b) : a;
}

const struct expr *expr_not(struct arena *arena, const struct expr *a)
{
    ASSERT(a);
    struct expr *e = expr_new(arena, EXPR_NOT);
    e->first = detached_copy(arena, a);
    return e;
}

const struct expr *expr_rebase(struct arena *arena, const struct expr *e, int join)
{
    if (!e)
        return NULL;
    struct expr *copy = arena_make(arena, struct expr);
    *copy = *e;
    if (copy->column.join == 0)
        copy->column.join = join;
    if (copy->op == EXPR_EXISTS && copy->sub.outer.join == 0)
        copy->sub.outer.join = join; /* sub.where speaks of the sub table and stays */
    copy->first = NULL;
    struct expr *last = NULL;
    for (const struct expr *child = e->first; child; child = child->next) {
        struct expr *moved = (struct expr *)expr_rebase(arena, child, join);
        moved->next = NULL;
        if (last)
            last->next = moved;
        else
            copy->first = moved;
        last = moved;
    }
    copy->next = NULL;
    return copy;
}
