/* live - the streams of one gateway and their rounds.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/live.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/events.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

#define LISTEN_AGAIN_MS 50 /* after a worker has gone: its successor is asked */

struct live_stream {
    struct live *live;
    struct live_stream *previous, *next;
    struct conn *conn;     /* borrowed from its client, as is the request */
    const struct req *req; /* stays until the connection has closed */
    struct events events;
    uint64_t tenant_hash;
    char tenant[NAME_BYTES_MAX + 1];
    int place; /* on the board */
    bool is_due;
    bool has_ended;
    int64_t wrote_at_ms, slow_since_ms; /* monotonic; 0 = not slow */
};

struct live {
    struct gateway *gateway;
    struct live_stream *first;
    struct live_stream *at; /* where the next round goes on; NULL = at the first */
    int count;
    struct loop_timer *tick;
    bool has_due; /* perhaps: nobody looks through the streams without need */
};

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

/* --- opening and closing ------------------------------------------------------------------------
 */

static void open_refuse(struct exchange *x, enum board_stream why)
{
    struct ctx *ctx = x->call->ctx;
    static const char *const texts[][2] = {
        [BOARD_STREAM_USER] = {"You have too many windows open.", "您打开的窗口过多。"},
        [BOARD_STREAM_TENANT] = {"Too many people listen at once.", "同时在线的人数过多。"},
        [BOARD_STREAM_GATEWAY] = {"Too many people listen at once.", "同时在线的人数过多。"},
    };
    ctx->err.retry_after_s = STREAM_TICK_MS / 1000;
    pipeline_fail(x->call, err_say(&ctx->err, ERR_TOO_MANY, "too_many_streams", "%s",
                                   texts[why][ctx->lang == LANG_ZH]));
}

static enum board_stream place_take(struct live *live, const struct ctx *ctx,
                                    struct live_stream *stream)
{
    struct slot *slot = &live->gateway->slot;
    const struct config *config = &slot->config;
    struct board_bounds bounds = {
        .per_user = config->streams_per_user_max,
        .per_tenant = config->streams_per_tenant_max,
        .per_gateway = config->streams_max,
        .gateways = config->gateways,
    };
    const char *who =
        arena_printf(ctx->arena, "%s %lld", ctx->tenant->name, (long long)ctx->actor->user);
    return board_stream_take(slot->board, slot->index, stream->tenant_hash,
                             hash_stable(slice_str(who)), &bounds, &stream->place);
}

struct live_stream *live_open(struct exchange *x, struct conn *conn)
{
    struct live *live = x->gateway->live;
    const struct ctx *ctx = x->call->ctx;
    if (x->gateway->stopping) {
        pipeline_fail(x->call, ERR_BUSY);
        return NULL;
    }
    struct live_stream *stream = calloc(1, sizeof(*stream));
    ASSERT_MEMORY(stream);
    stream->live = live;
    stream->conn = conn;
    stream->req = x->req;
    stream->events = *x->call->events;
    stream->tenant_hash = hash_stable(slice_str(ctx->tenant->name));
    snprintf(stream->tenant, sizeof(stream->tenant), "%s", ctx->tenant->name);
    enum board_stream full = place_take(live, ctx, stream);
    if (full) {
        free(stream);
        open_refuse(x, full);
        return NULL;
    }
    conn_send_buffer(conn, STREAM_SEND_BUFFER_BYTES);
    stream->is_due = live->has_due = true;
    stream->wrote_at_ms = mono_ms();
    stream->next = live->first;
    if (stream->next)
        stream->next->previous = stream;
    live->first = stream;
    live->count++;
    atomic_store_explicit(&x->gateway->slot.mine->streams, live->count, memory_order_relaxed);
    forward_listen(x->gateway->forward, stream->tenant);
    return stream;
}

void live_close(struct live_stream *stream)
{
    struct live *live = stream->live;
    struct slot *slot = &live->gateway->slot;
    board_stream_give(slot->board, slot->index, stream->place);
    if (live->at == stream)
        live->at = stream->next;
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        live->first = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    live->count--;
    atomic_store_explicit(&slot->mine->streams, live->count, memory_order_relaxed);
    free(stream);
}

/* The client's connection closes later, and with it live_close. */
static void stream_end(struct live_stream *stream, enum err why)
{
    struct buf b = BUF_INIT;
    stream->has_ended = true;
    stream->is_due = false;
    events_put_end(why, &b);
    conn_write(stream->conn, &b);
    buf_release(&b);
    conn_close(stream->conn, true);
}

/* --- rounds -------------------------------------------------------------------------------------
 */

/* Nothing is added to what a slow reader has not taken. */
static bool stream_is_slow(struct live_stream *stream)
{
    if (conn_queued(stream->conn) < STREAM_QUEUE_BYTES_MAX) {
        stream->slow_since_ms = 0;
        return false;
    }
    int64_t now_ms = mono_ms();
    if (!stream->slow_since_ms)
        stream->slow_since_ms = now_ms;
    if (now_ms - stream->slow_since_ms > STREAM_SLOW_MS) {
        log_info("a stream of %s is not read any more: cut", stream->tenant);
        stream->has_ended = true;
        conn_close(stream->conn, false);
    }
    return true;
}

static void stream_write(struct live_stream *stream, struct buf *b)
{
    if (b->len == 0)
        return;
    struct board_slot *mine = stream->live->gateway->slot.mine;
    atomic_fetch_add_explicit(&mine->events, 1, memory_order_relaxed);
    stream->wrote_at_ms = mono_ms();
    conn_write(stream->conn, b);
}

/* A slow one is due again with the next tick. */
static void stream_round(struct live_stream *stream)
{
    struct slot *slot = &stream->live->gateway->slot;
    struct buf b = BUF_INIT;
    bool more = false;
    stream->is_due = false;
    if (stream_is_slow(stream))
        return;
    slot_busy(slot, stream->tenant);
    enum err e = events_round(&slot->app, stream->req, &stream->events, &b, &more);
    slot_busy(slot, NULL);
    stream_write(stream, &b);
    buf_release(&b);
    if (e && !events_is_passing(e))
        stream_end(stream, e);
    else
        stream->is_due = more;
}

/* Goes round the streams; true while some are due. */
static bool live_work(void *arg)
{
    struct live *live = arg;
    int looked = 0, rounds = 0;
    while (live->has_due && looked < live->count && rounds < STREAMS_PER_ROUND) {
        struct live_stream *stream = live->at ? live->at : live->first;
        live->at = stream->next;
        looked++;
        if (!stream->is_due || stream->has_ended)
            continue;
        stream_round(stream);
        rounds++;
    }
    live->has_due = rounds > 0;
    return live->has_due;
}

static void stream_heartbeat(struct live_stream *stream, int64_t now_ms)
{
    if (now_ms - stream->wrote_at_ms < STREAM_HEARTBEAT_MS || conn_queued(stream->conn) > 0)
        return;
    struct buf b = BUF_INIT;
    events_put_heartbeat(&stream->events, &b);
    conn_write(stream->conn, &b);
    buf_release(&b);
    stream->wrote_at_ms = now_ms;
}

/* What was told may have been lost with a worker; sessions end by time alone. */
static void live_tick(void *arg)
{
    struct live *live = arg;
    int64_t now_ms = mono_ms();
    for (struct live_stream *stream = live->first; stream; stream = stream->next) {
        if (stream->has_ended)
            continue;
        stream->is_due = live->has_due = true;
        stream_heartbeat(stream, now_ms);
        forward_listen(live->gateway->forward, stream->tenant);
    }
}

void live_moved(struct live *live, struct slice tenant)
{
    uint64_t hash = hash_stable(tenant);
    for (struct live_stream *stream = live->first; stream; stream = stream->next)
        if (stream->tenant_hash == hash && !stream->has_ended)
            stream->is_due = live->has_due = true;
}

void live_lost(struct live *live)
{
    if (live->count)
        loop_timer_again(live->tick, LISTEN_AGAIN_MS);
}

void live_stop(struct live *live)
{
    for (struct live_stream *stream = live->first; stream; stream = stream->next)
        if (!stream->has_ended)
            stream_end(stream, ERR_BUSY);
}

struct live *live_new(struct gateway *gateway)
{
    struct live *live = calloc(1, sizeof(*live));
    ASSERT_MEMORY(live);
    live->gateway = gateway;
    board_streams_clear(gateway->slot.board, gateway->slot.index);
    atomic_store_explicit(&gateway->slot.mine->streams, 0, memory_order_relaxed);
    live->tick =
        loop_timer_new(gateway->slot.loop, STREAM_TICK_MS, STREAM_TICK_MS, live_tick, live);
    loop_work(gateway->slot.loop, live_work, live);
    return live;
}
