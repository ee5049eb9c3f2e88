/* fuse - code that is ended by force again and again rests before it is called again.
 *
 * A job that is killed three times is paused (hook/trip.h). What runs inside a write cannot be: a
 * validator that is silently skipped would be worse than a write that is refused. But each try
 * costs its whole time and a new VM, and other tenants share the core. So who is killed more often
 * than once in FUSE_CALLS calls rests: calls are refused at once, for FUSE_REST_MS, twice as long
 * each further time, at most FUSE_REST_MS_MAX. Then it is tried again.
 *
 * Counted in this process alone, by a key of tenant, plugin, code and function: code that is mended
 * begins anew. Nothing is kept, and nothing is looked at while nobody was killed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is there any at all? */
bool fuse_any(void);
/* Microseconds until it may be called again; 0 = now. */
int64_t fuse_rests_us(uint64_t key, int64_t now_us);
/* It was killed: it rests once that makes `most` kills (more with calls that went well between).
 * true: from now on, false too where it rested before. */
bool fuse_killed(uint64_t key, int most, int64_t now_us);
/* A call went well. */
void fuse_passed(uint64_t key);
