/* erase_in - what the files of erasing share; private to record/erase*.c.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/erase.h"

struct erasing {
    struct ctx *ctx;
    struct erased *out;
    struct erase_seen {
        const struct entity *entity;
        int64_t id;
    } seen[ERASE_RECORDS_MAX];
    int seen_count;
};
/* A record that is nothing but a trace, with its parts. */
MUST_USE enum err erase_trace(struct erasing *x, const struct entity *entity, int64_t id);
void erase_needle_add(struct erasing *x, struct slice text, bool is_name);
/* Rows of the record's files; their bytes are noted. */
MUST_USE enum err erase_files_of(struct erasing *x, const struct entity *entity, int64_t id);
/* Traces of one record by its id… */
MUST_USE enum err erase_traces_of(struct erasing *x, const struct entity *entity, int64_t id);
/* …and of the person by all needles. */
MUST_USE enum err erase_traces(struct erasing *x);
