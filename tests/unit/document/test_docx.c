/* test_docx - Word templates: places that Word has split, sections, forms, and what is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits_document.h"
#include "document/docx.h"
#include "document/package.h"
#include "document/xml.h"

#define HEAD                                                                                       \
    "<w:document "                                                                                 \
    "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>"
#define TAIL "</w:body></w:document>"

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

/* A package with this body. */
static struct slice template_of(const char *body)
{
    struct package_part parts[] = {
        {"[Content_Types].xml", SLICE("<Types/>")},
        {"word/document.xml", slice_str(arena_printf(arena, "%s%s%s", HEAD, body, TAIL))},
    };
    struct package package = {parts, 2};
    struct buf out = BUF_INIT;
    assert_int_equal(package_write(&package, &out), ERR_OK);
    struct slice bytes = arena_slice(arena, buf_slice(&out));
    buf_release(&out);
    return bytes;
}

/* JSON with single quotes in place of double ones. */
static const struct json *data_of(const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    const struct json *data;
    assert_int_equal(json_parse(arena, slice_str(copy), &data, NULL), ERR_OK);
    return data;
}

static enum lang lang = LANG_ZH;

static enum err fill(struct slice file, const char *data, struct slice *body, const char **why)
{
    struct buf out = BUF_INIT;
    struct package package;
    enum err e = docx_fill(arena, file, data_of(data), lang, &out, why);
    if (!e) {
        struct slice bytes = arena_slice(arena, buf_slice(&out));
        assert_int_equal(package_read(arena, bytes, &package, why), ERR_OK);
        *body = package_find(&package, "word/document.xml")->bytes;
        struct xml xml = {.arena = arena};
        struct xml_node *root;
        assert_int_equal(xml_read(&xml, *body, &root, why), ERR_OK);
    } else {
        assert_int_equal(out.len, 0);
    }
    buf_release(&out);
    return e;
}

/* What can be read in the text, with | for each paragraph and / for each line break. */
static const char *said(struct slice body)
{
    struct xml xml = {.arena = arena};
    struct xml_node *root;
    const char *why;
    struct buf out = BUF_INIT;
    assert_int_equal(xml_read(&xml, body, &root, &why), ERR_OK);
    for (struct xml_node *n = root; n; n = xml_next(root, n)) {
        if (xml_is(n, "w:p"))
            buf_put_char(&out, '|');
        if (xml_is(n, "w:br"))
            buf_put_char(&out, '/');
        if (xml_is(n, "w:t") && n->first)
            buf_put_slice(&out, n->first->text);
    }
    const char *text = arena_str(arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static void gives(const char *body, const char *data, const char *text)
{
    struct slice out = {0};
    const char *why = "";
    enum err e = fill(template_of(body), data, &out, &why);
    if (e)
        fail_msg("%s", why);
    assert_string_equal(said(out), text);
}

static void refuses(const char *body, const char *data, const char *part)
{
    struct slice out = {0};
    const char *why = "";
    lang = LANG_EN;
    assert_int_equal(fill(template_of(body), data, &out, &why), ERR_MALFORMED);
    lang = LANG_ZH;
    if (!strstr(why, part))
        fail_msg("\"%s\" does not say \"%s\"", why, part);
}

#define P(text)     "<w:p>" text "</w:p>"
#define R(text)     "<w:r><w:rPr><w:b/></w:rPr><w:t>" text "</w:t></w:r>"
#define ROW(a, b)   "<w:tr><w:tc>" P(R(a)) "</w:tc><w:tc>" P(R(b)) "</w:tc></w:tr>"
#define TABLE(rows) "<w:tbl>" rows "</w:tbl>"

static void test_values(void **state)
{
    (void)state;
    gives(P(R("甲方：{{ name }}。")), "{'name':'A & B <\\\"公司\\\">'}",
          "|甲方：A & B <\"公司\">。");
    gives(P(R("{{a.b.c}}{{n}}{{t}}{{z}}")), "{'a':{'b':{'c':'深'}},'n':7,'t':true,'z':null}",
          "|深7✓");
    gives(P(R("a{{x}}b")), "{'x':'1\\n2\\n3'}", "|a1/2/3b");
    gives(P(R("{{x}}")), "{'x':'{{y}}{{#z}}'}", "|{{y}}{{#z}}"); /* never filled again */
    gives(P(R("a } b { c }} d")), "{}", "|a } b { c }} d");
}

static void test_split_by_word(void **state)
{
    (void)state;
    gives(P(R("x{") R("{na") R("me}") R("}y")), "{'name':'张伟'}", "|x张伟y");
    gives(P(R("{{a}}{{") "<w:proofErr/>" R("b}} {{c") R("}}")), "{'a':1,'b':2,'c':3}", "|12 3");
    gives(P(R("{") R("{#l") R("}}[{{.") R("}}]{{/") R("l}}")), "{'l':['a','b']}", "|[a][b]");
}

static void test_forms(void **state)
{
    (void)state;
    const char *money = "{'m':{'amount':'-1234567.80','currency':'CNY'},'d':'2026-03-09',"
                        "'t':'2026-03-09T01:00:00.000Z','n':1000,'e':''}";
    gives(P(R("{{m}}")), money, "|-1,234,567.80 CNY");
    gives(P(R("{{m|money}}")), money, "|-1,234,567.80");
    gives(P(R("{{d|date}} {{ t | date }}")), money, "|2026年3月9日 2026年3月9日");
    gives(P(R("{{n|number}}{{e|date}}")), money, "|1,000");
    static const struct {
        const char *amount, *text;
    } capitals[] = {
        {"0.00", "零元整"},
        {"0.05", "伍分"},
        {"1.00", "壹元整"},
        {"10.50", "壹拾元伍角整"},
        {"1001.01", "壹仟零壹元零壹分"},
        {"10000.00", "壹万元整"},
        {"100200.30", "壹拾万零贰佰元叁角整"},
        {"100000001.00", "壹亿零壹元整"},
        {"12345678.90", "壹仟贰佰叁拾肆万伍仟陆佰柒拾捌元玖角整"},
    };
    for (size_t i = 0; i < sizeof capitals / sizeof *capitals; i++)
        gives(P(R("{{m|capital}}")),
              arena_printf(arena, "{'m':{'amount':'%s','currency':'CNY'}}", capitals[i].amount),
              arena_printf(arena, "|%s", capitals[i].text));
    refuses(P(R("{{m|upper}}")), money, "{{m|upper}}: the forms are");
    refuses(P(R("{{d|money}}")), money, "{{d|money}}: this value");
    refuses(P(R("{{d|capital}}")), money, "{{d|capital}}");
}

static void test_rows(void **state)
{
    (void)state;
    const char *lines = "{'lines':[{'n':'甲','a':1},{'n':'乙','a':2}],'a':9}";
    gives(TABLE(ROW("品名", "金额") ROW("{{#lines}}{{n}}", "{{a}}{{/lines}}") ROW("合计", "{{a}}")),
          lines, "|品名|金额|甲|1|乙|2|合计|9");
    gives(TABLE(ROW("{{#lines}}{{n}}", "1") ROW("{{a}}", "2{{/lines}}")), lines,
          "|甲|1|1|2|乙|1|2|2");
    /* no rows: no table, and the cell around it still ends with a paragraph */
    gives(
        "<w:tbl><w:tr><w:tc>" TABLE(ROW("{{#lines}}{{n}}", "{{/lines}}")) "</w:tc></w:tr></w:tbl>",
        "{'lines':[]}", "|");
}

static void test_sections(void **state)
{
    (void)state;
    gives(P(R("a")) P(R("{{#l}}")) P(R("- {{x}}")) P(R("{{/l}}")) P(R("z")),
          "{'l':[{'x':1},{'x':2}]}", "|a|- 1|- 2|z");
    gives(P(R("{{#yes}}ja{{/yes}}{{^yes}}nein{{/yes}}")), "{'yes':true}", "|ja");
    gives(P(R("{{#yes}}ja{{/yes}}{{^yes}}nein{{/yes}}")), "{'yes':''}", "|nein");
    gives(P(R("{{#o}}{{x}}{{top}}{{/o}}")), "{'o':{'x':'in'},'top':'out'}", "|inout");
    gives(P(R("{{#a}}({{#b}}{{.}}{{n}}{{/b}}){{/a}}")), "{'a':[{'n':1,'b':[7,8]},{'n':2,'b':[]}]}",
          "|(7181)()");
    gives(P(R("{{#l}}{{/l}}")), "{'l':[1,2]}", "|");
    gives(P(R("{{#l}}x")) P(R("y{{/l}}")), "{'l':[1,2]}", "|x|y|x|y");
}

static void test_addresses_and_texts(void **state)
{
    (void)state;
    const char *address =
        "{'a':{'city':'北京市','province':'','street':'建国路 1 号','postcode':'100000'}}";
    gives(P(R("{{a}}")), address, "|北京市建国路 1 号 100000");
    gives(P(R("{{a}}")), "{'a':{'text':'北京 1 号'}}", "|北京 1 号");
    gives(P(R("{{a}}")), "{'a':['138','139']}", "|138、139");
    gives(P(R("{{a|number}} {{b|number}} {{b}}")), "{'a':'1200.000','b':'2.50'}",
          "|1,200 2.5 2.50");
    lang = LANG_EN;
    gives(P(R("{{a}}")), "{'a':{'city':'Berlin','street':'Weg 1'}}", "|Berlin, Weg 1");
    gives(P(R("{{a}}")), "{'a':['x','y']}", "|x, y");
    lang = LANG_ZH;
    refuses(P(R("{{a}}")), "{'a':{'city':'Berlin','name':'x'}}", "{{a}}: this value cannot");
    refuses(P(R("{{a}}")), "{'a':[{'text':'x'}]}", "{{a}}: this value cannot");
    struct slice out;
    const char *why = "";
    assert_int_equal(fill(template_of(P(R("{{b}}"))), "{'a':1}", &out, &why), ERR_MALFORMED);
    assert_string_equal(why, "word/document.xml: {{b}}: 没有这个值");
}

static void test_refused(void **state)
{
    (void)state;
    refuses(P(R("{{totl}}")), "{'total':1}", "word/document.xml: {{totl}}: there is no such value");
    refuses(P(R("{{a}} {{b")), "{'a':1}", "{{b: }} is missing");
    refuses(P(R("{{a")) P(R("}}")), "{'a':1}", "{{a: }} is missing");
    refuses(P(R("{{a b}}")), "{'a':1}", "{{a b}}: this is no place");
    refuses(P(R("{{}}")), "{}", "{{}}: this is no place");
    refuses(P(R("{{#l}}")), "{'l':[]}", "{{#l}}: this section is not closed");
    refuses(P(R("{{/l}}")), "{'l':[]}", "{{/l}}: no such section is open");
    refuses(P(R("{{#a}}{{#b}}{{/a}}{{/b}}")), "{'a':1,'b':1}", "{{/b}}: another section");
    refuses(P(R("{{#nope}}{{/nope}}")), "{}", "{{#nope}}: there is no such value");
    refuses(P(R("{{l}}")), "{'l':[1]}", "{{l}}");
    refuses("<w:p><w:r></w:p>", "{}", "line 1");
}

static void test_bounds(void **state)
{
    (void)state;
    struct buf body = BUF_INIT;
    for (int i = 0; i < DOCX_TAGS_MAX; i++)
        buf_put_str(&body, P(R("{{a}}")));
    struct slice out = {0};
    const char *why = "";
    assert_int_equal(fill(template_of(buf_cstr(&body)), "{'a':1}", &out, &why), ERR_OK);
    buf_put_str(&body, P(R("{{a}}")));
    refuses(buf_cstr(&body), "{'a':1}", "too many places");
    buf_clear(&body);
    for (int n = DOCX_NESTING_MAX; n <= DOCX_NESTING_MAX + 1; n++) {
        buf_clear(&body);
        for (int i = 0; i < n; i++)
            buf_put_str(&body, "{{#a}}");
        buf_put_str(&body, "x");
        for (int i = 0; i < n; i++)
            buf_put_str(&body, "{{/a}}");
        const char *text = arena_printf(arena, P(R("%s")), buf_cstr(&body));
        enum err e = fill(template_of(text), "{'a':true}", &out, &why);
        assert_int_equal(e, n == DOCX_NESTING_MAX ? ERR_OK : ERR_MALFORMED);
    }
    for (int n = XML_DEPTH_MAX - 2; n <= XML_DEPTH_MAX - 1; n++) { /* within document and body */
        buf_clear(&body);
        for (int i = 0; i < n; i++)
            buf_put_str(&body, "<w:x>");
        for (int i = 0; i < n; i++)
            buf_put_str(&body, "</w:x>");
        enum err e = fill(template_of(buf_cstr(&body)), "{}", &out, &why);
        assert_int_equal(e, n == XML_DEPTH_MAX - 2 ? ERR_OK : ERR_TOO_LARGE);
    }
    buf_release(&body);
}

/* As a name, and as the form behind it. */
static void test_long_places(void **state)
{
    (void)state;
    for (int n = DOCX_PLACEHOLDER_BYTES; n <= DOCX_PLACEHOLDER_BYTES + 1; n++) {
        char *name = arena_alloc(arena, (size_t)n + 1);
        memset(name, 'n', (size_t)n);
        name[n] = '\0';
        const char *data = arena_printf(arena, "{'%s':'x'}", name);
        bool fits = n == DOCX_PLACEHOLDER_BYTES;
        if (fits)
            gives(arena_printf(arena, P(R("{{%s}}")), name), data, "|x");
        else
            refuses(arena_printf(arena, P(R("{{%s}}")), name), data, "this is no place");
        refuses(arena_printf(arena, P(R("{{n|%s}}")), name), "{'n':1}",
                fits ? "the forms are" : "this is no place");
    }
}

static void test_many_nodes(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    for (int n = XML_NODES_MAX; n <= XML_NODES_MAX + 1; n++) {
        struct xml xml = {.arena = arena};
        struct xml_node *root;
        const char *why = "";
        buf_clear(&text);
        buf_put_str(&text, "<a>");
        for (int i = 1; i < n; i++)
            buf_put_str(&text, "<b/>");
        buf_put_str(&text, "</a>");
        enum err e = xml_read(&xml, buf_slice(&text), &root, &why);
        assert_int_equal(e, n == XML_NODES_MAX ? ERR_OK : ERR_TOO_LARGE);
    }
    buf_release(&text);
}

/* A small template and small data must not make a document that fills the memory. */
static void test_growth(void **state)
{
    (void)state;
    struct buf data = BUF_INIT;
    struct slice out = {0};
    const char *why = "";
    buf_put_str(&data, "{'l':[1");
    for (int i = 0; i < 299; i++)
        buf_put_str(&data, ",1");
    buf_put_str(&data, "]}");
    struct slice file = template_of(P(R("{{#l}}{{#l}}{{#l}}x{{/l}}{{/l}}{{/l}}")));
    assert_int_equal(fill(file, buf_cstr(&data), &out, &why), ERR_TOO_LARGE);
    assert_non_null(strstr(why, "太大"));
    buf_release(&data);
}

static void test_packages(void **state)
{
    (void)state;
    struct slice out = {0};
    const char *why = "";
    assert_int_equal(fill(SLICE("PK\x03\x04 no zip"), "{}", &out, &why), ERR_MALFORMED);
    assert_int_equal(fill(slice_of("", 0), "{}", &out, &why), ERR_MALFORMED);
    for (int n = PACKAGE_ENTRIES_MAX; n <= PACKAGE_ENTRIES_MAX + 1; n++) {
        struct package package = {arena_array(arena, struct package_part, (size_t)n), n}, back;
        for (int i = 0; i < n; i++)
            package.parts[i] =
                (struct package_part){arena_printf(arena, "word/%d.xml", i), SLICE("<a/>")};
        struct buf bytes = BUF_INIT;
        assert_int_equal(package_write(&package, &bytes), ERR_OK);
        struct slice copy = arena_slice(arena, buf_slice(&bytes));
        assert_int_equal(package_read(arena, copy, &back, &why),
                         n == PACKAGE_ENTRIES_MAX ? ERR_OK : ERR_TOO_LARGE);
        buf_release(&bytes);
    }
    /* a bomb: little packed, more than is allowed unpacked */
    for (int more = 0; more <= 1; more++) {
        size_t n = PACKAGE_BYTES_MAX + (size_t)more;
        struct package_part part = {"a", slice_of(arena_alloc(arena, n), n)};
        struct package package = {&part, 1}, back;
        struct buf bytes = BUF_INIT;
        assert_int_equal(package_write(&package, &bytes), ERR_OK);
        assert_true(bytes.len < 100000);
        struct slice copy = arena_slice(arena, buf_slice(&bytes));
        assert_int_equal(package_read(arena, copy, &back, &why), more ? ERR_TOO_LARGE : ERR_OK);
        buf_release(&bytes);
    }
    struct package_part odd[] = {
        {"word/document.xml", SLICE("<!DOCTYPE d [<!ENTITY a \"b\">]><d>&a;</d>")}};
    struct package package = {odd, 1};
    struct buf bytes = BUF_INIT;
    assert_int_equal(package_write(&package, &bytes), ERR_OK);
    assert_int_equal(fill(arena_slice(arena, buf_slice(&bytes)), "{}", &out, &why), ERR_MALFORMED);
    buf_release(&bytes);
}

static void test_same_bytes(void **state)
{
    (void)state;
    struct slice file = template_of(P(R("{{a}}")));
    struct buf one = BUF_INIT, two = BUF_INIT;
    const char *why;
    assert_int_equal(docx_fill(arena, file, data_of("{'a':1}"), LANG_EN, &one, &why), ERR_OK);
    assert_int_equal(docx_fill(arena, file, data_of("{'a':1}"), LANG_EN, &two, &why), ERR_OK);
    assert_true(slice_eq(buf_slice(&one), buf_slice(&two)));
    buf_release(&one);
    buf_release(&two);
}

#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_values),
        UNIT(test_split_by_word),
        UNIT(test_forms),
        UNIT(test_rows),
        UNIT(test_sections),
        UNIT(test_refused),
        UNIT(test_addresses_and_texts),
        UNIT(test_bounds),
        UNIT(test_growth),
        UNIT(test_packages),
        UNIT(test_same_bytes),
        UNIT(test_long_places),
        UNIT(test_many_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
