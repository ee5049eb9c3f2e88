/* hookstat - how each handler, job and route of a plugin fares: calls, errors, kills, time; on
 * memory that processes share.
 *
 * Workers and runners count, gateways and administrators read. Plain atomics, no locks; a handler
 * that finds no room is not counted. Counts begin with the server.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"

enum hookstat_end { HOOKSTAT_OK, HOOKSTAT_ERROR, HOOKSTAT_KILLED };

struct hookstat; /* one handler of one tenant */

/* The shared piece: zeroed memory of that size, given once per process. Without it nothing is
 * counted. */
size_t hookstat_bytes(void);
void hookstat_share(void *memory);
/* Its counters, found or begun; NULL without memory or room. Stays valid. */
struct hookstat *hookstat_of(const char *tenant, const char *name);
void hookstat_note(struct hookstat *stat, int64_t us, enum hookstat_end how); /* NULL is fine */
/* What one call has used of what is counted; the most of all calls is kept. NULL is fine. */
void hookstat_used(struct hookstat *stat, int reads, int writes, int rows);

struct hookstat_sum {
    int64_t calls, errors, kills;
    int64_t p95_us; /* 95 of 100 calls took less than that (a power of two); 0 = no calls */
    int64_t most_us;
    int most_reads, most_writes, most_rows;
};
/* All zero where nothing was counted. */
struct hookstat_sum hookstat_read(const char *tenant, const char *name);
/* Prometheus text of all. */
void hookstat_metrics(struct buf *out);
