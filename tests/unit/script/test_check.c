/* test_check - crm.check: what it takes, whom it asks, and that it changes nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <stdio.h>

#include "base/limits.h"
#include "script/check.h"

struct found {
    int count;
    int64_t id;
    char wrong[100];
};

static void take(void *arg, int64_t id, const char *wrong)
{
    struct found *found = arg;
    found->count++;
    found->id = id;
    (void)snprintf(found->wrong, sizeof found->wrong, "%s", wrong);
}

static enum err ask(struct stage *stage, int n, struct found *found, int64_t *records)
{
    *found = (struct found){0};
    return check_run(stage_vm(stage), &stage->ctx, n, take, found, records);
}

static void test_check__names_the_records_that_break_it(void **state)
{
    struct stage *stage = *state;
    struct found found;
    int64_t id, records = 0;
    int count = 0;
    stage_script(stage, "crm.check('amount', { entity = 'thing' }, function(thing)\n"
                        "  if thing.amount < 0 then return 'is below zero: ' .. thing.amount end\n"
                        "end)\n"
                        "crm.check('level', { entity = 'thing', where = { level = 'a' } },\n"
                        "  function(thing) return thing.name end)\n");
    for (int i = 0; i < CHECK_BATCH + 5; i++)
        OK(stage_create(stage, "thing", "{'name':'x','amount':1,'level':'b'}", NULL));
    OK(stage_create(stage, "thing", "{'name':'bad','amount':-7,'level':'a'}", &id));
    const struct check_rule *rules = check_all(stage_vm(stage), &count);
    assert_int_equal(count, 2);
    assert_string_equal(rules[0].name, "amount");
    assert_string_equal(rules[0].plugin, "t");
    OK(ask(stage, 0, &found, &records));
    assert_int_equal(records, CHECK_BATCH + 6);
    assert_int_equal(found.count, 1);
    assert_true(found.id == id);
    assert_string_equal(found.wrong, "is below zero: -7");
    OK(ask(stage, 1, &found, &records));
    assert_int_equal(records, 1);
    assert_string_equal(found.wrong, "bad");
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    OK(ask(stage, 0, &found, &records));
    assert_int_equal(records, 0);
}

/* Runs a check of one record with that body; its failure. */
static const char *failure(struct stage *stage, const char *body)
{
    struct found found;
    int64_t records = 0;
    stage_script(stage, arena_printf(stage->arena,
                                     "crm.check('c', { entity = 'thing' }, function(thing, ctx)\n"
                                     "  %s\nend)\n",
                                     body));
    assert_int_equal(ask(stage, 0, &found, &records), ERR_PLUGIN);
    return stage->ctx.err.detail;
}

static void test_check__may_not_write_and_ends_at_its_limits(void **state)
{
    struct stage *stage = *state;
    struct found found;
    int64_t records = 0;
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL));
    assert_non_null(strstr(failure(stage, "ctx.db.thing:insert { name = 'two' }"), "works only"));
    assert_non_null(strstr(failure(stage, "ctx.kv:set('a', 1)"), "works only"));
    assert_non_null(strstr(failure(stage, "return 5"), "a text that says what is wrong"));
    assert_non_null(strstr(failure(stage, "error('no')"), "no"));
    assert_non_null(strstr(failure(stage, arena_printf(stage->arena,
                                                       "for _ = 1, %d do\n"
                                                       "  ctx.db:as_system().thing:get(thing.id)\n"
                                                       "end",
                                                       SCRIPT_JOB_READS_MAX + 1)),
                           "read more often"));
    stage_script(stage, arena_printf(stage->arena,
                                     "crm.check('c', { entity = 'thing' }, function(thing, ctx)\n"
                                     "  for _ = 1, %d do\n"
                                     "    ctx.db:as_system().thing:get(thing.id)\n"
                                     "  end\nend)\n",
                                     SCRIPT_JOB_READS_MAX));
    OK(ask(stage, 0, &found, &records));
    assert_int_equal(stage_count(stage, "thing"), 1);
}

static void test_check__says_what_is_wrong_while_loading(void **state)
{
    struct stage *stage = *state;
    static const char *const cases[][2] = {
        {"crm.check('a', { entity = 'thin' }, function() end)", "did you mean \"thing\""},
        {"crm.check('a', { entity = '*' }, function() end)", "is one, not all"},
        {"crm.check('a', { entity = 'thing', when = {} }, function() end)", "has no \"when\""},
        {"crm.check('a', {}, function() end)", "\"entity\" as a name"},
        {"crm.check('', { entity = 'thing' }, function() end)", "a short name"},
        {"for _ = 1, 2 do crm.check('a', { entity = 'thing' }, function() end) end",
         "there is a check \"a\" already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        stage_script(stage, cases[i][0]);
        const char *broken = stage_broken(stage);
        assert_non_null(broken);
        assert_non_null(strstr(broken, cases[i][1]));
    }
    const char *many = "for i = 1, %d do\n"
                       "  crm.check('c' .. i, { entity = 'thing' }, function() end)\nend";
    stage_script(stage, arena_printf(stage->arena, many, CHECKS_MAX));
    assert_null(stage_broken(stage));
    stage_script(stage, arena_printf(stage->arena, many, CHECKS_MAX + 1));
    assert_non_null(strstr(stage_broken(stage), "more than 256 checks"));
    stage_fails(stage, "crm.check('late', { entity = 'thing' }, function() end)",
                "crm.check works only while loading");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_check__names_the_records_that_break_it, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_check__may_not_write_and_ends_at_its_limits,
                                        stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_check__says_what_is_wrong_while_loading, stage_setup,
                                        stage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
