/* folder - making, writing and syncing the folders and small files of a data folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#define FOLDER_PATH_MAX 4096

/* "a/b" in out; longer than FOLDER_PATH_MAX is a BUG (names are bounded, data folders are sane). */
void folder_join(char out[FOLDER_PATH_MAX], const char *folder, const char *name);
bool folder_exists(const char *path);
/* Makes the folder and its parents (0700); one that is there is fine. */
MUST_USE enum err folder_make(const char *path);
/* Writes a whole new file of that mode and syncs it; ERR_CONFLICT where one is already there. */
MUST_USE enum err folder_write(const char *path, struct slice text, mode_t mode);
/* Makes names in it durable. */
MUST_USE enum err folder_sync(const char *path);
/* Removes a folder and all below it; nothing there is fine. Follows no links. */
MUST_USE enum err folder_remove(const char *path);
/* Removes every folder in `path` whose name starts so. */
MUST_USE enum err folder_remove_prefixed(const char *path, const char *prefix);
/* Removes the plain files in `path` that nobody has written to since then (Unix time, ms). */
MUST_USE enum err folder_remove_older(const char *path, int64_t since_ms);
/* Names in a folder, sorted, without "." and ".."; NULL-terminated, in the arena. */
MUST_USE enum err folder_names(struct arena *arena, const char *path, const char ***out,
                               int *count);
/* ERR_FULL, ERR_IO, ERR_NOT_FOUND, ERR_CONFLICT, ERR_FORBIDDEN for an errno. */
enum err folder_err(int error);
