/* test_schedule - jobs by the clock on a real store: due once, caught up, paused, pushed by hand.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/schedule.h"
#include "hook/trip.h"
#include "store/query.h"

static void at(struct shed *shed, const char *time)
{
    assert_true(time_parse(slice_str(time), &shed->ctx.now_ms));
}

static int setup(void **state)
{
    int failed = shed_tx_setup(state);
    at(*state, "2026-06-01T00:00:00Z");
    return failed;
}

static struct schedule nightly(void)
{
    return (struct schedule){
        .plugin = "leads", .name = "recycle", .cron = "30 2 * * *", .concurrency = 1, .retry = 2};
}

static void sync_one(struct shed *shed, struct schedule spec)
{
    OK(schedule_sync(&shed->ctx, &spec, 1));
}

static struct schedule_row look(struct shed *shed)
{
    struct schedule_row row;
    OK(schedule_load(&shed->ctx, "leads", "recycle", &row));
    return row;
}

static const char *next_text(struct shed *shed)
{
    char *text = arena_alloc(shed->arena, 25);
    time_text(look(shed).next_at_ms, text);
    text[16] = 0;
    return text;
}

static int jobs(struct shed *shed, const char *state)
{
    int64_t count;
    OK(store_count(shed->tenant.store, "job",
                   expr_cmp(shed->arena, EXPR_EQ, "state", value_text(slice_str(state))), 1000,
                   &count));
    return (int)count;
}

static struct job *lease(struct shed *shed, int64_t owner)
{
    struct job *job = NULL;
    int64_t next_ms;
    OK(job_lease(&shed->ctx, owner, &job, &next_ms));
    return job;
}

static void test_schedule__is_due_in_the_tenants_zone(void **state)
{
    struct shed *shed = *state;
    int64_t next_ms;
    sync_one(shed, nightly());
    assert_string_equal(next_text(shed), "2026-06-01T18:30");
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), 0);
    OK(job_next(&shed->tenant, &next_ms));
    assert_int_equal(next_ms, look(shed).next_at_ms);
    at(shed, "2026-06-01T18:30:00Z");
    OK(schedule_fire(&shed->ctx));
    OK(schedule_fire(&shed->ctx)); /* another runner looks, too */
    assert_int_equal(jobs(shed, "queued"), 1);
    assert_string_equal(next_text(shed), "2026-06-02T18:30");
    struct job *job = lease(shed, SHED_ANN);
    assert_string_equal(job->queue, "job:leads.recycle");
    assert_string_equal(json_cstr(job->body, "name", ""), "recycle");
    assert_null(lease(shed, SHED_BOB));
}

static void test_schedule__another_zone_or_line_begins_anew(void **state)
{
    struct shed *shed = *state;
    struct schedule spec = nightly();
    sync_one(shed, spec);
    at(shed, "2026-06-01T20:00:00Z");
    sync_one(shed, spec); /* loaded again: what was missed stays due */
    assert_string_equal(next_text(shed), "2026-06-01T18:30");
    spec.zone = "Europe/Berlin";
    sync_one(shed, spec);
    assert_string_equal(next_text(shed), "2026-06-02T00:30");
    spec.cron = NULL;
    spec.every_ms = 6 * SHED_HOUR_MS;
    sync_one(shed, spec);
    assert_string_equal(next_text(shed), "2026-06-02T00:00");
    spec.every_ms = 0; /* only pushed from now on */
    sync_one(shed, spec);
    assert_int_equal(look(shed).next_at_ms, 0);
    struct schedule_row row;
    OK(schedule_sync(&shed->ctx, NULL, 0));
    assert_int_equal(schedule_load(&shed->ctx, "leads", "recycle", &row), ERR_NOT_FOUND);
}

/* Three nights without a server. */
static int after_three_nights(struct shed *shed, enum schedule_catch_up catch_up)
{
    struct schedule spec = nightly();
    spec.catch_up = catch_up;
    sync_one(shed, spec);
    at(shed, "2026-06-03T23:00:00Z");
    OK(schedule_fire(&shed->ctx));
    assert_string_equal(next_text(shed), "2026-06-04T18:30");
    return jobs(shed, "queued");
}

static void test_schedule__catches_up_once(void **state)
{
    assert_int_equal(after_three_nights(*state, SCHEDULE_ONCE), 1);
}

static void test_schedule__catches_up_on_all(void **state)
{
    assert_int_equal(after_three_nights(*state, SCHEDULE_ALL), 3);
}

static void test_schedule__leaves_out_what_is_late(void **state)
{
    assert_int_equal(after_three_nights(*state, SCHEDULE_NONE), 0);
}

static void test_schedule__late_by_little_is_not_late(void **state)
{
    struct shed *shed = *state;
    struct schedule spec = nightly();
    spec.catch_up = SCHEDULE_NONE;
    sync_one(shed, spec);
    at(shed, "2026-06-01T18:30:00Z");
    shed->ctx.now_ms += SCHEDULE_LATE_MS;
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), 1);
}

static void test_schedule__many_missed_times_come_in_portions(void **state)
{
    struct shed *shed = *state;
    struct schedule spec = nightly();
    spec.cron = "* * * * *";
    spec.catch_up = SCHEDULE_ALL;
    sync_one(shed, spec);
    shed->ctx.now_ms += (SCHEDULE_FIRE_MAX + 5) * 60000LL;
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), SCHEDULE_FIRE_MAX);
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), SCHEDULE_FIRE_MAX + 5);
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), SCHEDULE_FIRE_MAX + 5);
}

static void test_schedule__a_run_that_takes_long_is_not_joined(void **state)
{
    struct shed *shed = *state;
    sync_one(shed, nightly());
    at(shed, "2026-06-01T18:30:00Z");
    OK(schedule_fire(&shed->ctx));
    struct job *job = lease(shed, SHED_ANN);
    at(shed, "2026-06-02T18:30:00Z");
    OK(schedule_fire(&shed->ctx)); /* it still runs: this time passes */
    assert_int_equal(jobs(shed, "queued"), 0);
    OK(job_done(&shed->ctx, job, SHED_ANN, NULL));
    OK(schedule_ended(&shed->ctx, "leads", "recycle", job->id, "done", NULL));
    assert_string_equal(look(shed).last_state, "done");
    at(shed, "2026-06-03T18:30:00Z");
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), 1);
}

static void test_schedule__paused_ones_pass_by(void **state)
{
    struct shed *shed = *state;
    sync_one(shed, nightly());
    OK(trip_pause(&shed->ctx, "job:leads.recycle", 0, NULL));
    at(shed, "2026-06-02T00:00:00Z");
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), 0);
    assert_string_equal(next_text(shed), "2026-06-02T18:30");
    OK(trip_resume(&shed->ctx, "job:leads.recycle"));
    at(shed, "2026-06-02T18:30:00Z");
    OK(schedule_fire(&shed->ctx));
    assert_int_equal(jobs(shed, "queued"), 1);
}

static int64_t push(struct shed *shed, const char *key, int64_t run_at_ms)
{
    struct schedule_push one = {
        .plugin = "leads", .name = "recycle", .key = key, .run_at_ms = run_at_ms};
    int64_t id = 0;
    OK(schedule_push(&shed->ctx, &one, &id));
    return id;
}

static void test_schedule__pushed_with_a_key_waits_once(void **state)
{
    struct shed *shed = *state;
    struct schedule_push unknown = {.plugin = "leads", .name = "nothing"};
    int64_t id;
    sync_one(shed, nightly());
    id = push(shed, "a", 0);
    assert_int_equal(push(shed, "a", 0), id);
    assert_int_not_equal(push(shed, "b", 0), id);
    assert_int_equal(schedule_push(&shed->ctx, &unknown, &id), ERR_NOT_FOUND);
    push(shed, NULL, shed->ctx.now_ms + SHED_HOUR_MS);
    assert_int_equal(jobs(shed, "queued"), 3);
}

static int64_t push_again(struct shed *shed, const char *key)
{
    struct schedule_push one = {.plugin = "leads", .name = "recycle", .key = key, .again = true};
    int64_t id = 0;
    OK(schedule_push(&shed->ctx, &one, &id));
    return id;
}

static void test_schedule__asked_again_while_it_runs_it_runs_again(void **state)
{
    struct shed *shed = *state;
    struct schedule spec = nightly();
    spec.concurrency = 2; /* and yet one behind the other */
    sync_one(shed, spec);
    int64_t one = push_again(shed, "a");
    assert_int_equal(push_again(shed, "a"), one); /* nobody has begun: it will see all there is */
    struct job *first = lease(shed, SHED_ANN);
    int64_t two = push_again(shed, "a");
    assert_int_not_equal(two, one);
    assert_int_equal(push_again(shed, "a"), two);
    assert_null(lease(shed, SHED_BOB));
    OK(job_done(&shed->ctx, first, SHED_ANN, NULL));
    struct job *second = lease(shed, SHED_ANN);
    assert_int_equal(second->id, two);
    int64_t three = push_again(shed, "a");
    assert_int_not_equal(three, two);
    assert_null(lease(shed, SHED_BOB));
    OK(job_done(&shed->ctx, second, SHED_ANN, NULL));
    assert_int_equal(lease(shed, SHED_ANN)->id, three);
}

static void test_schedule__one_that_lets_others_go_first_has_begun(void **state)
{
    struct shed *shed = *state;
    sync_one(shed, nightly());
    int64_t one = push_again(shed, "a");
    struct job *job = lease(shed, SHED_ANN);
    OK(job_requeue(&shed->ctx, job, SHED_ANN, "{\"at\":7}", 40, shed->ctx.now_ms, NULL));
    int64_t two = push_again(shed, "a"); /* what it has passed already may have changed */
    assert_int_not_equal(two, one);
    job = lease(shed, SHED_ANN);
    assert_int_equal(job->id, one);
    assert_int_equal(push_again(shed, "a"), two);
    OK(job_done(&shed->ctx, job, SHED_ANN, NULL));
    assert_int_equal(lease(shed, SHED_ANN)->id, two);
}

static void test_schedule__runs_as_many_as_it_may(void **state)
{
    struct shed *shed = *state;
    struct schedule spec = nightly();
    spec.concurrency = 2;
    sync_one(shed, spec);
    for (int i = 0; i < 4; i++)
        push(shed, NULL, 0);
    struct job *first = lease(shed, SHED_ANN);
    assert_non_null(first);
    assert_non_null(lease(shed, SHED_BOB));
    assert_null(lease(shed, SHED_BOB));
    OK(job_done(&shed->ctx, first, SHED_ANN, NULL));
    assert_non_null(lease(shed, SHED_ANN));
}

static void test_schedule__what_is_parked_waits_for_a_person(void **state)
{
    struct shed *shed = *state;
    int64_t later_ms = shed->ctx.now_ms + SHED_HOUR_MS;
    sync_one(shed, nightly());
    push(shed, NULL, 0);
    push(shed, NULL, later_ms);
    struct job *job = lease(shed, SHED_ANN);
    OK(job_requeue(&shed->ctx, job, SHED_ANN, "{\"n\":1}", 40, later_ms, JOB_PARKED));
    assert_null(lease(shed, SHED_ANN));
    OK(job_unpark(&shed->ctx, "job:leads.recycle"));
    job = lease(shed, SHED_ANN);
    assert_non_null(job);
    assert_int_equal(job->tries, 1);
    assert_int_equal(json_int(job->state, "n", 0), 1);
    OK(job_done(&shed->ctx, job, SHED_ANN, NULL));
    assert_null(lease(shed, SHED_ANN)); /* the delayed one still waits */
    assert_int_equal(job_requeue(&shed->ctx, job, SHED_ANN, NULL, 0, later_ms, NULL), ERR_CONFLICT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, shed_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_schedule__is_due_in_the_tenants_zone),
        TEST(test_schedule__another_zone_or_line_begins_anew),
        TEST(test_schedule__catches_up_once),
        TEST(test_schedule__catches_up_on_all),
        TEST(test_schedule__leaves_out_what_is_late),
        TEST(test_schedule__late_by_little_is_not_late),
        TEST(test_schedule__many_missed_times_come_in_portions),
        TEST(test_schedule__a_run_that_takes_long_is_not_joined),
        TEST(test_schedule__paused_ones_pass_by),
        TEST(test_schedule__pushed_with_a_key_waits_once),
        TEST(test_schedule__asked_again_while_it_runs_it_runs_again),
        TEST(test_schedule__one_that_lets_others_go_first_has_begun),
        TEST(test_schedule__runs_as_many_as_it_may),
        TEST(test_schedule__what_is_parked_waits_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
