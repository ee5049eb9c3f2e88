/* fetch - one HTTP call to the outside, guarded.
 *
 * Only to hosts that the caller's capabilities name, only to addresses that guard.h allows, https
 * unless the capability says http. Redirects are answers like others: nothing follows them. A call
 * has FETCH_TIMEOUT_MS from the look-up of the name to the last byte, bodies have FETCH_BYTES_MAX
 * either way. Never inside an open transaction: it blocks.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct fetch_header {
    const char *name, *value; /* names of answers in lower case */
};

struct fetch {
    const char *method; /* GET POST PUT PATCH DELETE */
    const char *url;
    const struct fetch_header *headers;
    int headers_count;
    struct slice body;
    int64_t timeout_ms;      /* 0, or more than allowed: FETCH_TIMEOUT_MS */
    const struct slice *may; /* capabilities; those of another kind are passed over */
    int may_count;
};

struct fetch_answer {
    int status;
    struct fetch_header *headers;
    int headers_count;
    struct slice body;
};

/* Everything answered lives in the arena. *why is one sentence.
 *   ERR_MALFORMED      the address, a header or the method cannot be sent
 *   ERR_FORBIDDEN      no capability names the host, or its address may not be reached
 *   ERR_TOO_LARGE      what is sent or answered
 *   ERR_TIMEOUT, ERR_IO
 *   ERR_NOT_SUPPORTED  this process may not reach the network */
MUST_USE enum err fetch_run(struct arena *arena, const struct fetch *fetch,
                            struct fetch_answer *out, const char **why);

/* The same without blocking. A flight owns all it needs; fetch_look tells whether it is over and
 * has to be asked again and again, fetch_end gives what came of it (*ms: how long it took) and ends
 * it, fetch_drop ends it at any time. What fetch_begin refuses never took off. */
struct fetch_flight;
MUST_USE enum err fetch_begin(struct arena *arena, const struct fetch *fetch,
                              struct fetch_flight **out, const char **why);
bool fetch_look(struct fetch_flight *flight);
MUST_USE enum err fetch_end(struct fetch_flight *flight, struct arena *arena,
                            struct fetch_answer *out, int64_t *ms, const char **why);
void fetch_drop(struct fetch_flight *flight);

/* Might a call to this address be let through, as far as can be said without looking up its host? A
 * literal address and localhost are judged as the call would judge them; a name passes, and so does
 * what is no http address at all. In any process (outbound_judge_by). */
bool fetch_may_reach(const char *url);
