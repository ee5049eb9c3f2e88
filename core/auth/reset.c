/* reset - see reset.h: table password_reset.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/reset.h"

#include "auth/actor.h"
#include "auth/audit.h"
#include "auth/bearer.h"
#include "auth/row.h"
#include "auth/signin.h"
#include "base/id.h"
#include "base/limits.h"

#define BEARER_RESET "pr_"

_Static_assert(RESET_TOKEN_LEN == SESSION_TOKEN_LEN, "made by bearer_new");

static enum err link_insert(struct ctx *ctx, int64_t user, char token[RESET_TOKEN_LEN + 1])
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    bearer_new(BEARER_RESET, token, hash);
    struct store_set sets[] = {
        {.column = "id", .value = value_int(id_next())},
        {.column = "user", .value = value_int(user)},
        {.column = "hash", .value = value_blob(slice_of((const char *)hash, sizeof hash))},
        {.column = "expires_at", .value = value_int(ctx->now_ms + RESET_KEEP_MS)},
    };
    return store_insert(ctx->tenant->store, "password_reset", sets, 4, NULL);
}

enum err reset_create(struct ctx *ctx, int64_t user, char token[RESET_TOKEN_LEN + 1])
{
    ASSERT(user && store_in_tx(ctx->tenant->store));
    enum err e = link_insert(ctx, user, token);
    return e ? e : audit_put(ctx, "password.link", "user", user, NULL);
}

enum err reset_ask(struct ctx *ctx, struct slice login, int64_t *user, const char **email,
                   char token[RESET_TOKEN_LEN + 1])
{
    static const char *const columns[] = {"email", "active"};
    struct expr nodes[3];
    struct value v[2] = {{.type = VALUE_NULL}};
    bool allowed = false;
    int64_t id = 0;
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = signin_ask(ctx, login, ctx->address, &allowed);
    if (!e)
        e = actor_by_login(ctx->tenant, login, &id);
    if (!e || e == ERR_NOT_FOUND)
        e = row_read(ctx->tenant->store, ctx->arena, "user", columns, 2,
                     row_live(nodes, "id", value_int(id)), v);
    if (e && e != ERR_NOT_FOUND)
        return e;
    bool may = !e && allowed && v[1].integer && v[0].type == VALUE_TEXT && v[0].bytes.len;
    e = link_insert(ctx, may ? id : 0, token); /* nobody's link opens nothing */
    if (!e)
        e = audit_put(ctx, "password.asked", "user", id, NULL);
    *user = may ? id : 0;
    *email = may ? row_text(&v[0]) : NULL;
    return e;
}

enum err reset_find(struct ctx *ctx, struct slice token, int64_t *user)
{
    static const char *const columns[] = {"user", "expires_at"};
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct value v[2];
    ASSERT(ctx && user);
    if (!bearer_hash(token, BEARER_RESET, hash))
        return ERR_NOT_FOUND;
    struct expr where = row_eq("hash", value_blob(slice_of((const char *)hash, sizeof hash)));
    enum err e = row_read(ctx->tenant->store, ctx->arena, "password_reset", columns, 2, &where, v);
    if (e)
        return e;
    if (!v[0].integer || v[1].integer <= ctx->now_ms)
        return ERR_NOT_FOUND;
    const struct actor *actor;
    e = actor_load(ctx->tenant, v[0].integer, &actor);
    if (e || !actor->active)
        return e ? e : ERR_NOT_FOUND;
    *user = v[0].integer;
    return ERR_OK;
}

enum err reset_spend(struct ctx *ctx, struct slice token, int64_t *user)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = reset_find(ctx, token, user);
    if (e)
        return e;
    struct expr where = row_eq("user", value_int(*user));
    return store_delete(ctx->tenant->store, "password_reset", &where, NULL);
}

enum err reset_sweep(struct tenant *tenant, int64_t now_ms)
{
    struct expr old = {.op = EXPR_LTE, .column = {0, "expires_at"}, .value = value_int(now_ms)};
    return store_delete(tenant->store, "password_reset", &old, NULL);
}
