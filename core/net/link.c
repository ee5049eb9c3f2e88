/* link - the asynchronous end of frames: a stream (stream.h) that delivers whole messages.
 *
 * Frames are handed on straight from the loop's read buffer; only what is cut off at its end is
 * copied, and memory grown for a large frame is given back after it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/frame_head.h"
#include "net/socket.h"
#include "net/stream.h"

struct link {
    struct stream stream; /* first: a stream's callbacks cast back */
    struct buf in;        /* the beginning of a frame that is not yet whole */
    void *user;
    link_frame_cb frame_cb;
    link_close_cb close_cb;
};

struct link_listener {
    struct loop *loop;
    uv_poll_t poll;
    int fd;    /* owned */
    int spare; /* owned, see stream_accept */
    link_open_cb cb;
    void *user;
};

/* ---- reading ---- */

/* Hands on the whole frames at the front; gives how many bytes they were. */
static size_t frames_deliver(struct link *link, struct slice bytes)
{
    size_t done = 0;
    while (link->stream.state == STREAM_OPEN) {
        enum frame_kind kind;
        uint64_t tag;
        struct slice body;
        ptrdiff_t n = frame_parse(slice_of(bytes.at + done, bytes.len - done), &kind, &tag, &body);
        if (n == 0)
            break;
        if (n < 0) {
            log_error("a broken frame came from another process: the link is closed");
            stream_close(&link->stream, CONN_END_ERROR);
            break;
        }
        done += (size_t)n;
        if (link->frame_cb)
            link->frame_cb(link, kind, tag, body);
    }
    return done;
}

static void link_bytes(struct stream *stream, struct slice bytes)
{
    struct link *link = (struct link *)stream;
    if (link->in.len == 0) {
        size_t done = frames_deliver(link, bytes);
        if (link->stream.state == STREAM_OPEN)
            buf_put(&link->in, bytes.at + done, bytes.len - done);
        return;
    }
    buf_put_slice(&link->in, bytes);
    buf_consume(&link->in, frames_deliver(link, buf_slice(&link->in)));
    if (link->in.len == 0 && link->in.cap > (size_t)2 * READ_BYTES)
        buf_release(&link->in);
}

static void link_end(struct stream *stream)
{
    struct link *link = (struct link *)stream;
    if (link->close_cb)
        link->close_cb(link);
    buf_release(&link->in);
    free(link);
}

static const struct stream_ops link_ops = {.bytes = link_bytes, .end = link_end};

/* ---- making links ---- */

static struct link *link_new(struct loop *loop, int fd)
{
    struct link *link = calloc(1, sizeof *link);
    ASSERT_MEMORY(link);
    stream_open(&link->stream, loop, fd, &link_ops);
    return link;
}

enum err link_adopt(struct loop *loop, int fd, struct link **out)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM)
        return ERR_IO;
    *out = link_new(loop, fd);
    return ERR_OK;
}

enum err link_connect(struct loop *loop, const char *path, struct link **out)
{
    int fd;
    enum err e = socket_connect_unix(path, &fd);
    if (e)
        return e;
    *out = link_new(loop, fd);
    return ERR_OK;
}

static void listener_ready(uv_poll_t *poll, int status, int events)
{
    struct link_listener *listener = poll->data;
    (void)events;
    if (status < 0) {
        log_error("a listening socket failed: %s", uv_strerror(status));
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_ROUND && listener->fd >= 0; i++) {
        int64_t lost = 0;
        int fd = stream_accept(listener->fd, &listener->spare, NULL, NULL, &lost);
        if (lost)
            log_error("out of file descriptors: a process could not be linked");
        if (fd < 0)
            return;
        listener->cb(link_new(listener->loop, fd), listener->user);
    }
}

enum err link_listen(struct loop *loop, int fd, link_open_cb cb, void *user,
                     struct link_listener **out)
{
    ASSERT(cb);
    int listens = 0;
    socklen_t len = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens)
        return ERR_IO;
    struct link_listener *listener = calloc(1, sizeof *listener);
    ASSERT_MEMORY(listener);
    *listener = (struct link_listener){.loop = loop, .fd = fd, .cb = cb, .user = user};
    listener->spare = stream_spare();
    ASSERT(uv_poll_init(&loop->uv, &listener->poll, fd) == 0);
    listener->poll.data = listener;
    ASSERT(uv_poll_start(&listener->poll, UV_READABLE, listener_ready) == 0);
    *out = listener;
    return ERR_OK;
}

static void listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void link_listener_close(struct link_listener *listener)
{
    if (!listener)
        return;
    ASSERT(listener->fd >= 0);
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    close(listener->fd);
    listener->fd = -1;
    if (listener->spare >= 0)
        close(listener->spare);
}

/* ---- using them ---- */

void link_set(struct link *link, void *user, link_frame_cb frame_cb, link_close_cb close_cb)
{
    link->user = user;
    link->frame_cb = frame_cb;
    link->close_cb = close_cb;
}

void *link_user(const struct link *link)
{
    return link->user;
}

void link_send(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    uint8_t head[FRAME_HEAD_BYTES];
    frame_head_put(head, kind, tag, body.len);
    if (link->stream.state != STREAM_OPEN)
        return;
    queue_put_slice(&link->stream.queue, slice_of((const char *)head, sizeof head));
    queue_put_slice(&link->stream.queue, body);
    stream_touch(&link->stream);
}

size_t link_queued(const struct link *link)
{
    return (size_t)stream_queued(&link->stream);
}

void link_close(struct link *link)
{
    stream_part(&link->stream, CONN_END_LOCAL);
}
