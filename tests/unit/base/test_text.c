/* test_text - UTF-8 and folding.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/limits.h"
#include "base/text.h"

static void test_text__utf8_is_strict(void **state)
{
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe4\xbc",
                                      "abcdefgh\xff",
                                      "\xe4\xbc\x41"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_is_utf8(slice_str(bad[i])));
    assert_true(text_is_utf8(SLICE("")));
    assert_true(text_is_utf8(slice_of(NULL, 0)));
    assert_true(
        text_is_utf8(SLICE("a\0b 伟 \xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80 plain text")));
}

static void test_text__code_points_go_in_and_out(void **state)
{
    static const uint32_t points[] = {1, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        text_put(&b, points[i]);
    struct slice rest = buf_slice(&b);
    assert_int_equal(text_chars(rest), 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(text_next(&rest), points[i]);
    assert_int_equal(text_next(&rest), 0);
    buf_release(&b);
}

static void test_text__heads_and_widths_count_characters(void **state)
{
    (void)state;
    assert_true(slice_is(text_head(SLICE("张伟x"), 2), "张伟"));
    assert_true(slice_is(text_head(SLICE("张伟x"), 9), "张伟x"));
    assert_int_equal(text_head(SLICE("张"), 0).len, 0);
    assert_int_equal(text_width(SLICE("张伟x")), 5);
    assert_int_equal(text_width(SLICE("ＡＢ，")), 6);
    assert_int_equal(text_width(SLICE("e\xcc\x81")), 1);
    assert_int_equal(text_width(SLICE("😀한")), 4);
    assert_true(text_is_han(0x5f20) && text_is_han(0x3007) && text_is_han(0x20000));
    assert_false(text_is_han('a') || text_is_han(0x3042) || text_is_han(0xff0c));
}

static void test_text__folding_makes_equal_what_people_take_for_equal(void **state)
{
    static const char *const rows[][2] = {
        {"Straße", "strasse"},
        {"ÀÉÎõü", "aeiou"},
        {"ŁÓDŹ Ærø Œuvre", "lodz aero oeuvre"},
        {"Việt Nam", "viet nam"},
        {"ＡＢＣ１２３！", "abc123!"},
        {"ΆΛΦΑ σς", "αλφα σσ"},
        {"ЁЛКА Йод", "елка йод"},
        {" \t a　　b\n", "a b"},
        {"e\xcc\x81t\xc3\xa9", "ete"},
        {"张伟　先生", "张伟 先生"},
        {"發发", "發发"},
        {"ﬁ", "ﬁ"},
        {"a\xe2\x80\x8b"
         "b",
         "ab"},
        {"", ""},
        {"İıŞğ", "iisg"},
        {"￥5", "¥5"},
        {"Ǆ ǋ", "dz nj"},
        {"\xc2\xa0", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b = BUF_INIT, again = BUF_INIT;
        text_fold(&b, slice_str(rows[i][0]));
        assert_string_equal(buf_cstr(&b), rows[i][1]);
        text_fold(&again, buf_slice(&b)); /* folding twice changes nothing */
        assert_string_equal(buf_cstr(&again), rows[i][1]);
        buf_release(&b);
        buf_release(&again);
    }
}

static void test_text__folding_appends(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_put_str(&b, "x");
    text_fold(&b, SLICE(" A"));
    assert_string_equal(buf_cstr(&b), "xa");
    buf_release(&b);
}

static void test_text__distance_is_capped(void **state)
{
    char longest[TEXT_DISTANCE_BYTES_MAX + 2];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(text_distance(SLICE("name"), SLICE("name"), 3), 0);
    assert_int_equal(text_distance(SLICE("naem"), SLICE("name"), 3), 2);
    assert_int_equal(text_distance(SLICE(""), SLICE("abc"), 3), 3);
    assert_int_equal(text_distance(SLICE(""), SLICE("abcd"), 3), 4);
    assert_int_equal(text_distance(SLICE("kitten"), SLICE("sitting"), 5), 3);
    assert_int_equal(text_distance(SLICE("a"), SLICE("b"), 0), 1);
    assert_int_equal(text_distance(slice_of(longest, TEXT_DISTANCE_BYTES_MAX),
                                   slice_of(longest, TEXT_DISTANCE_BYTES_MAX - 1), 2),
                     1);
    assert_int_equal(text_distance(slice_of(longest, TEXT_DISTANCE_BYTES_MAX + 1),
                                   slice_of(longest, TEXT_DISTANCE_BYTES_MAX), 2),
                     3);
}

static void test_text__html_is_text_again(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    text_put_html(&b, SLICE("<a href=\"x\" title='y'>R&D 研发</a>"));
    assert_string_equal(buf_cstr(&b), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;R&amp;D 研发"
                                      "&lt;/a&gt;");
    buf_release(&b);
}

static void test_text__a_word_of_a_name_is_near_it(void **state)
{
    struct slice name = SLICE("estimated_amount");

    (void)state;
    assert_int_equal(text_nearness(SLICE("amount"), name, 3), 1);
    assert_int_equal(text_nearness(SLICE("estimated"), name, 3), 1);
    assert_int_equal(text_nearness(name, name, 3), 0);
    assert_int_equal(text_nearness(SLICE("amount"), name, 0), 1);
    assert_int_equal(text_nearness(SLICE("mount"), name, 3), 4);
    assert_int_equal(text_nearness(SLICE("estimate"), name, 3), 4);
    assert_int_equal(text_nearness(SLICE("scored"), SLICE("lead.scored"), 3), 1);
    assert_int_equal(text_nearness(SLICE("b_c"), SLICE("aaaa_b_c"), 3), 1);
    assert_int_equal(text_nearness(SLICE("to"), SLICE("aaaa_to_bbbb"), 3), 4);
    assert_int_equal(text_nearness(SLICE(""), SLICE("abcd"), 3), 4);
    assert_int_equal(text_nearness(SLICE("naem"), SLICE("name"), 3), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__utf8_is_strict),
        cmocka_unit_test(test_text__code_points_go_in_and_out),
        cmocka_unit_test(test_text__heads_and_widths_count_characters),
        cmocka_unit_test(test_text__folding_makes_equal_what_people_take_for_equal),
        cmocka_unit_test(test_text__folding_appends),
        cmocka_unit_test(test_text__distance_is_capped),
        cmocka_unit_test(test_text__a_word_of_a_name_is_near_it),
        cmocka_unit_test(test_text__html_is_text_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
