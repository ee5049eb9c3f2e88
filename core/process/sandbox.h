/* sandbox - what each kind of process gives up after it has started.
 *
 * no_new_privs for all; a seccomp deny-list that answers EPERM (never a kill): no new sockets but
 * AF_UNIX except in runners, no execve, ptrace, process_vm_*, io_uring_*, bpf, keyctl, mount, new
 * namespaces. Resource limits: core dumps off, open files, the size of a file, address space (not
 * in sanitizer builds, which reserve terabytes).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "process/board.h"
#include "tenant/config.h"

/* Once, when everything that needs more has been opened. A failure is logged and is fatal: a
 * process that cannot be confined does not serve. */
void sandbox_enter(enum board_role role, const struct config *config);
