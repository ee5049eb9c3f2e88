/* session_key - API keys: made, revoked, listed. They are identified in session.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/address.h"
#include "auth/audit.h"
#include "auth/bearer.h"
#include "auth/row.h"
#include "base/id.h"
#include "base/limits.h"

#define KEY_PREFIX_CHARS 10 /* shown in lists, so that a person knows the key again */
#define KEY_ITEMS_MAX    100

static enum err scopes_check(struct ctx *ctx, const struct json *scopes)
{
    if (!scopes)
        return ERR_OK;
    if (scopes->type != JSON_ARRAY || scopes->count == 0 || scopes->count > KEY_ITEMS_MAX)
        return err_field(&ctx->err, "scopes", "bad_scope", NULL);
    json_each(scope, scopes)
    {
        bool fits = scope->type == JSON_STRING &&
                    (slice_is(scope->text, "*") || slice_find(scope->text, SLICE(":")) > 0);
        if (!fits)
            return err_field(&ctx->err, "scopes", "bad_scope", NULL);
    }
    return ERR_OK;
}

static enum err addresses_check(struct ctx *ctx, const struct json *addresses)
{
    if (!addresses)
        return ERR_OK;
    if (addresses->type != JSON_ARRAY || addresses->count == 0 || addresses->count > KEY_ITEMS_MAX)
        return err_field(&ctx->err, "addresses", "not_a_list", NULL);
    json_each(range, addresses)
    {
        if (range->type != JSON_STRING || !address_range_is_valid(range->text.at))
            return err_field(&ctx->err, "addresses", "bad_network", NULL);
    }
    return ERR_OK;
}

static enum err key_check(struct ctx *ctx, int64_t user, const char *name,
                          const struct json *scopes, const struct json *addresses,
                          int64_t expires_at_ms)
{
    enum err e = scopes_check(ctx, scopes);
    enum err other = addresses_check(ctx, addresses);
    e = e ? e : other;
    if (!name || !*name || strlen(name) > TEXT_BYTES_MAX)
        e = err_field(&ctx->err, "name", "required", NULL);
    if (expires_at_ms && expires_at_ms <= ctx->now_ms)
        e = err_field(&ctx->err, "expires_at", "in_the_past", NULL);
    const struct actor *owner;
    enum err found = actor_load(ctx->tenant, user, &owner);
    if (found == ERR_NOT_FOUND)
        return err_field(&ctx->err, "user", "not_found", NULL);
    return found ? found : e;
}

/* JSON text in the arena, or null. */
static struct value tree_text(struct arena *arena, const struct json *tree)
{
    if (!tree)
        return value_null();
    struct buf b = BUF_INIT;
    json_put(&b, tree);
    struct value text = value_text(arena_slice(arena, buf_slice(&b)));
    buf_release(&b);
    return text;
}

static enum err key_audit(struct ctx *ctx, const char *action, int64_t id, const char *name)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"name\":");
    json_put_cstr(&detail, name);
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, action, "api_key", id, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

enum err session_key_create(struct ctx *ctx, int64_t user, const char *name,
                            const struct json *scopes, const struct json *addresses,
                            int64_t expires_at_ms, struct session_new *out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(user && out);
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = key_check(ctx, user, name, scopes, addresses, expires_at_ms);
    if (e)
        return e;

    struct session_new made = {.id = id_next(), .expires_at_ms = expires_at_ms};
    uint8_t hash[CRYPTO_SHA256_LEN];
    bearer_new(BEARER_KEY, made.token, hash);
    struct store_set sets[] = {
        {.column = "id", .value = value_int(made.id)},
        {.column = "user", .value = value_int(user)},
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "hash", .value = value_blob(slice_of((const char *)hash, sizeof hash))},
        {.column = "prefix", .value = value_text(slice_of(made.token, KEY_PREFIX_CHARS))},
        {.column = "scopes", .value = tree_text(ctx->arena, scopes)},
        {.column = "addresses", .value = tree_text(ctx->arena, addresses)},
        {.column = "expires_at", .value = expires_at_ms ? value_int(expires_at_ms) : value_null()},
        {.column = "created_at", .value = value_int(ctx->now_ms)},
    };
    e = store_insert(ctx->tenant->store, "api_key", sets, sizeof sets / sizeof *sets, NULL);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    if (!e)
        e = key_audit(ctx, "api_key.create", made.id, name);
    if (!e)
        *out = made;
    return e;
}

enum err session_key_revoke(struct ctx *ctx, int64_t id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(store_in_tx(ctx->tenant->store));
    static const char *const columns[] = {"name"};
    struct expr live = {.op = EXPR_NULL, .column = {0, "revoked_at"}};
    struct expr same = row_eq("id", value_int(id));
    same.next = &live;
    struct expr where = {.op = EXPR_AND, .first = &same};
    struct value name;
    enum err e = row_read(ctx->tenant->store, ctx->arena, "api_key", columns, 1, &where, &name);
    if (e)
        return e;
    struct store_set set = {.column = "revoked_at", .value = value_int(ctx->now_ms)};
    e = store_update(ctx->tenant->store, "api_key", &where, &set, 1, NULL, NULL);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    if (!e)
        e = key_audit(ctx, "api_key.revoke", id, row_text(&name));
    return e;
}

enum err session_key_used(struct ctx *ctx, int64_t id, int64_t calls, int64_t refused,
                          int64_t limited, const char **name, int64_t *user)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(name && user);
    ASSERT(store_in_tx(ctx->tenant->store));
    static const char *const columns[] = {"calls",      "refused", "limited",
                                          "limited_at", "name",    "user"};
    struct expr where = row_eq("id", value_int(id));
    struct value v[6];
    *name = NULL;
    enum err e = row_read(ctx->tenant->store, ctx->arena, "api_key", columns, 6, &where, v);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    bool tells = limited > 0 && ctx->now_ms - v[3].integer >= KEY_LIMITED_MS;
    struct store_set sets[] = {
        {.column = "calls", .value = value_int(v[0].integer + calls)},
        {.column = "refused", .value = value_int(v[1].integer + refused)},
        {.column = "limited", .value = value_int(v[2].integer + limited)},
        {.column = "limited_at", .value = value_int(ctx->now_ms)},
    };
    if (tells) {
        *name = arena_str(ctx->arena, v[4].bytes);
        *user = v[5].integer;
    }
    return store_update(ctx->tenant->store, "api_key", &where, sets, tells ? 4 : 3, NULL, NULL);
}

struct keys {
    struct arena *arena;
    struct session_key *items; /* LIST_MAX of them */
    int count;
};

static const char *text_at(struct arena *arena, const struct store_row *row, int column)
{
    return store_row_is_null(row, column) ? NULL : arena_str(arena, store_row_bytes(row, column));
}

static bool take_key(void *arg, const struct store_row *row)
{
    struct keys *keys = arg;
    keys->items[keys->count++] = (struct session_key){
        .id = store_row_int(row, 0),
        .user = store_row_int(row, 1),
        .created_at_ms = store_row_int(row, 2),
        .seen_at_ms = store_row_int(row, 3),
        .expires_at_ms = store_row_int(row, 4),
        .revoked_at_ms = store_row_int(row, 5),
        .name = text_at(keys->arena, row, 6),
        .prefix = text_at(keys->arena, row, 7),
        .scopes = text_at(keys->arena, row, 8),
        .addresses = text_at(keys->arena, row, 9),
    };
    return keys->count < LIST_MAX;
}

enum err session_key_list(struct tenant *tenant, struct arena *arena, int64_t user,
                          struct session_key **out, int *count)
{
    ASSERT(tenant && arena);
    ASSERT(out && count);
    static const struct query_column columns[] = {
        {.column = {0, "id"}},        {.column = {0, "user"}},       {.column = {0, "created_at"}},
        {.column = {0, "seen_at"}},   {.column = {0, "expires_at"}}, {.column = {0, "revoked_at"}},
        {.column = {0, "name"}},      {.column = {0, "prefix"}},     {.column = {0, "scopes"}},
        {.column = {0, "addresses"}},
    };
    static const struct query_order newest[] = {{.column = {0, "id"}, .descending = true}};
    struct expr theirs = row_eq("user", value_int(user));
    struct query query = {.table = "api_key",
                          .select = columns,
                          .select_count = 10,
                          .where = user ? &theirs : NULL,
                          .order = newest,
                          .order_count = 1,
                          .limit = LIST_MAX};
    struct keys keys = {.arena = arena};
    keys.items = arena_array(arena, struct session_key, LIST_MAX);
    enum err e = store_read(tenant->store, &query, take_key, &keys);
    *out = keys.items;
    *count = keys.count;
    return e;
}
