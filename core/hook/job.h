/* job - work that waits in the tenant's own store: leased, renewed, acknowledged, retried.
 *
 * A job is a row of table `job`, written in the same transaction as what caused it. Only the lowest
 * id of a stream may be leased; leasing moves run_at to now + lease, and a job whose runner died is
 * leased again when that has passed. `dedupe` is unique only while queued or leased.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "tenant/ctx.h"

#define JOB_LEASE_MS 60000

struct expr; /* store/query.h: a condition on table job */

struct job {
    int64_t id;
    const char *queue;  /* "import", "export", "outbox"… decides the handler */
    const char *stream; /* order key, or NULL: no order */
    const char *dedupe; /* or NULL */
    int64_t run_at_ms;
    int tries;
    bool was_lost; /* leased: the one that had it before has died over it */
    int64_t created_by;
    const struct json *body;
    const struct json *state; /* what the last step kept: a cursor; NULL at first */
};

/* In a write transaction. Gives the id; with a dedupe that is already waiting, that job's id. */
MUST_USE enum err job_put(struct ctx *ctx, const struct job *spec, int64_t *id);
/* In a write transaction: work that is over already, as a job that is done; its body and result
 * stay. */
MUST_USE enum err job_put_done(struct ctx *ctx, const struct job *spec, int64_t *id);
/* In a write transaction: what a job that is done has led to. */
MUST_USE enum err job_set_result(struct ctx *ctx, int64_t id, const char *result_json);
/* The unfinished one of that dedupe, 0 = none, and whether nobody has begun with it: one that keeps
 * a place has been begun, though it waits for its next step. */
MUST_USE enum err job_waits(struct ctx *ctx, const char *dedupe, int64_t *id, bool *is_waiting);
/* How many of that queue wait, counting no further than max. */
MUST_USE enum err job_waiting(struct ctx *ctx, const char *queue, int64_t max, int64_t *count);
/* In a write transaction: takes the next due job for owner (a process number); *out NULL if none,
 * then *next_ms is when the next becomes due (0 = never). */
MUST_USE enum err job_lease(struct ctx *ctx, int64_t owner, struct job **out, int64_t *next_ms);
/* In a write transaction: leases more that are due and match, lowest ids first, to be done together
 * with `first`; one that has to wait for a job of its stream outside of these is left out. out has
 * room for `max`. */
MUST_USE enum err job_lease_more(struct ctx *ctx, int64_t owner, const struct job *first,
                                 const struct expr *which, int max, struct job **out, int *count);
/* In a write transaction; ERR_CONFLICT when the lease was lost, or (code "cancelled") when a person
 * asked the job to stop: it has ended then. state_json NULL keeps the last state; job_done and a
 * job that gives up replace it by their result. */
MUST_USE enum err job_renew(struct ctx *ctx, const struct job *job, int64_t owner,
                            const char *state_json, int progress_percent);
MUST_USE enum err job_done(struct ctx *ctx, const struct job *job, int64_t owner,
                           const char *result_json);
/* Tries again at that time, or (run_at 0) gives up: state dead with the reason. */
MUST_USE enum err job_failed(struct ctx *ctx, const struct job *job, int64_t owner,
                             const char *reason, int64_t run_at_ms);
/* Lets it go for now: queued again for that time, with this state (NULL: the last) and with no
 * tries counted, so others get their turn. JOB_PARKED as `why` marks one that waits for a person
 * (see job_unpark); NULL: it only goes on later. A wish to stop ends it, as in job_renew. */
#define JOB_PARKED "parked"
MUST_USE enum err job_requeue(struct ctx *ctx, const struct job *job, int64_t owner,
                              const char *state_json, int progress_percent, int64_t run_at_ms,
                              const char *why);
/* In a write transaction: what is parked in that queue is due now. */
MUST_USE enum err job_unpark(struct ctx *ctx, const char *queue);
/* One process at a time runs a tenant's jobs, so what another has leased is a dead one's. Is there
 * such a job (a plain read); in a write transaction: all of them are due now. */
MUST_USE enum err job_orphans(struct tenant *tenant, int64_t owner, bool *out);
MUST_USE enum err job_adopt(struct ctx *ctx, int64_t owner);
/* A person asks it to stop: a queued job ends, a running one sees it at its next renew; one that
 * has ended stays as it is. ERR_NOT_FOUND. */
MUST_USE enum err job_cancel(struct ctx *ctx, int64_t id);
/* When the next job is due, or the next time of a schedule (schedule.h): 0 = none. A plain read. */
MUST_USE enum err job_next(struct tenant *tenant, int64_t *run_at_ms);
