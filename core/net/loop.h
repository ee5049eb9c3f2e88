/* loop - the event loop of one process: timers, signals, posting work.
 *
 * One loop per process, single-threaded. Callbacks run on it one at a time. libuv's thread pool is
 * never used. If a call returns an error, its callback is never called.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct loop;
struct loop_timer;

/* Ignores SIGPIPE in the process. */
struct loop *loop_new(void);
/* Every connection, link and listener must have been closed (their close callbacks may still be to
 * come and run here; what only waits for a slow peer is cut). Timers, signals, work and descriptor
 * watches go with the loop. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop); /* until loop_stop or nothing is left */
/* One round: handles what is ready; waits at most wait_ms (0 = do not wait, -1 = until something).
 */
void loop_turn(struct loop *loop, int wait_ms);
void loop_stop(struct loop *loop);

typedef void (*loop_cb)(void *arg);
/* Owned by the loop until loop_timer_free; repeat_ms 0 = once. One that has fired stays and can be
 * set again. */
struct loop_timer *loop_timer_new(struct loop *loop, int64_t first_ms, int64_t repeat_ms,
                                  loop_cb cb, void *arg);
void loop_timer_again(struct loop_timer *timer, int64_t first_ms);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine */
/* Calls cb on that signal. Does not keep loop_run going. Not for SIGCHLD (child.h). */
void loop_signal(struct loop *loop, int signum, loop_cb cb, void *arg);
/* Runs cb once per round, before waiting: while it returns true (more to do, such as a worker's
 * next turn) the round only looks at what is ready and does not wait. */
typedef bool (*loop_work_cb)(void *arg);
void loop_work(struct loop *loop, loop_work_cb cb, void *arg);
/* Calls cb whenever fd is readable, again and again until it is read; the watch is closed with the
 * loop or by loop_fd_close, which comes before the caller's close(fd). fd becomes non-blocking. */
struct loop_fd;
struct loop_fd *loop_fd_new(struct loop *loop, int fd, loop_cb cb, void *arg);
void loop_fd_close(struct loop_fd *watch); /* NULL is fine */
