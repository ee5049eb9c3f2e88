/* apart - a piece of work in a process of its own, so that it can be ended whatever it does.
 *
 * The process is a copy of the one that asks: it sees what that has read into memory and has
 * nothing of what it has open, neither connections nor stores nor the shared page. What it says
 * goes through a pipe. Its bounds are kept by the kernel and by who waits for it, and it dies with
 * who asked.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"

struct apart_bounds {
    int64_t wall_ms;
    int cpu_s;
    int64_t bytes;      /* of memory it may write to, beside what it is a copy of */
    int64_t file_bytes; /* of one file it writes */
    size_t said_bytes;  /* more is not listened to */
};

enum apart_end {
    APART_DONE, /* the function returned */
    APART_SLOW, /* wall_ms is over, or a script hangs in one C function (hook/late.h) */
    APART_CPU,
    APART_FILE, /* a file grew too long */
    APART_SAID, /* it said too much */
    APART_LOST, /* it died of something else: out of memory, a defect */
};

/* Runs fn(arg, fd) there and waits for it; what it writes to fd is appended to `said`, also when it
 * does not come to its end. No store may be used in fn that was open before. Blocks for up to
 * wall_ms. ERR_BUSY when no process can be had. */
MUST_USE enum err apart_run(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd),
                            void *arg, struct buf *said, enum apart_end *how);

/* The same for who has something else to do meanwhile: begins it; looks whether it is over, waiting
 * so long for a word of it; ends what is over, or is not to go on. `said` is the caller's until
 * then. */
struct apart;
MUST_USE enum err apart_begin(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd),
                              void *arg, struct buf *said, struct apart **out);
bool apart_is_over(struct apart *apart, int wait_ms);
void apart_stop(struct apart *apart); /* its end will be APART_SLOW */
enum apart_end apart_end(struct apart *apart);
