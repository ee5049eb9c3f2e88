/* listener - accepts connections and counts them: in all, by address, and TLS handshakes by rate.
 *
 * It outlives listener_close until its last connection has ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "net/conn_in.h"

/* What one bucket holds, in thousandths of a handshake. */
#define BUCKET_TOKENS_MAX (HANDSHAKES_BURST * INT64_C(1000))

/* ---- who comes ---- */

static void peer_v4(struct peer *peer, const void *four)
{
    inet_ntop(AF_INET, four, peer->text, sizeof peer->text);
    memcpy(peer->key, four, 4);
    peer->key_len = 4;
    peer->loopback = peer->key[0] == 127;
}

static void peer_read(struct peer *peer, const struct sockaddr_storage *from)
{
    *peer = (struct peer){0};
    if (from->ss_family == AF_INET) {
        peer_v4(peer, &((const struct sockaddr_in *)from)->sin_addr);
    } else if (from->ss_family == AF_INET6) {
        const struct in6_addr *in = &((const struct sockaddr_in6 *)from)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(in)) { /* a dual-stack socket; the client is an IPv4 one */
            peer_v4(peer, in->s6_addr + 12);
            return;
        }
        inet_ntop(AF_INET6, in, peer->text, sizeof peer->text);
        memcpy(peer->key, in->s6_addr, sizeof peer->key);
        peer->key_len = sizeof peer->key;
        peer->loopback = IN6_IS_ADDR_LOOPBACK(in);
    } else {
        memcpy(peer->text, "local", sizeof "local");
        peer->loopback = true;
    }
}

static struct slice peer_key(const struct peer *peer)
{
    return slice_of((const char *)peer->key, peer->key_len);
}

static bool handshake_allowed(struct listener *listener, const struct peer *peer)
{
    if (!listener->buckets || peer->key_len == 0)
        return true;
    struct bucket *bucket = &listener->buckets[hash_bytes(peer_key(peer)) % HANDSHAKE_BUCKETS];
    int64_t now = (int64_t)uv_now(&listener->loop->uv);
    bucket->tokens += (now - bucket->filled_ms) * HANDSHAKES_PER_S;
    bucket->filled_ms = now;
    if (bucket->tokens > BUCKET_TOKENS_MAX)
        bucket->tokens = BUCKET_TOKENS_MAX;
    if (bucket->tokens < 1000)
        return false;
    bucket->tokens -= 1000;
    return true;
}

/* Counts one more of this address; NULL when it has its share. */
static struct address *address_enter(struct listener *listener, const struct peer *peer)
{
    struct address *address = map_get(&listener->addresses, peer_key(peer));
    if (!address) {
        address = calloc(1, sizeof *address);
        ASSERT_MEMORY(address);
        memcpy(address->key, peer->key, sizeof address->key);
        address->key_len = peer->key_len;
        map_put(&listener->addresses, slice_of((const char *)address->key, address->key_len),
                address);
    }
    if (address->conns >= listener->opts.per_address_max)
        return NULL;
    address->conns++;
    return address;
}

static void address_leave(struct listener *listener, struct address *address)
{
    ASSERT(address->conns > 0);
    if (--address->conns > 0)
        return;
    map_remove(&listener->addresses, slice_of((const char *)address->key, address->key_len));
    free(address);
}

/* ---- accepting ---- */

static bool listener_admit(struct listener *listener, const struct peer *peer,
                           struct address **address)
{
    *address = NULL;
    if (listener->conns >= listener->opts.conns_max || !handshake_allowed(listener, peer))
        return false;
    if (peer->key_len == 0)
        return true;
    *address = address_enter(listener, peer);
    return *address != NULL;
}

static void listener_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)events;
    if (status < 0) {
        log_error("a listening socket failed: %s", uv_strerror(status));
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_ROUND && listener->fd >= 0; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int64_t lost = listener->stats.lost;
        int fd = stream_accept(listener->fd, &listener->spare, &from, &len, &listener->stats.lost);
        if (lost == 0 && listener->stats.lost > 0)
            log_error("out of file descriptors: new connections are being closed");
        if (fd < 0)
            return;
        struct peer peer;
        struct address *address;
        peer_read(&peer, &from);
        if (!listener_admit(listener, &peer, &address)) {
            listener->stats.refused++;
            close(fd);
            continue;
        }
        listener->stats.accepted++;
        listener->conns++;
        listener->holders++;
        conn_new(listener, fd, &peer, address);
    }
}

static void listener_drop(struct listener *listener)
{
    ASSERT(listener->holders > 0);
    if (--listener->holders > 0)
        return;
    ASSERT(listener->addresses.count == 0);
    map_release(&listener->addresses);
    free(listener->buckets);
    free(listener);
}

void listener_conn_ended(struct listener *listener, struct address *address)
{
    ASSERT(listener->conns > 0);
    listener->conns--;
    if (address)
        address_leave(listener, address);
    listener_drop(listener);
}

/* ---- opening and closing ---- */

static bool is_listening(int fd)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value;
}

enum err listener_open(struct loop *loop, int fd, const struct listener_opts *opts,
                       struct listener **out)
{
    ASSERT(opts->open_cb);
    ASSERT(opts->conns_max > 0 && opts->per_address_max > 0);
    if (!is_listening(fd))
        return ERR_IO;
    struct listener *listener = calloc(1, sizeof *listener);
    ASSERT_MEMORY(listener);
    listener->loop = loop;
    listener->opts = *opts;
    if (listener->opts.handshake_ms_max == 0)
        listener->opts.handshake_ms_max = HEADER_TIMEOUT_MS;
    if (listener->opts.write_ms_max == 0)
        listener->opts.write_ms_max = WRITE_TIMEOUT_MS;
    listener->fd = fd;
    listener->holders = 1;
    listener->spare = stream_spare();
    map_init(&listener->addresses, NULL);
    if (opts->tls) {
        listener->buckets = calloc(HANDSHAKE_BUCKETS, sizeof *listener->buckets);
        ASSERT_MEMORY(listener->buckets);
        for (int i = 0; i < HANDSHAKE_BUCKETS; i++)
            listener->buckets[i] = (struct bucket){(int64_t)uv_now(&loop->uv), BUCKET_TOKENS_MAX};
    }
    /* Inherited by what is accepted. Answers are written whole, so there is nothing to wait for. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* AF_UNIX knows it not */
    ASSERT(uv_poll_init(&loop->uv, &listener->poll, fd) == 0);
    listener->poll.data = listener;
    ASSERT(uv_poll_start(&listener->poll, UV_READABLE, listener_ready) == 0);
    *out = listener;
    return ERR_OK;
}

void listener_bound(struct listener *listener, int conns_max, int per_address_max)
{
    ASSERT(conns_max > 0 && per_address_max > 0);
    listener->opts.conns_max = conns_max;
    listener->opts.per_address_max = per_address_max;
}

static void listener_closed(uv_handle_t *handle)
{
    listener_drop(handle->data);
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    ASSERT(listener->fd >= 0);
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    close(listener->fd);
    listener->fd = -1;
    if (listener->spare >= 0)
        close(listener->spare);
    listener->spare = -1;
}

int listener_conns(const struct listener *listener)
{
    return listener->conns;
}

struct listener_stats listener_stats(const struct listener *listener)
{
    return listener->stats;
}
