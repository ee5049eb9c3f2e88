/* patience - how long a process has been at one thing, not counting what it waited for the
 * processor.
 *
 * On a machine that is starved a process may be busy for ten seconds by the clock and have been let
 * run for one. Killing it for that would make things worse. So the supervisor counts in steps, each
 * at most PATIENCE_STEP_US however late its own look comes (it is starved as well, or the machine
 * slept), and takes away what the process stood in the queue of the processor. Who sleeps, is
 * stopped or hangs in a call of the kernel is not excused.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct patience {
    int64_t since_us;  /* the thing, by when it began (monotonic); 0 = none */
    int64_t seen_us;   /* the last look */
    int64_t queued_us; /* of the process until then */
    int64_t spent_us;
};

/* A look at `now_us`: since when the process is at it (0: at nothing), and for how long it has
 * stood in the queue of the processor in all its life. Gives for how long it has been at this. */
int64_t patience_look(struct patience *patience, int64_t since_us, int64_t now_us,
                      int64_t queued_us);
/* How long the process has waited for the processor since it began; 0 where the kernel does not
 * tell. */
int64_t patience_queued_us(pid_t pid);
