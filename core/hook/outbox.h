/* outbox - what handlers are told after the commit: rows written with the data, delivered by
 * runners.
 *
 * A row is a job of queue "outbox", so leases and order come from there: its stream is the handler
 * and the record, and only the oldest of a stream is delivered. A delivery that fails is tried
 * again after 1 m, 5 m, 30 m, 2 h, 12 h, 24 h and 36 h; then it is a dead letter, until a person
 * replays or discards it. A paused handler (hook/trip.h) keeps its rows in the state "paused". A
 * row that was delivered is deleted. An event of the core (outbox_announce) is one row first, which
 * the runner replaces by a row for each handler: who fires it need not know the scripts.
 *
 * Body: handler, plugin, id, bound (entity of the binding), entity, op, event (declared: its name),
 * record, version, at, actor, source, lang, snapshot (of the record), payload.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/hook.h"
#include "hook/job.h"
#include "store/query.h"

#define OUTBOX_QUEUE     "outbox"
#define OUTBOX_TRIES_MAX 8 /* the first and seven more, over about three days */

/* Rows of that handler, as a condition on table job. */
const struct expr *outbox_of_handler(struct arena *arena, const char *name);
/* "hook:leads:push@lead": by this name it is counted, paused and listed. */
const char *outbox_name(struct arena *arena, const struct hook_spec *spec);

/* In the unit's transaction: the delivery of that event to that handler. The event's record, if it
 * has one, is in event->snapshot. */
MUST_USE enum err outbox_put(struct ctx *ctx, const struct hook_spec *spec,
                             const struct event *event);
/* In a write transaction: an event of the core. The actor is a user, or 0; `payload` may be NULL.
 */
MUST_USE enum err outbox_announce(struct ctx *ctx, const char *name, int64_t actor,
                                  const struct json *payload);
/* Is this row an event whose handlers have to be found yet? */
bool outbox_is_announced(const struct job *job);

/* How a delivery ended; all in a write transaction, ERR_CONFLICT when the lease was lost. */

/* Delivered: the row goes. */
MUST_USE enum err outbox_done(struct ctx *ctx, const struct job *job, int64_t owner);
/* Not begun (the scripts do not load, the disk is full): again at that time, nothing is counted. */
MUST_USE enum err outbox_wait(struct ctx *ctx, const struct job *job, int64_t owner,
                              int64_t run_at_ms);
/* Failed: again by the table above, or a dead letter (*dead). */
MUST_USE enum err outbox_failed(struct ctx *ctx, const struct job *job, int64_t owner,
                                const char *reason, bool *dead);
/* The process that had rows of this handler has died: they wait again, so that a batch that was
 * lost counts once. Those that `owner` has leased stay. */
MUST_USE enum err outbox_reclaim(struct ctx *ctx, const char *name, int64_t owner);
/* How often it has failed so far. */
int outbox_fails(const struct job *job);

/* In a write transaction, after trip_pause or trip_resume: what waits for that handler stays, or is
 * due again. */
MUST_USE enum err outbox_hold(struct ctx *ctx, const char *name);
MUST_USE enum err outbox_release(struct ctx *ctx, const char *name);

/* What a person does with rows, in a write transaction: one by its id (name NULL), or all dead
 * letters of a handler. *count is how many rows it concerned. Replaying makes a dead letter, or one
 * that waits for its next try, due now and counts its tries anew; discarding deletes it. One that
 * is being delivered is left alone. */
MUST_USE enum err outbox_replay(struct ctx *ctx, int64_t id, const char *name, int64_t *count);
MUST_USE enum err outbox_discard(struct ctx *ctx, int64_t id, const char *name, int64_t *count);
