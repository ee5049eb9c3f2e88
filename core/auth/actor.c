/* actor - loading and caching of users as they act.
 *
 * The cache is a row of generations, one arena each. The first one serves; when a version has moved
 * a new one is begun, and the old ones are dropped once no request can still hold them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"

#include <stdlib.h>
#include <string.h>

#include "auth/row.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

struct generation {
    struct arena *arena;
    struct generation *older;
    int64_t auth_version, model_version;
    int64_t model_serial;
    int64_t retired_at_us; /* when a newer one took over */
    struct map actors;     /* id (8 bytes) → struct actor * */
    struct map roles;      /* name → struct role *, tenant-made ones */
    bool roles_read;
    struct policy policy;
    bool policy_read;
};

struct actors {
    struct generation *newest;
};

static actor_role_cb role_source; /* set once, before the first request */

void actor_role_source(actor_role_cb find)
{
    role_source = find;
}

/* --- generations --- */

static void generations_free(struct generation *generation)
{
    while (generation) {
        struct generation *older = generation->older;
        arena_free(generation->arena); /* it lives in its own arena */
        generation = older;
    }
}

static void actors_free(void *cache)
{
    struct actors *actors = cache;
    generations_free(actors->newest);
    free(actors);
}

static struct generation *generation_new(const struct tenant *tenant, struct generation *older)
{
    struct arena *arena = arena_new_small();
    struct generation *generation = arena_make(arena, struct generation);
    generation->arena = arena;
    generation->older = older;
    generation->auth_version = tenant->header.auth_version;
    generation->model_version = tenant->header.model_version;
    generation->model_serial = tenant->model_serial;
    map_init(&generation->actors, arena);
    map_init(&generation->roles, arena);
    return generation;
}

/* Drops what has been retired for long enough; the list is in order of retirement. */
static void generations_trim(struct generation *newest)
{
    int64_t now = clock_mono_us();
    for (struct generation *g = newest; g->older; g = g->older) {
        if (now - g->older->retired_at_us < ACTORS_KEEP_MS * 1000LL)
            continue;
        generations_free(g->older);
        g->older = NULL;
        return;
    }
}

static struct generation *generation_now(struct tenant *tenant)
{
    struct actors *actors = tenant->cache;
    if (!actors) {
        actors = calloc(1, sizeof *actors);
        ASSERT_MEMORY(actors);
        tenant->cache = actors;
        tenant->cache_free = actors_free;
    }
    struct generation *g = actors->newest;
    if (g && g->auth_version == tenant->header.auth_version &&
        g->model_version == tenant->header.model_version && g->model_serial == tenant->model_serial)
        return g;
    if (g)
        g->retired_at_us = clock_mono_us();
    actors->newest = generation_new(tenant, g);
    generations_trim(actors->newest);
    return actors->newest;
}

/* --- roles --- */

struct roles_read {
    struct generation *generation;
    const char *tenant;
};

static bool take_role(void *arg, const struct store_row *row)
{
    struct roles_read *read = arg;
    struct generation *g = read->generation;
    const struct json *doc;
    const char *why = "";
    struct role *role;
    enum err e = json_parse(g->arena, arena_slice(g->arena, store_row_bytes(row, 1)), &doc, &why);
    if (!e)
        e = role_parse(g->arena, doc, &role, &why);
    if (e) {
        /* the declared role of that name must not come back to life: this one grants nothing */
        log_error("tenant %s: role " SLICE_FMT " cannot be read: %s", read->tenant,
                  SLICE_ARG(store_row_bytes(row, 0)), why);
        role = arena_make(g->arena, struct role);
        map_init(&role->grants, g->arena);
    }
    role->name = arena_str(g->arena, store_row_bytes(row, 0));
    if (!role->label)
        role->label = role->name;
    (void)map_put(&g->roles, slice_str(role->name), role);
    return true;
}

static enum err roles_read(struct tenant *tenant, struct generation *g)
{
    static const struct query_column columns[] = {{.column = {0, "name"}}, {.column = {0, "body"}}};
    struct query query = {.table = "role", .select = columns, .select_count = 2};
    struct roles_read read = {g, tenant->name};
    if (g->roles_read)
        return ERR_OK;
    enum err e = store_read(tenant->store, &query, take_role, &read);
    g->roles_read = !e;
    return e;
}

static enum err role_find(struct tenant *tenant, struct generation *g, const char *name,
                          const struct role **out)
{
    enum err e = roles_read(tenant, g);
    if (e)
        return e;
    const struct role *role = map_get(&g->roles, slice_str(name));
    *out = role || !role_source ? role : role_source(tenant, name);
    return ERR_OK;
}

enum err actor_role(struct tenant *tenant, const char *name, const struct role **out)
{
    ASSERT(tenant && name);
    ASSERT(out);
    return role_find(tenant, generation_now(tenant), name, out);
}

static enum err roles_resolve(struct tenant *tenant, struct generation *g, struct slice text,
                              struct actor *actor)
{
    const struct json *names;
    if (json_parse(g->arena, text.len ? text : SLICE("[]"), &names, NULL) ||
        names->type != JSON_ARRAY)
        return ERR_CORRUPT;
    actor->roles = arena_array(g->arena, const struct role *, (size_t)names->count);
    json_each(name, names)
    {
        const struct role *role = NULL;
        if (name->type != JSON_STRING)
            return ERR_CORRUPT;
        enum err e = role_find(tenant, g, name->text.at, &role);
        if (e)
            return e;
        if (role && actor->roles_count < ROLES_PER_USER_MAX)
            actor->roles[actor->roles_count++] = role;
    }
    return ERR_OK;
}

/* --- departments --- */

struct level {
    struct value *ids; /* SUBTREE_IDS_MAX of them */
    int count;
    bool cut;
};

static bool take_id(void *arg, const struct store_row *row)
{
    struct level *found = arg;
    int64_t id = store_row_int(row, 0);
    for (int i = 0; i < found->count; i++)
        if (found->ids[i].integer == id)
            return true; /* a circle of parents must not hang us */
    if (found->count == SUBTREE_IDS_MAX) {
        found->cut = true;
        return false;
    }
    found->ids[found->count++] = value_int(id);
    return true;
}

/* Level by level through `parent`, so it holds whatever state the paths are in. */
static enum err subtree_read(struct tenant *tenant, struct generation *g, struct actor *actor)
{
    if (actor->department == 0)
        return ERR_OK;
    struct level found = {.ids = arena_array(g->arena, struct value, SUBTREE_IDS_MAX)};
    found.ids[found.count++] = value_int(actor->department);
    struct query_column column = {.column = {0, "id"}};
    int from = 0;
    while (from < found.count && !found.cut) {
        struct expr live = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
        struct expr below = {.op = EXPR_IN,
                             .column = {0, "parent"},
                             .next = &live,
                             .values = found.ids + from,
                             .values_count = found.count - from};
        struct expr both = {.op = EXPR_AND, .first = &below};
        struct query query = {
            .table = "department", .select = &column, .select_count = 1, .where = &both};
        from = found.count;
        enum err e = store_read(tenant->store, &query, take_id, &found);
        if (e)
            return e;
    }
    if (found.cut)
        log_warn("tenant %s: department %lld has over %d departments below it; the rest is left "
                 "out",
                 tenant->name, (long long)actor->department, SUBTREE_IDS_MAX);
    int64_t *ids = arena_array(g->arena, int64_t, (size_t)found.count);
    for (int i = 0; i < found.count; i++)
        ids[i] = found.ids[i].integer;
    actor->subtree = ids;
    actor->subtree_count = found.count;
    return ERR_OK;
}

/* --- actors --- */

static enum err actor_read(struct tenant *tenant, struct generation *g, int64_t id,
                           struct actor **out)
{
    static const char *const columns[] = {"team",  "department", "manager",    "login",
                                          "name",  "locale",     "timezone",   "active",
                                          "roles", "mfa",        "password_at"};
    struct value v[11];
    struct expr nodes[3];
    enum err e = row_read(tenant->store, g->arena, "user", columns, 11,
                          row_live(nodes, "id", value_int(id)), v);
    if (e)
        return e;
    struct actor *actor = arena_make(g->arena, struct actor);
    actor->user = id;
    actor->team = v[0].integer;
    actor->department = v[1].integer;
    actor->manager = v[2].integer;
    actor->login = row_text(&v[3]);
    actor->name = row_text(&v[4]);
    actor->locale = row_text(&v[5]);
    actor->timezone = row_text(&v[6]);
    actor->active = v[7].integer != 0;
    actor->has_mfa = v[9].type == VALUE_TEXT && slice_starts(v[9].bytes, SLICE("{\"on\":true"));
    actor->password_at_ms = v[10].integer;
    e = roles_resolve(tenant, g, v[8].bytes, actor);
    if (!e)
        e = subtree_read(tenant, g, actor);
    if (!e)
        *out = actor;
    return e;
}

enum err actor_load(struct tenant *tenant, int64_t id, const struct actor **out)
{
    ASSERT(tenant && out);
    struct generation *g = generation_now(tenant);
    struct slice key = slice_of((const char *)&id, sizeof id);
    struct actor *actor = map_get(&g->actors, key);
    if (!actor) {
        enum err e = actor_read(tenant, g, id, &actor);
        if (e)
            return e;
        (void)map_put(&g->actors, arena_slice(g->arena, key), actor);
    }
    *out = actor;
    return ERR_OK;
}

enum err actor_by_login(struct tenant *tenant, struct slice login, int64_t *id)
{
    ASSERT(tenant && id);
    if (login.len == 0 || login.len > LOGIN_BYTES_MAX || !text_is_utf8(login))
        return ERR_NOT_FOUND;
    static const char *const columns[] = {"id"};
    struct arena *arena = arena_new();
    struct buf folded = BUF_INIT;
    text_fold(&folded, login);
    struct expr nodes[3];
    struct value v;
    enum err e = row_read(tenant->store, arena, "user", columns, 1,
                          row_live(nodes, "login", value_text(buf_slice(&folded))), &v);
    if (!e)
        *id = v.integer;
    buf_release(&folded);
    arena_free(arena);
    return e;
}

enum err actor_policy(struct tenant *tenant, const struct policy **out)
{
    ASSERT(tenant && out);
    struct generation *g = generation_now(tenant);
    if (!g->policy_read) {
        enum err e = policy_load(tenant, &g->policy);
        if (e)
            return e;
        g->policy_read = true;
    }
    *out = &g->policy;
    return ERR_OK;
}

bool actor_is_admin(const struct actor *actor)
{
    ASSERT(actor);
    for (int i = 0; i < actor->roles_count; i++)
        if (actor->roles[i]->admin)
            return true;
    return false;
}

enum err actor_due(struct tenant *tenant, const struct actor *actor, int64_t now_ms,
                   enum actor_due *out)
{
    const struct policy *policy;
    enum err e = actor_policy(tenant, &policy);
    *out = DUE_NOTHING;
    if (e || actor->api_key)
        return e;
    bool must = policy->mfa == MFA_ALL || (policy->mfa == MFA_ADMINS && actor_is_admin(actor));
    if (policy->password_ms && now_ms - actor->password_at_ms >= policy->password_ms)
        *out = DUE_PASSWORD;
    else if (must && !actor->has_mfa)
        *out = DUE_MFA;
    return ERR_OK;
}

const char *actor_due_name(enum actor_due due)
{
    return due == DUE_MFA ? "mfa" : due == DUE_PASSWORD ? "password" : NULL;
}

bool actor_has_role(const struct actor *actor, const char *name)
{
    ASSERT(actor && name);
    for (int i = 0; i < actor->roles_count; i++)
        if (strcmp(actor->roles[i]->name, name) == 0)
            return true;
    return false;
}

/* "entity:action", either part may be "*"; "*" alone is everything. */
static bool scope_covers(struct slice scope, const char *entity, const char *action)
{
    if (slice_is(scope, "*"))
        return true;
    struct slice left = slice_split(&scope, ':');
    return (slice_is(left, "*") || slice_is(left, entity)) &&
           (slice_is(scope, "*") || slice_is(scope, action));
}

bool actor_in_scope(const struct actor *actor, const char *entity, const char *action)
{
    ASSERT(actor);
    ASSERT(entity && action);
    if (!actor->scopes)
        return true;
    json_each(scope, actor->scopes)
    {
        if (scope_covers(scope->text, entity, action))
            return true;
    }
    return false;
}

bool actor_may_admin(const struct actor *actor, const char *area)
{
    ASSERT(actor && area);
    if (!actor_in_scope(actor, "admin", area) ||
        (actor->within && !actor_may_admin(actor->within, area)))
        return false;
    for (int i = 0; i < actor->roles_count; i++)
        if (role_may_admin(actor->roles[i], area))
            return true;
    return false;
}

const struct actor *actor_for_request(struct arena *arena, const struct actor *base,
                                      int64_t session, int64_t api_key, const struct json *scopes)
{
    ASSERT(arena && base);
    ASSERT((session == 0) != (api_key == 0));
    struct actor *actor = arena_make(arena, struct actor);
    *actor = *base;
    actor->session = session;
    actor->api_key = api_key;
    actor->scopes = scopes;
    return actor;
}

const struct actor *actor_for_preview(struct arena *arena, const struct actor *looker,
                                      const struct actor *base, const struct role *role)
{
    ASSERT(looker && !looker->within);
    ASSERT(base && role);
    struct actor *actor = arena_make(arena, struct actor);
    const struct role **roles = arena_array(arena, const struct role *, 1);
    *actor = *base;
    roles[0] = role;
    actor->roles = roles;
    actor->roles_count = 1;
    actor->session = looker->session;
    actor->api_key = looker->api_key;
    actor->scopes = looker->scopes;
    actor->within = looker;
    return actor;
}
