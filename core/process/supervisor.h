/* supervisor - starts, watches and restarts the processes of a server.
 *
 * Opens every listening socket once, so a restarted child finds its queue where it was. Holds the
 * folder lock through a descriptor that every child inherits. Children end within a second of it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/config.h"

/* Runs the server in the foreground until SIGTERM or SIGINT; gives the exit status. Prints `ready
 * http://ADDR:PORT` (and https, operator) on stdout when every process serves. Errors are one line
 * on stderr. */
int supervisor_run(const struct config *config);
