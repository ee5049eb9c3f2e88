/* test_throttle - buckets, also between processes.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/throttle.h"

#define NOON 1780000000000LL

static int setup(void **state)
{
    *state = throttle_new();
    assert_non_null(*state);
    return 0;
}

static int teardown(void **state)
{
    throttle_free(*state);
    return 0;
}

static int taken(struct throttle *t, const char *key, int rate, int burst, int64_t now, int tries)
{
    int n = 0, wait;
    for (int i = 0; i < tries; i++)
        n += throttle_take(t, slice_str(key), rate, burst, now, &wait);
    return n;
}

static void test_throttle__burst_then_rate(void **state)
{
    assert_int_equal(taken(*state, "a", 10, 20, NOON, 100), 20);
    assert_int_equal(taken(*state, "a", 10, 20, NOON + 100, 100), 1);
    assert_int_equal(taken(*state, "a", 10, 20, NOON + 1100, 100), 10);
    assert_int_equal(taken(*state, "a", 10, 20, NOON + 60000, 100), 20);
    assert_int_equal(taken(*state, "b", 10, 20, NOON, 100), 20); /* another key, another bucket */
}

static void test_throttle__slow_rates_lose_nothing(void **state)
{
    (void)taken(*state, "a", 1, 2, NOON, 2);
    int n = 0;
    for (int64_t ms = 1; ms <= 10000; ms++) /* asked every millisecond, a rate of 1/s stays 1/s */
        n += taken(*state, "a", 1, 2, NOON + ms, 1);
    assert_int_equal(n, 10);
}

static void test_throttle__tells_what_is_left(void **state)
{
    int left = -1, whole = -1;
    throttle_left(*state, SLICE("a"), 2, 5, NOON, &left, &whole);
    assert_int_equal(left, 5);
    assert_int_equal(whole, 0);
    (void)taken(*state, "a", 2, 5, NOON, 3);
    throttle_left(*state, SLICE("a"), 2, 5, NOON, &left, &whole);
    assert_int_equal(left, 2);
    assert_int_equal(whole, 2); /* three at two a second */
    throttle_left(*state, SLICE("a"), 2, 5, NOON + 499, &left, &whole);
    assert_int_equal(left, 2);
    throttle_left(*state, SLICE("a"), 2, 5, NOON + 500, &left, &whole);
    assert_int_equal(left, 3);
    (void)taken(*state, "a", 2, 5, NOON + 500, 9);
    throttle_left(*state, SLICE("a"), 2, 5, NOON + 500, &left, &whole);
    assert_int_equal(left, 0);
    assert_int_equal(whole, 3);
}

static void test_throttle__less_than_one_a_second(void **state)
{
    int n = 0, wait = 0;
    for (int i = 0; i < 5; i++)
        n += throttle_take_per(*state, SLICE("a"), 3, 60, NOON, &wait);
    assert_int_equal(n, 3);
    assert_int_equal(wait, 20);
    assert_false(throttle_take_per(*state, SLICE("a"), 3, 60, NOON + 19999, &wait));
    assert_true(throttle_take_per(*state, SLICE("a"), 3, 60, NOON + 20000, &wait));
    assert_true(throttle_take_per(*state, SLICE("b"), 1, 86400, NOON, &wait)); /* once a day */
    assert_false(throttle_take_per(*state, SLICE("b"), 1, 86400, NOON + 86399999, &wait));
}

static void test_throttle__says_when_to_come_again(void **state)
{
    int wait = -1;
    assert_true(throttle_take(*state, SLICE("a"), 1, 1, NOON, &wait));
    assert_int_equal(wait, 0);
    assert_false(throttle_take(*state, SLICE("a"), 1, 1, NOON, &wait));
    assert_in_range(wait, 1, 2);
    assert_true(throttle_take(*state, SLICE("a"), 1, 1, NOON + wait * 1000, &wait));
}

static void test_throttle__a_clock_stepping_back_does_not_lock_out(void **state)
{
    assert_int_equal(taken(*state, "a", 10, 5, NOON, 100), 5);
    assert_int_equal(taken(*state, "a", 10, 5, NOON - 3600000, 100), 0);
    assert_int_equal(taken(*state, "a", 10, 5, NOON - 3600000 + 1000, 100), 5);
}

static void test_throttle__largest_numbers_do_not_overflow(void **state)
{
    assert_int_equal(taken(*state, "a", 100000, 100000, NOON, 200000), 100000);
    assert_int_equal(taken(*state, "a", 100000, 100000, NOON + 1, 200), 100);
    assert_int_equal(taken(*state, "a", 100000, 100000, NOON + (1LL << 39), 10), 10);
}

static void test_throttle__processes_count_together(void **state)
{
    struct throttle *shared = *state;
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            /* odd ones inherit the mapping, even ones open it anew as after exec */
            struct throttle *mine = i % 2 ? shared : throttle_open(dup(throttle_fd(shared)));
            _exit(mine ? taken(mine, "one key", 1, 100, NOON, 100) : 255);
        }
    }
    int total = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        total += WEXITSTATUS(status);
    }
    assert_int_equal(total, 100);
    assert_int_equal(taken(shared, "one key", 1, 100, NOON, 10), 0);
}

static void test_throttle__a_wrong_descriptor_is_refused(void **state)
{
    (void)state;
    int ends[2];
    assert_null(throttle_open(-1));
    assert_int_equal(pipe(ends), 0);
    assert_null(throttle_open(ends[0]));
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_throttle__burst_then_rate),
        T(test_throttle__slow_rates_lose_nothing),
        T(test_throttle__tells_what_is_left),
        T(test_throttle__less_than_one_a_second),
        T(test_throttle__says_when_to_come_again),
        T(test_throttle__a_clock_stepping_back_does_not_lock_out),
        T(test_throttle__largest_numbers_do_not_overflow),
        T(test_throttle__processes_count_together),
        T(test_throttle__a_wrong_descriptor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
