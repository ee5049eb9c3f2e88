/* child - starting and watching the processes of the supervisor.
 *
 * Children are started by fork + exec of this same binary with a role argument and inherit the
 * named descriptors under fixed numbers. They die with the supervisor (PR_SET_PDEATHSIG).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "net/loop.h"

struct child_fd {
    int from; /* the supervisor's descriptor */
    int to;   /* its number in the child (≥ 3) */
};

/* Once, from the loop. `status` is the exit code when it ended by itself (signum 0). */
typedef void (*child_exit_cb)(void *arg, pid_t pid, int status, int signum);

/* argv[0] is the binary's path. Signals are reset, descriptors from 3 on that are not named are
 * closed, PDEATHSIG = SIGKILL. Waits until the new program runs: ERR_NOT_FOUND or ERR_FORBIDDEN
 * when it cannot be executed, ERR_IO for the rest. A living child keeps loop_run going; one still
 * alive at loop_free is forgotten (it dies with this process). */
MUST_USE enum err child_start(struct loop *loop, char *const argv[], const struct child_fd *fds,
                              int fds_count, child_exit_cb cb, void *arg, pid_t *pid);
/* A copy of this process that runs `run(arg)` and ends: for work that has to be done apart. Nothing
 * of the loop may be touched there; all signals are blocked, PDEATHSIG = SIGKILL. ERR_IO. */
MUST_USE enum err child_fork(struct loop *loop, void (*run)(void *arg), child_exit_cb cb, void *arg,
                             pid_t *pid);
