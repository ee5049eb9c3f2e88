/* bearer - tokens of 256 random bits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/bearer.h"

#include <string.h>

#define BEARER_RANDOM_BYTES 32

void bearer_new(const char *prefix, char token[SESSION_TOKEN_LEN + 1],
                uint8_t hash[CRYPTO_SHA256_LEN])
{
    ASSERT(prefix && token && hash);
    uint8_t random[BEARER_RANDOM_BYTES];
    crypto_random(random, sizeof random);
    struct buf b = BUF_INIT;
    buf_put_str(&b, prefix);
    crypto_put_base64url(&b, slice_of((const char *)random, sizeof random));
    ASSERT(b.len == SESSION_TOKEN_LEN);
    memcpy(token, buf_cstr(&b), SESSION_TOKEN_LEN + 1);
    crypto_sha256(buf_slice(&b), hash);
    crypto_wipe(random, sizeof random);
    crypto_wipe(b.at, b.len);
    buf_release(&b);
}

bool bearer_hash(struct slice token, const char *prefix, uint8_t hash[CRYPTO_SHA256_LEN])
{
    ASSERT(prefix && hash);
    if (token.len != SESSION_TOKEN_LEN || !slice_starts(token, slice_str(prefix)))
        return false;
    crypto_sha256(token, hash);
    return true;
}
