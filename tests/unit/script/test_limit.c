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
    static const struct limit rows[LIMIT_KINDS] = {
        [LIMIT_TRANSACTION] = {SCRIPT_CPU_US_MAX, SCRIPT_UNIT_CPU_US_MAX, 0, SCRIPT_HEAP_BYTES_MAX,
                               SCRIPT_READS_MAX, HOOK_WRITES_MAX, SCRIPT_ROWS_MAX, 0},
        [LIMIT_ROUTE] = {SCRIPT_ROUTE_CPU_US_MAX, SCRIPT_ROUTE_CPU_US_MAX, SCRIPT_ROUTE_WALL_US_MAX,
                         SCRIPT_ROUTE_HEAP_BYTES_MAX, SCRIPT_READS_MAX, SCRIPT_ROUTE_WRITES_MAX,
                         SCRIPT_ROWS_MAX, SCRIPT_ROUTE_HTTP_MAX},
        [LIMIT_JOB] = {SCRIPT_JOB_CPU_US_MAX, SCRIPT_JOB_CPU_US_MAX, SCRIPT_JOB_WALL_US_MAX,
                       SCRIPT_JOB_HEAP_BYTES_MAX, SCRIPT_JOB_READS_MAX, SCRIPT_JOB_WRITES_MAX,
                       SCRIPT_JOB_ROWS_MAX, SCRIPT_JOB_HTTP_MAX},
        [LIMIT_LOAD] = {SCRIPT_LOAD_CPU_US_MAX, SCRIPT_LOAD_CPU_US_MAX, SCRIPT_LOAD_WALL_US_MAX,
                        SCRIPT_LOAD_HEAP_BYTES_MAX, 0, 0, 0, 0},
    };
    for (int i = 0; i < LIMIT_KINDS; i++) {
        assert_int_equal(limits[i].cpu_us, rows[i].cpu_us);
        assert_int_equal(limits[i].unit_cpu_us, rows[i].unit_cpu_us);
        assert_int_equal(limits[i].wall_us, rows[i].wall_us);
        assert_int_equal(limits[i].heap_bytes, rows[i].heap_bytes);
        assert_int_equal(limits[i].reads, rows[i].reads);
        assert_int_equal(limits[i].writes, rows[i].writes);
        assert_int_equal(limits[i].rows, rows[i].rows);
        assert_int_equal(limits[i].http, rows[i].http);
    }
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
    assert_true(json_int(left, "kept_kb", -1) > 0);
    assert_null(json_get(left, "wall_ms")); /* inside a transaction CPU time counts alone */
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
