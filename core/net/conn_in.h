/* conn_in - the inside of a connection and a listener, for conn.c and listener.c alone.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <netinet/in.h>

#include "base/hash.h"
#include "net/conn.h"
#include "net/stream.h"

/* An address with open connections. */
struct address {
    uint8_t key[8]; /* IPv4, or the first half of IPv6 */
    size_t key_len;
    int conns;
};

/* The handshakes that the addresses of one hash may make now. Two addresses that share a bucket
 * share its rate; the hash is keyed, so nobody can aim for it. */
struct bucket {
    int64_t filled_ms; /* loop time up to which it has been filled */
    int64_t tokens;    /* in thousandths */
};

struct listener {
    struct loop *loop;
    struct listener_opts opts;
    uv_poll_t poll;
    int fd;      /* owned */
    int spare;   /* owned: a descriptor to give up when there are no more; -1 = none */
    int holders; /* the open listener itself and its connections */
    int conns;
    struct map addresses;   /* key → struct address, owned */
    struct bucket *buckets; /* owned, HANDSHAKE_BUCKETS; NULL without TLS */
    struct listener_stats stats;
};

/* The socket's other end, as text and as a key. */
struct peer {
    char text[INET6_ADDRSTRLEN];
    uint8_t key[8];
    size_t key_len; /* 0: local, not counted */
    bool loopback;
};

/* Takes over fd, which the listener has counted under `address` (NULL: none). */
void conn_new(struct listener *listener, int fd, const struct peer *peer, struct address *address);
/* The connection is over. */
void listener_conn_ended(struct listener *listener, struct address *address);
