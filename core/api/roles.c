/* roles - the roles of plugins, and those the company makes beside or in place of them.
 *
 * A role of the company has a row in table `role` and goes before the declared one of its name;
 * deleting the row brings that back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/role.h"

#include <stdlib.h>

#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/version.h"
#include "auth/audit.h"
#include "base/jsonschema.h"
#include "base/limits.h"
#include "base/text.h"
#include "record/filter.h"
#include "store/query.h"

#define SUGGEST_DISTANCE 2

/* --- reading ------------------------------------------------------------------------------------
 */

struct own_roles {
    struct arena *arena;
    struct map by_name; /* name → struct role * */
};

static bool take_own(void *arg, const struct store_row *row)
{
    struct own_roles *own = arg;
    const struct json *doc;
    struct role *role;
    struct slice body = arena_slice(own->arena, store_row_bytes(row, 1));
    if (json_parse(own->arena, body, &doc, NULL) || role_parse(own->arena, doc, &role, NULL)) {
        role = arena_make(own->arena, struct role); /* unreadable: it grants nothing */
        map_init(&role->grants, own->arena);
    }
    role->name = arena_str(own->arena, store_row_bytes(row, 0));
    if (!role->label)
        role->label = role->name;
    map_put(&own->by_name, slice_str(role->name), role);
    return true;
}

static enum err own_read(struct call *call, struct own_roles *out)
{
    static const struct query_column columns[] = {{.column = {0, "name"}}, {.column = {0, "body"}}};
    struct query query = {.table = "role", .select = columns, .select_count = 2};
    out->arena = call->ctx->arena;
    map_init(&out->by_name, out->arena);
    return store_read(call->ctx->tenant->store, &query, take_own, out);
}

static enum err count_users(struct call *call, const char *role, int64_t *out)
{
    struct arena *arena = call->ctx->arena;
    const struct expr *where =
        expr_and(arena, expr_cmp(arena, EXPR_NULL, "deleted_at", value_null()),
                 expr_cmp(arena, EXPR_HAS, "roles", value_text(slice_str(role))));
    return store_count(call->ctx->tenant->store, "user", where, COUNT_CAP, out);
}

/* An operation by its name, whoever granted it: a role that is saved is the administrator's word.
 */
static void put_actions(struct buf *out, const struct json *actions)
{
    if (actions->type != JSON_ARRAY) {
        json_put(out, actions);
        return;
    }
    buf_put_char(out, '[');
    json_each(item, actions)
    {
        struct slice name = item->text, owner = slice_split(&name, ':');
        json_put_comma(out);
        json_put_string(out, owner.len == item->text.len ? owner : name);
    }
    buf_put_char(out, ']');
}

static void put_grant(struct buf *out, const struct role_grant *grant)
{
    buf_put_char(out, '{');
    for (int action = 0; action < ROLE_ACTIONS; action++) {
        if (!grant->rules[action])
            continue;
        json_put_key(out, role_action_name((enum role_action)action));
        json_put(out, grant->rules[action]);
    }
    if (grant->actions) {
        json_put_key(out, "actions");
        put_actions(out, grant->actions);
    }
    if (grant->fields) {
        json_put_key(out, "fields");
        json_put(out, grant->fields);
    }
    buf_put_char(out, '}');
}

static int compare_grants(const void *a, const void *b)
{
    const struct role_grant *one = *(struct role_grant *const *)a;
    const struct role_grant *two = *(struct role_grant *const *)b;
    return strcmp(one->entity, two->entity);
}

static void put_grants(struct call *call, struct buf *out, const struct role *role)
{
    struct role_grant **grants =
        arena_array(call->ctx->arena, struct role_grant *, role->grants.count + 1);
    size_t at = 0, count = 0;
    struct slice key;
    void *grant;
    while (map_next(&role->grants, &at, &key, &grant))
        grants[count++] = grant;
    qsort(grants, count, sizeof(void *), compare_grants);
    json_put_key(out, "grants");
    buf_put_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        json_put_key(out, grants[i]->entity);
        put_grant(out, grants[i]);
    }
    buf_put_char(out, '}');
}

/* What it says, whoever made it and in whatever language it is read. */
static int64_t version(struct call *call, const struct role *role, bool is_own)
{
    struct buf text = BUF_INIT;
    json_put_cstr(&text, role->label);
    json_put_bool(&text, is_own);
    put_grants(call, &text, role);
    if (role->admin)
        json_put(&text, role->admin);
    int64_t result = version_of(buf_slice(&text));
    buf_release(&text);
    return result;
}

/* Of a plugin, or the company's own; one that stands before a plugin's says so. */
static enum err put_role(struct call *call, const struct role *role, bool is_own)
{
    const struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    int64_t users;
    enum err e = count_users(call, role->name, &users);
    if (e)
        return e;
    bool is_declared = map_get(&ctx->model->roles, slice_str(role->name)) != NULL;
    buf_put_char(out, '{');
    json_put_key(out, "name");
    json_put_cstr(out, role->name);
    json_put_key(out, "label");
    json_put_cstr(out, model_text_or(ctx->model, ctx->arena, ctx->lang, "core", role->label, NULL,
                                     role->name));
    json_put_key(out, "source");
    json_put_cstr(out, is_own ? "tenant" : "plugin");
    json_put_key(out, "overrides");
    json_put_bool(out, is_own && is_declared);
    json_put_key(out, "users");
    json_put_int(out, users);
    put_grants(call, out, role);
    json_put_key(out, "admin");
    if (role->admin)
        json_put(out, role->admin);
    else
        buf_put_str(out, "false");
    version_put(out, version(call, role, is_own));
    buf_put_char(out, '}');
    return ERR_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct role *one = *(const struct role *const *)a;
    const struct role *two = *(const struct role *const *)b;
    return strcmp(one->name, two->name);
}

/* Every role by name, the company's own before the declared. */
static const struct role **merged(struct call *call, const struct own_roles *own, size_t *count)
{
    const struct map *declared = &call->ctx->model->roles;
    const struct role **roles = arena_array(call->ctx->arena, const struct role *,
                                            declared->count + own->by_name.count + 1);
    struct slice name;
    void *role;
    size_t n = 0;
    for (size_t at = 0; map_next(&own->by_name, &at, &name, &role);)
        roles[n++] = role;
    for (size_t at = 0; map_next(declared, &at, &name, &role);)
        if (!map_get(&own->by_name, name))
            roles[n++] = role;
    qsort(roles, n, sizeof(void *), compare_names);
    *count = n;
    return roles;
}

/* Whole: a company has few. */
enum err roles_list(struct call *call)
{
    struct own_roles own;
    size_t count;
    enum err e = own_read(call, &own);
    if (e)
        return e;
    const struct role **roles = merged(call, &own, &count);
    page_open(call);
    for (size_t i = 0; i < count && !e; i++) {
        json_put_comma(&call->resp->body);
        e = put_role(call, roles[i], map_get(&own.by_name, slice_str(roles[i]->name)) != NULL);
    }
    page_close(call);
    return e;
}

/* The one that counts; NULL where there is none. */
static const struct role *find(const struct call *call, const struct own_roles *own,
                               struct slice name, bool *is_own)
{
    const struct role *role = map_get(&own->by_name, name);
    *is_own = role != NULL;
    return role ? role : map_get(&call->ctx->model->roles, name);
}

static enum err answer(struct call *call, struct slice name)
{
    struct own_roles own;
    bool is_own;
    enum err e = own_read(call, &own);
    if (e)
        return e;
    const struct role *role = find(call, &own, name, &is_own);
    if (!role)
        return ERR_NOT_FOUND;
    version_tag(call, role->name, version(call, role, is_own));
    return put_role(call, role, is_own);
}

/* Nobody has changed it since who asks has read it. */
static enum err check_version(struct call *call, const struct own_roles *own, struct slice name)
{
    bool is_own;
    const struct role *role = find(call, own, name, &is_own);
    return version_check(call, arena_str(call->ctx->arena, name),
                         role ? version(call, role, is_own) : 0);
}

enum err roles_get(struct call *call)
{
    return answer(call, call_param(call, 0));
}

/* --- checking a document ------------------------------------------------------------------------
 */

/* "/grants/lead/read" → "grants.lead.read". */
static const char *dotted(struct arena *arena, const char *pointer)
{
    char *path = arena_strdup(arena, *pointer == '/' ? pointer + 1 : pointer);
    for (char *at = path; *at; at++)
        if (*at == '/')
            *at = '.';
    return path;
}

static enum err check_shape(struct call *call, const struct json *doc)
{
    struct arena *arena = call->ctx->arena;
    const struct json *schema;
    const char *path = arena_printf(arena, "%s/schemas/role.schema.json", call->app->config->home);
    const char *why = NULL;
    enum err e = json_load(arena, path, &schema, &why);
    if (e) {
        call->ctx->err.detail = why;
        return ERR_INTERNAL;
    }
    const struct jsonschema_fault *fault = jsonschema_check(arena, schema, doc);
    for (; fault; fault = fault->next)
        body_say(call, dotted(arena, fault->pointer), "bad_role", fault->what);
    return body_done(call);
}

static void suggest(struct slice wanted, const char *name, const char **best, int *least)
{
    int distance = text_distance(wanted, slice_str(name), SUGGEST_DISTANCE);
    if (distance < *least) {
        *least = distance;
        *best = name;
    }
}

static void complain(struct call *call, const char *place, const char *code, const char *best)
{
    if (best)
        body_bad(call, place, code, "\"suggestion\":\"%s\"", best);
    else
        body_bad(call, place, code, NULL);
}

static void check_fields(struct call *call, const struct entity *entity, const struct json *fields,
                         const char *place)
{
    json_each(access, fields)
    {
        const char *best = NULL;
        int least = SUGGEST_DISTANCE + 1;
        if (slice_is(access->key, "*") || entity_field(entity, access->key))
            continue;
        for (int i = 0; i < entity->fields_count; i++)
            suggest(access->key, entity->fields[i]->name, &best, &least);
        complain(
            call,
            arena_printf(call->ctx->arena, "%s.fields." SLICE_FMT, place, SLICE_ARG(access->key)),
            "unknown_field", best);
    }
}

/* Conditions are compiled as they will be: what does not fit is told with its place. */
static enum err check_rules(struct call *call, const struct entity *entity,
                            const struct json *grant, const char *place)
{
    for (int action = 0; action < ROLE_ACTIONS; action++) {
        const char *word = role_action_name((enum role_action)action);
        const struct json *rule = json_get(grant, word);
        const struct expr *compiled;
        if (!rule || rule->type != JSON_OBJECT)
            continue;
        struct filter_scope scope = {.entity = entity,
                                     .as_rule = true,
                                     .name = arena_printf(call->ctx->arena, "%s.%s", place, word)};
        enum err e = filter_compile(call->ctx, &scope, rule, &compiled);
        if (e && e != ERR_VALIDATION)
            return e;
    }
    return ERR_OK;
}

static enum err check_grant(struct call *call, const struct json *grant)
{
    const struct model *model = call->ctx->model;
    const struct entity *entity = model_entity(model, grant->key);
    const char *best = NULL;
    int least = SUGGEST_DISTANCE + 1;
    const char *place = arena_printf(call->ctx->arena, "grants." SLICE_FMT, SLICE_ARG(grant->key));
    if (slice_is(grant->key, "*")) {
        const struct json *fields = json_get(grant, "fields");
        if (fields && fields->count > (json_get(fields, "*") != NULL))
            body_bad(call, arena_printf(call->ctx->arena, "%s.fields", place), "unknown_field",
                     NULL);
        return ERR_OK;
    }
    if (entity) {
        check_fields(call, entity, json_get(grant, "fields"), place);
        return check_rules(call, entity, grant, place);
    }
    for (int i = 0; i < model->entities_count; i++)
        suggest(grant->key, model->entity_list[i]->name, &best, &least);
    complain(call, place, "unknown_entity", best);
    return ERR_OK;
}

static enum err check_role(struct call *call, const struct json *doc)
{
    enum err e = check_shape(call, doc);
    json_each(grant, e ? NULL : json_get(doc, "grants"))
    {
        enum err one = check_grant(call, grant);
        e = e ? e : one;
    }
    if (e)
        return e;
    const struct json *admin = json_get(doc, "admin");
    int at = 0;
    json_each(area, admin && admin->type == JSON_ARRAY ? admin : NULL)
    {
        if (!admin_area_is_known(area->text))
            body_bad(call, arena_printf(call->ctx->arena, "admin[%d]", at), "unknown_area", NULL);
        at++;
    }
    return body_done(call);
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* The body with the name of the path, which it may repeat; "admin": false is as if it were absent.
 */
static const struct json *document(struct call *call, struct slice name)
{
    struct arena *arena = call->ctx->arena;
    struct json *doc = json_new(arena, JSON_OBJECT);
    json_add(arena, doc, "name", json_new_str(arena, name));
    json_each(member, call->body)
    {
        bool is_off =
            slice_is(member->key, "admin") && member->type == JSON_BOOL && !member->boolean;
        if (slice_is(member->key, "name")) {
            if (!slice_eq(member->text, name))
                body_bad(call, "name", "read_only", NULL);
        } else if (!is_off && member->type != JSON_NULL && !slice_is(member->key, "version")) {
            json_add(arena, doc, arena_str(arena, member->key), json_copy(arena, member));
        }
    }
    return doc;
}

static enum err store_role(struct call *call, const char *name, const struct json *doc)
{
    struct tenant *tenant = call->ctx->tenant;
    const char *text = body_json(call->ctx->arena, doc);
    struct store_set sets[] = {
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "body", .value = value_text(slice_str(text))},
        {.column = "updated_at", .value = value_int(call->ctx->now_ms)},
    };
    enum err e = store_put(tenant->store, "role", sets, 3);
    if (!e)
        e = store_header_bump(tenant->store, false, true);
    return e ? e : audit_put(call->ctx, "role.put", NULL, 0, text);
}

enum err roles_put(struct call *call)
{
    static const char *const members[] = {"name", "label", "grants", "admin", "version", NULL};
    const struct json *body;
    struct own_roles own;
    struct slice name = call_param(call, 0);
    bool admin = false;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = own_read(call, &own);
    if (!e)
        e = check_version(call, &own, name);
    if (e)
        return e;
    bool is_new = !map_get(&own.by_name, name);
    if (is_new && own.by_name.count >= ROLES_PER_TENANT_MAX)
        return err_field(&call->ctx->err, "name", "too_many",
                         arena_printf(call->ctx->arena, "{\"max\":%d}", ROLES_PER_TENANT_MAX));
    const struct json *doc = document(call, name);
    e = check_role(call, doc);
    if (!e)
        e = admin_exists(call, &admin);
    if (!e)
        e = store_role(call, arena_str(call->ctx->arena, name), doc);
    if (!e)
        e = admin_remains(call, admin);
    if (!e)
        e = answer(call, name);
    if (!e && is_new)
        call->resp->status = 201;
    return e;
}

static enum err role_drop(struct call *call, const char *name)
{
    struct arena *arena = call->ctx->arena;
    struct tenant *tenant = call->ctx->tenant;
    struct buf detail = BUF_INIT;
    enum err e = store_delete(tenant->store, "role",
                              expr_cmp(arena, EXPR_EQ, "name", value_text(slice_str(name))), NULL);
    if (!e)
        e = store_header_bump(tenant->store, false, true);
    buf_put_str(&detail, "{\"name\":");
    json_put_cstr(&detail, name);
    buf_put_char(&detail, '}');
    if (!e)
        e = audit_put(call->ctx, "role.delete", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

/* A plugin's role cannot be deleted; one that stands before it can, its users keep the plugin's. */
enum err roles_delete(struct call *call)
{
    struct own_roles own;
    struct slice name = call_param(call, 0);
    int64_t users = 0;
    bool admin = false;
    enum err e = own_read(call, &own);
    if (e)
        return e;
    const struct role *role = map_get(&own.by_name, name);
    const struct role *declared = map_get(&call->ctx->model->roles, name);
    if (!role)
        return declared ? admin_refuse(call, ERR_CONFLICT, "role_of_plugin", NULL) : ERR_NOT_FOUND;
    e = check_version(call, &own, name);
    if (!e && !declared)
        e = count_users(call, role->name, &users);
    if (!e && users) {
        call->ctx->err.extra = arena_printf(call->ctx->arena, "\"users\":%lld", (long long)users);
        e = admin_refuse(call, ERR_CONFLICT, "role_in_use",
                         arena_printf(call->ctx->arena, "{%s}", call->ctx->err.extra));
    }
    if (!e)
        e = admin_exists(call, &admin);
    if (!e)
        e = role_drop(call, role->name);
    if (!e)
        e = admin_remains(call, admin);
    if (!e)
        call->resp->status = 204;
    return e;
}
