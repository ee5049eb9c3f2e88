/* stream - a connected socket on the loop: reading, queued writing, closing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sent to one peer in one round; a fast reader of a large file must not starve the others. */
#define STREAM_ROUND_BYTES (1 << 20)

static void stream_ready(uv_poll_t *poll, int status, int events);

/* ---- what to wait for ---- */

static bool stream_reads(const struct stream *stream)
{
    return stream->state == STREAM_OPEN && !stream->paused && !stream->slow;
}

static void stream_interest(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED)
        return;
    if (stream_reads(stream))
        stream->stalled = false;
    bool wants_read =
        stream->state == STREAM_LINGER || (stream->state == STREAM_OPEN && !stream->stalled);
    int interest = (wants_read ? UV_READABLE : 0) | (stream_queued(stream) ? UV_WRITABLE : 0);
    if (interest == stream->interest)
        return;
    stream->interest = interest;
    if (interest)
        ASSERT(uv_poll_start(&stream->poll, interest, stream_ready) == 0);
    else
        uv_poll_stop(&stream->poll);
}

/* ---- writing ---- */

static void stream_drained(struct stream *stream)
{
    /* The peer closed first, or there is nobody to wait for: nothing more to see. */
    if (stream->why != CONN_END_LOCAL || shutdown(stream->fd, SHUT_WR) != 0) {
        stream_close(stream, stream->why);
        return;
    }
    stream->state = STREAM_LINGER;
    stream->ops->lingers(stream);
}

static void stream_send(struct stream *stream)
{
    bool full = false;
    int64_t until = stream->sent + STREAM_ROUND_BYTES;
    while (!full && stream->sent < until) {
        if (stream->queue.len == 0 && stream->ops->refill)
            stream->ops->refill(stream);
        if (stream->state == STREAM_CLOSED || stream->queue.len == 0)
            return;
        size_t sent;
        if (queue_send(&stream->queue, stream->fd, &sent, &full)) {
            stream_close(stream, CONN_END_ERROR);
            return;
        }
        stream->sent += (int64_t)sent;
    }
}

static void stream_flush(struct stream *stream)
{
    loop_flush_remove(&stream->flush);
    if (stream->state == STREAM_CLOSED)
        return;
    stream_send(stream);
    if (stream->state == STREAM_CLOSED)
        return;
    int64_t queued = stream_queued(stream);
    if (stream->queue_max)
        stream->slow = queued > (stream->slow ? stream->queue_max / 2 : stream->queue_max);
    if (stream->state == STREAM_DRAIN && queued == 0)
        stream_drained(stream);
    if (stream->ops->flushed && stream->state != STREAM_CLOSED)
        stream->ops->flushed(stream);
    stream_interest(stream);
}

static void flush_item(struct loop_flush *item)
{
    stream_flush((struct stream *)((char *)item - offsetof(struct stream, flush)));
}

void stream_touch(struct stream *stream)
{
    if (stream->state != STREAM_CLOSED)
        loop_flush_add(stream->loop, &stream->flush);
}

/* ---- reading ---- */

static void stream_eof(struct stream *stream)
{
    if (stream->state == STREAM_OPEN && stream_queued(stream) > 0)
        stream_drain(stream, CONN_END_EOF);
    else
        stream_close(stream, stream->state == STREAM_OPEN ? CONN_END_EOF : stream->why);
}

/* Bytes came while the owner does not want them: leave them to the kernel, but learn of an end. */
static void stream_stall(struct stream *stream)
{
    char byte;
    ssize_t n = recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0) {
        stream_eof(stream);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        stream_close(stream, CONN_END_ERROR);
    } else if (n > 0) {
        stream->stalled = true;
    }
}

/* True when something was read and more may be there. */
static bool stream_read(struct stream *stream)
{
    ssize_t n = recv(stream->fd, stream->loop->read_bytes, READ_BYTES, MSG_DONTWAIT);
    if (n > 0) {
        if (stream->state == STREAM_OPEN)
            stream->ops->bytes(stream, slice_of(stream->loop->read_bytes, (size_t)n));
        return true;
    }
    if (n == 0)
        stream_eof(stream);
    else if (errno != EAGAIN && errno != EINTR)
        stream_close(stream, CONN_END_ERROR);
    return false;
}

/* The socket has an error. What came before it may still be in the kernel and counts: a process of
 * ours that was killed has sent its last frames. */
static void stream_broken(struct stream *stream)
{
    while (stream->state == STREAM_OPEN && !stream->paused && stream_read(stream))
        continue;
    stream_close(stream, CONN_END_ERROR);
}

static void stream_ready(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = poll->data;
    if (status < 0) {
        stream_broken(stream);
        return;
    }
    if ((events & UV_READABLE) && stream->state != STREAM_CLOSED) {
        if (stream_reads(stream) || stream->state == STREAM_LINGER)
            (void)stream_read(stream);
        else if (stream->state == STREAM_OPEN)
            stream_stall(stream);
    }
    /* Answers to what was just read leave now rather than at the end of the round. */
    if (stream->flush.next || (events & UV_WRITABLE) || stream->stalled)
        stream_flush(stream);
}

void stream_pause(struct stream *stream, bool pause)
{
    stream->paused = pause;
    if (!pause && stream->stalled)
        stream_touch(stream);
}

/* ---- opening and closing ---- */

void stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops)
{
    ASSERT(fd >= 0);
    ASSERT(ops->bytes && ops->end);
    stream->loop = loop;
    stream->ops = ops;
    stream->fd = fd;
    stream->state = STREAM_OPEN;
    stream->flush.flush = flush_item;
    queue_init(&stream->queue);
    stream->next = loop->streams;
    if (stream->next)
        stream->next->prev = stream;
    loop->streams = stream;
    ASSERT(uv_poll_init(&loop->uv, &stream->poll, fd) == 0);
    stream->poll.data = stream;
    stream_interest(stream);
}

static void stream_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    stream->ops->end(stream);
}

void stream_close(struct stream *stream, enum conn_end why)
{
    if (stream->state == STREAM_CLOSED)
        return;
    stream->state = STREAM_CLOSED;
    stream->why = why;
    loop_flush_remove(&stream->flush);
    queue_release(&stream->queue);
    if (stream->prev)
        stream->prev->next = stream->next;
    else
        stream->loop->streams = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    uv_close((uv_handle_t *)&stream->poll, stream_closed);
    close(stream->fd);
    stream->fd = -1;
}

void stream_drain(struct stream *stream, enum conn_end why)
{
    if (stream->state != STREAM_OPEN)
        return;
    stream->state = STREAM_DRAIN;
    stream->why = why;
    stream_touch(stream);
}

void stream_part(struct stream *stream, enum conn_end why)
{
    if (stream->state == STREAM_CLOSED)
        return;
    stream_send(stream);
    stream_close(stream, why);
}

void streams_cut(struct loop *loop)
{
    while (loop->streams) {
        /* Else its user still holds it. */
        ASSERT(loop->streams->state != STREAM_OPEN || loop->streams->hidden);
        stream_close(loop->streams, loop->streams->why);
    }
}

int stream_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int stream_accept(int listen_fd, int *spare, void *address, unsigned *address_len, int64_t *lost)
{
    for (;;) {
        int fd = accept4(listen_fd, address, address_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 || errno == EAGAIN)
            return fd;
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if ((errno != EMFILE && errno != ENFILE) || *spare < 0)
            return -1;
        close(*spare);
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        *spare = stream_spare();
        if (fd < 0)
            return -1; /* the number was asked for before the backlog was looked at */
        *lost += 1;
    }
}
