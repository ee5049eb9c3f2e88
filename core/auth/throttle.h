/* throttle - rates by address and by key, in one shared table of atomics.
 *
 * The table is a MAP_SHARED page made before the first spawn, so every gateway counts together.
 * Token buckets: `rate_per_s` with `burst`. Keys that collide in the fixed table share a bucket, so
 * give keys of one kind a prefix ("a:", "k:") and bursts of the same order.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct throttle; /* the shared table */

struct throttle *throttle_new(void);    /* anonymous shared memory, for inheriting by fork */
struct throttle *throttle_open(int fd); /* over a memfd, owned from then on; NULL: not one */
int throttle_fd(const struct throttle *throttle); /* memfd to hand to a child */
void throttle_free(struct throttle *throttle);
/* Takes one; false when empty, then *wait_s says when to come again. */
bool throttle_take(struct throttle *throttle, struct slice key, int rate_per_s, int burst,
                   int64_t now_ms, int *wait_s);
/* What a bucket of throttle_take holds now: how many may still be taken at once, and in how many
 * seconds it is whole again. */
void throttle_left(struct throttle *throttle, struct slice key, int rate_per_s, int burst,
                   int64_t now_ms, int *left, int *whole_s);
/* throttle_take for slow rates: at most `count` in period_s, all of them at once if need be. */
bool throttle_take_per(struct throttle *throttle, struct slice key, int count, int period_s,
                       int64_t now_ms, int *wait_s);
