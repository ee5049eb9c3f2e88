/* socket - local connections, for frame.c and link.c. Listening sockets are in conn.h.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/un.h>

#include "base/err.h"

/* Connects, without waiting, to the listening socket at path; the descriptor does not block.
 * ERR_BUSY when its backlog is full, ERR_NOT_FOUND when nobody listens. */
MUST_USE enum err socket_connect_unix(const char *path, int *fd);
/* The address of path, also of one longer than sun_path holds: then through *folder, a descriptor
 * to close after use; else -1. ERR_MALFORMED, ERR_NOT_FOUND, ERR_IO. */
MUST_USE enum err socket_unix_address(const char *path, struct sockaddr_un *to, int *folder);
