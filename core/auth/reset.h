/* reset - a new password for who has lost the old one: a link that is good once, for ten minutes.
 *
 * Only the hash of its token is stored. A new password ends all sessions and every other link of
 * that user; a second factor stays as it is and is asked for at the next sign-in (ASVS 6.4.3).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

#define RESET_TOKEN_LEN 46 /* "pr_" and 43 characters */

/* In a write turn. */
MUST_USE enum err reset_create(struct ctx *ctx, int64_t user, char token[RESET_TOKEN_LEN + 1]);
/* In a write turn: somebody asks for a link for a login. *user 0 where none is to be sent: there is
 * no such user, it is disabled or has no e-mail address, or it was asked too often. Known and
 * unknown logins cost the same writes. */
MUST_USE enum err reset_ask(struct ctx *ctx, struct slice login, int64_t *user, const char **email,
                            char token[RESET_TOKEN_LEN + 1]);
/* Whose link is it? ERR_NOT_FOUND when it is none, was used, or is too old. */
MUST_USE enum err reset_find(struct ctx *ctx, struct slice token, int64_t *user);
/* In a write turn: the link is spent, and every other one of that user. ERR_NOT_FOUND. */
MUST_USE enum err reset_spend(struct ctx *ctx, struct slice token, int64_t *user);
/* In a write turn: deletes what is too old. */
MUST_USE enum err reset_sweep(struct tenant *tenant, int64_t now_ms);
