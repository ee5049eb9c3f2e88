/* mfa - the second factor: setting it up, taking it away, an administrator's help.
 *
 * POST /me/mfa takes { "action": … }:
 *   begin           current          a secret and its otpauth:// address
 *   confirm         code             turns it on; recovery codes, told once
 *   disable         current, otp
 *   recovery_codes  current, otp     new ones in place of the old
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/body.h"
#include "api/confirm.h"
#include "api/handlers.h"
#include "auth/signin.h"
#include "auth/totp.h"

struct mfa {
    struct slice code;
    char secret[TOTP_SECRET_CHARS + 1];
    char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1];
    bool right;
};

static void put_codes(struct call *call, const struct mfa *mfa)
{
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"recovery_codes\":[");
    for (int i = 0; i < TOTP_RECOVERY_KEEP; i++) {
        json_put_comma(out);
        json_put_cstr(out, mfa->codes[i]);
    }
    buf_put_str(out, "]}");
}

/* --- begin --- */

static enum err begin_fn(struct call *call, void *arg)
{
    struct mfa *mfa = arg;
    return totp_begin(call->ctx, call->ctx->actor->user, mfa->secret);
}

static enum err mfa_begin(struct call *call, struct mfa *mfa)
{
    const struct tenant *tenant = call->ctx->tenant;
    enum err e = confirm_password(call, json_str(call->body, "current", SLICE("")));
    if (!e)
        e = call_write(call, begin_fn, mfa);
    if (e)
        return e;
    const char *issuer = tenant->title && *tenant->title ? tenant->title : tenant->name;
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"secret\":");
    json_put_cstr(out, mfa->secret);
    json_put_key(out, "uri");
    json_put_cstr(out, totp_uri(call->ctx->arena, issuer, call->ctx->actor->login, mfa->secret));
    buf_put_char(out, '}');
    return ERR_OK;
}

/* --- confirm --- */

/* A wrong code stays counted, so this must not be rolled back with it. */
static enum err confirm_fn(struct call *call, void *arg)
{
    struct mfa *mfa = arg;
    const struct actor *actor = call->ctx->actor;
    struct slice login = slice_str(actor->login);
    enum err e = signin_count(call->ctx, login, call->ctx->address);
    if (!e)
        e = totp_confirm(call->ctx, actor->user, mfa->code, actor->session, mfa->codes,
                         &mfa->right);
    return e || !mfa->right ? e : signin_take_back(call->ctx, login, call->ctx->address);
}

static enum err mfa_confirm(struct call *call, struct mfa *mfa)
{
    mfa->code = json_str(call->body, "code", SLICE(""));
    if (!mfa->code.len)
        return err_field(&call->ctx->err, "code", "required", NULL);
    enum err e = call_write(call, confirm_fn, mfa);
    if (!e && !mfa->right)
        e = err_field(&call->ctx->err, "code", "wrong_code", NULL);
    if (!e)
        put_codes(call, mfa);
    return e;
}

/* --- with the factor on --- */

static enum err disable_fn(struct call *call, void *arg)
{
    (void)arg;
    return totp_remove(call->ctx, call->ctx->actor->user, call->ctx->actor->session);
}

static enum err codes_fn(struct call *call, void *arg)
{
    struct mfa *mfa = arg;
    return totp_recovery(call->ctx, call->ctx->actor->user, mfa->codes);
}

static enum err confirm_with_factor(struct call *call)
{
    if (!call->ctx->actor->has_mfa)
        return err_say(&call->ctx->err, ERR_CONFLICT, "mfa_off", "%s", "@error.mfa_off");
    return confirm_person(call, json_str(call->body, "current", SLICE("")),
                          json_str(call->body, "otp", SLICE("")));
}

static enum err mfa_disable(struct call *call)
{
    enum err e = confirm_with_factor(call);
    if (!e)
        e = call_write(call, disable_fn, NULL);
    if (!e)
        call->resp->status = 204;
    return e;
}

static enum err mfa_codes(struct call *call, struct mfa *mfa)
{
    enum err e = confirm_with_factor(call);
    if (!e)
        e = call_write(call, codes_fn, mfa);
    if (!e)
        put_codes(call, mfa);
    return e;
}

enum err me_mfa(struct call *call)
{
    static const char *const members[] = {"action", "current", "code", "otp", NULL};
    const struct json *body;
    struct mfa *mfa = arena_make(call->ctx->arena, struct mfa);
    if (!call->ctx->actor || !call->ctx->actor->session)
        return ERR_FORBIDDEN; /* a key has no second factor */
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice action = json_str(body, "action", SLICE(""));
    if (slice_is(action, "begin"))
        return mfa_begin(call, mfa);
    if (slice_is(action, "confirm"))
        return mfa_confirm(call, mfa);
    if (slice_is(action, "disable"))
        return mfa_disable(call);
    if (slice_is(action, "recovery_codes"))
        return mfa_codes(call, mfa);
    return err_field(&call->ctx->err, "action", action.len ? "not_in_list" : "required", NULL);
}

/* Somebody has lost their device: the password alone lets them in again, until they set one up. */
enum err users_mfa_reset(struct call *call)
{
    int64_t id;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = admin_covers_user(call, id);
    if (e)
        return e;
    if (call->ctx->actor && call->ctx->actor->user == id)
        return admin_refuse(call, ERR_FORBIDDEN, "own_mfa", NULL);
    e = totp_remove(call->ctx, id, 0);
    if (!e)
        call->resp->status = 204;
    return e;
}
