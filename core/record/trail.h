/* trail - what was changed in records, over all of them, newest first, field by field.
 *
 * The change log as one person may read it: rows of records that may not be seen (as they are now)
 * and fields that may not be read are left out.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"
#include "store/query.h"

struct trail_query {
    const struct entity *entity; /* NULL: every one */
    int64_t record, actor;       /* 0: any */
    int64_t from_ms, to_ms;      /* 0: from the beginning, until now */
    struct slice cursor;
    int limit; /* 0 = LIST_DEFAULT */
};

/* {"items":[{"seq","at","actor","actor_name","entity","record","op","source","changes":[{"field",
 * "old","new"}]}],"titles":{"lead":{"ID":"title"}},"next"}. A page may be short, and "next" still
 * goes on: it is cut by rows of the log, not by those that are shown. ERR_BAD_CURSOR. */
MUST_USE enum err trail_list(struct ctx *ctx, const struct trail_query *query, struct buf *out);
