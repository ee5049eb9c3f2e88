/* test_trip - failures in a row pause, others do not, on a real store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include "base/limits.h"
#include "hook/trip.h"

#define JOB "job:leads.recycle"

/* How often it fails until it is paused; 0 = it is not after `times`. */
static int fails(struct shed *shed, enum trip_how how, int times, int64_t step_ms)
{
    for (int i = 1; i <= times; i++) {
        bool paused;
        OK(trip_count(&shed->ctx, JOB, how, "it broke", &paused));
        if (paused)
            return i;
        shed->ctx.now_ms += step_ms;
    }
    return 0;
}

static struct trip look(struct shed *shed)
{
    struct trip trip;
    OK(trip_load(&shed->ctx, JOB, &trip));
    return trip;
}

static void test_trip__three_kills_pause(void **state)
{
    struct shed *shed = *state;
    assert_int_equal(fails(shed, TRIP_KILL, TRIP_KILLS_MAX - 1, 1000), 0);
    assert_int_equal(look(shed).paused_at_ms, 0);
    assert_int_equal(fails(shed, TRIP_KILL, 1, 1000), 1);
    assert_int_not_equal(look(shed).paused_at_ms, 0);
    assert_string_equal(look(shed).why, "it broke");
    assert_int_equal(fails(shed, TRIP_KILL, 1, 1000), 0); /* told once */
}

static void test_trip__twenty_errors_in_a_row_pause(void **state)
{
    struct shed *shed = *state;
    assert_int_equal(fails(shed, TRIP_ERROR, TRIP_ERRORS_MAX - 1, 1000), 0);
    OK(trip_succeeded(&shed->ctx, JOB));
    assert_int_equal(fails(shed, TRIP_ERROR, TRIP_ERRORS_MAX + 5, 1000), TRIP_ERRORS_MAX);
}

static void test_trip__old_failures_count_for_nothing(void **state)
{
    struct shed *shed = *state;
    assert_int_equal(fails(shed, TRIP_ERROR, TRIP_ERRORS_MAX - 1, 1000), 0);
    shed->ctx.now_ms += TRIP_WINDOW_MS;
    assert_int_equal(fails(shed, TRIP_ERROR, TRIP_ERRORS_MAX - 1, 1000), 0);
    assert_int_equal(fails(shed, TRIP_KILL, 2 * TRIP_KILLS_MAX, TRIP_WINDOW_MS), 0);
}

static bool keep_name(void *arg, const struct trip *trip)
{
    *(const char **)arg = trip->name;
    return true;
}

static void test_trip__a_person_pauses_and_resumes(void **state)
{
    struct shed *shed = *state;
    const char *listed = NULL;
    OK(trip_pause(&shed->ctx, JOB, 0, "holidays"));
    assert_string_equal(look(shed).why, "holidays");
    assert_int_equal(look(shed).paused_by, 0); /* a command of nobody's */
    OK(trip_list(&shed->ctx, keep_name, &listed));
    assert_string_equal(listed, JOB);
    OK(trip_resume(&shed->ctx, JOB));
    OK(trip_pause(&shed->ctx, JOB, 7, NULL));
    assert_int_equal(look(shed).paused_by, 7);
    OK(trip_resume(&shed->ctx, JOB));
    assert_int_equal(look(shed).paused_at_ms, 0);
    assert_int_equal(look(shed).errors, 0);
    listed = NULL;
    OK(trip_list(&shed->ctx, keep_name, &listed));
    assert_null(listed);
    OK(trip_resume(&shed->ctx, JOB)); /* nothing to do is no error */
}

static void test_trip__a_part_is_paused_alone(void **state)
{
    struct shed *shed = *state;
    struct trip trip;
    bool paused = false;
    for (int i = 0; i < TRIP_KILLS_MAX; i++)
        OK(trip_count(&shed->ctx, JOB ":one", TRIP_KILL, "it broke", &paused));
    assert_true(paused);
    assert_int_equal(look(shed).paused_at_ms, 0);
    OK(trip_load(&shed->ctx, JOB ":one", &trip));
    assert_string_equal(trip_part(&trip, JOB), "one");
    assert_null(trip_part(&trip, "job:leads"));
    OK(trip_pause(&shed->ctx, JOB, 0, NULL));
    OK(trip_pause(&shed->ctx, JOB "er", 0, NULL)); /* another whose name begins so */
    OK(trip_resume_parts(&shed->ctx, JOB));
    OK(trip_load(&shed->ctx, JOB ":one", &trip));
    assert_int_equal(trip.paused_at_ms, 0);
    assert_int_not_equal(look(shed).paused_at_ms, 0);
    OK(trip_load(&shed->ctx, JOB "er", &trip));
    assert_int_not_equal(trip.paused_at_ms, 0);
}

static int errors_of(struct shed *shed, const char *name)
{
    struct trip trip;
    OK(trip_load(&shed->ctx, name, &trip));
    return trip.errors + trip.kills;
}

static void test_trip__parts_that_come_and_go_are_forgotten(void **state)
{
    struct shed *shed = *state;
    bool paused;
    OK(trip_count(&shed->ctx, JOB ":old", TRIP_ERROR, "it broke", &paused));
    OK(trip_count(&shed->ctx, JOB ":killed", TRIP_KILL, "it broke", &paused));
    OK(trip_count(&shed->ctx, JOB, TRIP_ERROR, "it broke", &paused));
    OK(trip_pause(&shed->ctx, JOB ":paused", 0, "holidays"));
    shed->ctx.now_ms += TRIP_WINDOW_MS;
    OK(trip_tidy_parts(&shed->ctx, JOB));
    assert_int_equal(errors_of(shed, JOB ":old"), 1); /* at the limit */
    OK(trip_count(&shed->ctx, JOB ":new", TRIP_ERROR, "it broke", &paused));
    shed->ctx.now_ms++;
    OK(trip_tidy_parts(&shed->ctx, JOB));
    assert_int_equal(errors_of(shed, JOB ":old"), 0);
    assert_int_equal(errors_of(shed, JOB ":killed"), 0);
    assert_int_equal(errors_of(shed, JOB ":new"), 1);
    assert_int_equal(errors_of(shed, JOB), 1);
    struct trip trip;
    OK(trip_load(&shed->ctx, JOB ":paused", &trip));
    assert_int_not_equal(trip.paused_at_ms, 0);
}

static bool count_one(void *arg, const struct trip *trip)
{
    assert_non_null(trip->name);
    ++*(int *)arg;
    return true;
}

static void test_trip__so_many_are_listed(void **state)
{
    struct shed *shed = *state;
    for (int i = 1; i <= TRIPS_LISTED_MAX + 1; i++) {
        OK(trip_pause(&shed->ctx, arena_printf(shed->arena, "job:leads.j%d", i), 0, "holidays"));
        if (i < TRIPS_LISTED_MAX)
            continue;
        int listed = 0;
        OK(trip_list(&shed->ctx, count_one, &listed));
        assert_int_equal(listed, TRIPS_LISTED_MAX);
    }
}

static void test_trip__a_long_reason_is_cut_between_characters(void **state)
{
    struct shed *shed = *state;
    struct buf why = BUF_INIT;
    bool paused;
    while (why.len <= TRIP_WHY_BYTES_MAX)
        buf_put_str(&why, "错");
    OK(trip_count(&shed->ctx, JOB, TRIP_ERROR, buf_cstr(&why), &paused));
    assert_true(strlen(look(shed).why) <= TRIP_WHY_BYTES_MAX);
    assert_int_equal(strlen(look(shed).why) % strlen("错"), 0);
    buf_release(&why);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, shed_tx_setup, shed_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_trip__three_kills_pause),
        TEST(test_trip__twenty_errors_in_a_row_pause),
        TEST(test_trip__old_failures_count_for_nothing),
        TEST(test_trip__a_person_pauses_and_resumes),
        TEST(test_trip__a_part_is_paused_alone),
        TEST(test_trip__parts_that_come_and_go_are_forgotten),
        TEST(test_trip__so_many_are_listed),
        TEST(test_trip__a_long_reason_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
