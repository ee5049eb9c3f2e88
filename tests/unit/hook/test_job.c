/* test_job - leases, streams, retries and cancelling on a real store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shed.h"

#include "base/id.h"
#include "hook/job.h"
#include "store/query.h"

/* --- short ways: each in a transaction of its own --- */

static int64_t put(struct shed *shed, const char *stream, const char *dedupe, int64_t run_at_ms)
{
    struct json body = {.type = JSON_BOOL, .boolean = true};
    struct job spec = {.queue = "test",
                       .stream = stream,
                       .dedupe = dedupe,
                       .run_at_ms = run_at_ms,
                       .created_by = 9,
                       .body = &body};
    int64_t id = 0;
    OK(store_begin(shed->tenant.store, true));
    OK(job_put(&shed->ctx, &spec, &id));
    OK(store_commit(shed->tenant.store));
    return id;
}

static struct job *lease(struct shed *shed, int64_t owner, int64_t *next_ms)
{
    struct job *job = NULL;
    int64_t next;
    OK(store_begin(shed->tenant.store, true));
    OK(job_lease(&shed->ctx, owner, &job, &next));
    OK(store_commit(shed->tenant.store));
    if (next_ms)
        *next_ms = next;
    return job;
}

static enum err end(struct shed *shed, enum err e)
{
    OK(store_commit(shed->tenant.store));
    err_info_clear(&shed->ctx.err);
    return e;
}

static enum err renew(struct shed *shed, const struct job *job, int64_t owner, const char *json)
{
    OK(store_begin(shed->tenant.store, true));
    return end(shed, job_renew(&shed->ctx, job, owner, json, 50));
}

static enum err done(struct shed *shed, const struct job *job, int64_t owner)
{
    OK(store_begin(shed->tenant.store, true));
    return end(shed, job_done(&shed->ctx, job, owner, "{\"ok\":1}"));
}

static enum err failed(struct shed *shed, const struct job *job, int64_t owner, int64_t again_ms)
{
    OK(store_begin(shed->tenant.store, true));
    return end(shed, job_failed(&shed->ctx, job, owner, "it \"broke\"", again_ms));
}

static enum err cancel(struct shed *shed, int64_t id)
{
    OK(store_begin(shed->tenant.store, true));
    return end(shed, job_cancel(&shed->ctx, id));
}

static bool put_text(void *arg, const struct store_row *row)
{
    buf_put_slice(arg, store_row_bytes(row, 0));
    return false;
}

static const char *text_of(struct shed *shed, int64_t id, const char *column)
{
    struct buf out = BUF_INIT;
    struct query_column select = {.column = {0, column}};
    struct query query = {.table = "job",
                          .select = &select,
                          .select_count = 1,
                          .where = expr_cmp(shed->arena, EXPR_EQ, "id", value_int(id))};
    OK(store_read(shed->tenant.store, &query, put_text, &out));
    const char *text = arena_strdup(shed->arena, buf_cstr(&out));
    buf_release(&out);
    return text;
}

/* --- tests --- */

static void test_job__is_leased_once_and_done(void **state)
{
    struct shed *shed = *state;
    int64_t id = put(shed, NULL, NULL, 0), next;
    struct job *job = lease(shed, SHED_ANN, NULL);
    assert_non_null(job);
    assert_int_equal(job->id, id);
    assert_string_equal(job->queue, "test");
    assert_int_equal(job->tries, 1);
    assert_int_equal(job->created_by, 9);
    assert_true(job->body->boolean);
    assert_null(job->state);
    assert_null(lease(shed, SHED_BOB, &next));
    assert_int_equal(next, shed->ctx.now_ms + JOB_LEASE_MS);
    assert_int_equal(done(shed, job, SHED_BOB), ERR_CONFLICT);
    OK(done(shed, job, SHED_ANN));
    assert_string_equal(text_of(shed, id, "state"), "done");
    assert_string_equal(text_of(shed, id, "result"), "{\"ok\":1}");
    assert_null(lease(shed, SHED_BOB, &next));
    assert_int_equal(next, 0);
}

static void test_job__waits_for_its_time(void **state)
{
    struct shed *shed = *state;
    int64_t at, next, id = put(shed, NULL, NULL, shed->ctx.now_ms + 500);
    assert_null(lease(shed, SHED_ANN, &next));
    assert_int_equal(next, shed->ctx.now_ms + 500);
    OK(job_next(&shed->tenant, &at));
    assert_int_equal(at, next);
    shed->ctx.now_ms += 500;
    struct job *job = lease(shed, SHED_ANN, NULL);
    assert_non_null(job);
    assert_int_equal(job->id, id);
}

static void test_job__goes_to_another_when_its_runner_died(void **state)
{
    struct shed *shed = *state;
    (void)put(shed, NULL, NULL, 0);
    struct job *first = lease(shed, SHED_ANN, NULL);
    OK(renew(shed, first, SHED_ANN, "{\"at\":7}"));
    shed->ctx.now_ms += JOB_LEASE_MS - 1;
    assert_null(lease(shed, SHED_BOB, NULL));
    shed->ctx.now_ms += 1;
    struct job *second = lease(shed, SHED_BOB, NULL);
    assert_non_null(second);
    assert_int_equal(second->tries, 2);
    assert_int_equal(json_int(second->state, "at", 0), 7);
    assert_int_equal(renew(shed, first, SHED_ANN, NULL), ERR_CONFLICT);
    assert_int_equal(failed(shed, first, SHED_ANN, 0), ERR_CONFLICT);
    OK(done(shed, second, SHED_BOB));
}

static void test_job__a_stream_is_worked_off_in_order(void **state)
{
    struct shed *shed = *state;
    int64_t one = put(shed, "s", NULL, 0), two = put(shed, "s", NULL, 0);
    int64_t other = put(shed, "t", NULL, 0);
    struct job *first = lease(shed, SHED_ANN, NULL);
    assert_int_equal(first->id, one);
    assert_int_equal(lease(shed, SHED_BOB, NULL)->id, other);
    assert_null(lease(shed, SHED_BOB, NULL));
    OK(failed(shed, first, SHED_ANN,
              shed->ctx.now_ms + 100)); /* it comes again, the second waits */
    assert_null(lease(shed, SHED_ANN, NULL));
    shed->ctx.now_ms += 100;
    first = lease(shed, SHED_ANN, NULL);
    assert_int_equal(first->id, one);
    OK(done(shed, first, SHED_ANN));
    assert_int_equal(lease(shed, SHED_ANN, NULL)->id, two);
}

static void test_job__a_long_stream_does_not_hide_others(void **state)
{
    struct shed *shed = *state;
    for (int i = 0; i < 120; i++)
        (void)put(shed, "s", NULL, 0);
    int64_t other = put(shed, NULL, NULL, 0);
    assert_non_null(lease(shed, SHED_ANN, NULL));
    assert_int_equal(lease(shed, SHED_BOB, NULL)->id, other);
}

static void test_job__the_same_work_waits_only_once(void **state)
{
    struct shed *shed = *state;
    int64_t one = put(shed, NULL, "d", 0);
    assert_int_equal(put(shed, NULL, "d", 0), one);
    struct job *job = lease(shed, SHED_ANN, NULL);
    assert_int_equal(put(shed, NULL, "d", 0), one);
    OK(done(shed, job, SHED_ANN));
    assert_int_not_equal(put(shed, NULL, "d", 0), one);
}

static void test_job__gives_up_with_a_reason(void **state)
{
    struct shed *shed = *state;
    int64_t id = put(shed, NULL, "d", 0);
    OK(failed(shed, lease(shed, SHED_ANN, NULL), SHED_ANN, 0));
    assert_string_equal(text_of(shed, id, "state"), "dead");
    assert_string_equal(text_of(shed, id, "result"), "{\"error\":\"it \\\"broke\\\"\"}");
    assert_null(lease(shed, SHED_ANN, NULL));
}

static void test_job__cancelling_ends_what_waits_and_stops_what_runs(void **state)
{
    struct shed *shed = *state;
    int64_t waiting = put(shed, NULL, NULL, shed->ctx.now_ms + 9),
            running = put(shed, NULL, NULL, 0);
    struct job *job = lease(shed, SHED_ANN, NULL);
    assert_int_equal(job->id, running);
    OK(cancel(shed, waiting));
    assert_string_equal(text_of(shed, waiting, "state"), "cancelled");
    OK(cancel(shed, running));
    assert_int_equal(renew(shed, job, SHED_ANN, NULL), ERR_CONFLICT);
    assert_string_equal(text_of(shed, running, "state"), "cancelled");
    OK(cancel(shed, running)); /* what has ended stays */
    assert_int_equal(cancel(shed, 12345), ERR_NOT_FOUND);
}

static void test_job__one_that_was_to_stop_is_not_begun_again(void **state)
{
    struct shed *shed = *state;
    int64_t id = put(shed, NULL, NULL, 0);
    assert_non_null(lease(shed, SHED_ANN, NULL));
    OK(cancel(shed, id));
    shed->ctx.now_ms += JOB_LEASE_MS;
    assert_null(lease(shed, SHED_BOB, NULL));
    assert_string_equal(text_of(shed, id, "state"), "cancelled");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shed_setup, shed_teardown)

int main(void)
{
    id_init(1, 0);
    const struct CMUnitTest tests[] = {
        TEST(test_job__is_leased_once_and_done),
        TEST(test_job__waits_for_its_time),
        TEST(test_job__goes_to_another_when_its_runner_died),
        TEST(test_job__a_stream_is_worked_off_in_order),
        TEST(test_job__a_long_stream_does_not_hide_others),
        TEST(test_job__the_same_work_waits_only_once),
        TEST(test_job__gives_up_with_a_reason),
        TEST(test_job__cancelling_ends_what_waits_and_stops_what_runs),
        TEST(test_job__one_that_was_to_stop_is_not_begun_again),
    };
    return cmocka_run_group_tests_name("hook/job", tests, NULL, NULL);
}
