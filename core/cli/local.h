/* local - the server's routes in this process, while no server runs on the folder.
 *
 * Holds the folder lock from open to close. A worker's route runs as a turn of one, a runner's as
 * itself; jobs that a request has queued are run to their end before the next request.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "http/resp.h"

struct local;

MUST_USE enum err local_open(struct arena *arena, const char *data, struct local **out,
                             const char **why);
void local_close(struct local *local); /* NULL is fine */
void local_call(struct local *local, struct arena *arena, const struct req *req, struct resp *resp);
