/* totp - the second factor: one-time codes of an app (RFC 6238) and recovery codes.
 *
 * HMAC-SHA-1, six digits, 30 seconds, one step to either side: what every app knows. The secret
 * lies sealed in the user's row. A code is good once: the step it belongs to is stored in the
 * transaction that accepts it. Recovery codes have 120 random bits and are stored as SHA-256 (ASVS
 * 6.5.2 asks for slow hashes below 112 bits only); each is good once.
 *
 * Counting wrong codes is the caller's, with auth/signin. All but totp_is_on are in a write turn.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"
#include "tenant/ctx.h"

#define TOTP_SECRET_LEN    20
#define TOTP_SECRET_CHARS  32 /* base32 (RFC 4648 section 6) of it */
#define TOTP_RECOVERY_LEN  29 /* six groups of four, with hyphens */
#define TOTP_RECOVERY_KEEP 10

/* The code of a secret at a time: RFC 6238 with the values above. */
int totp_code(const uint8_t secret[TOTP_SECRET_LEN], int64_t now_ms);

MUST_USE enum err totp_is_on(struct tenant *tenant, int64_t user, bool *on);
/* A new secret that waits for its first code, TOTP_PENDING_MS long. ERR_CONFLICT when a factor is
 * on: it is disabled first. */
MUST_USE enum err totp_begin(struct ctx *ctx, int64_t user, char secret[TOTP_SECRET_CHARS + 1]);
/* "otpauth://totp/…" for a QR code, in the arena. */
const char *totp_uri(struct arena *arena, const char *issuer, const char *login,
                     const char *secret);
/* The first code turns the factor on; fresh recovery codes, told once. *ok false: a wrong code, or
 * nothing waits. Ends the user's other sessions. */
MUST_USE enum err totp_confirm(struct ctx *ctx, int64_t user, struct slice code,
                               int64_t keep_session,
                               char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1], bool *ok);
/* Is it a good code of the app, or one of the recovery codes? It is spent then. */
MUST_USE enum err totp_check(struct ctx *ctx, int64_t user, struct slice code, bool *ok);
/* New recovery codes in place of the old ones. ERR_NOT_FOUND when no factor is on. */
MUST_USE enum err totp_recovery(struct ctx *ctx, int64_t user,
                                char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1]);
/* Takes the factor away and ends the user's sessions but one. ERR_NOT_FOUND: there is no user. */
MUST_USE enum err totp_remove(struct ctx *ctx, int64_t user, int64_t keep_session);
/* Seals by the newest key what an older one sealed. */
MUST_USE enum err totp_reseal(struct ctx *ctx);
