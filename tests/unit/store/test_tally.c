/* test_tally - groups made in memory are those that SQLite makes by sorting; indexes that cover.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "base/clock.h"
#include "base/limits.h"

#define DAY_MS 86400000LL

static struct query_column by_status = {.column = {0, "status"}};
static struct query_column by_time = {.column = {0, "at"}, .bucket = BUCKET_MONTH};
static struct query_column by_month = {.column = {0, "day"}, .bucket = BUCKET_MONTH};
static struct query_column by_name = {.column = {0, "name"}};

/* Two keys and every measure of amount. */
struct question {
    struct query_column select[8];
    struct query_order order[2];
    struct query query;
};

static void ask_for(struct question *q, const struct query_column *a, const struct query_column *b)
{
    static const enum query_measure ops[] = {MEASURE_COUNT, MEASURE_COUNT, MEASURE_SUM, MEASURE_MIN,
                                             MEASURE_MAX};
    int n = 0;
    q->select[n++] = *a;
    if (b)
        q->select[n++] = *b;
    q->query = (struct query){.table = "lead", .select = q->select, .group_count = n};
    for (int i = 0; i < COUNT(ops); i++)
        q->select[n++] =
            (struct query_column){.column = {0, i ? "amount" : NULL}, .measure = ops[i]};
    q->query.select_count = n;
    q->order[0] = (struct query_order){.column = {-1, "0"}};
    q->order[1] = (struct query_order){.column = {-1, "1"}};
    q->query.order = q->order;
    q->query.order_count = q->query.group_count;
}

/* A condition that always holds and that only SQLite understands. */
static const struct expr *by_sorting(struct rig *rig, int column)
{
    struct expr *e =
        expr_cmp(rig->arena, EXPR_GTE, arena_printf(rig->arena, "%d", column), value_int(0));
    e->column.join = -1;
    return expr_or(rig->arena, e, e);
}

/* Small, and the same in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void many_leads(struct rig *rig, int count)
{
    static const char *const states[] = {"new", "open", "won", "lost", ""};
    uint64_t random = 7;
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= count; i++) {
        uint64_t r = next_random(&random);
        struct store_set sets[] = {
            set_int("id", i),
            set_text("status", states[r % COUNT(states)]),
            r % 7 ? set_int("amount", (int64_t)(r % 1000) - 300) : set_null("amount"),
            r % 11 ? set_int("at", (int64_t)(r % 400) * DAY_MS / 2 - DAY_MS) : set_null("at"),
            r % 13 ? set_int("day", (int64_t)(r % 1200) - 40) : set_null("day"),
            set_int("owner", (int64_t)(r % 3)),
            r % 5 ? set_null("deleted_at") : set_int("deleted_at", 1),
        };
        OK(store_insert(rig->store, "lead", sets, COUNT(sets), NULL));
    }
    OK(store_commit(rig->store));
}

static void test_tally__agrees_with_sorting(void **state)
{
    const struct query_column *const pairs[][2] = {{&by_status, &by_time},  {&by_time, &by_status},
                                                   {&by_month, &by_status}, {&by_status, &by_month},
                                                   {&by_time, NULL},        {&by_month, NULL}};
    struct rig *rig = *state;
    by_time.zone = zone_find("America/New_York");
    many_leads(rig, 3000);
    for (int i = 0; i < COUNT(pairs); i++) {
        for (int variant = 0; variant < 4; variant++) {
            struct question q;
            ask_for(&q, pairs[i][0], pairs[i][1]);
            q.order[0].descending = variant & 1;
            q.query.limit = variant & 2 ? 3 : 0;
            if (variant & 1)
                q.query.where = expr_cmp(rig->arena, EXPR_NULL, "deleted_at", value_null());
            const char *tallied = rig_rows(rig, &q.query);
            assert_true(strlen(tallied) > 10);
            q.query.having = by_sorting(rig, q.query.group_count);
            assert_string_equal(tallied, rig_rows(rig, &q.query));
        }
    }
}

static void test_tally__having_and_order_by_measures(void **state)
{
    static const enum expr_op ops[] = {EXPR_EQ, EXPR_NE, EXPR_LT, EXPR_LTE, EXPR_GT, EXPR_GTE};
    struct rig *rig = *state;
    many_leads(rig, 500);
    rig_lead(rig, 1000, "x", "none", -1); /* a sum of nothing */
    for (int i = 0; i < COUNT(ops); i++) {
        for (int column = 1; column < 6; column++) {
            struct question q;
            const char *at = arena_printf(rig->arena, "%d", column);
            ask_for(&q, &by_status, NULL);
            q.order[0].column.column = at;
            q.order[0].descending = i & 1;
            q.order[1].column.column = "0";
            q.query.order_count = 2;
            struct expr *have = expr_cmp(rig->arena, ops[i], at, value_int(column < 3 ? 100 : 699));
            have->column.join = -1;
            q.query.having = have;
            const char *tallied = rig_rows(rig, &q.query);
            q.query.having = expr_and(rig->arena, by_sorting(rig, 1), have);
            assert_string_equal(tallied, rig_rows(rig, &q.query));
        }
    }
}

static bool no_row(void *arg, const struct store_row *row)
{
    (void)row;
    return *(bool *)arg = false;
}

static void test_tally__sums_beyond_64_bits(void **state)
{
    struct rig *rig = *state;
    struct query_column select[] = {by_status, {.column = {0, "amount"}, .measure = MEASURE_SUM}};
    struct query_order order = {.column = {-1, "1"}, .descending = true};
    struct query query = {.table = "lead",
                          .select = select,
                          .select_count = 2,
                          .order = &order,
                          .order_count = 1,
                          .group_count = 1,
                          .wide_sums = true};
    struct store_set least[] = {set_int("id", 9), set_text("status", "least"),
                                set_int("amount", INT64_MIN)};
    for (int i = 1; i <= 3; i++)
        rig_lead(rig, i, "a", "big", INT64_MAX);
    rig_lead(rig, 4, "a", "one", INT64_MAX);
    OK(store_insert(rig->store, "lead", least, COUNT(least), NULL));
    least[0] = set_int("id", 10);
    OK(store_insert(rig->store, "lead", least, COUNT(least), NULL));
    assert_string_equal(rig_rows(rig, &query), "big|27670116110564327421 one|9223372036854775807 "
                                               "least|-18446744073709551616");
    struct expr *have = expr_cmp(rig->arena, EXPR_GT, "1", value_int(INT64_MAX));
    have->column.join = -1;
    query.having = have;
    assert_string_equal(rig_rows(rig, &query), "big|27670116110564327421");
    query.having = NULL;
    query.wide_sums = false; /* for who can only take a number */
    bool nothing = true;
    assert_int_equal(store_read(rig->store, &query, no_row, &nothing), ERR_VALIDATION);
    assert_non_null(strstr(store_why(rig->store), "overflow"));
    assert_true(nothing);
}

static void test_tally__all_in_one(void **state)
{
    struct rig *rig = *state;
    struct query_column select[] = {{.measure = MEASURE_COUNT},
                                    {.column = {0, "amount"}, .measure = MEASURE_SUM},
                                    {.column = {0, "amount"}, .measure = MEASURE_MAX}};
    struct query query = {.table = "lead", .select = select, .select_count = 3, .wide_sums = true};
    assert_string_equal(rig_rows(rig, &query), "0|-|-");
    rig_lead(rig, 1, "a", "new", INT64_MAX);
    rig_lead(rig, 2, "b", "new", INT64_MAX);
    assert_string_equal(rig_rows(rig, &query), "2|18446744073709551614|9223372036854775807");
}

static void insert_named(struct rig *rig, int count)
{
    char name[16];
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "n%05d", i);
        rig_lead(rig, i, name, "new", i);
    }
    OK(store_commit(rig->store));
}

/* At the bound in memory, one beyond by sorting: nobody sees the difference. */
static void test_tally__many_groups(void **state)
{
    struct rig *rig = *state;
    struct question q;
    ask_for(&q, &by_name, NULL);
    q.order[0].descending = true;
    q.query.limit = 2;
    insert_named(rig, TALLY_GROUPS_MAX);
    assert_string_equal(rig_rows(rig, &q.query),
                        "n20000|1|1|20000|20000|20000 n19999|1|1|19999|19999|19999");
    rig_lead(rig, TALLY_GROUPS_MAX + 1, "n20001", "new", 1);
    assert_string_equal(rig_rows(rig, &q.query), "n20001|1|1|1|1|1 n20000|1|1|20000|20000|20000");
}

static void test_tally__a_budget_holds(void **state)
{
    struct rig *rig = *state;
    struct query_column count = {.measure = MEASURE_COUNT};
    struct query_column select[] = {by_name, count};
    struct query query = {.table = "lead", .select = select, .select_count = 2, .group_count = 1};
    insert_named(rig, 20000);
    store_budget(rig->store, 1);
    bool nothing = true;
    assert_int_equal(store_read(rig->store, &query, no_row, &nothing), ERR_TIMEOUT);
    assert_true(nothing);
    store_budget(rig->store, 0);
    assert_true(strlen(rig_rows(rig, &query)) > 20000);
}

/* --- covering indexes --- */

static const char *plan_of(struct rig *rig, const struct query *query)
{
    struct buf plan = BUF_INIT;
    OK(store_explain(rig->store, query, &plan));
    const char *text = arena_strdup(rig->arena, buf_cstr(&plan));
    buf_release(&plan);
    return text;
}

static void test_tally__takes_the_index_that_holds_all(void **state)
{
    struct rig *rig = *state;
    struct question q;
    ask_for(&q, &by_status, NULL);
    assert_non_null(strstr(plan_of(rig, &q.query), "USING COVERING INDEX lead_status"));
    q.query.where = expr_cmp(rig->arena, EXPR_NULL, "deleted_at", value_null());
    assert_null(strstr(plan_of(rig, &q.query), "lead_status")); /* it does not know who lives */
    by_time.zone = zone_find("UTC");
    ask_for(&q, &by_time, NULL);
    assert_null(strstr(plan_of(rig, &q.query), "lead_status"));
}

/* Few rows of one owner are fetched from the table; many are read out of the wide index. */
static void test_tally__few_rows_are_looked_up(void **state)
{
    static const struct store_index indexes[] = {
        {"lead_report", "status,amount,owner,deleted_at", "live", false},
        {"lead_owner", "owner,id", "live", false},
    };
    struct rig *rig = *state;
    struct store_schema schema = *rig_schema();
    struct store_table tables[8];
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[0].indexes = indexes;
    tables[0].indexes_count = COUNT(indexes);
    schema.tables = tables;
    schema.hash++;
    OK(store_schema_apply(rig->store, &schema));
    many_leads(rig, 3000);
    OK(store_update(rig->store, "lead", expr_cmp(rig->arena, EXPR_LT, "id", value_int(20)),
                    &(struct store_set){"owner", value_int(77), false}, 1, NULL, NULL));
    struct question q;
    ask_for(&q, &by_status, NULL);
    for (int owner = 0; owner <= 77; owner += 77) {
        q.query.where =
            expr_and(rig->arena, expr_cmp(rig->arena, EXPR_NULL, "deleted_at", value_null()),
                     expr_cmp(rig->arena, EXPR_EQ, "owner", value_int(owner)));
        const char *index = owner ? "USING INDEX lead_owner" : "USING COVERING INDEX lead_report";
        const char *plan = plan_of(rig, &q.query);
        if (!strstr(plan, index))
            fail_msg("owner %d: %s", owner, plan);
        const char *tallied = rig_rows(rig, &q.query);
        q.query.having = by_sorting(rig, 1);
        assert_string_equal(tallied, rig_rows(rig, &q.query));
        q.query.having = NULL;
    }
}

/* Of several that hold all, the one that begins with what is asked for; also to count alone. */
static void test_tally__reads_part_of_an_index(void **state)
{
    static const struct store_index indexes[] = {
        {"lead_report", "amount,status,owner,day,deleted_at", "live", false},
        {"lead_status", "status,owner,id", "live", false},
    };
    struct rig *rig = *state;
    struct store_schema schema = *rig_schema();
    struct store_table tables[8];
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[0].indexes = indexes;
    tables[0].indexes_count = COUNT(indexes);
    schema.tables = tables;
    schema.hash++;
    OK(store_schema_apply(rig->store, &schema));
    many_leads(rig, 6000);
    struct query_column count = {.measure = MEASURE_COUNT};
    struct query query = {.table = "lead", .select = &count, .select_count = 1, .wide_sums = true};
    const struct expr *live = expr_cmp(rig->arena, EXPR_NULL, "deleted_at", value_null());
    const struct expr *won = expr_and(
        rig->arena, expr_cmp(rig->arena, EXPR_EQ, "status", value_text(SLICE("won"))), live);
    query.where = won;
    assert_non_null(strstr(plan_of(rig, &query), "INDEX lead_status (status=?)"));
    query.where =
        expr_and(rig->arena, won, expr_cmp(rig->arena, EXPR_GTE, "day", value_int(INT32_MIN)));
    assert_non_null(strstr(plan_of(rig, &query), "COVERING INDEX lead_report"));
    const char *counted = rig_rows(rig, &query);
    query.wide_sums = false; /* SQLite's own */
    assert_string_equal(counted, rig_rows(rig, &query));
    assert_true(atoi(counted) > 500);
}

/* So many measures are counted in memory, more by SQLite: nobody can tell. */
static void test_tally__many_measures(void **state)
{
    struct rig *rig = *state;
    many_leads(rig, 300);
    for (int n = STORE_MEASURES_MAX; n <= STORE_MEASURES_MAX + 1; n++) {
        struct query_column select[STORE_MEASURES_MAX + 2] = {by_status};
        for (int i = 1; i <= n; i++)
            select[i] = (struct query_column){
                .column = {0, i % 2 ? "amount" : NULL},
                .measure = i % 2 ? MEASURE_SUM : MEASURE_COUNT,
            };
        struct query_order order = {.column = {-1, "0"}};
        struct query query = {.table = "lead",
                              .select = select,
                              .select_count = n + 1,
                              .order = &order,
                              .order_count = 1,
                              .group_count = 1};
        const char *plain = rig_rows(rig, &query);
        query.having = by_sorting(rig, 1);
        assert_string_equal(plain, rig_rows(rig, &query));
        int columns = 1;
        for (const char *at = plain; *at && *at != ' '; at++)
            columns += *at == '|';
        assert_int_equal(columns, n + 1);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_tally__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(agrees_with_sorting),
        TEST(having_and_order_by_measures),
        TEST(sums_beyond_64_bits),
        TEST(all_in_one),
        TEST(many_groups),
        TEST(a_budget_holds),
        TEST(takes_the_index_that_holds_all),
        TEST(few_rows_are_looked_up),
        TEST(reads_part_of_an_index),
        TEST(many_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
