/* package - the zip archives that office documents are: read whole, written anew.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct package_part {
    const char *name; /* "word/document.xml" */
    struct slice bytes;
};

struct package {
    struct package_part *parts; /* in the order of the archive */
    int count;
};

/* At most PACKAGE_ENTRIES_MAX files and PACKAGE_BYTES_MAX bytes unpacked (what an entry says of
 * itself is not believed). ERR_MALFORMED, ERR_TOO_LARGE with *why, a sentence. */
MUST_USE enum err package_read(struct arena *arena, struct slice bytes, struct package *out,
                               const char **why);
/* Appends the archive; the same parts give the same bytes. */
MUST_USE enum err package_write(const struct package *package, struct buf *out);
/* NULL if there is none. */
struct package_part *package_find(const struct package *package, const char *name);
