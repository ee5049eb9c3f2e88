/* test_eval - a line of Lua: what it sees, what is shown of it, what it may.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/eval.h"

#include "stage.h"

#include "base/limits.h"

static const char *shows(struct stage *stage, const char *code)
{
    struct buf out = BUF_INIT;
    struct vm *vm = stage_vm(stage);
    stage_begin(stage);
    enum err e = vm_eval(vm, &stage->ctx, NULL, "t", slice_str(code), &out);
    (void)stage_end(stage, e ? e : ERR_CONFLICT);
    const char *text = e ? arena_printf(stage->arena, "! %s",
                                        stage->ctx.err.detail ? stage->ctx.err.detail : err_code(e))
                         : arena_str(stage->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static void test_eval__expressions_and_statements(void **state)
{
    struct stage *stage = *state;
    assert_string_equal(shows(stage, "6 * 7, 'x', nil"), "42\nx\nnil\n");
    assert_string_equal(shows(stage, "local a = 6 b = a * 7 return b"), "42\n");
    assert_string_equal(shows(stage, "local a = 1"), "");
    assert_string_equal(shows(stage, "{ 1, a = { 'x' } }"), "{ 1, a = { \"x\" } }\n");
    assert_non_null(strstr(shows(stage, "1 +"), "! "));
    assert_non_null(strstr(shows(stage, "nope.x"), "undeclared global \"nope\""));
    assert_non_null(strstr(shows(stage, "while true do end"), "more CPU time"));
}

static void test_eval__records_are_shown_and_rolled_back(void **state)
{
    struct stage *stage = *state;
    const char *text = shows(stage, "ctx.db.thing:insert { name = 'N', amount = 7 }");
    assert_non_null(strstr(text, "thing { id = "));
    assert_non_null(strstr(text, "name = \"N\", amount = 7"));
    assert_int_equal(stage_count(stage, "thing"), 0);
}

static void test_eval__tables_in_tables_are_shown_so_deep(void **state)
{
    struct stage *stage = *state;
    const char *deep = "local function deep(n) return n > 0 and { deep(n - 1) } or 7 end ";
    const char *whole =
        shows(stage, arena_printf(stage->arena, "%sreturn deep(%d)", deep, EVAL_DEPTH_MAX));
    assert_non_null(strstr(whole, "{ 7 }"));
    const char *cut =
        shows(stage, arena_printf(stage->arena, "%sreturn deep(%d)", deep, EVAL_DEPTH_MAX + 1));
    assert_null(strchr(cut, '7'));
    assert_non_null(strstr(cut, "{ table }"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_eval__##name, stage_setup, stage_teardown)
        T(expressions_and_statements),
        T(records_are_shown_and_rolled_back),
        T(tables_in_tables_are_shown_so_deep),
#undef T
    };
    return cmocka_run_group_tests_name("script/eval", tests, NULL, NULL);
}
