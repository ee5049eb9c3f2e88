/* test_keeping - ctx.kv and ctx.queue from scripts: where they may, with what, and rolled back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "base/limits.h"
#include "hook/job.h"

static void test_keeping__says_what_is_wrong(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return { ctx.kv:get('x') == nil, #ctx.kv:list('a') }", "[true,0]");
    stage_fails(stage, "ctx.kv:set('a', 1)", "nothing can be written here");
    stage_fails(stage, "ctx.kv:get('')", "a key has 1 to 200 bytes");
    stage_fails(stage, "ctx.kv:get(('k'):rep(201))", "a key has 1 to 200 bytes");
    stage_fails(stage, "ctx.kv:set('a', 1, { tl = 5 })", "the only option is ttl");
    stage_fails(stage, "ctx.kv:set('a', 1, { ttl = 0 })", "\"ttl\" is a number of seconds");
    stage_fails(stage, "ctx.kv:set('a', function() end)", "cannot be kept as data");
    stage_fails(stage, "ctx.queue:push('none')", "t offers no job \"none\"");
    stage_fails(stage, "crm.job('late', function() end)", "crm.job works only while loading");
}

static const char counting[] =
    "crm.on('thing', 'before_create', { id = 'number' }, function(ev, ctx)\n"
    "  ev.record.amount = ctx.kv:incr('things')\n"
    "end)\n"
    "crm.on('thing', 'validate', { id = 'look' }, function(ev, ctx)\n"
    "  if ev.record.name == 'bad' then ev:fail('name', '@bad') end\n"
    "  if ev.record.name == 'early' then ctx.kv:set('a', 1) end\n"
    "end)\n"
    "crm.job('tell', function() end)\n"
    "crm.on('thing', 'after_create', { id = 'push' }, function(ev, ctx)\n"
    "  ctx.queue:push('tell', { id = ev.record.id }, { delay = 60 })\n"
    "  if ev.record.name == 'long' then ctx.queue:push('tell', { t = ('x'):rep(70000) }) end\n"
    "end)\n";

static void test_keeping__is_part_of_the_save(void **state)
{
    struct stage *stage = *state;
    int64_t id, next_ms;
    stage_script(stage, counting);
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "1");
    assert_int_equal(stage_create(stage, "thing", "{'name':'bad'}", NULL), ERR_VALIDATION);
    OK(stage_create(stage, "thing", "{'name':'two'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "2"); /* the bad one's is free */
    OK(job_next(stage->tenant, &next_ms));
    assert_int_equal(next_ms, STAGE_NOW + 60000);
    assert_int_equal(stage_create(stage, "thing", "{'name':'early'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "ctx.kv:set works only"));
    assert_int_equal(stage_create(stage, "thing", "{'name':'long'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "at most 65536 bytes"));
    assert_int_equal(stage_count(stage, "thing"), 2);
}

static void test_keeping__stays_in_its_tenant(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, counting);
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keeping__says_what_is_wrong),
        TEST(test_keeping__is_part_of_the_save),
        TEST(test_keeping__stays_in_its_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
