/* test_host - one canonical form for each spelling.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/host.h"

#include "help.h"

static void test_host__has_one_form_for_all_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {{"a", "a", 0},
                {"A-1.Example_x.", "a-1.example_x", 0},
                {"127.0.0.1:1", "127.0.0.1", 1},
                {"a:65535", "a", 65535},
                {"[2001:DB8:0:0::1]", "[2001:db8::1]", 0},
                {"[::ffff:1.2.3.4]:443", "[::ffff:1.2.3.4]", 443}};
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice host;
        int port;
        assert_true(host_parse(arena, slice_str(rows[i].text), &host, &port));
        assert_slice(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
        /* Canonical is a fixed point. */
        assert_true(host_parse(arena, host, &host, &port));
        assert_slice(host, rows[i].host);
    }
    arena_free(arena);
}

static void test_host__leaves_results_alone_when_it_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        ".",    "a..b", "a:", "a:0",
                                      "a:99999", "[::1", "[x]",  "a b"};
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice host = SLICE("before");
        int port = 7;
        assert_false(host_parse(arena, slice_str(bad[i]), &host, &port));
        assert_slice(host, "before");
        assert_int_equal(port, 7);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host__has_one_form_for_all_spellings),
        cmocka_unit_test(test_host__leaves_results_alone_when_it_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
