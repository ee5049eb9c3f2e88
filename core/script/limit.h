/* limit - what a call into a plugin's code may use.
 *
 * Four kinds of call have limits of their own: inside a write's transaction, a plugin's route, work
 * behind a commit (after_commit, a job's step), loading. The tenant's setting "limits" may lower
 * them, never raise:
 *
 *     { "transaction": { "cpu_ms": 20, "rows": 1000 }, "job": { "http": 5 } }
 *
 * The outermost call's kind holds for what is counted and for its heap; each handler that it sets
 * off has the CPU time of its own kind, within the outer one's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "base/limits.h"

enum limit_kind { LIMIT_TRANSACTION, LIMIT_ROUTE, LIMIT_JOB, LIMIT_LOAD, LIMIT_KINDS };

struct limit {
    int64_t cpu_us;      /* of one handler */
    int64_t unit_cpu_us; /* of all handlers of one unit of work */
    int64_t wall_us;     /* 0 = only the CPU time counts */
    int64_t heap_bytes;  /* above what the VM held before */
    int reads, writes, rows, http;
};

/* "transaction", "route", "job", "load": the names in the setting. */
const char *limit_kind_name(enum limit_kind kind);
/* The limits of every kind, lowered by the plan (the tenant's setting; NULL = as they are). What is
 * no positive number there, or larger, changes nothing. */
void limit_make(struct limit out[LIMIT_KINDS], const struct json *plan);
/* As JSON in the form of a plan; what a kind does not bound is left out. */
void limit_put(struct buf *out, const struct limit limits[LIMIT_KINDS]);
/* Complains about what a plan has that is unknown, no positive number or higher than it may be. */
MUST_USE enum err limit_check(struct err_info *err, const struct json *plan);
