/* filter - from the filter tree to an expression of the store.
 *
 * A path becomes EXISTS over the referenced record, never a join, so that the same expression
 * serves lists, counts, updates and deletes. A condition is compiled in its positive form, which is
 * false on what is empty or not visible, and turned around outside of the path: so ne and nin are
 * the exact opposite of eq and in, and what may not be seen counts as empty.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/filter.h"

#include <stdio.h>

#include "base/limits.h"
#include "record/filter_operand.h"
#include "record/model.h"
#include "record/rights.h"

#define NAME_SHOWN_BYTES 200 /* of a name nobody knows */
#define PLACE_BYTES      400
_Static_assert(FILTER_DEPTH_MAX * sizeof ".and[100]" + NAME_SHOWN_BYTES < PLACE_BYTES,
               "where a complaint arose is told whole");

struct walk {
    struct ctx *ctx;
    bool as_rule;
    bool in_exists; /* exists may not stand in exists */
    int nodes;
    size_t path_len;
    char path[PLACE_BYTES]; /* where we are: "filter.and[1].amount" */
};

/* --- where we are --- */

static void path_add(struct walk *w, struct slice text)
{
    size_t room = sizeof w->path - 1 - w->path_len;
    size_t n = text.len < room ? text.len : room;
    if (n > 0)
        memcpy(w->path + w->path_len, text.at, n);
    w->path_len += n;
    w->path[w->path_len] = '\0';
}

static size_t enter(struct walk *w, const char *before, struct slice name)
{
    size_t from = w->path_len;
    path_add(w, slice_str(before));
    path_add(w, slice_of(name.at, name.len < NAME_SHOWN_BYTES ? name.len : NAME_SHOWN_BYTES));
    return from;
}

static size_t enter_item(struct walk *w, int index)
{
    char number[16];
    snprintf(number, sizeof number, "[%d]", index);
    return enter(w, number, SLICE(""));
}

static void leave(struct walk *w, size_t from)
{
    w->path_len = from;
    w->path[from] = '\0';
}

static enum err complain(struct walk *w, const char *code)
{
    return err_field(&w->ctx->err, w->path, code, NULL);
}

static enum err complain_max(struct walk *w, const char *code, int max)
{
    return err_field(&w->ctx->err, w->path, code, arena_printf(w->ctx->arena, "{\"max\":%d}", max));
}

static enum err complain_name(struct walk *w, const char *code, struct slice name)
{
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"name\":");
    json_put_string(&args, name);
    buf_put_char(&args, '}');
    enum err e = err_field(&w->ctx->err, w->path, code, buf_cstr(&args));
    buf_release(&args);
    return e;
}

/* --- groups --- */

struct group {
    struct expr *node, *last;
};

static struct group group_new(struct walk *w, enum expr_op op)
{
    return (struct group){expr_new(w->ctx->arena, op), NULL};
}

static void group_add(struct walk *w, struct group *g, const struct expr *child)
{
    struct expr *copy = arena_make(w->ctx->arena, struct expr);
    *copy = *child;
    copy->next = NULL;
    if (g->last)
        g->last->next = copy;
    else
        g->node->first = copy;
    g->last = copy;
}

/* An AND of nothing is true, an OR of nothing false; a single child stands for itself. */
static const struct expr *group_end(struct walk *w, const struct group *g)
{
    if (!g->node->first)
        return expr_new(w->ctx->arena, g->node->op == EXPR_AND ? EXPR_TRUE : EXPR_FALSE);
    return g->node->first->next ? g->node : g->node->first;
}

static enum err tree(struct walk *w, const struct entity *entity, const struct json *in, int depth,
                     const struct expr **out);

static enum err many(struct walk *w, const struct entity *entity, enum expr_op op,
                     const struct json *in, int depth, const struct expr **out)
{
    struct group g = group_new(w, op);
    int index = 0;
    if (in->type != JSON_ARRAY)
        return complain(w, "not_a_list");
    json_each(item, in)
    {
        const struct expr *part = NULL;
        size_t from = enter_item(w, index++);
        enum err e = tree(w, entity, item, depth + 1, &part);
        if (e)
            return e;
        leave(w, from);
        group_add(w, &g, part);
    }
    *out = group_end(w, &g);
    return ERR_OK;
}

/* --- paths --- */

struct hop {
    const struct field *field; /* the reference followed */
    const struct expr *rows;   /* which of the targets may be seen; NULL = all */
};

struct leaf {
    struct hop hops[PATH_REFS_MAX];
    int hops_count;
    const struct expr *only[PATH_REFS_MAX + 1]; /* where the field of each level may be read */
    const struct field *field;
};

static enum err forbid(struct walk *w, const char *code, struct slice name)
{
    enum err said = complain_name(w, code, name);
    ASSERT(said);
    return ERR_FORBIDDEN;
}

static enum err may_read(struct walk *w, const struct entity *entity, const struct field *field,
                         const struct expr **only)
{
    struct rights_field right;
    if (w->as_rule)
        return ERR_OK;
    enum err e = rights_field(w->ctx, entity, field, ROLE_READ, &right);
    if (e)
        return e;
    if (right.access == ROLE_NONE)
        return forbid(w, "field_forbidden", slice_str(field->name));
    *only = expr_and(w->ctx->arena, *only, right.only_when);
    return ERR_OK;
}

static enum err follow(struct walk *w, const struct field *field, struct leaf *leaf,
                       const struct entity **entity)
{
    const struct entity *target = model_ref(w->ctx->model, field);
    if (field->type->kind != KIND_REF || !target)
        return complain_name(w, "not_a_reference", slice_str(field->name));
    if (leaf->hops_count == PATH_REFS_MAX)
        return complain_max(w, "path_too_long", PATH_REFS_MAX);
    struct hop *hop = &leaf->hops[leaf->hops_count];
    *hop = (struct hop){.field = field};
    if (!w->as_rule) {
        enum err e = rights_rows(w->ctx, target, ROLE_READ, false, &hop->rows);
        if (e == ERR_FORBIDDEN)
            return forbid(w, "entity_forbidden", slice_str(target->name));
        if (e)
            return e;
    }
    leaf->hops_count++;
    *entity = target;
    return ERR_OK;
}

/* A lookup stands for its own path. */
static enum err resolve(struct walk *w, const struct entity *entity, struct slice path,
                        struct leaf *leaf)
{
    struct slice rest = path;
    *leaf = (struct leaf){.field = NULL};
    for (;;) {
        struct slice name = slice_split(&rest, '.');
        const struct field *field = entity_field(entity, name);
        if (!field)
            return complain_name(w, "unknown_field", name);
        enum err e = may_read(w, entity, field, &leaf->only[leaf->hops_count]);
        if (e)
            return e;
        if (field->type->columns == 0) {
            const char *lookup = field_lookup_path(field);
            if (!lookup || rest.len > 0)
                return complain_name(w, "not_a_reference", name);
            rest = slice_str(lookup);
            continue;
        }
        leaf->field = field;
        if (rest.len == 0)
            return ERR_OK;
        e = follow(w, field, leaf, &entity);
        if (e)
            return e;
    }
}

/* The positive condition on the last field, asked through the path. */
static const struct expr *through(struct walk *w, const struct leaf *leaf,
                                  const struct expr *positive)
{
    struct arena *arena = w->ctx->arena;
    for (int i = leaf->hops_count - 1; i >= 0; i--) {
        const struct hop *hop = &leaf->hops[i];
        struct expr *exists = expr_new(arena, EXPR_EXISTS);
        exists->sub.table = model_ref(w->ctx->model, hop->field)->table;
        exists->sub.column = "id";
        exists->sub.outer.column = hop->field->column;
        exists->sub.where =
            expr_and(arena, expr_and(arena, positive, leaf->only[i + 1]), hop->rows);
        positive = exists;
    }
    return positive;
}

static const struct expr *turned(struct walk *w, const struct expr *e)
{
    static const enum expr_op opposites[] = {
        [EXPR_EQ] = EXPR_NE, [EXPR_IN] = EXPR_NIN, [EXPR_NOT_NULL] = EXPR_NULL};
    if (e->op == EXPR_EQ || e->op == EXPR_IN || e->op == EXPR_NOT_NULL) {
        struct expr *copy = arena_make(w->ctx->arena, struct expr);
        *copy = *e;
        copy->op = opposites[e->op];
        return copy;
    }
    return expr_not(w->ctx->arena, e);
}

/* --- conditions --- */

static enum err apply(struct walk *w, const struct leaf *leaf, enum filter_op op,
                      const struct json *in, const struct expr **out)
{
    struct filter_operand operand;
    const char *code = "bad_value";
    enum err e = filter_operand(w->ctx, leaf->field, op, in, &operand, &code);
    if (e == ERR_VALIDATION)
        return complain(w, code);
    if (e)
        return e;
    const struct expr *all = through(w, leaf, operand.expr);
    if (operand.or_empty) {
        const struct expr *filled =
            expr_cmp(w->ctx->arena, EXPR_NOT_NULL, leaf->field->column, value_null());
        all = expr_or(w->ctx->arena, all, turned(w, through(w, leaf, filled)));
    }
    *out = operand.negated ? turned(w, all) : all;
    return ERR_OK;
}

static bool find_operator(struct slice name, enum filter_op *out)
{
    static const char *const names[] = {
#define X(name, text) text,
        FILTER_OPS(X)
#undef X
    };
    for (int i = 0; i < FILTER_OPS_COUNT; i++) {
        if (slice_is(name, names[i])) {
            *out = (enum filter_op)i;
            return true;
        }
    }
    return false;
}

static enum err condition(struct walk *w, const struct leaf *leaf, const struct json *in, int depth,
                          const struct expr **out);

static enum err one_operator(struct walk *w, const struct leaf *leaf, const struct json *in,
                             int depth, const struct expr **out)
{
    enum filter_op op;
    if (slice_is(in->key, "not")) {
        const struct expr *inner;
        if (depth >= FILTER_DEPTH_MAX)
            return complain_max(w, "filter_too_deep", FILTER_DEPTH_MAX);
        enum err e = condition(w, leaf, in, depth + 1, &inner);
        if (!e)
            *out = turned(w, inner);
        return e;
    }
    if (!find_operator(in->key, &op))
        return complain_name(w, "unknown_operator", in->key);
    return apply(w, leaf, op, in, out);
}

static enum err condition(struct walk *w, const struct leaf *leaf, const struct json *in, int depth,
                          const struct expr **out)
{
    if (in->type == JSON_ARRAY)
        return apply(w, leaf, FILTER_IN, in, out);
    if (in->type != JSON_OBJECT || filter_operand_is_value(leaf->field, in))
        return apply(w, leaf, FILTER_EQ, in, out);
    struct group g = group_new(w, EXPR_AND);
    if (in->count == 0)
        return complain(w, "no_operator");
    json_each(member, in)
    {
        const struct expr *part = NULL;
        size_t from = enter(w, ".", member->key);
        if (++w->nodes > FILTER_NODES_MAX)
            return complain_max(w, "filter_too_large", FILTER_NODES_MAX);
        enum err e = one_operator(w, leaf, member, depth, &part);
        if (e)
            return e;
        leave(w, from);
        group_add(w, &g, part);
    }
    *out = group_end(w, &g);
    return ERR_OK;
}

static enum err field_member(struct walk *w, const struct entity *entity, const struct json *in,
                             int depth, const struct expr **out)
{
    struct leaf leaf;
    const struct expr *all;
    enum err e = resolve(w, entity, in->key, &leaf);
    if (!e)
        e = condition(w, &leaf, in, depth, &all);
    if (!e)
        *out = expr_and(w->ctx->arena, leaf.only[0], all);
    return e;
}

/* --- exists --- */

bool filter_relation(const struct model *model, const struct entity *entity, struct slice relation,
                     struct entity_ref *out)
{
    struct slice field = relation, from = slice_split(&field, '.');
    bool is_found = false;
    for (int i = 0; i < entity->referrers_count; i++) {
        const struct entity_ref ref = model_referrer(model, entity, i);
        if (!slice_is(from, ref.from->name) || (field.len && !slice_is(field, ref.field->name)))
            continue;
        if (is_found)
            return false;
        is_found = true;
        *out = ref;
    }
    return is_found;
}

static enum err relation(struct walk *w, const struct entity *entity, const struct json *in,
                         int depth, const struct expr **out)
{
    struct entity_ref ref;
    bool is_known = filter_relation(w->ctx->model, entity, in->key, &ref);
    const struct expr *where, *rows = NULL, *only = NULL;
    if (!is_known || ref.field->type->kind != KIND_REF)
        return complain_name(w, "unknown_relation", in->key);
    if (!w->as_rule) {
        enum err e = rights_rows(w->ctx, ref.from, ROLE_READ, false, &rows);
        if (e == ERR_FORBIDDEN)
            return forbid(w, "entity_forbidden", slice_str(ref.from->name));
        if (!e)
            e = may_read(w, ref.from, ref.field, &only);
        if (e)
            return e;
    } else {
        rows = expr_cmp(w->ctx->arena, EXPR_NULL, "deleted_at", value_null());
    }
    w->in_exists = true;
    enum err e = tree(w, ref.from, in, depth + 1, &where);
    w->in_exists = false;
    if (e)
        return e;
    struct expr *exists = expr_new(w->ctx->arena, EXPR_EXISTS);
    exists->sub.table = ref.from->table;
    exists->sub.column = ref.field->column;
    exists->sub.outer.column = "id";
    exists->sub.where = expr_and(w->ctx->arena, expr_and(w->ctx->arena, where, only), rows);
    *out = exists;
    return ERR_OK;
}

static enum err relations(struct walk *w, const struct entity *entity, const struct json *in,
                          int depth, const struct expr **out)
{
    struct group g = group_new(w, EXPR_AND);
    if (in->type != JSON_OBJECT || in->count == 0)
        return complain(w, "not_an_object");
    if (w->in_exists)
        return complain(w, "exists_in_exists");
    json_each(member, in)
    {
        const struct expr *part = NULL;
        size_t from = enter(w, ".", member->key);
        enum err e = relation(w, entity, member, depth, &part);
        if (e)
            return e;
        leave(w, from);
        group_add(w, &g, part);
    }
    *out = group_end(w, &g);
    return ERR_OK;
}

/* --- the tree --- */

static enum err member_of(struct walk *w, const struct entity *entity, const struct json *in,
                          int depth, const struct expr **out)
{
    if (++w->nodes > FILTER_NODES_MAX)
        return complain_max(w, "filter_too_large", FILTER_NODES_MAX);
    if (slice_is(in->key, "and"))
        return many(w, entity, EXPR_AND, in, depth, out);
    if (slice_is(in->key, "or"))
        return many(w, entity, EXPR_OR, in, depth, out);
    if (slice_is(in->key, "exists"))
        return relations(w, entity, in, depth, out);
    if (!slice_is(in->key, "not"))
        return field_member(w, entity, in, depth, out);
    const struct expr *inner;
    enum err e = tree(w, entity, in, depth + 1, &inner);
    if (!e)
        *out = turned(w, inner);
    return e;
}

static enum err tree(struct walk *w, const struct entity *entity, const struct json *in, int depth,
                     const struct expr **out)
{
    struct group g = group_new(w, EXPR_AND);
    if (depth > FILTER_DEPTH_MAX)
        return complain_max(w, "filter_too_deep", FILTER_DEPTH_MAX);
    if (in->type != JSON_OBJECT)
        return complain(w, "not_an_object");
    if (++w->nodes > FILTER_NODES_MAX)
        return complain_max(w, "filter_too_large", FILTER_NODES_MAX);
    json_each(member, in)
    {
        const struct expr *part = NULL;
        size_t from = enter(w, ".", member->key);
        enum err e = member_of(w, entity, member, depth, &part);
        if (e)
            return e;
        leave(w, from);
        group_add(w, &g, part);
    }
    *out = group_end(w, &g);
    return ERR_OK;
}

static void walk_init(struct walk *w, struct ctx *ctx, const struct filter_scope *scope)
{
    w->ctx = ctx;
    w->as_rule = scope->as_rule || ctx->as_system;
    w->in_exists = false;
    w->nodes = 0;
    w->path_len = 0;
    enter(w, "", slice_str(scope->name ? scope->name : "filter"));
}

enum err filter_compile(struct ctx *ctx, const struct filter_scope *scope, const struct json *in,
                        const struct expr **out)
{
    struct walk w;
    ASSERT(ctx && ctx->arena);
    ASSERT(scope->entity);
    if (!in || in->type == JSON_NULL) {
        *out = NULL;
        return ERR_OK;
    }
    walk_init(&w, ctx, scope);
    w.nodes = -1; /* the tree itself costs nothing */
    const struct expr *compiled;
    enum err e = tree(&w, scope->entity, in, 1, &compiled);
    if (!e)
        *out = compiled->op == EXPR_TRUE ? NULL : compiled;
    return e;
}

/* --- paths as joins, for sort and select --- */

static int join_of(struct ctx *ctx, struct filter_joins *joins, const char *path,
                   const struct hop *hop, int from)
{
    for (int i = 0; i < joins->count; i++) {
        if (strcmp(joins->paths[i], path) == 0)
            return i + 1;
    }
    if (joins->count == joins->cap) {
        int cap = joins->cap ? joins->cap * 2 : 4;
        struct query_join *items = arena_array(ctx->arena, struct query_join, (size_t)cap);
        const char **paths = arena_array(ctx->arena, const char *, (size_t)cap);
        for (int i = 0; i < joins->count; i++) {
            items[i] = joins->items[i];
            paths[i] = joins->paths[i];
        }
        *joins = (struct filter_joins){items, joins->count, cap, paths};
    }
    int join = ++joins->count;
    joins->paths[join - 1] = path;
    joins->items[join - 1] = (struct query_join){
        .table = model_ref(ctx->model, hop->field)->table,
        .from = {from, hop->field->column},
        .to = "id",
        .on = expr_rebase(ctx->arena, hop->rows, join),
    };
    return join;
}

enum err filter_path(struct ctx *ctx, const struct filter_scope *scope, struct slice path,
                     const struct field **field, int *join, const struct expr **only_when)
{
    struct walk w;
    struct leaf leaf;
    ASSERT(scope->joins);
    walk_init(&w, ctx, scope);
    enter(&w, ".", path);
    enum err e = resolve(&w, scope->entity, path, &leaf);
    if (e)
        return e;
    const struct expr *only = leaf.only[0];
    const char *name = w.as_rule ? "!" : "";
    int at = 0;
    for (int i = 0; i < leaf.hops_count; i++) {
        name = arena_printf(ctx->arena, "%s.%s", name, leaf.hops[i].field->name);
        at = join_of(ctx, scope->joins, name, &leaf.hops[i], at);
        only = expr_and(ctx->arena, only, expr_rebase(ctx->arena, leaf.only[i + 1], at));
    }
    *field = leaf.field;
    *join = at;
    *only_when = only;
    return ERR_OK;
}

/* --- the short form --- */

/* A value of a query string: what JSON would make of it, else text. */
static struct json *short_value(struct ctx *ctx, const struct field *field, enum filter_op op,
                                struct slice value)
{
    int64_t n;
    bool counted = op == FILTER_LAST_DAYS || op == FILTER_NEXT_DAYS;
    bool flag = op == FILTER_NULL || (op >= FILTER_YESTERDAY && op < FILTER_OPS_COUNT);
    enum field_kind kind = field ? field_result_type(field)->kind : KIND_TEXT;
    if (slice_is(value, "null"))
        return json_new(ctx->arena, JSON_NULL);
    if ((flag || kind == KIND_BOOL) && (slice_is(value, "true") || slice_is(value, "1")))
        return json_new_bool(ctx->arena, true);
    if ((flag || kind == KIND_BOOL) && (slice_is(value, "false") || slice_is(value, "0")))
        return json_new_bool(ctx->arena, false);
    if ((counted || kind == KIND_INT) && slice_to_int(value, &n))
        return json_new_int(ctx->arena, n);
    return json_new_str(ctx->arena, arena_slice(ctx->arena, value));
}

static struct json *short_list(struct ctx *ctx, const struct field *field, struct slice value)
{
    struct json *list = json_new(ctx->arena, JSON_ARRAY);
    while (value.len > 0)
        json_add(ctx->arena, list, NULL,
                 short_value(ctx, field, FILTER_EQ, slice_split(&value, ',')));
    return list;
}

/* The field at the end of a path, without rights: only its kind is asked. */
static const struct field *short_field(const struct model *model, const struct entity *entity,
                                       struct slice path)
{
    const struct field *field = NULL;
    while (entity && path.len > 0) {
        field = entity_field(entity, slice_split(&path, '.'));
        entity = field ? model_ref(model, field) : NULL;
    }
    return field;
}

enum err filter_short(struct ctx *ctx, const struct entity *entity, struct slice name,
                      struct slice value, struct json *into)
{
    struct slice key = name, word = SLICE("");
    enum filter_op op = FILTER_EQ;
    ASSERT(into->type == JSON_OBJECT);
    ptrdiff_t open = slice_find(name, SLICE("["));
    if (open >= 0) {
        if (name.at[name.len - 1] != ']')
            return err_field(&ctx->err, arena_str(ctx->arena, name), "unknown_operator", NULL);
        key = slice_of(name.at, (size_t)open);
        word = slice_of(name.at + open + 1, name.len - (size_t)open - 2);
        if (!find_operator(word, &op))
            return err_field(&ctx->err, arena_str(ctx->arena, name), "unknown_operator", NULL);
    }
    const struct field *field = short_field(ctx->model, entity, key);
    bool list = op == FILTER_IN || op == FILTER_NIN || op == FILTER_BETWEEN;
    struct json *operand =
        list ? short_list(ctx, field, value) : short_value(ctx, field, op, value);
    struct json *ops = (struct json *)json_get_slice(into, key);
    if (!ops) {
        ops = json_new(ctx->arena, JSON_OBJECT);
        json_add(ctx->arena, into, arena_str(ctx->arena, key), ops);
    }
    const char *op_name = word.len ? arena_str(ctx->arena, word) : "eq";
    if (json_get(ops, op_name))
        return err_field(&ctx->err, arena_str(ctx->arena, name), "given_twice", NULL);
    json_add(ctx->arena, ops, op_name, operand);
    return ERR_OK;
}
