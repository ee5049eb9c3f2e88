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
/* Recomputes the chain; *broken_seq = 0 when whole, else the first row that does not follow. Where
 * old rows were purged it begins with the hash of the last one of them. */
MUST_USE enum err audit_verify(struct tenant *tenant, int64_t *broken_seq);
/* In a write transaction: takes rows older than that time off the front, at most AUDIT_PURGE_ROWS,
 * never the newest one, and keeps the hash of the last one taken (setting "audit"), so that what is
 * left can be verified from there. That it was done is a row itself. Callers keep the time the law
 * asks for: nothing younger than AUDIT_KEEP_MS goes, whatever they say. */
MUST_USE enum err audit_purge(struct tenant *tenant, int64_t before_ms);
/* Number and hash of the newest row; 0 and zeros when there is none. */
MUST_USE enum err audit_head(struct tenant *tenant, int64_t *seq, uint8_t hash[CRYPTO_SHA256_LEN]);
