/* test_data - records as plain data, and conditions that are checked before they are saved.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

static struct stage *stage_of(void **state)
{
    return *state;
}

static void test_record_as_data(void **state)
{
    struct stage *stage = stage_of(state);
    int64_t id;
    stage_script(stage, "crm.on('thing', 'before_update', { id = 'x' }, function(ev)\n"
                        "  local now, was = crm.data(ev.record), crm.data(ev.old)\n"
                        "  assert(now.amount == 7 and was.amount == 6)\n"
                        "  assert(now.price.amount == '12.50' and now.price.currency == 'CNY')\n"
                        "  assert(now.rate == '1.50' and now.day == '2026-03-09')\n"
                        "  assert(#now.tags == 2 and now.tags[2] == 'b')\n"
                        "  assert(now.level == nil and type(now.id) == 'string')\n"
                        "  now.tags[3] = 'c' -- it is the script's own\n"
                        "  ev.record.name = table.concat(now.tags, ',')\n"
                        "end)\n");
    OK(stage_create(stage, "thing",
                    "{'name':'n','amount':6,'price':{'amount':'12.50','currency':'CNY'},"
                    "'rate':'1.5','day':'2026-03-09','tags':['a','b']}",
                    &id));
    OK(stage_update(stage, "thing", id, "{'amount':7}"));
    assert_string_equal(stage_field(stage, "thing", id, "name"), "\"a,b,c\"");
}

static void test_what_is_no_record(void **state)
{
    stage_fails(stage_of(state), "crm.data({})", "a record is expected");
}

static void test_filters(void **state)
{
    struct stage *stage = stage_of(state);
    stage_gives(stage, "return crm.filter_check('thing', { level = { 'a', 'b' } })", "true");
    stage_gives(stage, "return crm.filter_check('thing', {})", "true");
    stage_gives(stage,
                "return (select(2, crm.filter_check('thing', { nope = 1 }))):match('nope') ~= nil",
                "true");
    stage_gives(stage, "return crm.filter_check('thing', { amount = { like = 1 } }) == nil",
                "true");
    stage_fails(stage, "crm.filter_check('thin', {})", "did you mean \"thing\"");
}

static void test_files(void **state)
{
    struct stage *stage = stage_of(state);
    stage_script(stage, "crm.service('run', function(_, ctx)\n"
                        "  assert(ctx.file(1) == nil)\n"
                        "  return { address = ctx.address or 'none' }\n"
                        "end)\n");
    const char *answer;
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "{\"address\":\"none\"}");
    stage_fails(stage, "ctx.document { template = 1, data = {} }", "works only in a job");
}

#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, stage_setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_record_as_data),
        UNIT(test_what_is_no_record),
        UNIT(test_filters),
        UNIT(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
