/* masterkey - data/master.key: the 32 bytes under which every tenant's data keys are wrapped.
 *
 * A text file of the owner alone (0600): comment lines, then "perigee-key-1 " and the key in
 * base64url. It is made once and never rewritten: without it encrypted fields are lost.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"

#define MASTERKEY_FILE "master.key"

/* Makes the file; one that is there and sound stays as it is. */
MUST_USE enum err masterkey_create(const char *data, const char **why);
/* Missing, readable by others, damaged: one sentence each. */
MUST_USE enum err masterkey_read(const char *data, uint8_t out[CRYPTO_KEY_LEN], const char **why);
/* The same without opening it, for processes that must not hold the key: there, and private. */
MUST_USE enum err masterkey_check(const char *data, const char **why);
