/* test_board - the shared page: moves, buckets, what another mapping sees.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "process/board.h"

#include "base/hash.h"

static struct slice name_of(int i)
{
    static char name[32];
    snprintf(name, sizeof name, "tenant-%d", i);
    return slice_str(name);
}

static void test_board__slots_end_where_the_page_ends(void **state)
{
    (void)state;
    struct board *board = board_new();
    assert_non_null(board_slot(board, 0));
    assert_non_null(board_slot(board, BOARD_SLOTS_MAX - 1));
    assert_null(board_slot(board, BOARD_SLOTS_MAX));
    assert_null(board_slot(board, -1));
    free(board);
}

static void test_board__other_mapping_sees_what_was_written(void **state)
{
    (void)state;
    struct board *board = board_new();
    struct board *other = board_open(board_fd(board));
    atomic_store(&board_slot(board, 3)->id_ms, 77);
    assert_true(board_move(board, SLICE("acme"), 2));
    assert_int_equal(atomic_load(&board_slot(other, 3)->id_ms), 77);
    assert_int_equal(board_owner(other, SLICE("acme"), 0), 2);
    assert_int_equal(board_owner(other, SLICE("globex"), 1), 1);
    free(other);
    free(board);
}

static void test_board__moving_again_replaces_and_minus_one_forgets(void **state)
{
    (void)state;
    struct board *board = board_new();
    assert_true(board_move(board, SLICE("acme"), 2));
    assert_true(board_move(board, SLICE("acme"), 3));
    assert_int_equal(board_owner(board, SLICE("acme"), 0), 3);
    assert_true(board_move(board, SLICE("acme"), -1));
    assert_int_equal(board_owner(board, SLICE("acme"), 0), 0);
    assert_true(board_move(board, SLICE("nobody"), -1));
    free(board);
}

static void test_board__a_tenant_is_moved_by_the_hash_a_slot_shows(void **state)
{
    (void)state;
    struct board *board = board_new();
    assert_true(board_move_hash(board, hash_stable(SLICE("acme")), 3));
    assert_int_equal(board_owner(board, SLICE("acme"), 0), 3);
    assert_int_equal(board_owner(board, SLICE("globex"), 0), 0);
    assert_true(board_move(board, SLICE("acme"), -1));
    assert_int_equal(board_owner(board, SLICE("acme"), 0), 0);
    free(board);
}

static void test_board__full_table_refuses_and_forgetting_makes_room(void **state)
{
    (void)state;
    struct board *board = board_new();
    for (int i = 0; i < BOARD_MOVES_MAX; i++)
        assert_true(board_move(board, name_of(i), 1));
    assert_false(board_move(board, SLICE("one too many"), 1));
    assert_int_equal(board_owner(board, SLICE("one too many"), 7), 7);
    assert_true(board_move(board, name_of(5), -1));
    assert_true(board_move(board, SLICE("one too many"), 1));
    assert_int_equal(board_owner(board, SLICE("one too many"), 7), 1);
    assert_int_equal(board_owner(board, name_of(6), 0), 1);
    free(board);
}

static void test_board__only_runners_busy_with_the_tenant_are_told(void **state)
{
    (void)state;
    struct board *board = board_new();
    const struct {
        int role;
        const char *tenant;
        bool told;
    } slots[] = {{BOARD_RUNNER, "acme", true},
                 {BOARD_RUNNER, "globex", false},
                 {BOARD_WORKER, "acme", false},
                 {BOARD_RUNNER, "acme", true}};
    for (int i = 0; i < 4; i++) {
        atomic_store(&board_slot(board, i)->role, slots[i].role);
        atomic_store(&board_slot(board, i)->busy_tenant, hash_stable(slice_str(slots[i].tenant)));
    }
    board_want(board, SLICE("acme"));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(atomic_load(&board_slot(board, i)->wanted), slots[i].told);
        assert_int_equal(atomic_load(&board_slot(board, i)->reopen), 0);
    }
    board_reopen(board, SLICE("globex"));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(atomic_load(&board_slot(board, i)->wanted), slots[i].told);
        assert_int_equal(atomic_load(&board_slot(board, i)->reopen), i == 1);
    }
    free(board);
}

static void test_board__latency_falls_into_its_bucket(void **state)
{
    (void)state;
    struct board *board = board_new();
    struct board_slot *slot = board_slot(board, 0);
    const struct {
        int64_t us;
        int bucket;
    } rows[] = {{0, 0},         {63, 0}, {64, 1}, {127, 1}, {128, 2}, {(int64_t)64 << 14, 15},
                {INT64_MAX, 15}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t before = atomic_load(&slot->latency_us[rows[i].bucket]);
        board_latency(slot, rows[i].us);
        assert_int_equal(atomic_load(&slot->latency_us[rows[i].bucket]), before + 1);
    }
    free(board);
}

static void test_board__metrics_show_slots_in_use_and_their_sums(void **state)
{
    (void)state;
    struct board *board = board_new();
    struct board_slot *slot = board_slot(board, 0);
    atomic_store(&slot->role, BOARD_GATEWAY);
    atomic_store(&slot->requests, 12);
    board_latency(slot, 10);
    board_latency(slot, 100);
    struct buf out = BUF_INIT;
    board_metrics(board, &out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "perigee_requests_total{role=\"gateway\",slot=\"0\"} 12\n"));
    assert_non_null(strstr(text, "perigee_request_seconds_count{slot=\"0\"} 2\n"));
    assert_non_null(strstr(text, "le=\"0.000064\"} 1\n"));
    assert_non_null(strstr(text, "le=\"+Inf\"} 2\n"));
    assert_null(strstr(text, "role=\"none\""));
    buf_release(&out);
    free(board);
}

static void test_board__streams_are_counted_over_all_gateways(void **state)
{
    (void)state;
    struct board *board = board_new();
    struct board_bounds bounds = {.per_user = 2, .per_tenant = 3, .per_gateway = 4, .gateways = 2};
    int places[8];
    assert_int_equal(board_stream_take(board, 0, 7, 70, &bounds, &places[0]), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 1, 7, 70, &bounds, &places[1]), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 0, 7, 70, &bounds, &places[2]), BOARD_STREAM_USER);
    assert_int_equal(board_stream_take(board, 0, 7, 71, &bounds, &places[2]), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 1, 7, 72, &bounds, &places[3]), BOARD_STREAM_TENANT);
    assert_int_equal(board_stream_take(board, 0, 8, 80, &bounds, &places[3]), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 0, 9, 90, &bounds, &places[4]), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 0, 9, 91, &bounds, &places[5]), BOARD_STREAM_GATEWAY);
    assert_int_equal(board_stream_take(board, 1, 9, 91, &bounds, &places[5]), BOARD_STREAM_OK);
    board_stream_give(board, 1, places[1]);
    assert_int_equal(board_stream_take(board, 1, 7, 70, &bounds, &places[1]), BOARD_STREAM_OK);
    free(board);
}

static void test_board__a_gateway_that_starts_has_no_streams(void **state)
{
    (void)state;
    struct board *board = board_new();
    struct board_bounds bounds = {
        .per_user = 1, .per_tenant = 9, .per_gateway = STREAMS_PER_GATEWAY_MAX, .gateways = 2};
    int place;
    assert_int_equal(board_stream_take(board, 0, 7, 70, &bounds, &place), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 1, 7, 71, &bounds, &place), BOARD_STREAM_OK);
    board_streams_clear(board, 0); /* it was killed: nobody has given them back */
    assert_int_equal(board_stream_take(board, 0, 7, 70, &bounds, &place), BOARD_STREAM_OK);
    assert_int_equal(board_stream_take(board, 0, 7, 71, &bounds, &place), BOARD_STREAM_USER);
    free(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_board__slots_end_where_the_page_ends),
        cmocka_unit_test(test_board__other_mapping_sees_what_was_written),
        cmocka_unit_test(test_board__moving_again_replaces_and_minus_one_forgets),
        cmocka_unit_test(test_board__a_tenant_is_moved_by_the_hash_a_slot_shows),
        cmocka_unit_test(test_board__full_table_refuses_and_forgetting_makes_room),
        cmocka_unit_test(test_board__only_runners_busy_with_the_tenant_are_told),
        cmocka_unit_test(test_board__latency_falls_into_its_bucket),
        cmocka_unit_test(test_board__metrics_show_slots_in_use_and_their_sums),
        cmocka_unit_test(test_board__streams_are_counted_over_all_gateways),
        cmocka_unit_test(test_board__a_gateway_that_starts_has_no_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
