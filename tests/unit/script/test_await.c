/* test_await - how many calls of a company, and of a process, may be waited for at once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/await.h"

#include "stage.h"

#include <stdio.h>

static void test_await__a_company_has_so_many_places(void **state)
{
    struct await *held[AWAIT_TENANT_MAX];
    (void)state;
    for (int i = 0; i < AWAIT_TENANT_MAX; i++) {
        held[i] = await_new("acme");
        assert_true(held[i]->has_place);
    }
    struct await *beyond = await_new("acme"), *other = await_new("globex");
    assert_false(beyond->has_place);
    assert_true(other->has_place);
    assert_false(await_look(beyond));
    await_free(held[0]);
    assert_true(await_look(beyond)); /* its step is run again, and asks again */
    assert_false(beyond->is_over);
    await_free(beyond);
    await_free(other);
    for (int i = 1; i < AWAIT_TENANT_MAX; i++)
        await_free(held[i]);
}

static void test_await__a_process_has_so_many_places(void **state)
{
    struct await *held[AWAIT_MAX];
    (void)state;
    for (int i = 0; i < AWAIT_MAX; i++) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "t%d", i);
        held[i] = await_new(tenant);
        assert_true(held[i]->has_place);
    }
    struct await *beyond = await_new("late");
    assert_false(beyond->has_place);
    held[3]->is_over = true; /* who is answered needs no place any more */
    assert_true(await_look(beyond));
    await_free(beyond);
    for (int i = 0; i < AWAIT_MAX; i++)
        await_free(held[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_await__a_company_has_so_many_places),
        cmocka_unit_test(test_await__a_process_has_so_many_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
