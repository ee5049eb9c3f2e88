/* test_lane - one tenant's queue: order, the round, loans, what a dead peer leaves behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "process/lane.h"

/* Everything but the works, which the tests own. */
static void lanes_drop(struct lanes *lanes)
{
    for (int i = 0; i < lanes->count; i++) {
        struct lane *lane = lanes->order[i];
        while (lane->loans) {
            struct lane_loan *next = lane->loans->next;
            free(lane->loans);
            lane->loans = next;
        }
        free(lane->lent);
        buf_release(&lane->notes);
        free(lane->name);
        free(lane);
    }
    free(lanes->order);
    map_release(&lanes->by_name);
}

/* What the worker does. */
static void lend(struct lane *lane)
{
    lane->lent = lane->loans;
    lane->loans = lane->lent->next;
    lane->lent->next = NULL;
}

static void test_lane__works_come_out_in_order(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work works[3] = {{.tag = 1}, {.tag = 2}, {.tag = 3}};
    lanes_init(&lanes);
    struct lane *lane = lanes_get(&lanes, "acme");
    assert_null(lane_pop(&lanes, lane));
    for (int i = 0; i < 3; i++)
        lane_push(&lanes, lane, &works[i]);
    assert_int_equal(lanes.queued, 3);
    assert_int_equal(lane_pop(&lanes, lane)->tag, 1);
    assert_int_equal(lane_pop(&lanes, lane)->tag, 2);
    lane_push(&lanes, lane, &works[0]);
    assert_int_equal(lane_pop(&lanes, lane)->tag, 3);
    assert_int_equal(lane_pop(&lanes, lane)->tag, 1);
    assert_null(lane_pop(&lanes, lane));
    assert_int_equal(lanes.queued, 0);
    lanes_drop(&lanes);
}

static void test_lane__round_gives_each_tenant_its_place(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work works[4] = {{0}};
    lanes_init(&lanes);
    struct lane *a = lanes_get(&lanes, "a"), *b = lanes_get(&lanes, "b");
    assert_ptr_equal(lanes_get(&lanes, "a"), a);
    assert_null(lanes_next(&lanes));
    lane_push(&lanes, a, &works[0]);
    lane_push(&lanes, a, &works[1]);
    lane_push(&lanes, b, &works[2]);
    struct lane *first = lanes_next(&lanes);
    struct lane *second = lanes_next(&lanes);
    assert_true((first == a && second == b) || (first == b && second == a));
    while (lane_pop(&lanes, b))
        continue;
    assert_ptr_equal(lanes_next(&lanes), a);
    assert_ptr_equal(lanes_next(&lanes), a);
    lanes_drop(&lanes);
}

static void test_lane__lent_turn_stops_the_lane_until_it_is_back(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work work = {0};
    struct work_peer runner = {0};
    lanes_init(&lanes);
    struct lane *lane = lanes_get(&lanes, "acme");
    lane_ask(lane, &runner, 7);
    assert_true(lane_is_ready(lane));
    lend(lane);
    lane_push(&lanes, lane, &work);
    assert_false(lane_is_ready(lane));
    assert_null(lanes_next(&lanes));
    free(lane->lent);
    lane->lent = NULL;
    assert_ptr_equal(lanes_next(&lanes), lane);
    lanes_drop(&lanes);
}

static void test_lane__loans_are_kept_in_the_order_asked(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work_peer runners[3] = {{0}};
    lanes_init(&lanes);
    struct lane *lane = lanes_get(&lanes, "acme");
    for (int i = 0; i < 3; i++)
        lane_ask(lane, &runners[i], (uint64_t)i);
    lanes_forget_peer(&lanes, &runners[1]);
    assert_ptr_equal(lane->loans->peer, &runners[0]);
    assert_ptr_equal(lane->loans->next->peer, &runners[2]);
    assert_null(lane->loans->next->next);
    lanes_drop(&lanes);
}

static void test_lane__death_of_the_borrower_gives_the_turn_back(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work work = {0};
    struct work_peer runner = {0}, other = {0};
    lanes_init(&lanes);
    struct lane *lane = lanes_get(&lanes, "acme");
    lane_ask(lane, &runner, 1);
    lane_ask(lane, &runner, 2); /* a second question of the same */
    lane_ask(lane, &other, 3);
    lend(lane);
    lane_push(&lanes, lane, &work);
    lanes_forget_peer(&lanes, &other);
    assert_non_null(lane->lent); /* not his */
    lanes_forget_peer(&lanes, &runner);
    assert_null(lane->lent);
    assert_null(lane->loans);
    assert_true(lane->is_dirty); /* it may have committed before it died */
    assert_true(lane->is_moved);
    assert_ptr_equal(lanes_next(&lanes), lane);
    lanes_drop(&lanes);
}

static void test_lane__cancel_marks_the_one_of_that_peer_and_tag(void **state)
{
    (void)state;
    struct lanes lanes;
    struct work_peer gateway = {0}, other = {0};
    struct work works[3] = {
        {.peer = &gateway, .tag = 1}, {.peer = &other, .tag = 1}, {.peer = &gateway, .tag = 2}};
    lanes_init(&lanes);
    struct lane *lane = lanes_get(&lanes, "acme");
    for (int i = 0; i < 3; i++)
        lane_push(&lanes, lane, &works[i]);
    lane_cancel(lane, &gateway, 1);
    assert_true(works[0].is_cancelled);
    assert_false(works[1].is_cancelled);
    assert_false(works[2].is_cancelled);
    lanes_forget_peer(&lanes, &gateway);
    assert_true(works[2].is_cancelled);
    assert_false(works[1].is_cancelled);
    lanes_drop(&lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lane__works_come_out_in_order),
        cmocka_unit_test(test_lane__round_gives_each_tenant_its_place),
        cmocka_unit_test(test_lane__lent_turn_stops_the_lane_until_it_is_back),
        cmocka_unit_test(test_lane__loans_are_kept_in_the_order_asked),
        cmocka_unit_test(test_lane__death_of_the_borrower_gives_the_turn_back),
        cmocka_unit_test(test_lane__cancel_marks_the_one_of_that_peer_and_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
