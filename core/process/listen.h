/* listen - the server's sockets: bound by the supervisor, or given by systemd.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "process/slot.h"

enum listen_kind { LISTEN_PLAIN, LISTEN_TLS, LISTEN_OPERATOR, LISTEN_KINDS };

struct listen {
    int fds[LISTEN_KINDS][SLOTS_PER_ROLE_MAX]; /* per gateway; -1 = not configured */
    const char *urls[LISTEN_KINDS];            /* "http://127.0.0.1:8080", or NULL */
    int workers[SLOTS_PER_ROLE_MAX], runners[SLOTS_PER_ROLE_MAX], command;
};

/* Opens everything. *why is one sentence. */
MUST_USE enum err listen_open(const struct config *config, struct arena *arena, struct listen *out,
                              const char **why);
