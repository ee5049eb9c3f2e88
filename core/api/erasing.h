/* erasing - a record is forgotten for good: noted first, then the store, then files.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "record/erase.h"

struct erasing_order {
    const struct entity *entity;
    int64_t record;
    const char *reason; /* for the audit log, or NULL */
};

/* In a runner or a command. Each step may be repeated. Fills the answer. A note without an erasure
 * is harmless; without one a backup that is restored would bring it back. */
MUST_USE enum err erasing_run(struct call *call, const struct erasing_order *order);
