/* test_match - patterns: Lua's results and errors, and the bounds that Lua's own lack.
 *
 * Each table row is a Lua expression; what it gives is written out here, as the manual says it.
 * tests/fuzz/fuzz_match.c compares with Lua itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/match.h"

#include "stage.h"

#include <stdio.h>

#include "base/limits.h"

struct row {
    const char *expression, *json;
};

/* All rows in one script: each list of results as JSON, nil as "nil". */
static void gives_all(struct stage *stage, const struct row *rows, size_t count)
{
    struct buf script = BUF_INIT, wanted = BUF_INIT;
    buf_put_str(&script, "local function all(...)\n"
                         "  local t = table.pack(...)\n"
                         "  for i = 1, t.n do if t[i] == nil then t[i] = \"nil\" end end\n"
                         "  t.n = nil\n  return t\nend\nreturn {\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(&script, "all(%s),\n", rows[i].expression);
        buf_printf(&wanted, "%s%s", i ? "," : "[", rows[i].json);
    }
    buf_put_str(&script, "}");
    buf_put_char(&wanted, ']');
    stage_gives(stage, buf_cstr(&script), buf_cstr(&wanted));
    buf_release(&script);
    buf_release(&wanted);
}
#define GIVES(rows) gives_all(*state, rows, sizeof(rows) / sizeof *(rows))

static void test_match__find_gives_places_and_captures(void **state)
{
    static const struct row rows[] = {
        {"(''):find('')", "[1,0]"},
        {"('alo'):find('')", "[1,0]"},
        {"('alo'):find('', 4)", "[4,3]"},
        {"('alo'):find('', 5)", "['nil']"},
        {"('alo'):find('l', -2)", "[2,2]"},
        {"('alo'):find('l', -9)", "[2,2]"},
        {"('a.b.c'):find('.', 2, true)", "[2,2]"},
        {"('a.b.c'):find('%.c')", "[4,5]"},
        {"('a\\0b'):find('\\0')", "[2,2]"},
        {"('a\\0b\\0c'):find('b\\0c', 1, true)", "[3,5]"},
        {"('key = value'):find('(%w+)%s*=%s*(%w+)')", "[1,11,'key','value']"},
        {"('abc'):find('()b()')", "[2,2,2,3]"},
        {"('aaab'):find('^a-b')", "[1,4]"},
        {"('xaab'):find('^a')", "['nil']"},
        {"('a$b'):find('$b')", "[2,3]"},
        {"('a^b'):find('a^')", "[1,2]"},
        {"('ab'):find('b$')", "[2,2]"},
    };
    GIVES(rows);
}

static void test_match__classes_sets_and_repeats(void **state)
{
    static const struct row rows[] = {
        {"('aBc12 _'):match('%a+')", "['aBc']"},
        {"('aBc12 _'):match('%A+')", "['12 _']"},
        {"('\\1\\2 x'):match('%C+')", "[' x']"},
        {"('a]b-c^d'):gsub('[]^-]', '.')", "['a.b.c.d',3]"},
        {"('a]b-c^d'):gsub('[^]^-]', '.')", "['.].-.^.',4]"},
        {"('a\\0b'):find('%z')", "[2,2]"},
        {"('0aF'):match('^%x+$')", "['0aF']"},
        {"('a-z'):match('[a%-z]+')", "['a-z']"},
        {"('%d'):match('[%%d]+')", "['%d']"},
        {"('az'):match('[a-]+')", "['a']"},
        {"('aaa'):match('a-')", "['']"},
        {"('aaa'):match('^a-$')", "['aaa']"},
        {"('aaab'):match('a?a?a?a?b')", "['aaab']"},
        {"('aaa'):match('a*a')", "['aaa']"},
        {"('  x  '):match('^%s*(.-)%s*$')", "['x']"},
    };
    GIVES(rows);
}

static void test_match__what_spans_several(void **state)
{
    static const struct row rows[] = {
        {"('f(a(b)c)d)'):match('%b()')", "['(a(b)c)']"},
        {"('(('):match('%b()')", "['nil']"},
        {"('xx'):match('%bxx')", "['xx']"},
        {"('THE (quick) fox'):find('%f[%a]%a+%f[%A]', 5)", "[6,10]"},
        {"('one two'):gsub('%f[%w]%w+', '<%0>')", "['<one> <two>',2]"},
        {"('abcabc'):match('^(.-)%1$')", "['abc']"},
        {"('abab'):match('(()ab)%1')", "['ab',1]"},
        {"('aa'):match('()%1')", "['nil']"},
        {"('a=b'):match('((%w)=(%w))')", "['a=b','a','b']"},
    };
    GIVES(rows);
}

static void test_match__gmatch_walks(void **state)
{
    static const struct row rows[] = {
        {"(function() local t = {} for w in ('one two'):gmatch('%a+') do t[#t + 1] = w end "
         "return table.unpack(t) end)()",
         "['one','two']"},
        {"(function() local t = {} for a, b in ('a=1, b=2'):gmatch('(%w)=(%w)') do "
         "t[#t + 1] = a .. b end return table.unpack(t) end)()",
         "['a1','b2']"},
        {"(function() local t = {} for p in ('abc'):gmatch('()') do t[#t + 1] = p end "
         "return table.unpack(t) end)()",
         "[1,2,3,4]"},
        {"(function() local t = {} for w in ('abc'):gmatch('%a', 3) do t[#t + 1] = w end "
         "return table.unpack(t) end)()",
         "['c']"},
        {"('abc'):gmatch('%a', 9)()", "[]"},
        {"('abc'):gmatch('^a')()", "[]"},
    };
    GIVES(rows);
}

static void test_match__gsub_replaces(void **state)
{
    static const struct row rows[] = {
        {"('hello world'):gsub('o', '0')", "['hell0 w0rld',2]"},
        {"('hello world'):gsub('o', '0', 1)", "['hell0 world',1]"},
        {"('hello'):gsub('', '-')", "['-h-e-l-l-o-',6]"},
        {"('abc'):gsub('%w', '%0%0')", "['aabbcc',3]"},
        {"('abc'):gsub('%w', '%1')", "['abc',3]"},
        {"('a b'):gsub('(%w) (%w)', '%2 %1')", "['b a',1]"},
        {"('abc'):gsub('()b', '%1')", "['a2c',1]"},
        {"('abc'):gsub('b', '%%')", "['a%c',1]"},
        {"('$x $y'):gsub('%$(%w)', { x = 1, y = false })", "['1 $y',2]"},
        {"('abc'):gsub('%w', function(c) if c == 'b' then return 'B' end end)", "['aBc',3]"},
        {"('abc'):gsub('^%w', 'x')", "['xbc',1]"},
        {"('abc'):gsub('d*', 'x')", "['xaxbxcx',4]"},
        {"('abc'):gsub('b', 7)", "['a7c',1]"},
        {"string.gsub(1212, 1, 2)", "['2222',2]"},
    };
    GIVES(rows);
}

static void test_match__complains_as_lua_does(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "('a'):find('%')", "malformed pattern (ends with '%')");
    stage_fails(stage, "('a'):find('[a')", "malformed pattern (missing ']')");
    stage_fails(stage, "('a'):find('[]')", "malformed pattern (missing ']')");
    stage_fails(stage, "('a'):find('[^]')", "malformed pattern (missing ']')");
    stage_fails(stage, "('a'):find('[a%')", "malformed pattern (missing ']')");
    stage_fails(stage, "('a'):find('%b')", "missing arguments to '%b'");
    stage_fails(stage, "('a'):find('%ba')", "missing arguments to '%b'");
    stage_fails(stage, "('a'):find('%f')", "missing '[' after '%f' in pattern");
    stage_fails(stage, "('a'):find('(a')", "unfinished capture");
    stage_fails(stage, "('a'):match('a)')", "invalid pattern capture");
    stage_fails(stage, "('a'):find('%1')", "invalid capture index %1");
    stage_fails(stage, "('a'):find('(%1)')", "invalid capture index %1");
    stage_fails(stage, "('a'):gsub('a', '%2')", "invalid capture index %2");
    stage_fails(stage, "('a'):gsub('a', '%x')", "invalid use of '%' in replacement string");
    stage_fails(stage, "('a'):gsub('a', { a = {} })", "invalid replacement value (a table)");
    stage_fails(stage, "('a'):gsub('a')", "string/function/table expected, got no value");
    stage_fails(stage, "('a'):rep(33):find(('(a)'):rep(33))", "too many captures");
    stage_fails(stage, "('a'):rep(300):find(('a?'):rep(300))", "pattern too complex");
}

/* --- bounds --- */

static void test_match__backtracking_has_a_count_of_steps(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "return ('a'):rep(50):find(('a-'):rep(40) .. 'b')",
                "pattern too complex: more than 1000000 steps");
    stage_fails(stage, "return ('x'):rep(3000):find('.-.-.-.-y')", "more than 1000000 steps");
    stage_gives(stage, "return { (pcall(string.find, ('a'):rep(50), ('a-'):rep(40) .. 'b')) }",
                "[false]");
}

/* One item takes a step for each character and one for the end of the text, where it fits no more;
 * the first try is a step of its own. */
static void test_match__the_count_is_of_one_place(void **state)
{
    struct stage *stage = *state;
    char body[200];
    (void)snprintf(body, sizeof body, "return { (('a'):rep(%d):match('^a*$') ~= nil) }",
                   SCRIPT_STEPS_MAX - 2);
    stage_gives(stage, body, "[true]");
    (void)snprintf(body, sizeof body, "return ('a'):rep(%d):match('^a*$')", SCRIPT_STEPS_MAX - 1);
    stage_fails(stage, body, "more than 1000000 steps");
}

static void test_match__ends_with_the_scripts_time(void **state)
{
    struct stage *stage = *state;
    stage_fails(stage, "while true do pcall(string.find, ('a'):rep(60), ('a-'):rep(40) .. 'b') end",
                "more CPU time than it may");
    stage_fails(stage, "return ('a'):rep(60000):find('a-b')", "it used more CPU time");
    stage_gives(stage, "return { ('ab'):find('b') }", "[2,2]");
}

static void test_match__plain_search_takes_the_texts_length(void **state)
{
    stage_gives(*state,
                "local text = ('a'):rep(1000000)\n"
                "return { text:find(('a'):rep(100000) .. 'b', 1, true) or 'no' }",
                "['no']");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_match__##name, stage_setup, stage_teardown)
        T(find_gives_places_and_captures),
        T(classes_sets_and_repeats),
        T(what_spans_several),
        T(gmatch_walks),
        T(gsub_replaces),
        T(complains_as_lua_does),
        T(backtracking_has_a_count_of_steps),
        T(the_count_is_of_one_place),
        T(ends_with_the_scripts_time),
        T(plain_search_takes_the_texts_length),
#undef T
    };
    return cmocka_run_group_tests_name("script/match", tests, NULL, NULL);
}
