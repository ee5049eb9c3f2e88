/* diff - what one row of the change log says, as far as somebody may read the fields.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/rights.h"

struct diff {
    struct ctx *ctx;
    const struct entity *entity;
    struct rights *rights;      /* to read the entity */
    const struct value *values; /* the record now, or NULL: for rules of single fields */
};

/* By the rules that hold for the record as it is now; without `values` a field that is readable on
 * some records only is not shown. */
MUST_USE enum err diff_may_read(const struct diff *diff, const struct field *field, bool *out);
/* Numbers back to names: {"12":[old,new]} becomes [{"field","old","new"}]. */
MUST_USE enum err diff_put(const struct diff *diff, struct slice text, struct buf *out);
