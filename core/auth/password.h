/* password - policy and change of passwords (ASVS 5.0 section 6.2).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

/* Length, the leaked list, the login itself. ERR_VALIDATION with a complaint on `field`. */
MUST_USE enum err password_check(struct ctx *ctx, struct slice password, struct slice login,
                                 const char *field);
/* In a write turn: stores an encoded hash made by crypto_password_hash, ends the user's sessions
 * except `keep_session`, audits. */
MUST_USE enum err password_store(struct ctx *ctx, int64_t user, const char *encoded,
                                 int64_t keep_session);
