/* signin - three counters per attempt in table signin_fail.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/signin.h"

#include <stdio.h>
#include <string.h>

#include "auth/actor.h"
#include "auth/address.h"
#include "auth/audit.h"
#include "auth/row.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "base/text.h"

#define LOGIN_HASH_CHARS 22 /* 16 bytes in base64url */
#define KEY_BYTES        (LOGIN_HASH_CHARS + ADDRESS_KEY_BYTES + 4)

enum counter { COUNTER_PAIR, COUNTER_ACCOUNT, COUNTER_ADDRESS, COUNTERS };

struct counters {
    char keys[COUNTERS][KEY_BYTES];
    int limits[COUNTERS];
};

static void login_hash(struct slice login, char out[LOGIN_HASH_CHARS + 1])
{
    struct buf b = BUF_INIT;
    if (text_is_utf8(login) && login.len <= LOGIN_BYTES_MAX)
        text_fold(&b, login);
    else
        buf_put_slice(&b, login);
    uint8_t hash[CRYPTO_SHA256_LEN];
    crypto_sha256(buf_slice(&b), hash);
    buf_clear(&b);
    crypto_put_base64url(&b, slice_of((const char *)hash, 16));
    ASSERT(b.len == LOGIN_HASH_CHARS);
    memcpy(out, buf_cstr(&b), LOGIN_HASH_CHARS + 1);
    buf_release(&b);
}

static enum err counters_init(struct ctx *ctx, struct slice login, const char *address,
                              struct counters *out)
{
    const struct policy *policy;
    enum err e = actor_policy(ctx->tenant, &policy);
    if (e)
        return e;
    char account[LOGIN_HASH_CHARS + 1], place[ADDRESS_KEY_BYTES];
    login_hash(login, account);
    address_key(address, place);
    (void)snprintf(out->keys[COUNTER_PAIR], KEY_BYTES, "p:%s:%s", account, place);
    (void)snprintf(out->keys[COUNTER_ACCOUNT], KEY_BYTES, "a:%s", account);
    (void)snprintf(out->keys[COUNTER_ADDRESS], KEY_BYTES, "i:%s", place);
    out->limits[COUNTER_PAIR] = SIGNIN_FAILS_ADDRESS;
    out->limits[COUNTER_ACCOUNT] = policy->account_fails;
    out->limits[COUNTER_ADDRESS] = SIGNIN_FAILS_ALL;
    return ERR_OK;
}

struct tally {
    int64_t count, until, first_at;
};

static enum err tally_read(struct ctx *ctx, const char *key, struct tally *out)
{
    static const char *const columns[] = {"count", "until", "first_at"};
    struct expr where = row_eq("key", value_text(slice_str(key)));
    struct value v[3];
    *out = (struct tally){0};
    enum err e = row_read(ctx->tenant->store, ctx->arena, "signin_fail", columns, 3, &where, v);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    *out = (struct tally){v[0].integer, v[1].integer, v[2].integer};
    if (ctx->now_ms - out->first_at >= SIGNIN_LOCK_MS && out->until <= ctx->now_ms)
        *out = (struct tally){0}; /* the window is over */
    return ERR_OK;
}

static enum err tally_write(struct ctx *ctx, const char *key, const struct tally *tally)
{
    struct store_set sets[] = {
        {.column = "key", .value = value_text(slice_str(key))},
        {.column = "count", .value = value_int(tally->count)},
        {.column = "until", .value = value_int(tally->until)},
        {.column = "first_at", .value = value_int(tally->first_at)},
    };
    return store_put(ctx->tenant->store, "signin_fail", sets, 4);
}

/* Windows that are long over, so that guessed logins leave nothing behind. */
static enum err sweep(struct ctx *ctx)
{
    struct expr old = {.op = EXPR_LT,
                       .column = {0, "first_at"},
                       .value = value_int(ctx->now_ms - 2 * SIGNIN_LOCK_MS)};
    return store_delete(ctx->tenant->store, "signin_fail", &old, NULL);
}

static enum err lock_audit(struct ctx *ctx, enum counter which, struct slice login)
{
    static const char *const names[] = {"account_and_address", "account", "address"};
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"what\":");
    json_put_cstr(&detail, names[which]);
    if (which != COUNTER_ADDRESS && text_is_utf8(login)) {
        buf_put_str(&detail, ",\"login\":");
        json_put_string(&detail, text_head(login, LOGIN_BYTES_MAX));
    }
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, "signin.locked", "user", 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

static enum err count_one(struct ctx *ctx, struct counters *counters, enum counter which,
                          struct tally *tally, struct slice login)
{
    if (tally->count == 0)
        tally->first_at = ctx->now_ms;
    tally->count++;
    bool locks = tally->count >= counters->limits[which];
    if (locks)
        tally->until = ctx->now_ms + SIGNIN_LOCK_MS;
    enum err e = tally_write(ctx, counters->keys[which], tally);
    return !e && locks ? lock_audit(ctx, which, login) : e;
}

enum err signin_count(struct ctx *ctx, struct slice login, const char *address)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct counters counters;
    struct tally tallies[COUNTERS];
    enum err e = counters_init(ctx, login, address, &counters);
    int64_t until = 0;
    for (int i = 0; i < COUNTERS && !e; i++) {
        e = tally_read(ctx, counters.keys[i], &tallies[i]);
        if (!e && tallies[i].until > until)
            until = tallies[i].until;
    }
    if (e)
        return e;
    if (until > ctx->now_ms) {
        ctx->err.retry_after_s = (int)((until - ctx->now_ms + 999) / 1000);
        return ERR_LOCKED;
    }
    e = sweep(ctx);
    for (int i = 0; i < COUNTERS && !e; i++)
        e = count_one(ctx, &counters, (enum counter)i, &tallies[i], login);
    return e;
}

static enum err tally_forget(struct ctx *ctx, const char *key)
{
    struct expr where = row_eq("key", value_text(slice_str(key)));
    return store_delete(ctx->tenant->store, "signin_fail", &where, NULL);
}

static enum err take_back(struct ctx *ctx, struct slice login, const char *address, bool right)
{
    struct counters counters;
    enum err e = counters_init(ctx, login, address, &counters);
    if (!e && right)
        e = tally_forget(ctx, counters.keys[COUNTER_PAIR]);
    for (int i = right ? COUNTER_ACCOUNT : COUNTER_PAIR; i < COUNTERS && !e; i++) {
        struct tally tally;
        e = tally_read(ctx, counters.keys[i], &tally);
        if (e || tally.count == 0)
            continue;
        tally.count--;
        if (tally.count < counters.limits[i])
            tally.until = 0;
        e = tally.count > 0 ? tally_write(ctx, counters.keys[i], &tally)
                            : tally_forget(ctx, counters.keys[i]);
    }
    return e;
}

enum err signin_take_back(struct ctx *ctx, struct slice login, const char *address)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    return take_back(ctx, login, address, true);
}

enum err signin_uncount(struct ctx *ctx, struct slice login, const char *address)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    return take_back(ctx, login, address, false);
}

enum err signin_ask(struct ctx *ctx, struct slice login, const char *address, bool *allowed)
{
    ASSERT(ctx && ctx->tenant && allowed);
    ASSERT(store_in_tx(ctx->tenant->store));
    char account[LOGIN_HASH_CHARS + 1], place[ADDRESS_KEY_BYTES], keys[2][KEY_BYTES];
    static const int limits[] = {RESET_MAX, SIGNIN_FAILS_ALL};
    login_hash(login, account);
    address_key(address, place);
    (void)snprintf(keys[0], KEY_BYTES, "ra:%s", account);
    (void)snprintf(keys[1], KEY_BYTES, "ri:%s", place);
    *allowed = true;
    enum err e = sweep(ctx);
    for (int i = 0; i < 2 && !e; i++) {
        struct tally tally;
        e = tally_read(ctx, keys[i], &tally);
        if (tally.count == 0)
            tally.first_at = ctx->now_ms;
        *allowed = *allowed && tally.count++ < limits[i];
        if (!e)
            e = tally_write(ctx, keys[i], &tally);
    }
    return e;
}

enum err signin_unlock(struct ctx *ctx, struct slice login)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    char account[LOGIN_HASH_CHARS + 1];
    login_hash(login, account);
    char key[KEY_BYTES], from[KEY_BYTES], to[KEY_BYTES];
    (void)snprintf(key, sizeof key, "a:%s", account);
    (void)snprintf(from, sizeof from, "p:%s:", account);
    (void)snprintf(to, sizeof to, "p:%s;", account); /* ';' follows ':' */
    enum err e = tally_forget(ctx, key);
    struct expr pairs = {.op = EXPR_BETWEEN,
                         .column = {0, "key"},
                         .value = value_text(slice_str(from)),
                         .value2 = value_text(slice_str(to))};
    return e ? e : store_delete(ctx->tenant->store, "signin_fail", &pairs, NULL);
}
