/* crypto - random bytes, hashes, MACs, AEAD, key derivation, password hashing.
 *
 * Thin names over mbedTLS and libargon2; no algorithm of our own.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define CRYPTO_SHA256_LEN 32
#define CRYPTO_SHA1_LEN   20
#define CRYPTO_SALT_LEN   16
#define CRYPTO_KEY_LEN    32
#define CRYPTO_NONCE_LEN  12
#define CRYPTO_TAG_LEN    16

/* From the kernel; aborts if the kernel has none. */
void crypto_random(void *out, size_t n);
void crypto_sha256(struct slice s, uint8_t out[CRYPTO_SHA256_LEN]);
void crypto_hmac_sha256(struct slice key, struct slice s, uint8_t out[CRYPTO_SHA256_LEN]);
/* RFC 2104 with SHA-1: for one-time codes (RFC 6238), whose apps know nothing else. */
void crypto_hmac_sha1(struct slice key, struct slice s, uint8_t out[CRYPTO_SHA1_LEN]);
/* RFC 5869 with SHA-256. */
void crypto_hkdf(struct slice key, struct slice salt, struct slice info, uint8_t *out, size_t n);
bool crypto_equal(struct slice a, struct slice b); /* constant time for equal lengths */
/* AES-256-GCM, RFC 5116: out = nonce || ciphertext || tag. */
void crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], struct slice aad, struct slice plain,
                 struct buf *out);
/* ERR_CORRUPT when it was not sealed with this key and aad. */
MUST_USE enum err crypto_open(const uint8_t key[CRYPTO_KEY_LEN], struct slice aad,
                              struct slice sealed, struct buf *out);
/* Argon2id, RFC 9106: 19 MiB, t=2, p=1 by default (OWASP). Encoded "$argon2id$…" string. Slow by
 * design (tens of ms): only runners call these. */
void crypto_password_hash(struct slice password, struct buf *encoded);
bool crypto_password_verify(struct slice password, const char *encoded);
bool crypto_password_is_outdated(const char *encoded);
/* A key from a passphrase: Argon2id with these costs, which stand beside what the key wraps. Slow
 * by design, like the hashes above. ERR_MALFORMED for costs beyond PASSPHRASE_KIB_MAX and
 * PASSPHRASE_PASSES_MAX, or a salt under CRYPTO_SALT_LEN bytes. */
MUST_USE enum err crypto_passphrase_key(struct slice passphrase, struct slice salt, int64_t kib,
                                        int64_t passes, uint8_t out[CRYPTO_KEY_LEN]);
void crypto_wipe(void *at, size_t n);
void crypto_put_hex(struct buf *b, struct slice s);
void crypto_put_base64url(struct buf *b, struct slice s); /* RFC 4648 section 5, no padding */
bool crypto_parse_base64url(struct slice s, struct buf *out);
bool crypto_parse_hex(struct slice s, struct buf *out);
