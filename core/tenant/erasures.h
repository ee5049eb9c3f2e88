/* erasures - what a company has to forget for good, noted beside the tenants' own folders.
 *
 * A backup that is restored would bring back what was erased since; so each erasure is noted first,
 * in data/erasures/<tenant>, which belongs to no backup, and restoring forgets again what was noted
 * after the copy was made (api/operator_keep.c). One line for each note: time in ms, entity,
 * record. Any process may note: a line is appended by one write, and a torn one is passed over.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct erasure {
    int64_t at_ms, record;
    const char *entity;
};

/* Written and synced. ERR_MALFORMED for names that are none. */
MUST_USE enum err erasures_note(const char *data, const char *tenant, const struct erasure *note);
/* The notes behind that time, oldest first, in the arena. */
MUST_USE enum err erasures_read(struct arena *arena, const char *data, const char *tenant,
                                int64_t after_ms, struct erasure **out, int *count);
/* Is there a note of that record? Read in the arena. */
MUST_USE enum err erasures_has(struct arena *arena, const char *data, const char *tenant,
                               const char *entity, int64_t record, bool *out);
