/* worker - owns tenants: runs their writes in turns and lends the write turn to runners.
 *
 * One turn per tenant in a round. Waiting HTTP writes go before the next loan. Only the owner
 * checkpoints: passively when idle, by restart when the WAL has grown. A tenant whose units are
 * slow is reported to the supervisor, which moves it to the last worker.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/audit.h"
#include "auth/reset.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "process/sandbox.h"
#include "process/turn.h"
#include "record/blob.h"
#include "record/idem.h"
#include "tenant/folder.h"
#include "tenant/kv.h"

#define WORKER_NOTES_MAX      256 /* waiting notes of one tenant; more are dropped */
#define WORKER_CHECKPOINT_MS  200
#define WORKER_SWEEP_MS       60000
#define DAY_MS                (24LL * 3600 * 1000)
#define WORKER_WAL_LOOK_TURNS 2
#define WORKER_RESTART_MS     1000 /* between two tries to begin the WAL anew beside readers */

struct worker {
    struct slot slot;
    struct lanes lanes;
    struct work_peer *peers[256]; /* open links, to tell what moved */
    int peers_count;
    bool stopping;
};

/* --- frames in ----------------------------------------------------------------------------------
 */

static bool is_mine(struct worker *worker, const char *tenant)
{
    struct slot *slot = &worker->slot;
    if (!*tenant)
        return slot->index == 0;
    return board_owner(slot->board, slice_str(tenant), tenants_worker(slot->app.tenants, tenant)) ==
           slot->index;
}

/* Whether work of the tenant may be taken. Between "I have closed it" and the board's new entry it
 * has no owner: two workers must never write to one store. */
static bool lane_serves(struct worker *worker, struct lane *lane)
{
    if (!is_mine(worker, lane->name)) {
        lane->has_left = false; /* should it come back, it is served again */
        return false;
    }
    return !lane->is_leaving && !lane->has_left;
}

/* Requests wait while the turn is away: who has borrowed it is told to come back. */
static void lane_want(struct worker *worker, struct lane *lane)
{
    if (!lane->lent || !lane->first || lane->is_wanted)
        return;
    lane->is_wanted = true;
    board_want(worker->slot.board, slice_str(lane->name));
}

static void worker_request(struct worker *worker, struct work_peer *peer, uint64_t tag,
                           struct slice body)
{
    struct work *work = work_new(peer, tag, body);
    if (!work) {
        log_error("a request frame could not be read");
        return;
    }
    struct lane *lane = lanes_get(&worker->lanes, work->tenant);
    if (!lane_serves(worker, lane)) {
        work_return(work);
        work_free(work);
    } else if (worker->lanes.queued >= WORKER_QUEUE_MAX) {
        work_refuse(work, ERR_BUSY, 1);
        work_free(work);
    } else {
        lane_push(&worker->lanes, lane, work);
        lane_want(worker, lane);
    }
}

static void worker_note(struct worker *worker, struct slice body)
{
    struct reader r = {.rest = body};
    struct arena *arena = arena_new();
    struct lane *lane = lanes_get(&worker->lanes, arena_str(arena, reader_bytes(&r)));
    arena_free(arena);
    struct slice note = reader_bytes(&r);
    if (r.bad || lane->notes_count >= WORKER_NOTES_MAX || !lane_serves(worker, lane))
        return;
    buf_put_bytes(&lane->notes, note);
    lane->notes_count++;
}

static void worker_ask(struct worker *worker, struct work_peer *peer, uint64_t tag,
                       struct slice body)
{
    struct arena *arena = arena_new();
    const char *name = arena_str(arena, body);
    struct lane *lane = lanes_get(&worker->lanes, name);
    if (!lane_serves(worker, lane))
        link_send(peer->link, FRAME_MOVE, tag, (struct slice){0});
    else
        lane_ask(lane, peer, tag);
    arena_free(arena);
}

static void lane_wal_restart(struct worker *worker, struct lane *lane);

/* `pages` is the length of the WAL, which who borrowed the turn has just copied. */
static void worker_back(struct worker *worker, struct work_peer *peer, int pages, struct slice body)
{
    struct arena *arena = arena_new();
    struct lane *lane = lanes_get(&worker->lanes, arena_str(arena, body));
    arena_free(arena);
    if (!lane->lent || lane->lent->peer != peer)
        return;
    if (clock_mono_us() - lane->lent_at_us > 4 * TURN_LOAN_US)
        log_warn("a loan of %s lasted %lld ms", lane->name,
                 (long long)((clock_mono_us() - lane->lent_at_us) / 1000));
    free(lane->lent);
    lane->lent = NULL;
    lane->is_dirty = true;
    lane->is_moved = true;
    lane->active_at_ms = clock_mono_us() / 1000;
    if (pages > WAL_RESTART_PAGES)
        lane_wal_restart(worker, lane);
}

static void worker_cancel(struct worker *worker, struct work_peer *peer, uint64_t tag)
{
    for (int i = 0; i < worker->lanes.count; i++)
        lane_cancel(worker->lanes.order[i], peer, tag);
}

static void worker_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct work_peer *peer = link_user(link);
    struct worker *worker = peer->owner;
    switch (kind) {
    case FRAME_REQUEST:
        worker_request(worker, peer, tag, body);
        break;
    case FRAME_CANCEL:
        worker_cancel(worker, peer, tag);
        break;
    case FRAME_NOTE:
        worker_note(worker, body);
        break;
    case FRAME_LISTEN:
        peer->listens = true;
        break;
    case FRAME_TURN_ASK:
        worker_ask(worker, peer, tag, body);
        break;
    case FRAME_TURN_BACK:
        worker_back(worker, peer, (int)tag, body);
        break;
    default:
        log_error("an unexpected frame of kind %d", (int)kind);
        link_close(link);
    }
}

static void worker_closed(struct link *link)
{
    struct work_peer *peer = link_user(link);
    struct worker *worker = peer->owner;
    lanes_forget_peer(&worker->lanes, peer);
    for (int i = 0; i < worker->peers_count; i++)
        if (worker->peers[i] == peer)
            worker->peers[i] = worker->peers[--worker->peers_count];
    work_peer_closed(peer);
}

static void worker_open(struct link *link, void *user)
{
    struct worker *worker = user;
    struct work_peer *peer = work_peer_new(link, worker, worker_frame, worker_closed);
    if (worker->peers_count < (int)(sizeof(worker->peers) / sizeof(worker->peers[0])))
        worker->peers[worker->peers_count++] = peer;
}

/* --- turns --------------------------------------------------------------------------------------
 */

static void lane_lend(struct worker *worker, struct lane *lane)
{
    struct lane_loan *loan = lane->loans;
    lane->loans = loan->next;
    loan->next = NULL;
    lane->lent = loan;
    lane->lent_at_us = clock_mono_us();
    lane->is_wanted = false;
    lane_want(worker, lane); /* more than one turn's requests */
    atomic_fetch_add_explicit(&worker->slot.mine->loans, 1, memory_order_relaxed);
    link_send(loan->peer->link, FRAME_TURN_LENT, loan->tag, (struct slice){0});
}

/* Over SLOW_UNIT_US on average for a window: asks the supervisor to move it to the slow lane. */
static void lane_measure(struct worker *worker, struct lane *lane, const struct turn_result *turn)
{
    int64_t now_ms = clock_mono_us() / 1000;
    if (now_ms - lane->window_at_ms > SLOW_WINDOW_MS) {
        bool slow = lane->window_units > 20 && lane->window_us / lane->window_units > SLOW_UNIT_US;
        int last = worker->slot.config.workers - 1;
        if (slow && worker->slot.index != last && !lane->is_leaving)
            link_send(worker->slot.supervisor, FRAME_MOVE, FRAME_MOVE_TAG(worker->slot.index, last),
                      slice_str(lane->name));
        lane->window_at_ms = now_ms;
        lane->window_us = 0;
        lane->window_units = 0;
    }
    lane->window_us += turn->us;
    lane->window_units += turn->requests;
}

/* Gives the WAL's length before, 0 when that is not known; *busy: a reader holds it. */
static int lane_checkpoint(struct worker *worker, struct lane *lane, enum store_checkpoint how,
                           bool *busy)
{
    struct tenant *tenant = NULL;
    *busy = false;
    if (tenants_by_name(worker->slot.app.tenants, slice_str(lane->name), &tenant))
        return 0;
    int pages = 0;
    enum err e = store_checkpoint(tenant->store, how, &pages);
    *busy = e == ERR_BUSY;
    if (e && !*busy)
        log_error("checkpoint of %s: %s", lane->name, err_code(e));
    tenants_unpin(worker->slot.app.tenants, tenant);
    return pages;
}

/* The WAL begins anew only when no reader stands in it. Past the second bound who reads for long is
 * told to go out; past the first it is tried again, but not at once: it may wait for readers. */
static void lane_wal_restart(struct worker *worker, struct lane *lane)
{
    int64_t now_ms = clock_mono_us() / 1000;
    bool busy;
    if (now_ms < lane->restart_at_ms)
        return;
    int pages = lane_checkpoint(worker, lane, STORE_CHECKPOINT_RESTART, &busy);
    lane->restart_at_ms = busy ? now_ms + WORKER_RESTART_MS : 0;
    if (busy && pages > WAL_REOPEN_PAGES)
        board_reopen(worker->slot.board, slice_str(lane->name));
}

/* After a turn this connection knows the WAL's length; of a loan it is told. */
static void lane_wal_look(struct worker *worker, struct lane *lane)
{
    lane->active_at_ms = clock_mono_us() / 1000;
    if (++lane->turns < WORKER_WAL_LOOK_TURNS)
        return;
    lane->turns = 0;
    struct tenant *tenant = NULL;
    if (tenants_by_name(worker->slot.app.tenants, slice_str(lane->name), &tenant))
        return;
    int pages = store_wal_pages(tenant->store);
    tenants_unpin(worker->slot.app.tenants, tenant);
    if (pages > WAL_RESTART_PAGES)
        lane_wal_restart(worker, lane);
}

/* Everything is written and closed: the supervisor may let another worker take the tenant. */
static void lane_leave(struct worker *worker, struct lane *lane)
{
    bool busy;
    (void)lane_checkpoint(worker, lane, STORE_CHECKPOINT_TRUNCATE, &busy);
    tenants_drop(worker->slot.app.tenants, lane->name);
    lane->is_leaving = false;
    lane->has_left = true;
    lane->is_dirty = lane->is_stale = false;
    while (lane->loans) { /* who asked to borrow the turn asks the new owner */
        struct lane_loan *loan = lane->loans;
        lane->loans = loan->next;
        link_send(loan->peer->link, FRAME_MOVE, loan->tag, (struct slice){0});
        free(loan);
    }
    struct buf b = BUF_INIT;
    buf_put_bytes(&b, slice_str(lane->name));
    buf_put_u32(&b, (uint32_t)lane->leaving_to);
    link_send(worker->slot.supervisor, FRAME_RESULT, 0, buf_slice(&b));
    buf_release(&b);
}

static void lane_turn(struct worker *worker, struct lane *lane)
{
    slot_busy(&worker->slot, lane->name);
    if (!*lane->name) {
        turn_control(&worker->slot, &worker->lanes, lane);
        slot_busy(&worker->slot, NULL);
        return;
    }
    struct turn_result turn = turn_run(&worker->slot, &worker->lanes, lane);
    slot_busy(&worker->slot, NULL);
    if (!turn.committed)
        return;
    lane->is_dirty = true;
    lane->is_moved = true;
    lane->is_stale = true;
    atomic_fetch_add_explicit(&worker->slot.mine->turns, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->slot.mine->writes, turn.requests, memory_order_relaxed);
    lane_measure(worker, lane, &turn);
    lane_wal_look(worker, lane);
}

static bool worker_work(void *arg)
{
    struct worker *worker = arg;
    struct lane *lane = lanes_next(&worker->lanes);
    if (!lane)
        return false;
    if (lane->first || lane->notes_count)
        lane_turn(worker, lane);
    else if (lane->is_leaving)
        lane_leave(worker, lane);
    if (lane->loans && !lane->lent && !lane->is_leaving)
        lane_lend(worker, lane);
    return true;
}

/* --- timers and signals -------------------------------------------------------------------------
 */

/* What was erased leaves the file, too: search segments are merged and the log is emptied. A reader
 * in the way: at the next pause. */
static void lane_scrub(struct worker *worker, struct lane *lane)
{
    struct tenant *tenant = NULL;
    const struct json *due = NULL;
    if (!*lane->name || tenants_by_name(worker->slot.app.tenants, slice_str(lane->name), &tenant))
        return;
    struct arena *arena = arena_new();
    enum err e = tenant_setting(tenant, arena, TENANT_SCRUB, &due);
    if (!e && due && due->type == JSON_BOOL && due->boolean) {
        e = store_scrub(tenant->store);
        if (!e)
            e = store_begin(tenant->store, true);
        if (!e)
            e = tenant_setting_put(tenant, TENANT_SCRUB, SLICE("false"));
        if (!e)
            e = store_commit(tenant->store);
        else
            store_rollback(tenant->store);
        lane->is_dirty = e != ERR_OK;
    }
    if (e && e != ERR_BUSY)
        log_warn("what was erased of %s is still in its file: %s", lane->name, err_code(e));
    arena_free(arena);
    tenants_unpin(worker->slot.app.tenants, tenant);
}

static void lane_settle(struct worker *worker, struct lane *lane)
{
    bool busy;
    lane->is_dirty = false;
    (void)lane_checkpoint(worker, lane, STORE_CHECKPOINT_IDLE, &busy);
    lane_scrub(worker, lane);
}

static void worker_idle(void *arg)
{
    struct worker *worker = arg;
    struct tenants *tenants = worker->slot.app.tenants;
    int64_t now_ms = clock_mono_us() / 1000;
    for (int i = 0; i < worker->lanes.count; i++) {
        struct lane *lane = worker->lanes.order[i];
        if (!lane->is_dirty || lane->first || lane->lent || lane->loans ||
            now_ms - lane->active_at_ms < WORKER_CHECKPOINT_MS)
            continue;
        if (tenants_is_open(tenants, lane->name)) /* else who borrowed the turn has copied it */
            lane_settle(worker, lane);
    }
    app_rest(&worker->slot.app);
}

/* Bodies and answers whose process was killed before it could remove them. */
static void lane_sweep_files(struct lane *lane, struct tenant *tenant)
{
    struct arena *arena = arena_new();
    lane->blobs_at = (lane->blobs_at + 1) % BLOB_FOLDERS; /* one at a time: there may be many */
    if (blob_sweep(tenant, lane->blobs_at, clock_now_ms() - BLOB_ORPHAN_KEEP_MS))
        log_warn("files of %s that nobody names could not be removed", tenant->name);
    enum err e = folder_remove_older(arena_printf(arena, "%s/tmp", tenant->folder),
                                     clock_now_ms() - TMP_KEEP_MS);
    if (e)
        log_warn("old files in tmp/ of %s: %s", tenant->name, err_code(e));
    arena_free(arena);
}

/* What has had its time: sessions, idempotency keys, values of plugins, links for new passwords,
 * the oldest of the audit log. */
static enum err lane_sweep(struct tenant *tenant, int64_t audit_days)
{
    enum err e = store_begin(tenant->store, true);
    if (e)
        return e;
    e = session_sweep(tenant, clock_now_ms());
    if (!e)
        e = idem_sweep(tenant, clock_now_ms());
    if (!e)
        e = kv_sweep(tenant, clock_now_ms());
    if (!e)
        e = reset_sweep(tenant, clock_now_ms());
    if (!e)
        e = audit_purge(tenant, clock_now_ms() - audit_days * DAY_MS);
    if (e) {
        store_rollback(tenant->store);
        return e;
    }
    return store_commit(tenant->store);
}

/* One that only runners write to is not kept open for that; what they erased leaves its file. */
static void lane_settle_cold(struct worker *worker, struct lane *lane)
{
    lane_settle(worker, lane);
    tenants_drop(worker->slot.app.tenants, lane->name);
}

static void worker_sweep(void *arg)
{
    struct worker *worker = arg;
    struct tenants *tenants = worker->slot.app.tenants;
    for (int i = 0; i < worker->lanes.count; i++) {
        struct lane *lane = worker->lanes.order[i];
        struct tenant *tenant = NULL;
        if (!*lane->name || lane->lent || lane->is_leaving)
            continue;
        bool is_cold = !tenants_is_open(tenants, lane->name);
        if (!lane->is_stale && lane->is_dirty && is_cold)
            lane_settle_cold(worker, lane);
        if (!lane->is_stale)
            continue;
        lane->is_stale = false;
        if (tenants_by_name(tenants, slice_str(lane->name), &tenant))
            continue;
        lane_sweep_files(lane, tenant);
        enum err e = lane_sweep(tenant, worker->slot.config.audit_keep_days);
        if (e)
            log_warn("sweeping %s: %s", lane->name, err_code(e));
        tenants_unpin(tenants, tenant);
        lane->is_dirty = true;
        if (is_cold)
            lane_settle_cold(worker, lane);
    }
}

/* Tells the gateways that listen which tenants have moved, at most MOVED_PER_S a second each. */
static void worker_moved(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < worker->lanes.count; i++) {
        struct lane *lane = worker->lanes.order[i];
        if (!lane->is_moved)
            continue;
        lane->is_moved = false;
        for (int p = 0; p < worker->peers_count; p++)
            if (worker->peers[p]->listens)
                link_send(worker->peers[p]->link, FRAME_MOVED, 0, slice_str(lane->name));
    }
}

static void worker_supervisor_frame(struct link *link, enum frame_kind kind, uint64_t tag,
                                    struct slice body)
{
    struct slot *slot = link_user(link);
    struct worker *worker = (struct worker *)slot; /* the slot is its first member */
    if (kind != FRAME_MOVE)
        return;
    struct arena *arena = arena_new();
    struct lane *lane = lanes_get(&worker->lanes, arena_str(arena, body));
    arena_free(arena);
    if ((int)tag == worker->slot.index) { /* it stays after all */
        lane->has_left = lane->is_leaving = false;
        return;
    }
    if (!lane_serves(worker, lane))
        return;
    lane->is_leaving = true;
    lane->leaving_to = (int)tag;
}

static void worker_try_end(void *arg)
{
    struct worker *worker = arg;
    for (int i = 0; i < worker->lanes.count; i++)
        if (lane_is_ready(worker->lanes.order[i]) || worker->lanes.order[i]->lent)
            return;
    loop_stop(worker->slot.loop);
}

static void worker_stop(void *arg)
{
    struct worker *worker = arg;
    if (worker->stopping)
        return;
    worker->stopping = true;
    loop_timer_new(worker->slot.loop, 1, 10, worker_try_end, worker);
}

static void worker_orphaned(struct link *link)
{
    (void)link;
    _exit(0);
}

static void worker_wake(struct app *app, struct tenant *tenant, int64_t run_at_ms)
{
    struct worker *worker = app->user;
    slot_wake(&worker->slot, tenant->name, run_at_ms);
}

static int worker_owner(struct app *app, const char *tenant)
{
    struct worker *worker = app->user;
    return board_owner(worker->slot.board, slice_str(tenant), tenants_worker(app->tenants, tenant));
}

static void worker_move(struct app *app, const char *tenant, int to)
{
    struct worker *worker = app->user;
    link_send(worker->slot.supervisor, FRAME_MOVE, FRAME_MOVE_TAG(worker_owner(app, tenant), to),
              slice_str(tenant));
}

static const struct app_services WORKER_SERVICES = {
    .wake = worker_wake,
    .owner = worker_owner,
    .move = worker_move,
};

static int worker_open_stores(struct worker *worker)
{
    struct slot *slot = &worker->slot;
    struct tenants *tenants = NULL;
    const char *why = NULL;
    enum err e = tenants_new(&slot->config, STORE_OWNER, slot->config.workers, &tenants, &why);
    if (!e) {
        app_init(&slot->app, APP_WORKER, &slot->config, tenants, &WORKER_SERVICES);
        slot->app.user = worker;
        slot->app.slot = slot->index;
        if (slot->index == 0)
            e = tenants_own_control(tenants, STORE_OWNER, &why);
        if (!e && slot->index == 0)
            slot->app.control = tenants_control(tenants);
    }
    if (e)
        fprintf(stderr, "perigee: %s\n", why ? why : "control.db cannot be opened");
    return e ? 1 : 0;
}

int worker_main(int index)
{
    static struct worker worker;
    struct slot *slot = &worker.slot;
    slot_init(slot, BOARD_WORKER, index);
    link_set(slot->supervisor, slot, worker_supervisor_frame, worker_orphaned);
    lanes_init(&worker.lanes);
    if (worker_open_stores(&worker))
        return 1;
    struct link_listener *listener;
    if (link_listen(slot->loop, SLOT_FD_LISTEN, worker_open, &worker, &listener))
        BUG("the slot's socket is unusable");
    loop_signal(slot->loop, SIGTERM, worker_stop, &worker);
    loop_signal(slot->loop, SIGHUP, slot_reload, slot);
    loop_timer_new(slot->loop, WORKER_CHECKPOINT_MS, WORKER_CHECKPOINT_MS, worker_idle, &worker);
    loop_timer_new(slot->loop, WORKER_SWEEP_MS, WORKER_SWEEP_MS, worker_sweep, &worker);
    loop_timer_new(slot->loop, 1000 / MOVED_PER_S, 1000 / MOVED_PER_S, worker_moved, &worker);
    loop_work(slot->loop, worker_work, &worker);
    sandbox_enter(BOARD_WORKER, &slot->config);
    slot_warm(slot);
    link_send(slot->supervisor, FRAME_STATUS, 0, SLICE("ready"));
    loop_run(slot->loop);
    bool busy;
    for (int i = 0; i < worker.lanes.count; i++)
        if (*worker.lanes.order[i]->name && lane_serves(&worker, worker.lanes.order[i]))
            (void)lane_checkpoint(&worker, worker.lanes.order[i], STORE_CHECKPOINT_TRUNCATE, &busy);
    log_info("stopped");
    return 0;
}
