/* stream - a connected socket on the loop: reading, queued writing, closing. For net/ alone.
 *
 * Under every connection (conn.h) and link (frame.h). The descriptor is watched with uv_poll and
 * read and written by this file itself, so that sendfile(2) can be used and nothing is allocated
 * per read or write. Writing happens in the flush at the end of a round; what the kernel does not
 * take waits in the queue.
 *
 * States: OPEN → (DRAIN: sends the rest → LINGER: waits for the peer to have read it) → CLOSED. The
 * last callback is `end`, after libuv has let go of the handle; the owner frees the memory there.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <uv.h>

#include "net/conn.h"
#include "net/loop_uv.h"
#include "net/queue.h"

enum stream_state { STREAM_OPEN, STREAM_DRAIN, STREAM_LINGER, STREAM_CLOSED };

struct stream_ops {
    void (*bytes)(struct stream *stream, struct slice bytes); /* only while OPEN */
    /* The queue is empty: put more into it, or leave it empty. NULL: there never is more. */
    void (*refill)(struct stream *stream);
    /* A flush has ended; the queue is empty or the peer is slow. May be NULL. */
    void (*flushed)(struct stream *stream);
    /* The state is LINGER now: bound it. May be NULL where stream_drain is not used. */
    void (*lingers)(struct stream *stream);
    void (*end)(struct stream *stream);
};

struct stream {
    struct loop *loop;
    const struct stream_ops *ops;
    struct stream *prev, *next; /* the loop's list */
    struct loop_flush flush;
    uv_poll_t poll;
    struct queue queue; /* wire bytes */
    int64_t behind;     /* bytes the owner keeps behind the queue for refill */
    int64_t queue_max;  /* more than that waiting: reading pauses; 0 = never */
    int64_t sent;       /* wire bytes, ever */
    int fd;             /* owned; -1 when closed */
    int interest;       /* what is being polled */
    enum stream_state state;
    enum conn_end why; /* since DRAIN */
    bool hidden;       /* its user does not know it yet: the loop may cut it at its end */
    bool paused;       /* by the owner */
    bool stalled;      /* bytes came while paused: not polled for reading until it goes on */
    bool slow;         /* more than queue_max waited, and not yet half of it has gone */
};

/* Adopts fd. The memory is the owner's, zeroed. */
void stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops);
/* Something was put into the queue, or behind it: it leaves in this round. */
void stream_touch(struct stream *stream);
void stream_pause(struct stream *stream, bool pause);
/* Closes at once; what is queued is lost. */
void stream_close(struct stream *stream, enum conn_end why);
/* Sends what is queued first. */
void stream_drain(struct stream *stream, enum conn_end why);
/* Tries once to send, then closes. */
void stream_part(struct stream *stream, enum conn_end why);
/* Bytes not yet taken by the kernel. */
static inline int64_t stream_queued(const struct stream *stream)
{
    return stream->queue.len + stream->behind;
}
/* At the end of a loop: closes what is only waiting for a slow peer; an open one is a BUG. */
void streams_cut(struct loop *loop);
int stream_spare(void); /* a descriptor to give up, see stream_accept; -1 = none */
/* accept4 on a non-blocking socket: the descriptor, or -1 when nobody waits. Running out of
 * descriptors closes the newcomer with the help of *spare instead of leaving it in the backlog,
 * where it would wake the loop for ever; *lost counts those. */
int stream_accept(int listen_fd, int *spare, void *address, unsigned *address_len, int64_t *lost);
