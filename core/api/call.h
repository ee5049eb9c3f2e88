/* call - one request at its route: what a handler gets.
 *
 * A handler reads as check, load, act, answer. It returns ERR_OK after filling resp, or an error
 * with detail in ctx->err: the pipeline writes the error answer, and in a turn everything it wrote
 * is rolled back.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"
#include "auth/actor.h"
#include "base/json.h"
#include "base/limits.h"
#include "http/req.h"
#include "http/resp.h"
#include "record/model.h"

struct route;
struct events;

/* What an API key may still ask for, told with each answer; limit 0: nothing is told. */
struct call_rate {
    int limit, left, whole_s;
};

struct call {
    struct app *app;
    const struct route *route;
    const struct req *req;
    struct router_params params;
    struct ctx *ctx;
    struct resp *resp;
    const struct json *body; /* parsed JSON body; NULL when there is none */
    const char *csrf;        /* of the session that asks, or NULL */
    struct call_rate rate;
    bool is_operator;      /* came over the operator socket or from the command line */
    bool seen_due;         /* the session's last-seen should be noted */
    struct events *events; /* of an answer that goes on as a stream (events.h) */
    bool model_pending;    /* ERR_BUSY because the owner must apply the model first */
    bool may_park;     /* it may go away until what it waits for is over (bundle_tests.h), and… */
    bool is_parked;    /* …does: nothing has been done, it is to be made anew then */
    bool owns_tx;      /* private to pipeline: a read transaction is open for this call */
    bool has_idem;     /* private to replay: an Idempotency-Key is to be kept */
    bool has_begun;    /* private to replay: it stands with the first effect */
    int kept_status;   /* private to replay: what was kept with the effect; 0 = nothing yet */
    size_t kept_bytes; /* …and how long the answer was then */
    struct slice replay_body; /* private to replay: what the key's body is compared by */
};

typedef enum err (*route_handler)(struct call *call);

/* The n-th capture of the route's pattern. */
struct slice call_param(const struct call *call, int n);
/* Capture n as an entity of the model that the actor may see: ERR_NOT_FOUND. */
MUST_USE enum err call_entity(struct call *call, int n, const struct entity **out);
/* Capture n as an id: ERR_NOT_FOUND if it is none. */
MUST_USE enum err call_id(struct call *call, int n, int64_t *out);
/* If-Match or "version" of the body; 0 = unconditional; ERR_MALFORMED. */
MUST_USE enum err call_version(struct call *call, int64_t id, int64_t *out);
/* Body must be a JSON object: ERR_MALFORMED. Unknown members are the handler's to refuse. */
MUST_USE enum err call_object(struct call *call, const struct json **out);
/* Complains about members of the body that are not in the NULL-terminated list. */
MUST_USE enum err call_only(struct call *call, const char *const *names);
/* 201 with Location. */
void call_created(struct call *call, const char *path_prefix, int64_t id);
/* 202 with the job that does it, and where that is looked at. */
void call_queued(struct call *call, const char *queue, int64_t id);
void call_etag(struct call *call, int64_t id, int64_t version);

/* Runs fn as one write transaction of the tenant and commits it. In a worker the turn's transaction
 * is already open (fn runs in the caller's savepoint); a runner borrows the write turn; a command
 * begins and commits itself. fn must be repeatable and may not do I/O.
 *
 * An Idempotency-Key is kept in the same transaction, with the answer as fn leaves it: so fn writes
 * the answer, too. ERR_BUSY when another request with this key has done the work meanwhile. */
MUST_USE enum err call_write(struct call *call, enum err (*fn)(struct call *call, void *arg),
                             void *arg);
/* The same outside a request, for jobs. */
MUST_USE enum err app_write(struct app *app, struct ctx *ctx,
                            enum err (*fn)(struct ctx *ctx, void *arg), void *arg);
/* The same, and nobody is woken for the jobs that are due then. */
MUST_USE enum err app_write_still(struct app *app, struct ctx *ctx,
                                  enum err (*fn)(struct ctx *ctx, void *arg), void *arg);
