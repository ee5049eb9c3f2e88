/* test_kept - a kept answer is the store's own, in every state of the store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/db.h"

static struct query_column by_status[] = {{.column = {0, "status"}},
                                          {.measure = MEASURE_COUNT},
                                          {.column = {0, "amount"}, .measure = MEASURE_SUM}};
static struct query_order in_order = {.column = {-1, "0"}};

static struct query groups(const struct expr *where)
{
    return (struct query){.table = "lead",
                          .select = by_status,
                          .select_count = 3,
                          .where = where,
                          .order = &in_order,
                          .order_count = 1,
                          .group_count = 1,
                          .wide_sums = true};
}

/* Another connection, that only reads: as a gateway does beside the worker. */
static struct rig reader_of(struct rig *rig)
{
    struct rig reader = *rig;
    OK(store_open(rig->path, STORE_READ, &reader.store));
    return reader;
}

static const char *ask(struct rig *rig, const struct expr *where)
{
    struct query query = groups(where);
    return rig_rows(rig, &query);
}

static void begin(struct rig *rig)
{
    int64_t n;
    OK(store_begin(rig->store, false));
    OK(store_count(rig->store, "users", NULL, 1, &n)); /* the transaction sees from now on */
}

static void test_kept__ends_with_the_state_it_was_made_in(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", "new", 10);
    rig_lead(rig, 2, "b", "won", 20);
    struct rig reader = reader_of(rig);
    begin(&reader);
    assert_string_equal(ask(&reader, NULL), "new|1|10 won|1|20");
    rig_lead(rig, 3, "c", "new", 5);
    assert_string_equal(ask(&reader, NULL), "new|1|10 won|1|20"); /* what the transaction sees */
    store_rollback(reader.store);
    for (int i = 0; i < 3; i++) {
        begin(&reader);
        assert_string_equal(ask(&reader, NULL), "new|2|15 won|1|20");
        store_rollback(reader.store);
    }
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, NULL));
    rig_lead(rig, 4, "d", "new", -1);
    begin(&reader);
    assert_string_equal(ask(&reader, NULL), "new|3|15 won|1|20");
    store_rollback(reader.store);
    store_close(reader.store);
}

static void test_kept__belongs_to_its_parameters(void **state)
{
    struct rig *rig = *state;
    struct expr *few = expr_cmp(rig->arena, EXPR_LTE, "amount", value_int(10));
    struct expr *many = expr_cmp(rig->arena, EXPR_LTE, "amount", value_int(20));
    struct expr *name = expr_cmp(rig->arena, EXPR_CONTAINS, "name", value_text(SLICE("A")));
    struct expr *other = expr_cmp(rig->arena, EXPR_CONTAINS, "name", value_text(SLICE("B")));
    rig_lead(rig, 1, "a", "new", 10);
    rig_lead(rig, 2, "b", "won", 20);
    for (int i = 0; i < 2; i++) {
        begin(rig);
        assert_string_equal(ask(rig, few), "new|1|10");
        assert_string_equal(ask(rig, many), "new|1|10 won|1|20");
        assert_string_equal(ask(rig, name), "new|1|10");
        assert_string_equal(ask(rig, other), "won|1|20");
        store_rollback(rig->store);
    }
    for (int i = 0; i < 40; i++) { /* more than are kept */
        begin(rig);
        struct expr *one = expr_cmp(rig->arena, EXPR_GT, "amount", value_int(i));
        assert_string_equal(ask(rig, one), i < 10 ? "new|1|10 won|1|20" : i < 20 ? "won|1|20" : "");
        store_rollback(rig->store);
    }
}

static void test_kept__a_writer_sees_its_own_rows(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", "new", 10);
    begin(rig);
    assert_string_equal(ask(rig, NULL), "new|1|10");
    store_rollback(rig->store);
    OK(store_begin(rig->store, true));
    rig_lead(rig, 2, "b", "new", 5);
    assert_string_equal(ask(rig, NULL), "new|2|15");
    store_rollback(rig->store);
    begin(rig);
    assert_string_equal(ask(rig, NULL), "new|1|10");
    store_rollback(rig->store);
    rig_lead(rig, 2, "b", "new", 7);
    begin(rig);
    assert_string_equal(ask(rig, NULL), "new|2|17");
    store_rollback(rig->store);
}

static bool first_row(void *arg, const struct store_row *row)
{
    (void)row;
    ++*(int *)arg;
    return false;
}

static void test_kept__only_whole_answers(void **state)
{
    struct rig *rig = *state;
    struct query query = groups(NULL);
    int rows = 0;
    rig_lead(rig, 1, "a", "new", 10);
    rig_lead(rig, 2, "b", "won", 20);
    begin(rig);
    OK(store_read(rig->store, &query, first_row, &rows)); /* stopped after one */
    assert_string_equal(ask(rig, NULL), "new|1|10 won|1|20");
    OK(store_read(rig->store, &query, first_row, &rows));
    assert_int_equal(rows, 2);
    store_rollback(rig->store);
    rig_lead(rig, 3, "c", "won", INT64_MAX);
    for (int i = 0; i < 2; i++) { /* kept like any other number */
        begin(rig);
        assert_string_equal(ask(rig, NULL), "new|1|10 won|2|9223372036854775827");
        store_rollback(rig->store);
    }
}

static int kept_rows(const struct rig *rig)
{
    const struct db *db = (const struct db *)rig->store;
    int rows = 0;
    for (int i = 0; i < KEPT_MAX; i++)
        rows += db->kept[i].arena ? db->kept[i].rows : 0;
    return rows;
}

static int left; /* rows that are still taken */

static bool so_many(void *arg, const struct store_row *row)
{
    (void)arg;
    (void)row;
    return --left > 0;
}

/* Whoever reads one more than it shows stops at that one: nothing came behind it. */
static void test_kept__so_many_groups_and_no_more(void **state)
{
    struct rig *rig = *state;
    struct query query = groups(NULL);
    OK(store_begin(rig->store, true));
    for (int i = 0; i <= KEPT_ROWS_MAX; i++)
        rig_lead(rig, i + 1, "x", arena_printf(rig->arena, "s%05d", i), i);
    OK(store_commit(rig->store));
    begin(rig);
    left = INT32_MAX;
    OK(store_read(rig->store, &query, so_many, NULL)); /* one more than fit */
    assert_int_equal(kept_rows(rig), 0);
    query.limit = left = 30;
    OK(store_read(rig->store, &query, so_many, NULL));
    assert_int_equal(kept_rows(rig), 30);
    query.limit = left = KEPT_ROWS_MAX;
    OK(store_read(rig->store, &query, so_many, NULL));
    assert_int_equal(kept_rows(rig), 30 + KEPT_ROWS_MAX);
    const char *first = rig_rows(rig, &query);
    assert_int_equal(kept_rows(rig), 30 + KEPT_ROWS_MAX);
    assert_string_equal(first, rig_rows(rig, &query));
    query.limit = 30;
    assert_memory_equal(first, rig_rows(rig, &query), 30 * strlen("s00000|1|0"));
    store_rollback(rig->store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_kept__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(ends_with_the_state_it_was_made_in), TEST(belongs_to_its_parameters),
        TEST(a_writer_sees_its_own_rows),         TEST(only_whole_answers),
        TEST(so_many_groups_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
