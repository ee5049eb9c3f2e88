/* test_sandbox - what scripts can reach, and that no script outlives its budget.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox.h"

#include "stage.h"

#include "base/limits.h"

/* The environment is walked by a script, so what it finds is what a plugin finds. */
static const char walk[] =
    "local names = {}\n"
    "local function add(prefix, view)\n"
    "  for name, value in pairs(view) do\n"
    "    names[#names + 1] = prefix .. name\n"
    "  end\n"
    "end\n"
    "for _, name in ipairs { \"coroutine\", \"math\", \"string\", \"table\", \"utf8\" } do\n"
    "  add(name .. \".\", _ENV[name])\n"
    "end\n"
    "for _, name in ipairs { \"assert\", \"error\", \"getmetatable\", \"ipairs\", \"next\", "
    "\"pairs\",\n"
    "  \"pcall\", \"rawequal\", \"rawget\", \"rawlen\", \"select\", \"setmetatable\", "
    "\"tonumber\",\n"
    "  \"tostring\", \"type\", \"xpcall\", \"_VERSION\", \"io\", \"os\", \"debug\", \"package\", "
    "\"load\",\n"
    "  \"loadfile\", \"loadstring\", \"dofile\", \"collectgarbage\", \"rawset\", \"print\",\n"
    "  \"_G\", \"warn\", \"module\", \"setfenv\", \"getfenv\", \"unpack\" } do\n"
    "  if pcall(function() return _ENV[name] end) then names[#names + 1] = name end\n"
    "end\n"
    "return names";

static bool is_allowed(struct slice name)
{
    for (const char *const *allowed = sandbox_names(); *allowed; allowed++)
        if (slice_is(name, *allowed))
            return true;
    return false;
}

static void test_sandbox__offers_the_allow_list_and_nothing_else(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    const struct json *found;
    int wanted = 0;
    stage_script(stage,
                 arena_printf(stage->arena, "crm.service(\"run\", function()\n%s\nend)", walk));
    OK(stage_run(stage, &answer));
    OK(json_parse(stage->arena, slice_str(answer), &found, NULL));
    json_each(name, found) if (!is_allowed(name->text)) fail_msg("%s is there", name->text.at);
    for (const char *const *allowed = sandbox_names(); *allowed; allowed++)
        wanted++;
    assert_int_equal(found->count, wanted);
}

static void test_sandbox__globals_are_strict(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "return nothing_here", "undeclared global \"nothing_here\"");
    stage_fails(stage, "leak = 1", "\"leak\" cannot be set as a global: use local");
    stage_fails(stage, "string = nil", "\"string\" cannot be set as a global");
    stage_fails(stage, "string.rep = nil", "this is read-only: \"rep\" cannot be set");
    stage_fails(stage, "crm.on = nil", "this is read-only: \"on\" cannot be set");
    stage_fails(stage, "local function f() for k in next, string do end end f()", "table expected");
    stage_gives(stage, "return { getmetatable(\"\"), getmetatable(string), getmetatable(_ENV) }",
                "[false,false,false]");
}

/* Plugin u asks t, which requires it, so its init.lua has run: what t did to its module is seen by
 * u's own service. */
static void test_sandbox__a_lent_module_cannot_be_changed_at_any_depth(void **state)
{
    struct stage *stage = *state;
    stage_write(stage, "u/plugin.json",
                "{\"id\":\"u\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"U\"}");
    stage_write(stage, "u/shared.lua",
                "local shared = { limits = { most = 5, steps = { { at = 1 }, { at = 2 } } } }\n"
                "shared.self = shared\n"
                "shared[shared.limits] = 'by table'\n"
                "function shared.more(n) shared.later = { n = n } return shared.limits.most end\n"
                "return shared\n");
    stage_write(stage, "u/init.lua",
                "local s = require('shared')\n"
                "crm.service('u.look', function() return { s.limits.most, s.limits.steps[1].at,\n"
                "  #s.limits.steps, s.later and s.later.n or 0 } end)\n");
    stage_write(stage, "t/plugin.json",
                "{\"id\":\"t\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"T\","
                "\"requires\":{\"u\":\"^1\"}}");
    stage_enable(stage, "u");
    stage_script(
        stage,
        "local s = require('u.shared')\n"
        "local function no(fn, ...) return not pcall(fn, ...) end\n"
        "crm.service('run', function(_, ctx)\n"
        "  local all, tables = {}, 0\n"
        "  s.more(7)\n"
        "  for k, v in pairs(s) do\n"
        "    all[#all + 1] = no(function() k.x = 1 end) and no(function() v.x = 1 end)\n"
        "    if type(v) == 'userdata' then tables = tables + 1 end\n"
        "  end\n"
        "  for _, step in ipairs(s.limits.steps) do\n"
        "    all[#all + 1] = no(function() step.at = 9 end)\n"
        "  end\n"
        "  local first, second = table.unpack(s.limits.steps)\n"
        "  local moved = table.move(s.limits.steps, 1, 2, 1, {})\n"
        "  for _, one in ipairs { s, s.self, s.limits, s.limits.steps, s.later, first, second,\n"
        "    moved[1], moved[2] } do\n"
        "    all[#all + 1] = no(function() one.at = 9 end) and no(rawlen, one)\n"
        "      and no(table.insert, one, 1) and no(setmetatable, one, {}) and no(next, one)\n"
        "      and getmetatable(one) == false\n"
        "  end\n"
        "  local good = true\n"
        "  for _, one in ipairs(all) do good = good and one end\n"
        "  return { good, tables, s.self == s, s.limits == s.limits, s.limits == s.limits.steps,\n"
        "    s[s.limits] == nil, #s.limits.steps, s.limits.most, ctx.call('u.look') }\n"
        "end)");
    const char *answer;
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[true,3,true,true,false,true,2,5,[5,1,2,7]]");
}

static void test_sandbox__errors_name_file_and_line(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "local x\nreturn x.y", "t:run t/init.lua:3: attempt to index a nil value");
    stage_script(stage, "local x = = 1\n");
    assert_non_null(strstr(stage_broken(stage), "t/init.lua:1: unexpected symbol near '='"));
    stage_script(stage, "\n\nerror(\"no\")\n");
    assert_non_null(strstr(stage_broken(stage), "t/init.lua:3: no"));
}

static void test_sandbox__bytecode_does_not_load(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "\033Lua\x54");
    assert_non_null(strstr(stage_broken(stage), "attempt to load a binary chunk"));
}

/* --- attacks: each ends with an error, and the next call works --- */

static void attack(struct stage *stage, const char *body, const char *part)
{
    stage_fails(stage, body, part);
    stage_gives(stage, "return { 1 + 1 }", "[2]");
}

static void test_sandbox__endless_loops_are_killed(void **state)
{
    attack(*state, "while true do end", "more CPU time than it may");
    attack(*state, "repeat local t = {} until false", "more CPU time than it may");
    attack(*state, "local function f() return f() end f()", "more CPU time than it may");
}

static void test_sandbox__a_kill_cannot_be_caught(void **state)
{
    attack(*state, "while true do pcall(function() while true do end end) end",
           "more CPU time than it may");
    attack(*state, "while true do pcall(error) end", "more CPU time than it may");
    attack(*state,
           "xpcall(function() while true do end end, function() while true do end end) return {}",
           "more CPU time than it may");
    attack(*state, "xpcall(error, function() while true do end end) return {}",
           "more CPU time than it may");
    attack(*state,
           "local t <close> = setmetatable({}, { __close = function() while true do end end })\n"
           "while true do end",
           "more CPU time than it may");
    attack(*state,
           "local t = setmetatable({}, { __index = function() while true do end end })\n"
           "while true do pcall(function() return t.x end) end",
           "more CPU time than it may");
}

static void test_sandbox__memory_is_bounded(void **state)
{
    attack(*state, "local t = {} while true do t[#t + 1] = {} end", "more memory than it may");
    attack(*state, "local s = \"x\" while true do s = s .. s end", "more memory than it may");
    attack(
        *state,
        "local t = {} while true do pcall(function() for i = 1, 1e6 do t[#t + 1] = i end end) end",
        "it used more");
    attack(*state, "local s = \"x\" while true do pcall(function() s = s .. s end) end",
           "more memory than it may");
}

static void test_sandbox__garbage_alone_kills_nobody(void **state)
{
    stage_gives(*state,
                "local n = 0\n"
                "for i = 1, 200 do local s = (\"x\"):rep(100000 + i) n = n + #s end\n"
                "return { n }",
                "[20020100]");
}

static void test_sandbox__c_functions_refuse_long_work(void **state)
{
    attack(*state, "return (\"x\"):rep(1e10)", "would be longer");
    attack(*state, "return (\"x\"):rep(1 << 62, \"yy\")", "would be longer");
    attack(*state, "return (\"\"):rep(1 << 62, \"y\")", "would be longer");
    attack(*state, "table.move({}, 1, 1 << 60, 2)", "at most 1000000 items");
    attack(*state, "table.concat({}, \"\", 1, 1 << 60)", "at most 1000000 items");
    attack(*state, "return table.unpack({}, 1, 1 << 60)", "at most 1000000 items");
    attack(*state,
           "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
           "plain table");
    attack(*state, "return tostring(setmetatable({}, { __gc = function() end }))",
           "may not have __gc");
    attack(*state, "setmetatable({}, { __mode = \"k\" })", "may not have __mode");
}

static void test_sandbox__deep_recursion_ends(void **state)
{
    attack(*state, "local function f() return 1 + f() end return f()", "it used more");
    attack(*state, "local function f() return pcall(f) end f() error(\"out\")", "out");
    attack(*state,
           "local function f(s) return (s:gsub(\".\", f)) end return f(\"x\") .. error(\"deep\")",
           "C stack overflow");
    attack(*state, "local t = {} for i = 1, 300 do t = { t } end return t", "nested too deep");
    attack(*state, "local t = {} t[1] = t return t", "nested too deep");
}

static void test_sandbox__tostring_shows_no_address(void **state)
{
    stage_gives(*state, "return { tostring({}), tostring(error), tostring(crm.null), tostring(1) }",
                "['table','function','null','1']");
}

static void test_sandbox__pcall_keeps_ordinary_errors(void **state)
{
    stage_gives(
        *state,
        "local ok, why = pcall(error, { code = 7 })\n"
        "local _, text = xpcall(error, function(m) return \"<\" .. m .. \">\" end, \"x\", 0)\n"
        "local fine, one, two = xpcall(function(...) return ... end, error, 1, 2)\n"
        "return { ok, why.code, text, fine, one, two, select(\"#\", pcall(type, 1)) }",
        "[false,7,'<x>',true,1,2,2]");
}

static void test_sandbox__coroutines_work_as_in_lua(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage,
                "local co = coroutine.create(function(a, b)\n"
                "  local c = coroutine.yield(a + b)\n"
                "  local d, e = coroutine.yield(c * 2)\n"
                "  return d, e, coroutine.isyieldable(), select(2, coroutine.running())\nend)\n"
                "local out = { coroutine.status(co), coroutine.isyieldable() }\n"
                "local function add(...) for _, v in ipairs { ... } do out[#out + 1] = v end end\n"
                "add(coroutine.resume(co, 1, 2))\nadd(coroutine.resume(co, 5))\n"
                "add(coroutine.status(co))\nadd(coroutine.resume(co, 'x', 'y'))\n"
                "add(coroutine.status(co))\nadd(coroutine.resume(co))\n"
                "return out",
                "['suspended',false,true,3,true,10,'suspended',true,'x','y',true,false,'dead',"
                "false,'cannot resume dead coroutine']");
    stage_gives(
        stage,
        "local t = {}\n"
        "for n in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do\n"
        "  t[#t + 1] = n\nend\n"
        "local ok, why = pcall(coroutine.wrap(function() error('oops', 0) end))\n"
        "t[#t + 1] = ok\n t[#t + 1] = why\n"
        "t[#t + 1] = select(2, coroutine.resume(coroutine.running()))\n"
        "return t",
        "[1,2,3,false,'oops','cannot resume non-suspended coroutine']");
}

/* pcall and xpcall may be yielded in, as in Lua. */
static void test_sandbox__pcall_lets_coroutines_yield(void **state)
{
    stage_gives(*state,
                "local co = coroutine.wrap(function()\n"
                "  local ok, a = pcall(function() return coroutine.yield(1) end)\n"
                "  local bad, why = xpcall(function() coroutine.yield(2) error('x', 0) end,\n"
                "    function(m) return m .. m end)\n"
                "  return { ok, a, bad, why }\nend)\n"
                "local one, two = co(), co('a')\n"
                "local last = co()\n"
                "return { one, two, table.unpack(last) }",
                "[1,2,true,'a',false,'xx']");
}

static void test_sandbox__bindings_work_inside_coroutines(void **state)
{
    stage_gives(*state,
                "local co = coroutine.wrap(function()\n"
                "  coroutine.yield(ctx.db.thing:count())\n"
                "  error(tostring(ctx.source), 0)\nend)\n"
                "local n = co()\n"
                "return { n, (select(2, pcall(co))) }",
                "[0,'api']");
}

static void test_sandbox__coroutines_nest_so_deep_and_no_deeper(void **state)
{
    struct stage *stage = *state;
    static const char body[] = "local function down(n) if n == 0 then return 'there' end\n"
                               "  return coroutine.wrap(down)(n - 1) end\nreturn { down(%d) }";
    stage_gives(stage, arena_printf(stage->arena, body, SCRIPT_RESUMES_MAX), "['there']");
    stage_fails(stage, arena_printf(stage->arena, body, SCRIPT_RESUMES_MAX + 1),
                "more than 16 coroutines wait for one another");
}

static void test_sandbox__a_refusal_leaves_a_coroutine(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'validate', { id = 'no' }, function(ev)\n"
                        "  pcall(coroutine.wrap(function() pcall(ev.abort, ev, 'never') end))\n"
                        "end)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'x'}", NULL), ERR_VALIDATION);
    assert_string_equal(stage->ctx.err.message, "never");
}

static void test_sandbox__tables_are_sorted_and_changed_as_in_lua(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage,
                "local t = { 5, 2, 8, 1, 9, 3, 7 }\ntable.sort(t)\n"
                "local u = { 'b', 'a', 'c' }\n"
                "table.sort(u, function(a, b) return a > b end)\n"
                "local people = {}\n"
                "for i = 1, 9 do people[i] = { i % 3, i } end\n"
                "table.sort(people, function(a, b) return a[1] < b[1] end)\n"
                "local order = {}\n"
                "for i, p in ipairs(people) do order[i] = p[2] end\n"
                "return { t, u, order }",
                "[[1,2,3,5,7,8,9],['c','b','a'],[3,6,9,1,4,7,2,5,8]]");
    stage_gives(
        stage,
        "local t = { 1, 2, 3 }\ntable.insert(t, 4)\ntable.insert(t, 1, 0)\n"
        "local gone, last = table.remove(t, 2), table.remove(t)\n"
        "return { t, gone, last, table.remove({}) == nil, table.concat({ 1, 'b', 2.5 }, '-'),\n"
        "  table.concat({}), table.concat({ 1, 2, 3 }, ',', 2, 3),\n"
        "  table.move({ 1, 2, 3 }, 2, 3, 1), table.move({ 1, 2 }, 1, 2, 2, { 9 }),\n"
        "  select('#', table.unpack({ 1, nil, 3 }, 1, 3)), table.unpack({ 7, 8 }, 2) }",
        "[[0,2,3],1,4,true,'1-b-2.5','','2,3',[2,3,3],[9,1,2],3,8]");
    stage_fails(stage, "table.sort({ 1, 'x' })", "attempt to compare");
    stage_fails(stage, "table.insert({ 1 }, 5, 1)", "position out of bounds");
    stage_fails(stage, "table.insert({}, 1, 2, 3)", "wrong number of arguments to 'insert'");
    stage_fails(stage, "table.concat({ {} })", "invalid value (at index 1) in table for 'concat'");
    stage_fails(stage, "local t = {} for i = 0, 61 do t[1 << i] = 1 end t[5] = 1 table.sort(t)",
                "at most 1000000 items");
}

static void test_sandbox__a_range_has_a_bound(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return { #table.move({}, 1, 1000000, 1) }", "[0]");
    stage_fails(stage, "table.move({}, 1, 1000001, 1)", "at most 1000000 items");
}

/* The same work in the same unit draws the same numbers. */
static void test_sandbox__random_numbers_begin_anew_with_each_call(void **state)
{
    struct stage *stage = *state;
    const char *one, *two;
    stage_script(stage, "crm.service('run', function()\n"
                        "  return { math.random(1 << 40), math.random(1 << 40) }\nend)");
    OK(stage_run(stage, &one));
    OK(stage_run(stage, &two));
    assert_string_equal(one, two);
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    OK(stage_run(stage, &two));
    assert_string_not_equal(one, two);
}

static void test_sandbox__format_shows_no_address(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return { ('%s %5s|%d%%'):format({}, crm.null, 7), ('%q'):format('a') }",
                "['table  null|7%','\\\"a\\\"']");
    stage_fails(stage, "return ('%p'):format({})", "there are no addresses");
    stage_fails(stage, "return ('%s %s'):format(1)", "no value");
    stage_fails(stage, "error(('x'):rep(5000), 0)", "xxx");
    assert_true(strlen(stage->ctx.err.detail) < SCRIPT_ERROR_BYTES_MAX + 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_sandbox__##name, stage_setup, stage_teardown)
        T(offers_the_allow_list_and_nothing_else),
        T(globals_are_strict),
        T(a_lent_module_cannot_be_changed_at_any_depth),
        T(errors_name_file_and_line),
        T(bytecode_does_not_load),
        T(endless_loops_are_killed),
        T(a_kill_cannot_be_caught),
        T(memory_is_bounded),
        T(garbage_alone_kills_nobody),
        T(c_functions_refuse_long_work),
        T(deep_recursion_ends),
        T(tostring_shows_no_address),
        T(pcall_keeps_ordinary_errors),
        T(coroutines_work_as_in_lua),
        T(pcall_lets_coroutines_yield),
        T(bindings_work_inside_coroutines),
        T(coroutines_nest_so_deep_and_no_deeper),
        T(a_refusal_leaves_a_coroutine),
        T(tables_are_sorted_and_changed_as_in_lua),
        T(a_range_has_a_bound),
        T(random_numbers_begin_anew_with_each_call),
        T(format_shows_no_address),
#undef T
    };
    return cmocka_run_group_tests_name("script/sandbox", tests, NULL, NULL);
}
