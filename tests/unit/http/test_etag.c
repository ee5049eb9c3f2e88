/* test_etag - what conditional requests bring.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/etag.h"

#include "help.h"

static void test_etag__is_found_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool is_in;
    } rows[] = {{"\"a\"", true},
                {"W/\"a\"", true},
                {" \"b\" , \"a\"", true},
                {"*", true},
                {"", false},
                {"a", false},
                {"\"A\"", false},
                {"\"ab\"", false},
                {"\"b\",W/\"c\"", false},
                {"\"b\", , \"a\",", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(etag_in(slice_str(rows[i].list), SLICE("\"a\"")), rows[i].is_in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_etag__is_found_in_a_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
