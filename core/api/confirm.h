/* confirm - whoever holds a session proves again who they are (ASVS 5.0, 7.5.1).
 *
 * Guessing here counts like guessing at sign-in: the attempt is counted before the password is
 * hashed, and taken back when everything was right. Only in runners: it hashes.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* The present password; complains about "current". An API key cannot: ERR_FORBIDDEN. */
MUST_USE enum err confirm_password(struct call *call, struct slice current);
/* The password, and where a second factor is on a code of it; complains about "otp" as well. */
MUST_USE enum err confirm_person(struct call *call, struct slice current, struct slice otp);
