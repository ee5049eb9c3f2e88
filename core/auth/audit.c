/* audit - write one row behind the last, and walk the chain.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/audit.h"

#include <string.h>

#include "auth/actor.h"
#include "store/query.h"

/* What is hashed of a row: every column, lengths before texts, so that nothing can be moved from
 * one column into the next. */
struct audit_row {
    int64_t seq, at, actor, record;
    struct slice action, entity, address, detail;
};

static void row_hash(const uint8_t previous[CRYPTO_SHA256_LEN], const struct audit_row *row,
                     uint8_t out[CRYPTO_SHA256_LEN])
{
    struct buf b = BUF_INIT;
    buf_put(&b, previous, CRYPTO_SHA256_LEN);
    buf_put_i64(&b, row->seq);
    buf_put_i64(&b, row->at);
    buf_put_i64(&b, row->actor);
    buf_put_i64(&b, row->record);
    buf_put_bytes(&b, row->action);
    buf_put_bytes(&b, row->entity);
    buf_put_bytes(&b, row->address);
    buf_put_bytes(&b, row->detail);
    crypto_sha256(buf_slice(&b), out);
    buf_release(&b);
}

static bool take_hash(void *arg, const struct store_row *row)
{
    struct slice hash = store_row_bytes(row, 0);
    if (hash.len == CRYPTO_SHA256_LEN)
        memcpy(arg, hash.at, CRYPTO_SHA256_LEN);
    return false;
}

enum err audit_head(struct tenant *tenant, int64_t *seq, uint8_t hash[CRYPTO_SHA256_LEN])
{
    ASSERT(tenant && seq && hash);
    memset(hash, 0, CRYPTO_SHA256_LEN);
    enum err e = store_key_max(tenant->store, "audit", seq);
    if (e || *seq == 0)
        return e;
    struct expr where = {.op = EXPR_EQ, .column = {0, "seq"}, .value = value_int(*seq)};
    struct query_column column = {.column = {0, "hash"}};
    struct query query = {.table = "audit", .select = &column, .select_count = 1, .where = &where};
    return store_read(tenant->store, &query, take_hash, hash);
}

static struct value text_or_null(struct slice s)
{
    return s.len > 0 ? value_text(s) : value_null();
}

static struct value int_or_null(int64_t n)
{
    return n ? value_int(n) : value_null();
}

enum err audit_put(struct ctx *ctx, const char *action, const char *entity, int64_t record,
                   const char *detail)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(action && *action);
    ASSERT(store_in_tx(ctx->tenant->store));

    uint8_t previous[CRYPTO_SHA256_LEN], hash[CRYPTO_SHA256_LEN];
    struct audit_row row = {
        .at = ctx->now_ms,
        .actor = ctx->actor ? ctx->actor->user : 0,
        .record = record,
        .action = slice_str(action),
        .entity = slice_str(entity),
        .address = slice_str(ctx->address),
        .detail = slice_str(detail),
    };
    enum err e = audit_head(ctx->tenant, &row.seq, previous);
    if (e)
        return e;
    row.seq++;
    row_hash(previous, &row, hash);
    struct store_set sets[] = {
        {.column = "seq", .value = value_int(row.seq)},
        {.column = "at", .value = value_int(row.at)},
        {.column = "actor", .value = int_or_null(row.actor)},
        {.column = "action", .value = value_text(row.action)},
        {.column = "entity", .value = text_or_null(row.entity)},
        {.column = "record", .value = int_or_null(row.record)},
        {.column = "address", .value = text_or_null(row.address)},
        {.column = "detail", .value = text_or_null(row.detail)},
        {.column = "hash", .value = value_blob(slice_of((const char *)hash, sizeof hash))},
    };
    return store_insert(ctx->tenant->store, "audit", sets, sizeof sets / sizeof *sets, NULL);
}

struct walk {
    uint8_t previous[CRYPTO_SHA256_LEN];
    int64_t seq, broken;
};

static bool follow(void *arg, const struct store_row *row)
{
    struct walk *walk = arg;
    struct audit_row read = {
        .seq = store_row_int(row, 0),
        .at = store_row_int(row, 1),
        .actor = store_row_int(row, 2),
        .action = store_row_bytes(row, 3),
        .entity = store_row_bytes(row, 4),
        .record = store_row_int(row, 5),
        .address = store_row_bytes(row, 6),
        .detail = store_row_bytes(row, 7),
    };
    struct slice stored = store_row_bytes(row, 8);
    bool is_oldest_kept = walk->seq == 0 && read.seq > 1;
    uint8_t hash[CRYPTO_SHA256_LEN];
    row_hash(walk->previous, &read, hash);
    bool fits = stored.len == sizeof hash &&
                (is_oldest_kept || memcmp(stored.at, hash, sizeof hash) == 0) &&
                (walk->seq == 0 || read.seq == walk->seq + 1);
    if (!fits) {
        walk->broken = read.seq;
        return false;
    }
    memcpy(walk->previous, stored.at, sizeof hash);
    walk->seq = read.seq;
    return true;
}

enum err audit_verify(struct tenant *tenant, int64_t *broken_seq)
{
    ASSERT(tenant && broken_seq);
    static const struct query_column columns[] = {
        {.column = {0, "seq"}},     {.column = {0, "at"}},     {.column = {0, "actor"}},
        {.column = {0, "action"}},  {.column = {0, "entity"}}, {.column = {0, "record"}},
        {.column = {0, "address"}}, {.column = {0, "detail"}}, {.column = {0, "hash"}},
    };
    static const struct query_order by_seq[] = {{.column = {0, "seq"}}};
    struct query query = {
        .table = "audit", .select = columns, .select_count = 9, .order = by_seq, .order_count = 1};
    struct walk walk = {0};
    enum err e = store_read(tenant->store, &query, follow, &walk);
    if (e)
        return e;
    *broken_seq = walk.broken;
    return ERR_OK;
}
