/* me - the signed-in user's own profile and password.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/confirm.h"
#include "api/handlers.h"
#include "auth/password.h"
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
 * where its scopes say so of users. `current` is the password, asked for before letters and codes
 * go to another address. */
static const char *const OWN_FIELDS[] = {"name",     "email",       "phone",   "locale",
                                         "timezone", "notify_mail", "current", NULL};

struct patch {
    const struct entity *entity;
    struct json *body;
};

static enum err patch_write(struct call *call, void *arg)
{
    const struct patch *patch = arg;
    struct unit unit;
    enum err e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    bool before = call->ctx->as_system;
    call->ctx->as_system = true; /* only the fields above can have come this far */
    buf_clear(&call->resp->body);
    e = record_update_json(call->ctx, patch->entity, call->ctx->actor->user, patch->body, 0,
                           &call->resp->body);
    call->ctx->as_system = before;
    unit_end(call->ctx);
    return e;
}

static bool moves_address(const struct json *body)
{
    return json_get(body, "email") || json_get(body, "phone");
}

enum err me_patch(struct call *call)
{
    const struct json *body;
    struct patch patch;
    enum err e = me_entity(call, &patch.entity);
    if (!e && !actor_in_scope(call->ctx->actor, "user", "update"))
        e = ERR_FORBIDDEN;
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, OWN_FIELDS);
    if (!e && moves_address(body))
        e = confirm_password(call, json_str(body, "current", SLICE("")));
    if (e)
        return e;
    patch.body = json_new(call->ctx->arena, JSON_OBJECT);
    json_each(member, body)
    {
        if (!slice_is(member->key, "current"))
            json_add(call->ctx->arena, patch.body, arena_str(call->ctx->arena, member->key),
                     json_copy(call->ctx->arena, member));
    }
    return call_write(call, patch_write, &patch);
}

struct new_password {
    const char *encoded;
};

static enum err password_write(struct call *call, void *arg)
{
    const struct new_password *p = arg;
    const struct actor *actor = call->ctx->actor;
    return password_store(call->ctx, actor->user, p->encoded, actor->session);
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
    e = confirm_password(call, current);
    if (!e)
        e = password_check(call->ctx, wanted, slice_str(actor->login), "password");
    if (!e)
        e = password_check_past(call->ctx, actor->user, wanted, "password");
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
