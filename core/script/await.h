/* await - a call to another system that a job waits for while the process goes on with other work.
 *
 * A job that calls and blocks would hold up whatever else its company has to do for as long as the
 * other side is silent. One that awaits ends its step; when the answer is there, its function is
 * called again with it. AWAIT_TENANT_MAX of a company may be under way at once, AWAIT_MAX in a
 * process: further ones wait for a place, and their step is then run anew. Nothing of it is stored:
 * what dies with the process is done again from the step's beginning, by whoever has the lease
 * next.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "base/limits.h"
#include "outbound/fetch.h"

struct await {
    struct await *next;  /* private: all of this process */
    struct arena *arena; /* owned; it lives in it */
    char tenant[NAME_BYTES_MAX + 1];
    struct fetch_flight *flight; /* owned; NULL: it is over, or has no place */
    bool has_place, is_over;
    int64_t since_us; /* monotonic */
    /* what came of it, once it is over */
    enum err e;
    const char *why;
    struct fetch_answer answer;
    int64_t ms; /* how long it took */
    /* what the function is given again */
    const struct json *kept;  /* its own value; NULL = none */
    const struct json *state; /* of its job, as task_step_text has it */
};

/* With a place where there is one. */
struct await *await_new(const char *tenant);
/* In an await with a place: the call takes off. ERR_MALFORMED (the caller's mistake, *why in the
 * arena given) is told here; all else is what comes of it. */
MUST_USE enum err await_call(struct await *await, struct arena *arena, const struct fetch *fetch,
                             const char **why);
/* Carries it on without blocking. True when its step may be run: it is over (then `is_over`), there
 * may be a place now, or it has waited for one so long that the job's lease is to be renewed. */
bool await_look(struct await *await);
void await_free(struct await *await);
