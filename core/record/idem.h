/* idem - Idempotency-Key: one effect per (actor, key), the first answer again for 24 h. The actor
 * is the user, or the API key: what one of them was told is not the other's to hear again.
 *
 * The row is inserted in the same savepoint as the effect; only 2xx answers are kept, others are
 * not. The hash covers route and body, so the same key at another address is another request.
 * An answer over IDEMPOTENCY_ANSWER_MAX is not kept word for word: its status is, and IDEM_TOO_LONG
 * stands for the body. Nothing was done twice; the caller reads the records again.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "tenant/ctx.h"

#define IDEM_TOO_LONG "{\"replayed\":true,\"answer\":null}"

/* Looks the key up. *found: *status and body hold the first answer; *moved: rights have changed
 * since, so it may hold what the actor sees no more. Another body under the same key:
 * ERR_IDEMPOTENCY. ERR_MALFORMED for a key that is empty, too long or not printable ASCII. */
MUST_USE enum err idem_find(struct ctx *ctx, struct slice key, struct slice route,
                            struct slice request_body, bool *found, bool *moved, int *status,
                            struct buf *body);
/* In the savepoint of the effect. A status outside 200-299 is not kept. */
MUST_USE enum err idem_keep(struct ctx *ctx, struct slice key, struct slice route,
                            struct slice request_body, int status, struct slice body);
/* The effect is in more transactions than one and its answer not known yet: in the first of them,
 * and when the answer is there. Any status is kept, for nothing may be done again. Until then
 * idem_find is ERR_BUSY while this process lives, for at most IDEMPOTENCY_BEGUN_MS; then what was
 * begun counts as done: 200 and IDEM_TOO_LONG. */
MUST_USE enum err idem_begin(struct ctx *ctx, struct slice key, struct slice route,
                             struct slice request_body);
MUST_USE enum err idem_end(struct ctx *ctx, struct slice key, struct slice route,
                           struct slice request_body, int status, struct slice body);
/* Forgets what is older than a day; in a write transaction. */
MUST_USE enum err idem_sweep(struct tenant *tenant, int64_t now_ms);
