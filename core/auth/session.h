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
    char csrf[23];                     /* empty for an API key */
    int64_t id, expires_at_ms;         /* 0 = never (API keys) */
};

/* Step 1, in a write turn: counts the attempt before hashing and gives the stored hash to verify
 * (a dummy and user 0 for unknown, disabled and password-less users, so that all take equally
 * long). ERR_LOCKED with retry_after; then nothing was counted. */
MUST_USE enum err session_attempt(struct ctx *ctx, struct slice login, const char *address,
                                  int64_t *user, char **encoded);
/* Step 2, in the turn of the third: is what was verified meanwhile still the user's password? Who
 * changes it ends all sessions, and none may begin with the old one after that. */
MUST_USE enum err session_confirm(struct ctx *ctx, int64_t user, const char *encoded);
/* Step 3, in a write turn after crypto_password_verify said yes: takes the attempt back, makes the
 * session, audits. ERR_BAD_CREDENTIALS when the user has been disabled meanwhile. */
MUST_USE enum err session_create(struct ctx *ctx, int64_t user, const char *address,
                                 const char *agent, struct session_new *out);
/* After a wrong password: audit only (the attempt stays counted). */
MUST_USE enum err session_refused(struct ctx *ctx, struct slice login, const char *address);
/* "ps_…" or "pk_…". ERR_UNAUTHENTICATED if unknown, expired, idle too long, revoked, user disabled,
 * or (keys) the address is not allowed. *csrf (may be NULL) gets the session's CSRF token.
 * *seen_due: last_seen is older than SESSION_SEEN_MS. The tenant's header is fresh. */
MUST_USE enum err session_identify(struct tenant *tenant, struct arena *arena, struct slice token,
                                   const char *address, int64_t now_ms, const struct actor **out,
                                   const char **csrf, bool *seen_due);
MUST_USE enum err session_seen(struct tenant *tenant, int64_t session, int64_t api_key,
                               int64_t now_ms);
/* id 0 = all sessions of the user. Bumps auth_version; the audit row of a single one tells its
 * device and address. ERR_NOT_FOUND if that one is not there, or another's. */
MUST_USE enum err session_end(struct ctx *ctx, int64_t user, int64_t id);
/* In a write turn: all of the user's sessions but `keep` (0 = none), without an audit row. */
MUST_USE enum err session_end_others(struct ctx *ctx, int64_t user, int64_t keep);
/* In a write turn: deletes what has expired. */
MUST_USE enum err session_sweep(struct tenant *tenant, int64_t now_ms);

struct session_info {
    int64_t id, created_at_ms, seen_at_ms, expires_at_ms;
    const char *address, *agent;
};
/* A user's sessions that are good for another request, newest first, at most LIST_MAX. */
MUST_USE enum err session_list(struct tenant *tenant, struct arena *arena, int64_t user,
                               int64_t now_ms, struct session_info **out, int *count);

/* API keys: in a write turn; bumps auth_version. scopes: array of "entity:action" or NULL for all;
 * addresses: array of addresses and ranges or NULL for any; expires_at_ms 0 = never.
 * ERR_VALIDATION.
 */
MUST_USE enum err session_key_create(struct ctx *ctx, int64_t user, const char *name,
                                     const struct json *scopes, const struct json *addresses,
                                     int64_t expires_at_ms, struct session_new *out);
MUST_USE enum err session_key_revoke(struct ctx *ctx, int64_t id);
/* In a write turn: adds to what the key has asked in all, how much of it was refused, and how much
 * of that because of the rate. *name and *user are set when it was limited and nobody has been told
 * for KEY_LIMITED_MS; else *name is NULL. A key that is gone is no error. */
MUST_USE enum err session_key_used(struct ctx *ctx, int64_t id, int64_t calls, int64_t refused,
                                   int64_t limited, const char **name, int64_t *user);

struct session_key {
    int64_t id, user, created_at_ms, seen_at_ms, expires_at_ms, revoked_at_ms; /* 0 = not set */
    const char *name, *prefix, *scopes, *addresses; /* the last two: JSON text or NULL */
};
/* Keys of one user, or of all (0), newest first, at most LIST_MAX. */
MUST_USE enum err session_key_list(struct tenant *tenant, struct arena *arena, int64_t user,
                                   struct session_key **out, int *count);
