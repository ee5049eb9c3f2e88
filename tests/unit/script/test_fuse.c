/* test_fuse - what is killed again and again rests, and is called again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/fuse.h"

#include "base/limits.h"

#include "stage.h"

#define SECOND 1000000LL

/* Fuses are the process's: each case has keys of its own. */
static uint64_t a_key(void)
{
    static uint64_t last = 1ULL << 60;
    return ++last;
}

static void test_fuse__rests_at_its_limit(void **state)
{
    (void)state;
    uint64_t key = a_key();
    int64_t now = SECOND;
    for (int i = 1; i < FUSE_KILLS; i++) {
        assert_false(fuse_killed(key, FUSE_KILLS, now));
        assert_int_equal(fuse_rests_us(key, now), 0);
    }
    assert_true(fuse_any());
    assert_true(fuse_killed(key, FUSE_KILLS, now));
    assert_int_equal(fuse_rests_us(key, now), FUSE_REST_MS * 1000);
    assert_int_equal(fuse_rests_us(key, now + FUSE_REST_MS * 1000 - 1), 1);
    assert_int_equal(fuse_rests_us(key, now + FUSE_REST_MS * 1000), 0);
    assert_int_equal(fuse_rests_us(a_key(), now), 0); /* nobody else does */
    assert_false(fuse_killed(key, FUSE_KILLS, now));  /* what had begun before */
}

static void test_fuse__rests_twice_as_long_each_time(void **state)
{
    (void)state;
    uint64_t key = a_key();
    int64_t now = SECOND, rest_ms = FUSE_REST_MS;
    for (int i = 1; i < FUSE_KILLS; i++)
        assert_false(fuse_killed(key, FUSE_KILLS, now));
    for (int i = 0; i < 10; i++) {
        assert_true(fuse_killed(key, FUSE_KILLS, now));
        assert_int_equal(fuse_rests_us(key, now), rest_ms * 1000);
        now += rest_ms * 1000;
        rest_ms = rest_ms * 2 < FUSE_REST_MS_MAX ? rest_ms * 2 : FUSE_REST_MS_MAX;
    }
    assert_int_equal(rest_ms, FUSE_REST_MS_MAX);
}

static void test_fuse__forgives_what_mostly_works(void **state)
{
    (void)state;
    uint64_t key = a_key();
    for (int i = 0; i < 100; i++) {
        assert_false(fuse_killed(key, FUSE_KILLS, SECOND));
        for (int k = 0; k < FUSE_CALLS; k++)
            fuse_passed(key);
    }
    for (int i = 0, rests = 0; !rests; i++) { /* one less for each kill: it adds up */
        rests = fuse_killed(key, FUSE_KILLS, SECOND);
        for (int k = 0; k < FUSE_CALLS - 1; k++)
            fuse_passed(key);
        assert_true(i < FUSE_KILLS * FUSE_CALLS);
    }
}

static void test_fuse__plugins_have_a_limit_of_their_own(void **state)
{
    (void)state;
    uint64_t key = a_key();
    for (int i = 1; i < FUSE_PLUGIN_KILLS; i++)
        assert_false(fuse_killed(key, FUSE_PLUGIN_KILLS, SECOND));
    assert_true(fuse_killed(key, FUSE_PLUGIN_KILLS, SECOND));
}

/* Who floods the table is forgotten before who has done most. */
static void test_fuse__forgets_those_that_did_least(void **state)
{
    (void)state;
    uint64_t key = a_key();
    for (int i = 0; i < FUSE_KILLS; i++)
        (void)fuse_killed(key, FUSE_KILLS, SECOND);
    for (int i = 0; i < 2 * FUSES_MAX; i++)
        (void)fuse_killed(a_key(), FUSE_KILLS, SECOND);
    assert_true(fuse_rests_us(key, SECOND) > 0);
}

/* The whole way: after its third kill a function is refused without being called, others are not,
 * and mended code is called at once. */
static void test_fuse__refuses_what_was_killed(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    stage_script(stage, "crm.service('run', function() while true do end end)");
    for (int i = 0; i < FUSE_KILLS; i++) {
        assert_int_equal(stage_run(stage, &answer), ERR_PLUGIN);
        assert_non_null(strstr(stage->ctx.err.detail, "used more CPU time than it may"));
    }
    assert_int_equal(stage_run(stage, &answer), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "t:run rests: it was ended by force too often"));
    assert_true(stage->ctx.err.retry_after_s > 0);
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[1]");
}

/* Loading costs more than a call: what does not come to its end there is not tried each time. */
static void test_fuse__loading_is_not_tried_each_time(void **state)
{
    struct stage *stage = *state;
    bool kept = false;
    stage_script(stage, "while true do end");
    for (int i = 0; i < 10 && !kept; i++) {
        const void *before = stage->tenant->vm;
        assert_non_null(strstr(stage_broken(stage), "used more CPU time than it may"));
        kept = stage->tenant->vm == before;
    }
    assert_true(kept);
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    assert_null(stage_broken(stage));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_fuse__##name, stage_setup, stage_teardown)
        T(rests_at_its_limit),
        T(rests_twice_as_long_each_time),
        T(forgives_what_mostly_works),
        T(plugins_have_a_limit_of_their_own),
        T(forgets_those_that_did_least),
        T(refuses_what_was_killed),
        T(loading_is_not_tried_each_time),
#undef T
    };
    return cmocka_run_group_tests_name("script/fuse", tests, NULL, NULL);
}
