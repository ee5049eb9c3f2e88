/* crypto - see crypto.h.
 *
 * mbedTLS and libargon2 fail here only when they are called wrongly or memory ends, so everything
 * but crypto_open and verifying treats a failure as a defect.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/crypto.h"

#include "base/limits.h"

#include <argon2.h>
#include <errno.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <sys/random.h>

/* OWASP's password storage advice for Argon2id. */
#define PASSWORD_KIB         19456
#define PASSWORD_PASSES      2
#define PASSWORD_LANES       1
#define PASSWORD_SALT_LEN    16
#define PASSWORD_HASH_LEN    32
#define PASSWORD_ENCODED_MAX 128

#define HKDF_BYTES_MAX ((size_t)255 * CRYPTO_SHA256_LEN) /* RFC 5869 section 2.3 */

static const unsigned char *bytes_of(struct slice s)
{
    return (const unsigned char *)(s.len ? s.at : "");
}

void crypto_random(void *out, size_t n)
{
    char *at = out;

    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            BUG("the kernel gives no random bytes");
        at += got;
        n -= (size_t)got;
    }
}

void crypto_sha256(struct slice s, uint8_t out[CRYPTO_SHA256_LEN])
{
    if (mbedtls_sha256(bytes_of(s), s.len, out, 0))
        BUG("SHA-256 failed");
}

static const mbedtls_md_info_t *sha256_info(void)
{
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

    ASSERT(info);
    return info;
}

void crypto_hmac_sha256(struct slice key, struct slice s, uint8_t out[CRYPTO_SHA256_LEN])
{
    if (mbedtls_md_hmac(sha256_info(), bytes_of(key), key.len, bytes_of(s), s.len, out))
        BUG("HMAC failed");
}

void crypto_hmac_sha1(struct slice key, struct slice s, uint8_t out[CRYPTO_SHA1_LEN])
{
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);

    ASSERT(info);
    if (mbedtls_md_hmac(info, bytes_of(key), key.len, bytes_of(s), s.len, out))
        BUG("HMAC failed");
}

void crypto_hkdf(struct slice key, struct slice salt, struct slice info, uint8_t *out, size_t n)
{
    ASSERT(n <= HKDF_BYTES_MAX);

    if (mbedtls_hkdf(sha256_info(), bytes_of(salt), salt.len, bytes_of(key), key.len,
                     bytes_of(info), info.len, out, n))
        BUG("HKDF failed");
}

bool crypto_equal(struct slice a, struct slice b)
{
    return a.len == b.len && mbedtls_ct_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}

static void gcm_start(mbedtls_gcm_context *gcm, const uint8_t key[CRYPTO_KEY_LEN])
{
    mbedtls_gcm_init(gcm);
    if (mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, CRYPTO_KEY_LEN * 8))
        BUG("AES-GCM refused its key");
}

void crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], struct slice aad, struct slice plain,
                 struct buf *out)
{
    mbedtls_gcm_context gcm;

    buf_reserve(out, CRYPTO_NONCE_LEN + plain.len + CRYPTO_TAG_LEN);
    uint8_t *nonce = (uint8_t *)out->at + out->len;
    uint8_t *text = nonce + CRYPTO_NONCE_LEN;
    crypto_random(nonce, CRYPTO_NONCE_LEN);
    gcm_start(&gcm, key);
    if (mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain.len, nonce, CRYPTO_NONCE_LEN,
                                  bytes_of(aad), aad.len, bytes_of(plain), text, CRYPTO_TAG_LEN,
                                  text + plain.len))
        BUG("AES-GCM failed");
    mbedtls_gcm_free(&gcm);
    out->len += CRYPTO_NONCE_LEN + plain.len + CRYPTO_TAG_LEN;
}

enum err crypto_open(const uint8_t key[CRYPTO_KEY_LEN], struct slice aad, struct slice sealed,
                     struct buf *out)
{
    mbedtls_gcm_context gcm;

    if (sealed.len < CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN)
        return ERR_CORRUPT;
    size_t len = sealed.len - CRYPTO_NONCE_LEN - CRYPTO_TAG_LEN;
    const uint8_t *nonce = bytes_of(sealed);
    const uint8_t *text = nonce + CRYPTO_NONCE_LEN;
    buf_reserve(out, len + 1);
    gcm_start(&gcm, key);
    int failed =
        mbedtls_gcm_auth_decrypt(&gcm, len, nonce, CRYPTO_NONCE_LEN, bytes_of(aad), aad.len,
                                 text + len, CRYPTO_TAG_LEN, text, (uint8_t *)out->at + out->len);
    mbedtls_gcm_free(&gcm);
    if (failed)
        return ERR_CORRUPT;
    out->len += len;
    return ERR_OK;
}

void crypto_password_hash(struct slice password, struct buf *encoded)
{
    uint8_t salt[PASSWORD_SALT_LEN];
    char text[PASSWORD_ENCODED_MAX];

    ASSERT(password.len <= PASSWORD_BYTES_MAX);
    crypto_random(salt, sizeof(salt));
    int failed = argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_KIB, PASSWORD_LANES,
                                       bytes_of(password), password.len, salt, sizeof(salt),
                                       PASSWORD_HASH_LEN, text, sizeof(text));
    if (failed)
        BUG(argon2_error_message(failed));
    buf_put_str(encoded, text);
    crypto_wipe(text, sizeof(text));
}

bool crypto_password_verify(struct slice password, const char *encoded)
{
    if (password.len > PASSWORD_BYTES_MAX || !encoded)
        return false;
    return argon2id_verify(encoded, bytes_of(password), password.len) == ARGON2_OK;
}

bool crypto_password_is_outdated(const char *encoded)
{
    char current[64];

    snprintf(current, sizeof(current), "$argon2id$v=%d$m=%d,t=%d,p=%d$", ARGON2_VERSION_13,
             PASSWORD_KIB, PASSWORD_PASSES, PASSWORD_LANES);
    return !slice_starts(slice_str(encoded), slice_str(current));
}

enum err crypto_passphrase_key(struct slice passphrase, struct slice salt, int64_t kib,
                               int64_t passes, uint8_t out[CRYPTO_KEY_LEN])
{
    bool fits = kib >= 8 && kib <= PASSPHRASE_KIB_MAX && passes >= 1 &&
                passes <= PASSPHRASE_PASSES_MAX && salt.len >= CRYPTO_SALT_LEN && salt.len <= 64 &&
                passphrase.len <= PASSWORD_BYTES_MAX;

    if (!fits)
        return ERR_MALFORMED;
    int failed =
        argon2id_hash_raw((uint32_t)passes, (uint32_t)kib, PASSWORD_LANES, bytes_of(passphrase),
                          passphrase.len, bytes_of(salt), salt.len, out, CRYPTO_KEY_LEN);
    if (failed)
        BUG(argon2_error_message(failed));
    return ERR_OK;
}

void crypto_wipe(void *at, size_t n)
{
    if (n)
        explicit_bzero(at, n);
}

void crypto_put_hex(struct buf *b, struct slice s)
{
    static const char digits[] = "0123456789abcdef";

    buf_reserve(b, s.len * 2);
    for (size_t i = 0; i < s.len; i++) {
        buf_put_char(b, digits[(uint8_t)s.at[i] >> 4]);
        buf_put_char(b, digits[(uint8_t)s.at[i] & 15]);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool crypto_parse_hex(struct slice s, struct buf *out)
{
    size_t start = out->len;

    if (s.len % 2)
        return false;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = hex_value(s.at[i]), low = hex_value(s.at[i + 1]);
        if (high < 0 || low < 0) {
            buf_truncate(out, start);
            return false;
        }
        buf_put_char(out, (char)(high << 4 | low));
    }
    return true;
}

void crypto_put_base64url(struct buf *b, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    int held = 0; /* bits not yet written */

    buf_reserve(b, (s.len * 4 + 2) / 3);
    for (size_t i = 0; i < s.len; i++) {
        bits = bits << 8 | (uint8_t)s.at[i];
        for (held += 8; held >= 6; held -= 6)
            buf_put_char(b, digits[bits >> (held - 6) & 63]);
    }
    if (held)
        buf_put_char(b, digits[bits << (6 - held) & 63]);
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool crypto_parse_base64url(struct slice s, struct buf *out)
{
    size_t start = out->len;
    uint32_t bits = 0;
    int held = 0;
    bool good = s.len % 4 != 1;

    for (size_t i = 0; good && i < s.len; i++) {
        int value = base64url_value(s.at[i]);
        good = value >= 0;
        bits = (bits << 6 | (uint32_t)(value & 63)) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_put_char(out, (char)(bits >> held & 0xff));
        }
    }
    if (good && (bits & ((1u << held) - 1)) == 0) /* one text for each value */
        return true;
    buf_truncate(out, start);
    return false;
}
