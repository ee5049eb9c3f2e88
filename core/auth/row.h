/* row - one row of a table into memory, the read that identity is made of.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "store/query.h"

#define ROW_COLUMNS_MAX 24

/* The first row where `where` holds: count values in the order of columns, copied into the arena.
 * ERR_NOT_FOUND when there is none. */
MUST_USE enum err row_read(struct store *store, struct arena *arena, const char *table,
                           const char *const *columns, int count, const struct expr *where,
                           struct value *out);
/* NUL-terminated text of a value, or NULL when it is null. */
const char *row_text(const struct value *value);
/* What a column equals; for stack-made conditions. */
static inline struct expr row_eq(const char *column, struct value value)
{
    return (struct expr){.op = EXPR_EQ, .column = {0, column}, .value = value};
}
/* id = n and not deleted. nodes is the caller's storage. */
const struct expr *row_live(struct expr nodes[3], const char *column, struct value value);
