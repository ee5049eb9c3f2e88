/* idem - Idempotency-Key: one effect per (actor, key), the first answer again for 24 h.
 *
 * The row is inserted in the same savepoint as the effect; only 2xx answers are kept.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "tenant/ctx.h"

/* Looks the key up. *found: *status and body hold the first answer. Another body under the same key:
 * ERR_IDEMPOTENCY. */
MUST_USE enum err idem_find(struct ctx *ctx, struct slice key, struct slice route,
                            struct slice request_body, bool *found, int *status, struct buf *body);
MUST_USE enum err idem_keep(struct ctx *ctx, struct slice key, struct slice route,
                            struct slice request_body, int status, struct slice body);
MUST_USE enum err idem_sweep(struct tenant *tenant, int64_t now_ms);
