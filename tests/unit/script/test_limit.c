/* test_limit - the limits of each kind of call, and what a tenant's plan does to them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/limit.h"

#include "stage.h"

static const struct json *plan_of(struct stage *stage, const char *text)
{
    const struct json *plan;
    OK(json_parse(stage->arena, slice_str(text), &plan, NULL));
    return plan;
}

static void test_limit__are_those_of_the_table(void **state)
{
    (void)state;
    struct limit limits[LIMIT_KINDS];
    limit_make(limits, NULL);
    assert_int_equal(limits[LIMIT_TRANSACTION].cpu_us, 50000);
    assert_int_equal(limits[LIMIT_TRANSACTION].unit_cpu_us, 250000);
    assert_int_equal(limits[LIMIT_TRANSACTION].writes, 500);
    assert_int_equal(limits[LIMIT_TRANSACTION].http, 0);
    assert_int_equal(limits[LIMIT_ROUTE].wall_us, 10000000);
    assert_int_equal(limits[LIMIT_JOB].cpu_us, 2000000);
    assert_int_equal(limits[LIMIT_JOB].rows, 50000);
    assert_int_equal(limits[LIMIT_LOAD].reads, 0);
}

static void test_limit__a_plan_lowers_and_never_raises(void **state)
{
    struct stage *stage = *state;
    struct limit limits[LIMIT_KINDS];
    limit_make(limits, plan_of(stage, "{\"transaction\":{\"cpu_ms\":20,\"reads\":10,\"rows\":99999,"
                                      "\"writes\":0,\"heap_kb\":-1},\"job\":{\"http\":5,"
                                      "\"wall_ms\":60001,\"cpu_ms\":\"1\"},\"other\":7}"));
    assert_int_equal(limits[LIMIT_TRANSACTION].cpu_us, 20000);
    assert_int_equal(limits[LIMIT_TRANSACTION].reads, 10);
    assert_int_equal(limits[LIMIT_TRANSACTION].rows, SCRIPT_ROWS_MAX);
    assert_int_equal(limits[LIMIT_TRANSACTION].writes, HOOK_WRITES_MAX);
    assert_int_equal(limits[LIMIT_TRANSACTION].heap_bytes, SCRIPT_HEAP_BYTES_MAX);
    assert_int_equal(limits[LIMIT_JOB].http, 5);
    assert_int_equal(limits[LIMIT_JOB].wall_us, SCRIPT_JOB_WALL_US_MAX);
    assert_int_equal(limits[LIMIT_JOB].cpu_us, SCRIPT_JOB_CPU_US_MAX);
    assert_int_equal(limits[LIMIT_ROUTE].reads, SCRIPT_READS_MAX);
}

/* The setting of acme is not bolt's. */
static void test_limit__holds_for_its_tenant(void **state)
{
    struct stage *stage = *state;
    const char *script = "crm.service(\"run\", function(_, ctx) return ctx.limits() end)";
    const char *answer;
    const struct json *left;
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_setting_put(stage->tenant, "limits", SLICE("{\"transaction\":{\"reads\":3}}")));
    OK(store_commit(stage->tenant->store));
    stage_script(stage, script);
    OK(stage_run(stage, &answer));
    OK(json_parse(stage->arena, slice_str(answer), &left, NULL));
    assert_int_equal(json_int(left, "reads", -1), 3);
    assert_int_equal(json_int(left, "writes", -1), HOOK_WRITES_MAX);
    assert_int_equal(json_int(left, "http", -1), 0);
    assert_true(json_int(left, "heap_kb", -1) > 0);
    assert_true(json_int(left, "cpu_ms", -1) > 0);
    stage_fails(stage, "for i = 1, 4 do ctx.db.thing:count() end", "read more often than it may");
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    stage_script(stage, script);
    OK(stage_run(stage, &answer));
    OK(json_parse(stage->arena, slice_str(answer), &left, NULL));
    assert_int_equal(json_int(left, "reads", -1), SCRIPT_READS_MAX);
}

/* Time counts where a script may wait; a loop finds its end by it too. */
static void test_limit__time_ends_what_cpu_time_does_not(void **state)
{
    struct stage *stage = *state;
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_setting_put(stage->tenant, "limits", SLICE("{\"load\":{\"wall_ms\":10}}")));
    OK(store_commit(stage->tenant->store));
    stage_script(stage, "while true do end");
    assert_non_null(strstr(stage_broken(stage), "it took more time than it may"));
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    const char *answer;
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_limit__##name, stage_setup, stage_teardown)
        T(are_those_of_the_table),
        T(a_plan_lowers_and_never_raises),
        T(holds_for_its_tenant),
        T(time_ends_what_cpu_time_does_not),
#undef T
    };
    return cmocka_run_group_tests_name("script/limit", tests, NULL, NULL);
}
