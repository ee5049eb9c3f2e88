/* gateway - TLS, HTTP, static files, sessions, native reads; everything else is passed on.
 *
 * Never runs Lua. Stores are open read-only. A native read that was stopped for using too much CPU
 * is remembered by tenant and shape and goes to the quick lane for a while.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/actor.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/tls.h"
#include "process/keyuse.h"
#include "process/live.h"
#include "process/sandbox.h"

#define HEAVY_SLOTS     1024
#define HEAVY_MS        (5 * 60 * 1000)
#define REFUSALS_SLOTS  1024
#define REFUSALS_MS     60000
#define AGAIN_TRIES_MAX 400 /* 5 ms apart: a tenant's move, a model being applied */

/* Reads that were too heavy for a gateway: shape → until when they go to the quick lane. */
static struct heavy {
    uint64_t shape;
    int64_t until_ms;
} heavies[HEAVY_SLOTS];

static uint64_t shape_of(const struct exchange *x)
{
    struct arena *arena = x->call->ctx->arena;
    const char *text = arena_printf(arena, "%s %.*s %.*s", x->call->ctx->tenant->name,
                                    SLICE_ARG(x->req->target), SLICE_ARG(x->req->body));
    return hash_bytes(slice_str(text));
}

static bool is_heavy(const struct exchange *x, uint64_t *shape)
{
    if (!x->call->ctx->tenant)
        return false;
    *shape = shape_of(x);
    const struct heavy *heavy = &heavies[*shape % HEAVY_SLOTS];
    return heavy->shape == *shape && heavy->until_ms > x->call->ctx->now_ms;
}

enum err exchange_admit(struct exchange *x, int64_t *body_max)
{
    enum err e = pipeline_admit(x->call, true, body_max);
    if (e && x->call->model_pending) { /* the owner must apply the model first: let it answer */
        *body_max = BODY_JSON_BYTES_MAX;
        return ERR_OK;
    }
    return e;
}

static bool runs_native(const struct exchange *x)
{
    return x->call->route->runs == RUNS_GATEWAY && !x->call->model_pending;
}

static void run_native(struct exchange *x)
{
    uint64_t shape = 0;
    if (is_heavy(x, &shape)) {
        forward_send(x->gateway->forward, x, RUNS_QUICK);
        return;
    }
    slot_busy(&x->gateway->slot, x->call->ctx->tenant ? x->call->ctx->tenant->name : "-");
    enum err e = pipeline_run(x->call);
    slot_busy(&x->gateway->slot, NULL);
    if (e == ERR_TIMEOUT && x->call->ctx->tenant) {
        heavies[shape % HEAVY_SLOTS] =
            (struct heavy){.shape = shape, .until_ms = x->call->ctx->now_ms + HEAVY_MS};
        resp_clear(&x->resp);
        forward_send(x->gateway->forward, x, RUNS_QUICK);
        return;
    }
    x->answered(x);
}

static void exchange_run(struct exchange *x)
{
    if (runs_native(x))
        run_native(x);
    else
        forward_send(x->gateway->forward, x,
                     x->call->model_pending ? RUNS_WORKER : x->call->route->runs);
}

void exchange_start(struct exchange *x)
{
    ASSERT(x->call->route);

    x->gateway->exchanges++;
    x->tries = 0;
    exchange_run(x);
}

void exchange_again(struct exchange *x)
{
    struct call *old = x->call;
    if (++x->tries > AGAIN_TRIES_MAX) {
        old->ctx->err.retry_after_s = 1;
        pipeline_fail(old, ERR_BUSY);
        x->answered(x);
        return;
    }
    bool is_operator = old->is_operator;
    struct arena *arena = old->ctx->arena;
    pipeline_end(old);
    resp_clear(&x->resp);
    x->call = pipeline_call_new(&x->gateway->slot.app, arena, x->req, &x->resp);
    x->call->is_operator = is_operator;
    int64_t body_max = 0;
    enum err e = pipeline_admit(x->call, false, &body_max);
    if (!e && x->is_unbuilt) /* this process has a model from before: it would ask in vain */
        x->call->model_pending = true;
    x->is_unbuilt = false;
    if (e && !x->call->model_pending)
        x->answered(x);
    else
        exchange_run(x);
}

void exchange_cancel(struct exchange *x)
{
    forward_cancel(x->gateway->forward, x);
}

/* Refusals of one actor at one route are written once a minute, with how many there were before:
 * who is refused in a loop must not fill the company's log. */
static struct refusals {
    uint64_t who;
    int64_t until_ms, count;
} refused_lately[REFUSALS_SLOTS];

/* False: counted for a later one. *before: how many were only counted since the last. */
static bool refusal_is_due(const struct call *call, int64_t *before)
{
    const struct actor *actor = call->ctx->actor;
    const char *text = arena_printf(call->ctx->arena, "%s %lld %s", call->ctx->tenant->name,
                                    (long long)(actor->api_key ? actor->api_key : actor->user),
                                    call->route->pattern);
    uint64_t who = hash_bytes(slice_str(text));
    struct refusals *slot = &refused_lately[who % REFUSALS_SLOTS];
    int64_t now_ms = call->ctx->now_ms;
    bool same = slot->who == who;
    if (same && slot->until_ms > now_ms) {
        slot->count++;
        return false;
    }
    *before = same ? slot->count : 0;
    *slot = (struct refusals){.who = who, .until_ms = now_ms + REFUSALS_MS};
    return true;
}

/* What the store must know of it, told to the owner one way: the session was seen, a right was
 * refused. */
static void exchange_note(struct exchange *x)
{
    struct call *call = x->call;
    const struct actor *actor = call->ctx->actor;
    if (!actor || !call->ctx->tenant)
        return;
    if (actor->api_key)
        keyuse_count(x->gateway->forward, call->ctx->tenant->name, actor->api_key, x->resp.status);
    int64_t before = 0;
    bool refused = x->resp.status == 403 && call->route && refusal_is_due(call, &before);
    if (!call->seen_due && !refused)
        return;
    struct buf b = BUF_INIT;
    buf_put_u8(&b, refused ? 'r' : 's');
    buf_put_i64(&b, actor->user);
    buf_put_i64(&b, actor->session);
    buf_put_i64(&b, actor->api_key);
    buf_put_bytes(&b, slice_str(call->route ? call->route->pattern : ""));
    buf_put_bytes(&b, slice_str(x->req->address ? x->req->address : ""));
    buf_put_i64(&b, before);
    forward_note(x->gateway->forward, call->ctx->tenant->name, buf_slice(&b));
    buf_release(&b);
}

static void exchange_count(struct exchange *x)
{
    struct board_slot *mine = x->gateway->slot.mine;
    int64_t us = clock_mono_us() - x->started_us;
    int status = x->resp.status;
    atomic_fetch_add_explicit(&mine->requests, 1, memory_order_relaxed);
    if (status >= 400)
        atomic_fetch_add_explicit(status >= 500 ? &mine->errors : &mine->refused, 1,
                                  memory_order_relaxed);
    board_latency(mine, us);
    if (!x->gateway->slot.config.access_log || !log_wants(LOG_INFO))
        return;
    const struct req *req = x->req;
    struct buf b = BUF_INIT;
    buf_printf(&b, "\"status\":%d,\"us\":%lld,\"bytes\":%zu,\"method\":\"%s\",\"path\":", status,
               (long long)us, x->resp.body.len, http_method_name(req->method));
    json_put_string(&b, req->path);
    buf_put_str(&b, ",\"tenant\":");
    json_put_cstr(&b, x->call->ctx->tenant ? x->call->ctx->tenant->name : NULL);
    buf_printf(&b, ",\"address\":\"%s\"", req->address ? req->address : "");
    log_trace(req->trace);
    log_line(LOG_INFO, buf_cstr(&b), "access");
    log_trace(NULL);
    buf_release(&b);
}

void exchange_end(struct exchange *x)
{
    if (x->req && x->req->path.at && x->call) {
        exchange_note(x);
        exchange_count(x);
    }
    if (x->call)
        pipeline_end(x->call);
    x->call = NULL;
    resp_release(&x->resp);
}

/* --- wiring -------------------------------------------------------------------------------------
 */

static void gateway_metrics(struct app *app, struct buf *out)
{
    struct gateway *gateway = app->user;
    board_metrics(gateway->slot.board, out);
}

static const struct app_services GATEWAY_SERVICES = {.metrics = gateway_metrics};

static void gateway_listen(struct gateway *gateway, int which, int fd, struct tls *tls,
                           conn_open_cb open_cb)
{
    if (!gateway->slot.has_fd[fd])
        return; /* this listener is not configured */
    struct listener_opts opts = {.tls = tls,
                                 .open_cb = open_cb,
                                 .user = gateway,
                                 .conns_max = gateway->slot.config.conns_max,
                                 .per_address_max = gateway->slot.config.conns_per_address_max,
                                 .handshake_ms_max = HEADER_TIMEOUT_MS};
    if (listener_open(gateway->slot.loop, fd, &opts, &gateway->listeners[which]))
        BUG("an inherited listening socket is unusable");
}

static void gateway_try_end(struct gateway *gateway)
{
    if (gateway->stopping && gateway->clients == 0 && gateway->exchanges == 0)
        loop_stop(gateway->slot.loop);
}

static void gateway_poll_end(void *arg)
{
    gateway_try_end(arg);
}

static void gateway_late(void *arg)
{
    struct gateway *gateway = arg;
    log_warn("stopping with %d connections and %d requests still open", gateway->clients,
             gateway->exchanges);
    loop_stop(gateway->slot.loop);
}

static void gateway_stop(void *arg)
{
    struct gateway *gateway = arg;
    if (gateway->stopping)
        return;
    gateway->stopping = true;
    gateway->slot.app.stopping = true;
    for (int i = 0; i < 3; i++)
        if (gateway->listeners[i])
            listener_close(gateway->listeners[i]);
    if (gateway->commands)
        link_listener_close(gateway->commands);
    gateway->commands = NULL;
    live_stop(gateway->live);
    clients_close_idle(gateway);
    keyuse_flush(gateway->forward);
    loop_timer_new(gateway->slot.loop, 20, 20, gateway_poll_end, gateway);
    loop_timer_new(gateway->slot.loop, STOP_GRACE_MS - 500, 0, gateway_late, gateway);
}

static void gateway_reload(void *arg)
{
    struct gateway *gateway = arg;
    const char *why = NULL;
    slot_reload(&gateway->slot);
    const struct config *config = &gateway->slot.config;
    for (int i = 0; i < 3 && !gateway->stopping; i++)
        if (gateway->listeners[i])
            listener_bound(gateway->listeners[i], config->conns_max, config->conns_per_address_max);
    if (gateway->tls && tls_reload(gateway->tls, &why))
        log_error("the certificate was not replaced: %s", why ? why : "unreadable");
    else if (gateway->tls)
        log_info("certificate read again");
    if (gateway->slot.app.tenants)
        tenants_reload(gateway->slot.app.tenants);
}

static void gateway_tls(struct gateway *gateway)
{
    const struct config *config = &gateway->slot.config;
    if (!config->tls_listen)
        return;
    tls_init();
    const char *why = NULL;
    if (tls_new(config->tls_cert, config->tls_key, &gateway->tls, &why)) {
        fprintf(stderr, "perigee: TLS: %s\n", why ? why : "certificate or key unreadable");
        exit(1);
    }
}

static void gateway_tell_keys(void *arg)
{
    struct gateway *gateway = arg;
    keyuse_flush(gateway->forward);
}

static void gateway_trim(void *arg)
{
    struct gateway *gateway = arg;
    app_rest(&gateway->slot.app);
}

int gateway_main(int index)
{
    static struct gateway gateway; /* zeroed; lives as long as the process */
    struct slot *slot = &gateway.slot;
    slot_init(slot, BOARD_GATEWAY, index);
    gateway_tls(&gateway);
    struct tenants *tenants = NULL;
    const char *why = NULL;
    if (tenants_new(&slot->config, STORE_READ, slot->config.workers, &tenants, &why)) {
        fprintf(stderr, "perigee: %s\n", why ? why : "control.db cannot be read");
        return 1;
    }
    app_init(&slot->app, APP_GATEWAY, &slot->config, tenants, &GATEWAY_SERVICES);
    slot->app.user = &gateway;
    slot->app.throttle = slot->throttle;
    gateway.forward = forward_new(&gateway);
    gateway.live = live_new(&gateway);
    loop_signal(slot->loop, SIGTERM, gateway_stop, &gateway);
    loop_signal(slot->loop, SIGINT, gateway_stop, &gateway);
    loop_signal(slot->loop, SIGHUP, gateway_reload, &gateway);
    gateway_listen(&gateway, 0, SLOT_FD_LISTEN, NULL, client_accept);
    gateway_listen(&gateway, 1, SLOT_FD_TLS, gateway.tls, client_accept);
    gateway_listen(&gateway, 2, SLOT_FD_OPERATOR, NULL, client_accept_operator);
    if (slot->has_fd[SLOT_FD_COMMAND] &&
        link_listen(slot->loop, SLOT_FD_COMMAND, command_open, &gateway, &gateway.commands))
        BUG("the command socket is unusable");
    loop_timer_new(slot->loop, 5000, 5000, gateway_trim, &gateway);
    loop_timer_new(slot->loop, KEY_USE_MS, KEY_USE_MS, gateway_tell_keys, &gateway);
    sandbox_enter(BOARD_GATEWAY, &slot->config);
    slot_warm(slot);
    link_send(slot->supervisor, FRAME_STATUS, 0, SLICE("ready"));
    loop_run(slot->loop);
    log_info("stopped");
    return 0;
}
