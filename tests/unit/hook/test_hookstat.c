/* test_hookstat - calls of handlers counted on shared memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "hook/hookstat.h"

static int setup(void **state)
{
    *state = calloc(1, hookstat_bytes());
    hookstat_share(*state);
    return 0;
}

static int teardown(void **state)
{
    hookstat_share(NULL);
    free(*state);
    return 0;
}

static void test_hookstat__counts_by_tenant_and_name(void **state)
{
    (void)state;
    struct hookstat *mine = hookstat_of("acme", "t:a@lead.validate");
    assert_ptr_equal(mine, hookstat_of("acme", "t:a@lead.validate"));
    assert_ptr_not_equal(mine, hookstat_of("globex", "t:a@lead.validate"));
    for (int i = 0; i < 19; i++)
        hookstat_note(mine, 10, HOOKSTAT_OK);
    hookstat_note(mine, 5000, HOOKSTAT_ERROR);
    struct hookstat_sum sum = hookstat_read("acme", "t:a@lead.validate");
    assert_int_equal(sum.calls, 20);
    assert_int_equal(sum.errors, 1);
    assert_int_equal(sum.kills, 0);
    assert_int_equal(sum.p95_us, 16); /* the slowest of twenty is above it */
    hookstat_note(mine, 5000, HOOKSTAT_KILLED);
    sum = hookstat_read("acme", "t:a@lead.validate");
    assert_int_equal(sum.kills, 1);
    assert_int_equal(sum.p95_us, 8192);
    assert_int_equal(hookstat_read("globex", "t:a@lead.validate").calls, 0);
    assert_int_equal(hookstat_read("acme", "t:b@lead.validate").calls, 0);
}

static void test_hookstat__keeps_the_most_that_one_call_used(void **state)
{
    (void)state;
    struct hookstat *mine = hookstat_of("acme", "t:a@lead.validate");
    hookstat_note(mine, 70, HOOKSTAT_OK);
    hookstat_used(mine, 3, 9, 100);
    hookstat_note(mine, 20, HOOKSTAT_OK);
    hookstat_used(mine, 5, 1, 20);
    hookstat_used(NULL, 1, 1, 1);
    struct hookstat_sum sum = hookstat_read("acme", "t:a@lead.validate");
    assert_int_equal(sum.most_us, 70);
    assert_int_equal(sum.most_reads, 5);
    assert_int_equal(sum.most_writes, 9);
    assert_int_equal(sum.most_rows, 100);
}

static void test_hookstat__writes_metrics(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    hookstat_note(hookstat_of("acme", "t:a@lead.validate"), 10, HOOKSTAT_OK);
    hookstat_note(hookstat_of("acme", "t:b\"} 1\nc\\@job"), 10, HOOKSTAT_OK);
    hookstat_metrics(&out);
    assert_non_null(strstr(buf_cstr(&out), "perigee_handler_calls_total{tenant=\"acme\","
                                           "handler=\"t:a@lead.validate\"} 1\n"));
    assert_non_null(strstr(buf_cstr(&out), "handler=\"t:b\\\"} 1 c\\\\@job\"} 1\n"));
    buf_release(&out);
}

static void test_hookstat__a_name_has_so_many_bytes(void **state)
{
    (void)state;
    char tenant[NAME_BYTES_MAX + 1], name[HOOKSTAT_NAME_BYTES_MAX + 2];
    memset(tenant, 't', sizeof tenant);
    memset(name, 'n', sizeof name);
    tenant[NAME_BYTES_MAX] = name[HOOKSTAT_NAME_BYTES_MAX + 1] = '\0';
    assert_null(hookstat_of(tenant, name)); /* one more: it is not counted */
    name[HOOKSTAT_NAME_BYTES_MAX] = '\0';
    hookstat_note(hookstat_of(tenant, name), 1, HOOKSTAT_OK);
    assert_int_equal(hookstat_read(tenant, name).calls, 1);
}

static void test_hookstat__one_that_finds_no_room_is_not_counted(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < HOOKSTATS_MAX; i++) {
        (void)snprintf(name, sizeof name, "t:h%d", i);
        assert_non_null(hookstat_of("acme", name));
    }
    assert_null(hookstat_of("acme", "t:late"));
    hookstat_note(NULL, 1, HOOKSTAT_OK);
    assert_int_equal(hookstat_read("acme", "t:late").calls, 0);
    hookstat_share(NULL);
    assert_null(hookstat_of("acme", "t:h1"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_hookstat__counts_by_tenant_and_name),
        T(test_hookstat__keeps_the_most_that_one_call_used),
        T(test_hookstat__writes_metrics),
        T(test_hookstat__a_name_has_so_many_bytes),
        T(test_hookstat__one_that_finds_no_room_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
