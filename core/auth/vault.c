/* vault - see vault.h: keys from the store, sealing, opening, indexing, rotating.
 *
 * The keys are kept in memory under the store's auth_version, which every change of them moves.
 * What is read inside the transaction that made a key is used once and never kept: a savepoint may
 * still take that key away, and nothing may be sealed with a key that no longer exists.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/vault_in.h"

#include <stdlib.h>
#include <string.h>

#include "auth/audit.h"
#include "base/id.h"
#include "store/query.h"

#define WRAP_INFO "perigee vault 1"

static const char *const class_names[] = {
#define X(name, text) text,
    VAULT_CLASSES(X)
#undef X
};

const char *vault_class_name(enum vault_class of)
{
    ASSERT(of < VAULT_CLASS_COUNT);
    return class_names[of];
}

static bool class_find(struct slice name, enum vault_class *out)
{
    for (int i = 0; i < VAULT_CLASS_COUNT; i++) {
        *out = (enum vault_class)i;
        if (slice_is(name, class_names[i]))
            return true;
    }
    return false;
}

const char *vault_kind_name(enum vault_kind kind)
{
    return kind == VAULT_INDEX ? "index" : "data";
}

/* --- wrapping --- */

static void wrap_key(const uint8_t *master, const uint8_t id[VAULT_ID_LEN],
                     uint8_t out[CRYPTO_KEY_LEN])
{
    crypto_hkdf(slice_of((const char *)master, CRYPTO_KEY_LEN),
                slice_of((const char *)id, VAULT_ID_LEN), SLICE(WRAP_INFO), out, CRYPTO_KEY_LEN);
}

static void wrap_aad(const struct vault_key *key, struct buf *out)
{
    buf_printf(out, "%s|%s|%lld", class_names[key->class], vault_kind_name(key->kind),
               (long long)key->version);
}

static void unwrap(struct tenant *tenant, const uint8_t id[VAULT_ID_LEN], struct slice wrapped,
                   struct vault_key *key)
{
    uint8_t by[CRYPTO_KEY_LEN];
    struct buf aad = BUF_INIT, plain = BUF_INIT;
    wrap_key(tenant->master, id, by);
    wrap_aad(key, &aad);
    key->is_readable =
        !crypto_open(by, buf_slice(&aad), wrapped, &plain) && plain.len == CRYPTO_KEY_LEN;
    if (key->is_readable)
        memcpy(key->key, plain.at, CRYPTO_KEY_LEN);
    if (plain.at)
        crypto_wipe(plain.at, plain.len);
    crypto_wipe(by, sizeof by);
    buf_release(&aad);
    buf_release(&plain);
}

enum err vault_put(struct ctx *ctx, const uint8_t vault_id[VAULT_ID_LEN],
                   const struct vault_key *key)
{
    ASSERT(ctx->tenant->master && key->is_readable);
    ASSERT(store_in_tx(ctx->tenant->store));
    uint8_t by[CRYPTO_KEY_LEN];
    struct buf aad = BUF_INIT, wrapped = BUF_INIT;
    wrap_key(ctx->tenant->master, vault_id, by);
    wrap_aad(key, &aad);
    crypto_seal(by, buf_slice(&aad), slice_of((const char *)key->key, CRYPTO_KEY_LEN), &wrapped);
    crypto_wipe(by, sizeof by);
    struct store_set sets[] = {
        {.column = "id", .value = value_int(key->id ? key->id : id_next())},
        {.column = "class", .value = value_text(slice_str(class_names[key->class]))},
        {.column = "kind", .value = value_text(slice_str(vault_kind_name(key->kind)))},
        {.column = "version", .value = value_int(key->version)},
        {.column = "state", .value = value_text(slice_str(key->is_retired ? "retired" : "active"))},
        {.column = "vault", .value = value_blob(slice_of((const char *)vault_id, VAULT_ID_LEN))},
        {.column = "wrapped", .value = value_blob(buf_slice(&wrapped))},
        {.column = "created_at", .value = value_int(key->created_at_ms)},
        {.column = "retired_at",
         .value = key->is_retired ? value_int(key->retired_at_ms) : value_null()},
    };
    enum err e = store_put(ctx->tenant->store, "vault_key", sets, sizeof sets / sizeof *sets);
    if (!e)
        e = store_header_bump(ctx->tenant->store, false, true);
    vault_forget(ctx->tenant);
    buf_release(&aad);
    buf_release(&wrapped);
    return e;
}

/* --- the keys in memory --- */

static void vault_free(void *at)
{
    struct vault *vault = at;
    if (vault->keys)
        crypto_wipe(vault->keys, (size_t)vault->room * sizeof *vault->keys);
    free(vault->keys);
    free(vault);
}

void vault_forget(struct tenant *tenant)
{
    if (tenant->vault)
        tenant->vault_free(tenant->vault);
    tenant->vault = NULL;
}

static struct vault_key *key_room(struct vault *vault)
{
    if (vault->count == vault->room) {
        int room = vault->room ? vault->room * 2 : 16;
        struct vault_key *keys = calloc((size_t)room, sizeof *keys);
        ASSERT_MEMORY(keys);
        if (vault->count)
            memcpy(keys, vault->keys, (size_t)vault->count * sizeof *keys);
        if (vault->keys)
            crypto_wipe(vault->keys, (size_t)vault->room * sizeof *keys);
        free(vault->keys);
        vault->keys = keys;
        vault->room = room;
    }
    return &vault->keys[vault->count];
}

struct load {
    struct tenant *tenant;
    struct vault *vault;
};

static bool take_key(void *arg, const struct store_row *row)
{
    struct load *load = arg;
    struct vault *vault = load->vault;
    struct vault_key *key = key_room(vault);
    struct slice id = store_row_bytes(row, 5);
    if (!class_find(store_row_bytes(row, 1), &key->class) || id.len != VAULT_ID_LEN)
        return true; /* of a newer program */
    key->id = store_row_int(row, 0);
    key->kind = slice_is(store_row_bytes(row, 2), "index") ? VAULT_INDEX : VAULT_DATA;
    key->version = store_row_int(row, 3);
    key->is_retired = slice_is(store_row_bytes(row, 4), "retired");
    key->created_at_ms = store_row_int(row, 7);
    key->retired_at_ms = store_row_int(row, 8);
    memcpy(vault->id, id.at, VAULT_ID_LEN);
    vault->has_id = true;
    unwrap(load->tenant, vault->id, store_row_bytes(row, 6), key);
    vault->count++;
    return true;
}

static enum err load_keys(struct tenant *tenant, struct vault *vault)
{
    static const struct query_column columns[] = {
        {.column = {0, "id"}},      {.column = {0, "class"}},      {.column = {0, "kind"}},
        {.column = {0, "version"}}, {.column = {0, "state"}},      {.column = {0, "vault"}},
        {.column = {0, "wrapped"}}, {.column = {0, "created_at"}}, {.column = {0, "retired_at"}},
    };
    static const struct query_order order[] = {
        {.column = {0, "class"}}, {.column = {0, "kind"}}, {.column = {0, "version"}}};
    struct query query = {.table = "vault_key",
                          .select = columns,
                          .select_count = 9,
                          .order = order,
                          .order_count = 3};
    struct load load = {tenant, vault};
    return store_read(tenant->store, &query, take_key, &load);
}

enum err vault_of(struct tenant *tenant, struct vault **out)
{
    ASSERT(tenant && out);
    if (!tenant->master)
        return ERR_TIMEOUT;
    struct vault *vault = tenant->vault;
    if (vault && vault->auth_version == tenant->header.auth_version) {
        *out = vault;
        return ERR_OK;
    }
    vault_forget(tenant);
    struct store_header now;
    enum err e = store_header_read(tenant->store, &now);
    if (e)
        return e;
    vault = calloc(1, sizeof *vault);
    ASSERT_MEMORY(vault);
    vault->auth_version = now.auth_version == tenant->header.auth_version ? now.auth_version : -1;
    tenant->vault = vault;
    tenant->vault_free = vault_free;
    e = load_keys(tenant, vault);
    if (e) {
        vault_forget(tenant);
        return e;
    }
    *out = vault;
    return ERR_OK;
}

/* version 0: the newest. */
const struct vault_key *vault_find(const struct vault *vault, enum vault_class of,
                                   enum vault_kind kind, int64_t version)
{
    const struct vault_key *found = NULL;
    for (int i = 0; i < vault->count; i++) {
        const struct vault_key *key = &vault->keys[i];
        if (key->class != of || key->kind != kind || (version && key->version != version))
            continue;
        if (!found || key->version > found->version)
            found = key;
    }
    return found;
}

/* --- making keys --- */

static enum err key_make(struct ctx *ctx, enum vault_class of, enum vault_kind kind,
                         int64_t version)
{
    struct vault *vault;
    uint8_t id[VAULT_ID_LEN];
    enum err e = vault_of(ctx->tenant, &vault);
    if (e)
        return e;
    if (vault->has_id)
        memcpy(id, vault->id, VAULT_ID_LEN);
    else
        crypto_random(id, VAULT_ID_LEN);
    struct vault_key key = {.class = of,
                            .kind = kind,
                            .version = version,
                            .created_at_ms = ctx->now_ms,
                            .is_readable = true};
    crypto_random(key.key, CRYPTO_KEY_LEN);
    e = vault_put(ctx, id, &key);
    crypto_wipe(key.key, CRYPTO_KEY_LEN);
    return e;
}

/* A copy, because the next call may read the keys anew. */
static enum err key_get(struct ctx *ctx, enum vault_class of, enum vault_kind kind, int64_t version,
                        struct vault_key *out)
{
    struct vault *vault;
    enum err e = vault_of(ctx->tenant, &vault);
    if (e)
        return e;
    const struct vault_key *key = vault_find(vault, of, kind, version);
    if (!key)
        return ERR_NOT_FOUND;
    if (!key->is_readable)
        return ERR_KEYS_LOCKED;
    *out = *key;
    return ERR_OK;
}

/* The newest key, made where there is none yet. A class that lost one of its two kinds has been
 * damaged: the other kind must not be made anew. */
static enum err key_need(struct ctx *ctx, enum vault_class of, enum vault_kind kind,
                         struct vault_key *out)
{
    enum err e = key_get(ctx, of, kind, 0, out);
    if (e != ERR_NOT_FOUND)
        return e;
    e = key_make(ctx, of, VAULT_DATA, 1);
    if (!e)
        e = key_make(ctx, of, VAULT_INDEX, 1);
    return e ? e : key_get(ctx, of, kind, 0, out);
}

/* --- using them --- */

static void seal_aad(const struct vault *vault, const struct vault_place *place, int64_t version,
                     struct buf *out)
{
    buf_put(out, vault->id, VAULT_ID_LEN);
    buf_put_bytes(out, slice_str(class_names[place->class]));
    buf_put_i64(out, version);
    buf_put_bytes(out, slice_str(place->entity));
    buf_put_bytes(out, slice_str(place->field));
    buf_put_i64(out, place->record);
}

enum err vault_seal(struct ctx *ctx, const struct vault_place *place, struct slice plain,
                    struct buf *out)
{
    ASSERT(ctx && ctx->tenant && place);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct vault_key key;
    struct vault *vault;
    enum err e = key_need(ctx, place->class, VAULT_DATA, &key);
    if (!e)
        e = vault_of(ctx->tenant, &vault);
    if (e)
        return e;
    struct buf aad = BUF_INIT;
    seal_aad(vault, place, key.version, &aad);
    buf_put_u8(out, VAULT_FORMAT);
    buf_put_u32(out, (uint32_t)key.version);
    crypto_seal(key.key, buf_slice(&aad), plain, out);
    crypto_wipe(&key, sizeof key);
    buf_release(&aad);
    return ERR_OK;
}

static bool head_read(struct slice sealed, int64_t *version, struct slice *rest)
{
    struct reader reader = {.rest = sealed};
    uint8_t format = reader_u8(&reader);
    *version = reader_u32(&reader);
    *rest = reader.rest;
    return !reader.bad && format == VAULT_FORMAT && *version > 0;
}

enum err vault_open(struct ctx *ctx, const struct vault_place *place, struct slice sealed,
                    struct buf *out)
{
    ASSERT(ctx && ctx->tenant && place);
    int64_t version;
    struct slice rest;
    struct vault_key key;
    struct vault *vault;
    if (!head_read(sealed, &version, &rest))
        return ERR_CORRUPT;
    enum err e = key_get(ctx, place->class, VAULT_DATA, version, &key);
    if (!e)
        e = vault_of(ctx->tenant, &vault);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_KEYS_LOCKED : e;
    struct buf aad = BUF_INIT;
    seal_aad(vault, place, version, &aad);
    e = crypto_open(key.key, buf_slice(&aad), rest, out);
    crypto_wipe(&key, sizeof key);
    buf_release(&aad);
    return e;
}

enum err vault_index(struct ctx *ctx, const struct vault_place *place, struct slice plain,
                     uint8_t out[VAULT_INDEX_LEN])
{
    ASSERT(ctx && ctx->tenant && place);
    struct vault_key key;
    enum err e = store_in_write(ctx->tenant->store)
                     ? key_need(ctx, place->class, VAULT_INDEX, &key)
                     : key_get(ctx, place->class, VAULT_INDEX, 0, &key);
    if (e)
        return e;
    struct buf text = BUF_INIT;
    buf_put_bytes(&text, slice_str(place->entity));
    buf_put_bytes(&text, slice_str(place->field));
    buf_put_slice(&text, plain);
    crypto_hmac_sha256(slice_of((const char *)key.key, CRYPTO_KEY_LEN), buf_slice(&text), out);
    crypto_wipe(&key, sizeof key);
    crypto_wipe(text.at, text.len);
    buf_release(&text);
    return ERR_OK;
}

int64_t vault_version(struct slice sealed)
{
    int64_t version;
    struct slice rest;
    return head_read(sealed, &version, &rest) ? version : 0;
}

enum err vault_current(struct tenant *tenant, enum vault_class of, int64_t *version)
{
    struct vault *vault;
    enum err e = vault_of(tenant, &vault);
    if (e)
        return e;
    const struct vault_key *key = vault_find(vault, of, VAULT_DATA, 0);
    *version = key ? key->version : 0;
    return ERR_OK;
}

/* --- keeping them --- */

enum err vault_list(struct tenant *tenant, struct arena *arena, struct vault_key_info **out,
                    int *count)
{
    struct vault *vault;
    enum err e = vault_of(tenant, &vault);
    if (e)
        return e;
    struct vault_key_info *list =
        arena_array(arena, struct vault_key_info, (size_t)vault->count + 1);
    for (int i = 0; i < vault->count; i++) {
        const struct vault_key *key = &vault->keys[i];
        list[i] = (struct vault_key_info){.class = class_names[key->class],
                                          .kind = vault_kind_name(key->kind),
                                          .state = key->is_retired ? "retired" : "active",
                                          .version = key->version,
                                          .created_at_ms = key->created_at_ms,
                                          .retired_at_ms = key->retired_at_ms,
                                          .is_readable = key->is_readable};
    }
    *out = list;
    *count = vault->count;
    return ERR_OK;
}

enum err vault_rotate(struct ctx *ctx)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    enum err e = ERR_OK;
    for (int i = 0; i < VAULT_CLASS_COUNT && !e; i++) {
        struct vault_key newest;
        e = key_get(ctx, (enum vault_class)i, VAULT_DATA, 0, &newest);
        if (!e)
            e = key_make(ctx, (enum vault_class)i, VAULT_DATA, newest.version + 1);
        else if (e == ERR_NOT_FOUND)
            e = ERR_OK; /* nothing of this class was ever kept */
    }
    return e ? e : audit_put(ctx, "keys.rotate", NULL, 0, NULL);
}

enum err vault_retire(struct ctx *ctx)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct vault *vault;
    enum err e = vault_of(ctx->tenant, &vault);
    if (e)
        return e;
    int count = vault->count;
    struct vault_key *keys = arena_array(ctx->arena, struct vault_key, (size_t)count + 1);
    int due = 0;
    uint8_t id[VAULT_ID_LEN];
    memcpy(id, vault->id, VAULT_ID_LEN);
    for (int i = 0; i < count; i++) {
        const struct vault_key *key = &vault->keys[i];
        if (key->kind == VAULT_DATA && !key->is_retired && key->is_readable &&
            vault_find(vault, key->class, VAULT_DATA, 0) != key)
            keys[due++] = *key;
    }
    for (int i = 0; i < due && !e; i++) {
        keys[i].is_retired = true;
        keys[i].retired_at_ms = ctx->now_ms;
        e = vault_put(ctx, id, &keys[i]);
    }
    crypto_wipe(keys, (size_t)(count + 1) * sizeof *keys);
    return e || !due ? e : audit_put(ctx, "keys.retire", NULL, 0, NULL);
}
