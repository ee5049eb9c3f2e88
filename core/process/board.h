/* board - one shared page on which every process of the server writes what others must know.
 *
 * Made by the supervisor as a memfd before the first spawn and inherited by every child. A slot has
 * one writer (its process); readers are the supervisor (liveness, ids) and the gateway that renders
 * /metrics. Plain C11 atomics, no locks. It also holds the ownership table: tenants that were moved
 * away from the worker their hash would give.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "hook/late.h"

enum board_role { BOARD_NONE, BOARD_GATEWAY, BOARD_WORKER, BOARD_RUNNER };

struct board_slot {
    _Atomic int role, index, pid, node;
    _Atomic int64_t id_ms;         /* last millisecond an id was minted in */
    _Atomic int64_t busy_since_us; /* monotonic; 0 = waiting for work */
    _Atomic int64_t turn_since_us; /* runner: a write turn is borrowed; 0 = none */
    _Atomic int64_t reopen;        /* runner: end the snapshot of what you are busy with */
    _Atomic int64_t wanted;        /* runner: requests wait for the write turn you have borrowed */
    _Atomic uint64_t busy_tenant;  /* stable hash of the tenant's name, for the kill's log line */
    _Atomic int64_t requests, errors, refused, turns, writes, loans, starts;
    _Atomic int64_t latency_us[16]; /* counts; bucket i holds answers below 64 << i microseconds */
    _Atomic int64_t bytes_in, bytes_out, conns;
    struct late late;                /* a script that overruns its time */
    _Atomic int64_t streams, events; /* open streams of live events; rounds that told something */
};

struct board; /* the mapped page */

struct board *board_new(void);    /* supervisor */
struct board *board_open(int fd); /* child */
int board_fd(const struct board *board);
/* Slots are numbered gateways, workers, runners. NULL beyond BOARD_SLOTS_MAX. */
struct board_slot *board_slot(struct board *board, int number);
void board_latency(struct board_slot *slot, int64_t us);
/* Worker slot that owns the tenant: where it was moved to, or `by_default`. */
int board_owner(struct board *board, struct slice tenant, int by_default);
/* Supervisor only. false when the table is full. worker -1 forgets it. */
bool board_move(struct board *board, struct slice tenant, int worker);
/* The same by hash_stable of the name, as slots say what they are busy with. Not 0. */
bool board_move_hash(struct board *board, uint64_t tenant, int worker);
/* Streams of live events are counted over all gateways: each has a row of places on the page. */
enum board_stream { BOARD_STREAM_OK, BOARD_STREAM_USER, BOARD_STREAM_TENANT, BOARD_STREAM_GATEWAY };
struct board_bounds {
    int per_user, per_tenant, per_gateway, gateways;
};
/* A gateway that starts has none. */
void board_streams_clear(struct board *board, int gateway);
/* Takes a place, or says which bound is reached. who: hash of tenant and user; tenant: of the
 * tenant alone; both hash_stable. */
enum board_stream board_stream_take(struct board *board, int gateway, uint64_t tenant, uint64_t who,
                                    const struct board_bounds *bounds, int *place);
void board_stream_give(struct board *board, int gateway, int place);
/* Moves whenever code is set aside or released (tenant/quarantine.h). */
_Atomic uint32_t *board_marks(struct board *board);
/* Tells every runner that is busy with the tenant to end its snapshot. */
void board_reopen(struct board *board, struct slice tenant);
/* Tells it that requests wait for the tenant's write turn, should it have borrowed that. */
void board_want(struct board *board, struct slice tenant);
void board_metrics(struct board *board, struct buf *out);
