/* work - a request frame as it arrives in a worker or runner, until it is answered.
 *
 * The sender's link may close while the work waits or runs; `peer` then says so and the answer is
 * dropped. Everything of the work lives in its own arena.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/pipeline.h"
#include "net/frame.h"

/* The first byte of a request frame. */
enum work_flags {
    WORK_IS_OPERATOR = 1, /* came over the command socket */
    WORK_PREPARE = 2,     /* only apply the tenant's model, then say "ask again" */
};

struct work_peer {
    struct link *link;
    void *owner;  /* the worker or runner */
    int works;    /* not yet answered */
    bool listens; /* a gateway with open streams: is told what moved */
    bool is_closed;
};

struct work {
    struct arena *arena;
    struct work_peer *peer;
    uint64_t tag;
    bool is_operator;
    bool is_prepare; /* WORK_PREPARE */
    bool is_cancelled;
    bool is_again;      /* it has been begun before */
    bool failed;        /* nothing of it is in the turn's transaction */
    const char *tenant; /* "" without one */
    struct req req;
    struct resp resp;
    struct call *call;
    int64_t arrived_us;
    struct work *next;
};

/* Sets a link up to deliver its frames to frame_cb with a struct work_peer as user. */
struct work_peer *work_peer_new(struct link *link, void *owner, link_frame_cb frame_cb,
                                link_close_cb close_cb);
/* In close_cb: freed now, or with its last work. */
void work_peer_closed(struct work_peer *peer);

/* NULL when the frame is broken. */
struct work *work_new(struct work_peer *peer, uint64_t tag, struct slice body);
/* Sends resp as the answer. */
void work_answer(struct work *work);
/* Answers with that error, without a call. */
void work_refuse(struct work *work, enum err e, int retry_after_s);
/* "Not mine any more: ask again." */
void work_return(struct work *work);
/* Ready to be begun from the beginning. */
void work_again(struct work *work);
void work_free(struct work *work);
