/* signin - counting of failed sign-ins and the lock that follows (security.md P10).
 *
 * Three counters over windows of SIGNIN_LOCK_MS: account from one address, account from everywhere,
 * address over all accounts. An attempt is counted before the password is hashed and taken back
 * when it was right, so that attempts at the same instant count too. Accounts are counted by a hash
 * of the login, known or not.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

/* In a write turn. ERR_LOCKED (with ctx->err.retry_after_s) when one of the three is locked: then
 * nothing was counted. Reaching a limit locks from now on and is audited. */
MUST_USE enum err signin_count(struct ctx *ctx, struct slice login, const char *address);
/* In a write turn: the attempt was right. The account's count from this address starts anew, the
 * others lose one. */
MUST_USE enum err signin_take_back(struct ctx *ctx, struct slice login, const char *address);
/* In a write turn: the attempt neither failed nor came to its end (a second factor is still due).
 * Each of the three loses one. */
MUST_USE enum err signin_uncount(struct ctx *ctx, struct slice login, const char *address);
/* In a write turn: somebody asks for a new password for this login. Counted by account and by
 * address, known or not; it locks nobody out of signing in. */
MUST_USE enum err signin_ask(struct ctx *ctx, struct slice login, const char *address,
                             bool *allowed);
/* In a write turn: an administrator opens a locked account. */
MUST_USE enum err signin_unlock(struct ctx *ctx, struct slice login);
