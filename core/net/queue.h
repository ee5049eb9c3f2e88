/* queue - what waits to be sent: bytes and parts of files, in order. For the files of net/ alone.
 *
 * Small pieces are joined in one piece of memory that is kept for the next time, large ones are
 * adopted without copying. A file is sent with sendfile(2), or read out by who must encrypt it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct queue_part {
    struct queue_part *next;
    struct buf bytes; /* owned; of a part without a file */
    size_t done;      /* bytes of it already taken */
    int fd;           /* owned; -1 for bytes */
    int64_t offset;   /* in the file, of the next byte */
    int64_t left;     /* bytes of the file still to take */
};

struct queue {
    struct queue_part *first, *last;
    struct queue_part own; /* the part of most queues, kept with its memory */
    bool own_in_use;
    int64_t len; /* bytes that wait, files included */
};

void queue_init(struct queue *q);
void queue_release(struct queue *q);
/* Takes the bytes away from b (b is empty afterwards). */
void queue_put(struct queue *q, struct buf *b);
/* Copies. */
void queue_put_slice(struct queue *q, struct slice s);
/* Adopts fd, also when len is 0. */
void queue_put_file(struct queue *q, int fd, int64_t offset, int64_t len);
/* One system call's worth to a socket: how many bytes it took; *full says that the socket takes no
 * more for now. ERR_IO when the peer has gone or a file ended before its time. */
MUST_USE enum err queue_send(struct queue *q, int fd, size_t *sent, bool *full);
/* The next bytes, at most `max`; those of a file are read into scratch (max bytes). Empty only when
 * the queue is empty. ERR_IO when a file ended before its time. */
MUST_USE enum err queue_peek(struct queue *q, char *scratch, size_t max, struct slice *out);
/* Drops n bytes that queue_peek gave. */
void queue_take(struct queue *q, size_t n);
