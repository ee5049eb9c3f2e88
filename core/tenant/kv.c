/* kv - see kv.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/kv.h"

#include "base/limits.h"
#include "store/query.h"

struct found {
    struct arena *arena;
    const char *text; /* JSON; NULL = none */
    int64_t expires_at_ms;
};

static const struct expr *at_key(struct arena *arena, const char *plugin, const char *key)
{
    return expr_and(arena, expr_cmp(arena, EXPR_EQ, "plugin", value_text(slice_str(plugin))),
                    expr_cmp(arena, EXPR_EQ, "key", value_text(slice_str(key))));
}

static const struct expr *is_alive(struct arena *arena, int64_t now_ms)
{
    return expr_or(arena, expr_cmp(arena, EXPR_NULL, "expires_at", value_null()),
                   expr_cmp(arena, EXPR_GT, "expires_at", value_int(now_ms)));
}

static bool take(void *arg, const struct store_row *row)
{
    struct found *found = arg;
    found->text = arena_str(found->arena, store_row_bytes(row, 0));
    found->expires_at_ms = store_row_int(row, 1);
    return false;
}

static enum err find(struct ctx *ctx, const char *plugin, const char *key, struct found *out)
{
    struct query_column select[] = {{.column = {0, "value"}}, {.column = {0, "expires_at"}}};
    struct query query = {.table = "kv",
                          .select = select,
                          .select_count = 2,
                          .where = expr_and(ctx->arena, at_key(ctx->arena, plugin, key),
                                            is_alive(ctx->arena, ctx->now_ms)),
                          .limit = 1};
    *out = (struct found){.arena = ctx->arena};
    return store_read(ctx->tenant->store, &query, take, out);
}

static enum err parse(struct arena *arena, const char *text, const struct json **out)
{
    return json_parse(arena, slice_str(text), out, NULL) ? ERR_CORRUPT : ERR_OK;
}

enum err kv_get(struct ctx *ctx, const char *plugin, const char *key, const struct json **out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && key && out);
    struct found found;
    *out = NULL;
    enum err e = find(ctx, plugin, key, &found);
    return e || !found.text ? e : parse(ctx->arena, found.text, out);
}

/* A new key needs room; those that have expired take none. */
static enum err has_room(struct ctx *ctx, const char *plugin, const char *key)
{
    struct arena *a = ctx->arena;
    int64_t there = 0, count = 0;
    enum err e = store_count(ctx->tenant->store, "kv", at_key(a, plugin, key), 1, &there);
    if (e || there)
        return e;
    const struct expr *own = expr_cmp(a, EXPR_EQ, "plugin", value_text(slice_str(plugin)));
    e = store_count(ctx->tenant->store, "kv", expr_and(a, own, is_alive(a, ctx->now_ms)),
                    KV_KEYS_MAX, &count);
    return e || count < KV_KEYS_MAX ? e : ERR_TOO_LARGE;
}

static enum err put(struct ctx *ctx, const char *plugin, const char *key, struct slice text,
                    int64_t expires_at_ms)
{
    if (!*key || strlen(key) > KV_KEY_BYTES_MAX || text.len > KV_VALUE_BYTES_MAX)
        return ERR_TOO_LARGE;
    struct store_set sets[] = {
        {"plugin", value_text(slice_str(plugin)), false},
        {"key", value_text(slice_str(key)), false},
        {"value", value_text(text), false},
        {"expires_at", expires_at_ms ? value_int(expires_at_ms) : value_null(), false},
    };
    enum err e = has_room(ctx, plugin, key);
    return e ? e : store_put(ctx->tenant->store, "kv", sets, sizeof sets / sizeof *sets);
}

enum err kv_put(struct ctx *ctx, const char *plugin, const char *key, const struct json *value,
                int64_t expires_at_ms)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && key && value);
    struct buf b = BUF_INIT;
    json_put(&b, value);
    enum err e = put(ctx, plugin, key, buf_slice(&b), expires_at_ms);
    buf_release(&b);
    return e;
}

enum err kv_delete(struct ctx *ctx, const char *plugin, const char *key, bool *was_there)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && key);
    struct found found;
    enum err e = find(ctx, plugin, key, &found);
    if (!e)
        e = store_delete(ctx->tenant->store, "kv", at_key(ctx->arena, plugin, key), NULL);
    if (!e && was_there)
        *was_there = found.text != NULL;
    return e;
}

enum err kv_add(struct ctx *ctx, const char *plugin, const char *key, int64_t by,
                int64_t expires_at_ms, int64_t *out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && key && out);
    struct found found;
    const struct json *now = NULL;
    int64_t sum = by;
    enum err e = find(ctx, plugin, key, &found);
    if (!e && found.text)
        e = parse(ctx->arena, found.text, &now);
    if (e)
        return e;
    if (now && now->type != JSON_INT)
        return ERR_CONFLICT;
    if (now && __builtin_add_overflow(now->integer, by, &sum))
        return ERR_TOO_LARGE;
    const char *text = arena_printf(ctx->arena, "%lld", (long long)sum);
    e = put(ctx, plugin, key, slice_str(text), now ? found.expires_at_ms : expires_at_ms);
    if (!e)
        *out = sum;
    return e;
}

/* --- lists --- */

struct listing {
    struct arena *arena;
    struct slice prefix;
    kv_list_cb cb;
    void *arg;
    enum err e;
};

static bool put_row(void *arg, const struct store_row *row)
{
    struct listing *list = arg;
    struct slice key = store_row_bytes(row, 0);
    const struct json *value = NULL;
    if (!slice_starts(key, list->prefix))
        return false; /* in order: no other does */
    list->e = parse(list->arena, arena_str(list->arena, store_row_bytes(row, 1)), &value);
    return !list->e && list->cb(list->arg, arena_str(list->arena, key), value);
}

enum err kv_list(struct ctx *ctx, const char *plugin, const char *prefix, const char *after,
                 kv_list_cb cb, void *arg)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && prefix && cb);
    struct arena *a = ctx->arena;
    const struct expr *from = after && strcmp(after, prefix) > 0
                                  ? expr_cmp(a, EXPR_GT, "key", value_text(slice_str(after)))
                                  : expr_cmp(a, EXPR_GTE, "key", value_text(slice_str(prefix)));
    const struct expr *own = expr_cmp(a, EXPR_EQ, "plugin", value_text(slice_str(plugin)));
    struct query_column select[] = {{.column = {0, "key"}}, {.column = {0, "value"}}};
    struct query_order order = {.column = {0, "key"}};
    struct query query = {.table = "kv",
                          .select = select,
                          .select_count = 2,
                          .where = expr_and(a, expr_and(a, own, from), is_alive(a, ctx->now_ms)),
                          .order = &order,
                          .order_count = 1,
                          .limit = KV_LIST_MAX};
    struct listing list = {a, slice_str(prefix), cb, arg, ERR_OK};
    enum err e = store_read(ctx->tenant->store, &query, put_row, &list);
    return e ? e : list.e;
}

enum err kv_sweep(struct tenant *tenant, int64_t now_ms)
{
    ASSERT(tenant);
    struct expr expired = {.op = EXPR_LTE, .column = {0, "expires_at"}, .value = value_int(now_ms)};
    return store_delete(tenant->store, "kv", &expired, NULL);
}
