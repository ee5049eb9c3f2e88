/* sessions - signing in and out.
 *
 * Signing in runs in a runner's quick lane: the attempt is counted durably before the password is
 * hashed, and taken back when it was right. Where a second factor is on, its code is judged in the
 * transaction that makes the session, so it is spent exactly once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/session.h"

#include "auth/signin.h"
#include "auth/totp.h"

#include "api/admin.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/quota.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "hook/outbox.h"
#include "store/query.h"

enum factor { FACTOR_DONE, FACTOR_MISSING, FACTOR_WRONG };

struct signin {
    struct slice login, otp;
    enum factor factor;
    int64_t user;
    char *encoded;
    const char *agent;
    struct session_new session;
};

static enum err signin_attempt(struct call *call, void *arg)
{
    struct signin *s = arg;
    return session_attempt(call->ctx, s->login, call->ctx->address, &s->user, &s->encoded);
}

/* Its answer is committed either way: a wrong code stays counted, a missing one does not. */
static enum err judge_factor(struct call *call, struct signin *s)
{
    bool on = false, right = true;
    enum err e = totp_is_on(call->ctx->tenant, s->user, &on);
    s->factor = on && !s->otp.len ? FACTOR_MISSING : FACTOR_DONE;
    if (!e && on && s->otp.len)
        e = totp_check(call->ctx, s->user, s->otp, &right);
    if (!right)
        s->factor = FACTOR_WRONG;
    if (!e && s->factor == FACTOR_MISSING)
        e = signin_uncount(call->ctx, s->login, call->ctx->address);
    if (!e && s->factor == FACTOR_WRONG)
        e = session_refused(call->ctx, s->login, call->ctx->address);
    return e;
}

static enum err announce(struct ctx *ctx, const struct signin *s)
{
    struct json *payload = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, payload, "user", json_new_int(ctx->arena, s->user));
    if (ctx->address)
        json_add(ctx->arena, payload, "address", json_new_str(ctx->arena, slice_str(ctx->address)));
    return outbox_announce(ctx, HOOK_EVENT_AUTH_LOGIN, s->user, payload);
}

static enum err signin_create(struct call *call, void *arg)
{
    struct signin *s = arg;
    enum err e = session_confirm(call->ctx, s->user, s->encoded);
    if (!e)
        e = judge_factor(call, s);
    if (e || s->factor != FACTOR_DONE)
        return e == ERR_NOT_FOUND ? ERR_BAD_CREDENTIALS : e;
    e = session_create(call->ctx, s->user, call->ctx->address, s->agent, &s->session);
    if (!e)
        e = quota_sessions(call->app, call->ctx, s->user);
    return e ? e : announce(call->ctx, s);
}

static enum err signin_refused(struct call *call, void *arg)
{
    struct signin *s = arg;
    return session_refused(call->ctx, s->login, call->ctx->address);
}

static void put_user(struct buf *out, const struct actor *actor)
{
    char id[ID_TEXT_LEN + 1];
    id_text(actor->user, id);
    json_put_key(out, "user");
    buf_printf(out, "{\"id\":\"%s\",\"login\":", id);
    json_put_cstr(out, actor->login);
    json_put_key(out, "name");
    json_put_cstr(out, actor->name);
    buf_put_char(out, '}');
}

/* The cookie is for the console; other clients use the token. */
static void put_cookie(struct call *call, const char *token, int64_t seconds)
{
    bool tls = call->req->is_tls;
    resp_header(call->resp, "Set-Cookie",
                arena_printf(call->ctx->arena,
                             "%s=%s; Path=/; HttpOnly; SameSite=Strict%s; Max-Age=%lld",
                             tls ? "__Host-perigee" : "perigee", token, tls ? "; Secure" : "",
                             (long long)seconds));
}

static void put_due(struct buf *out, enum actor_due due)
{
    json_put_key(out, "due");
    json_put_cstr(out, actor_due_name(due));
}

static void put_session(struct call *call, const struct session_new *session,
                        const struct actor *actor, enum actor_due due)
{
    struct buf *out = &call->resp->body;
    char expires[25];
    time_text(session->expires_at_ms, expires);
    buf_put_str(out, "{\"token\":");
    json_put_cstr(out, session->token);
    json_put_key(out, "csrf");
    json_put_cstr(out, session->csrf);
    buf_printf(out, ",\"expires_at\":\"%s\"", expires);
    put_user(out, actor);
    put_due(out, due);
    buf_put_char(out, '}');
    put_cookie(call, session->token, (session->expires_at_ms - call->ctx->now_ms) / 1000);
}

static enum err say_factor(struct call *call, enum factor factor)
{
    const char *code = factor == FACTOR_MISSING ? "mfa_required" : "wrong_code";
    return err_say(&call->ctx->err, ERR_BAD_CREDENTIALS, code, "@error.%s", code);
}

static enum err answer_session(struct call *call, const struct signin *s)
{
    const struct actor *actor = NULL;
    enum actor_due due;
    enum err e = actor_load(call->ctx->tenant, s->user, &actor);
    if (!e)
        e = actor_due(call->ctx->tenant, actor, call->ctx->now_ms, &due);
    if (e)
        return e;
    call->resp->status = 201;
    put_session(call, &s->session, actor, due);
    return ERR_OK;
}

enum err sessions_create(struct call *call)
{
    static const char *const members[] = {"login", "password", "otp", NULL};
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct signin s = {.login = json_str(body, "login", SLICE("")),
                       .otp = slice_trim(json_str(body, "otp", SLICE(""))),
                       .agent = arena_str(call->ctx->arena, req_header(call->req, "user-agent"))};
    struct slice password = json_str(body, "password", SLICE(""));
    if (!s.login.len)
        err_field(&call->ctx->err, "login", "required", NULL);
    if (!password.len)
        err_field(&call->ctx->err, "password", "required", NULL);
    if (call->ctx->err.count)
        return ERR_VALIDATION;
    e = call_write(call, signin_attempt, &s);
    if (e)
        return e;
    bool right = password.len <= PASSWORD_BYTES_MAX && crypto_password_verify(password, s.encoded);
    if (!right || !s.user) {
        e = call_write(call, signin_refused, &s);
        return e ? e : ERR_BAD_CREDENTIALS;
    }
    e = call_write(call, signin_create, &s);
    if (e)
        return e;
    return s.factor == FACTOR_DONE ? answer_session(call, &s) : say_factor(call, s.factor);
}

enum err sessions_current(struct call *call)
{
    const struct actor *actor = call->ctx->actor;
    struct buf *out = &call->resp->body;
    enum actor_due due;
    if (!actor)
        return ERR_UNAUTHENTICATED;
    enum err e = actor_due(call->ctx->tenant, actor, call->ctx->now_ms, &due);
    if (e)
        return e;
    buf_put_char(out, '{');
    json_put_key(out, "kind");
    json_put_cstr(out, actor->session ? "session" : "api_key");
    json_put_key(out, "csrf");
    json_put_cstr(out, call->csrf);
    put_user(out, actor);
    put_due(out, due);
    json_put_key(out, "mfa");
    json_put_bool(out, actor->has_mfa);
    buf_put_char(out, '}');
    return ERR_OK;
}

static void put_session_row(struct call *call, const struct session_info *info)
{
    struct buf *out = &call->resp->body;
    const struct actor *actor = call->ctx->actor;
    struct {
        const char *key;
        int64_t ms;
    } times[] = {{"created_at", info->created_at_ms},
                 {"seen_at", info->seen_at_ms},
                 {"expires_at", info->expires_at_ms}};
    char id[ID_TEXT_LEN + 1], time[25];
    id_text(info->id, id);
    json_put_comma(out);
    buf_printf(out, "{\"id\":\"%s\"", id);
    for (int i = 0; i < 3; i++) {
        time_text(times[i].ms, time);
        buf_printf(out, ",\"%s\":\"%s\"", times[i].key, time);
    }
    json_put_key(out, "address");
    json_put_cstr(out, info->address);
    json_put_key(out, "agent");
    json_put_cstr(out, info->agent);
    json_put_key(out, "current");
    json_put_bool(out, actor && info->id == actor->session);
    buf_put_char(out, '}');
}

static enum err answer_list(struct call *call, int64_t user)
{
    struct session_info *list = NULL;
    int count = 0;
    enum err e =
        session_list(call->ctx->tenant, call->ctx->arena, user, call->ctx->now_ms, &list, &count);
    if (e)
        return e;
    page_open(call);
    for (int i = 0; i < count; i++)
        put_session_row(call, &list[i]);
    page_close(call);
    return ERR_OK;
}

/* Sessions are a person's; a key has part in them where its scopes say so of users. */
static enum err may_touch(const struct call *call, const char *action)
{
    if (!call->ctx->actor)
        return ERR_UNAUTHENTICATED;
    return actor_in_scope(call->ctx->actor, "user", action) ? ERR_OK : ERR_FORBIDDEN;
}

enum err sessions_list(struct call *call)
{
    enum err e = may_touch(call, "read");
    return e ? e : answer_list(call, call->ctx->actor->user);
}

enum err sessions_end_current(struct call *call)
{
    const struct actor *actor = call->ctx->actor;
    if (!actor || !actor->session)
        return err_say(&call->ctx->err, ERR_FORBIDDEN, "not_a_session", "%s",
                       "@error.not_a_session");
    enum err e = session_end(call->ctx, actor->user, actor->session);
    if (e)
        return e;
    put_cookie(call, "", 0);
    call->resp->status = 204;
    return ERR_OK;
}

enum err sessions_end_all(struct call *call)
{
    enum err e = may_touch(call, "update");
    if (!e)
        e = session_end(call->ctx, call->ctx->actor->user, 0);
    if (e)
        return e;
    put_cookie(call, "", 0);
    call->resp->status = 204;
    return ERR_OK;
}

enum err sessions_end_one(struct call *call)
{
    int64_t id;
    enum err e = may_touch(call, "update");
    if (!e)
        e = call_id(call, 0, &id);
    if (!e)
        e = session_end(call->ctx, call->ctx->actor->user, id);
    if (e)
        return e;
    if (id == call->ctx->actor->session)
        put_cookie(call, "", 0);
    call->resp->status = 204;
    return ERR_OK;
}

/* --- another person's, for who administers users ------------------------------------------------
 */

static enum err user_of(struct call *call, int64_t *out)
{
    enum err e = call_id(call, 0, out);
    return e ? e : admin_covers_user(call, *out);
}

enum err users_sessions_list(struct call *call)
{
    int64_t user;
    enum err e = user_of(call, &user);
    return e ? e : answer_list(call, user);
}

enum err users_sessions_end(struct call *call)
{
    int64_t user;
    enum err e = user_of(call, &user);
    if (!e)
        e = session_end(call->ctx, user, 0);
    if (!e)
        call->resp->status = 204;
    return e;
}

enum err users_sessions_end_one(struct call *call)
{
    int64_t user, id;
    enum err e = user_of(call, &user);
    if (!e)
        e = call_id(call, 1, &id);
    if (!e)
        e = session_end(call->ctx, user, id);
    if (!e)
        call->resp->status = 204;
    return e;
}
