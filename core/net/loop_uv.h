/* loop_uv - the inside of the loop, for the files of net/ alone.
 *
 * A round of the loop: timers, work (before waiting), flush, wait, ready descriptors, flush,
 * closing. What was written during a round waits in a flush list, so that many small writes to one
 * peer leave in one system call. The scratch memory serves one callback at a time and is never
 * kept.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/loop.h"

/* Room for one read's worth of TLS records and one record that waited from before. */
#define LOOP_PLAIN_BYTES ((size_t)2 * READ_BYTES)

/* A member of the flush list. */
struct loop_flush {
    struct loop_flush *prev, *next; /* NULL while not listed */
    void (*flush)(struct loop_flush *item);
};

struct child;
struct stream;

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* work and flush before waiting */
    uv_check_t check;     /* flush after the ready descriptors */
    uv_idle_t busy;       /* active while some work has more to do: the wait is then 0 */
    uv_timer_t wait;      /* bounds loop_turn */
    struct loop_flush flushes;
    struct loop_timer *timers;   /* owned */
    struct loop_signal *signals; /* owned */
    struct loop_fd *fds;         /* owned */
    struct loop_work *works;     /* owned */
    struct stream *streams;      /* every open stream, owned by its user */
    struct child *children;      /* owned */
    uv_signal_t child_signal;    /* SIGCHLD */
    bool child_signal_open;
    char *read_bytes;  /* owned, READ_BYTES: what a read took */
    char *plain_bytes; /* owned, LOOP_PLAIN_BYTES: decrypted, or read from a file */
    struct buf cipher; /* encrypted, on its way to a queue */
};

/* Flushes the item at the end of this round, once. */
void loop_flush_add(struct loop *loop, struct loop_flush *item);
void loop_flush_remove(struct loop_flush *item);
/* Frees the list of children; they run on. child.c. */
void children_release(struct loop *loop);
