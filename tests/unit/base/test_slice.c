/* test_slice - bytes that somebody else owns.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/slice.h"

static void test_slice__compares(void **state)
{
    struct slice none = slice_of(NULL, 0);

    (void)state;
    assert_true(slice_eq(none, SLICE("")));
    assert_true(slice_is(SLICE("ab"), "ab"));
    assert_false(slice_is(SLICE("a\0b"), "a"));
    assert_true(slice_eq_nocase(SLICE("Host-X"), SLICE("hOST-x")));
    assert_false(slice_eq_nocase(SLICE("@"), SLICE("`")));
    assert_false(slice_eq_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_eq_nocase(SLICE("a"), SLICE("ab")));
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")) && slice_starts(none, none));
    assert_false(slice_starts(SLICE("ab"), SLICE("abc")));
    assert_true(slice_ends(SLICE("abc"), SLICE("bc")) && slice_ends(none, SLICE("")));
    assert_false(slice_ends(SLICE("bc"), SLICE("abc")));
    assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0 && slice_cmp(SLICE("b"), SLICE("ab")) > 0);
    assert_true(slice_cmp(SLICE("a"), SLICE("ab")) < 0 && slice_cmp(none, SLICE("")) == 0);
    assert_true(slice_cmp(SLICE("z"), SLICE("\xe5")) < 0);
}

static void test_slice__cuts(void **state)
{
    struct slice rest = SLICE("a,,b");

    (void)state;
    assert_true(slice_is(slice_trim(SLICE(" \t a b\r\n")), "a b"));
    assert_int_equal(slice_trim(SLICE(" \n ")).len, 0);
    assert_true(slice_is(slice_split(&rest, ','), "a"));
    assert_true(slice_is(slice_split(&rest, ','), ""));
    assert_true(slice_is(slice_split(&rest, ','), "b"));
    assert_int_equal(rest.len, 0);
    assert_int_equal(slice_split(&rest, ',').len, 0);
    rest = slice_of(NULL, 0);
    assert_int_equal(slice_split(&rest, ',').len, 0);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("ca")), 2);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("")), 0);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("abcd")), -1);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("x")), -1);
}

static void test_slice__integers_are_whole_and_bounded(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(slice_to_int(slice_str(bad[i]), &n));
    assert_int_equal(n, 7);
    assert_true(slice_to_int(SLICE("9223372036854775807"), &n) && n == INT64_MAX);
    assert_true(slice_to_int(SLICE("-9223372036854775808"), &n) && n == INT64_MIN);
    assert_true(slice_to_int(SLICE("-0"), &n) && n == 0);
    assert_true(slice_to_int(SLICE("007"), &n) && n == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slice__compares),
        cmocka_unit_test(test_slice__cuts),
        cmocka_unit_test(test_slice__integers_are_whole_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
