/* test_semijoin - what an EXISTS says of a row is the same, whether it looks or a set is asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/semijoin.h"

#define USERS 40000 /* more than the first set may have, fewer than the second */
#define LEADS (5 * SEMIJOIN_ASKED_MIN)

_Static_assert(USERS > SEMIJOIN_ASKED_MIN * SEMIJOIN_MEMBERS_EACH &&
                   USERS < 4 * SEMIJOIN_ASKED_MIN * SEMIJOIN_MEMBERS_EACH &&
                   LEADS > 4 * SEMIJOIN_ASKED_MIN,
               "the set is read at the second time");

static void insert(struct rig *rig, const char *table, const struct store_set *sets, int count)
{
    OK(store_insert(rig->store, table, sets, count, NULL));
}

/* Team 1 is all but every seventh user, team 2 has 1000; one user has the number 0. */
static void users_make(struct rig *rig)
{
    OK(store_begin(rig->store, true));
    for (int i = 0; i < USERS; i++) {
        struct store_set user[] = {set_int("id", i), set_text("name", i % 2 ? "n1" : "x"),
                                   set_int("team", i % 7      ? 1
                                                   : i < 7000 ? 2
                                                              : 3)};
        insert(rig, "users", user, COUNT(user));
    }
    OK(store_commit(rig->store));
}

/* Some belong to nobody, some to users that are not there. */
static void leads_make(struct rig *rig, int from, int to)
{
    static const char *const states[] = {"new", "open", "won"};
    OK(store_begin(rig->store, true));
    for (int i = from; i < to; i++) {
        int owner = (int)((unsigned)i * 2654435761u % (USERS + 100));
        struct store_set lead[] = {set_int("id", i + 1), set_text("name", i % 10 ? "m" : "n1"),
                                   set_text("status", states[i % 3]), set_int("amount", i % 1000),
                                   i % 11 ? set_int("owner", i % 13 ? owner : 0)
                                          : set_null("owner")};
        insert(rig, "lead", lead, COUNT(lead));
    }
    OK(store_commit(rig->store));
}

static int setup(void **state)
{
    static const struct store_index of_lead[] = {
        {"lead_report", "status,owner,amount,name,deleted_at", "live", false},
        {"lead_owner", "owner,id", "live", false},
    };
    static const struct store_index of_users[] = {{"users_report", "team,name", NULL, false}};
    rig_setup(state);
    struct rig *rig = *state;
    struct store_schema schema = *rig_schema();
    struct store_table tables[8];
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[0].indexes = of_lead;
    tables[0].indexes_count = COUNT(of_lead);
    tables[1].indexes = of_users;
    tables[1].indexes_count = COUNT(of_users);
    schema.tables = tables;
    schema.hash++;
    OK(store_schema_apply(rig->store, &schema));
    users_make(rig);
    return 0;
}

static const struct expr *exists(struct rig *rig, const char *table, const char *column,
                                 const char *outer, const struct expr *where)
{
    struct expr *e = expr_new(rig->arena, EXPR_EXISTS);
    e->sub = (struct expr_sub){table, column, {0, outer}, where};
    return e;
}

static const struct expr *of_team(struct rig *rig, int team)
{
    return exists(rig, "users", "id", "owner",
                  expr_cmp(rig->arena, EXPR_EQ, "team", value_int(team)));
}

static const struct expr *live(struct rig *rig, const struct expr *and)
{
    return expr_and(rig->arena, expr_cmp(rig->arena, EXPR_NULL, "deleted_at", value_null()), and);
}

/* A condition that always holds and that only SQLite understands: then no row is tallied. */
static const struct expr *by_sorting(struct rig *rig)
{
    struct expr *e = expr_cmp(rig->arena, EXPR_GTE, "1", value_int(0));
    e->column.join = -1;
    return expr_or(rig->arena, e, e);
}

static void same_as_sorted(struct rig *rig, struct query *query)
{
    struct query_order order = {.column = {-1, "0"}};
    query->order = &order;
    query->order_count = 1;
    query->having = NULL;
    const char *tallied = rig_rows(rig, query);
    query->having = by_sorting(rig);
    assert_string_equal(tallied, rig_rows(rig, query));
    query->having = NULL;
    query->order_count = 0;
    assert_true(strlen(tallied) > 0);
}

/* Statements that the question takes, asked for the first time. */
static int statements(struct rig *rig, const struct query *query)
{
    struct store_stats before, after;
    store_stats(rig->store, &before);
    assert_true(strlen(rig_rows(rig, query)) > 0);
    store_stats(rig->store, &after);
    return (int)(after.prepared - before.prepared);
}

/* Leads by state: how many of them `part` holds for, and how many there are. */
static struct query by_status(struct query_column *select, const struct expr *part)
{
    select[0] = (struct query_column){.column = {0, "status"}};
    select[1] =
        (struct query_column){.column = {0, "id"}, .only_when = part, .measure = MEASURE_COUNT};
    select[2] = (struct query_column){.measure = MEASURE_COUNT};
    return (struct query){.table = "lead", .select = select, .select_count = 3, .group_count = 1};
}

static void test_semijoin__a_set_is_read_when_many_ask(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    struct query query = by_status(select, of_team(rig, 2));
    query.where = live(rig, NULL);
    leads_make(rig, 0, SEMIJOIN_ASKED_MIN - 1);
    select[1].only_when = NULL;
    statements(rig, &query); /* what the driver asks once */
    select[1].only_when = of_team(rig, 2);
    assert_int_equal(statements(rig, &query), 1);
    same_as_sorted(rig, &query);
    leads_make(rig, SEMIJOIN_ASKED_MIN - 1, LEADS);
    assert_int_equal(statements(rig, &query), 1); /* the members: the other one is there */
    same_as_sorted(rig, &query);
}

static void test_semijoin__a_large_set_is_read_later(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    struct query query = by_status(select, of_team(rig, 1));
    query.where = live(rig, NULL);
    leads_make(rig, 0, LEADS);
    same_as_sorted(rig, &query);
    select[1].only_when = exists(rig, "users", "id", "owner", NULL); /* all of them */
    same_as_sorted(rig, &query);
    select[1].only_when = expr_not(rig->arena, of_team(rig, 1));
    same_as_sorted(rig, &query);
}

static void test_semijoin__in_conditions(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    struct query query = by_status(select, NULL);
    leads_make(rig, 0, LEADS);
    query.where = live(rig, of_team(rig, 2));
    same_as_sorted(rig, &query);
    query.where = live(rig, expr_not(rig->arena, of_team(rig, 2)));
    same_as_sorted(rig, &query);
    query.where = live(rig, expr_or(rig->arena, of_team(rig, 3), of_team(rig, 2)));
    select[1].only_when = of_team(rig, 2);
    same_as_sorted(rig, &query);
}

/* The other way: users that have such a lead. Leads of nobody are no members. */
static void test_semijoin__what_points_here(void **state)
{
    struct rig *rig = *state;
    struct query_column select[] = {{.column = {0, "team"}}, {.measure = MEASURE_COUNT}};
    struct query query = {.table = "users", .select = select, .select_count = 2, .group_count = 1};
    leads_make(rig, 0, LEADS);
    query.where = exists(rig, "lead", "owner", "id",
                         live(rig, expr_cmp(rig->arena, EXPR_GTE, "amount", value_int(500))));
    same_as_sorted(rig, &query);
}

/* A set holds numbers only: anything else is looked up row by row as before. */
static void test_semijoin__texts_are_looked_up(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    struct query query =
        by_status(select, exists(rig, "users", "name", "name",
                                 expr_cmp(rig->arena, EXPR_EQ, "team", value_int(2))));
    query.where = live(rig, NULL);
    leads_make(rig, 0, 2 * SEMIJOIN_ASKED_MIN);
    same_as_sorted(rig, &query);
}

static void test_semijoin__more_than_there_are_sets(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    const struct expr *any = NULL;
    for (int i = 0; i <= SEMIJOINS_MAX; i++)
        any = expr_or(rig->arena, any,
                      expr_and(rig->arena, of_team(rig, i % 3 + 1),
                               expr_cmp(rig->arena, EXPR_LT, "amount", value_int(i * 50))));
    struct query query = by_status(select, any);
    query.where = live(rig, NULL);
    leads_make(rig, 0, 2 * SEMIJOIN_ASKED_MIN);
    same_as_sorted(rig, &query);
}

static bool no_row(void *arg, const struct store_row *row)
{
    (void)row;
    *(bool *)arg = false;
    return true;
}

/* Wherever in it the time is over, the read ends so; and the next one is whole. */
static void test_semijoin__a_budget_holds(void **state)
{
    struct rig *rig = *state;
    struct query_column select[3];
    struct query query = by_status(select, of_team(rig, 1));
    int ended = 0;
    query.where = live(rig, NULL);
    leads_make(rig, 0, LEADS);
    for (int64_t budget = 1; budget < 100000; budget *= 3) {
        bool nothing = true;
        store_budget(rig->store, budget);
        enum err e = store_read(rig->store, &query, no_row, &nothing);
        assert_true(e == ERR_TIMEOUT ? nothing : e == ERR_OK);
        ended += e == ERR_TIMEOUT;
    }
    assert_true(ended > 0);
    store_budget(rig->store, 0);
    same_as_sorted(rig, &query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_semijoin__a_set_is_read_when_many_ask, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__a_large_set_is_read_later, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__in_conditions, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__what_points_here, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__texts_are_looked_up, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__more_than_there_are_sets, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(test_semijoin__a_budget_holds, setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
