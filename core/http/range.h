/* range - which part of a file a request asks for (RFC 9110 section 14).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"

enum range {
    RANGE_WHOLE, /* nothing is asked for that is understood: the whole, as if without the header */
    RANGE_PART,
    RANGE_NONE, /* no byte of the file is in it: 416 */
};

/* Reads the value of Range for a file of `size` bytes: one range of bytes. Several at once are
 * answered by the whole. *from and *bytes (> 0) are set for RANGE_PART alone. */
enum range range_find(struct slice header, int64_t size, int64_t *from, int64_t *bytes);
