/* audit - the append-only, hash-chained log of security events (table audit).
 *
 * Every sign-in, refusal, export, unmask and change of rights. hash = SHA-256(previous hash || row
 * in canonical form), so one changed byte is found. Rows cut off the end are not: for that, copy
 * the newest hash elsewhere (audit_head) and compare.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"
#include "tenant/ctx.h"

/* In a write turn. entity may be NULL; detail is JSON object text or NULL. */
MUST_USE enum err audit_put(struct ctx *ctx, const char *action, const char *entity, int64_t record,
                            const char *detail);
/* Recomputes the chain; *broken_seq = 0 when whole, else the first row that does not follow. The
 * oldest row kept may have any predecessor, because old rows are purged by law. */
MUST_USE enum err audit_verify(struct tenant *tenant, int64_t *broken_seq);
/* Number and hash of the newest row; 0 and zeros when there is none. */
MUST_USE enum err audit_head(struct tenant *tenant, int64_t *seq, uint8_t hash[CRYPTO_SHA256_LEN]);
