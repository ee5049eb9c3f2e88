/* test_address - ranges of addresses, and the keys attempts are counted by.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/address.h"

static void test_address__ranges(void **state)
{
    (void)state;
    static const struct {
        const char *address, *range;
        bool in;
    } cases[] = {
        {"10.0.0.5", "10.0.0.5", true},
        {"10.0.0.6", "10.0.0.5", false},
        {"10.255.0.1", "10.0.0.0/8", true},
        {"11.0.0.1", "10.0.0.0/8", false},
        {"10.0.0.127", "10.0.0.0/25", true},
        {"10.0.0.128", "10.0.0.0/25", false},
        {"1.2.3.4", "0.0.0.0/0", true},
        {"::1", "0.0.0.0/0", false},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"2001:db8::1", "2001:DB8:0::1", true},
        {"::ffff:10.0.0.5", "10.0.0.0/8", true},
        {"unknown", "0.0.0.0/0", false},
        {"10.0.0.5", "10.0.0.0/33", false},
        {"10.0.0.5", "", false},
        {"", "10.0.0.0/8", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (address_in(cases[i].address, cases[i].range) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].range);
    assert_false(address_in(NULL, "0.0.0.0/0"));
}

static void test_address__what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "10.0.0",      "10.0.0.0/", "10.0.0.0/33",
                                      "10.0.0.0/x", "10.0.0.0/-1", "::/129",    "example.com"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (address_range_is_valid(bad[i]))
            fail_msg("%s", bad[i]);
    assert_true(address_range_is_valid("::/128"));
    assert_true(address_range_is_valid("10.0.0.0/32"));
}

static void test_address__keys(void **state)
{
    (void)state;
    char one[ADDRESS_KEY_BYTES], two[ADDRESS_KEY_BYTES];
    address_key("2001:db8::1", one);
    address_key("2001:db8:0:0:ffff::9", two);
    assert_string_equal(one, two);
    address_key("2001:db8:0:1::1", two);
    assert_string_not_equal(one, two);
    address_key("192.0.2.1", one);
    address_key("::ffff:192.0.2.1", two);
    assert_string_equal(one, two);
    address_key("192.0.2.2", two);
    assert_string_not_equal(one, two);
    address_key(NULL, one);
    assert_string_equal(one, "none");
    address_key("something that is no address but rather a very long text", one);
    assert_int_equal(strlen(one), ADDRESS_KEY_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address__ranges),
        cmocka_unit_test(test_address__what_is_no_range_is_refused),
        cmocka_unit_test(test_address__keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
