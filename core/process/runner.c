/* runner - what may wait: sign-in, heavy reads, uploads, imports, exports, jobs.
 *
 * One thing at a time, and it may block. A runner never takes a tenant's write lock by itself: it
 * borrows a write turn from the owning worker. Between two steps of a job it serves what is queued.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/bundle_tests.h"
#include "api/jobs.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "process/sandbox.h"
#include "process/slot.h"
#include "process/work.h"

#define RUNNER_NICE      5 /* of the long lane */
#define RUNNER_DUE_MAX   4096
#define RUNNER_SWEEP_MS  50   /* between two stores of the sweep at start: unhurried */
#define RUNNER_AWAIT_MS  10   /* between two looks at the calls that jobs wait for */
#define RUNNER_BROKEN_MS 5000 /* a tenant whose jobs cannot be leased is left alone so long */

struct due {
    char *tenant; /* owned */
    int64_t run_at_ms;
};

struct runner {
    struct slot slot;
    struct work *first, *last;
    int queued;
    struct work *parked; /* until tests of a bundle are over: made anew then */
    struct loop_timer *parked_timer;
    const char *last_tenant; /* served last: others go first */
    char last_tenant_name[NAME_BYTES_MAX + 1];
    int worker_fds[SLOTS_PER_ROLE_MAX]; /* blocking links for write turns; -1 = not connected */
    uint64_t last_tag;
    int lender; /* the worker whose turn is borrowed */
    struct due due[RUNNER_DUE_MAX];
    int due_count;
    size_t sweep_at; /* index into the tenants of control.db */
    bool is_swept, stopping;
    bool is_awaiting; /* the timer is set */
    bool due_lost;    /* a hint found no room, or never came: the stores are looked through again */
    struct loop_timer *due_timer, *await_timer;
};

/* --- write turns --------------------------------------------------------------------------------
 */

static enum err turn_link(struct runner *runner, int worker, int *fd)
{
    if (runner->worker_fds[worker] < 0) {
        struct slot *slot = &runner->slot;
        struct arena *arena = arena_new();
        const char *path = slot_path(arena, &slot->config, BOARD_WORKER, worker);
        enum err e = frame_connect(path, &runner->worker_fds[worker]);
        arena_free(arena);
        if (e) {
            runner->worker_fds[worker] = -1;
            return ERR_BUSY;
        }
    }
    *fd = runner->worker_fds[worker];
    return ERR_OK;
}

static void turn_unlink(struct runner *runner, int worker)
{
    close(runner->worker_fds[worker]);
    runner->worker_fds[worker] = -1;
}

static int turn_worker(struct runner *runner, const struct tenant *tenant)
{
    struct slot *slot = &runner->slot;
    int by_default = tenants_worker(slot->app.tenants, tenant->name);
    return board_owner(slot->board, slice_str(tenant->name), by_default) % slot->config.workers;
}

/* ERR_OK lent; ERR_CONFLICT: ask again, the tenant is another worker's now or the worker has been
 * replaced; else ERR_BUSY. */
static enum err turn_ask(struct runner *runner, int worker, const struct tenant *tenant)
{
    int fd = -1;
    enum err e = turn_link(runner, worker, &fd);
    if (e)
        return e;
    uint64_t tag = ++runner->last_tag;
    struct buf body = BUF_INIT;
    atomic_store(&runner->slot.mine->wanted, 0); /* who waits already is served before it is lent */
    e = frame_write(fd, FRAME_TURN_ASK, tag, slice_str(tenant->name));
    int64_t until_us = clock_mono_us() + (int64_t)LOAN_WAIT_MS * 1000;
    enum frame_kind kind = FRAME_NONE;
    while (!e) {
        uint64_t answered = 0;
        int wait_ms = (int)((until_us - clock_mono_us()) / 1000);
        e = wait_ms > 0 ? frame_read(fd, wait_ms, &kind, &answered, &body) : ERR_TIMEOUT;
        if (!e && answered == tag && (kind == FRAME_TURN_LENT || kind == FRAME_MOVE))
            break;
    }
    buf_release(&body);
    if (e) { /* closing takes the question back, and the turn if it was lent meanwhile */
        turn_unlink(runner, worker);
        return e == ERR_TIMEOUT ? ERR_BUSY : ERR_CONFLICT;
    }
    if (kind == FRAME_MOVE)
        return ERR_CONFLICT;
    runner->lender = worker;
    atomic_store_explicit(&runner->slot.mine->turn_since_us, clock_mono_us(), memory_order_relaxed);
    return ERR_OK;
}

static enum err runner_turn_take(struct app *app, struct tenant *tenant)
{
    struct runner *runner = app->user;
    for (int tries = 0; tries < 200; tries++) {
        enum err e = turn_ask(runner, turn_worker(runner, tenant), tenant);
        if (e != ERR_CONFLICT)
            return e;
        usleep(10000); /* it is being moved, or its worker starts again */
    }
    return ERR_BUSY;
}

static bool runner_is_wanted(void *arg)
{
    struct runner *runner = ((struct app *)arg)->user;
    return atomic_load_explicit(&runner->slot.mine->wanted, memory_order_relaxed) != 0;
}

/* Who filled the WAL copies it, while the turn is away: the owner has other tenants to serve. Where
 * requests wait for the turn it may get somewhat longer first. Tells how long the WAL is. */
static int turn_checkpoint(struct app *app, struct tenant *tenant)
{
    int pages = store_wal_pages(tenant->store);
    if (pages < (runner_is_wanted(app) ? WAL_WANTED_PAGES : WAL_LOAN_PAGES))
        return pages;
    enum err e = store_checkpoint(tenant->store, STORE_CHECKPOINT_IDLE, &pages);
    if (e)
        log_error("checkpoint of %s: %s", tenant->name, err_code(e));
    return pages;
}

static void runner_turn_give(struct app *app, struct tenant *tenant, int64_t change_seq)
{
    struct runner *runner = app->user;
    int worker = runner->lender, pages = turn_checkpoint(app, tenant);
    (void)change_seq;
    atomic_store_explicit(&runner->slot.mine->turn_since_us, 0, memory_order_relaxed);
    if (runner->worker_fds[worker] < 0)
        return;
    if (frame_write(runner->worker_fds[worker], FRAME_TURN_BACK, (uint64_t)pages,
                    slice_str(tenant->name)))
        turn_unlink(runner, worker);
}

/* The tenant's store is not yet at the model of a new release, and nobody else may ever ask for it:
 * its owner brings it there in a turn of its own, and wakes us behind that. */
static void turn_prepare_ask(struct runner *runner, const struct tenant *tenant)
{
    int worker = turn_worker(runner, tenant), fd = -1;
    struct buf body = BUF_INIT;

    buf_put_bytes(&body, slice_str(tenant->name));
    buf_put_bytes(&body, SLICE("p"));
    if (turn_link(runner, worker, &fd) == ERR_OK &&
        frame_write(fd, FRAME_NOTE, 0, buf_slice(&body)))
        turn_unlink(runner, worker);
    buf_release(&body);
}

/* --- jobs ---------------------------------------------------------------------------------------
 */

static void runner_due(struct runner *runner, const char *tenant, int64_t run_at_ms)
{
    for (int i = 0; i < runner->due_count; i++) {
        if (strcmp(runner->due[i].tenant, tenant) != 0)
            continue;
        if (run_at_ms < runner->due[i].run_at_ms)
            runner->due[i].run_at_ms = run_at_ms;
        return;
    }
    if (runner->due_count == RUNNER_DUE_MAX) {
        runner->due_lost = true; /* the truth is in the store: the next sweep finds it */
        return;
    }
    char *name = strdup(tenant);
    ASSERT_MEMORY(name);
    runner->due[runner->due_count++] = (struct due){.tenant = name, .run_at_ms = run_at_ms};
}

static int due_first(const struct runner *runner)
{
    int best = -1;
    for (int i = 0; i < runner->due_count; i++)
        if (best < 0 || runner->due[i].run_at_ms < runner->due[best].run_at_ms)
            best = i;
    return best;
}

static void due_drop(struct runner *runner, int at)
{
    free(runner->due[at].tenant);
    runner->due[at] = runner->due[--runner->due_count];
}

static void awaited(void *arg, const char *tenant)
{
    runner_due(arg, tenant, clock_now_ms());
}

static void runner_await(void *arg)
{
    struct runner *runner = arg;
    runner->is_awaiting = jobs_look_awaits(awaited, runner) > 0;
    if (runner->is_awaiting)
        loop_timer_again(runner->await_timer, RUNNER_AWAIT_MS);
}

/* One step of the tenant's jobs. */
static void runner_job(struct runner *runner, int at)
{
    struct slot *slot = &runner->slot;
    struct due *due = &runner->due[at];
    struct tenant *tenant = NULL;
    enum err e = tenants_by_name(slot->app.tenants, slice_str(due->tenant), &tenant);
    if (e == ERR_NOT_FOUND) {
        due_drop(runner, at);
        return;
    }
    bool more = false;
    int64_t next_ms = 0;
    if (!e) {
        struct arena *arena = arena_new();
        slot_busy(slot, due->tenant);
        e = jobs_step(&slot->app, tenant, arena, &more, &next_ms);
        slot_busy(slot, NULL);
        if (e == ERR_BUSY)
            turn_prepare_ask(runner, tenant);
        tenants_unpin(slot->app.tenants, tenant);
        arena_free(arena);
    }
    if (e) {
        log_warn("jobs of %s: %s", due->tenant, err_code(e));
        due->run_at_ms = clock_now_ms() + RUNNER_BROKEN_MS;
    } else if (more) {
        due->run_at_ms = clock_now_ms();
    } else if (next_ms) {
        due->run_at_ms = next_ms;
    } else {
        due_drop(runner, at);
    }
    if (!runner->is_awaiting) /* one that is set is not put off */
        runner_await(runner);
}

/* The supervisor wakes one runner of the long lane for a tenant, always the same. */
static bool is_my_tenant(const struct runner *runner, const char *tenant)
{
    const struct slot *slot = &runner->slot;
    uint64_t longs = 0, mine = 0;
    for (int i = 0; i < slot->config.runners; i++) {
        if (i == slot->index)
            mine = longs;
        longs += slot_is_long(&slot->config, i);
    }
    return hash_stable(slice_str(tenant)) % longs == mine;
}

/* At start a runner looks into every store whose hints it is given: what was said to the process
 * before it has died with that. */
static void runner_sweep(void *arg)
{
    struct runner *runner = arg;
    struct slot *slot = &runner->slot;
    if (runner->is_swept && runner->due_lost && runner->due_count < RUNNER_DUE_MAX / 2) {
        runner->is_swept = runner->due_lost = false;
        runner->sweep_at = 0;
    }
    if (runner->is_swept)
        return;
    struct arena *arena = arena_new();
    struct control_tenant *all = NULL;
    int count = 0;
    enum err e = control_list(tenants_control(slot->app.tenants), arena, &all, &count);
    if (!e && runner->sweep_at < (size_t)count) {
        const char *name = all[runner->sweep_at++].name;
        struct tenant *tenant = NULL;
        int64_t run_at_ms = 0;
        if (is_my_tenant(runner, name) &&
            tenants_by_name(slot->app.tenants, slice_str(name), &tenant) == ERR_OK) {
            if (jobs_look(tenant, &run_at_ms) == ERR_OK && run_at_ms)
                runner_due(runner, name, run_at_ms);
            bool orphaned = false; /* jobs of the process that was here before */
            if (job_orphans(tenant, (int64_t)getpid(), &orphaned) == ERR_OK && orphaned)
                runner_due(runner, name, clock_now_ms());
            tenants_unpin(slot->app.tenants, tenant);
        }
    } else {
        runner->is_swept = true;
    }
    arena_free(arena);
}

static void runner_supervisor_frame(struct link *link, enum frame_kind kind, uint64_t tag,
                                    struct slice body)
{
    struct runner *runner = (struct runner *)link_user(link); /* the slot is its first member */
    (void)tag;
    if (kind != FRAME_WAKE)
        return;
    struct reader r = {.rest = body};
    struct arena *arena = arena_new();
    const char *tenant = arena_str(arena, reader_bytes(&r));
    int64_t run_at_ms = reader_i64(&r);
    if (!r.bad && *tenant)
        runner_due(runner, tenant, run_at_ms);
    else if (!r.bad) /* a process has died that may have had more to say */
        runner->due_lost = true;
    arena_free(arena);
}

static void runner_orphaned(struct link *link)
{
    (void)link;
    _exit(0);
}

/* --- requests -----------------------------------------------------------------------------------
 */

static int queued_of(const struct runner *runner, const char *tenant)
{
    int count = 0;
    for (const struct work *work = runner->first; work; work = work->next)
        count += strcmp(work->tenant, tenant) == 0;
    return count;
}

static void runner_push(struct runner *runner, struct work *work)
{
    work->next = NULL;
    if (runner->last)
        runner->last->next = work;
    else
        runner->first = work;
    runner->last = work;
    runner->queued++;
}

static void runner_request(struct runner *runner, struct work *work)
{
    if (runner->queued >= RUNNER_QUEUE_MAX ||
        queued_of(runner, work->tenant) >= RUNNER_QUEUE_MAX / 2) {
        work_refuse(work, ERR_BUSY, 1);
        work_free(work);
        return;
    }
    runner_push(runner, work);
}

/* What it waits for runs in a process of its own; others are served meanwhile. */
static void runner_park(struct runner *runner, struct work *work)
{
    work_again(work);
    work->next = runner->parked;
    runner->parked = work;
    loop_timer_again(runner->parked_timer, BUNDLE_TESTS_LOOK_MS);
}

static void runner_unpark(void *arg)
{
    struct runner *runner = arg;
    if (bundle_tests_look() || runner->stopping)
        while (runner->parked) {
            struct work *work = runner->parked;
            runner->parked = work->next;
            runner_push(runner, work);
        }
    if (runner->parked || bundle_tests_any())
        loop_timer_again(runner->parked_timer, BUNDLE_TESTS_LOOK_MS);
}

static void cancel(struct work *work, const struct work_peer *peer, const uint64_t *tag)
{
    for (; work; work = work->next)
        if (work->peer == peer && (!tag || work->tag == *tag))
            work->is_cancelled = true;
}

static void runner_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct work_peer *peer = link_user(link);
    struct runner *runner = peer->owner;
    if (kind == FRAME_REQUEST) {
        struct work *work = work_new(peer, tag, body);
        if (work)
            runner_request(runner, work);
    } else if (kind == FRAME_CANCEL) {
        cancel(runner->first, peer, &tag);
        cancel(runner->parked, peer, &tag);
    }
}

static void runner_closed(struct link *link)
{
    struct work_peer *peer = link_user(link);
    struct runner *runner = peer->owner;
    cancel(runner->first, peer, NULL);
    cancel(runner->parked, peer, NULL);
    work_peer_closed(peer);
}

static void runner_open(struct link *link, void *user)
{
    work_peer_new(link, user, runner_frame, runner_closed);
}

/* The first of another tenant than was served last, else the first: one tenant never holds the lane
 * while others wait. */
static struct work *runner_pop(struct runner *runner)
{
    struct work *before = NULL, *work = runner->first;
    while (work && runner->last_tenant && strcmp(work->tenant, runner->last_tenant) == 0) {
        before = work;
        work = work->next;
    }
    if (!work) {
        before = NULL;
        work = runner->first;
    }
    if (!work)
        return NULL;
    if (before)
        before->next = work->next;
    else
        runner->first = work->next;
    if (runner->last == work)
        runner->last = before;
    runner->queued--;
    snprintf(runner->last_tenant_name, sizeof(runner->last_tenant_name), "%s", work->tenant);
    runner->last_tenant = runner->last_tenant_name;
    return work;
}

static void runner_run(struct runner *runner, struct work *work)
{
    struct slot *slot = &runner->slot;
    if (work->is_cancelled) {
        work_free(work);
        return;
    }
    if (work->is_again && runner->stopping) {
        work_refuse(work, ERR_BUSY, 1);
        work_free(work);
        return;
    }
    slot_busy(slot, work->tenant);
    log_trace(work->req.trace);
    work->call = pipeline_call_new(&slot->app, work->arena, &work->req, &work->resp);
    work->call->is_operator = work->is_operator;
    work->call->may_park = !runner->stopping;
    int64_t body_max;
    enum err e = pipeline_admit(work->call, false, &body_max);
    if (!e)
        e = pipeline_run(work->call);
    log_trace(NULL);
    slot_busy(slot, NULL);
    if (e && work->call->is_parked) {
        runner_park(runner, work);
        return;
    }
    if (e && work->call->model_pending)
        work_return(work);
    else
        work_answer(work);
    work_free(work);
}

static bool runner_work(void *arg)
{
    struct runner *runner = arg;
    struct work *work = runner_pop(runner);
    if (work) {
        runner_run(runner, work);
        return true;
    }
    int at = due_first(runner);
    if (at < 0 || runner->stopping)
        return false;
    int64_t wait_ms = runner->due[at].run_at_ms - clock_now_ms();
    if (wait_ms > 0) {
        loop_timer_again(runner->due_timer, wait_ms < 1000 ? wait_ms : 1000);
        return false;
    }
    runner_job(runner, at);
    return true;
}

/* --- wiring -------------------------------------------------------------------------------------
 */

static void runner_wake(struct app *app, struct tenant *tenant, int64_t run_at_ms)
{
    struct runner *runner = app->user;
    slot_wake(&runner->slot, tenant->name, run_at_ms);
}

static bool runner_is_asked(void *arg)
{
    struct runner *runner = ((struct app *)arg)->user;
    return atomic_load_explicit(&runner->slot.mine->reopen, memory_order_relaxed) &&
           atomic_exchange(&runner->slot.mine->reopen, 0);
}

static const struct app_services RUNNER_SERVICES = {.is_asked = runner_is_asked,
                                                    .is_wanted = runner_is_wanted,
                                                    .turn_take = runner_turn_take,
                                                    .turn_give = runner_turn_give,
                                                    .wake = runner_wake};

static void runner_tick(void *arg)
{
    (void)arg; /* being woken is enough: the loop asks runner_work */
}

static void runner_trim(void *arg)
{
    struct runner *runner = arg;
    app_rest(&runner->slot.app);
}

static void runner_try_end(void *arg)
{
    struct runner *runner = arg;
    if (!runner->first)
        loop_stop(runner->slot.loop);
}

static void runner_stop(void *arg)
{
    struct runner *runner = arg;
    if (runner->stopping)
        return;
    runner->stopping = true;
    bundle_tests_stop();
    runner_unpark(runner);
    loop_timer_new(runner->slot.loop, 1, 10, runner_try_end, runner);
}

/* Who only waits for long work lets those go first that people wait for. */
static void runner_yield(const struct slot *slot)
{
    const struct sched_param none = {0};
    if (slot_is_quick(&slot->config, slot->index))
        return;
    if (setpriority(PRIO_PROCESS, 0, RUNNER_NICE) != 0 ||
        sched_setscheduler(0, SCHED_BATCH, &none) != 0)
        log_warn("the long lane runs at the priority of all");
}

int runner_main(int index)
{
    static struct runner runner;
    struct slot *slot = &runner.slot;
    slot_init(slot, BOARD_RUNNER, index);
    link_set(slot->supervisor, slot, runner_supervisor_frame, runner_orphaned);
    for (int i = 0; i < SLOTS_PER_ROLE_MAX; i++)
        runner.worker_fds[i] = -1;
    struct tenants *tenants = NULL;
    const char *why = NULL;
    if (tenants_new(&slot->config, STORE_WRITER, slot->config.workers, &tenants, &why)) {
        fprintf(stderr, "perigee: %s\n", why ? why : "control.db cannot be read");
        return 1;
    }
    app_init(&slot->app, APP_RUNNER, &slot->config, tenants, &RUNNER_SERVICES);
    slot->app.user = &runner;
    slot->app.slot = index;
    slot->app.throttle = slot->throttle; /* plugins' routes: others are counted before */
    struct link_listener *listener;
    if (link_listen(slot->loop, SLOT_FD_LISTEN, runner_open, &runner, &listener))
        BUG("the slot's socket is unusable");
    loop_signal(slot->loop, SIGTERM, runner_stop, &runner);
    loop_signal(slot->loop, SIGHUP, slot_reload, slot);
    runner.parked_timer = loop_timer_new(slot->loop, INT32_MAX, 0, runner_unpark, &runner);
    runner.await_timer = loop_timer_new(slot->loop, INT32_MAX, 0, runner_await, &runner);
    runner.due_timer = loop_timer_new(slot->loop, 1000, 0, runner_tick, &runner);
    runner.is_swept = !slot_is_long(&slot->config, index);
    loop_timer_new(slot->loop, RUNNER_SWEEP_MS, RUNNER_SWEEP_MS, runner_sweep, &runner);
    loop_timer_new(slot->loop, 5000, 5000, runner_trim, &runner);
    loop_work(slot->loop, runner_work, &runner);
    runner_yield(slot);
    sandbox_enter(BOARD_RUNNER, &slot->config);
    link_send(slot->supervisor, FRAME_STATUS, 0, SLICE("ready"));
    loop_run(slot->loop);
    log_info("stopped");
    return 0;
}
