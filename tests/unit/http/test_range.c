/* test_range - parts of files, as clients write them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/range.h"

#include "help.h"

static void test_range__finds_the_part_that_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t size, from, bytes; /* bytes 0: the whole; -1: none of it is there */
    } rows[] = {{"bytes=0-0", 10, 0, 1},
                {"bytes=2-5", 10, 2, 4},
                {"Bytes = 2-5 ", 10, 2, 4},
                {"bytes=9-", 10, 9, 1},
                {"bytes=5-99", 10, 5, 5},
                {"bytes=-3", 10, 7, 3},
                {"bytes=-99", 10, 0, 10},
                {"bytes=0-99999999999999999999999", 10, 0, 10},
                {"bytes=4000000000-5000000000", 6000000000, 4000000000, 1000000001},
                {"bytes=10-", 10, 0, -1},
                {"bytes=10-20", 10, 0, -1},
                {"bytes=99999999999999999999999-", 10, 0, -1},
                {"bytes=-0", 10, 0, -1},
                {"bytes=0-", 0, 0, -1},
                {"bytes=-5", 0, 0, -1},
                {"", 10, 0, 0},
                {"bytes", 10, 0, 0},
                {"bytes=", 10, 0, 0},
                {"bytes=-", 10, 0, 0},
                {"bytes=5", 10, 0, 0},
                {"bytes=5-2", 10, 0, 0},
                {"bytes=+1-2", 10, 0, 0},
                {"bytes=1- 2", 10, 0, 0},
                {"bytes=1-2-3", 10, 0, 0},
                {"bytes=--3", 10, 0, 0},
                {"bytes=0-1,4-5", 10, 0, 0}, /* several: RFC 9110 section 14.2 lets us */
                {"lines=0-1", 10, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t from = -7, bytes = -7;
        enum range got = range_find(slice_str(rows[i].header), rows[i].size, &from, &bytes);
        enum range want = rows[i].bytes > 0    ? RANGE_PART
                          : rows[i].bytes == 0 ? RANGE_WHOLE
                                               : RANGE_NONE;
        if (got != want)
            fail_msg("\"%s\" is %d, not %d", rows[i].header, got, want);
        assert_true(got != RANGE_PART || (from == rows[i].from && bytes == rows[i].bytes));
        assert_true(got == RANGE_PART || (from == -7 && bytes == -7));
    }
}

/* Whatever is written, a part lies inside the file. */
static void test_range__lies_inside_the_file(void **state)
{
    (void)state;
    static const char signs[] = "0123456789-=, b";
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[24] = "bytes=";
        size_t len = 6 + (seed >> 8) % 16;
        for (size_t i = 6; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = signs[(seed >> 16) % (sizeof signs - 1)];
        }
        seed = seed * 1664525 + 1013904223;
        int64_t size = (int64_t)(seed >> 16) % 100, from = 0, bytes = 0;
        if (range_find(slice_of(text, len), size, &from, &bytes) == RANGE_PART)
            assert_true(from >= 0 && bytes > 0 && from + bytes <= size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range__finds_the_part_that_is_asked_for),
        cmocka_unit_test(test_range__lies_inside_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
