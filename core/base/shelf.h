/* shelf - what the supervisor has read for all its processes: parsed files, compiled scripts.
 *
 * One region of shared memory that lies at the same address in every process, so that pointers into
 * it hold everywhere; who reads has it once, together with all others. The supervisor alone writes,
 * (or one that it forks for this), and only until it publishes; its processes map the region for
 * reading and cannot map it otherwise. Whoever finds nothing here, or a file that has changed
 * since, reads for itself: the shelf is never needed. A process whose binary is another one than
 * the supervisor's does not look at it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"

#define SHELF_BYTES (32 << 20) /* reserved; only what is filled takes memory */

/* --- the supervisor --- */

/* Makes the region; *fd is to be inherited. ERR_IO where the machine has no place for it. */
MUST_USE enum err shelf_new(int *fd);
/* Where everything that is put has to lie; NULL: there is no shelf. */
struct arena *shelf_arena(void);
/* Under a key that no other value has; both in shelf_arena. */
void shelf_put(const char *key, const void *value);
/* From now on it is read. False when it has no room for all of that: then nobody sees anything. */
bool shelf_publish(void);

/* --- its processes --- */

/* Maps the descriptor that was inherited, or leaves this process without a shelf. */
void shelf_open(int fd);
/* Does somebody still fill it, or has died while filling it? Never waits. */
bool shelf_is_filling(void);
/* NULL: not there. Waits a while, once, for what is being filled. */
const void *shelf_get(const char *key);

/* Ends it in this process, for tests; what was found is gone. */
void shelf_close(void);
