/* me - the signed-in user's own profile and password.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"
#include "auth/password.h"
#include "auth/signin.h"
#include "base/crypto.h"
#include "record/list.h"
#include "record/record.h"

static enum err me_entity(struct call *call, const struct entity **out)
{
    if (!call->ctx->actor)
        return ERR_UNAUTHENTICATED;
    *out = model_entity(call->ctx->model, SLICE("user"));
    ASSERT(*out);
    return ERR_OK;
}

/* One's own profile is always one's own to see, whatever the roles say of other users. */
enum err me_get(struct call *call)
{
    const struct entity *entity;
    int64_t version;
    enum err e = me_entity(call, &entity);
    if (e)
        return e;
    if (req_has_query(call->req, "expand")) /* others would be shown without asking for rights */
        return err_field(&call->ctx->err, "expand", "unknown_parameter", NULL);
    struct ctx own = *call->ctx;
    own.as_system = true;
    return list_get(&own, entity, call->ctx->actor->user, (struct slice){0}, (struct slice){0},
                    &call->resp->body, &version);
}

/* What people may change about themselves; team, roles and the like are administration. A key may,
 * where its scopes say so of users. */
static const char *const OWN_FIELDS[] = {"name",     "email",    "phone", "locale",
                                         "timezone", "settings", NULL};

enum err me_patch(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    struct unit unit;
    enum err e = me_entity(call, &entity);
    if (!e && !actor_in_scope(call->ctx->actor, "user", "update"))
        e = ERR_FORBIDDEN;
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, OWN_FIELDS);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    call->ctx->as_system = true; /* only the fields above can have come this far */
    e = record_update_json(call->ctx, entity, call->ctx->actor->user, body, 0, &call->resp->body);
    call->ctx->as_system = false;
    unit_end(call->ctx);
    return e;
}

struct new_password {
    const char *encoded;
};

/* Guessing at the old password counts like guessing at sign-in. */
static enum err password_attempt(struct call *call, void *arg)
{
    (void)arg;
    return signin_count(call->ctx, slice_str(call->ctx->actor->login), call->ctx->address);
}

static enum err password_was_right(struct call *call, void *arg)
{
    (void)arg;
    return signin_take_back(call->ctx, slice_str(call->ctx->actor->login), call->ctx->address);
}

static enum err password_write(struct call *call, void *arg)
{
    const struct new_password *p = arg;
    const struct actor *actor = call->ctx->actor;
    return password_store(call->ctx, actor->user, p->encoded, actor->session);
}

static enum err check_current(struct call *call, struct slice current)
{
    const struct actor *actor = call->ctx->actor;
    char *encoded = NULL;
    enum err e = call_write(call, password_attempt, NULL);
    if (!e)
        e = password_encoded(call->ctx->tenant, call->ctx->arena, actor->user, &encoded);
    if (e)
        return e;
    if (current.len > PASSWORD_BYTES_MAX || !crypto_password_verify(current, encoded))
        return err_field(&call->ctx->err, "current", "wrong_password", NULL);
    return call_write(call, password_was_right, NULL);
}

enum err me_password(struct call *call)
{
    static const char *const members[] = {"current", "password", NULL};
    const struct json *body;
    const struct actor *actor = call->ctx->actor;
    if (!actor || !actor->session)
        return ERR_FORBIDDEN; /* an API key cannot change the password of its user */
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice current = json_str(body, "current", SLICE(""));
    struct slice wanted = json_str(body, "password", SLICE(""));
    e = check_current(call, current);
    if (e)
        return e;
    e = password_check(call->ctx, wanted, slice_str(actor->login), "password");
    if (e)
        return e;
    struct buf b = BUF_INIT;
    crypto_password_hash(wanted, &b);
    struct new_password p = {arena_str(call->ctx->arena, buf_slice(&b))};
    buf_release(&b);
    e = call_write(call, password_write, &p);
    if (!e)
        call->resp->status = 204;
    return e;
}
