/* test_id - ids rise, hold their time and node, and survive their text.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/clock.h"
#include "base/id.h"

#define NOW 1767225600000 /* 2026-01-01T00:00:00Z */

static int setup(void **state)
{
    (void)state;
    clock_fix(NOW);
    id_init(5, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_fix(-1);
    return 0;
}

static void test_id__ids_rise_even_within_a_millisecond(void **state)
{
    int64_t last = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) { /* more than one millisecond's sequence of 2048 */
        int64_t id = id_next();
        assert_true(id > last);
        assert_int_equal(id >> 11 & 1023, 5);
        last = id;
    }
    assert_int_equal(id_time_ms(last), NOW + 2);
    assert_int_equal(id_last_ms(), NOW + 2);
}

static void test_id__a_clock_that_steps_back_repeats_nothing(void **state)
{
    (void)state;
    int64_t before = id_next();
    clock_fix(NOW - 3600000);
    assert_true(id_next() > before);
    id_init(5, id_last_ms()); /* the next process on the slot */
    int64_t after = id_next();
    assert_true(after > before);
    assert_int_equal(id_time_ms(after), NOW + 1);
    clock_fix(1); /* before the epoch of ids */
    id_init(1023, 0);
    assert_true(id_next() > 0);
}

static void test_id__text_is_13_characters_and_sorts_like_the_number(void **state)
{
    char a[ID_TEXT_LEN + 1], b[ID_TEXT_LEN + 1];
    int64_t back = 0;

    (void)state;
    id_text(INT64_MAX, a);
    assert_string_equal(a, "7ZZZZZZZZZZZZ");
    id_text(0, a);
    assert_string_equal(a, "0000000000000");
    for (int i = 0; i < 100; i++) {
        int64_t one = id_next(), two = id_next();
        id_text(one, a);
        id_text(two, b);
        assert_true(strcmp(a, b) < 0);
        assert_true(id_parse(slice_str(a), &back));
        assert_int_equal(back, one);
    }
    id_text(1234567890123456789, a);
    assert_true(id_parse(slice_str(a), &back));
    assert_true(back == 1234567890123456789);
}

static void test_id__parsing_forgives_look_alikes_and_nothing_else(void **state)
{
    static const char *const bad[] = {"",
                                      "000000000000",
                                      "00000000000000",
                                      "000000000000U",
                                      "000000000000-",
                                      "8000000000000",
                                      "00000000000 1",
                                      "ZZZZZZZZZZZZZ"};
    int64_t id = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(id_parse(slice_str(bad[i]), &id));
    assert_int_equal(id, 7);
    assert_true(id_parse(SLICE("oO0000000iIlL"), &id));
    assert_int_equal(id, 1 + 32 + 32 * 32 + 32 * 32 * 32);
    assert_true(id_parse(SLICE("000000000000z"), &id));
    assert_int_equal(id, 31);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_id__ids_rise_even_within_a_millisecond),
        test(test_id__a_clock_that_steps_back_repeats_nothing),
        test(test_id__text_is_13_characters_and_sorts_like_the_number),
        test(test_id__parsing_forgives_look_alikes_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
