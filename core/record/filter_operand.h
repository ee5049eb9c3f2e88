/* filter_operand - one operator of the filter tree on one field, as an expression of the store.
 *
 * Private to the filter: values and variables are resolved here, days against datetimes become
 * ranges, periods become pairs of edges in the tenant's time zone.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"
#include "store/query.h"

struct filter_operand {
    const struct expr *expr; /* the positive form, false on an empty value */
    bool negated;            /* the answer is its opposite */
    bool or_empty;           /* an empty value counts too (null among the values of in) */
};

/* ERR_VALIDATION with *code for the complaint; the caller knows the path. */
MUST_USE enum err filter_operand(struct ctx *ctx, const struct field *field, enum filter_op op,
                                 const struct json *in, struct filter_operand *out,
                                 const char **code);
/* Is this object a value of the field (money), not a set of operators? */
bool filter_operand_is_value(const struct field *field, const struct json *in);
/* The local days a period covers, both included. */
void filter_operand_period(enum filter_op op, int64_t n, int64_t today, int64_t *from, int64_t *to);
/* Values of "$me", "$my_subtree"… (at most SUBTREE_IDS_MAX); false when it is no variable of ids.
 */
bool filter_operand_ids(const struct ctx *ctx, struct slice name, const int64_t **ids, int *count);
/* The tenant's time zone, UTC where it has none. */
const struct zone *filter_operand_zone(const struct ctx *ctx);
