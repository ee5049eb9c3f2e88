/* admin - what administrators may hand out, and that somebody is left who may.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"

#include "api/routes.h"
#include "base/id.h"
#include "store/query.h"

enum err admin_refuse(struct call *call, enum err e, const char *code, const char *args)
{
    call->ctx->err.args = arena_strdup(call->ctx->arena, args);
    return err_say(&call->ctx->err, e, code, "@%s", code);
}

enum err admin_put_person(struct ctx *ctx, const char *key, int64_t user, struct buf *out)
{
    const struct actor *person = NULL;
    char id[ID_TEXT_LEN + 1];
    enum err e = user ? actor_load(ctx->tenant, user, &person) : ERR_OK;
    json_put_key(out, key);
    if (e || !person) {
        buf_put_str(out, "null");
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    id_text(person->user, id);
    buf_printf(out, "{\"id\":\"%s\",\"name\":", id);
    json_put_cstr(out, person->name);
    buf_put_char(out, '}');
    return ERR_OK;
}

bool admin_rights_take(struct call *call)
{
    bool before = call->ctx->as_system;
    call->ctx->as_system = true;
    return before;
}

void admin_rights_give(struct call *call, bool before)
{
    call->ctx->as_system = before;
}

/* Areas that no route of ours asks for by itself. */
static const char *const other_areas[] = {"views", "fields", "webhooks", NULL};

bool admin_area_is_known(struct slice area)
{
    int count;
    const struct route *routes = routes_all(&count);
    for (int i = 0; i < count; i++)
        if (routes[i].area && slice_is(area, routes[i].area))
            return true;
    for (const char *const *other = other_areas; *other; other++)
        if (slice_is(area, *other))
            return true;
    return false;
}

/* --- what may be handed out ---------------------------------------------------------------------
 */

bool admin_covers_role(const struct call *call, const struct role *role)
{
    const struct actor *actor = call->ctx->actor;
    if (!role->admin || call->is_operator)
        return true;
    if (!actor)
        return false;
    if (actor_may_admin(actor, "roles"))
        return true;
    if (role->admin->type == JSON_BOOL)
        return !role->admin->boolean;
    json_each(area, role->admin)
    {
        if (!actor_may_admin(actor, area->text.at))
            return false;
    }
    return true;
}

enum err admin_covers_user(struct call *call, int64_t user)
{
    const struct actor *other;
    enum err e = actor_load(call->ctx->tenant, user, &other);
    if (e)
        return e;
    for (int i = 0; i < other->roles_count; i++)
        if (!admin_covers_role(call, other->roles[i]))
            return admin_refuse(call, ERR_FORBIDDEN, "above_you", NULL);
    return ERR_OK;
}

/* --- that somebody is left ----------------------------------------------------------------------
 */

struct search {
    struct call *call;
    struct map own; /* the tenant's roles: name → the document */
    bool found;
    enum err e;
};

static bool take_role(void *arg, const struct store_row *row)
{
    struct search *s = arg;
    struct arena *arena = s->call->ctx->arena;
    const struct json *doc = NULL;
    struct slice body = arena_slice(arena, store_row_bytes(row, 1));
    if (json_parse(arena, body, &doc, NULL))
        doc = json_new(arena, JSON_OBJECT); /* unreadable: it grants nothing */
    map_put(&s->own, arena_slice(arena, store_row_bytes(row, 0)), (void *)doc);
    return true;
}

static bool is_full(const struct search *s, struct slice name)
{
    const struct json *doc = map_get(&s->own, name);
    if (doc)
        return json_bool(doc, "admin", false);
    const struct role *role = map_get(&s->call->ctx->model->roles, name);
    return role && role->admin && role->admin->type == JSON_BOOL && role->admin->boolean;
}

/* A list of names as it is stored; names hold nothing that JSON escapes. */
static bool take_user(void *arg, const struct store_row *row)
{
    struct search *s = arg;
    struct slice rest = store_row_bytes(row, 0);
    while (rest.len && !s->found) {
        slice_split(&rest, '"');
        struct slice name = slice_split(&rest, '"');
        s->found = name.len && is_full(s, name);
    }
    return !s->found;
}

enum err admin_exists(struct call *call, bool *out)
{
    ASSERT(call->ctx->model);

    static const struct query_column role_columns[] = {{.column = {0, "name"}},
                                                       {.column = {0, "body"}}};
    static const struct query_column user_columns[] = {{.column = {0, "roles"}}};
    struct arena *arena = call->ctx->arena;
    struct store *store = call->ctx->tenant->store;
    struct search s = {.call = call};
    struct query roles = {.table = "role", .select = role_columns, .select_count = 2};
    map_init(&s.own, arena);
    enum err e = store_read(store, &roles, take_role, &s);
    if (e)
        return e;
    const struct expr *live =
        expr_and(arena, expr_cmp(arena, EXPR_NULL, "deleted_at", value_null()),
                 expr_and(arena, expr_cmp(arena, EXPR_NOT_NULL, "password", value_null()),
                          expr_cmp(arena, EXPR_EQ, "active", value_int(1))));
    struct query users = {
        .table = "user", .select = user_columns, .select_count = 1, .where = live};
    e = store_read(store, &users, take_user, &s);
    if (!e)
        *out = s.found;
    return e;
}

enum err admin_remains(struct call *call, bool before)
{
    bool after = true;
    enum err e = before ? admin_exists(call, &after) : ERR_OK;
    if (e)
        return e;
    return after ? ERR_OK : admin_refuse(call, ERR_CONFLICT, "last_admin", NULL);
}
