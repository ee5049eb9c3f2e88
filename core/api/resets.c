/* resets - a new password for who has lost the old one, by a link that is good once.
 *
 * Asking always answers 202, whether there is such a login or not. The link's address comes from
 * the configuration (public_url), never from the request's Host: without it no mail is sent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/reset.h"

#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "auth/password.h"
#include "auth/signin.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "hook/post.h"

#define RESET_TEMPLATE "core:password_reset"

/* --- asking --- */

/* Without public_url: the path alone, for people who know where the server is. */
static const char *link_of(const struct call *call, const char *token)
{
    const char *base = call->app->config->public_url;
    size_t n = base ? strlen(base) : 0;
    while (n && base[n - 1] == '/')
        n--;
    return arena_printf(call->ctx->arena, "%.*s/reset/%s", (int)n, base ? base : "", token);
}

static enum err post_link(struct call *call, int64_t user, const char *email, const char *token)
{
    struct arena *arena = call->ctx->arena;
    const struct actor *actor;
    const char *to[] = {email, NULL};
    int64_t id;
    enum err e = actor_load(call->ctx->tenant, user, &actor);
    if (e)
        return e;
    struct json *data = json_new(arena, JSON_OBJECT);
    const char *name = actor->name ? actor->name : actor->login;
    json_add(arena, data, "name", json_new_str(arena, slice_str(name)));
    json_add(arena, data, "login", json_new_str(arena, slice_str(actor->login)));
    json_add(arena, data, "company", json_new_str(arena, slice_str(call->ctx->tenant->title)));
    json_add(arena, data, "link", json_new_str(arena, slice_str(link_of(call, token))));
    json_add(arena, data, "minutes", json_new_int(arena, RESET_KEEP_MS / 60000));
    bool english = actor->locale && slice_starts(slice_str(actor->locale), SLICE("en"));
    struct post post = {
        .to = to, .template = RESET_TEMPLATE, .data = data, .lang = english ? LANG_EN : LANG_ZH};
    return post_put(call->ctx, &post, &id);
}

enum err resets_create(struct call *call)
{
    static const char *const members[] = {"login", NULL};
    const struct json *body;
    char token[RESET_TOKEN_LEN + 1];
    const char *email;
    int64_t user;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice login = json_str(body, "login", SLICE(""));
    if (!login.len)
        return err_field(&call->ctx->err, "login", "required", NULL);
    e = reset_ask(call->ctx, login, &user, &email, token);
    if (!e && user && !call->app->config->public_url)
        log_warn("tenant %s: no link for a new password is sent while public_url is not set",
                 call->ctx->tenant->name);
    else if (!e && user)
        e = post_link(call, user, email, token);
    if (e == ERR_VALIDATION) { /* an address that cannot be written to: nobody is to know */
        err_info_clear(&call->ctx->err);
        e = ERR_OK;
    }
    crypto_wipe(token, sizeof token);
    if (!e)
        call->resp->status = 202;
    return e;
}

/* An operator or administrator hands the link over in person. */
enum err users_reset_link(struct call *call)
{
    int64_t id;
    char token[RESET_TOKEN_LEN + 1], at[25];
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = admin_covers_user(call, id);
    if (e)
        return e;
    if (call->ctx->actor && call->ctx->actor->user == id)
        return admin_refuse(call, ERR_FORBIDDEN, "own_password", NULL);
    e = reset_create(call->ctx, id, token);
    if (e)
        return e;
    struct buf *out = &call->resp->body;
    time_text(call->ctx->now_ms + RESET_KEEP_MS, at);
    call->resp->status = 201;
    buf_put_str(out, "{\"token\":");
    json_put_cstr(out, token);
    json_put_key(out, "link");
    json_put_cstr(out, link_of(call, token));
    buf_printf(out, ",\"expires_at\":\"%s\"}", at);
    return ERR_OK;
}

/* --- the new password --- */

struct renewal {
    struct slice token;
    const char *encoded;
};

static enum err renew_fn(struct call *call, void *arg)
{
    struct renewal *renewal = arg;
    const struct actor *actor;
    int64_t user = 0;
    enum err e = reset_spend(call->ctx, renewal->token, &user);
    if (!e)
        e = actor_load(call->ctx->tenant, user, &actor);
    if (!e)
        e = password_store(call->ctx, user, renewal->encoded, 0);
    return e ? e : signin_unlock(call->ctx, slice_str(actor->login));
}

static enum err link_gone(struct call *call, enum err e)
{
    return e == ERR_NOT_FOUND
               ? err_say(&call->ctx->err, e, "reset_expired", "%s", "@error.reset_expired")
               : e;
}

enum err resets_use(struct call *call)
{
    static const char *const members[] = {"password", NULL};
    const struct json *body;
    const struct actor *actor;
    struct renewal renewal = {.token = call_param(call, 0)};
    int64_t user = 0;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = link_gone(call, reset_find(call->ctx, renewal.token, &user));
    if (!e)
        e = actor_load(call->ctx->tenant, user, &actor);
    if (e)
        return e;
    struct slice wanted = json_str(body, "password", SLICE(""));
    e = password_check(call->ctx, wanted, slice_str(actor->login), "password");
    if (!e)
        e = password_check_past(call->ctx, user, wanted, "password");
    if (e)
        return e;
    struct buf b = BUF_INIT;
    crypto_password_hash(wanted, &b);
    renewal.encoded = arena_str(call->ctx->arena, buf_slice(&b));
    buf_release(&b);
    e = link_gone(call, call_write(call, renew_fn, &renewal));
    if (!e)
        call->resp->status = 204;
    return e;
}
