/* settings - what the company is called, its language, calendar and currency, how strict it is.
 *
 * The first four stand in the setting "tenant", which goes before what the company was made with;
 * the rest is the policy of sign-in, which can only be made stricter.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/body.h"
#include "api/handlers.h"
#include "api/version.h"
#include "auth/audit.h"
#include "auth/policy.h"
#include "base/decimal.h"

#define MINUTE_MS       60000
#define TITLE_CHARS_MAX 100

/* --- reading ------------------------------------------------------------------------------------
 */

static void put_minutes(struct buf *out, const char *key, int64_t ms)
{
    json_put_key(out, key);
    json_put_int(out, ms / MINUTE_MS);
}

/* Without its end. The header is asked anew: inside a turn the change has just been made. */
static enum err put_settings(struct call *call, struct buf *out)
{
    struct tenant *tenant = call->ctx->tenant;
    struct policy policy;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = policy_load(tenant, &policy);
    if (e)
        return e;
    const char *const texts[] = {"name",     tenant->name,    "title",    tenant->title,
                                 "locale",   tenant->locale,  "timezone", tenant->timezone,
                                 "currency", tenant->currency};
    buf_put_char(out, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i += 2) {
        json_put_key(out, texts[i]);
        json_put_cstr(out, texts[i + 1]);
    }
    json_put_key(out, "password_policy");
    json_put_cstr(out, policy.dengbao ? "dengbao" : "asvs");
    json_put_key(out, "mfa");
    json_put_cstr(out, policy_mfa_name(policy.mfa));
    put_minutes(out, "session_idle_minutes", policy.idle_ms);
    put_minutes(out, "session_life_minutes", policy.life_ms);
    return ERR_OK;
}

static enum err answer(struct call *call)
{
    struct buf *out = &call->resp->body;
    enum err e = put_settings(call, out);
    if (e)
        return e;
    int64_t version = version_of(buf_slice(out));
    version_put(out, version);
    buf_put_char(out, '}');
    version_tag(call, "settings", version);
    return ERR_OK;
}

/* Nobody has changed them since who asks has read them. */
static enum err check_version(struct call *call)
{
    struct buf now = BUF_INIT;
    enum err e = put_settings(call, &now);
    if (!e)
        e = version_check(call, "settings", version_of(buf_slice(&now)));
    buf_release(&now);
    return e;
}

enum err settings_get(struct call *call)
{
    return answer(call);
}

/* --- the company --------------------------------------------------------------------------------
 */

static const char *const company_members[] = {"title", "locale", "timezone", "currency", NULL};

static void check_company(struct call *call)
{
    const char *title = body_text(call, "title", TITLE_CHARS_MAX);
    const char *locale = body_text(call, "locale", 10);
    const char *timezone = body_text(call, "timezone", 60);
    const char *currency = body_text(call, "currency", 3);
    for (const char *const *name = company_members; *name; name++) {
        const struct json *member = json_get(call->body, *name);
        bool is_blank = member && (member->type == JSON_NULL ||
                                   (member->type == JSON_STRING && !slice_trim(member->text).len));
        if (is_blank)
            body_bad(call, *name, "required", NULL);
    }
    (void)title;
    if (locale && strcmp(locale, "zh-CN") != 0 && strcmp(locale, "en") != 0)
        body_bad(call, "locale", "not_in_list", NULL);
    if (timezone && !zone_find(timezone))
        body_bad(call, "timezone", "bad_timezone", NULL);
    if (currency && currency_digits(slice_str(currency)) < 0)
        body_bad(call, "currency", "bad_currency", NULL);
}

static bool has_company(const struct call *call)
{
    for (const char *const *name = company_members; *name; name++)
        if (body_has(call, *name))
            return true;
    return false;
}

/* What is stored with the given members in place. Language, calendar and currency are part of the
 * model. */
static enum err write_company(struct call *call)
{
    struct tenant *tenant = call->ctx->tenant;
    struct buf b = BUF_INIT;
    if (!has_company(call))
        return ERR_OK;
    const char *const now[] = {tenant->title, tenant->locale, tenant->timezone, tenant->currency};
    buf_put_str(&b, "{\"name\":");
    json_put_cstr(&b, tenant->name);
    for (int i = 0; company_members[i]; i++) {
        const char *given = body_text(call, company_members[i], TITLE_CHARS_MAX);
        json_put_key(&b, company_members[i]);
        json_put_cstr(&b, given ? given : now[i]);
    }
    buf_put_char(&b, '}');
    enum err e = tenant_setting_put(tenant, "tenant", buf_slice(&b));
    if (!e)
        e = store_header_bump(tenant->store, true, false);
    if (!e)
        e = audit_put(call->ctx, "settings.change", NULL, 0, buf_cstr(&b));
    buf_release(&b);
    return e;
}

/* --- the policy ---------------------------------------------------------------------------------
 */

struct wanted {
    struct slice passwords, mfa;        /* mfa empty: as the profile has it */
    int64_t idle_minutes, life_minutes; /* 0 = what the profile says */
};

/* `dengbao` asks at least administrators. */
static void check_mfa(struct call *call, const struct json *stored, bool dengbao,
                      struct wanted *out)
{
    const struct json *given = body_member(call, "mfa");
    out->mfa = given ? given->text : json_str(stored, "mfa", SLICE(""));
    bool known = false;
    for (int i = dengbao ? MFA_ADMINS : MFA_OFFERED; i <= MFA_ALL; i++)
        known = known || slice_is(out->mfa, policy_mfa_name((enum policy_mfa)i));
    if (given && !known)
        body_bad(call, "mfa", "not_in_list", NULL);
    else if (!known) /* what is stored is less than the new profile asks */
        out->mfa = (struct slice){0};
}

/* Times of the profile at hand are its longest. */
static enum err check_policy(struct call *call, struct wanted *out)
{
    const struct json *stored = NULL;
    enum err e = tenant_setting(call->ctx->tenant, call->ctx->arena, "security", &stored);
    if (e)
        return e;
    const struct json *given = body_member(call, "password_policy");
    out->passwords = given ? given->text : json_str(stored, "passwords", SLICE("asvs"));
    bool dengbao = slice_is(out->passwords, "dengbao");
    if (!dengbao && !slice_is(out->passwords, "asvs"))
        body_bad(call, "password_policy", "not_in_list", NULL);
    check_mfa(call, stored, dengbao, out);
    int64_t idle = SESSION_IDLE_MS, life = SESSION_LIFE_MS;
    if (dengbao) {
        idle = SESSION_DENGBAO_IDLE_MS;
        life = SESSION_DENGBAO_LIFE_MS;
    }
    out->idle_minutes = json_int(stored, "idle_minutes", 0);
    out->life_minutes = json_int(stored, "life_minutes", 0);
    if (body_has(call, "session_idle_minutes"))
        out->idle_minutes = body_int(call, "session_idle_minutes", 1, idle / MINUTE_MS, 0);
    if (body_has(call, "session_life_minutes"))
        out->life_minutes = body_int(call, "session_life_minutes", 1, life / MINUTE_MS, 0);
    return ERR_OK;
}

static enum err write_policy(struct call *call, const struct wanted *wanted)
{
    struct arena *arena = call->ctx->arena;
    if (!body_has(call, "password_policy") && !body_has(call, "session_idle_minutes") &&
        !body_has(call, "session_life_minutes") && !body_has(call, "mfa"))
        return ERR_OK;
    struct json *value = json_new(arena, JSON_OBJECT);
    json_add(arena, value, "passwords", json_new_str(arena, wanted->passwords));
    if (wanted->mfa.len)
        json_add(arena, value, "mfa", json_new_str(arena, wanted->mfa));
    if (wanted->idle_minutes > 0)
        json_add(arena, value, "idle_minutes", json_new_int(arena, wanted->idle_minutes));
    if (wanted->life_minutes > 0)
        json_add(arena, value, "life_minutes", json_new_int(arena, wanted->life_minutes));
    return policy_put(call->ctx, value);
}

enum err settings_patch(struct call *call)
{
    static const char *const members[] = {"title",
                                          "locale",
                                          "timezone",
                                          "currency",
                                          "password_policy",
                                          "mfa",
                                          "session_idle_minutes",
                                          "session_life_minutes",
                                          "version",
                                          NULL};
    const struct json *body;
    struct wanted wanted;
    enum err e = call_object(call, &body);
    if (!e)
        e = check_version(call);
    if (e)
        return e;
    e = call_only(call, members);
    check_company(call);
    enum err read = check_policy(call, &wanted);
    if (read)
        return read;
    if (!e)
        e = body_done(call);
    if (!e)
        e = write_company(call);
    if (!e)
        e = write_policy(call, &wanted);
    return e ? e : answer(call);
}
