/* test_tx - transactions, savepoints, counters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "base/buf.h"

static void test_tx__a_rollback_leaves_nothing(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    assert_true(store_in_tx(rig->store));
    rig_lead(rig, 1, "a", NULL, 1);
    store_rollback(rig->store);
    assert_false(store_in_tx(rig->store));
    store_rollback(rig->store); /* nothing open: nothing to do */
    assert_string_equal(rig_match(rig, NULL), "");
}

static void test_tx__savepoints_nest_and_hand_the_error_on(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    OK(store_savepoint(rig->store));
    rig_lead(rig, 1, "a", NULL, 1);
    OK(store_savepoint(rig->store));
    rig_lead(rig, 2, "b", NULL, 1);
    assert_int_equal(store_savepoint_end(rig->store, ERR_VALIDATION), ERR_VALIDATION);
    OK(store_savepoint(rig->store));
    rig_lead(rig, 3, "c", NULL, 1);
    OK(store_savepoint_end(rig->store, ERR_OK));
    OK(store_savepoint_end(rig->store, ERR_OK));
    OK(store_savepoint(rig->store));
    rig_lead(rig, 4, "d", NULL, 1);
    assert_int_equal(store_savepoint_end(rig->store, ERR_PLUGIN), ERR_PLUGIN);
    OK(store_commit(rig->store));
    assert_string_equal(rig_match(rig, NULL), "1 3");
}

static void test_tx__a_conflict_keeps_the_transaction(void **state)
{
    struct rig *rig = *state;
    struct store_set id = set_int("id", 1);
    OK(store_begin(rig->store, true));
    rig_lead(rig, 1, "a", NULL, 1);
    assert_int_equal(store_insert(rig->store, "lead", &id, 1, NULL), ERR_CONFLICT);
    rig_lead(rig, 2, "b", NULL, 1);
    OK(store_commit(rig->store));
    assert_string_equal(rig_match(rig, NULL), "1 2");
}

static void test_tx__two_writers_meet_busy_at_once(void **state)
{
    struct rig *rig = *state;
    struct store *other;
    OK(store_open(rig->path, STORE_WRITER, &other));
    OK(store_begin(rig->store, true));
    assert_int_equal(store_begin(other, true), ERR_BUSY);
    assert_false(store_in_tx(other));
    OK(store_commit(rig->store));
    OK(store_begin(other, true));
    store_rollback(other);
    store_close(other);
}

static void test_tx__a_read_transaction_is_one_snapshot(void **state)
{
    struct rig *rig = *state;
    struct store *reader;
    int64_t n = -1;
    OK(store_open(rig->path, STORE_READ, &reader));
    rig_lead(rig, 1, "a", NULL, 1);
    OK(store_begin(reader, false));
    OK(store_count(reader, "lead", NULL, 9, &n));
    rig_lead(rig, 2, "b", NULL, 1);
    OK(store_count(reader, "lead", NULL, 9, &n));
    assert_int_equal(n, 1);
    OK(store_commit(reader));
    OK(store_count(reader, "lead", NULL, 9, &n));
    assert_int_equal(n, 2);
    store_close(reader);
}

/* The engine itself rolls back a write that is interrupted: nothing after it may slip through. */
static void test_tx__a_lost_transaction_answers_its_error_until_it_is_ended(void **state)
{
    struct rig *rig = *state;
    struct store_set sets[] = {set_text("status", "won"), {"amount", value_int(1), true}};
    int64_t n;
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= 4000; i++)
        rig_lead(rig, i, "a name that is contained", NULL, 1);
    OK(store_commit(rig->store));
    OK(store_begin(rig->store, true));
    rig_lead(rig, 9000, "lost", NULL, 1);
    OK(store_savepoint(rig->store));
    store_budget(rig->store, 1000);
    struct expr *where = expr_cmp(rig->arena, EXPR_CONTAINS, "name", value_text(SLICE("name")));
    assert_int_equal(store_update(rig->store, "lead", where, sets, 2, NULL, NULL), ERR_TIMEOUT);
    store_budget(rig->store, 0);
    struct store_set id = set_int("id", 9001);
    assert_int_equal(store_insert(rig->store, "lead", &id, 1, NULL), ERR_TIMEOUT);
    assert_int_equal(store_count(rig->store, "lead", NULL, 1, &n), ERR_TIMEOUT);
    assert_int_equal(store_savepoint(rig->store), ERR_TIMEOUT);
    assert_int_equal(store_counter(rig->store, SLICE("n"), 0, 1, &n), ERR_TIMEOUT);
    assert_int_equal(store_savepoint_end(rig->store, ERR_TIMEOUT), ERR_TIMEOUT);
    assert_true(store_in_tx(rig->store));
    assert_int_equal(store_commit(rig->store), ERR_TIMEOUT);
    assert_false(store_in_tx(rig->store));
    assert_string_equal(rig_match(rig, expr_cmp(rig->arena, EXPR_GTE, "id", value_int(9000))), "");
    rig_lead(rig, 9002, "well again", NULL, 1);
}

static void test_tx__counters_have_no_gaps(void **state)
{
    struct rig *rig = *state;
    int64_t n = -1;
    OK(store_begin(rig->store, true));
    OK(store_counter(rig->store, SLICE("contract:2026"), 0, 1, &n));
    assert_int_equal(n, 1);
    OK(store_counter(rig->store, SLICE("contract:2026"), 0, 1, &n));
    assert_int_equal(n, 2);
    OK(store_counter(rig->store, SLICE("other"), 1000, 5, &n));
    assert_int_equal(n, 1005);
    OK(store_savepoint(rig->store));
    OK(store_counter(rig->store, SLICE("contract:2026"), 0, 1, &n));
    assert_int_equal(store_savepoint_end(rig->store, ERR_PLUGIN), ERR_PLUGIN);
    OK(store_commit(rig->store));
    OK(store_begin(rig->store, true));
    OK(store_counter(rig->store, SLICE("contract:2026"), 0, 1, &n));
    assert_int_equal(n, 3); /* the one rolled back is given again */
    store_rollback(rig->store);
}

/* --- savepoints that are only made when they are needed --- */

#define IDS   24 /* leads that come and go */
#define DEEP  6
#define STEPS 20000

struct model { /* which leads there are, at each level */
    bool there[DEEP + 1][IDS];
    int depth;
};

static uint32_t random_next(void)
{
    static uint32_t x = 20261122;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/* Puts it there or takes it away. */
static void toggle(struct rig *rig, struct model *model, int id)
{
    bool *there = &model->there[model->depth][id];
    if (*there)
        OK(store_delete(rig->store, "lead", expr_cmp(rig->arena, EXPR_EQ, "id", value_int(id + 1)),
                        NULL));
    else
        rig_lead(rig, id + 1, "a", NULL, 1);
    *there = !*there;
}

static void level_end(struct rig *rig, struct model *model, enum err e)
{
    assert_int_equal(store_savepoint_end(rig->store, e), e);
    model->depth--;
    if (!e)
        memcpy(model->there[model->depth], model->there[model->depth + 1], sizeof *model->there);
}

static void level_begin(struct rig *rig, struct model *model)
{
    OK(store_savepoint(rig->store));
    memcpy(model->there[model->depth + 1], model->there[model->depth], sizeof *model->there);
    model->depth++;
}

/* What is certain is written and ended well; perhaps its first statement is refused. */
static void certain(struct rig *rig, struct model *model)
{
    struct store_set id = set_int("id", 1);
    level_begin(rig, model);
    store_certain(rig->store);
    if (model->there[model->depth][0] && random_next() % 2) {
        assert_int_equal(store_insert(rig->store, "lead", &id, 1, NULL), ERR_CONFLICT);
        level_end(rig, model, ERR_CONFLICT);
        return;
    }
    for (uint32_t i = 0; i < random_next() % 3; i++)
        toggle(rig, model, (int)(random_next() % IDS));
    level_end(rig, model, ERR_OK);
}

static void check(struct rig *rig, const struct model *model)
{
    struct buf ids = BUF_INIT;
    for (int i = 0; i < IDS; i++)
        if (model->there[model->depth][i])
            buf_printf(&ids, "%s%d", ids.len ? " " : "", i + 1);
    assert_string_equal(rig_match(rig, NULL), ids.len ? buf_cstr(&ids) : "");
    buf_release(&ids);
}

static void test_tx__savepoints_bring_back_what_was_there(void **state)
{
    struct rig *rig = *state;
    static struct model model;
    OK(store_begin(rig->store, true));
    for (int i = 0; i < STEPS; i++) {
        uint32_t dice = random_next() % 8;
        if (dice < 2 && model.depth < DEEP - 1)
            level_begin(rig, &model);
        else if (dice < 4 && model.depth > 0)
            level_end(rig, &model, random_next() % 2 ? ERR_OK : ERR_VALIDATION);
        else if (dice == 4)
            certain(rig, &model);
        else if (dice == 5)
            check(rig, &model);
        else
            toggle(rig, &model, (int)(random_next() % IDS));
    }
    while (model.depth > 0)
        level_end(rig, &model, model.depth % 2 ? ERR_OK : ERR_PLUGIN);
    check(rig, &model);
    OK(store_commit(rig->store));
    check(rig, &model);
}

static void test_tx__what_was_certain_and_is_refused_loses_all(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    OK(store_savepoint(rig->store));
    rig_lead(rig, 1, "a", NULL, 1);
    OK(store_savepoint(rig->store));
    store_certain(rig->store);
    rig_lead(rig, 2, "b", NULL, 1);
    assert_int_equal(store_savepoint_end(rig->store, ERR_PLUGIN), ERR_PLUGIN);
    assert_int_equal(store_savepoint_end(rig->store, ERR_OK), ERR_IO);
    assert_int_equal(store_commit(rig->store), ERR_IO);
    assert_string_equal(rig_match(rig, NULL), "");
}

/* An outer savepoint in which nothing was written has to be brought back by somebody. */
static void test_tx__the_first_write_is_never_without(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    OK(store_savepoint(rig->store));
    OK(store_savepoint(rig->store));
    store_certain(rig->store);
    rig_lead(rig, 1, "a", NULL, 1);
    OK(store_savepoint_end(rig->store, ERR_OK));
    assert_int_equal(store_savepoint_end(rig->store, ERR_PLUGIN), ERR_PLUGIN);
    OK(store_commit(rig->store));
    assert_string_equal(rig_match(rig, NULL), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_tx__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_rollback_leaves_nothing),
        TEST(savepoints_nest_and_hand_the_error_on),
        TEST(a_conflict_keeps_the_transaction),
        TEST(two_writers_meet_busy_at_once),
        TEST(a_read_transaction_is_one_snapshot),
        TEST(a_lost_transaction_answers_its_error_until_it_is_ended),
        TEST(counters_have_no_gaps),
        TEST(savepoints_bring_back_what_was_there),
        TEST(what_was_certain_and_is_refused_loses_all),
        TEST(the_first_write_is_never_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
