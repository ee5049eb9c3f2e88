/* password - policy and change of passwords (ASVS 5.0 section 6.2).
 *
 * Length in characters, no truncation, no composition rules in the `asvs` profile; `dengbao` wants
 * three of four classes of characters. Refused as common: what password_common knows.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

/* Length, the common ones, the login and the tenant's name. ERR_VALIDATION with complaints on
 * `field`: password_short, password_long, password_text (not UTF-8), password_common,
 * password_login, password_classes. */
MUST_USE enum err password_check(struct ctx *ctx, struct slice password, struct slice login,
                                 const char *field);
/* Is it one that guessers try first? Two sources. Our own: stems, keyboard rows, runs and repeats,
 * digits only, also with digits and signs around them or letters written as digits. And a word list
 * of the system where one is installed (Debian's john-data with its 3,500 commonest passwords, or
 * cracklib-runtime): where neither is, the list of leaked passwords that ASVS 6.2.4 asks for is
 * missing and only our own patterns are refused. */
bool password_is_common(struct slice password);
/* The word list that is used, or NULL when none is installed: for `perigee check` and the log. */
const char *password_list_path(void);
/* `dengbao`: not one of the last PASSWORD_PAST_MAX, the present one included. Slow (each is a hash
 * to verify): only in runners. ERR_VALIDATION with password_past on `field`. */
MUST_USE enum err password_check_past(struct ctx *ctx, int64_t user, struct slice password,
                                      const char *field);
/* In a write turn: stores an encoded hash made by crypto_password_hash, ends the user's sessions
 * except `keep_session`, audits. ERR_NOT_FOUND. */
MUST_USE enum err password_store(struct ctx *ctx, int64_t user, const char *encoded,
                                 int64_t keep_session);
/* The stored hash of a user's password, in the arena; ERR_NOT_FOUND also when none is set. */
MUST_USE enum err password_encoded(struct tenant *tenant, struct arena *arena, int64_t user,
                                   char **encoded);
