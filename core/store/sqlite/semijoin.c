/* semijoin - see semijoin.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/semijoin.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/query.h"
#include "store/sqlite/cover.h"

#define SLOTS_MIN 1024

int semijoin_add(struct semijoins *joins, const struct expr *exists)
{
    ASSERT(exists->op == EXPR_EXISTS);
    if (joins->count == SEMIJOINS_MAX)
        return -1;
    joins->all[joins->count] = (struct semijoin){.exists = exists, .next = SEMIJOIN_ASKED_MIN};
    return joins->count++;
}

static void set_clear(struct semijoin *join)
{
    free(join->slots);
    join->slots = NULL;
    join->cap = 0;
    join->count = 0;
    join->has_zero = false;
}

void semijoins_release(struct semijoins *joins)
{
    for (int i = 0; i < joins->count; i++)
        set_clear(&joins->all[i]);
    joins->count = 0;
}

/* --- the set --- */

static size_t slot_of(const struct semijoin *join, int64_t n)
{
    uint64_t hash = (uint64_t)n * 0x9e3779b97f4a7c15u;
    size_t mask = join->cap - 1, at = (hash ^ (hash >> 29)) & mask;
    while (join->slots[at] && join->slots[at] != n)
        at = (at + 1) & mask;
    return at;
}

static bool set_has(const struct semijoin *join, int64_t n)
{
    if (n == 0)
        return join->has_zero;
    return join->cap > 0 && join->slots[slot_of(join, n)] == n;
}

static void set_grow(struct semijoin *join)
{
    struct semijoin old = *join;
    join->cap = old.cap ? old.cap * 2 : SLOTS_MIN;
    join->slots = calloc(join->cap, sizeof *join->slots);
    if (!join->slots)
        BUG("out of memory");
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i])
            join->slots[slot_of(join, old.slots[i])] = old.slots[i];
    free(old.slots);
}

static void set_add(struct semijoin *join, int64_t n)
{
    if (n == 0) {
        join->has_zero = true;
        return;
    }
    if ((size_t)join->count * 4 >= join->cap * 3)
        set_grow(join);
    size_t at = slot_of(join, n);
    join->count += join->slots[at] == 0;
    join->slots[at] = n;
}

/* --- reading it --- */

struct filling {
    struct semijoin *join;
    int64_t limit;
    bool has_all, is_unfit;
};

static bool member_row(void *arg, const struct store_row *row)
{
    struct filling *filling = arg;
    struct value value = read_row_value(row, 0);
    if (value.type == VALUE_NULL)
        return true;
    filling->is_unfit = value.type != VALUE_INT;
    filling->has_all = !filling->is_unfit && filling->join->count < filling->limit;
    if (filling->has_all)
        set_add(filling->join, value.integer);
    return filling->has_all;
}

static enum err set_read(struct db *db, struct semijoin *join)
{
    const struct expr_sub *sub = &join->exists->sub;
    struct query_column member = {.column = {0, sub->column}};
    struct query query = {
        .table = sub->table, .select = &member, .select_count = 1, .where = sub->where};
    struct filling filling = {.join = join, .has_all = true};
    int64_t worth = join->asked * SEMIJOIN_MEMBERS_EACH;
    filling.limit = worth < SEMIJOIN_MEMBERS_MAX ? worth : SEMIJOIN_MEMBERS_MAX;
    enum err e = cover_find(db, &query, &query.index_hint);
    if (!e)
        e = read_one(db, &query, member_row, &filling);
    join->is_read = !e && filling.has_all;
    if (!join->is_read)
        set_clear(join);
    bool is_hopeless = filling.is_unfit || filling.limit == SEMIJOIN_MEMBERS_MAX;
    join->next = is_hopeless ? 0 : join->next * 4;
    return e;
}

/* In what is left of the budget of the statement that asks. */
static enum err set_read_within(struct db *db, struct semijoin *join)
{
    int64_t budget = db->budget_us, began = db->started_us;
    int64_t used = budget && began >= 0 ? clock_cpu_us() - began : 0;
    if (budget)
        db->budget_us = used < budget ? budget - used : 1;
    enum err e = set_read(db, join);
    db->budget_us = budget;
    db->started_us = began;
    return e;
}

void semijoin_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct db *db = sqlite3_user_data(context);
    struct semijoins *joins = db->semijoins;
    int number = sqlite3_value_int(argv[0]);
    if (!joins || argc != 2 || number < 0 || number >= joins->count) {
        sqlite3_result_error(context, "no such semi-join", -1);
        return;
    }
    struct semijoin *join = &joins->all[number];
    if (!join->is_read && ++join->asked == join->next)
        joins->error = set_read_within(db, join);
    if (joins->error)
        sqlite3_result_error(context, "a semi-join cannot be read", -1);
    else if (sqlite3_value_type(argv[1]) == SQLITE_NULL)
        sqlite3_result_int(context, 0);
    else if (join->is_read && sqlite3_value_type(argv[1]) == SQLITE_INTEGER)
        sqlite3_result_int(context, set_has(join, sqlite3_value_int64(argv[1])));
}
