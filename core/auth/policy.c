/* policy - the two profiles and what a tenant may shorten.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/policy.h"

#include "auth/audit.h"
#include "base/limits.h"

#define MINUTE_MS 60000LL

static const struct policy profiles[] = {
    {false, SESSION_IDLE_MS, SESSION_LIFE_MS, MFA_OFFERED, 0, SIGNIN_FAILS_ACCOUNT},
    {true, SESSION_DENGBAO_IDLE_MS, SESSION_DENGBAO_LIFE_MS, MFA_ADMINS, PASSWORD_AGE_MS,
     SIGNIN_FAILS_ADDRESS},
};

static const char *const mfa_names[] = {"offered", "admins", "all"};

const char *policy_mfa_name(enum policy_mfa mfa)
{
    ASSERT(mfa <= MFA_ALL);
    return mfa_names[mfa];
}

static bool mfa_find(struct slice name, enum policy_mfa *out)
{
    for (int i = MFA_OFFERED; i <= MFA_ALL; i++) {
        *out = (enum policy_mfa)i;
        if (slice_is(name, mfa_names[i]))
            return true;
    }
    return false;
}

static int64_t shortened(const struct json *value, const char *key, int64_t most_ms)
{
    int64_t minutes = json_int(value, key, 0);
    return minutes > 0 && minutes * MINUTE_MS < most_ms ? minutes * MINUTE_MS : most_ms;
}

enum err policy_load(struct tenant *tenant, struct policy *out)
{
    ASSERT(tenant && out);
    struct arena *arena = arena_new();
    const struct json *value = NULL;
    enum err e = tenant_setting(tenant, arena, "security", &value);
    if (!e) {
        bool dengbao = slice_is(json_str(value, "passwords", SLICE("asvs")), "dengbao");
        *out = profiles[dengbao];
        out->idle_ms = shortened(value, "idle_minutes", out->idle_ms);
        out->life_ms = shortened(value, "life_minutes", out->life_ms);
        enum policy_mfa mfa;
        if (mfa_find(json_str(value, "mfa", SLICE("")), &mfa) && mfa > out->mfa)
            out->mfa = mfa;
    }
    arena_free(arena);
    return e;
}

static enum err value_check(struct ctx *ctx, const struct json *value)
{
    enum err e = ERR_OK;
    json_each(member, value)
    {
        bool known = false, fits = false;
        if (slice_is(member->key, "passwords")) {
            known = true;
            fits = slice_is(member->text, "asvs") || slice_is(member->text, "dengbao");
        } else if (slice_is(member->key, "mfa")) {
            enum policy_mfa mfa;
            known = true;
            fits = member->type == JSON_STRING && mfa_find(member->text, &mfa);
        } else if (slice_is(member->key, "idle_minutes") || slice_is(member->key, "life_minutes")) {
            known = true;
            fits = member->type == JSON_INT && member->integer >= 1 &&
                   member->integer <= SESSION_LIFE_MS / MINUTE_MS;
        }
        if (!known || !fits)
            e = err_field(&ctx->err, arena_str(ctx->arena, member->key),
                          known ? "bad_value" : "unknown_field", NULL);
    }
    return e;
}

enum err policy_put(struct ctx *ctx, const struct json *value)
{
    ASSERT(ctx && value);
    ASSERT(store_in_tx(ctx->tenant->store));
    if (value->type != JSON_OBJECT)
        return err_field(&ctx->err, "", "bad_value", NULL);
    enum err e = value_check(ctx, value);
    if (e)
        return e;
    struct buf text = BUF_INIT;
    json_put(&text, value);
    e = tenant_setting_put(ctx->tenant, "security", buf_slice(&text));
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    if (!e)
        e = audit_put(ctx, "policy.change", NULL, 0, buf_cstr(&text));
    buf_release(&text);
    return e;
}
