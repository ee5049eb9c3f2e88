/* test_sandbox - what scripts can reach, and that no script outlives its budget.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox.h"

#include "stage.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_sandbox__##name, stage_setup, stage_teardown)
        T(offers_the_allow_list_and_nothing_else),
        T(globals_are_strict),
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
#undef T
    };
    return cmocka_run_group_tests_name("script/sandbox", tests, NULL, NULL);
}
