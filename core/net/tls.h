/* tls - server-side TLS 1.2 and 1.3 with mbedTLS.
 *
 * Settings are those of security.md section 4. The certificate can be replaced while serving: new
 * handshakes use the new one, running connections keep theirs (reference-counted).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct tls;

/* psa_crypto_init() and the like; once per process before tls_new. */
void tls_init(void);
/* ERR_NOT_FOUND, ERR_MALFORMED (*why is a sentence, static). Files in PEM. */
MUST_USE enum err tls_new(const char *cert_path, const char *key_path, struct tls **out,
                          const char **why);
/* Reads the files again; on failure the old certificate stays. */
MUST_USE enum err tls_reload(struct tls *tls, const char **why);
void tls_free(struct tls *tls);

/* One connection's half of it, for conn.c: bytes in, bytes out, no socket. It holds the certificate
 * it began with, also after tls_reload and tls_free. Every call may append to `out` what has to be
 * sent to the peer (records, alerts), also when it fails. */
struct tls_session;

enum tls_step {
    TLS_DONE,  /* the handshake is complete */
    TLS_WANT,  /* all input is used up */
    TLS_ENDED, /* the peer has said good-bye */
    TLS_FAILED,
};

/* NULL when there is no memory for one. */
struct tls_session *tls_session_new(struct tls *tls);
void tls_session_free(struct tls_session *session); /* NULL is fine */
/* What the peer sent. Borrowed until a step gives TLS_WANT, which it must come to before the memory
 * is used again. */
void tls_session_feed(struct tls_session *session, struct slice bytes);
MUST_USE enum tls_step tls_session_handshake(struct tls_session *session, struct buf *out);
/* Decrypts into at[0..max): *n bytes, whatever the step is; TLS_DONE when max was reached. */
MUST_USE enum tls_step tls_session_read(struct tls_session *session, char *at, size_t max,
                                        size_t *n, struct buf *out);
MUST_USE enum err tls_session_write(struct tls_session *session, struct slice bytes,
                                    struct buf *out);
void tls_session_close(struct tls_session *session, struct buf *out); /* close_notify */
