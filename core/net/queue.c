/* queue - what waits to be sent: bytes and parts of files, in order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Pieces up to this size are joined by copying; the memory kept for it is no larger than twice. */
#define QUEUE_JOIN_BYTES 16384
/* A part grows by joining up to here; then the next one begins, so that memory is freed while a
 * slow reader takes it. */
#define QUEUE_PART_BYTES 65536
/* One sendfile call; small enough not to starve the other connections. */
#define QUEUE_SENDFILE_BYTES (512 << 10)
#define QUEUE_VECTORS        16

void queue_init(struct queue *q)
{
    *q = (struct queue){0};
    q->own.fd = -1;
}

static void part_drop(struct queue *q)
{
    struct queue_part *part = q->first;
    q->first = part->next;
    if (!q->first)
        q->last = NULL;
    if (part->fd >= 0)
        close(part->fd);
    part->fd = -1;
    if (part != &q->own) {
        buf_release(&part->bytes);
        free(part);
        return;
    }
    q->own_in_use = false;
    part->done = 0;
    if (part->bytes.cap > 2 * (size_t)QUEUE_JOIN_BYTES)
        buf_release(&part->bytes);
    else
        buf_clear(&part->bytes);
}

void queue_release(struct queue *q)
{
    while (q->first)
        part_drop(q);
    buf_release(&q->own.bytes);
    q->len = 0;
}

static struct queue_part *part_add(struct queue *q)
{
    struct queue_part *part = &q->own;
    if (q->own_in_use) {
        part = calloc(1, sizeof *part);
        ASSERT_MEMORY(part);
        part->fd = -1;
    } else {
        q->own_in_use = true;
    }
    part->next = NULL;
    if (q->last)
        q->last->next = part;
    else
        q->first = part;
    q->last = part;
    return part;
}

/* The part that `more` bytes may join. */
static struct queue_part *part_open(struct queue *q, size_t more)
{
    struct queue_part *last = q->last;
    if (last && last->fd < 0 && last->bytes.len + more <= QUEUE_PART_BYTES)
        return last;
    return part_add(q);
}

void queue_put_slice(struct queue *q, struct slice s)
{
    if (s.len == 0)
        return;
    buf_put_slice(&part_open(q, s.len)->bytes, s);
    q->len += (int64_t)s.len;
}

void queue_put(struct queue *q, struct buf *b)
{
    if (b->len <= QUEUE_JOIN_BYTES) {
        queue_put_slice(q, buf_slice(b));
        buf_clear(b);
        return;
    }
    struct queue_part *part = part_add(q);
    struct buf spare = part->bytes;
    part->bytes = *b;
    q->len += (int64_t)b->len;
    *b = spare;
    buf_clear(b);
}

void queue_put_file(struct queue *q, int fd, int64_t offset, int64_t len)
{
    ASSERT(fd >= 0);
    ASSERT(offset >= 0 && len >= 0);
    if (len == 0) {
        close(fd);
        return;
    }
    struct queue_part *part = part_add(q);
    part->fd = fd;
    part->offset = offset;
    part->left = len;
    q->len += len;
}

static enum err send_file(struct queue_part *part, int fd, size_t *sent)
{
    off_t offset = part->offset;
    size_t want = part->left < QUEUE_SENDFILE_BYTES ? (size_t)part->left : QUEUE_SENDFILE_BYTES;
    ssize_t n = sendfile(fd, part->fd, &offset, want);
    if (n > 0) {
        *sent = (size_t)n;
        return ERR_OK;
    }
    /* 0: the file is shorter than promised; the peer must not take what it got for the whole. */
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_OK;
    return ERR_IO;
}

static enum err send_bytes(struct queue_part *part, int fd, size_t *sent, bool *full)
{
    struct iovec vectors[QUEUE_VECTORS];
    struct msghdr message = {.msg_iov = vectors};
    size_t want = 0;
    for (; part && part->fd < 0 && message.msg_iovlen < QUEUE_VECTORS; part = part->next) {
        struct iovec *vector = &vectors[message.msg_iovlen++];
        vector->iov_base = part->bytes.at + part->done;
        vector->iov_len = part->bytes.len - part->done;
        want += vector->iov_len;
    }
    /* What follows at once (a file after its headers) may share the packet. */
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (part ? MSG_MORE : 0));
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return ERR_IO;
    *sent = n > 0 ? (size_t)n : 0;
    *full = *sent < want;
    return ERR_OK;
}

enum err queue_send(struct queue *q, int fd, size_t *sent, bool *full)
{
    ASSERT(q->first);
    *sent = 0;
    *full = false;
    enum err e;
    if (q->first->fd >= 0) {
        e = send_file(q->first, fd, sent);
        *full = *sent == 0;
    } else {
        e = send_bytes(q->first, fd, sent, full);
    }
    if (e)
        return e;
    queue_take(q, *sent);
    return ERR_OK;
}

enum err queue_peek(struct queue *q, char *scratch, size_t max, struct slice *out)
{
    struct queue_part *part = q->first;
    *out = (struct slice){0};
    if (!part)
        return ERR_OK;
    if (part->fd < 0) {
        size_t len = part->bytes.len - part->done;
        *out = slice_of(part->bytes.at + part->done, len < max ? len : max);
        return ERR_OK;
    }
    size_t want = part->left < (int64_t)max ? (size_t)part->left : max;
    ssize_t n;
    do
        n = pread(part->fd, scratch, want, part->offset);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return ERR_IO;
    *out = slice_of(scratch, (size_t)n);
    return ERR_OK;
}

void queue_take(struct queue *q, size_t n)
{
    ASSERT((int64_t)n <= q->len);
    q->len -= (int64_t)n;
    while (n > 0) {
        struct queue_part *part = q->first;
        size_t here;
        bool whole;
        if (part->fd >= 0) {
            here = part->left < (int64_t)n ? (size_t)part->left : n;
            part->offset += (int64_t)here;
            part->left -= (int64_t)here;
            whole = part->left == 0;
        } else {
            size_t len = part->bytes.len - part->done;
            here = len < n ? len : n;
            part->done += here;
            whole = here == len;
        }
        n -= here;
        if (whole)
            part_drop(q);
    }
}
