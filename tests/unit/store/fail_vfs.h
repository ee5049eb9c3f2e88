/* fail_vfs - a file system under SQLite whose n-th write or sync fails, or loses power.
 *
 * Wraps the default one; everything not told to fail goes to the real files. Shared memory is not
 * counted: it is no storage. Cutting the power writes, beside the real files, what a disk would
 * hold at that moment: what was synced, and of the rest nothing or a choice of 512-byte sectors.
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

/* At the nth write, truncation or sync from now the power is cut: the store opened next leaves its
 * image at `to` (and `to`-wal). seed 0: nothing that was not synced; else a choice by that seed. */
void fail_vfs_cut_arm(int nth, unsigned seed, const char *to);
bool fail_vfs_cut_done(void); /* false after the run: there were fewer than n */
void fail_vfs_cut_disarm(void);
