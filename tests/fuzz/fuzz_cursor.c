/* fuzz_cursor - bytes as a page mark, and as the signed payload of one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "record/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cursor_key key = {{7}};

/* Signs what came, so that the reader behind the signature is reached. */
static void signed_payload(struct slice body, struct buf *out)
{
    uint8_t tag[CRYPTO_SHA256_LEN];
    struct buf raw = BUF_INIT;
    buf_put_slice(&raw, body);
    crypto_hmac_sha256(slice_of((const char *)key.bytes, sizeof key.bytes), body, tag);
    buf_put(&raw, tag, 16);
    crypto_put_base64url(out, buf_slice(&raw));
    buf_release(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct value values[SORT_KEYS_MAX + 1];
    struct buf text = BUF_INIT;
    struct slice in = slice_of((const char *)data, size);
    if (cursor_parse(&key, 0, in, arena, values, 2) == ERR_OK)
        BUG("a mark nobody signed was taken");
    signed_payload(in, &text);
    uint64_t shape = 0;
    if (size >= 9)
        memcpy(&shape, data + 1, sizeof shape);
    int count = size >= 10 && data[9] >= 1 && data[9] <= SORT_KEYS_MAX + 1 ? data[9] : 1;
    if (cursor_parse(&key, shape, buf_slice(&text), arena, values, count) == ERR_OK) {
        struct buf again = BUF_INIT;
        cursor_put(&key, shape, values, count, &again);
        buf_release(&again);
    }
    buf_release(&text);
    arena_free(arena);
    return 0;
}
