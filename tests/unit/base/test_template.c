/* test_template - values, conditions, loops, escaping, lines, and what is refused with its line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/template.h"
#include "cmocka_all.h"

#include "base/limits.h"

#define DATA                                                                                       \
    "{\"name\":\"Ann <b>\",\"n\":0,\"price\":12.50,\"yes\":true,\"none\":null,\"empty\":[],"       \
    "\"person\":{\"phone\":\"138\"},\"lines\":[{\"what\":\"pen\",\"count\":2},{\"what\":"          \
    "\"ink & co\",\"count\":1}],\"tags\":[\"a\",\"b\"]}"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum err render(const char *source, enum template_escape escape, const char **text)
{
    const struct template *t = NULL;
    const struct json *data = NULL;
    struct buf out = BUF_INIT;
    const char *why = NULL;
    assert_int_equal(json_parse(arena, SLICE(DATA), &data, NULL), ERR_OK);
    buf_put_str(&out, "before:");
    enum err e = template_parse(arena, "t.txt", slice_str(source), &t, &why);
    if (!e)
        e = template_render(arena, t, data, escape, &out, &why);
    if (e)
        assert_int_equal(out.len, 7); /* nothing is left behind */
    *text = e ? why : arena_str(arena, slice_of(out.at + 7, out.len - 7));
    buf_release(&out);
    return e;
}

static void gives(const char *source, const char *wanted)
{
    const char *text = NULL;
    enum err e = render(source, TEMPLATE_PLAIN, &text);
    if (e)
        fail_msg("%s: %s", source, text);
    assert_string_equal(text, wanted);
}

static void fails(const char *source, const char *wanted)
{
    const char *text = NULL;
    assert_int_not_equal(render(source, TEMPLATE_PLAIN, &text), ERR_OK);
    assert_string_equal(text, wanted);
}

static void test_template__fills_in_values(void **state)
{
    (void)state;
    gives("", "");
    gives("plain { } }} text", "plain { } }} text");
    gives("{{name}}, {{ person.phone }}: {{n}} {{price}} {{yes}} [{{none}}]",
          "Ann <b>, 138: 0 12.50 true []");
    gives("{{# a note }}x{{# and {{ more }}", "x");
}

static void test_template__asks_and_repeats(void **state)
{
    (void)state;
    gives("{{if yes}}a{{else}}b{{end}}{{if n}}c{{else}}d{{end}}{{if not none}}e{{end}}", "ade");
    gives("{{for line in lines}}{{line.count}} {{line.what}};{{else}}none{{end}}",
          "2 pen;1 ink & co;");
    gives("{{for x in empty}}x{{else}}none{{end}}{{for x in none}}x{{end}}", "none");
    gives("{{for a in tags}}{{for b in tags}}{{a}}{{b}}{{name}} {{end}}{{end}}",
          "aaAnn <b> abAnn <b> baAnn <b> bbAnn <b> ");
    gives("{{for name in tags}}{{name}}{{end}}", "ab"); /* the inner one goes before */
}

static void test_template__blocks_alone_on_a_line_leave_none(void **state)
{
    (void)state;
    gives("a\n{{if yes}}\nb\n{{end}}\nc\n", "a\nb\nc\n");
    gives("  {{for x in tags}}  \n- {{x}}\n  {{end}}", "- a\n- b\n");
    gives("{{# head }}\r\nx", "x");
    gives("a {{if yes}}\nb{{end}}\n", "a \nb\n");
}

static void test_template__html_is_escaped_unless_it_is_raw(void **state)
{
    const char *text = NULL;
    (void)state;
    assert_int_equal(
        render("{{name}}{{raw name}}{{for l in lines}}{{l.what}}{{end}}\"'", TEMPLATE_HTML, &text),
        ERR_OK);
    assert_string_equal(text, "Ann &lt;b&gt;Ann <b>penink &amp; co\"'");
}

static void test_template__what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    fails("a\n\n{{nmae}}", "t.txt:3: there is no value \"nmae\" (did you mean \"name\"?)");
    fails("{{person.fone}}",
          "t.txt:1: there is no value \"person.fone\" (did you mean \"phone\"?)");
    fails("{{name.first}}", "t.txt:1: there is no value \"name.first\"");
    fails("\n{{if absent}}{{end}}", "t.txt:2: there is no value \"absent\"");
    fails("{{person}}", "t.txt:1: \"person\" is a list or a table: name a value of it");
    fails("{{for x in name}}{{end}}", "t.txt:1: \"name\" is no list");
    fails("{{name", "t.txt:1: {{ has no }}");
    fails("\n{{if yes}}", "t.txt:2: this block has no {{end}}");
    fails("{{if yes}}{{else}}{{else}}{{end}}", "t.txt:1: this block has no {{end}}");
    fails("{{end}}", "t.txt:1: {{end}} belongs to no block");
    fails("{{else}}", "t.txt:1: {{else}} belongs to no block");
    fails("{{name + 1}}", "t.txt:1: {{name + 1}} is not understood");
    fails("{{}}", "t.txt:1: {{}} is not understood");
    fails("{{a..b}}", "t.txt:1: {{a..b}} is not understood");
    fails("{{for x of lines}}{{end}}", "t.txt:1: a loop is written {{for item in items}}");
    fails("\xff", "t.txt:1: not UTF-8");
}

/* --- limits -------------------------------------------------------------------------------------
 */

static const char *times(const char *before, const char *part, int count, const char *behind)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, before);
    for (int i = 0; i < count; i++)
        buf_put_str(&b, part);
    buf_put_str(&b, behind);
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static enum err of_bytes(int bytes)
{
    const char *text;
    return render(times("", "x", bytes, ""), TEMPLATE_PLAIN, &text);
}

static enum err of_depth(int depth)
{
    const char *text;
    return render(times(times("", "{{if yes}}", depth, ""), "{{end}}", depth, ""), TEMPLATE_PLAIN,
                  &text);
}

static void test_template__source_and_depth_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(of_bytes(TEMPLATE_BYTES_MAX), ERR_OK);
    assert_int_equal(of_bytes(TEMPLATE_BYTES_MAX + 1), ERR_TOO_LARGE);
    assert_int_equal(of_depth(TEMPLATE_DEPTH_MAX), ERR_OK);
    assert_int_equal(of_depth(TEMPLATE_DEPTH_MAX + 1), ERR_MALFORMED);
}

/* A list of `items` under "items", gone through by `source`. */
static enum err over(const char *source, int items, const char *item, size_t *len)
{
    const struct template *t = NULL;
    struct buf out = BUF_INIT;
    const char *why = NULL;
    struct json *data = json_new(arena, JSON_OBJECT), *list = json_new(arena, JSON_ARRAY);
    for (int i = 0; i < items; i++)
        json_add(arena, list, NULL, json_new_str(arena, slice_str(item)));
    json_add(arena, data, "items", list);
    assert_int_equal(template_parse(arena, "t", slice_str(source), &t, &why), ERR_OK);
    enum err e = template_render(arena, t, data, TEMPLATE_PLAIN, &out, &why);
    *len = out.len;
    buf_release(&out);
    return e;
}

/* One step for the whole, one for the loop, two for an item: its block and the value in it. */
static void test_template__steps_are_bounded(void **state)
{
    size_t len;
    (void)state;
    int most = (TEMPLATE_STEPS_MAX - 2) / 2;
    assert_int_equal(over("{{for i in items}}{{i}}{{end}}", most, "x", &len), ERR_OK);
    assert_int_equal(len, most);
    assert_int_equal(over("{{for i in items}}{{i}}{{end}}", most + 1, "x", &len), ERR_TOO_LARGE);
    assert_int_equal(len, 0);
    /* Loops in loops that show nothing count too. */
    assert_int_equal(
        over("{{for a in items}}{{for b in items}}{{for c in items}}{{end}}{{end}}{{end}}", 400,
             "x", &len),
        ERR_TOO_LARGE);
}

static void test_template__output_is_bounded(void **state)
{
    size_t len;
    (void)state;
    const char *item = times("", "x", 1024, "");
    int most = TEMPLATE_OUT_BYTES_MAX / 1024;
    assert_int_equal(over("{{for i in items}}{{i}}{{end}}", most, item, &len), ERR_OK);
    assert_int_equal(len, TEMPLATE_OUT_BYTES_MAX);
    assert_int_equal(over("{{for i in items}}{{i}}{{end}}!", most, item, &len), ERR_TOO_LARGE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_template__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(fills_in_values),
        T(asks_and_repeats),
        T(blocks_alone_on_a_line_leave_none),
        T(html_is_escaped_unless_it_is_raw),
        T(what_is_wrong_is_named_with_its_line),
        T(source_and_depth_are_bounded),
        T(steps_are_bounded),
        T(output_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
