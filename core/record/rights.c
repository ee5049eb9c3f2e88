/* rights - the one place that decides what an actor may see and do.
 *
 * A role's row rule is a filter tree; the words own, team, department and subtree are trees too, so
 * the same rule is compiled for the store and asked of a record in memory. The wider words include
 * what is mine: somebody without a team still sees the own records. Entities without an owner count
 * as their creator's; a user is the own record of that user. "parent" asks the record that the
 * entity's reference to its parent names: reading a line takes reading its contract, whatever else
 * is done with it takes changing the contract.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/rights.h"

#include "auth/actor.h"
#include "base/limits.h"
#include "record/filter.h"
#include "record/model.h"

struct rule {
    const struct role_grant *grant;
    const struct json *tree; /* NULL = every row */
    bool by_parent;          /* what the parent's own rules say, instead of a tree */
    const struct expr *expr; /* compiled on first use */
    bool is_compiled;
};

struct rights {
    struct ctx *ctx;
    const struct entity *entity;
    enum role_action action;
    bool all;    /* the core itself: nothing is asked */
    int parents; /* how many records above the one that was asked about */
    struct rule rules[ROLES_PER_USER_MAX];
    int count;
    struct rights
        *within; /* of a preview: those of who looks; both have to let something through */
};

/* --- words --- */

/* What stands for the owner, team and department of a record of this entity. */
struct holder {
    const char *owner, *team, *department;
};

static struct holder holder_of(const struct entity *entity)
{
    if (entity->is_system && strcmp(entity->name, "user") == 0)
        return (struct holder){"id", "team", "department"};
    if (entity->is_system && strcmp(entity->name, "team") == 0)
        return (struct holder){"lead", "id", NULL};
    if (entity->is_system && strcmp(entity->name, "department") == 0)
        return (struct holder){"head", NULL, "id"};
    if (entity->has_owner)
        return (struct holder){"owner", "team", "department"};
    return (struct holder){"created_by", "created_by.team", "created_by.department"};
}

static struct json *equals(struct arena *arena, const char *field, const char *variable)
{
    struct json *tree = json_new(arena, JSON_OBJECT);
    json_add(arena, tree, field, json_new_str(arena, slice_str(variable)));
    return tree;
}

static const struct json *word_tree(struct arena *arena, const struct entity *entity,
                                    struct slice word)
{
    struct holder holder = holder_of(entity);
    const char *field = NULL, *variable = NULL;
    if (slice_is(word, "team")) {
        field = holder.team;
        variable = "$my_team";
    } else if (slice_is(word, "department") || slice_is(word, "subtree")) {
        field = holder.department;
        variable = slice_is(word, "subtree") ? "$my_subtree" : "$my_department";
    } else if (!slice_is(word, "own")) {
        return NULL;
    }
    struct json *mine = equals(arena, holder.owner, "$me");
    if (!field)
        return mine;
    struct json *tree = json_new(arena, JSON_OBJECT), *any = json_new(arena, JSON_ARRAY);
    json_add(arena, any, NULL, mine);
    json_add(arena, any, NULL, equals(arena, field, variable));
    json_add(arena, tree, "or", any);
    return tree;
}

/* False when the rule grants nothing. *tree NULL = every row. */
static bool rule_tree(struct arena *arena, const struct entity *entity, const struct json *rule,
                      const struct json **tree)
{
    *tree = NULL;
    if (!rule)
        return false;
    switch (rule->type) {
    case JSON_BOOL:
        return rule->boolean;
    case JSON_STRING:
        if (slice_is(rule->text, "all"))
            return true;
        *tree = word_tree(arena, entity, rule->text);
        return *tree != NULL;
    case JSON_OBJECT:
        *tree = rule;
        return true;
    default:
        return false;
    }
}

static bool is_parent_word(const struct json *rule)
{
    return rule && rule->type == JSON_STRING && slice_is(rule->text, "parent");
}

/* --- scopes of API keys --- */

static bool scope_covers(struct slice scope, const char *entity, const char *action)
{
    struct slice word = scope, name = slice_split(&word, ':');
    if (slice_is(scope, "*"))
        return true;
    return (slice_is(name, entity) || slice_is(name, "*")) &&
           (slice_is(word, action) || slice_is(word, "*"));
}

static bool scopes_allow(const struct actor *actor, const char *entity, const char *action)
{
    if (!actor->scopes)
        return true;
    json_each(scope, actor->scopes)
    {
        if (scope->type == JSON_STRING && scope_covers(scope->text, entity, action))
            return true;
    }
    return false;
}

/* --- the rules of one action --- */

/* Exporting and unmasking are reading too. */
static bool is_read(enum role_action action)
{
    return action == ROLE_READ || action == ROLE_EXPORT || action == ROLE_UNMASK;
}

static enum err forbid(struct ctx *ctx, const struct entity *entity, enum role_action action)
{
    ctx->err.detail =
        arena_printf(ctx->arena, "no %s on %s", role_action_name(action), entity->name);
    return ERR_FORBIDDEN;
}

/* What belongs to one person alone: neither a role nor its absence changes that. */
static bool collect_own(struct rights *rights)
{
    static const struct role_grant owns = {.entity = "*"};
    enum role_action action = rights->action;
    if (action != ROLE_READ && action != ROLE_UPDATE && action != ROLE_DELETE)
        return false;
    rights->rules[rights->count++] = (struct rule){
        .grant = &owns, .tree = word_tree(rights->ctx->arena, rights->entity, SLICE("own"))};
    return true;
}

static enum err collect(struct rights *rights)
{
    struct ctx *ctx = rights->ctx;
    const struct actor *actor = ctx->actor;
    const char *name = rights->entity->name;
    rights->all = ctx->as_system;
    if (rights->all)
        return ERR_OK;
    /* A key is let in by its scopes for what it asks for, not for what stands above it. */
    if (!actor ||
        (!rights->parents && !scopes_allow(actor, name, role_action_name(rights->action))))
        return forbid(ctx, rights->entity, rights->action);
    if (rights->entity->is_private)
        return collect_own(rights) ? ERR_OK : forbid(ctx, rights->entity, rights->action);
    for (int i = 0; i < actor->roles_count && rights->count < ROLES_PER_USER_MAX; i++) {
        const struct role_grant *grant = role_grant_of(actor->roles[i], name);
        const struct json *tree = NULL, *rule = grant ? grant->rules[rights->action] : NULL;
        bool by_parent = is_parent_word(rule) && rights->entity->parent;
        if (!by_parent && !rule_tree(ctx->arena, rights->entity, rule, &tree))
            continue;
        rights->rules[rights->count++] =
            (struct rule){.grant = grant, .tree = tree, .by_parent = by_parent};
    }
    return rights->count ? ERR_OK : forbid(ctx, rights->entity, rights->action);
}

/* The same request as who looks at a preview would make it. */
static struct ctx *outer_of(struct ctx *ctx)
{
    struct ctx *outer = arena_make(ctx->arena, struct ctx);
    *outer = *ctx;
    outer->actor = ctx->actor->within;
    return outer;
}

static enum err make(struct ctx *ctx, const struct entity *entity, enum role_action action,
                     int parents, struct rights **out)
{
    struct rights *rights = arena_make(ctx->arena, struct rights);
    rights->ctx = ctx;
    rights->entity = entity;
    rights->action = action;
    rights->parents = parents;
    enum err e = collect(rights);
    if (!e && !rights->all && ctx->actor->within) {
        struct ctx *outer = outer_of(ctx);
        e = make(outer, entity, action, parents, &rights->within);
        ctx->err = outer->err;
    }
    if (!e)
        *out = rights;
    return e;
}

enum err rights_make(struct ctx *ctx, const struct entity *entity, enum role_action action,
                     struct rights **out)
{
    ASSERT(ctx && ctx->arena);
    ASSERT(entity);
    return make(ctx, entity, action, 0, out);
}

/* The rows whose parent is there and lets the actor do what this action takes. */
static enum err parent_rows(struct rights *rights, const struct expr **out)
{
    struct ctx *ctx = rights->ctx;
    struct rights *above;
    const struct expr *rows = NULL;
    const struct field *field = entity_field(rights->entity, slice_str(rights->entity->parent));
    enum role_action action = is_read(rights->action) ? ROLE_READ : ROLE_UPDATE;
    ASSERT(field && field->ref_at);
    ASSERT(rights->parents < RIGHTS_PARENTS_MAX); /* the model says so */
    const struct entity *parent = model_ref(ctx->model, field);
    enum err e = make(ctx, parent, action, rights->parents + 1, &above);
    if (e == ERR_FORBIDDEN) {
        err_info_clear(&ctx->err);
        *out = expr_new(ctx->arena, EXPR_FALSE);
        return ERR_OK;
    }
    if (!e)
        e = rights_make_rows(above, false, &rows);
    if (e)
        return e;
    struct expr *exists = expr_new(ctx->arena, EXPR_EXISTS);
    exists->sub.table = parent->table;
    exists->sub.column = "id";
    exists->sub.outer.column = field->column;
    exists->sub.where = rows;
    *out = exists;
    return ERR_OK;
}

static enum err compile(struct rights *rights, struct rule *rule)
{
    struct filter_scope scope = {.entity = rights->entity, .as_rule = true, .name = "rule"};
    if (rule->is_compiled || (!rule->tree && !rule->by_parent))
        return ERR_OK;
    if (rule->by_parent) {
        enum err e = parent_rows(rights, &rule->expr);
        rule->is_compiled = !e;
        return e;
    }
    enum err e = filter_compile(rights->ctx, &scope, rule->tree, &rule->expr);
    rule->is_compiled = !e;
    return e == ERR_VALIDATION ? ERR_INTERNAL : e; /* a role that does not fit the model */
}

/* The rows of the rules for which `wanted` holds; *all when one of them takes every row. */
static enum err any_rule(struct rights *rights, const bool *wanted, bool *all,
                         const struct expr **out)
{
    const struct expr *any = NULL;
    *all = false;
    for (int i = 0; i < rights->count; i++) {
        struct rule *rule = &rights->rules[i];
        if (wanted && !wanted[i])
            continue;
        enum err e = compile(rights, rule);
        if (e)
            return e;
        if (!rule->expr) {
            *all = true;
            *out = NULL;
            return ERR_OK;
        }
        any = expr_or(rights->ctx->arena, any, rule->expr);
    }
    *out = any;
    return ERR_OK;
}

enum err rights_make_rows(struct rights *rights, bool with_deleted, const struct expr **out)
{
    struct arena *arena = rights->ctx->arena;
    const struct expr *rows = NULL, *live = NULL;
    bool all = true;
    if (!rights->all) {
        enum err e = any_rule(rights, NULL, &all, &rows);
        if (e)
            return e;
    }
    if (rights->within) {
        const struct expr *outer;
        enum err e = rights_make_rows(rights->within, true, &outer);
        if (e)
            return e;
        rows = expr_and(arena, rows, outer);
    }
    if (!with_deleted)
        live = expr_cmp(arena, EXPR_NULL, rights->entity->columns[SLOT_DELETED_AT], value_null());
    *out = expr_and(arena, live, rows);
    return ERR_OK;
}

/* --- fields --- */

/* Without these a record cannot be named or changed. */
static bool is_identity(const struct field *field)
{
    return field->slot == SLOT_ID || field->slot == SLOT_VERSION;
}

static enum role_access access_of(const struct rule *rule, const struct field *field)
{
    enum role_access access = role_field_access(rule->grant, field->name);
    return access == ROLE_NONE && is_identity(field) ? ROLE_READ_ONLY : access;
}

static enum role_access highest(const struct rights *rights, const struct field *field)
{
    enum role_access most = ROLE_NONE;
    for (int i = 0; i < rights->count; i++) {
        enum role_access access = access_of(&rights->rules[i], field);
        most = access > most ? access : most;
    }
    return most;
}

enum role_access rights_access(const struct rights *rights, const struct field *field)
{
    return rights->all ? ROLE_WRITE : highest(rights, field);
}

static enum err add_hidden_when(struct rights *rights, const struct field *field,
                                struct rights_field *out)
{
    struct filter_scope scope = {.entity = rights->entity, .as_rule = true, .name = "hidden_when"};
    const struct expr *hidden;
    if (!field->hidden_when || !is_read(rights->action))
        return ERR_OK;
    enum err e = filter_compile(rights->ctx, &scope, field->hidden_when, &hidden);
    if (e)
        return e == ERR_VALIDATION ? ERR_INTERNAL : e;
    const struct expr *shown =
        hidden ? expr_not(rights->ctx->arena, hidden) : expr_new(rights->ctx->arena, EXPR_FALSE);
    out->only_when = expr_and(rights->ctx->arena, out->only_when, shown);
    return ERR_OK;
}

/* Where all matching roles agree nothing has to be asked of the row. */
enum err rights_make_field(struct rights *rights, const struct field *field,
                           struct rights_field *out)
{
    bool granting[ROLES_PER_USER_MAX];
    bool differ = false, all = false;
    struct rights_field right = {ROLE_WRITE, NULL};
    if (rights->all) {
        *out = right;
        return ERR_OK;
    }
    right.access = highest(rights, field);
    enum role_access needed = is_read(rights->action) ? ROLE_READ_ONLY : right.access;
    for (int i = 0; i < rights->count; i++) {
        granting[i] = access_of(&rights->rules[i], field) >= needed;
        differ |= !granting[i];
    }
    if (right.access != ROLE_NONE && differ) {
        enum err e = any_rule(rights, granting, &all, &right.only_when);
        if (e)
            return e;
    }
    if (right.access != ROLE_NONE) {
        enum err e = add_hidden_when(rights, field, &right);
        if (e)
            return e;
    }
    if (rights->within) {
        struct rights_field outer;
        enum err e = rights_make_field(rights->within, field, &outer);
        if (e)
            return e;
        right.access = outer.access < right.access ? outer.access : right.access;
        right.only_when = expr_and(rights->ctx->arena, right.only_when, outer.only_when);
    }
    *out = right;
    return ERR_OK;
}

/* --- single questions --- */

enum err rights_action(struct ctx *ctx, const struct entity *entity, enum role_action action)
{
    struct rights *rights;
    return rights_make(ctx, entity, action, &rights);
}

enum err rights_rows(struct ctx *ctx, const struct entity *entity, enum role_action action,
                     bool with_deleted, const struct expr **out)
{
    struct rights *rights;
    enum err e = rights_make(ctx, entity, action, &rights);
    return e ? e : rights_make_rows(rights, with_deleted, out);
}

enum err rights_field(struct ctx *ctx, const struct entity *entity, const struct field *field,
                      enum role_action action, struct rights_field *out)
{
    struct rights *rights;
    enum err e = rights_make(ctx, entity, action, &rights);
    return e ? e : rights_make_field(rights, field, out);
}

enum err rights_matches(struct ctx *ctx, const struct entity *entity, enum role_action action,
                        const struct value *values, bool *out)
{
    struct rights *rights;
    const struct expr *rows;
    enum err e = rights_make(ctx, entity, action, &rights);
    if (!e)
        e = rights_make_rows(rights, true, &rows);
    return e ? e : filter_matches_expr(ctx, entity, rows, values, out);
}

enum err rights_field_on(struct ctx *ctx, const struct entity *entity, const struct field *field,
                         enum role_action action, const struct value *values, enum role_access *out)
{
    struct rights *rights;
    struct rights_field right;
    bool matches = true;
    enum err e = rights_make(ctx, entity, action, &rights);
    if (!e)
        e = rights_make_field(rights, field, &right);
    if (!e)
        e = filter_matches_expr(ctx, entity, right.only_when, values, &matches);
    if (e)
        return e;
    if (matches)
        *out = right.access;
    else
        *out = right.access == ROLE_WRITE && !is_read(action) ? ROLE_READ_ONLY : ROLE_NONE;
    return ERR_OK;
}

/* "pick" is whoever's of that name; "acme.yard:pick" only that plugin's. */
static bool is_operation(struct slice granted, const char *operation, const char *plugin)
{
    struct slice name = granted, owner = slice_split(&name, ':');

    if (owner.len == granted.len)
        return slice_is(granted, operation);
    return plugin && slice_is(owner, plugin) && slice_is(name, operation);
}

bool rights_operation(struct ctx *ctx, const struct entity *entity, const char *operation,
                      const char *plugin)
{
    const struct actor *actor = ctx->actor;
    if (ctx->as_system)
        return true;
    if (!actor || entity->is_private || !scopes_allow(actor, entity->name, operation))
        return false;
    if (actor->within && !rights_operation(outer_of(ctx), entity, operation, plugin))
        return false;
    for (int i = 0; i < actor->roles_count; i++) {
        const struct role_grant *grant = role_grant_of(actor->roles[i], entity->name);
        if (!grant || !grant->actions)
            continue;
        if (grant->actions->type == JSON_BOOL && grant->actions->boolean)
            return true;
        json_each(name, grant->actions)
        {
            if (name->type == JSON_STRING && is_operation(name->text, operation, plugin))
                return true;
        }
    }
    return false;
}
