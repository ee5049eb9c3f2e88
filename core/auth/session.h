/* session - sign-in, tokens, API keys. Only hashes of tokens are stored.
 *
 * A token is 32 random bytes in base64url with a prefix: "ps_" session, "pk_" API key. Identifying
 * reads one row by hash and never writes: last-seen goes as a note to the owner.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/actor.h"

#define SESSION_TOKEN_LEN 46 /* prefix + 43 characters */

struct session_new {
    char token[SESSION_TOKEN_LEN + 1]; /* told once */
    char csrf[23];
    int64_t id, expires_at_ms;
};

/* Step 1, in a write turn: counts the attempt before hashing and gives the stored hash to verify
 * (a dummy for unknown users, so that both take equally long). ERR_LOCKED with retry_after. */
MUST_USE enum err session_attempt(struct ctx *ctx, struct slice login, const char *address,
                                  int64_t *user, char **encoded);
/* Step 3, in a write turn after crypto_password_verify said yes: takes the attempt back, makes the
 * session, audits. */
MUST_USE enum err session_create(struct ctx *ctx, int64_t user, const char *address,
                                 const char *agent, struct session_new *out);
/* After a wrong password: audit only (the attempt stays counted). */
MUST_USE enum err session_refused(struct ctx *ctx, struct slice login, const char *address);
/* "ps_…" or "pk_…". ERR_UNAUTHENTICATED if unknown, expired, idle too long, revoked, user disabled,
 * or (keys) the address is not allowed. *csrf (may be NULL) gets the session's CSRF token. *seen_due:
 * last_seen is older than SESSION_SEEN_MS. */
MUST_USE enum err session_identify(struct tenant *tenant, struct arena *arena, struct slice token,
                                   const char *address, int64_t now_ms, const struct actor **out,
                                   const char **csrf, bool *seen_due);
MUST_USE enum err session_seen(struct tenant *tenant, int64_t session, int64_t api_key,
                               int64_t now_ms);
/* id 0 = all sessions of the user. Bumps auth_version. */
MUST_USE enum err session_end(struct ctx *ctx, int64_t user, int64_t id);

/* API keys: in a write turn; bumps auth_version. */
MUST_USE enum err session_key_create(struct ctx *ctx, int64_t user, const char *name,
                                     const struct json *scopes, const struct json *addresses,
                                     int64_t expires_at_ms, struct session_new *out);
MUST_USE enum err session_key_revoke(struct ctx *ctx, int64_t id);
