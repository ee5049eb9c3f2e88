/* bearer - tokens as they are told once and stored as a hash.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/session.h"
#include "base/crypto.h"

#define BEARER_SESSION "ps_"
#define BEARER_KEY     "pk_"

/* Fills a token of that prefix and its hash. */
void bearer_new(const char *prefix, char token[SESSION_TOKEN_LEN + 1],
                uint8_t hash[CRYPTO_SHA256_LEN]);
/* false for what cannot be a token of that prefix; then no store is asked. */
bool bearer_hash(struct slice token, const char *prefix, uint8_t hash[CRYPTO_SHA256_LEN]);
