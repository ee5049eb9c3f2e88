/* confirm - see confirm.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/confirm.h"

#include "auth/password.h"
#include "auth/signin.h"
#include "auth/totp.h"

struct confirm {
    struct slice otp;
    bool right;
};

static enum err attempt(struct call *call, void *arg)
{
    (void)arg;
    return signin_count(call->ctx, slice_str(call->ctx->actor->login), call->ctx->address);
}

static enum err was_right(struct call *call, void *arg)
{
    (void)arg;
    return signin_take_back(call->ctx, slice_str(call->ctx->actor->login), call->ctx->address);
}

static enum err check_code(struct call *call, void *arg)
{
    struct confirm *confirm = arg;
    return totp_check(call->ctx, call->ctx->actor->user, confirm->otp, &confirm->right);
}

static enum err check_password(struct call *call, struct slice current)
{
    const struct actor *actor = call->ctx->actor;
    char *encoded = NULL;
    if (!actor || !actor->session)
        return ERR_FORBIDDEN;
    if (!current.len)
        return err_field(&call->ctx->err, "current", "required", NULL);
    enum err e = call_write(call, attempt, NULL);
    if (!e)
        e = password_encoded(call->ctx->tenant, call->ctx->arena, actor->user, &encoded);
    if (e)
        return e;
    if (current.len > PASSWORD_BYTES_MAX || !crypto_password_verify(current, encoded))
        return err_field(&call->ctx->err, "current", "wrong_password", NULL);
    return ERR_OK;
}

enum err confirm_password(struct call *call, struct slice current)
{
    enum err e = check_password(call, current);
    return e ? e : call_write(call, was_right, NULL);
}

enum err confirm_person(struct call *call, struct slice current, struct slice otp)
{
    struct confirm confirm = {.otp = otp, .right = true};
    enum err e = check_password(call, current);
    if (e)
        return e;
    if (call->ctx->actor->has_mfa && !otp.len)
        return err_field(&call->ctx->err, "otp", "required", NULL);
    if (call->ctx->actor->has_mfa)
        e = call_write(call, check_code, &confirm);
    if (!e && !confirm.right)
        e = err_field(&call->ctx->err, "otp", "wrong_code", NULL);
    return e ? e : call_write(call, was_right, NULL);
}
