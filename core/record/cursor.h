/* cursor - a signed mark of where a page ended.
 *
 * base64url(version, shape, values of the sort keys, tag): the tag is the first 16 bytes of an
 * HMAC-SHA-256 under the tenant's own key, the shape a hash of the query. A mark that was edited,
 * made for another query or by another tenant is ERR_BAD_CURSOR.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"
#include "store/store.h"
#include "tenant/ctx.h"

struct cursor_key {
    uint8_t bytes[CRYPTO_KEY_LEN];
};

/* The key of the tenant at hand: made from its setting "cursor_key". */
MUST_USE enum err cursor_key(struct ctx *ctx, struct cursor_key *out);
void cursor_put(const struct cursor_key *key, uint64_t shape, const struct value *values, int count,
                struct buf *out);
/* Values live in the arena. */
MUST_USE enum err cursor_parse(const struct cursor_key *key, uint64_t shape, struct slice text,
                               struct arena *arena, struct value *values, int count);
