/* live - open streams of live events on one gateway: when each is looked at, and when it ends.
 *
 * A stream is looked at when its tenant's worker says that it has been written to (at most
 * MOVED_PER_S a second) and every STREAM_TICK_MS regardless, a few streams in each round of the
 * loop so that requests do not wait for them. What is told and who may still listen is decided in
 * api/events. Nothing is read for a client that has not taken what it was sent; one that stays slow
 * is cut and comes back with Last-Event-ID.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "process/gateway.h"

struct live;
struct live_stream;

struct live *live_new(struct gateway *gateway);
/* Makes a stream of the exchange's answer, whose head the caller then writes: the request stays
 * where it is until live_close. NULL when there are too many or the server stops: the answer then
 * says so. */
struct live_stream *live_open(struct exchange *exchange, struct conn *conn);
/* The connection has gone. */
void live_close(struct live_stream *stream);
/* That tenant has been written to. */
void live_moved(struct live *live, struct slice tenant);
/* The link to a worker has broken: what it would have told must be asked of the next one. */
void live_lost(struct live *live);
/* Ends every stream; no new one begins. */
void live_stop(struct live *live);
