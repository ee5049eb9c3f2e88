/* rig - a store in a temporary folder, and short ways to write and read it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/query.h"
#include "store/store.h"

#define RIG_PATH_MAX 256
#define COUNT(array) (int)(sizeof(array) / sizeof *(array))
#define OK(call)     assert_int_equal((call), ERR_OK)

struct rig {
    char folder[RIG_PATH_MAX], path[RIG_PATH_MAX];
    struct arena *arena;
    struct store *store; /* STORE_OWNER, the schema below applied */
};

/* lead(id, name, phone, owner, amount, status, tags, day, at, deleted_at) with tokens,
 * users(id, name, team), log (append only), pair (compound key), session (text key). */
const struct store_schema *rig_schema(void);
int rig_setup(void **state); /* *state = struct rig */
int rig_teardown(void **state);

/* Reads whole files; the caller frees. */
char *rig_file(const char *path, size_t *len);

struct store_set set_int(const char *column, int64_t n);
struct store_set set_text(const char *column, const char *text);
struct store_set set_null(const char *column);

/* lead with these; amount < 0 stays empty, as does a NULL text. Through store_insert. */
void rig_lead(struct rig *rig, int64_t id, const char *name, const char *status, int64_t amount);
/* The ids of the leads that match, ascending, as "1 2 5". Lives in the arena. */
const char *rig_match(struct rig *rig, const struct expr *where);
/* Rows as "a|b c|d": columns by |, rows by blank, empty as -. */
const char *rig_rows(struct rig *rig, const struct query *query);
