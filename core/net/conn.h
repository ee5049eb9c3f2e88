/* conn - one accepted stream connection, plain or TLS, and the listeners that make them.
 *
 * Bytes arrive through conn_read_cb; writes are queued and sent in order. The connection is owned
 * by net/ until its close callback has run; users keep their state behind `conn_user`. If a call
 * returns an error, its callback is never called.
 *
 * What is written during one round of the loop leaves together: after the read callback that wrote
 * it, or at the end of the round. A slow reader is bounded: while more than CONN_QUEUE_BYTES_MAX
 * wait, reading pauses; one that takes less than BODY_RATE_BYTES_S over WRITE_TIMEOUT_MS is cut. A
 * closed connection takes every call and does nothing, until its close callback has run.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

struct conn;
struct listener;
struct tls; /* a server's TLS configuration, tls.h */

enum conn_end {
    CONN_END_EOF,   /* the peer closed its side; what was queued has been sent */
    CONN_END_ERROR, /* reset, TLS failure, write failure, too slow a reader */
    CONN_END_LOCAL, /* we closed it */
};

/* `bytes` are valid during the call. Never called after close. */
typedef void (*conn_read_cb)(struct conn *conn, struct slice bytes);
/* Exactly once, never from inside a conn_* call; the conn is freed when it returns. */
typedef void (*conn_close_cb)(struct conn *conn, enum conn_end why);
/* A new connection (after the TLS handshake where there is one). Set user and callbacks here. */
typedef void (*conn_open_cb)(struct conn *conn, void *listener_user);

/* An address is an IPv4 address or an IPv6 /64, which is what one host is given. A local (AF_UNIX)
 * peer has none and is not counted by address. */
struct listener_opts {
    struct tls *tls; /* borrowed; NULL = plain */
    conn_open_cb open_cb;
    void *user;
    int conns_max; /* more are accepted and closed at once */
    int per_address_max;
    int64_t handshake_ms_max; /* of TLS; 0 = HEADER_TIMEOUT_MS */
    int64_t write_ms_max;     /* 0 = WRITE_TIMEOUT_MS */
};
/* Adopts an already bound and listening socket (the supervisor opened it). ERR_IO when it is none.
 */
MUST_USE enum err listener_open(struct loop *loop, int fd, const struct listener_opts *opts,
                                struct listener **out);
/* Other bounds from now on; connections that are open stay. */
void listener_bound(struct listener *listener, int conns_max, int per_address_max);
void listener_close(struct listener *listener);      /* stops accepting; open conns go on */
int listener_conns(const struct listener *listener); /* open, in their handshake or lingering */
/* Since listener_open, for /metrics. */
struct listener_stats {
    int64_t accepted;
    int64_t refused;           /* closed at once: over conns_max, per_address_max or the rate */
    int64_t lost;              /* closed because the process was out of descriptors */
    int64_t handshakes_failed; /* also those that ran out of time */
};
struct listener_stats listener_stats(const struct listener *listener);

/* Binds and listens. port 0: the system chooses. Gives the descriptor and the bound port; *why is a
 * static sentence. "127.0.0.1:8080", "[::1]:0"; no names.
 * ERR_MALFORMED, ERR_CONFLICT (in use), ERR_FORBIDDEN (a low port), ERR_NOT_FOUND (not an address
 * of this host), ERR_IO. reuse_port: SO_REUSEPORT lets several slots share one port. It also lets a
 * second server of the same user bind a port that is in use: bind once without it, close, then bind
 * with it. */
MUST_USE enum err socket_listen(const char *address, bool reuse_port, int *fd, int *port,
                                const char **why);
/* An AF_UNIX listening socket at path (an old socket is removed), mode 0600. The path may be longer
 * than sun_path; its last part may not. */
MUST_USE enum err socket_listen_unix(const char *path, int backlog, int *fd);

void conn_set(struct conn *conn, void *user, conn_read_cb read_cb, conn_close_cb close_cb);
void *conn_user(const struct conn *conn);
const char *conn_address(const struct conn *conn); /* "203.0.113.9" without port */
bool conn_is_tls(const struct conn *conn);
bool conn_is_loopback(const struct conn *conn);
/* Takes the bytes away from b (b is empty afterwards). */
void conn_write(struct conn *conn, struct buf *b);
/* Sends `len` bytes of fd from offset and closes fd: sendfile(2) on plain, 64 KiB reads through
 * TLS, each when the peer has taken what came before. A file that ends early ends the connection.
 */
void conn_send_file(struct conn *conn, int fd, int64_t offset, int64_t len);
/* How many bytes the kernel may hold for the peer, so that a slow one shows in conn_queued. */
void conn_send_buffer(struct conn *conn, int bytes);
size_t conn_queued(const struct conn *conn); /* bytes not yet taken by the kernel */
/* Stop reading. Costs nothing when resumed before the peer sends more. A peer that goes away
 * without having sent more is noticed meanwhile. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);
/* cb(conn) once, ms from now; a new one replaces the old; 0 clears. Cheap enough for each request.
 */
void conn_deadline(struct conn *conn, int64_t ms, loop_cb cb);
/* after_write: first send what is queued, then give the peer CONN_LINGER_MS to read it and to close
 * (RFC 9112 section 9.6). Reading ends at once in both cases. */
void conn_close(struct conn *conn, bool after_write);
