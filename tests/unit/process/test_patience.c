/* test_patience - who waited for the processor has not overstayed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tuning.h"
#include "help.h"
#include "process/patience.h"

#define LOOK_US 250000

static void test_patience__time_at_one_thing_adds_up(void **state)
{
    (void)state;
    struct patience p = {0};
    assert_int_equal(patience_look(&p, 0, 5000, 0), 0);
    assert_int_equal(patience_look(&p, 6000, 10000, 0), 4000);
    for (int i = 1; i <= 40; i++)
        assert_int_equal(patience_look(&p, 6000, 10000 + i * LOOK_US, 0), 4000 + i * LOOK_US);
}

static void test_patience__another_thing_begins_anew(void **state)
{
    (void)state;
    struct patience p = {0};
    (void)patience_look(&p, 1000, LOOK_US, 0);
    assert_int_equal(patience_look(&p, 2000, 2 * LOOK_US, 0), 2 * LOOK_US - 2000);
    assert_int_equal(patience_look(&p, 0, 3 * LOOK_US, 0), 0);
    assert_int_equal(patience_look(&p, 2000, 4 * LOOK_US, 0), PATIENCE_STEP_US - 2000);
}

static void test_patience__waiting_for_the_processor_does_not_count(void **state)
{
    (void)state;
    struct patience p = {0};
    int64_t queued_us = 7000000; /* of its life before */
    int64_t spent_us = patience_look(&p, 1, LOOK_US, queued_us);
    for (int i = 2; i < 100; i++) {
        queued_us += LOOK_US - 1000;
        int64_t now_us = patience_look(&p, 1, i * LOOK_US, queued_us);
        assert_int_equal(now_us, spent_us + 1000);
        spent_us = now_us;
    }
    queued_us += 3 * (int64_t)LOOK_US; /* counted late: never less than before */
    assert_int_equal(patience_look(&p, 1, 100 * LOOK_US, queued_us), spent_us);
    assert_int_equal(patience_look(&p, 1, 101 * LOOK_US, queued_us), spent_us + LOOK_US);
}

static void test_patience__a_late_look_counts_one_step(void **state)
{
    (void)state;
    struct patience p = {0};
    int64_t hour_us = 3600LL * 1000000;
    assert_int_equal(patience_look(&p, 1, hour_us, 0), PATIENCE_STEP_US);
    assert_int_equal(patience_look(&p, 1, hour_us + PATIENCE_STEP_US, 0), 2 * PATIENCE_STEP_US);
    assert_int_equal(patience_look(&p, 1, 9 * hour_us, 0), 3 * PATIENCE_STEP_US);
}

/* Two of us on one processor: one of them waits. */
static void test_patience__the_kernel_tells_who_waits(void **state)
{
    (void)state;
    cpu_set_t all, one;
    int64_t before_us = patience_queued_us(getpid());
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        for (;;)
            ;
    int64_t until_us = clock_mono_us() + 60000000;
    while (patience_queued_us(getpid()) < before_us + 10000 && clock_mono_us() < until_us)
        ;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    if (access("/proc/self/schedstat", R_OK) == 0)
        assert_true(patience_queued_us(getpid()) >= before_us + 10000);
    assert_int_equal(patience_queued_us(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience__time_at_one_thing_adds_up),
        cmocka_unit_test(test_patience__another_thing_begins_anew),
        cmocka_unit_test(test_patience__waiting_for_the_processor_does_not_count),
        cmocka_unit_test(test_patience__a_late_look_counts_one_step),
        cmocka_unit_test(test_patience__the_kernel_tells_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
