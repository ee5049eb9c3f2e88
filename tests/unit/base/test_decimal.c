/* test_decimal - exact numbers at and beyond their limits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/decimal.h"
#include "base/limits.h"

static void test_decimal__text_and_units_agree(void **state)
{
    static const struct {
        const char *text;
        int scale;
        int64_t units;
        const char *written;
    } rows[] = {
        {"-1234.50", 2, -123450, "-1234.50"},
        {"0", 2, 0, "0.00"},
        {"-0.01", 2, -1, "-0.01"},
        {"7", 0, 7, "7"},
        {"0.000001", 6, 1, "0.000001"},
        {"007.5", 1, 75, "7.5"},
        {"92233720368547758.07", 2, INT64_MAX, "92233720368547758.07"},
        {"-92233720368547758.08", 2, INT64_MIN, "-92233720368547758.08"},
        {"9.223372036854775807", DECIMAL_SCALE_MAX, INT64_MAX, "9.223372036854775807"},
    };
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t units = 0;
        assert_true(decimal_parse(slice_str(rows[i].text), rows[i].scale, &units));
        assert_true(units == rows[i].units);
        buf_clear(&b);
        decimal_put(&b, units, rows[i].scale);
        assert_string_equal(buf_cstr(&b), rows[i].written);
    }
    buf_release(&b);
}

static void test_decimal__other_text_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      ".",
                                      "1.",
                                      ".5",
                                      "1.234",
                                      "1e2",
                                      "1,000",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "--1",
                                      "1.2.3",
                                      "0x1",
                                      "1.-5",
                                      "NaN",
                                      "１",
                                      "1_000",
                                      "92233720368547758.08",
                                      "-92233720368547758.09",
                                      "99999999999999999999"};
    int64_t units = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(decimal_parse(slice_str(bad[i]), 2, &units));
    assert_false(decimal_parse(SLICE("1.0"), 0, &units));
    assert_int_equal(units, 7);
}

static void test_decimal__products_round_half_to_even(void **state)
{
    static const struct {
        int64_t a, b, divisor, result;
    } rows[] = {
        {1, 1, 2, 0},
        {3, 1, 2, 2},
        {5, 1, 2, 2},
        {-1, 1, 2, 0},
        {-3, 1, 2, -2},
        {3, 1, -2, -2},
        {-5, 1, -2, 2},
        {1, 2, 3, 1},
        {1, 1, 3, 0},
        {-2, 1, 3, -1},
        {INT64_MAX, 7, 7, INT64_MAX},
        {INT64_MIN, 9, 9, INT64_MIN},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {0, 5, 3, 0},
        {1, 7, 10, 1},
    };
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(decimal_mul_div(rows[i].a, rows[i].b, rows[i].divisor, &n));
        assert_true(n == rows[i].result);
    }
    n = 7;
    assert_false(decimal_mul_div(1, 1, 0, &n));
    assert_false(decimal_mul_div(INT64_MAX, 2, 1, &n));
    assert_false(decimal_mul_div(INT64_MIN, 1, -1, &n));
    assert_false(decimal_mul_div(INT64_MIN, INT64_MIN, 1, &n));
    assert_false(decimal_add(INT64_MAX, 1, &n));
    assert_false(decimal_add(INT64_MIN, -1, &n));
    assert_int_equal(n, 7);
    assert_true(decimal_add(INT64_MAX, -1, &n) && n == INT64_MAX - 1);
}

static void test_decimal__sums_beyond_64_bits_stay_exact(void **state)
{
    static const struct {
        const char *digits, *text;
        int scale;
    } rows[] = {
        {"9223372036854775808", "9223372036854775808", 0},
        {"9223372036854775808", "92233720368547758.08", 2},
        {"-9223372036854775809", "-9.223372036854775809", 18},
        {"92233720368547758070000", "922337203685477580700.00", 2},
    };
    struct buf b = BUF_INIT;
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&b);
        decimal_put_digits(&b, slice_str(rows[i].digits), rows[i].scale);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
    buf_release(&b);
    assert_true(decimal_digits_mul_div(SLICE("18446744073709551614"), 1, 2, &n));
    assert_true(n == INT64_MAX);
    assert_true(decimal_digits_mul_div(SLICE("-18446744073709551616"), 1, 2, &n));
    assert_true(n == INT64_MIN);
    assert_true(decimal_digits_mul_div(SLICE("92233720368547758070"), 10000, 100000, &n));
    assert_true(n == INT64_MAX);
    n = 7;
    assert_false(decimal_digits_mul_div(SLICE("9223372036854775808"), 1, 1, &n));
    assert_false(decimal_digits_mul_div(SLICE("9223372036854775808"), 1, 0, &n));
    assert_false(decimal_digits_mul_div(SLICE("-"), 1, 1, &n));
    assert_false(decimal_digits_mul_div(SLICE("12x"), 1, 1, &n));
    assert_false(
        decimal_digits_mul_div(SLICE("9999999999999999999999999999999999999999"), 1, 9, &n));
    assert_int_equal(n, 7);
}

static void test_decimal__currencies_know_their_digits(void **state)
{
    (void)state;
    assert_int_equal(currency_digits(SLICE("CNY")), 2);
    assert_int_equal(currency_digits(SLICE("JPY")), 0);
    assert_int_equal(currency_digits(SLICE("BHD")), 3);
    assert_int_equal(currency_digits(SLICE("CLF")), 4);
    assert_int_equal(currency_digits(SLICE("ZWG")), 2);
    assert_int_equal(currency_digits(SLICE("ABC")), -1);
    assert_int_equal(currency_digits(SLICE("cny")), -1);
    assert_int_equal(currency_digits(SLICE("NY ")), -1);
    assert_int_equal(currency_digits(SLICE("CN")), -1);
    assert_int_equal(currency_digits(SLICE("CNYX")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal__text_and_units_agree),
        cmocka_unit_test(test_decimal__other_text_is_refused),
        cmocka_unit_test(test_decimal__products_round_half_to_even),
        cmocka_unit_test(test_decimal__sums_beyond_64_bits_stay_exact),
        cmocka_unit_test(test_decimal__currencies_know_their_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
