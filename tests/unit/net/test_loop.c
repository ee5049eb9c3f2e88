/* test_loop - timers, signals, work, descriptors.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/loop.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "help.h"

struct counter {
    struct loop *loop;
    struct loop_timer *timer;
    int count, until, fd;
};

static void count_up(void *arg)
{
    struct counter *counter = arg;
    if (++counter->count == counter->until)
        loop_stop(counter->loop);
}

static void test_loop__timer_fires_once_and_can_be_set_again(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    struct loop_timer *timer = loop_timer_new(counter.loop, 5, 0, count_up, &counter);
    int64_t before = clock_mono_us();
    loop_run(counter.loop); /* ends by itself: nothing is left */
    assert_true(clock_mono_us() - before >= 4000);
    assert_int_equal(counter.count, 1);
    loop_timer_again(timer, 1);
    loop_run(counter.loop);
    assert_int_equal(counter.count, 2);
    loop_timer_free(timer);
    loop_timer_free(NULL);
    loop_free(counter.loop);
}

static void test_loop__timer_repeats_until_stopped(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new(), .until = 3};
    loop_timer_new(counter.loop, 1, 1, count_up, &counter); /* left to loop_free */
    loop_run(counter.loop);
    assert_int_equal(counter.count, 3);
    loop_free(counter.loop);
}

static void timer_end(void *arg)
{
    struct counter *counter = arg;
    counter->count++;
    loop_timer_free(counter->timer);
}

static void test_loop__timer_may_free_itself(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    counter.timer = loop_timer_new(counter.loop, 1, 1, timer_end, &counter);
    loop_run(counter.loop);
    assert_int_equal(counter.count, 1);
    loop_free(counter.loop);
}

static void test_loop__turn_waits_no_longer_than_told(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    loop_timer_new(counter.loop, 60000, 0, count_up, &counter);
    loop_turn(counter.loop, 0);
    loop_turn(counter.loop, 5);
    assert_int_equal(counter.count, 0);
    loop_free(counter.loop);
}

/* Takes longer than the turn may wait, and lets the loop know. */
static void sleep_long(void *arg)
{
    struct counter *counter = arg;
    usleep(5000);
    loop_timer_again(counter->timer, 60000);
}

static void test_loop__turn_that_began_late_ends_too(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()}, slow = {.loop = counter.loop};
    slow.timer = loop_timer_new(counter.loop, 60000, 0, count_up, &counter);
    loop_timer_new(counter.loop, 0, 0, sleep_long, &slow);
    loop_turn(counter.loop, 1);
    loop_turn(counter.loop, 1);
    assert_int_equal(counter.count, 0); /* what is due in a minute was not waited for */
    loop_free(counter.loop);
}

static void test_loop__signals_arrive_and_do_not_keep_it_running(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new(), .until = 1};
    loop_signal(counter.loop, SIGUSR1, count_up, &counter);
    loop_run(counter.loop);
    assert_int_equal(counter.count, 0);
    struct counter never = {.loop = counter.loop};
    loop_timer_new(counter.loop, 60000, 0, count_up, &never);
    raise(SIGUSR1);
    loop_run(counter.loop);
    assert_int_equal(counter.count, 1);
    loop_free(counter.loop);
}

static bool work_step(void *arg)
{
    struct counter *counter = arg;
    return ++counter->count < counter->until;
}

static void test_loop__work_keeps_it_awake_while_there_is_more(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new(), .until = 1000};
    struct counter timer = {.loop = counter.loop};
    loop_timer_new(counter.loop, 60000, 0, count_up, &timer);
    loop_work(counter.loop, work_step, &counter);
    for (int i = 0; i < 1000; i++)
        loop_turn(counter.loop, -1); /* would hang for a minute if a round waited */
    assert_true(counter.count >= 1000);
    assert_int_equal(timer.count, 0);
    int done = counter.count;
    counter.until = 0;
    loop_turn(counter.loop, 1);
    assert_int_equal(counter.count, done + 1);
    loop_free(counter.loop);
}

static void test_loop__work_alone_ends_when_it_is_done(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new(), .until = 7};
    loop_work(counter.loop, work_step, &counter);
    loop_run(counter.loop);
    assert_int_equal(counter.count, 7);
    loop_free(counter.loop);
}

static void fd_readable(void *arg)
{
    struct counter *counter = arg;
    char byte;
    counter->until = (int)read(counter->fd, &byte, 1);
    counter->count++;
}

static void test_loop__descriptor_is_told_of_bytes_and_of_the_end(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    counter.fd = ends[0];
    struct loop_fd *watch = loop_fd_new(counter.loop, ends[0], fd_readable, &counter);
    loop_turn(counter.loop, 0);
    assert_int_equal(counter.count, 0);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    turn_until(counter.loop, counter.count == 2);
    assert_int_equal(counter.until, 1);
    close(ends[1]);
    turn_until(counter.loop, counter.count == 3);
    assert_int_equal(counter.until, 0);
    loop_fd_close(watch);
    loop_fd_close(NULL);
    close(ends[0]);
    loop_free(counter.loop);
}

static void test_loop__sigpipe_is_ignored(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    assert_int_equal(write(ends[0], "x", 1), -1); /* and we are still here */
    close(ends[0]);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop__timer_fires_once_and_can_be_set_again),
        cmocka_unit_test(test_loop__timer_repeats_until_stopped),
        cmocka_unit_test(test_loop__timer_may_free_itself),
        cmocka_unit_test(test_loop__turn_waits_no_longer_than_told),
        cmocka_unit_test(test_loop__turn_that_began_late_ends_too),
        cmocka_unit_test(test_loop__signals_arrive_and_do_not_keep_it_running),
        cmocka_unit_test(test_loop__work_keeps_it_awake_while_there_is_more),
        cmocka_unit_test(test_loop__work_alone_ends_when_it_is_done),
        cmocka_unit_test(test_loop__descriptor_is_told_of_bytes_and_of_the_end),
        cmocka_unit_test(test_loop__sigpipe_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
