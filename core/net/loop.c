/* loop - the event loop of one process: timers, signals, posting work.
 *
 * Thin over libuv. Timers, signals, work and descriptors are lists owned by the loop; connections
 * and links are streams (stream.h) owned by their users.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "net/loop_uv.h"
#include "net/stream.h"

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    struct loop_timer *prev, *next;
    int64_t repeat_ms;
    loop_cb cb;
    void *arg;
};

struct loop_signal {
    uv_signal_t uv;
    struct loop_signal *next;
    loop_cb cb;
    void *arg;
};

struct loop_work {
    struct loop_work *next;
    loop_work_cb cb;
    void *arg;
};

struct loop_fd {
    uv_poll_t uv;
    struct loop *loop;
    struct loop_fd *prev, *next;
    loop_cb cb;
    void *arg;
};

static void *alloc(size_t size)
{
    void *at = calloc(1, size);
    ASSERT_MEMORY(at);
    return at;
}

/* ---- the round ---- */

static void flush_all(struct loop *loop)
{
    while (loop->flushes.next != &loop->flushes) {
        struct loop_flush *item = loop->flushes.next;
        loop_flush_remove(item);
        item->flush(item);
    }
}

static void busy_cb(uv_idle_t *idle)
{
    (void)idle; /* being active is what it is for */
}

static void work_run(struct loop *loop)
{
    bool more = false;
    for (struct loop_work *work = loop->works; work; work = work->next)
        more |= work->cb(work->arg);
    if (more)
        uv_idle_start(&loop->busy, busy_cb);
    else
        uv_idle_stop(&loop->busy);
}

static void prepare_cb(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    work_run(loop);
    flush_all(loop);
}

static void check_cb(uv_check_t *check)
{
    flush_all(check->data);
}

void loop_flush_add(struct loop *loop, struct loop_flush *item)
{
    ASSERT(item->flush);
    if (item->next)
        return;
    item->prev = loop->flushes.prev;
    item->next = &loop->flushes;
    item->prev->next = item;
    loop->flushes.prev = item;
}

void loop_flush_remove(struct loop_flush *item)
{
    if (!item->next)
        return;
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->prev = item->next = NULL;
}

/* ---- the loop ---- */

struct loop *loop_new(void)
{
    struct loop *loop = alloc(sizeof *loop);
    /* A peer that has gone is an error of one write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    ASSERT(uv_loop_init(&loop->uv) == 0);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->busy);
    uv_timer_init(&loop->uv, &loop->wait);
    loop->prepare.data = loop->check.data = loop;
    loop->flushes.prev = loop->flushes.next = &loop->flushes;
    uv_prepare_start(&loop->prepare, prepare_cb);
    uv_check_start(&loop->check, check_cb);
    /* These two run in every round but are no reason for one. */
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    loop->read_bytes = alloc(READ_BYTES);
    loop->plain_bytes = alloc(LOOP_PLAIN_BYTES);
    return loop;
}

/* A connection closes its two handles one after the other. */
#define CLOSING_ROUNDS 3

static void handle_check(uv_handle_t *handle, void *arg)
{
    (void)arg;
    ASSERT(uv_is_closing(handle)); /* else somebody forgot to close a connection or a listener */
}

static void signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_free(struct loop *loop)
{
    ASSERT(loop);
    while (loop->timers)
        loop_timer_free(loop->timers);
    while (loop->fds)
        loop_fd_close(loop->fds);
    while (loop->signals) {
        struct loop_signal *watch = loop->signals;
        loop->signals = watch->next;
        watch->uv.data = watch;
        uv_close((uv_handle_t *)&watch->uv, signal_closed);
    }
    while (loop->works) {
        struct loop_work *work = loop->works;
        loop->works = work->next;
        free(work);
    }
    children_release(loop);
    streams_cut(loop);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    uv_close((uv_handle_t *)&loop->wait, NULL);
    for (int round = 0; uv_loop_close(&loop->uv) == UV_EBUSY; round++) {
        if (round >= CLOSING_ROUNDS)
            uv_walk(&loop->uv, handle_check, NULL);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
    buf_release(&loop->cipher);
    free(loop->read_bytes);
    free(loop->plain_bytes);
    free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void wait_cb(uv_timer_t *timer)
{
    (void)timer; /* that it ended the wait is all */
}

void loop_turn(struct loop *loop, int wait_ms)
{
    if (wait_ms == 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        return;
    }
    if (wait_ms > 0) {
        uv_update_time(&loop->uv);
        /* Repeating: a round runs what is due before it waits, so where the process did not run for
         * so long this timer has fired by then, and would not end the wait. */
        uv_timer_start(&loop->wait, wait_cb, (uint64_t)wait_ms, (uint64_t)wait_ms);
    }
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->wait);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

/* ---- timers ---- */

static void timer_cb(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    timer->cb(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, int64_t first_ms, int64_t repeat_ms,
                                  loop_cb cb, void *arg)
{
    ASSERT(cb);
    ASSERT(repeat_ms >= 0);
    struct loop_timer *timer = alloc(sizeof *timer);
    *timer = (struct loop_timer){
        .loop = loop, .next = loop->timers, .repeat_ms = repeat_ms, .cb = cb, .arg = arg};
    if (timer->next)
        timer->next->prev = timer;
    loop->timers = timer;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    loop_timer_again(timer, first_ms);
    return timer;
}

void loop_timer_again(struct loop_timer *timer, int64_t first_ms)
{
    ASSERT(first_ms >= 0);
    /* The loop's own idea of now may be as old as the work of this round. */
    uv_update_time(&timer->loop->uv);
    uv_timer_start(&timer->uv, timer_cb, (uint64_t)first_ms, (uint64_t)timer->repeat_ms);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer)
        return;
    if (timer->prev)
        timer->prev->next = timer->next;
    else
        timer->loop->timers = timer->next;
    if (timer->next)
        timer->next->prev = timer->prev;
    uv_close((uv_handle_t *)&timer->uv, timer_closed);
}

/* ---- signals, work, descriptors ---- */

static void signal_cb(uv_signal_t *uv, int signum)
{
    struct loop_signal *watch = uv->data;
    (void)signum;
    watch->cb(watch->arg);
}

void loop_signal(struct loop *loop, int signum, loop_cb cb, void *arg)
{
    ASSERT(cb);
    ASSERT(signum != SIGCHLD); /* child.c owns it */
    struct loop_signal *watch = alloc(sizeof *watch);
    *watch = (struct loop_signal){.next = loop->signals, .cb = cb, .arg = arg};
    loop->signals = watch;
    uv_signal_init(&loop->uv, &watch->uv);
    watch->uv.data = watch;
    ASSERT(uv_signal_start(&watch->uv, signal_cb, signum) == 0);
    uv_unref((uv_handle_t *)&watch->uv);
}

void loop_work(struct loop *loop, loop_work_cb cb, void *arg)
{
    ASSERT(cb);
    struct loop_work **end = &loop->works;
    while (*end)
        end = &(*end)->next;
    *end = alloc(sizeof **end);
    **end = (struct loop_work){.cb = cb, .arg = arg};
    uv_idle_start(&loop->busy, busy_cb); /* the first round does not wait for anything else */
}

static void fd_cb(uv_poll_t *uv, int status, int events)
{
    struct loop_fd *watch = uv->data;
    (void)events;
    /* libuv stops a watch on an error; the reader will meet it, so it is told again and again. */
    if (status < 0)
        uv_poll_start(uv, UV_READABLE, fd_cb);
    watch->cb(watch->arg);
}

struct loop_fd *loop_fd_new(struct loop *loop, int fd, loop_cb cb, void *arg)
{
    ASSERT(cb);
    ASSERT(fd >= 0);
    struct loop_fd *watch = alloc(sizeof *watch);
    *watch = (struct loop_fd){.loop = loop, .next = loop->fds, .cb = cb, .arg = arg};
    if (watch->next)
        watch->next->prev = watch;
    loop->fds = watch;
    ASSERT(uv_poll_init(&loop->uv, &watch->uv, fd) == 0);
    watch->uv.data = watch;
    ASSERT(uv_poll_start(&watch->uv, UV_READABLE, fd_cb) == 0);
    return watch;
}

static void fd_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_fd_close(struct loop_fd *watch)
{
    if (!watch)
        return;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->loop->fds = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    uv_close((uv_handle_t *)&watch->uv, fd_closed);
}
