/* cursor - a signed mark of where a page ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/cursor.h"

#include "base/limits.h"

#define CURSOR_VERSION 1
#define CURSOR_TAG_LEN 16

enum err cursor_key(struct ctx *ctx, struct cursor_key *out)
{
    const struct json *setting = NULL;
    struct slice secret = SLICE("");
    ASSERT(ctx->tenant);
    enum err e = tenant_setting(ctx->tenant, ctx->arena, "cursor_key", &setting);
    if (e)
        return e;
    if (setting && setting->type == JSON_STRING)
        secret = setting->text;
    /* The name keeps a copied tenant's marks apart from the original's. */
    crypto_hkdf(secret, slice_str(ctx->tenant->name), SLICE("perigee cursor"), out->bytes,
                sizeof out->bytes);
    return ERR_OK;
}

static void put_value(struct buf *out, const struct value *value)
{
    buf_put_u8(out, (uint8_t)value->type);
    if (value->type == VALUE_INT)
        buf_put_i64(out, value->integer);
    else if (value->type != VALUE_NULL)
        buf_put_bytes(out, value->bytes);
}

static bool parse_value(struct reader *r, struct arena *arena, struct value *out)
{
    uint8_t type = reader_u8(r);
    *out = value_null();
    if (type > VALUE_BLOB)
        return false;
    out->type = (enum value_type)type;
    if (type == VALUE_INT)
        out->integer = reader_i64(r);
    else if (type != VALUE_NULL)
        out->bytes = arena_slice(arena, reader_bytes(r));
    return !r->bad;
}

static void put_head(struct buf *out, uint64_t shape, int count)
{
    buf_put_u8(out, CURSOR_VERSION);
    buf_put_i64(out, (int64_t)shape);
    buf_put_u8(out, (uint8_t)count);
}

void cursor_put(const struct cursor_key *key, uint64_t shape, const struct value *values, int count,
                struct buf *out)
{
    uint8_t tag[CRYPTO_SHA256_LEN];
    struct buf raw = BUF_INIT;
    ASSERT(count > 0 && count <= SORT_KEYS_MAX + 1);
    put_head(&raw, shape, count);
    for (int i = 0; i < count; i++)
        put_value(&raw, &values[i]);
    crypto_hmac_sha256(slice_of((const char *)key->bytes, sizeof key->bytes), buf_slice(&raw), tag);
    buf_put(&raw, tag, CURSOR_TAG_LEN);
    crypto_put_base64url(out, buf_slice(&raw));
    buf_release(&raw);
}

static bool read_all(struct slice raw, uint64_t shape, struct arena *arena, struct value *values,
                     int count)
{
    struct reader r = {.rest = raw};
    if (reader_u8(&r) != CURSOR_VERSION || (uint64_t)reader_i64(&r) != shape ||
        reader_u8(&r) != count)
        return false;
    for (int i = 0; i < count; i++) {
        if (!parse_value(&r, arena, &values[i]))
            return false;
    }
    return !r.bad && r.rest.len == 0;
}

enum err cursor_parse(const struct cursor_key *key, uint64_t shape, struct slice text,
                      struct arena *arena, struct value *values, int count)
{
    uint8_t tag[CRYPTO_SHA256_LEN];
    struct buf raw = BUF_INIT;
    bool good = text.len <= CURSOR_BYTES_MAX && crypto_parse_base64url(text, &raw) &&
                raw.len > CURSOR_TAG_LEN;
    if (good) {
        struct slice body = slice_of(raw.at, raw.len - CURSOR_TAG_LEN);
        crypto_hmac_sha256(slice_of((const char *)key->bytes, sizeof key->bytes), body, tag);
        good = crypto_equal(slice_of((const char *)tag, CURSOR_TAG_LEN),
                            slice_of(raw.at + body.len, CURSOR_TAG_LEN)) &&
               read_all(body, shape, arena, values, count);
    }
    buf_release(&raw);
    return good ? ERR_OK : ERR_BAD_CURSOR;
}
