/* audit - write one row behind the last, and walk the chain.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/audit.h"

#include <string.h>

#include "auth/actor.h"
#include "base/clock.h"
#include "base/limits.h"
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

/* --- purging --- */

/* The newest row that was purged: its number and hash. */
struct base {
    int64_t seq;
    uint8_t hash[CRYPTO_SHA256_LEN];
};

static enum err base_read(struct tenant *tenant, struct base *out)
{
    const struct json *setting = NULL;
    struct arena *arena = arena_new();
    struct buf hash = BUF_INIT;
    *out = (struct base){0};
    enum err e = tenant_setting(tenant, arena, "audit", &setting);
    if (!e && setting && crypto_parse_hex(json_str(setting, "hash", SLICE("")), &hash) &&
        hash.len == sizeof out->hash) {
        out->seq = json_int(setting, "seq", 0);
        memcpy(out->hash, hash.at, sizeof out->hash);
    }
    buf_release(&hash);
    arena_free(arena);
    return e;
}

static enum err base_write(struct tenant *tenant, int64_t seq, struct slice hash)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "{\"seq\":%lld,\"hash\":\"", (long long)seq);
    crypto_put_hex(&text, hash);
    buf_put_str(&text, "\"}");
    enum err e = tenant_setting_put(tenant, "audit", buf_slice(&text));
    buf_release(&text);
    return e;
}

struct oldest {
    int64_t before, until, from;
    int left;
    uint8_t hash[CRYPTO_SHA256_LEN];
};

static bool take_old(void *arg, const struct store_row *row)
{
    struct oldest *old = arg;
    struct slice hash = store_row_bytes(row, 2);
    if (store_row_int(row, 1) >= old->before || old->left-- == 0 || hash.len != sizeof old->hash)
        return false;
    old->until = store_row_int(row, 0);
    old->from = old->from ? old->from : old->until;
    memcpy(old->hash, hash.at, sizeof old->hash);
    return true;
}

static enum err purge_audit(struct tenant *tenant, const struct oldest *old)
{
    struct ctx ctx;
    struct arena *arena = arena_new();
    ctx_init(&ctx, arena);
    ctx.tenant = tenant;
    enum err e = audit_put(&ctx, "audit.purge", NULL, 0,
                           arena_printf(arena, "{\"from\":%lld,\"to\":%lld}", (long long)old->from,
                                        (long long)old->until));
    arena_free(arena);
    return e;
}

enum err audit_purge(struct tenant *tenant, int64_t before_ms)
{
    ASSERT(tenant && store_in_tx(tenant->store));
    static const struct query_column columns[] = {
        {.column = {0, "seq"}}, {.column = {0, "at"}}, {.column = {0, "hash"}}};
    static const struct query_order by_seq[] = {{.column = {0, "seq"}}};
    int64_t newest = 0, latest = clock_now_ms() - AUDIT_KEEP_MS;
    enum err e = store_key_max(tenant->store, "audit", &newest);
    struct expr old_ones = {.op = EXPR_LT, .column = {0, "seq"}, .value = value_int(newest)};
    struct query query = {.table = "audit",
                          .select = columns,
                          .select_count = 3,
                          .where = &old_ones,
                          .order = by_seq,
                          .order_count = 1,
                          .limit = AUDIT_PURGE_ROWS};
    struct oldest old = {.before = before_ms < latest ? before_ms : latest,
                         .left = AUDIT_PURGE_ROWS};
    if (!e)
        e = store_read(tenant->store, &query, take_old, &old);
    if (e || !old.until)
        return e;
    e = base_write(tenant, old.until, slice_of((const char *)old.hash, sizeof old.hash));
    if (!e)
        e = store_trim(tenant->store, "audit", "seq", old.until, NULL);
    return e ? e : purge_audit(tenant, &old);
}

/* --- walking the chain --- */

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
    uint8_t hash[CRYPTO_SHA256_LEN];
    row_hash(walk->previous, &read, hash);
    bool fits = stored.len == sizeof hash && memcmp(stored.at, hash, sizeof hash) == 0 &&
                read.seq == walk->seq + 1;
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
    struct base base;
    enum err e = base_read(tenant, &base);
    if (e)
        return e;
    walk.seq = base.seq;
    memcpy(walk.previous, base.hash, sizeof walk.previous);
    e = store_read(tenant->store, &query, follow, &walk);
    if (e)
        return e;
    *broken_seq = walk.broken;
    return ERR_OK;
}
