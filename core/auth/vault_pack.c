/* vault_pack - a tenant's keys under a passphrase, for taking a copy of the store elsewhere.
 *
 * One JSON document: the vault's id, how the passphrase becomes a key, and each key sealed by it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "auth/audit.h"
#include "auth/vault_in.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/query.h"

#define PACK_FORMAT 1
#define PACK_ALG    "argon2id"

struct vault_pack {
    uint8_t id[VAULT_ID_LEN];
    struct vault_key *keys; /* wiped with the arena's end */
    int count;
};

static void put_base64(struct buf *out, const char *name, struct slice bytes)
{
    struct buf text = BUF_INIT;
    crypto_put_base64url(&text, bytes);
    json_put_key(out, name);
    json_put_string(out, buf_slice(&text));
    buf_release(&text);
}

static void pack_aad(const uint8_t id[VAULT_ID_LEN], const struct vault_key *key, struct buf *out)
{
    buf_put(out, id, VAULT_ID_LEN);
    buf_printf(out, "|%s|%s|%lld", vault_class_name(key->class), vault_kind_name(key->kind),
               (long long)key->version);
}

/* --- packing --- */

static void put_key(struct buf *out, const uint8_t by[CRYPTO_KEY_LEN],
                    const uint8_t id[VAULT_ID_LEN], const struct vault_key *key)
{
    struct buf aad = BUF_INIT, sealed = BUF_INIT;
    pack_aad(id, key, &aad);
    crypto_seal(by, buf_slice(&aad), slice_of((const char *)key->key, CRYPTO_KEY_LEN), &sealed);
    json_put_comma(out);
    buf_put_str(out, "\n{\"class\":");
    json_put_cstr(out, vault_class_name(key->class));
    json_put_key(out, "kind");
    json_put_cstr(out, vault_kind_name(key->kind));
    json_put_key(out, "version");
    json_put_int(out, key->version);
    json_put_key(out, "created_at");
    json_put_int(out, key->created_at_ms);
    json_put_key(out, "retired_at");
    json_put_int(out, key->is_retired ? key->retired_at_ms : 0);
    put_base64(out, "sealed", buf_slice(&sealed));
    buf_put_char(out, '}');
    buf_release(&aad);
    buf_release(&sealed);
}

enum err vault_pack(struct ctx *ctx, struct slice passphrase, struct buf *out)
{
    ASSERT(ctx && ctx->tenant && out);
    struct vault *vault;
    uint8_t salt[CRYPTO_SALT_LEN], by[CRYPTO_KEY_LEN];
    if (!text_is_utf8(passphrase) || text_chars(passphrase) < PASSPHRASE_CHARS_MIN ||
        passphrase.len > PASSWORD_BYTES_MAX)
        return err_field(&ctx->err, "passphrase", "passphrase_short",
                         arena_printf(ctx->arena, "{\"min\":%d}", PASSPHRASE_CHARS_MIN));
    enum err e = vault_of(ctx->tenant, &vault);
    if (e || !vault->count)
        return e;
    for (int i = 0; i < vault->count; i++)
        if (!vault->keys[i].is_readable)
            return ERR_KEYS_LOCKED;
    crypto_random(salt, sizeof salt);
    struct slice salted = slice_of((const char *)salt, sizeof salt);
    e = crypto_passphrase_key(passphrase, salted, PASSPHRASE_KIB, PASSPHRASE_PASSES, by);
    if (e)
        return e;
    buf_printf(out, "{\"format\":%d", PACK_FORMAT);
    put_base64(out, "vault", slice_of((const char *)vault->id, VAULT_ID_LEN));
    buf_printf(out, ",\n\"kdf\":{\"name\":\"" PACK_ALG "\",\"memory_kib\":%d,\"passes\":%d",
               PASSPHRASE_KIB, PASSPHRASE_PASSES);
    put_base64(out, "salt", salted);
    buf_put_str(out, "},\n\"keys\":[");
    for (int i = 0; i < vault->count; i++)
        put_key(out, by, vault->id, &vault->keys[i]);
    buf_put_str(out, "]}\n");
    crypto_wipe(by, sizeof by);
    return ERR_OK;
}

/* --- unpacking --- */

static bool get_base64(const struct json *object, const char *name, struct buf *out)
{
    buf_clear(out);
    return crypto_parse_base64url(json_str(object, name, SLICE("?")), out);
}

static bool key_names(const struct json *item, struct vault_key *out)
{
    struct slice of = json_str(item, "class", SLICE(""));
    struct slice kind = json_str(item, "kind", SLICE(""));
    bool known = false;
    for (int i = 0; i < VAULT_CLASS_COUNT && !known; i++) {
        out->class = (enum vault_class)i;
        known = slice_is(of, vault_class_name(out->class));
    }
    out->kind = slice_is(kind, "index") ? VAULT_INDEX : VAULT_DATA;
    out->version = json_int(item, "version", 0);
    out->created_at_ms = json_int(item, "created_at", 0);
    out->retired_at_ms = json_int(item, "retired_at", 0);
    out->is_retired = out->retired_at_ms > 0;
    return known && slice_is(kind, vault_kind_name(out->kind)) && out->version > 0 &&
           out->version <= UINT32_MAX;
}

static bool key_unseal(const struct json *item, const uint8_t by[CRYPTO_KEY_LEN],
                       const uint8_t id[VAULT_ID_LEN], struct vault_key *key)
{
    struct buf sealed = BUF_INIT, aad = BUF_INIT, plain = BUF_INIT;
    bool ok = get_base64(item, "sealed", &sealed);
    pack_aad(id, key, &aad);
    ok = ok && !crypto_open(by, buf_slice(&aad), buf_slice(&sealed), &plain) &&
         plain.len == CRYPTO_KEY_LEN;
    if (ok)
        memcpy(key->key, plain.at, CRYPTO_KEY_LEN);
    key->is_readable = ok;
    if (plain.at)
        crypto_wipe(plain.at, plain.len);
    buf_release(&sealed);
    buf_release(&aad);
    buf_release(&plain);
    return ok;
}

static enum err bad_keys(struct ctx *ctx)
{
    return err_field(&ctx->err, "keys", "keys_bad", NULL);
}

static enum err derive(struct ctx *ctx, const struct json *doc, struct slice passphrase,
                       uint8_t by[CRYPTO_KEY_LEN])
{
    const struct json *kdf = json_get(doc, "kdf");
    struct buf salt = BUF_INIT;
    enum err e = ERR_MALFORMED;
    if (slice_is(json_str(kdf, "name", SLICE("")), PACK_ALG) && get_base64(kdf, "salt", &salt))
        e = crypto_passphrase_key(passphrase, buf_slice(&salt), json_int(kdf, "memory_kib", 0),
                                  json_int(kdf, "passes", 0), by);
    buf_release(&salt);
    return e ? bad_keys(ctx) : ERR_OK;
}

static void pack_wipe(void *arg)
{
    struct vault_pack *pack = arg;
    crypto_wipe(pack->keys, (size_t)pack->count * sizeof *pack->keys);
}

static enum err unpack(struct ctx *ctx, const struct json *doc, const uint8_t by[CRYPTO_KEY_LEN],
                       struct vault_pack *pack)
{
    const struct json *items = json_get(doc, "keys");
    pack->keys = arena_array(ctx->arena, struct vault_key, (size_t)items->count + 1);
    json_each(item, items)
    {
        struct vault_key *key = &pack->keys[pack->count];
        if (!key_names(item, key))
            return bad_keys(ctx);
        pack->count++;
        if (!key_unseal(item, by, pack->id, key))
            return err_field(&ctx->err, "passphrase", "wrong_passphrase", NULL);
    }
    return pack->count ? ERR_OK : bad_keys(ctx);
}

enum err vault_unpack_open(struct ctx *ctx, struct slice text, struct slice passphrase,
                           struct vault_pack **out)
{
    ASSERT(ctx && out);
    const struct json *doc;
    struct buf id = BUF_INIT;
    uint8_t by[CRYPTO_KEY_LEN];
    struct vault_pack *pack = arena_make(ctx->arena, struct vault_pack);
    if (json_parse(ctx->arena, text, &doc, NULL) || json_int(doc, "format", 0) != PACK_FORMAT ||
        !json_get(doc, "keys"))
        return bad_keys(ctx);
    bool ok = get_base64(doc, "vault", &id) && id.len == VAULT_ID_LEN;
    if (ok)
        memcpy(pack->id, id.at, VAULT_ID_LEN);
    buf_release(&id);
    enum err e = ok ? derive(ctx, doc, passphrase, by) : bad_keys(ctx);
    if (e)
        return e;
    e = unpack(ctx, doc, by, pack);
    crypto_wipe(by, sizeof by);
    arena_defer(ctx->arena, pack_wipe, pack);
    if (!e)
        *out = pack;
    return e;
}

/* The row of that class, kind and version in the store; 0 = none. */
static int64_t row_of(const struct vault *vault, const struct vault_key *key)
{
    const struct vault_key *found = vault_find(vault, key->class, key->kind, key->version);
    return found ? found->id : 0;
}

enum err vault_unpack_store(struct ctx *ctx, const struct vault_pack *pack)
{
    ASSERT(ctx && pack);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct vault *vault;
    enum err e = vault_of(ctx->tenant, &vault);
    if (e)
        return e;
    /* Keys of another store would open nothing here, and hide those that do. */
    if (!vault->has_id || memcmp(vault->id, pack->id, VAULT_ID_LEN) != 0)
        return err_field(&ctx->err, "keys", "keys_other", NULL);
    for (int i = 0; i < pack->count && !e; i++) {
        struct vault_key key = pack->keys[i];
        e = vault_of(ctx->tenant, &vault);
        key.id = e ? 0 : row_of(vault, &key);
        if (!e)
            e = vault_put(ctx, pack->id, &key);
        crypto_wipe(&key, sizeof key);
    }
    return e ? e : audit_put(ctx, "keys.rewrap", NULL, 0, NULL);
}
