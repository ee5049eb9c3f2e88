/* users - the accounts of the company, for who administers them.
 *
 * A user is a record of the entity `user`, so a change goes the way of every record (hooks, search,
 * history); what is special stands here: roles, the password, the sessions that a change ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/user.h"

#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "auth/audit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "auth/signin.h"
#include "base/crypto.h"
#include "record/list.h"
#include "record/record.h"
#include "record/rights.h"
#include "store/query.h"

#define USERS "/api/v1/admin/users"

static const struct entity *user_entity(const struct call *call)
{
    const struct entity *entity = model_entity(call->ctx->model, SLICE("user"));
    ASSERT(entity);
    return entity;
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* Logins are kept folded, so they are asked for folded. */
static struct slice login_folded(struct arena *arena, struct slice login)
{
    struct buf b = BUF_INIT;
    user_login_fold(&b, login);
    struct slice folded = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return folded;
}

/* Who administers users and was granted to read them reads by that grant: its rows, its fields, its
 * masks. The area alone shows all of them, because it is there to change all of them. */
static bool reads_as_system(struct call *call)
{
    bool granted =
        call->ctx->actor && rights_action(call->ctx, user_entity(call), ROLE_READ) == ERR_OK;
    err_info_clear(&call->ctx->err);
    return !granted;
}

static enum err list_users(struct call *call)
{
    struct list_query query = {.entity = user_entity(call)};
    enum err e = ERR_OK;
    for (int i = 0; i < call->req->query_count && !e; i++) {
        struct slice name = call->req->query[i].name, value = call->req->query[i].value;
        if (slice_is(name, "login"))
            value = login_folded(call->ctx->arena, value);
        e = list_query_param(call->ctx, &query, name, value);
    }
    return e ? e : list_run(call->ctx, &query, &call->resp->body);
}

enum err users_list(struct call *call)
{
    bool rights = call->ctx->as_system;
    if (reads_as_system(call))
        rights = admin_rights_take(call);
    enum err e = list_users(call);
    admin_rights_give(call, rights);
    return e;
}

static enum err put_user(struct call *call, int64_t id)
{
    int64_t version;
    buf_clear(&call->resp->body);
    bool rights = admin_rights_take(call);
    enum err e = list_get(call->ctx, user_entity(call), id, SLICE(""),
                          req_query(call->req, "expand"), &call->resp->body, &version);
    admin_rights_give(call, rights);
    if (!e)
        call_etag(call, id, version);
    return e;
}

enum err users_get(struct call *call)
{
    int64_t id, version = 0;
    enum err e = call_id(call, 0, &id);
    if (!e && !reads_as_system(call))
        e = list_get(call->ctx, user_entity(call), id, SLICE(""), req_query(call->req, "expand"),
                     &call->resp->body, &version);
    else if (!e)
        return put_user(call, id);
    if (!e)
        call_etag(call, id, version);
    return e;
}

/* --- what is asked of a body --------------------------------------------------------------------
 */

/* Members that are plain fields of the record. */
static const char *const plain_fields[] = {"name", "email",      "phone",   "locale", "timezone",
                                           "team", "department", "manager", NULL};

static void check_locale(struct call *call)
{
    const char *locale = body_text(call, "locale", 10);
    const char *timezone = body_text(call, "timezone", 60);
    if (locale && strcmp(locale, "zh-CN") != 0 && strcmp(locale, "en") != 0)
        body_bad(call, "locale", "bad_value", NULL);
    if (timezone && !zone_find(timezone))
        body_bad(call, "timezone", "bad_value", NULL);
}

/* Known roles that the caller may give; those that the user has already may stay. */
static enum err check_roles(struct call *call, const char *const *roles, const struct actor *has)
{
    enum err e = user_roles_check(call->ctx, roles);
    for (int i = 0; roles && roles[i] && !e; i++) {
        const struct role *role = NULL;
        e = actor_role(call->ctx->tenant, roles[i], &role);
        if (!e && role && !(has && actor_has_role(has, roles[i])) && !admin_covers_role(call, role))
            e = admin_refuse(call, ERR_FORBIDDEN, "role_above_you", NULL);
    }
    return e;
}

/* --- writing the record -------------------------------------------------------------------------
 */

struct draft {
    int64_t id, version; /* 0: a new one; unconditional */
    const char *login;
    const char *const *roles; /* NULL: as they are */
    const bool *active;       /* NULL: as it is */
    const char *encoded;      /* NULL: no password yet */
};

static enum err set_value(struct call *call, struct record *record, const char *name,
                          struct value value)
{
    const struct field *field = entity_field(record->entity, slice_str(name));
    ASSERT(field);
    return record_set_values(call->ctx, record, field, &value);
}

static enum err set_fields(struct call *call, struct record *record)
{
    enum err failed = ERR_OK;
    for (const char *const *name = plain_fields; *name; name++) {
        const struct json *member = json_get(call->body, *name);
        const struct field *field = entity_field(record->entity, slice_str(*name));
        enum err e = member && field ? record_set(call->ctx, record, field, member) : ERR_OK;
        if (e && e != ERR_VALIDATION)
            return e;
        failed = failed ? failed : e;
    }
    return failed;
}

static enum err fill(struct call *call, struct record *record, const struct draft *draft)
{
    enum err e = set_fields(call, record);
    if (!e && draft->login)
        e = set_value(call, record, "login",
                      value_text(login_folded(call->ctx->arena, slice_str(draft->login))));
    if (!e && draft->login && !body_member(call, "name"))
        e = set_value(call, record, "name", value_text(slice_str(draft->login)));
    if (!e && draft->roles)
        e = set_value(call, record, "roles", user_roles_text(call->ctx->arena, draft->roles));
    if (!e && draft->active)
        e = set_value(call, record, "active", value_int(*draft->active));
    return e;
}

static enum err save(struct call *call, struct draft *draft)
{
    struct record *record;
    enum err e = draft->id
                     ? record_load(call->ctx, user_entity(call), draft->id, ROLE_UPDATE, &record)
                     : record_new(call->ctx, user_entity(call), &record);
    if (!e)
        e = fill(call, record, draft);
    if (!e)
        e = record_save(call->ctx, record, draft->version);
    if (!e)
        draft->id = record->now[SLOT_ID].integer;
    return e;
}

/* The record with its hooks, under the rights of the core: admission has decided. */
static enum err save_unit(struct call *call, struct draft *draft)
{
    struct unit unit;
    enum err e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    bool rights = admin_rights_take(call);
    e = save(call, draft);
    admin_rights_give(call, rights);
    unit_end(call->ctx);
    return e;
}

static enum err audit_roles(struct call *call, const char *action, const struct draft *draft)
{
    struct arena *arena = call->ctx->arena;
    struct value roles = user_roles_text(arena, draft->roles);
    return audit_put(call->ctx, action, "user", draft->id,
                     arena_printf(arena, "{\"roles\":" SLICE_FMT "}", SLICE_ARG(roles.bytes)));
}

/* --- creating -----------------------------------------------------------------------------------
 */

static enum err create_write(struct call *call, void *arg)
{
    struct draft draft = *(struct draft *)arg; /* repeatable: what a first try filled is dropped */
    enum err e = check_roles(call, draft.roles, NULL);
    if (!e)
        e = save_unit(call, &draft);
    if (!e && draft.encoded)
        e = password_store(call->ctx, draft.id, draft.encoded, 0);
    if (!e)
        e = audit_roles(call, "user.create", &draft);
    if (!e)
        e = put_user(call, draft.id);
    if (!e)
        call_created(call, USERS, draft.id);
    return e;
}

static enum err encode(struct call *call, struct slice password, const char *login,
                       const char **out)
{
    enum err e = password_check(call->ctx, password, slice_str(login), "password");
    if (e)
        return e;
    struct buf b = BUF_INIT;
    crypto_password_hash(password, &b);
    *out = arena_str(call->ctx->arena, buf_slice(&b));
    buf_release(&b);
    return ERR_OK;
}

static const char *create_login(struct call *call)
{
    const char *login = body_text(call, "login", LOGIN_BYTES_MAX);
    if (!body_member(call, "login"))
        body_bad(call, "login", "required", NULL);
    else if (!login || !user_login_is_valid(slice_str(login)))
        body_bad(call, "login", "bad_login", NULL);
    return login;
}

enum err users_create(struct call *call)
{
    static const char *const members[] = {"login",    "name",   "email",      "phone",   "password",
                                          "roles",    "team",   "department", "manager", "locale",
                                          "timezone", "active", NULL};
    const struct json *body;
    int count;
    enum err e = call_object(call, &body);
    if (e)
        return e;
    e = call_only(call, members);
    struct draft draft = {.login = create_login(call)};
    const struct json *password = body_member(call, "password");
    bool active = body_flag(call, "active", true);
    draft.active = &active;
    draft.roles = body_texts(call, "roles", ROLES_PER_USER_MAX, &count);
    if (!draft.roles)
        draft.roles = arena_array(call->ctx->arena, const char *, 1);
    check_locale(call);
    if (password && password->type != JSON_STRING)
        body_bad(call, "password", "not_a_text", NULL);
    if (!e)
        e = body_done(call);
    if (!e && password)
        e = encode(call, password->text, draft.login, &draft.encoded);
    return e ? e : call_write(call, create_write, &draft);
}

/* --- changing -----------------------------------------------------------------------------------
 */

/* What has changed besides the record: sessions end, rights are written down. */
static enum err update_follow(struct call *call, const struct draft *draft, const struct actor *was)
{
    enum err e = ERR_OK;
    if (draft->roles)
        e = audit_roles(call, "user.roles", draft);
    if (!e && draft->active && *draft->active != was->active) {
        if (!*draft->active)
            e = session_end_others(call->ctx, draft->id, 0);
        if (!e)
            e = audit_put(call->ctx, *draft->active ? "user.enable" : "user.disable", "user",
                          draft->id, NULL);
    }
    return e;
}

/* The other fields, by name: team and department decide what the user sees. */
static enum err update_audit(struct call *call, int64_t id)
{
    struct buf b = BUF_INIT;
    enum err e = ERR_OK;
    buf_put_str(&b, "{\"fields\":[");
    size_t empty = b.len;
    for (const char *const *name = plain_fields; *name; name++) {
        if (!body_has(call, *name))
            continue;
        json_put_comma(&b);
        json_put_cstr(&b, *name);
    }
    if (b.len > empty) {
        buf_put_str(&b, "]}");
        e = audit_put(call->ctx, "user.update", "user", id, buf_cstr(&b));
    }
    buf_release(&b);
    return e;
}

static enum err update_checked(struct call *call, struct draft *draft, const struct actor *was)
{
    bool admin = false;
    bool weighs = draft->roles || draft->active;
    enum err e = weighs ? admin_exists(call, &admin) : ERR_OK;
    if (!e)
        e = save_unit(call, draft);
    if (!e)
        e = update_follow(call, draft, was);
    if (!e)
        e = update_audit(call, draft->id);
    if (!e)
        e = admin_remains(call, admin);
    return e ? e : put_user(call, draft->id);
}

enum err users_update(struct call *call)
{
    static const char *const members[] = {"name",     "email",      "phone",   "roles",
                                          "team",     "department", "manager", "locale",
                                          "timezone", "active",     "version", NULL};
    const struct json *body;
    const struct actor *was;
    struct draft draft = {0};
    int count;
    enum err e = call_id(call, 0, &draft.id);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = admin_covers_user(call, draft.id);
    if (!e)
        e = actor_load(call->ctx->tenant, draft.id, &was);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = call_version(call, draft.id, &draft.version);
    if (e)
        return e;
    draft.roles = body_texts(call, "roles", ROLES_PER_USER_MAX, &count);
    bool active = body_flag(call, "active", true);
    draft.active = body_member(call, "active") ? &active : NULL;
    check_locale(call);
    e = body_done(call);
    if (!e && draft.roles)
        e = check_roles(call, draft.roles, was);
    return e ? e : update_checked(call, &draft, was);
}

/* --- password -----------------------------------------------------------------------------------
 */

struct reset {
    int64_t user;
    const char *login, *encoded;
};

static enum err reset_write(struct call *call, void *arg)
{
    const struct reset *reset = arg;
    enum err e = admin_covers_user(call, reset->user);
    if (!e)
        e = password_store(call->ctx, reset->user, reset->encoded, 0);
    return e ? e : signin_unlock(call->ctx, slice_str(reset->login));
}

/* One's own password is changed at /me/password, where the old one is asked for. */
enum err users_password(struct call *call)
{
    static const char *const members[] = {"password", NULL};
    const struct json *body;
    const struct actor *user;
    struct reset reset = {0};
    enum err e = call_id(call, 0, &reset.user);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = admin_covers_user(call, reset.user);
    if (!e)
        e = actor_load(call->ctx->tenant, reset.user, &user);
    if (e)
        return e;
    if (call->ctx->actor && call->ctx->actor->user == reset.user)
        return admin_refuse(call, ERR_FORBIDDEN, "own_password", NULL);
    reset.login = arena_strdup(call->ctx->arena, user->login);
    if (!body_member(call, "password"))
        body_bad(call, "password", "required", NULL);
    struct slice wanted = json_str(body, "password", SLICE(""));
    e = body_done(call);
    if (!e)
        e = password_check_past(call->ctx, reset.user, wanted, "password");
    if (!e)
        e = encode(call, wanted, reset.login, &reset.encoded);
    if (!e)
        e = call_write(call, reset_write, &reset);
    if (!e)
        call->resp->status = 204;
    return e;
}
