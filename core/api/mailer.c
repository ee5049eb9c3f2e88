/* mailer - see mailer.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/mailer.h"

#include "auth/vault.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"

static const struct vault_place PLACE = {
    .class = VAULT_CONFIG, .entity = MAILER_SETTING, .field = "password"};

static enum mail_tls tls_of(struct slice text)
{
    if (slice_is(text, "tls"))
        return MAIL_TLS_WHOLE;
    return slice_is(text, "none") ? MAIL_TLS_NONE : MAIL_TLS_START;
}

enum err mailer_load(struct ctx *ctx, struct mailer *out)
{
    ASSERT(ctx && out);
    *out = (struct mailer){0};
    enum err e = tenant_setting(ctx->tenant, ctx->arena, MAILER_SETTING, &out->setting);
    if (e || !out->setting)
        return e ? e : ERR_NOT_FOUND;
    const struct json *s = out->setting;
    out->server.host = json_cstr(s, "host", "");
    out->server.port = (int)json_int(s, "port", 0);
    out->server.tls = tls_of(json_str(s, "tls", SLICE("")));
    out->server.user = json_cstr(s, "user", NULL);
    out->from = json_cstr(s, "from", "");
    out->from_name = json_cstr(s, "from_name", NULL);
    out->per_hour = json_int(s, "per_hour", MAIL_RATE_PER_HOUR);
    return ERR_OK;
}

enum err mailer_open(struct ctx *ctx, struct mailer *mailer)
{
    struct slice sealed = json_str(mailer->setting, "password", SLICE(""));
    struct buf bytes = BUF_INIT, plain = BUF_INIT;
    if (!sealed.len)
        return ERR_OK;
    enum err e = crypto_parse_base64url(sealed, &bytes) ? ERR_OK : ERR_CORRUPT;
    if (!e)
        e = vault_open(ctx, &PLACE, buf_slice(&bytes), &plain);
    if (!e)
        mailer->server.password = arena_str(ctx->arena, buf_slice(&plain));
    buf_release(&bytes);
    crypto_wipe(plain.at, plain.len);
    buf_release(&plain);
    return e;
}

enum err mailer_seal(struct ctx *ctx, struct slice password, struct slice *out)
{
    struct buf bytes = BUF_INIT, text = BUF_INIT;
    enum err e = vault_seal(ctx, &PLACE, password, &bytes);
    if (!e)
        crypto_put_base64url(&text, buf_slice(&bytes));
    if (!e)
        *out = arena_slice(ctx->arena, buf_slice(&text));
    buf_release(&bytes);
    buf_release(&text);
    return e;
}

enum err mailer_reseal(struct ctx *ctx)
{
    struct mailer mailer;
    struct slice sealed = {0};
    enum err e = mailer_load(ctx, &mailer);
    if (e || !json_get(mailer.setting, "password"))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = mailer_open(ctx, &mailer);
    if (!e)
        e = mailer_seal(ctx, slice_str(mailer.server.password), &sealed);
    if (e)
        return e;
    struct buf text = BUF_INIT;
    struct json *setting = json_new(ctx->arena, JSON_OBJECT);
    json_each(member, mailer.setting)
    {
        struct json *copy = slice_is(member->key, "password") ? json_new_str(ctx->arena, sealed)
                                                              : json_copy(ctx->arena, member);
        json_add(ctx->arena, setting, arena_str(ctx->arena, member->key), copy);
    }
    json_put(&text, setting);
    e = tenant_setting_put(ctx->tenant, MAILER_SETTING, buf_slice(&text));
    buf_release(&text);
    return e;
}

enum err mailer_send(struct ctx *ctx, const struct mailer *mailer, struct mime_letter *letter,
                     int64_t job, struct mail_outcome *out)
{
    ASSERT(ctx && mailer && letter && out);
    char id[ID_TEXT_LEN + 1];
    struct buf message = BUF_INIT;
    const char *at = strchr(mailer->from, '@');
    id_text(job, id);
    letter->from = mailer->from;
    letter->from_name = mailer->from_name;
    letter->date_ms = clock_now_ms();
    letter->id =
        arena_printf(ctx->arena, "%s.%s@%s", id, ctx->tenant->name, at ? at + 1 : "localhost");
    mime_put(&message, letter);
    enum err e =
        mail_send(ctx->arena, &mailer->server, mailer->from, letter->to, buf_slice(&message), out);
    buf_release(&message);
    return e;
}
