/* test_trial - test files: how many cases, what they say when they fail, what `t` compares.
 *
 * What needs a tenant around it (people, the outbox, letters) is tried by the plugins' own tests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/trial.h"

#include "stage.h"

#include "base/limits.h"

static struct trial_host host;

static enum err open_file(struct stage *stage, const char *lua, struct trial **trial,
                          const char **why)
{
    stage_write(stage, "t/tests/one_test.lua", lua);
    struct vm *vm = stage_vm(stage);
    return trial_open(vm, &stage->ctx, "t", "tests/one_test", &host, trial, why);
}

/* Why the only case of this body fails; NULL when it passes. */
static const char *fails(struct stage *stage, const char *body)
{
    struct trial *trial = NULL;
    const char *why = NULL;
    OK(open_file(stage, arena_printf(stage->arena, "crm.test('one', function(t)\n%s\nend)", body),
                 &trial, &why));
    assert_int_equal(trial_count(trial), 1);
    return trial_run(trial, 0, &why) ? why : NULL;
}

static void test_trial__a_case_that_fails_says_where(void **state)
{
    struct stage *stage = *state;
    assert_string_equal(fails(stage, "t.eq(1 + 1, 3, 'sum')"),
                        "t/tests/one_test.lua:2: sum: expected 3, got 2");
    assert_string_equal(fails(stage, "t.ok(nil, 'nothing there')"),
                        "t/tests/one_test.lua:2: nothing there");
    assert_string_equal(fails(stage, "t.expect_fail(function() end)"),
                        "t/tests/one_test.lua:2: nothing was refused");
    assert_string_equal(fails(stage, "return t.dbb"),
                        "t/tests/one_test.lua:2: t has no member \"dbb\"");
    assert_non_null(
        strstr(fails(stage, "t.expect_fail(function() error('slip') end)"), ":2: slip"));
    assert_non_null(strstr(fails(stage, "t.run_job('nothing')"), "t has no job \"nothing\""));
    assert_non_null(strstr(fails(stage, "while true do end"), "more CPU time"));
}

static void test_trial__the_clock_stands_still_and_is_moved(void **state)
{
    assert_null(fails(*state, "t.clock.set('2026-01-31T10:00:00Z')\n"
                              "t.eq(t.ctx.now(), t.datetime('2026-01-31T10:00:00Z'))\n"
                              "t.clock.advance { hours = 20 }\n"
                              "t.eq(t.ctx.now(), t.datetime('2026-02-01T06:00:00Z'))"));
    clock_fix(STAGE_NOW);
}

static void test_trial__tables_are_compared_by_what_they_hold(void **state)
{
    struct stage *stage = *state;
    assert_null(fails(stage, "t.eq({ 1, { a = 2 } }, { 1, { a = 2 } })"));
    assert_non_null(fails(stage, "t.eq({ 1, 2 }, { 1 })"));
    assert_non_null(fails(stage, "t.eq({ 1 }, { 1, 2 })"));
    assert_null(fails(stage, "t.eq(t.money('1.50', 'CNY'), t.money('1.50', 'CNY'))"));
    assert_non_null(fails(stage, "t.eq(t.money('1.50', 'CNY'), t.money('1.50', 'USD'))"));
}

static const char *nested(struct stage *stage, int levels)
{
    return arena_printf(stage->arena,
                        "local function deep(n)\nreturn n > 0 and { deep(n - 1) } or 7\nend\n"
                        "t.eq(deep(%d), deep(%d))",
                        levels, levels);
}

static void test_trial__tables_in_tables_have_a_bound(void **state)
{
    struct stage *stage = *state;
    assert_null(fails(stage, nested(stage, TRIAL_EQUAL_DEPTH_MAX)));
    assert_non_null(fails(stage, nested(stage, TRIAL_EQUAL_DEPTH_MAX + 1)));
}

static const char *many(struct stage *stage, int count)
{
    return arena_printf(stage->arena, "for i = 1, %d do crm.test('n' .. i, function() end) end",
                        count);
}

static void test_trial__a_file_has_so_many_cases(void **state)
{
    struct stage *stage = *state;
    struct trial *trial = NULL;
    const char *why = NULL;
    OK(open_file(stage, many(stage, TRIAL_CASES_MAX), &trial, &why));
    assert_int_equal(trial_count(trial), TRIAL_CASES_MAX);
    assert_string_equal(trial_case(trial, 1)->name, "n2");
    assert_int_equal(open_file(stage, many(stage, TRIAL_CASES_MAX + 1), &trial, &why), ERR_PLUGIN);
    assert_non_null(strstr(why, "t/tests/one_test.lua:1: more than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_trial__##name, stage_setup, stage_teardown)
        T(a_case_that_fails_says_where),
        T(the_clock_stands_still_and_is_moved),
        T(tables_are_compared_by_what_they_hold),
        T(tables_in_tables_have_a_bound),
        T(a_file_has_so_many_cases),
#undef T
    };
    return cmocka_run_group_tests_name("script/trial", tests, NULL, NULL);
}
