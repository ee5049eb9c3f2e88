/* test_secret - crm.hmac_sha256, crm.same, crm.secret, crm.json_*, ctx.changes, the job's options.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "base/limits.h"
#include "hook/job.h"

/* RFC 4231, test case 2. */
static void test_secret__signs(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return crm.hmac_sha256('Jefe', 'what do ya want for nothing?')",
                "\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"");
    stage_gives(stage, "return { crm.same('a', 'a'), crm.same('a', 'b'), crm.same('a', 'aa') }",
                "[true,false,false]");
    stage_fails(stage, "crm.hmac_sha256({ secret = 'forged' }, 'x')", "a text or a secret");
    stage_fails(stage, "crm.hmac_sha256(nil, 'x')", "a text or a secret");
}

static void test_secret__json_is_its_bytes(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return crm.json_encode({ a = { 'x', 1 } })",
                "\"{\\\"a\\\":[\\\"x\\\",1]}\"");
    stage_gives(stage, "return crm.json_decode('{\"a\":[1,null]}').a[1]", "1");
    stage_gives(stage,
                "local value, why = crm.json_decode('{') return { value == nil, why ~= nil }",
                "[true,true]");
    stage_fails(stage, "crm.json_encode(function() end)", "cannot be kept as data");
}

static void test_secret__an_empty_object_is_no_list(void **state)
{
    struct stage *stage = *state;
    /* One after another: a table's keys come in any order. */
    stage_gives(stage, "return { crm.object(), {}, { crm.object {} } }", "[{},[],[{}]]");
    stage_gives(stage, "return crm.object { x = 1 }", "{'x':1}");
    stage_gives(stage, "local t = {} return { crm.object(crm.object(t)) == t }", "[true]");
    stage_gives(stage, "return crm.object { 1, 2 }", "[1,2]");
    stage_fails(stage, "crm.object(setmetatable({}, {}))", "a metatable of its own");
    stage_fails(stage, "crm.object(1)", "table expected");
    stage_fails(stage, "setmetatable(crm.object(), {})", "protected metatable");
    stage_fails(stage, "getmetatable(crm.object()).__index = {}", "boolean");
}

static void test_secret__only_of_own_records(void **state)
{
    struct stage *stage = *state;
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL));
    stage_fails(stage, "crm.secret(ctx.db.thing:find {}[1], 'name')", "not encrypted");
    stage_fails(stage, "crm.secret(ctx.db.thing:find {}[1], 'nam')", "did you mean");
    stage_fails(stage, "crm.secret('x', 'name')", "a record is expected");
}

static void test_changes__need_a_capability(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "ctx.changes { since = 0 }", "the capability \"changes\"");
    stage_fails(stage, "ctx.queue:push('none', {}, { again = true })", "offers no job");
}

static const char passing_on[] = "{\"id\":\"t\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"T\","
                                 "\"capabilities\":[\"changes\",\"db:*:rw\"]}";

/* Page by page: what one page made the core keep is gone with it. */
static void test_changes__of_one_entity_page_by_page(void **state)
{
    struct stage *stage = *state;
    stage_write(stage, "t/plugin.json", passing_on);
    stage_enable(stage, "t");
    OK(stage_create(stage, "team", "{'name':'east'}", NULL));
    for (int i = 0; i < 5; i++)
        OK(stage_create(stage, "thing", "{'name':'one'}", NULL));
    OK(stage_create(stage, "team", "{'name':'west'}", NULL));
    stage_script(stage, "crm.service('run', function(_, ctx)\n"
                        "  local _, _, newest = ctx.changes { limit = 1 }\n"
                        "  local one, at = ctx.changes { since = newest - 7, entity = 'thing',\n"
                        "    limit = 2 }\n"
                        "  local two, last = ctx.changes { since = at, entity = 'thing' }\n"
                        "  local three = ctx.changes { since = newest - 7, entity = 'team' }\n"
                        "  local before, kept = ctx.limits().kept_kb\n"
                        "  for _ = 1, 150 do ctx.changes { since = 0, entity = 'thing' } end\n"
                        "  kept = before - ctx.limits().kept_kb\n"
                        "  return { #one, #two, last == newest, #three, one[1].entity,\n"
                        "    one[1].fields[1], kept < 16 }\n"
                        "end)");
    const char *answer;
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[2,3,true,2,\"thing\",\"name\",true]");
    stage_fails(stage, "ctx.changes { entity = 'thign' }", "did you mean \"thing\"");
    stage_fails(stage, "ctx.changes { entities = 'thing' }", "has no \"entities\"");
}

static const char waking[] =
    "crm.job('look', { every = '1h', changes = true }, function() end)\n"
    "crm.job('other', {}, function() end)\n"
    "crm.on('thing', 'after_create', { id = 'push' }, function(ev, ctx)\n"
    "  if ev.record.name == 'as' then ctx.queue:push('other', {}, { as = 1 }) end\n"
    "end)\n";

/* The plugin's own records do not wake it: here all of them are its own. */
static void test_changes__own_ones_wake_nobody(void **state)
{
    struct stage *stage = *state;
    int64_t next_ms;
    stage_script(stage, waking);
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL));
    OK(job_next(stage->tenant, &next_ms));
    assert_int_equal(next_ms, 0);
    assert_int_equal(stage_create(stage, "thing", "{'name':'as'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "capability \"user:act\""));
}

static void test_changes__of_others_wake_once(void **state)
{
    struct stage *stage = *state;
    int64_t next_ms;
    stage_script(stage, waking);
    OK(stage_create(stage, "team", "{'name':'east'}", NULL));
    OK(stage_create(stage, "team", "{'name':'west'}", NULL));
    OK(job_next(stage->tenant, &next_ms));
    assert_int_equal(next_ms, STAGE_NOW);
}

static void test_job__changes_is_a_flag(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.job('look', { changes = 1 }, function() end)\n");
    assert_non_null(strstr(stage_broken(stage), "\"changes\" is true or false"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_secret__signs),
        TEST(test_secret__json_is_its_bytes),
        TEST(test_secret__an_empty_object_is_no_list),
        TEST(test_secret__only_of_own_records),
        TEST(test_changes__need_a_capability),
        TEST(test_changes__of_one_entity_page_by_page),
        TEST(test_changes__own_ones_wake_nobody),
        TEST(test_changes__of_others_wake_once),
        TEST(test_job__changes_is_a_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
