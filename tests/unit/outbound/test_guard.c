/* test_guard - which addresses are the public internet, exceptions of the operator, capabilities.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "outbound/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct sockaddr *address(const char *text)
{
    static struct sockaddr_in v4;
    static struct sockaddr_in6 v6;
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return (const struct sockaddr *)&v4;
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
        fail_msg("%s is no address", text);
    return (const struct sockaddr *)&v6;
}

/* The first and the last of each range that is refused, and their neighbours outside. */
static const char *const INSIDE[] = {
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::ffff:10.0.0.1",
    "::8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "5f00::1",
};

static const char *const OUTSIDE[] = {
    "1.0.0.0",       "9.255.255.255", "11.0.0.0",        "100.63.255.255", "100.128.0.0",
    "126.255.255.0", "128.0.0.1",     "169.253.255.255", "169.255.0.0",    "172.15.255.255",
    "172.32.0.0",    "192.0.1.0",     "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
    "192.167.1.1",   "192.169.0.0",   "198.17.255.255",  "198.20.0.0",     "198.51.99.255",
    "203.0.112.1",   "203.0.114.0",   "223.255.255.255", "8.8.8.8",        "2001:200::1",
    "2001:4860::1",  "2003::1",       "2400:cb00::1",    "2a00::1",        "3ffe::1",
};

static void test_guard__only_the_public_internet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof INSIDE / sizeof *INSIDE; i++)
        if (guard_is_public(address(INSIDE[i])))
            fail_msg("%s is let out", INSIDE[i]);
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof *OUTSIDE; i++)
        if (!guard_is_public(address(OUTSIDE[i])))
            fail_msg("%s is refused", OUTSIDE[i]);
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_false(guard_is_public(&local));
    assert_false(guard_allows(NULL, "x", &local));
}

static void test_guard__an_operator_names_exceptions(void **state)
{
    static const char *const list[] = {"10.2.0.0/16", "127.0.0.1", "fd00:1::/32", "erp.local",
                                       NULL};
    (void)state;
    assert_true(guard_allows(NULL, "x", address("8.8.8.8")));
    assert_false(guard_allows(NULL, "x", address("10.2.3.4")));
    assert_true(guard_allows(list, "x", address("10.2.3.4")));
    assert_false(guard_allows(list, "x", address("10.3.0.0")));
    assert_true(guard_allows(list, "x", address("127.0.0.1")));
    assert_false(guard_allows(list, "x", address("127.0.0.2")));
    assert_false(guard_allows(list, "x", address("::ffff:127.0.0.1")));
    assert_true(guard_allows(list, "x", address("fd00:1::9")));
    assert_false(guard_allows(list, "x", address("fd00:2::9")));
    assert_true(guard_allows(list, "ERP.local", address("192.168.1.1")));
    assert_false(guard_allows(list, "a.erp.local", address("192.168.1.1")));
}

static void test_guard__exceptions_are_read_strictly(void **state)
{
    static const char *const good[] = {"10.0.0.0/8", "1.2.3.4",         "::1",      "fd00::/8",
                                       "0.0.0.0/0",  "erp.example.com", "localhost"};
    static const char *const bad[] = {"",           "10.0.0.0/33", "fd00::/129", "10.0.0.0/",
                                      "10.0.0.0/x", "http://erp",  "a b",        "fd00::zz"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(guard_exception_is_valid(slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(guard_exception_is_valid(slice_str(bad[i])));
}

static bool covers(const char *capability, const char *scheme, const char *host, int port)
{
    return guard_capability_covers(slice_str(capability), scheme, host, port);
}

static void test_guard__a_capability_names_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(covers("http:https://a.example.com", "https", "a.example.com", 443));
    assert_true(covers("http:https://A.example.com", "https", "a.example.com", 443));
    assert_true(covers("http:https://a.example.com:8443", "https", "a.example.com", 8443));
    assert_true(covers("http:http://a.example.com", "http", "a.example.com", 80));
    assert_true(covers("http:https://[2400::1]:9", "https", "[2400::1]", 9));
    assert_false(covers("http:https://a.example.com", "http", "a.example.com", 80));
    assert_false(covers("http:https://a.example.com", "https", "a.example.com", 8443));
    assert_false(covers("http:https://a.example.com:8443", "https", "a.example.com", 443));
    assert_false(covers("http:https://a.example.com:84430", "https", "a.example.com", 8443));
    assert_false(covers("http:https://a.example.com", "https", "b.example.com", 443));
    assert_false(covers("http:https://a.example.com", "https", "a.example", 443));
    assert_false(covers("http:https://a.example.com", "https", "x.a.example.com", 443));
    assert_false(covers("http:https://a.example.com.evil.org", "https", "a.example.com", 443));
    assert_false(covers("db:lead:rw", "https", "lead", 443));
    assert_false(covers("mail", "https", "mail", 443));
    assert_false(covers("http:", "https", "", 443));
}

static void test_guard__a_host_is_judged_before_it_is_looked_up(void **state)
{
    static const char *const inside[] = {"127.0.0.1",  "127.1",           "2130706433", "0x7f.1",
                                         "[::1]",      "[fe80::1%lo]",    "10.0.0.1",   "LocalHost",
                                         "localhost.", "169.254.169.254", "0"};
    static const char *const passing[] = {
        "8.8.8.8", "[2400::1]", "a.example.com", "localhost.cn", "", "[]", "."};
    const char *const exceptions[] = {"127.0.0.1", NULL}, *const named[] = {"localhost", NULL};
    char longest[400];
    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (guard_allows_host(NULL, slice_str(inside[i])))
            fail_msg("%s passes", inside[i]);
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        assert_true(guard_allows_host(NULL, slice_str(passing[i])));
    assert_true(guard_allows_host(exceptions, SLICE("localhost")));
    assert_true(guard_allows_host(exceptions, SLICE("127.1")));
    assert_false(guard_allows_host(exceptions, SLICE("127.0.0.2")));
    assert_true(guard_allows_host(named, SLICE("localhost")));
    assert_false(guard_allows_host(named, SLICE("127.0.0.1")));
    memset(longest, '1', sizeof longest);
    assert_true(guard_allows_host(NULL, slice_of(longest, sizeof longest)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__only_the_public_internet),
        cmocka_unit_test(test_guard__an_operator_names_exceptions),
        cmocka_unit_test(test_guard__exceptions_are_read_strictly),
        cmocka_unit_test(test_guard__a_host_is_judged_before_it_is_looked_up),
        cmocka_unit_test(test_guard__a_capability_names_scheme_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
