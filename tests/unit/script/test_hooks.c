/* test_hooks - scripts at every moment of a real save.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "base/limits.h"

static const char *complaint(struct stage *stage)
{
    const struct err_field *f = stage->ctx.err.first;
    return f ? arena_printf(stage->arena, "%s %s %s", f->field, f->code, f->args ? f->args : "")
             : "";
}

static const char *detail(struct stage *stage)
{
    return stage->ctx.err.detail ? stage->ctx.err.detail : "";
}

#define ASSERT_HAS(text, part)                                                                     \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("%s\nlacks: %s", text, part);                                                 \
    } while (0)

static void test_hooks__before_create_fills_the_record(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, "crm.on('thing', 'before_create', { id = 'fill' }, function(ev, ctx)\n"
                        "  local r = ev.record\n"
                        "  r.name = r.name .. '!'\n"
                        "  r.amount = (r.amount or 0) + ctx.config.most\n"
                        "  r.price = crm.money('12.50') * 2\n"
                        "  r.rate = crm.decimal('1.5') + 1\n"
                        "  r.level = 'b'\n"
                        "  r.due = ctx.now():add { hours = 4 }\n"
                        "  r.day = ctx.now():date()\n"
                        "  r.tags = { 'x', 'y' }\n"
                        "  r.done = true\n"
                        "  r.score = 9\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'张三','amount':3}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "name"), "\"张三!\"");
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "10");
    assert_string_equal(stage_field(stage, "thing", id, "price"),
                        "{\"amount\":\"25.00\",\"currency\":\"CNY\"}");
    assert_string_equal(stage_field(stage, "thing", id, "rate"), "\"2.50\"");
    assert_string_equal(stage_field(stage, "thing", id, "level"), "\"b\"");
    assert_string_equal(stage_field(stage, "thing", id, "due"), "\"2026-05-29T00:26:40.000Z\"");
    assert_string_equal(stage_field(stage, "thing", id, "day"), "\"2026-05-29\"");
    assert_string_equal(stage_field(stage, "thing", id, "tags"), "[\"x\",\"y\"]");
    assert_string_equal(stage_field(stage, "thing", id, "done"), "true");
    assert_string_equal(stage_field(stage, "thing", id, "score"), "9");
}

static void test_hooks__validate_collects_every_complaint(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'validate', { id = 'one' }, function(ev)\n"
                        "  ev:fail('name', '@bad', { n = 1 })\n"
                        "end)\n"
                        "crm.on('thing', 'validate', { id = 'two' }, function(ev)\n"
                        "  ev:fail('level', '@bad', { n = 2 })\n"
                        "  ev:fail(nil, 'As a whole it will not do.')\n"
                        "end)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_VALIDATION);
    assert_int_equal(stage->ctx.err.count, 3);
    assert_string_equal(complaint(stage), "name t:bad {\"n\":1}");
    model_err_texts(&stage->ctx);
    assert_string_equal(stage->ctx.err.first->message, "1 is bad.");
    assert_string_equal(stage->ctx.err.last->message, "As a whole it will not do.");
    assert_int_equal(stage_count(stage, "thing"), 0);
}

static void test_hooks__abort_ends_the_handler_past_pcall(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'before_create', { id = 'no' }, function(ev)\n"
                        "  pcall(function() ev:abort('@bad', { n = 5 }) end)\n"
                        "  error('not reached')\n"
                        "end)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_VALIDATION);
    assert_string_equal(stage->ctx.err.code, "t:bad");
    model_err_texts(&stage->ctx);
    assert_string_equal(stage->ctx.err.message, "5 is bad.");
    assert_int_equal(stage_count(stage, "thing"), 0);
}

static void test_hooks__run_in_the_order_they_ask_for(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, "local function add(x)\n"
                        "  return function(ev) ev.record.name = (ev.record.name or '') .. x end\n"
                        "end\n"
                        "crm.on('thing', 'before_create', { id = 'd', at = 900 }, add('d'))\n"
                        "crm.on('thing', 'before_create', { id = 'b' }, add('b'))\n"
                        "crm.on('thing', 'before_create', { id = 'a', before = 't:b' }, add('a'))\n"
                        "crm.on('thing', 'before_create', { id = 'c', after = 't:b' }, add('c'))");
    OK(stage_create(stage, "thing", "{}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "name"), "\"abcd\"");
}

static void test_hooks__when_and_fields_decide_before_lua(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(
        stage, "crm.on('thing', 'before_update', { id = 'big', when = { amount = { gt = 5 } } },\n"
               "  function(ev) ev.record.level = 'a' end)\n"
               "crm.on('thing', 'before_update', { id = 'named', fields = { 'name' } },\n"
               "  function(ev)\n"
               "    ev.record.score = (ev.old.score or 0) + 1\n"
               "    assert(ev.changed('name') and ev:changed('name'))\n"
               "    assert(not ev.changed('amount'))\n"
               "  end)");
    OK(stage_create(stage, "thing", "{'name':'a','level':'c'}", &id));
    OK(stage_update(stage, "thing", id, "{'amount':5}"));
    assert_string_equal(stage_field(stage, "thing", id, "level"), "\"c\"");
    assert_string_equal(stage_field(stage, "thing", id, "score"), "null");
    OK(stage_update(stage, "thing", id, "{'amount':6}"));
    assert_string_equal(stage_field(stage, "thing", id, "level"), "\"a\"");
    OK(stage_update(stage, "thing", id, "{'name':'b'}"));
    OK(stage_update(stage, "thing", id, "{'name':'c'}"));
    assert_string_equal(stage_field(stage, "thing", id, "score"), "2");
}

static void test_hooks__after_create_writes_other_records(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage,
                 "crm.on('thing', 'after_create', { id = 'parts' }, function(ev, ctx)\n"
                 "  for i = 1, 3 do\n"
                 "    local made = assert(ctx.db.part:insert {\n"
                 "      name = 'p' .. i, thing = ev.record.id, amount = i })\n"
                 "    assert(made.twice == 2 * i and made.thing == ev.record.id)\n"
                 "  end\n"
                 "  local parts = ctx.db.part:find { where = { thing = ev.record.id },\n"
                 "    order = '-amount' }\n"
                 "  assert(#parts == 3 and parts[1].name == 'p3')\n"
                 "  assert(ctx.db.part:update(parts[1].id, { amount = 30 }, { if_version = 1 }))\n"
                 "  local none, why, name = ctx.db.part:update(parts[1].id, { amount = 31 },\n"
                 "    { if_version = 1 })\n"
                 "  assert(none == nil and name == 'VERSION', why)\n"
                 "  assert(ctx.db.part:delete(parts[2].id))\n"
                 "  assert(ctx.db.part:get(parts[2].id) == nil)\n"
                 "  local n = 0\n"
                 "  for part in ctx.db.part:each { where = { thing = ev.record.id } } do\n"
                 "    n = n + part.amount\n"
                 "  end\n"
                 "  assert(n == 31 and ctx.db.part:count() == 2)\n"
                 "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", &id));
    assert_int_equal(stage_count(stage, "part"), 2);
}

static void test_hooks__a_refused_nested_write_leaves_nothing(void **state)
{
    struct stage *stage = *state;
    stage_script(
        stage,
        "crm.on('part', 'after_create', { id = 'never' }, function(ev)\n"
        "  if ev.record.amount == 2 then ev:abort('@bad', { n = 2 }) end\n"
        "end)\n"
        "crm.on('thing', 'after_create', { id = 'parts' }, function(ev, ctx)\n"
        "  assert(ctx.db.part:insert { name = 'p', amount = 1 })\n"
        "  local none, why, name = ctx.db.part:insert { name = 'q', amount = 2 }\n"
        "  assert(none == nil and name == 'VALIDATION' and why == 'VALIDATION: 2 is bad.', why)\n"
        "  none, why, name = ctx.db.part:insert { name = 'q', amount = 'much' }\n"
        "  assert(none == nil and name == 'VALIDATION', why)\n"
        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    assert_int_equal(stage_count(stage, "part"), 1);
    assert_int_equal(stage->ctx.err.count, 0);
}

static void test_hooks__a_bug_further_down_rolls_everything_back(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('part', 'validate', { id = 'buggy' }, function(ev)\n"
                        "  return nil + 1\n"
                        "end)\n"
                        "crm.on('thing', 'after_create', { id = 'parts' }, function(ev, ctx)\n"
                        "  pcall(function() ctx.db.part:insert { name = 'p' } end)\n"
                        "end)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "t:buggy t/init.lua:2: attempt to perform arithmetic on a nil value");
    assert_int_equal(stage_count(stage, "thing"), 0);
    assert_int_equal(stage_count(stage, "part"), 0);
}

static void test_hooks__endless_chains_are_ended(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('part', 'after_create', { id = 'again' }, function(ev, ctx)\n"
                        "  assert(ctx.db.part:insert { name = ev.record.name .. 'x' })\n"
                        "end)");
    assert_int_equal(stage_create(stage, "part", "{'name':'a'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "nested too deep");
    ASSERT_HAS(detail(stage), "by t:again < create part"); /* and so on, down to the first */
    assert_int_equal(stage_count(stage, "part"), 0);
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
}

static void test_hooks__a_loop_in_a_hook_costs_one_save(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'before_create', { id = 'loop' }, function(ev)\n"
                        "  if ev.record.name == 'loop' then while true do end end\n"
                        "end)\n"
                        "crm.on('thing', 'after_create', { id = 'deep' }, function(ev, ctx)\n"
                        "  if ev.record.name == 'deep' then\n"
                        "    pcall(function() ctx.db.thing:insert { name = 'loop' } end)\n"
                        "  end\n"
                        "end)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'loop'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "t:loop t/init.lua:2: it used more CPU time than it may");
    assert_int_equal(stage_create(stage, "thing", "{'name':'deep'}", NULL), ERR_PLUGIN);
    OK(stage_create(stage, "thing", "{'name':'fine'}", NULL));
    assert_int_equal(stage_count(stage, "thing"), 1);
}

static void test_hooks__counts_are_bounded(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_create', { id = 'greedy' }, function(ev, ctx)\n"
                        "  if ev.record.name == 'reads' then\n"
                        "    while pcall(ctx.db.thing.count, ctx.db.thing) do end\n"
                        "  elseif ev.record.name == 'writes' then\n"
                        "    while pcall(ctx.db.part.delete, ctx.db.part, 1) do end\n"
                        "  end\n"
                        "end)");
    /* A table's first row changes the schema, and every write that fails behind it reads it anew.
     */
    OK(stage_create(stage, "thing", "{'name':'first'}", NULL));
    assert_int_equal(stage_create(stage, "thing", "{'name':'reads'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "it read more often than it may");
    assert_int_equal(stage_create(stage, "thing", "{'name':'writes'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "it wrote more often than it may");
    OK(stage_create(stage, "thing", "{'name':'modest'}", NULL));
}

/* The greatest number of `what` that a handler reaches, and that one more ends it. */
static void limit_is(struct stage *stage, const char *body, int most, const char *why)
{
    stage_script(stage,
                 arena_printf(stage->arena,
                              "crm.on('thing', 'after_create', { id = 'counts' }, "
                              "function(ev, ctx)\n  for i = 1, ev.record.amount do %s end\nend)",
                              body));
    OK(stage_create(stage, "thing", arena_printf(stage->arena, "{'amount':%d}", most), NULL));
    assert_int_equal(
        stage_create(stage, "thing", arena_printf(stage->arena, "{'amount':%d}", most + 1), NULL),
        ERR_PLUGIN);
    ASSERT_HAS(detail(stage), why);
}

static void test_hooks__so_many_reads_writes_and_rows_and_no_more(void **state)
{
    struct stage *stage = *state;
    limit_is(stage, "ctx.db.thing:count()", SCRIPT_READS_MAX,
             "t/init.lua:2: it read more often than it may");
    limit_is(stage, "ctx.db.part:delete(1)", HOOK_WRITES_MAX,
             "t/init.lua:2: it wrote more often than it may");
}

static void test_hooks__rows_are_counted_over_all_reads(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 100; i++)
        OK(stage_create(stage, "thing", "{'name':'row'}", NULL));
    stage_script(stage, "crm.on('part', 'after_create', { id = 'rows' }, function(ev, ctx)\n"
                        "  for i = 1, 50 do ctx.db.thing:find { limit = 100 } end\n"
                        "  if ev.record.amount == 1 then ctx.db.thing:find { limit = 1 } end\n"
                        "end)");
    _Static_assert(SCRIPT_ROWS_MAX == 50 * 100, "as the script reads");
    OK(stage_create(stage, "part", "{'amount':0}", NULL));
    assert_int_equal(stage_create(stage, "part", "{'amount':1}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "it read more rows than it may");
}

/* Each record of a bulk request or an import has limits of its own. */
static void test_hooks__counts_begin_anew_with_each_record(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'validate', { id = 'reads' }, function(ev, ctx)\n"
                        "  for i = 1, 90 do ctx.db.thing:count() end\n"
                        "end)\n"
                        "crm.on('thing', 'after_create', { id = 'more' }, function(ev, ctx)\n"
                        "  for i = 1, ev.record.amount do ctx.db.thing:count() end\n"
                        "end)");
    const struct entity *entity = model_entity(stage->model, SLICE("thing"));
    struct json *body = json_new(stage->arena, JSON_OBJECT);
    json_add(stage->arena, body, "amount", json_new_int(stage->arena, 90));
    stage_begin(stage);
    for (int i = 0; i < 5; i++)
        OK(record_create_json(&stage->ctx, entity, body, NULL, NULL));
    OK(stage_end(stage, ERR_OK));
    assert_int_equal(stage_create(stage, "thing", "{'amount':120}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "t:more t/init.lua:5: it read more often than it may");
}

static void test_hooks__records_die_with_their_call(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local kept, event\n"
                        "crm.on('thing', 'before_create', { id = 'keep' }, function(ev)\n"
                        "  if kept and ev.record.name == 'record' then return kept.name end\n"
                        "  if kept and ev.record.name == 'event' then return event.record end\n"
                        "  kept, event = ev.record, ev\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    assert_int_equal(stage_create(stage, "thing", "{'name':'record'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "t/init.lua:3: record used after its call ended");
    assert_int_equal(stage_create(stage, "thing", "{'name':'event'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), "t/init.lua:4: ev used after its call ended");
}

static void slip(struct stage *stage, const char *moment, const char *body, const char *part)
{
    stage_script(stage, arena_printf(stage->arena,
                                     "crm.on('thing', '%s', { id = 's' }, function(ev, ctx)\n"
                                     "%s\nend)",
                                     moment, body));
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_PLUGIN);
    ASSERT_HAS(detail(stage), part);
}

static void test_hooks__slips_get_a_clear_sentence(void **state)
{
    struct stage *s = *state;
    slip(s, "validate", "return ev.record.levl",
         "t:s t/init.lua:2: thing has no field \"levl\" (did you mean \"level\"?)");
    slip(s, "before_create", "ev.record.amont = 1",
         "thing has no field \"amont\" (did you mean \"amount\"?)");
    slip(s, "validate", "ev.record.name = 'x'", "changing ev.record works only in before_*");
    slip(s, "after_create", "ev.record.name = 'x'", "changing ev.record works only in before_*");
    slip(s, "before_create", "ev.record.level = 'z'", "thing.level cannot be set so: ");
    slip(s, "before_create", "ev.record.price = 1.5", "money is never a float");
    slip(s, "before_create", "ev.record.name = 'a\\0b'", "not valid UTF-8");
    slip(s, "before_create", "ev.record.id = 5", "thing.id is kept by the core and cannot be set");
    slip(s, "before_create", "ctx.db.part:insert {}", "insert works only in after_*, in an action");
    slip(s, "validate", "ev:fail('nam', '@bad')", "did you mean \"name\"?");
    slip(s, "validate", "return ctx.db.thingy", "there is no entity \"thingy\"");
    slip(s, "validate", "return ctx.db:as_system().team",
         "t does not declare the capability \"db:team:rw\"");
    slip(s, "after_create", "ctx.db:as_system().part:insert {}",
         "t may only read part as_system: its capability is \"db:part:r\"");
    slip(s, "validate", "return ctx.usr", "ctx has no member \"usr\"");
    slip(s, "validate", "ctx.db.thing:find { were = {} }", "a query has no \"were\"");
    slip(s, "validate", "ctx.db.thing:find { where = { bad = function() end } }",
         "a function cannot be kept as data");
    slip(s, "validate", "return ev.record.price + crm.money(1, 'USD')",
         "crm.money expected, got nil");
    slip(s, "validate", "return crm.money(1, 'USD') + crm.money(1)",
         "USD and CNY cannot be reckoned with together");
    slip(s, "validate", "crm.on('thing', 'validate', { id = 'x' }, error)",
         "crm.on works only while loading");
}

static void load_slip(struct stage *stage, const char *lua, const char *part)
{
    stage_script(stage, lua);
    const char *why = stage_broken(stage);
    assert_non_null(why);
    ASSERT_HAS(why, part);
}

static void test_hooks__registrations_are_checked_while_loading(void **state)
{
    struct stage *s = *state;
    load_slip(s, "crm.on('thng', 'validate', { id = 'x' }, error)",
              "t/init.lua:1: there is no entity \"thng\" (did you mean \"thing\"?)");
    load_slip(s, "crm.on('thing', 'validating', { id = 'x' }, error)",
              "there is no moment \"validating\" (did you mean \"validate\"?)");
    load_slip(s, "crm.on('thing', 'whenever', { id = 'x' }, error)",
              "there is no moment \"whenever\")");
    load_slip(s, "crm.on('thing', 'after_created', { id = 'x' }, error)",
              "there is no moment \"after_created\" (did you mean \"after_create\"?)");
    load_slip(s, "crm.on('thing', 'transition', { id = 'x' }, error)",
              "there is no moment \"transition\" (did you mean \"transition:<field>\"?)");
    load_slip(s, "crm.on('thing', 'validate', {}, error)", "needs an \"id\"");
    load_slip(s, "crm.on('thing', 'validate', { id = 'x', wen = {} }, error)",
              "there is no option \"wen\" (did you mean \"when\"?): id, before, after, at, when");
    load_slip(s, "crm.on('thing', 'validate', { id = 'x', when = { nme = 'a' } }, error)",
              "did you mean \"name\"?");
    load_slip(s, "crm.on('thing', 'validate', { id = 'x', when = { level = 'z' } }, error)",
              "when.level: not_in_list");
    assert_null(strstr(stage_broken(s), "did you mean"));
    load_slip(s, "crm.on('thing', 'validate', { id = 'x', fields = { 'nme' } }, error)",
              "thing has no field \"nme\" (did you mean \"name\"?)");
    load_slip(s, "crm.on('thing', 'validate', { id = 'x' }, nil)", "function expected");
    load_slip(s,
              "crm.on('thing', 'validate', { id = 'x' }, error)\n"
              "crm.on('thing', 'validate', { id = 'x' }, error)",
              "t/init.lua:2: thing validate has a handler \"x\" already");
    load_slip(s, "crm.on('thing', 'validate', { id = 'x', after = 't:nobody' }, error)",
              "there is no handler called \"t:nobody\"");
    load_slip(s,
              "crm.on('thing', 'validate', { id = 'x', after = 't:nobody' }, error)\n"
              "crm.on('thing', 'validate', { id = 'first' }, error)\n"
              "crm.on('thing', 'validate', { id = 'second' }, error)",
              "there is no handler called \"t:nobody\"; t has first, second");
    load_slip(s, "require('nowhere')", "there is no module t/nowhere.lua");
    load_slip(s, "require('../../secret')", "a module's name is small letters");
    load_slip(s, "require('core.anything')", "t does not declare core among");
    load_slip(s, "while true do end", "more CPU time than it may");
    stage_script(s, "");
    assert_null(stage_broken(s));
}

static void test_hooks__broken_scripts_refuse_writes(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "error('broken')");
    struct vm *vm;
    assert_int_equal(vm_get(&stage->ctx, stage->home, &vm), ERR_PLUGIN);
    assert_int_equal(vm_get(&stage->ctx, stage->home, &vm), ERR_PLUGIN);
}

static void test_hooks__transitions_say_from_and_to(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage,
                 "crm.on('thing', 'transition:status', { id = 'moved' }, function(ev, ctx)\n"
                 "  assert(ctx.db.part:insert {\n"
                 "    name = ev.field .. ' ' .. ev.from .. '>' .. ev.to .. ' ' .. ev.moment })\n"
                 "end)");
    OK(stage_create(stage, "thing", "{'name':'a','status':'new'}", &id));
    OK(stage_update(stage, "thing", id, "{'status':'open'}"));
    assert_int_equal(stage_count(stage, "part"), 1);
}

static void test_hooks__tenants_share_nothing(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    stage_script(stage, "local count = 0\n"
                        "crm.service('run', function(_, ctx)\n"
                        "  count = count + 1\n"
                        "  return { ctx.tenant.name, count }\n"
                        "end)");
    OK(stage_run(stage, &answer));
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",2]");
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",1]");
    stage_switch(stage, "acme");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",3]");
}

static void test_hooks__services_wrap_and_actions_answer(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(
        stage,
        "crm.service('sum', function(arg, ctx)\n"
        "  if not ctx.has('t') then error('another ctx') end\n" /* its own, whatever is given */
        "  return arg.a + arg.b\n"
        "end)\n"
        "crm.wrap('sum', function(next, arg, ctx) return next(arg, {}) * 10 end)\n"
        "crm.service('run', function(_, ctx) return { ctx.call('sum', { a = 1, b = 2 }) } end)\n"
        "crm.action('thing', 'raise', function(ev, ctx)\n"
        "  local r = assert(ctx.db.thing:update(ev.record.id,\n"
        "    { score = ev.params.by, name = 'raised' }))\n"
        "  if ev.params.by > 5 then ev:fail('by', '@bad', { n = ev.params.by }) end\n"
        "  return { score = r.score, id = crm.id_text(r.id) }\n"
        "end)");
    const char *answer;
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[30]");
    OK(stage_create(stage, "thing", "{'name':'a'}", &id));
    for (int64_t by = 5; by <= 6; by++) {
        struct buf out = BUF_INIT;
        struct record *record;
        const struct entity *entity = model_entity(stage->model, SLICE("thing"));
        struct json *params = json_new(stage->arena, JSON_OBJECT);
        json_add(stage->arena, params, "by", json_new_int(stage->arena, by));
        struct vm *vm = stage_vm(stage);
        stage_begin(stage);
        OK(record_load(&stage->ctx, entity, id, ROLE_READ, &record));
        enum err e = vm_action(vm, &stage->ctx, entity, "raise", record, params, &out);
        assert_int_equal(e, by > 5 ? ERR_VALIDATION : ERR_OK);
        if (!e)
            ASSERT_HAS(buf_cstr(&out), "\"score\":5");
        buf_clear(&out);
        assert_int_equal(vm_action(vm, &stage->ctx, entity, "no", record, params, &out),
                         ERR_NOT_FOUND);
        (void)stage_end(stage, e);
        buf_release(&out);
    }
    assert_string_equal(stage_field(stage, "thing", id, "score"), "5");
}

static void test_hooks__filters_kept_as_data_are_asked_of_records(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'before_create', { id = 'm' }, function(ev, ctx)\n"
                        "  local fits = crm.matches(ev.record, { level = { 'a', 'b' },\n"
                        "    ['or'] = { { amount = { gte = 5 } }, { name = 'x' } } })\n"
                        "  ev.record.score = (fits and 1 or 0) + (crm.matches(ev.record, {}) and 2 "
                        "or 0)\n"
                        "end)");
    int64_t id;
    OK(stage_create(stage, "thing", "{'level':'a','amount':5}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "score"), "3");
    OK(stage_create(stage, "thing", "{'level':'c','amount':5}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "score"), "2");
    slip(stage, "before_create", "crm.matches(ev.record, { nope = 1 })",
         "this filter does not fit thing: filter.nope: ");
    slip(stage, "before_create", "crm.matches({}, {})", "a record is expected");
}

static void test_hooks__a_model_that_moved_gets_a_new_vm(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    OK(stage_run(stage, &answer));
    stage_write(stage, "t/init.lua", "crm.service('run', function() return { 2 } end)");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[1]");
    stage_enable(stage, "t");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_hooks__##name, stage_setup, stage_teardown)
        T(before_create_fills_the_record),
        T(validate_collects_every_complaint),
        T(abort_ends_the_handler_past_pcall),
        T(run_in_the_order_they_ask_for),
        T(when_and_fields_decide_before_lua),
        T(after_create_writes_other_records),
        T(a_refused_nested_write_leaves_nothing),
        T(a_bug_further_down_rolls_everything_back),
        T(endless_chains_are_ended),
        T(a_loop_in_a_hook_costs_one_save),
        T(counts_are_bounded),
        T(so_many_reads_writes_and_rows_and_no_more),
        T(rows_are_counted_over_all_reads),
        T(counts_begin_anew_with_each_record),
        T(records_die_with_their_call),
        T(slips_get_a_clear_sentence),
        T(registrations_are_checked_while_loading),
        T(broken_scripts_refuse_writes),
        T(transitions_say_from_and_to),
        T(tenants_share_nothing),
        T(services_wrap_and_actions_answer),
        T(filters_kept_as_data_are_asked_of_records),
        T(a_model_that_moved_gets_a_new_vm),
#undef T
    };
    return cmocka_run_group_tests_name("script/hooks", tests, NULL, NULL);
}
