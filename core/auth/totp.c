/* totp - see totp.h. The column user.mfa holds {"on": …, "secret": sealed, "step": last one used,
 * "codes": [hashes], "pending": sealed, "pending_at": …}.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/totp.h"

#include <stdio.h>
#include <string.h>

#include "auth/audit.h"
#include "auth/row.h"
#include "auth/session.h"
#include "auth/vault.h"
#include "base/json.h"
#include "base/limits.h"

#define DIGITS      6
#define MODULUS     1000000
#define WINDOW      1  /* steps before and behind: clocks differ */
#define CODE_RANDOM 15 /* bytes of a recovery code */
#define CODE_CHARS  24 /* without its hyphens */

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* len is a multiple of 5. */
static void base32_put(const uint8_t *bytes, size_t len, char *out)
{
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 5; held -= 5)
            *out++ = base32[bits >> (held - 5) & 31];
    }
    *out = 0;
}

static int code_at(const uint8_t secret[TOTP_SECRET_LEN], int64_t step)
{
    uint8_t mac[CRYPTO_SHA1_LEN], counter[8];
    for (int i = 7; i >= 0; i--, step >>= 8)
        counter[i] = (uint8_t)(step & 0xff);
    crypto_hmac_sha1(slice_of((const char *)secret, TOTP_SECRET_LEN),
                     slice_of((const char *)counter, sizeof counter), mac);
    size_t at = mac[CRYPTO_SHA1_LEN - 1] & 15; /* RFC 4226 section 5.3 */
    uint32_t n = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                 (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    return (int)(n % MODULUS);
}

int totp_code(const uint8_t secret[TOTP_SECRET_LEN], int64_t now_ms)
{
    return code_at(secret, now_ms / TOTP_STEP_MS);
}

/* --- what is stored --- */

struct factor {
    bool on;
    int64_t step, pending_at;
    struct slice secret, pending; /* sealed; empty = none */
    struct slice codes[TOTP_RECOVERY_KEEP];
    int codes_count;
};

static struct slice get_bytes(struct arena *arena, const struct json *text)
{
    struct buf bytes = BUF_INIT;
    struct slice out = {0};
    if (text && text->type == JSON_STRING && crypto_parse_base64url(text->text, &bytes))
        out = arena_slice(arena, buf_slice(&bytes));
    buf_release(&bytes);
    return out;
}

static enum err factor_parse(struct arena *arena, const struct value *mfa, struct factor *out)
{
    const struct json *doc = NULL;
    *out = (struct factor){0};
    if (mfa->type != VALUE_TEXT)
        return ERR_OK;
    if (json_parse(arena, mfa->bytes, &doc, NULL))
        return ERR_CORRUPT;
    out->on = json_bool(doc, "on", false);
    out->step = json_int(doc, "step", 0);
    out->pending_at = json_int(doc, "pending_at", 0);
    out->secret = get_bytes(arena, json_get(doc, "secret"));
    out->pending = get_bytes(arena, json_get(doc, "pending"));
    json_each(code, json_get(doc, "codes"))
    {
        if (out->codes_count < TOTP_RECOVERY_KEEP)
            out->codes[out->codes_count++] = get_bytes(arena, code);
    }
    return ERR_OK;
}

static enum err factor_read(struct tenant *tenant, struct arena *arena, int64_t user,
                            struct factor *out)
{
    static const char *const columns[] = {"mfa"};
    struct expr nodes[3];
    struct value v;
    enum err e = row_read(tenant->store, arena, "user", columns, 1,
                          row_live(nodes, "id", value_int(user)), &v);
    return e ? e : factor_parse(arena, &v, out);
}

static void put_bytes(struct buf *out, const char *name, struct slice bytes)
{
    struct buf text = BUF_INIT;
    crypto_put_base64url(&text, bytes);
    if (name)
        json_put_key(out, name);
    else
        json_put_comma(out);
    json_put_string(out, buf_slice(&text));
    buf_release(&text);
}

/* `moved`: whether there is a factor has changed, so those who act by it are read anew. */
static enum err factor_write(struct ctx *ctx, int64_t user, const struct factor *f, bool moved)
{
    struct buf b = BUF_INIT;
    struct expr nodes[3];
    int64_t changed = 0;
    buf_printf(&b, "{\"on\":%s,\"step\":%lld", f->on ? "true" : "false", (long long)f->step);
    if (f->secret.len)
        put_bytes(&b, "secret", f->secret);
    if (f->pending.len) {
        put_bytes(&b, "pending", f->pending);
        buf_printf(&b, ",\"pending_at\":%lld", (long long)f->pending_at);
    }
    buf_put_str(&b, ",\"codes\":[");
    for (int i = 0; i < f->codes_count; i++)
        put_bytes(&b, NULL, f->codes[i]);
    buf_put_str(&b, "]}");
    struct value text = f->on || f->pending.len ? value_text(buf_slice(&b)) : value_null();
    struct store_set set = {.column = "mfa", .value = text};
    enum err e = store_update(ctx->tenant->store, "user", row_live(nodes, "id", value_int(user)),
                              &set, 1, &changed, NULL);
    if (!e && !changed)
        e = ERR_NOT_FOUND;
    if (!e && moved)
        e = store_header_bump(ctx->tenant->store, false, true);
    buf_release(&b);
    return e;
}

/* --- secrets --- */

static struct vault_place place_of(int64_t user)
{
    return (struct vault_place){VAULT_TOTP, "user", "mfa", user};
}

static enum err secret_open(struct ctx *ctx, int64_t user, struct slice sealed,
                            uint8_t out[TOTP_SECRET_LEN])
{
    struct vault_place place = place_of(user);
    struct buf plain = BUF_INIT;
    enum err e = vault_open(ctx, &place, sealed, &plain);
    if (!e && plain.len != TOTP_SECRET_LEN)
        e = ERR_CORRUPT;
    if (!e)
        memcpy(out, plain.at, TOTP_SECRET_LEN);
    if (plain.at)
        crypto_wipe(plain.at, plain.len);
    buf_release(&plain);
    return e;
}

static enum err secret_seal(struct ctx *ctx, int64_t user, const uint8_t secret[TOTP_SECRET_LEN],
                            struct slice *out)
{
    struct vault_place place = place_of(user);
    struct buf sealed = BUF_INIT;
    enum err e = vault_seal(ctx, &place, slice_of((const char *)secret, TOTP_SECRET_LEN), &sealed);
    if (!e)
        *out = arena_slice(ctx->arena, buf_slice(&sealed));
    buf_release(&sealed);
    return e;
}

/* Six digits, perhaps typed with a space in the middle; -1 for anything else. */
static int code_parse(struct slice text)
{
    int n = 0, digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == ' ')
            continue;
        if (c < '0' || c > '9' || ++digits > DIGITS)
            return -1;
        n = n * 10 + (c - '0');
    }
    return digits == DIGITS ? n : -1;
}

/* The step of the code, later than the last one used; 0 = it is none of them. */
static int64_t step_of(const uint8_t secret[TOTP_SECRET_LEN], int code, int64_t now_ms,
                       int64_t used)
{
    int64_t found = 0;
    for (int64_t step = now_ms / TOTP_STEP_MS + WINDOW; step >= now_ms / TOTP_STEP_MS - WINDOW;
         step--)
        if (code_at(secret, step) == code && step > used)
            found = step;
    return found;
}

/* --- recovery codes --- */

static void recovery_hash(struct slice compact, char out[CRYPTO_SHA256_LEN])
{
    crypto_sha256(compact, (uint8_t *)out);
}

static void recovery_new(struct ctx *ctx, struct factor *f,
                         char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1])
{
    for (int i = 0; i < TOTP_RECOVERY_KEEP; i++) {
        uint8_t random[CODE_RANDOM];
        char compact[CODE_CHARS + 1], hash[CRYPTO_SHA256_LEN];
        crypto_random(random, sizeof random);
        base32_put(random, sizeof random, compact);
        recovery_hash(slice_of(compact, CODE_CHARS), hash);
        f->codes[i] = arena_slice(ctx->arena, slice_of(hash, sizeof hash));
        (void)snprintf(codes[i], TOTP_RECOVERY_LEN + 1, "%.4s-%.4s-%.4s-%.4s-%.4s-%.4s", compact,
                       compact + 4, compact + 8, compact + 12, compact + 16, compact + 20);
    }
    f->codes_count = TOTP_RECOVERY_KEEP;
}

/* Takes the code off the list if it is on it. */
static bool recovery_take(struct factor *f, struct slice typed)
{
    char compact[CODE_CHARS], hash[CRYPTO_SHA256_LEN];
    size_t n = 0;
    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.at[i];
        if (c == '-' || c == ' ')
            continue;
        if (n == CODE_CHARS)
            return false;
        compact[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    if (n != CODE_CHARS)
        return false;
    recovery_hash(slice_of(compact, n), hash);
    for (int i = 0; i < f->codes_count; i++) {
        if (!crypto_equal(f->codes[i], slice_of(hash, sizeof hash)))
            continue;
        f->codes[i] = f->codes[--f->codes_count];
        return true;
    }
    return false;
}

/* --- on, off, used --- */

enum err totp_is_on(struct tenant *tenant, int64_t user, bool *on)
{
    ASSERT(tenant && on);
    struct factor f;
    struct arena *arena = arena_new();
    enum err e = factor_read(tenant, arena, user, &f);
    if (!e)
        *on = f.on;
    arena_free(arena);
    return e;
}

enum err totp_begin(struct ctx *ctx, int64_t user, char secret[TOTP_SECRET_CHARS + 1])
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct factor f;
    uint8_t bytes[TOTP_SECRET_LEN];
    enum err e = factor_read(ctx->tenant, ctx->arena, user, &f);
    if (e)
        return e;
    if (f.on)
        return err_say(&ctx->err, ERR_CONFLICT, "mfa_on", "%s", "@error.mfa_on");
    crypto_random(bytes, sizeof bytes);
    e = secret_seal(ctx, user, bytes, &f.pending);
    f.pending_at = ctx->now_ms;
    if (!e)
        e = factor_write(ctx, user, &f, false);
    if (!e)
        base32_put(bytes, sizeof bytes, secret);
    crypto_wipe(bytes, sizeof bytes);
    return e;
}

static void put_escaped(struct buf *out, const char *text)
{
    static const char free_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(free_chars, *text))
            buf_put_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

const char *totp_uri(struct arena *arena, const char *issuer, const char *login, const char *secret)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "otpauth://totp/");
    put_escaped(&b, issuer);
    buf_put_char(&b, ':');
    put_escaped(&b, login);
    buf_printf(&b, "?secret=%s&issuer=", secret);
    put_escaped(&b, issuer);
    buf_printf(&b, "&algorithm=SHA1&digits=%d&period=%d", DIGITS, TOTP_STEP_MS / 1000);
    const char *uri = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return uri;
}

enum err totp_confirm(struct ctx *ctx, int64_t user, struct slice code, int64_t keep_session,
                      char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1], bool *ok)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct factor f;
    uint8_t secret[TOTP_SECRET_LEN];
    *ok = false;
    enum err e = factor_read(ctx->tenant, ctx->arena, user, &f);
    if (e || f.on || !f.pending.len || ctx->now_ms - f.pending_at >= TOTP_PENDING_MS)
        return e;
    e = secret_open(ctx, user, f.pending, secret);
    int64_t step = e ? 0 : step_of(secret, code_parse(code), ctx->now_ms, 0);
    crypto_wipe(secret, sizeof secret);
    if (e || !step)
        return e;
    f = (struct factor){.on = true, .step = step, .secret = f.pending};
    recovery_new(ctx, &f, codes);
    e = factor_write(ctx, user, &f, true);
    if (!e)
        e = session_end_others(ctx, user, keep_session);
    if (!e)
        e = audit_put(ctx, "mfa.on", "user", user, NULL);
    *ok = !e;
    return e;
}

enum err totp_check(struct ctx *ctx, int64_t user, struct slice code, bool *ok)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct factor f;
    uint8_t secret[TOTP_SECRET_LEN];
    *ok = false;
    enum err e = factor_read(ctx->tenant, ctx->arena, user, &f);
    if (e || !f.on)
        return e;
    int typed = code_parse(code);
    if (typed < 0) {
        *ok = recovery_take(&f, code);
        if (*ok)
            e = factor_write(ctx, user, &f, false);
        return e || !*ok ? e : audit_put(ctx, "mfa.recovery", "user", user, NULL);
    }
    e = secret_open(ctx, user, f.secret, secret);
    int64_t step = e ? 0 : step_of(secret, typed, ctx->now_ms, f.step);
    crypto_wipe(secret, sizeof secret);
    if (e || !step)
        return e;
    f.step = step;
    e = factor_write(ctx, user, &f, false);
    *ok = !e;
    return e;
}

enum err totp_recovery(struct ctx *ctx, int64_t user,
                       char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1])
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct factor f;
    enum err e = factor_read(ctx->tenant, ctx->arena, user, &f);
    if (!e && !f.on)
        e = ERR_NOT_FOUND;
    if (e)
        return e;
    recovery_new(ctx, &f, codes);
    e = factor_write(ctx, user, &f, false);
    return e ? e : audit_put(ctx, "mfa.codes", "user", user, NULL);
}

enum err totp_remove(struct ctx *ctx, int64_t user, int64_t keep_session)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = factor_write(ctx, user, &(struct factor){0}, true);
    if (!e)
        e = session_end_others(ctx, user, keep_session);
    return e ? e : audit_put(ctx, "mfa.off", "user", user, NULL);
}

/* --- sealing anew --- */

struct users {
    struct arena *arena;
    struct row_user {
        int64_t id;
        struct value mfa;
        struct row_user *next;
    } * first;
};

static bool take_user(void *arg, const struct store_row *row)
{
    struct users *users = arg;
    struct row_user *user = arena_make(users->arena, struct row_user);
    user->id = store_row_int(row, 0);
    struct value mfa = store_row_value(row, 1);
    user->mfa = value_copy(users->arena, &mfa);
    user->next = users->first;
    users->first = user;
    return true;
}

static enum err reseal_user(struct ctx *ctx, const struct row_user *user, int64_t current)
{
    struct factor f;
    uint8_t secret[TOTP_SECRET_LEN];
    enum err e = factor_parse(ctx->arena, &user->mfa, &f);
    if (e || (vault_version(f.secret) >= current && !f.pending.len))
        return e;
    f.pending = (struct slice){0}; /* who was about to set one up begins again */
    if (f.on)
        e = secret_open(ctx, user->id, f.secret, secret);
    if (!e && f.on)
        e = secret_seal(ctx, user->id, secret, &f.secret);
    crypto_wipe(secret, sizeof secret);
    return e ? e : factor_write(ctx, user->id, &f, false);
}

enum err totp_reseal(struct ctx *ctx)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    static const struct query_column columns[] = {{.column = {0, "id"}}, {.column = {0, "mfa"}}};
    struct expr gone = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
    struct expr has = {.op = EXPR_NOT_NULL, .column = {0, "mfa"}, .next = &gone};
    struct expr both = {.op = EXPR_AND, .first = &has};
    struct query query = {.table = "user", .select = columns, .select_count = 2, .where = &both};
    struct users users = {.arena = ctx->arena};
    int64_t current = 0;
    enum err e = vault_current(ctx->tenant, VAULT_TOTP, &current);
    if (!e)
        e = store_read(ctx->tenant->store, &query, take_user, &users);
    for (const struct row_user *user = users.first; user && !e; user = user->next)
        e = reseal_user(ctx, user, current);
    return e;
}
