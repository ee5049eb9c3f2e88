/* events - one stream of live events (GET /api/v1/events): what it has told and what comes next.
 *
 * The handler only opens it: answer head, first bytes and where to begin. From then on the gateway
 * asks events_round again and again, which admits the request anew each time: a session that ended,
 * a user who was switched off, a tenant that was suspended end the stream at once. So do other
 * roles or another place in the company: the client comes back and is told by its new rights.
 *
 *   id: 124
 *   event: change   {"seq","entity","id","op","version"}: a record the reader may see as it is now
 *   event: job      {"id","queue","state","progress"}: a job the reader has started
 *   event: reset    {"seq"}: too much has happened since; load what is shown anew
 *   event: end      {"reason"}: nothing more comes; the reason is an error code
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

struct events {
    int64_t seq;    /* of the last change it has read */
    int64_t told;   /* and of the last one its client knows of */
    uint64_t place; /* roles, team and department it began with */
    bool has_jobs;  /* what stands below has been read once */
    struct events_job {
        int64_t id;
        uint64_t mark; /* of state and progress */
    } jobs[STREAM_JOBS];
    int jobs_count;
};

/* Appends what is new to out; *more: call again, there is more at once. An error ends the stream,
 * unless events_is_passing says that it may be tried again later. */
MUST_USE enum err events_round(struct app *app, const struct req *req, struct events *events,
                               struct buf *out, bool *more);
bool events_is_passing(enum err e);
/* The last event, and a sign of life that also tells the client where it stands. */
void events_put_end(enum err e, struct buf *out);
void events_put_heartbeat(struct events *events, struct buf *out);
