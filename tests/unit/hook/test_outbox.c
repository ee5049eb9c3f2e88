/* test_outbox - rows of deliveries: their order, their tries, and what is left of a dead process.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include "base/id.h"
#include "hook/outbox.h"
#include "hook/trip.h"

#define PUSH "hook:erp:push@order"
#define TELL "hook:erp:tell@order"

static const struct hook_spec push = {
    .entity = "order", .moment = HOOK_AFTER_COMMIT, .plugin = "erp", .id = "push"};
static const struct hook_spec tell = {
    .entity = "order", .moment = HOOK_AFTER_COMMIT, .plugin = "erp", .id = "tell"};

/* --- short ways: each in a transaction of its own --- */

static void put(struct shed *shed, const struct hook_spec *spec, int64_t record)
{
    struct event event = {.entity = "order", .op = "update", .subject = record};
    OK(store_begin(shed->tenant.store, true));
    OK(outbox_put(&shed->ctx, spec, &event));
    OK(store_commit(shed->tenant.store));
}

/* The record that is delivered next; 0 = none. */
static int64_t lease(struct shed *shed, int64_t owner, struct job **job)
{
    int64_t next_ms;
    OK(store_begin(shed->tenant.store, true));
    OK(job_lease(&shed->ctx, owner, job, &next_ms));
    OK(store_commit(shed->tenant.store));
    return *job ? json_int((*job)->body, "record", 0) : 0;
}

static enum err end(struct shed *shed, enum err e)
{
    OK(store_commit(shed->tenant.store));
    err_info_clear(&shed->ctx.err);
    return e;
}

static enum err done(struct shed *shed, const struct job *job, int64_t owner)
{
    OK(store_begin(shed->tenant.store, true));
    return end(shed, outbox_done(&shed->ctx, job, owner));
}

static bool failed(struct shed *shed, const struct job *job, int64_t owner)
{
    bool dead = false;
    OK(store_begin(shed->tenant.store, true));
    OK(end(shed, outbox_failed(&shed->ctx, job, owner, "it broke", &dead)));
    return dead;
}

static void reclaim(struct shed *shed, const char *name, int64_t owner)
{
    OK(store_begin(shed->tenant.store, true));
    OK(end(shed, outbox_reclaim(&shed->ctx, name, owner)));
}

static int64_t rows(struct shed *shed, const char *name, const char *state)
{
    int64_t count = 0;
    const struct expr *which =
        expr_and(shed->arena, outbox_of_handler(shed->arena, name),
                 expr_cmp(shed->arena, EXPR_EQ, "state", value_text(slice_str(state))));
    OK(store_count(shed->tenant.store, "job", which, 1000, &count));
    return count;
}

/* --- order and tries --- */

static void test_outbox__delivers_a_records_rows_in_order(void **state)
{
    struct shed *shed = *state;
    struct job *first, *other, *none;
    put(shed, &push, 7);
    put(shed, &push, 7);
    put(shed, &push, 8);
    assert_int_equal(lease(shed, SHED_ANN, &first), 7);
    assert_int_equal(lease(shed, SHED_ANN, &other), 8); /* another record need not wait */
    assert_int_equal(lease(shed, SHED_ANN, &none), 0);  /* the second of 7 has to */
    OK(done(shed, first, SHED_ANN));
    assert_int_equal(lease(shed, SHED_ANN, &first), 7);
    assert_int_equal(done(shed, first, SHED_BOB), ERR_CONFLICT); /* not his */
    OK(done(shed, first, SHED_ANN));
    OK(done(shed, other, SHED_ANN));
    assert_int_equal(rows(shed, PUSH, "queued") + rows(shed, PUSH, "leased"), 0);
}

static void test_outbox__tries_eight_times_over_three_days(void **state)
{
    static const int64_t minutes[] = {1, 5, 30, 120, 720, 1440, 2160};
    struct shed *shed = *state;
    struct job *job, *none;
    put(shed, &push, 7);
    put(shed, &push, 7);
    for (int i = 0; i < OUTBOX_TRIES_MAX - 1; i++) {
        assert_int_equal(lease(shed, SHED_ANN, &job), 7);
        assert_int_equal(outbox_fails(job), i);
        assert_false(failed(shed, job, SHED_ANN));
        shed->ctx.now_ms += minutes[i] * 60000 - 1;
        assert_int_equal(lease(shed, SHED_ANN, &none), 0); /* nor does the one behind it go first */
        shed->ctx.now_ms += 1;
    }
    assert_int_equal(lease(shed, SHED_ANN, &job), 7);
    assert_true(failed(shed, job, SHED_ANN));
    assert_int_equal(rows(shed, PUSH, "dead"), 1);
    assert_int_equal(lease(shed, SHED_ANN, &job), 7); /* the one behind it goes on */
    assert_int_equal(outbox_fails(job), 0);
}

/* --- what a dead process had --- */

static void test_outbox__reclaims_what_the_dead_had_of_that_handler(void **state)
{
    struct shed *shed = *state;
    struct job *his[3], *mine, *other, *again, *none;
    for (int i = 0; i < 3; i++) {
        put(shed, &push, 10 + i);
        assert_int_equal(lease(shed, SHED_BOB, &his[i]), 10 + i);
    }
    put(shed, &tell, 20);
    assert_int_equal(lease(shed, SHED_BOB, &other), 20);
    put(shed, &push, 30);
    assert_int_equal(lease(shed, SHED_ANN, &mine), 30);
    put(shed, &push, 10); /* waits behind what Bob had */

    shed->ctx.now_ms += 1000; /* long before his leases run out */
    reclaim(shed, PUSH, SHED_ANN);
    assert_int_equal(rows(shed, PUSH, "leased"), 1); /* her own */
    assert_int_equal(rows(shed, TELL, "leased"), 1); /* another handler's, not told of */
    assert_int_equal(done(shed, his[0], SHED_BOB), ERR_CONFLICT); /* should he live after all */
    OK(done(shed, other, SHED_BOB));
    OK(done(shed, mine, SHED_ANN));

    int64_t seen[4]; /* each once, the record's later one behind it, and counted as no failure */
    for (int i = 0; i < 4; i++) {
        assert_int_not_equal(lease(shed, SHED_ANN, &again), 0);
        assert_int_equal(outbox_fails(again), 0);
        assert_false(again->was_lost); /* the loss was counted when they were reclaimed */
        seen[i] = again->id;
        OK(done(shed, again, SHED_ANN));
    }
    int times[3] = {0}, at_first = -1, at_later = -1;
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 3; k++)
            times[k] += seen[i] == his[k]->id;
        bool is_his = seen[i] == his[0]->id || seen[i] == his[1]->id || seen[i] == his[2]->id;
        at_first = seen[i] == his[0]->id ? i : at_first;
        at_later = is_his ? at_later : i;
    }
    assert_true(times[0] == 1 && times[1] == 1 && times[2] == 1);
    assert_true(at_first >= 0 && at_first < at_later);
    assert_int_equal(lease(shed, SHED_ANN, &none), 0);
}

static void test_outbox__reclaiming_leaves_dead_letters_and_paused_rows(void **state)
{
    struct shed *shed = *state;
    struct job *job, *none;
    int64_t count;
    put(shed, &push, 7);
    for (int i = 0; i < OUTBOX_TRIES_MAX; i++) {
        assert_int_equal(lease(shed, SHED_BOB, &job), 7);
        (void)failed(shed, job, SHED_BOB);
        shed->ctx.now_ms += 36 * 3600000LL;
    }
    put(shed, &push, 8);
    OK(store_begin(shed->tenant.store, true));
    OK(end(shed, outbox_hold(&shed->ctx, PUSH)));
    reclaim(shed, PUSH, SHED_ANN);
    assert_int_equal(rows(shed, PUSH, "dead"), 1);
    assert_int_equal(rows(shed, PUSH, "paused"), 1);
    assert_int_equal(lease(shed, SHED_ANN, &none), 0);

    OK(store_begin(shed->tenant.store, true));
    OK(end(shed, outbox_release(&shed->ctx, PUSH)));
    assert_int_equal(lease(shed, SHED_ANN, &job), 8);
    OK(done(shed, job, SHED_ANN));
    OK(store_begin(shed->tenant.store, true));
    OK(end(shed, outbox_replay(&shed->ctx, 0, PUSH, &count)));
    assert_int_equal(count, 1);
    assert_int_equal(lease(shed, SHED_ANN, &job), 7);
    assert_int_equal(outbox_fails(job), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, shed_setup, shed_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_outbox__delivers_a_records_rows_in_order),
        TEST(test_outbox__tries_eight_times_over_three_days),
        TEST(test_outbox__reclaims_what_the_dead_had_of_that_handler),
        TEST(test_outbox__reclaiming_leaves_dead_letters_and_paused_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
