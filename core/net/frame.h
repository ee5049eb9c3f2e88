/* frame - length-prefixed messages between our own processes over AF_UNIX streams.
 *
 * Head: u32 length of what follows, u8 kind, u64 tag, little-endian; then the body, of at most
 * FRAME_BODY_BYTES_MAX. The tag pairs an answer with its question. A frame over FRAME_BYTES_MAX or
 * a broken head closes the link: the other side is ours, so it is a defect and is logged. Two
 * forms: an asynchronous link on a loop (gateways, workers, supervisor; link.c) and a blocking one
 * (runners in a step, the command line; frame.c).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "net/loop.h"

#define FRAME_KINDS(X)                                                                             \
    X(REQUEST)   /* gateway → worker/runner: an encoded request */                               \
    X(ANSWER)    /* the encoded response to it */                                                  \
    X(CANCEL)    /* gateway → worker/runner: the client has gone */                              \
    X(NOTE)      /* gateway → worker, one way: session seen, refusals */                         \
    X(TURN_ASK)  /* runner → worker: lend me the write turn of this tenant */                    \
    X(TURN_LENT) /* worker → runner: it is yours until TURN_BACK or the link closes */           \
    X(TURN_BACK) /* runner → worker: done; carries seq and flags */                              \
    X(MOVED)     /* worker → gateways that listen: this tenant has been written to */            \
    X(WAKE)      /* anyone → supervisor → a runner: tenant has due jobs */                     \
    X(STATUS)    /* child → supervisor: heartbeat, last id ms, what it runs */                   \
    X(CONTROL)   /* command line or supervisor → a process: an operator's command */             \
    X(RESULT)    /* its answer */                                                                  \
    X(MOVE)      /* supervisor → worker: give this tenant up / take it over */                   \
    X(LISTEN)    /* gateway → worker, one way: tell me what moves */

enum frame_kind {
    FRAME_NONE = 0,
#define X(name) FRAME_##name,
    FRAME_KINDS(X)
#undef X
};

/* The tag of a MOVE that a worker sends the supervisor: who gives the tenant up, who takes it. The
 * supervisor hands on the second alone. */
#define FRAME_MOVE_TAG(owner, to) ((uint64_t)(owner) << 32 | (uint64_t)(to))
#define FRAME_MOVE_OWNER(tag)     ((tag) >> 32)
#define FRAME_MOVE_TO(tag)        ((tag)&0xffffffff)

#define FRAME_HEAD_BYTES     13
#define FRAME_BODY_BYTES_MAX (FRAME_BYTES_MAX - (FRAME_HEAD_BYTES - 4))

struct link; /* an asynchronous end */

/* What arrived before the other side closed or died is delivered first. */
typedef void (*link_frame_cb)(struct link *link, enum frame_kind kind, uint64_t tag,
                              struct slice body);
/* Exactly once, also after link_close, never from inside a link_* call; freed when it returns. */
typedef void (*link_close_cb)(struct link *link);
typedef void (*link_open_cb)(struct link *link, void *user);

/* Accepts links on a listening AF_UNIX socket; adopts fd. ERR_IO when it does not listen. */
struct link_listener;
MUST_USE enum err link_listen(struct loop *loop, int fd, link_open_cb cb, void *user,
                              struct link_listener **out);
void link_listener_close(struct link_listener *listener);
/* Connects without waiting; ERR_BUSY when the backlog is full, ERR_NOT_FOUND when nobody listens.
 */
MUST_USE enum err link_connect(struct loop *loop, const char *path, struct link **out);
/* Adopts a connected descriptor (socketpair). */
MUST_USE enum err link_adopt(struct loop *loop, int fd, struct link **out);
void link_set(struct link *link, void *user, link_frame_cb frame_cb, link_close_cb close_cb);
void *link_user(const struct link *link);
/* Queues a copy; frames of one round leave together. Lost when the link is closed. A link never
 * stops reading because its own frames wait: two ends doing that would wait for ever. Who produces
 * without end looks at link_queued. */
void link_send(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body);
size_t link_queued(const struct link *link); /* bytes not yet taken by the kernel */
/* Sends what the kernel takes at once and closes. */
void link_close(struct link *link);

/* Blocking ends: these wait with poll(2), whatever mode the descriptor has. Connects as
 * link_connect does. */
MUST_USE enum err frame_connect(const char *path, int *fd);
/* ERR_IO when the other side has gone or takes nothing for FRAME_WAIT_MS; the link is then broken.
 */
MUST_USE enum err frame_write(int fd, enum frame_kind kind, uint64_t tag, struct slice body);
/* Waits at most timeout_ms (-1 = for ever) for a frame to begin: ERR_TIMEOUT, nothing has been read
 * and it may be called again. ERR_IO at the end of the stream, when a frame does not go on for
 * FRAME_WAIT_MS, or is broken. Body replaces what is in b. */
MUST_USE enum err frame_read(int fd, int timeout_ms, enum frame_kind *kind, uint64_t *tag,
                             struct buf *body);
/* Parses one frame from the front of bytes: the number of bytes it took, 0 if more are needed, -1
 * if broken. For tests and fuzzing too. */
ptrdiff_t frame_parse(struct slice bytes, enum frame_kind *kind, uint64_t *tag, struct slice *body);
