/* tls - server-side TLS 1.2 and 1.3 with mbedTLS.
 *
 * A `struct tls` is a pair of file names and the identity (configuration, certificate, key) last
 * read from them. Identities are counted: each session holds the one it began with.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/tls.h"

#include "base/limits.h"

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <unistd.h>

struct tls_identity {
    int holders;
    mbedtls_ssl_config config;
    mbedtls_x509_crt cert;
    mbedtls_pk_context key;
};

struct tls {
    char *cert_path, *key_path;    /* owned */
    struct tls_identity *identity; /* held */
};

struct tls_session {
    mbedtls_ssl_context ssl;
    struct tls_identity *identity; /* held */
    struct slice in;               /* not yet read by the library */
    struct buf *out;               /* borrowed during a call */
};

/* Authenticated ciphers with forward secrecy only; ours is the order of choice. */
static const int tls_suites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

static const uint16_t tls_groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

static const char *tls_protocols[] = {"http/1.1", NULL};

void tls_init(void)
{
    ASSERT(psa_crypto_init() == PSA_SUCCESS);
}

/* ---- identities ---- */

static struct tls_identity *identity_hold(struct tls_identity *identity)
{
    identity->holders++;
    return identity;
}

static void identity_drop(struct tls_identity *identity)
{
    ASSERT(identity->holders > 0);
    if (--identity->holders > 0)
        return;
    mbedtls_ssl_config_free(&identity->config);
    mbedtls_x509_crt_free(&identity->cert);
    mbedtls_pk_free(&identity->key);
    free(identity);
}

static int identity_configure(struct tls_identity *identity)
{
    mbedtls_ssl_config *config = &identity->config;
    int failed = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (failed)
        return failed;
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_tls13_key_exchange_modes(config,
                                              MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_ciphersuites(config, tls_suites);
    mbedtls_ssl_conf_groups(config, tls_groups);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    failed = mbedtls_ssl_conf_alpn_protocols(config, tls_protocols);
    return failed ? failed : mbedtls_ssl_conf_own_cert(config, &identity->cert, &identity->key);
}

static enum err identity_read(struct tls_identity *identity, const char *cert_path,
                              const char *key_path, const char **why)
{
    if (access(cert_path, R_OK) != 0) {
        *why = "The certificate file is not there or may not be read.";
        return ERR_NOT_FOUND;
    }
    if (access(key_path, R_OK) != 0) {
        *why = "The key file is not there or may not be read.";
        return ERR_NOT_FOUND;
    }
    if (mbedtls_x509_crt_parse_file(&identity->cert, cert_path) != 0) {
        *why = "The certificate file does not hold certificates in PEM.";
        return ERR_MALFORMED;
    }
    if (mbedtls_pk_parse_keyfile(&identity->key, key_path, NULL, mbedtls_psa_get_random,
                                 MBEDTLS_PSA_RANDOM_STATE) != 0) {
        *why = "The key file does not hold an unencrypted RSA or EC key in PEM.";
        return ERR_MALFORMED;
    }
    if (mbedtls_pk_check_pair(&identity->cert.pk, &identity->key, mbedtls_psa_get_random,
                              MBEDTLS_PSA_RANDOM_STATE) != 0) {
        *why = "The key does not belong to the certificate.";
        return ERR_MALFORMED;
    }
    if (identity_configure(identity) != 0) {
        *why = "This certificate cannot be used for TLS.";
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

static enum err identity_load(const char *cert_path, const char *key_path,
                              struct tls_identity **out, const char **why)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    ASSERT_MEMORY(identity);
    identity->holders = 1;
    mbedtls_ssl_config_init(&identity->config);
    mbedtls_x509_crt_init(&identity->cert);
    mbedtls_pk_init(&identity->key);
    enum err e = identity_read(identity, cert_path, key_path, why);
    if (e) {
        identity_drop(identity);
        return e;
    }
    *out = identity;
    return ERR_OK;
}

/* ---- the server's TLS ---- */

static char *copy(const char *s)
{
    char *at = strdup(s);
    ASSERT_MEMORY(at);
    return at;
}

enum err tls_new(const char *cert_path, const char *key_path, struct tls **out, const char **why)
{
    ASSERT(cert_path && key_path);
    struct tls_identity *identity;
    enum err e = identity_load(cert_path, key_path, &identity, why);
    if (e)
        return e;
    struct tls *tls = calloc(1, sizeof *tls);
    ASSERT_MEMORY(tls);
    tls->cert_path = copy(cert_path);
    tls->key_path = copy(key_path);
    tls->identity = identity;
    *out = tls;
    return ERR_OK;
}

enum err tls_reload(struct tls *tls, const char **why)
{
    struct tls_identity *identity;
    enum err e = identity_load(tls->cert_path, tls->key_path, &identity, why);
    if (e)
        return e;
    identity_drop(tls->identity);
    tls->identity = identity;
    return ERR_OK;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    identity_drop(tls->identity);
    free(tls->cert_path);
    free(tls->key_path);
    free(tls);
}

/* ---- one connection ---- */

static int bio_send(void *arg, const unsigned char *bytes, size_t n)
{
    struct tls_session *session = arg;
    ASSERT(session->out);
    buf_put(session->out, bytes, n);
    return (int)n;
}

static int bio_recv(void *arg, unsigned char *bytes, size_t max)
{
    struct tls_session *session = arg;
    size_t n = session->in.len < max ? session->in.len : max;
    if (n == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(bytes, session->in.at, n);
    session->in.at += n;
    session->in.len -= n;
    return (int)n;
}

struct tls_session *tls_session_new(struct tls *tls)
{
    struct tls_session *session = calloc(1, sizeof *session);
    ASSERT_MEMORY(session);
    mbedtls_ssl_init(&session->ssl);
    session->identity = identity_hold(tls->identity);
    if (mbedtls_ssl_setup(&session->ssl, &session->identity->config) != 0) {
        tls_session_free(session);
        return NULL;
    }
    mbedtls_ssl_set_bio(&session->ssl, session, bio_send, bio_recv, NULL);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    mbedtls_ssl_free(&session->ssl);
    identity_drop(session->identity);
    free(session);
}

void tls_session_feed(struct tls_session *session, struct slice bytes)
{
    ASSERT(session->in.len == 0);
    session->in = bytes;
}

/* The library also asks for more after a warning that it ignored, with input still at hand. Each
 * such turn takes at least a record's head. */
static bool goes_on(const struct tls_session *session, int result, int *turns)
{
    return result == MBEDTLS_ERR_SSL_WANT_READ && session->in.len > 0 && ++*turns < READ_BYTES;
}

static enum tls_step step_of(struct tls_session *session, int result)
{
    switch (result) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return TLS_WANT;
    case 0:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    case MBEDTLS_ERR_SSL_CONN_EOF:
        session->in.len = 0; /* nothing behind a good-bye counts */
        return TLS_ENDED;
    default:
        session->in.len = 0;
        return TLS_FAILED;
    }
}

enum tls_step tls_session_handshake(struct tls_session *session, struct buf *out)
{
    int result, turns = 0;
    session->out = out;
    do
        result = mbedtls_ssl_handshake(&session->ssl);
    while (goes_on(session, result, &turns));
    session->out = NULL;
    if (result == 0)
        return TLS_DONE;
    /* A good-bye before there was a connection is a failure like any other. */
    enum tls_step step = step_of(session, result);
    return step == TLS_ENDED ? TLS_FAILED : step;
}

enum tls_step tls_session_read(struct tls_session *session, char *at, size_t max, size_t *n,
                               struct buf *out)
{
    int result = 1, turns = 0;
    *n = 0;
    session->out = out;
    while (*n < max) {
        result = mbedtls_ssl_read(&session->ssl, (unsigned char *)at + *n, max - *n);
        if (result > 0)
            *n += (size_t)result;
        else if (!goes_on(session, result, &turns))
            break;
    }
    session->out = NULL;
    return result > 0 ? TLS_DONE : step_of(session, result);
}

enum err tls_session_write(struct tls_session *session, struct slice bytes, struct buf *out)
{
    int result = 1;
    session->out = out;
    while (bytes.len > 0) {
        result = mbedtls_ssl_write(&session->ssl, (const unsigned char *)bytes.at, bytes.len);
        if (result <= 0)
            break;
        bytes.at += result;
        bytes.len -= (size_t)result;
    }
    session->out = NULL;
    return result > 0 ? ERR_OK : ERR_IO;
}

void tls_session_close(struct tls_session *session, struct buf *out)
{
    session->out = out;
    (void)mbedtls_ssl_close_notify(&session->ssl);
    session->out = NULL;
}
