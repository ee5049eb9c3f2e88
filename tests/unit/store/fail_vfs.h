/* fail_vfs - a file system under SQLite whose n-th write or sync fails.
 *
 * Wraps the default one; everything not told to fail goes to the real files. Shared memory is not
 * counted: it is no storage.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdbool.h>

enum fail_kind {
    FAIL_NOTHING,
    FAIL_WRITE_IO,   /* a write fails half done */
    FAIL_WRITE_FULL, /* a write finds no room */
    FAIL_SYNC,       /* a sync fails after its bytes reached the file */
};

void fail_vfs_install(void); /* becomes the default; once */
/* From now on the nth (1-based) call of that kind fails, and with `forever` all behind it. */
void fail_vfs_arm(enum fail_kind kind, int nth, bool forever);
void fail_vfs_disarm(void);
int fail_vfs_failed(void); /* failures since it was armed */
