/* hook_call - what one call of a Lua hook costs: a record of 23 columns, 3 reads, 2 writes.
 *
 * The stage of the script tests, so real plugins, model and VM. Prints nanoseconds a call.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <stdio.h>

#include "base/clock.h"

#define CALLS_A_UNIT 5000 /* a unit of work has a budget of CPU time */
#define UNITS        40

static const char script[] = "crm.on('thing', 'before_update', { id = 'five' }, function(ev)\n"
                             "  local r = ev.record\n"
                             "  local name, amount, level = r.name, r.amount, r.level\n"
                             "  r.amount = amount + 1\n"
                             "  r.score = #name + #level\n"
                             "end)";

static int64_t fire_all(struct stage *stage, int64_t id)
{
    struct record *record;
    stage_begin(stage);
    const struct entity *thing = model_entity(stage->model, SLICE("thing"));
    OK(record_load(&stage->ctx, thing, id, ROLE_UPDATE, &record));
    int64_t started_us = clock_cpu_us();
    for (int i = 0; i < CALLS_A_UNIT; i++) {
        struct event event = {
            .moment = HOOK_BEFORE_UPDATE, .entity = "thing", .record = record, .id = i + 1};
        OK(hook_fire(stage->unit.hooks, &stage->ctx, &event));
    }
    int64_t us = clock_cpu_us() - started_us;
    OK(stage_end(stage, ERR_OK));
    return us;
}

static void bench_hook_call(void **state)
{
    struct stage *stage = *state;
    int64_t id, us = 0;
    stage_script(stage, script);
    OK(stage_create(stage, "thing", "{'name':'bench','amount':1,'level':'a'}", &id));
    for (int i = 0; i < UNITS; i++)
        us += fire_all(stage, id);
    printf("ns %lld\n", (long long)(us * 1000 / (CALLS_A_UNIT * UNITS)));
}

int main(void)
{
    const struct CMUnitTest benches[] = {
        cmocka_unit_test_setup_teardown(bench_hook_call, stage_setup, stage_teardown)};
    return cmocka_run_group_tests(benches, NULL, NULL);
}
