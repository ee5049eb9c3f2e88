/* forward - requests that run elsewhere: to the worker that owns the tenant, or to a runner's lane.
 *
 * One link per worker and runner slot, connected on first use and again after it broke. An answer
 * is paired with its exchange by tag. When a link breaks, what had been sent over it is answered
 * 503: a write's outcome is then unknown, and the client repeats it with its Idempotency-Key.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/gateway.h"
#include "process/live.h"
#include "process/work.h"

#define FORWARD_TICK_MS  250
#define FORWARD_AGAIN_MS 5          /* between tries while a tenant is being moved */
#define FORWARD_LINK_MAX (32 << 20) /* bytes waiting in one link: above, 503 */

struct forward_peer {
    struct forward *forward;
    enum board_role role;
    int index;
    struct link *link;        /* NULL while not connected */
    struct exchange *waiting; /* sent over this link */
    int waiting_count;
};

struct forward {
    struct gateway *gateway;
    struct forward_peer workers[SLOTS_PER_ROLE_MAX], runners[SLOTS_PER_ROLE_MAX];
    struct exchange *again; /* the owner had changed: to be sent once more */
    struct loop_timer *again_timer;
    uint64_t last_tag;
};

static void peer_add(struct exchange **list, struct exchange *x)
{
    x->previous = NULL;
    x->next = *list;
    if (*list)
        (*list)->previous = x;
    *list = x;
}

static void peer_remove(struct exchange **list, struct exchange *x)
{
    if (x->previous)
        x->previous->next = x->next;
    else
        *list = x->next;
    if (x->next)
        x->next->previous = x->previous;
    x->previous = x->next = NULL;
}

static void forward_fail(struct exchange *x, enum err e, int retry_after_s)
{
    x->call->ctx->err.retry_after_s = retry_after_s;
    pipeline_fail(x->call, e);
    x->answered(x);
}

static void peer_settle(struct exchange *x)
{
    peer_remove(&x->peer->waiting, x);
    x->peer->waiting_count--;
    x->peer = NULL;
}

static void peer_frame(struct link *link, enum frame_kind kind, uint64_t tag, struct slice body)
{
    struct forward_peer *peer = link_user(link);
    if (kind == FRAME_MOVED) { /* reads look at the store's header themselves: only streams wait */
        live_moved(peer->forward->gateway->live, body);
        return;
    }
    struct exchange *x = peer->waiting;
    while (x && x->tag != tag)
        x = x->next;
    if (!x)
        return; /* cancelled */
    peer_settle(x);
    if (kind == FRAME_MOVE) { /* not that worker's any more; or no model for a runner */
        x->is_unbuilt = peer->role == BOARD_RUNNER;
        peer_add(&peer->forward->again, x);
        loop_timer_again(peer->forward->again_timer, FORWARD_AGAIN_MS);
        return;
    }
    struct resp resp;
    if (kind != FRAME_ANSWER || resp_decode(x->call->ctx->arena, body, &resp)) {
        log_error("an answer could not be read");
        forward_fail(x, ERR_INTERNAL, 0);
        return;
    }
    resp_release(&x->resp);
    x->resp = resp;
    x->answered(x);
}

static void peer_closed(struct link *link)
{
    struct forward_peer *peer = link_user(link);
    peer->link = NULL;
    if (peer->role == BOARD_WORKER)
        live_lost(peer->forward->gateway->live);
    struct exchange *x = peer->waiting;
    while (x) {
        struct exchange *next = x->next;
        peer_settle(x);
        forward_fail(x, x->is_write ? ERR_OUTCOME_UNKNOWN : ERR_BUSY, 1);
        x = next;
    }
}

static bool peer_connect(struct forward_peer *peer)
{
    if (peer->link)
        return true;
    struct slot *slot = &peer->forward->gateway->slot;
    struct arena *arena = arena_new();
    const char *path = slot_path(arena, &slot->config, peer->role, peer->index);
    enum err e = link_connect(slot->loop, path, &peer->link);
    arena_free(arena);
    if (e) {
        peer->link = NULL;
        return false;
    }
    link_set(peer->link, peer, peer_frame, peer_closed);
    return true;
}

static struct forward_peer *peer_runner(struct forward *forward, bool quick)
{
    const struct config *config = &forward->gateway->slot.config;
    struct forward_peer *best = NULL;
    for (int i = 0; i < config->runners; i++) {
        struct forward_peer *peer = &forward->runners[i];
        if (quick ? !slot_is_quick(config, i) : !slot_is_long(config, i))
            continue;
        if (!best || peer->waiting_count < best->waiting_count)
            best = peer;
    }
    return best;
}

static struct forward_peer *peer_of(struct forward *forward, const struct exchange *x,
                                    enum route_runs where)
{
    struct slot *slot = &forward->gateway->slot;
    if (where == RUNS_QUICK || where == RUNS_LONG)
        return peer_runner(forward, where == RUNS_QUICK);
    int worker = 0;
    if (where == RUNS_WORKER) {
        const char *name = x->call->ctx->tenant->name;
        worker = board_owner(slot->board, slice_str(name), tenants_worker(slot->app.tenants, name));
    }
    return &forward->workers[worker % slot->config.workers];
}

static int64_t wait_ms(enum route_runs where)
{
    return where == RUNS_LONG ? LONG_WAIT_MS : OUTCOME_WAIT_MS;
}

/* flags, tenant, request: what work_new reads on the other side. */
static void forward_put(const struct exchange *x, struct buf *b)
{
    buf_put_u8(b, (uint8_t)((x->call->is_operator ? WORK_IS_OPERATOR : 0) |
                            (x->call->model_pending ? WORK_PREPARE : 0)));
    buf_put_bytes(b, slice_str(x->call->ctx->tenant ? x->call->ctx->tenant->name : ""));
    req_encode(x->req, b);
}

void forward_send(struct forward *forward, struct exchange *x, enum route_runs where)
{
    pipeline_leave(x->call);
    struct forward_peer *peer = peer_of(forward, x, where);
    if (!peer || !peer_connect(peer) || link_queued(peer->link) > FORWARD_LINK_MAX) {
        forward_fail(x, ERR_BUSY, 1);
        return;
    }
    x->tag = ++forward->last_tag;
    x->peer = peer;
    x->is_write = x->req->method != HTTP_GET && x->req->method != HTTP_HEAD &&
                  x->call->route->runs != RUNS_GATEWAY;
    x->deadline_ms = clock_mono_us() / 1000 + wait_ms(where);
    peer_add(&peer->waiting, x);
    peer->waiting_count++;
    struct buf b = BUF_INIT;
    forward_put(x, &b);
    link_send(peer->link, FRAME_REQUEST, x->tag, buf_slice(&b));
    buf_release(&b);
}

static void forward_again(void *arg)
{
    struct forward *forward = arg;
    struct exchange *x = forward->again;
    forward->again = NULL;
    while (x) {
        struct exchange *next = x->next;
        x->previous = x->next = NULL;
        exchange_again(x);
        x = next;
    }
}

void forward_cancel(struct forward *forward, struct exchange *x)
{
    if (x->peer) {
        if (x->peer->link)
            link_send(x->peer->link, FRAME_CANCEL, x->tag, (struct slice){0});
        peer_settle(x);
    } else {
        peer_remove(&forward->again, x);
    }
    pipeline_fail(x->call, ERR_OUTCOME_UNKNOWN);
    x->answered(x);
}

static struct forward_peer *peer_owner(struct forward *forward, const char *tenant)
{
    struct slot *slot = &forward->gateway->slot;
    int worker =
        board_owner(slot->board, slice_str(tenant), tenants_worker(slot->app.tenants, tenant));
    return &forward->workers[worker % slot->config.workers];
}

void forward_listen(struct forward *forward, const char *tenant)
{
    struct forward_peer *peer = peer_owner(forward, tenant);
    if (peer_connect(peer)) /* a worker that is just being started is asked again soon */
        link_send(peer->link, FRAME_LISTEN, 0, (struct slice){0});
}

void forward_note(struct forward *forward, const char *tenant, struct slice note)
{
    struct forward_peer *peer = peer_owner(forward, tenant);
    if (!peer_connect(peer))
        return; /* a note may be lost: it is repeated or it is a count */
    struct buf b = BUF_INIT;
    buf_put_bytes(&b, slice_str(tenant));
    buf_put_bytes(&b, note);
    link_send(peer->link, FRAME_NOTE, 0, buf_slice(&b));
    buf_release(&b);
}

/* Nothing waits for ever: a worker that hangs is killed by the supervisor, but the client is
 * answered in time either way. */
static void peer_expire(struct forward_peer *peer, int64_t now_ms)
{
    struct exchange *x = peer->waiting;
    while (x) {
        struct exchange *next = x->next;
        if (x->deadline_ms <= now_ms) {
            if (peer->link)
                link_send(peer->link, FRAME_CANCEL, x->tag, (struct slice){0});
            peer_settle(x);
            forward_fail(x, x->is_write ? ERR_OUTCOME_UNKNOWN : ERR_TIMEOUT, 1);
        }
        x = next;
    }
}

static void forward_tick(void *arg)
{
    struct forward *forward = arg;
    int64_t now_ms = clock_mono_us() / 1000;
    for (int i = 0; i < forward->gateway->slot.config.workers; i++)
        peer_expire(&forward->workers[i], now_ms);
    for (int i = 0; i < forward->gateway->slot.config.runners; i++)
        peer_expire(&forward->runners[i], now_ms);
}

struct forward *forward_new(struct gateway *gateway)
{
    struct forward *forward = calloc(1, sizeof(*forward));
    ASSERT_MEMORY(forward);
    forward->gateway = gateway;
    for (int i = 0; i < SLOTS_PER_ROLE_MAX; i++) {
        forward->workers[i] =
            (struct forward_peer){.forward = forward, .role = BOARD_WORKER, .index = i};
        forward->runners[i] =
            (struct forward_peer){.forward = forward, .role = BOARD_RUNNER, .index = i};
    }
    struct loop *loop = gateway->slot.loop;
    loop_timer_new(loop, FORWARD_TICK_MS, FORWARD_TICK_MS, forward_tick, forward);
    forward->again_timer = loop_timer_new(loop, INT32_MAX, 0, forward_again, forward);
    return forward;
}

void forward_free(struct forward *forward)
{
    free(forward);
}
