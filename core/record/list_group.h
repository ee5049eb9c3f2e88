/* list_group - groups and measures of a list query. Private to list.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/list_plan.h"

/* {"groups":[{"stage":"new","count":3,"sum.amount":{…}}],"titles":{"owner":{"ID":"…"}}}. */
MUST_USE enum err list_group(struct list_plan *plan, const struct list_query *query,
                             struct buf *out);
/* Members "ID": "title" of the targets that may be seen, without braces. */
MUST_USE enum err list_titles(struct ctx *ctx, const struct entity *target, const int64_t *ids,
                              int count, struct buf *out);
/* A sum, minimum or maximum of the field as the store gave it: empty, a number, or the digits of a
 * sum beyond 64 bits. Money in the tenant's currency. */
void list_put_sum(const struct ctx *ctx, const struct field *field, const struct value *sum,
                  struct buf *out);
/* A page of a plan that has its fields and order: "items":[…],"next":…[,"count":…] without braces.
 */
MUST_USE enum err list_page(struct list_plan *plan, const struct list_query *query,
                            struct buf *out);
/* list_run for an action besides reading: ROLE_EXPORT asks for both rights. */
MUST_USE enum err list_run_as(struct ctx *ctx, const struct list_query *query,
                              enum role_action action, struct buf *out);
