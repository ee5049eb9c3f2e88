/* search - what a record is found by, and what a person typed, as tokens and expressions.
 *
 * Both sides of the search index: writing (search_tokens_of → store_tokens_put) and asking. A token
 * carries its field's prefix "f<n>:", so a query asks only the fields its caller may read.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"
#include "store/query.h"

/* "f12:", in the arena. The one place that knows it. */
const char *search_prefix(struct arena *arena, const struct field *field);
/* Appends every token of the record's searchable fields, separated by one space: what
 * store_tokens_put takes. Nothing when none is filled. */
void search_tokens_of(struct arena *arena, const struct entity *entity, const struct value *values,
                      struct buf *out);
/* Does a change from `old` to `now` touch a searchable field? */
bool search_moved(const struct entity *entity, const struct value *old, const struct value *now);
/* Records found by what was typed, in the fields the actor may read (each under its own rule).
 * Nothing searchable typed, or no field to search: EXPR_FALSE. */
MUST_USE enum err search_expr(struct ctx *ctx, const struct entity *entity, struct slice typed,
                              const struct expr **out);
