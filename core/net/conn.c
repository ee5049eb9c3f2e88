/* conn - one accepted stream connection, plain or TLS.
 *
 * A stream (stream.h) with a user, a timer and perhaps a TLS session. Plain bytes go straight into
 * the stream's queue. Under TLS they wait in `plain` and are encrypted only when the queue of
 * records has been sent, so a slow reader costs one copy of what waits, and a file is read piece by
 * piece.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/conn.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_in.h"
#include "net/tls.h"

struct conn {
    struct stream stream;      /* first: a stream's callbacks cast back */
    struct listener *listener; /* held */
    struct address *address;   /* held by the listener; NULL: not counted */
    struct tls_session *tls;   /* owned; NULL = plain */
    struct queue plain;        /* under TLS: not yet encrypted */
    uv_timer_t timer;
    int64_t armed_at;   /* loop time the timer is set to; 0 = not set */
    int64_t phase_at;   /* end of the handshake's or the lingering's time; 0 = none */
    int64_t write_at;   /* when a slow reader is looked at next; 0 = none */
    int64_t write_mark; /* bytes sent when write_at was set */
    int64_t user_at;    /* conn_deadline; 0 = none */
    loop_cb user_cb;
    void *user;
    conn_read_cb read_cb;
    conn_close_cb close_cb;
    struct peer peer;
    bool opened;   /* the user knows it */
    bool notified; /* close_notify has been queued */
};

static int64_t now(const struct conn *conn)
{
    return (int64_t)uv_now(&conn->stream.loop->uv);
}

static bool is_closed(const struct conn *conn)
{
    return conn->stream.state == STREAM_CLOSED;
}

/* ---- time: one timer for all that may be due; it is set early and looks again ---- */

static void conn_due(uv_timer_t *timer);

static void arm(struct conn *conn, int64_t at)
{
    if (at == 0 || (conn->armed_at && conn->armed_at <= at) || is_closed(conn))
        return;
    conn->armed_at = at;
    int64_t left = at - now(conn);
    uv_timer_start(&conn->timer, conn_due, left > 0 ? (uint64_t)left : 0, 0);
}

static bool is_due(struct conn *conn, int64_t *at)
{
    if (*at == 0 || *at > now(conn))
        return false;
    *at = 0;
    return true;
}

static void phase_due(struct conn *conn)
{
    if (!conn->opened)
        conn->listener->stats.handshakes_failed++;
    stream_close(&conn->stream, conn->opened ? CONN_END_LOCAL : CONN_END_ERROR);
}

static void write_due(struct conn *conn)
{
    int64_t least = BODY_RATE_BYTES_S * conn->listener->opts.write_ms_max / 1000;
    if (conn->stream.sent - conn->write_mark < least) {
        stream_close(&conn->stream, CONN_END_ERROR);
        return;
    }
    conn->write_mark = conn->stream.sent;
    conn->write_at = now(conn) + conn->listener->opts.write_ms_max;
}

static void conn_due(uv_timer_t *timer)
{
    struct conn *conn = timer->data;
    conn->armed_at = 0;
    if (is_closed(conn))
        return;
    if (is_due(conn, &conn->phase_at))
        phase_due(conn);
    else if (is_due(conn, &conn->write_at))
        write_due(conn);
    else if (is_due(conn, &conn->user_at))
        conn->user_cb(conn);
    arm(conn, conn->phase_at);
    arm(conn, conn->write_at);
    arm(conn, conn->user_at);
}

void conn_deadline(struct conn *conn, int64_t ms, loop_cb cb)
{
    ASSERT(ms >= 0);
    ASSERT(ms == 0 || cb);
    conn->user_at = ms ? now(conn) + ms : 0;
    conn->user_cb = cb;
    arm(conn, conn->user_at);
}

/* ---- what the stream calls ---- */

static struct conn *conn_of(struct stream *stream)
{
    return (struct conn *)stream;
}

/* Records that a TLS step made go into the queue. */
static void queue_records(struct conn *conn)
{
    struct buf *records = &conn->stream.loop->cipher;
    if (records->len == 0)
        return;
    queue_put(&conn->stream.queue, records);
    stream_touch(&conn->stream);
}

static void handshake_step(struct conn *conn)
{
    switch (tls_session_handshake(conn->tls, &conn->stream.loop->cipher)) {
    case TLS_WANT:
        break;
    case TLS_DONE:
        queue_records(conn);
        conn->phase_at = 0;
        conn->opened = true;
        conn->stream.hidden = false;
        conn->listener->opts.open_cb(conn, conn->listener->opts.user);
        return;
    default: /* with an alert that says why */
        conn->listener->stats.handshakes_failed++;
        queue_records(conn);
        conn->notified = true;
        conn->phase_at = 0;
        stream_drain(&conn->stream, CONN_END_ERROR);
        return;
    }
    queue_records(conn);
}

static void tls_bytes(struct conn *conn, struct slice bytes)
{
    struct loop *loop = conn->stream.loop;
    enum tls_step step = TLS_DONE;
    tls_session_feed(conn->tls, bytes);
    if (!conn->opened)
        handshake_step(conn);
    while (conn->opened && conn->stream.state == STREAM_OPEN && step == TLS_DONE) {
        size_t n;
        step = tls_session_read(conn->tls, loop->plain_bytes, LOOP_PLAIN_BYTES, &n, &loop->cipher);
        queue_records(conn);
        if (n > 0 && conn->read_cb)
            conn->read_cb(conn, slice_of(loop->plain_bytes, n));
    }
    if (step == TLS_FAILED)
        conn->notified = true; /* an alert has said it */
    if (step == TLS_FAILED || step == TLS_ENDED)
        stream_drain(&conn->stream, step == TLS_FAILED ? CONN_END_ERROR : CONN_END_EOF);
}

static void conn_bytes(struct stream *stream, struct slice bytes)
{
    struct conn *conn = conn_of(stream);
    if (conn->tls)
        tls_bytes(conn, bytes);
    else if (conn->read_cb)
        conn->read_cb(conn, bytes);
}

static void conn_refill(struct stream *stream)
{
    struct conn *conn = conn_of(stream);
    struct loop *loop = stream->loop;
    if (!conn->tls)
        return;
    if (conn->plain.len == 0) {
        if (stream->state == STREAM_DRAIN && !conn->notified) {
            conn->notified = true;
            tls_session_close(conn->tls, &loop->cipher);
            queue_records(conn);
        }
        return;
    }
    while (conn->plain.len > 0 && loop->cipher.len < READ_BYTES) {
        struct slice bytes;
        enum err e = queue_peek(&conn->plain, loop->plain_bytes, READ_BYTES, &bytes);
        if (!e)
            e = tls_session_write(conn->tls, bytes, &loop->cipher);
        if (e) {
            buf_clear(&loop->cipher);
            stream_close(stream, CONN_END_ERROR);
            return;
        }
        queue_take(&conn->plain, bytes.len);
    }
    stream->behind = conn->plain.len;
    queue_put(&stream->queue, &loop->cipher);
}

static void conn_flushed(struct stream *stream)
{
    struct conn *conn = conn_of(stream);
    if (stream_queued(stream) == 0) {
        conn->write_at = 0;
    } else if (conn->write_at == 0) {
        conn->write_mark = stream->sent;
        conn->write_at = now(conn) + conn->listener->opts.write_ms_max;
        arm(conn, conn->write_at);
    }
}

static void conn_lingers(struct stream *stream)
{
    struct conn *conn = conn_of(stream);
    conn->phase_at = now(conn) + CONN_LINGER_MS;
    arm(conn, conn->phase_at);
}

static void conn_free(uv_handle_t *timer)
{
    struct conn *conn = timer->data;
    if (conn->opened && conn->close_cb)
        conn->close_cb(conn, conn->stream.why);
    queue_release(&conn->plain);
    tls_session_free(conn->tls);
    listener_conn_ended(conn->listener, conn->address);
    free(conn);
}

static void conn_end(struct stream *stream)
{
    uv_close((uv_handle_t *)&conn_of(stream)->timer, conn_free);
}

static const struct stream_ops conn_ops = {
    .bytes = conn_bytes,
    .refill = conn_refill,
    .flushed = conn_flushed,
    .lingers = conn_lingers,
    .end = conn_end,
};

/* ---- what users call ---- */

void conn_new(struct listener *listener, int fd, const struct peer *peer, struct address *address)
{
    const struct listener_opts *opts = &listener->opts;
    struct conn *conn = calloc(1, sizeof *conn);
    ASSERT_MEMORY(conn);
    conn->listener = listener;
    conn->address = address;
    conn->peer = *peer;
    conn->stream.queue_max = CONN_QUEUE_BYTES_MAX;
    queue_init(&conn->plain);
    uv_timer_init(&listener->loop->uv, &conn->timer);
    conn->timer.data = conn;
    stream_open(&conn->stream, listener->loop, fd, &conn_ops);
    if (!opts->tls) {
        conn->opened = true;
        opts->open_cb(conn, opts->user);
        return;
    }
    conn->stream.hidden = true;
    conn->tls = tls_session_new(opts->tls);
    if (!conn->tls) {
        listener->stats.handshakes_failed++;
        stream_close(&conn->stream, CONN_END_ERROR);
        return;
    }
    conn->phase_at = now(conn) + opts->handshake_ms_max;
    arm(conn, conn->phase_at);
}

void conn_set(struct conn *conn, void *user, conn_read_cb read_cb, conn_close_cb close_cb)
{
    conn->user = user;
    conn->read_cb = read_cb;
    conn->close_cb = close_cb;
}

void *conn_user(const struct conn *conn)
{
    return conn->user;
}

const char *conn_address(const struct conn *conn)
{
    return conn->peer.text;
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL;
}

bool conn_is_loopback(const struct conn *conn)
{
    return conn->peer.loopback;
}

static void conn_queue_changed(struct conn *conn)
{
    conn->stream.behind = conn->plain.len;
    stream_touch(&conn->stream);
}

void conn_write(struct conn *conn, struct buf *b)
{
    if (conn->stream.state != STREAM_OPEN) {
        buf_clear(b);
        return;
    }
    queue_put(conn->tls ? &conn->plain : &conn->stream.queue, b);
    conn_queue_changed(conn);
}

void conn_send_file(struct conn *conn, int fd, int64_t offset, int64_t len)
{
    ASSERT(fd >= 0);
    if (conn->stream.state != STREAM_OPEN) {
        close(fd);
        return;
    }
    queue_put_file(conn->tls ? &conn->plain : &conn->stream.queue, fd, offset, len);
    conn_queue_changed(conn);
}

void conn_send_buffer(struct conn *conn, int bytes)
{
    ASSERT(bytes > 0);
    if (!is_closed(conn)) /* refused: the kernel's own bound holds */
        (void)setsockopt(conn->stream.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

size_t conn_queued(const struct conn *conn)
{
    return (size_t)stream_queued(&conn->stream);
}

void conn_pause(struct conn *conn)
{
    stream_pause(&conn->stream, true);
}

void conn_resume(struct conn *conn)
{
    stream_pause(&conn->stream, false);
}

void conn_close(struct conn *conn, bool after_write)
{
    conn->user_at = 0;
    if (after_write)
        stream_drain(&conn->stream, CONN_END_LOCAL);
    else
        stream_close(&conn->stream, CONN_END_LOCAL);
}
