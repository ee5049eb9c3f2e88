/* idem - see idem.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/idem.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "auth/actor.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "store/query.h"

static int64_t actor_of(const struct ctx *ctx)
{
    if (!ctx->actor)
        return 0;
    return ctx->actor->api_key ? ctx->actor->api_key : ctx->actor->user;
}

/* Moves with roles and users, and with the model, which declares roles and hides fields: both only
 * grow. */
static int64_t rights_version(const struct store_header *header)
{
    return header->auth_version + header->model_version;
}

/* The same words under another method or path are another request. */
static void hash_of(struct slice route, struct slice body, uint8_t out[CRYPTO_SHA256_LEN])
{
    struct buf all = BUF_INIT;
    buf_put_bytes(&all, route);
    buf_put_slice(&all, body);
    crypto_sha256(buf_slice(&all), out);
    buf_release(&all);
}

static enum err check_key(struct ctx *ctx, struct slice key)
{
    bool plain = key.len > 0 && key.len <= IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; i < key.len && plain; i++)
        plain = key.at[i] > ' ' && key.at[i] < 0x7f;
    return plain ? ERR_OK : err_say(&ctx->err, ERR_MALFORMED, "bad_idempotency_key", NULL);
}

struct kept {
    bool found, same;
    int status;
    int64_t rights_version, at_ms;
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct buf *body;
};

static bool take_kept(void *arg, const struct store_row *row)
{
    struct kept *kept = arg;
    struct slice mine = slice_of((const char *)kept->hash, sizeof kept->hash);
    kept->found = true;
    kept->same = slice_eq(store_row_bytes(row, 0), mine);
    kept->status = (int)store_row_int(row, 1);
    kept->rights_version = store_row_int(row, 3);
    kept->at_ms = store_row_int(row, 4);
    if (kept->same)
        buf_put_slice(kept->body, store_row_bytes(row, 2));
    return false;
}

/* What was begun stands there as the number of the process that does it. */
static enum err take_begun(const struct ctx *ctx, struct kept *kept)
{
    int64_t pid = 0;
    bool is_young = ctx->now_ms - kept->at_ms < IDEMPOTENCY_BEGUN_MS;
    bool is_pid = slice_to_int(buf_slice(kept->body), &pid) && pid > 0;
    if (is_young && is_pid && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
        return ERR_BUSY;
    buf_clear(kept->body);
    buf_put_str(kept->body, IDEM_TOO_LONG);
    kept->status = 200;
    return ERR_OK;
}

enum err idem_find(struct ctx *ctx, struct slice key, struct slice route, struct slice request_body,
                   bool *found, bool *moved, int *status, struct buf *body)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(found && moved && status && body);
    struct kept kept = {.body = body};
    enum err e = check_key(ctx, key);
    if (e)
        return e;
    hash_of(route, request_body, kept.hash);
    const struct expr *old =
        expr_cmp(ctx->arena, EXPR_GT, "at", value_int(ctx->now_ms - IDEMPOTENCY_KEEP_MS));
    const struct expr *where =
        expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "actor", value_int(actor_of(ctx))),
                 expr_cmp(ctx->arena, EXPR_EQ, "key", value_text(key)));
    struct query_column select[] = {{.column = {0, "body_hash"}},
                                    {.column = {0, "status"}},
                                    {.column = {0, "answer"}},
                                    {.column = {0, "rights_version"}},
                                    {.column = {0, "at"}}};
    struct query query = {.table = "idem",
                          .select = select,
                          .select_count = 5,
                          .where = expr_and(ctx->arena, where, old),
                          .limit = 1};
    e = store_read(ctx->tenant->store, &query, take_kept, &kept);
    if (e)
        return e;
    if (kept.found && !kept.same)
        return ERR_IDEMPOTENCY;
    if (kept.found && !kept.status)
        e = take_begun(ctx, &kept);
    if (e)
        return e;
    *found = kept.found;
    *moved = kept.rights_version != rights_version(&ctx->tenant->header);
    *status = kept.status;
    return ERR_OK;
}

static enum err put(struct ctx *ctx, struct slice key, struct slice route,
                    struct slice request_body, int status, struct slice body)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct store_header header; /* with what this very request has moved */
    enum err e = check_key(ctx, key);
    if (!e)
        e = store_header_read(ctx->tenant->store, &header);
    if (e)
        return e;
    hash_of(route, request_body, hash);
    struct slice answer = body.len > IDEMPOTENCY_ANSWER_MAX ? SLICE(IDEM_TOO_LONG) : body;
    struct store_set sets[] = {
        {"actor", value_int(actor_of(ctx)), false},
        {"key", value_text(key), false},
        {"route", value_text(route), false},
        {"body_hash", value_blob(slice_of((const char *)hash, sizeof hash)), false},
        {"status", value_int(status), false},
        {"answer", value_text(answer), false},
        {"at", value_int(ctx->now_ms), false},
        {"rights_version", value_int(rights_version(&header)), false},
    };
    /* A row older than a day that was not swept yet makes room. */
    return store_put(ctx->tenant->store, "idem", sets, sizeof sets / sizeof *sets);
}

enum err idem_keep(struct ctx *ctx, struct slice key, struct slice route, struct slice request_body,
                   int status, struct slice body)
{
    if (status < 200 || status > 299)
        return check_key(ctx, key);
    return put(ctx, key, route, request_body, status, body);
}

enum err idem_begin(struct ctx *ctx, struct slice key, struct slice route,
                    struct slice request_body)
{
    struct slice pid = slice_str(arena_printf(ctx->arena, "%lld", (long long)getpid()));
    return put(ctx, key, route, request_body, 0, pid);
}

enum err idem_end(struct ctx *ctx, struct slice key, struct slice route, struct slice request_body,
                  int status, struct slice body)
{
    ASSERT(status >= 200);
    return put(ctx, key, route, request_body, status, body);
}

enum err idem_sweep(struct tenant *tenant, int64_t now_ms)
{
    ASSERT(tenant);
    struct expr old = {
        .op = EXPR_LT, .column = {0, "at"}, .value = value_int(now_ms - IDEMPOTENCY_KEEP_MS)};
    return store_delete(tenant->store, "idem", &old, NULL);
}
