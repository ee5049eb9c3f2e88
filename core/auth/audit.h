/* audit - the append-only, hash-chained log of security events (table audit).
 *
 * Every sign-in, refusal, export, unmask and change of rights. hash = SHA-256(previous hash || row in
 * canonical form), so one changed byte is found.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

/* In a write turn. entity may be NULL; detail is JSON object text or NULL. */
MUST_USE enum err audit_put(struct ctx *ctx, const char *action, const char *entity, int64_t record,
                            const char *detail);
/* Recomputes the chain; *broken_seq = 0 when whole. */
MUST_USE enum err audit_verify(struct tenant *tenant, int64_t *broken_seq);
