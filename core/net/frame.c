/* frame - length-prefixed messages between our own processes: parsing and the blocking ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "net/frame_head.h"
#include "net/socket.h"

/* The list of frame.h once more, to know where it ends. */
enum {
    FRAME_BEFORE_FIRST = 0,
#define X(name) FRAME_COUNTED_##name,
    FRAME_KINDS(X)
#undef X
        FRAME_KINDS_END
};

void frame_head_put(uint8_t head[FRAME_HEAD_BYTES], enum frame_kind kind, uint64_t tag,
                    size_t body_len)
{
    ASSERT(kind > FRAME_NONE && (int)kind < FRAME_KINDS_END);
    ASSERT(body_len <= FRAME_BODY_BYTES_MAX);
    size_t rest = body_len + FRAME_HEAD_BYTES - 4;
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(rest >> (8 * i));
    head[4] = (uint8_t)kind;
    for (int i = 0; i < 8; i++)
        head[5 + i] = (uint8_t)(tag >> (8 * i));
}

/* The length of the body, or -1 if broken. `head` may be shorter than a head: then it is judged by
 * what is there. */
static ptrdiff_t head_parse(struct slice head, enum frame_kind *kind, uint64_t *tag)
{
    const uint8_t *at = (const uint8_t *)head.at;
    size_t rest = 0;
    uint64_t number = 0;
    for (size_t i = 0; i < 4; i++)
        rest |= (size_t)at[i] << (8 * i);
    if (rest < FRAME_HEAD_BYTES - 4 || rest > FRAME_BYTES_MAX)
        return -1;
    if (head.len > 4 && (at[4] == FRAME_NONE || at[4] >= FRAME_KINDS_END))
        return -1;
    if (head.len >= FRAME_HEAD_BYTES) {
        for (size_t i = 0; i < 8; i++)
            number |= (uint64_t)at[5 + i] << (8 * i);
        *kind = (enum frame_kind)at[4];
        *tag = number;
    }
    return (ptrdiff_t)(rest - (FRAME_HEAD_BYTES - 4));
}

ptrdiff_t frame_parse(struct slice bytes, enum frame_kind *kind, uint64_t *tag, struct slice *body)
{
    enum frame_kind new_kind = FRAME_NONE;
    uint64_t new_tag = 0;
    if (bytes.len < 4)
        return 0;
    ptrdiff_t len = head_parse(bytes, &new_kind, &new_tag);
    if (len < 0)
        return -1;
    if (bytes.len < FRAME_HEAD_BYTES + (size_t)len)
        return 0;
    *kind = new_kind;
    *tag = new_tag;
    *body = slice_of(bytes.at + FRAME_HEAD_BYTES, (size_t)len);
    return FRAME_HEAD_BYTES + len;
}

/* ---- blocking ends ---- */

/* Until fd is ready or `until_us` of the monotonic clock (-1: for ever). */
static enum err wait_for(int fd, short events, int64_t until_us)
{
    for (;;) {
        int64_t left = until_us < 0 ? -1 : (until_us - clock_mono_us() + 999) / 1000;
        if (until_us >= 0 && left < 0)
            left = 0;
        struct pollfd ready = {.fd = fd, .events = events};
        int n = poll(&ready, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (n > 0)
            return ERR_OK; /* also for an error or a hang-up: reading or writing will tell */
        if (n == 0 && left <= INT32_MAX)
            return ERR_TIMEOUT;
        if (n < 0 && errno != EINTR)
            return ERR_IO;
    }
}

static int64_t from_now_us(int64_t ms)
{
    return clock_mono_us() + ms * 1000;
}

enum err frame_connect(const char *path, int *fd)
{
    return socket_connect_unix(path, fd);
}

enum err frame_write(int fd, enum frame_kind kind, uint64_t tag, struct slice body)
{
    uint8_t head[FRAME_HEAD_BYTES];
    frame_head_put(head, kind, tag, body.len);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)(uintptr_t)body.at, body.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t left = sizeof head + body.len;
    while (left > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            if (wait_for(fd, POLLOUT, from_now_us(FRAME_WAIT_MS)))
                return ERR_IO;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        left -= (size_t)n;
        for (size_t i = 0; i < 2; i++) {
            size_t here = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + here;
            parts[i].iov_len -= here;
            n -= (ssize_t)here;
        }
    }
    return ERR_OK;
}

static enum err read_whole(int fd, char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, at, len, MSG_DONTWAIT);
        if (n == 0)
            return ERR_IO;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (wait_for(fd, POLLIN, from_now_us(FRAME_WAIT_MS)))
                return ERR_IO;
        } else if (errno != EINTR) {
            return ERR_IO;
        }
    }
    return ERR_OK;
}

enum err frame_read(int fd, int timeout_ms, enum frame_kind *kind, uint64_t *tag, struct buf *body)
{
    char head[FRAME_HEAD_BYTES];
    enum err e = wait_for(fd, POLLIN, timeout_ms < 0 ? -1 : from_now_us(timeout_ms));
    if (e)
        return e;
    e = read_whole(fd, head, sizeof head);
    if (e)
        return e;
    enum frame_kind new_kind;
    uint64_t new_tag;
    ptrdiff_t len = head_parse(slice_of(head, sizeof head), &new_kind, &new_tag);
    if (len < 0)
        return ERR_IO;
    buf_clear(body);
    buf_reserve(body, (size_t)len);
    e = read_whole(fd, body->at, (size_t)len);
    if (e)
        return e;
    body->len = (size_t)len;
    *kind = new_kind;
    *tag = new_tag;
    return ERR_OK;
}
