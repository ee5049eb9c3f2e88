/* file - durable files: resolve a path, publish a finished file, remove a database.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"

/* What an errno of writing means: ERR_FULL where there is no room, or where the file may not grow
 * (a quota, a limit on the size of files); else ERR_IO. */
enum err file_err(int error);
/* The path with its folder resolved (symbolic links in the last part stay refused at open).
 * `out` holds PATH_MAX bytes. ERR_NOT_FOUND when the folder is not there, ERR_TOO_LARGE. */
MUST_USE enum err file_resolve(const char *path, char *out);
/* Syncs `from`, renames it to `to`, syncs the folder. ERR_IO, ERR_FULL. */
MUST_USE enum err file_publish(const char *from, const char *to);
/* The file with its -wal, -shm and -journal; what is missing is fine. */
void file_remove_database(const char *path);
