/* search - what a record is found by, and what a person typed, as tokens and expressions.
 *
 * Both sides of the search index: writing (search_tokens_of → store_tokens_put) and asking. A token
 * carries its field's prefix "f<n>:", so a query asks only the fields its caller may read.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/token.h"
#include "record/entity.h"
#include "store/query.h"

struct rights;

/* "f12:", in the arena. The one place that knows it. */
const char *search_prefix(struct arena *arena, const struct field *field);
/* Appends every token of the record's searchable fields, separated by one space: what
 * store_tokens_put takes. Nothing when none is filled. */
void search_tokens_of(struct arena *arena, const struct entity *entity, const struct value *values,
                      struct buf *out);
/* Does a change from `old` to `now` touch a searchable field? */
bool search_moved(const struct entity *entity, const struct value *old, const struct value *now);
/* The fields in which what was typed stands, in whatever record; none: there is nothing to look
 * for. Only those that `rights` let the actor read somewhere are looked into, but of live or
 * deleted records alike and without row rules: it says where to look, not what may be shown. Cheap
 * enough to be asked of every entity. Lives in ctx->arena. */
struct search_found {
    const struct field **fields;
    int count;
    bool is_whole; /* the whole value is asked for (token_query_whole): search_expr does, too */
};
MUST_USE enum err search_look(struct ctx *ctx, const struct entity *entity,
                              const struct rights *rights, const struct token_query *typed,
                              struct search_found *out);
/* In a write turn: the tokens of up to `limit` records behind `after` are made anew. *last: the
 * last of them, 0 when none is behind them. */
MUST_USE enum err search_reindex(struct ctx *ctx, const struct entity *entity, int64_t after,
                                 int limit, int64_t *last, int *done);
/* Records found by what was typed, in the fields the actor may read (each under its own rule).
 * Nothing searchable typed, or no field to search: EXPR_FALSE. `found_in` (NULL = not asked): no
 * other fields are looked into. */
MUST_USE enum err search_expr(struct ctx *ctx, const struct entity *entity, struct slice typed,
                              const struct search_found *found_in, const struct expr **out);
