/* test_rollup - counts, sums and greatest values follow every way a child can change.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "record/rollup.h"

static int64_t order(struct shop *shop, int64_t customer, const char *amount, int qty)
{
    return shop_make(shop, shop->order,
                     arena_printf(shop->place.arena,
                                  "{\"subject\":\"o\",\"customer\":%s,\"amount\":\"%s\","
                                  "\"qty\":%d}",
                                  shop_id(shop, customer), amount, qty));
}

static void check(struct shop *shop, int64_t customer, int64_t orders, const char *total,
                  const char *biggest)
{
    assert_int_equal(shop_int(shop, shop->customer, customer, "orders"), orders);
    assert_string_equal(shop_get(shop, shop->customer, customer, "total"), total);
    assert_string_equal(shop_get(shop, shop->customer, customer, "biggest"), biggest);
}

static void test_rollup__follows_create_change_move_and_delete(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    check(shop, ada, 0, "null", "null");
    int64_t one = order(shop, ada, "10.50", 3), two = order(shop, ada, "4.50", 7);
    check(shop, ada, 2, "15.00 CNY", "7");
    OK(shop_update(shop, shop->order, one, "{\"amount\":\"20.00\",\"qty\":9}", 0));
    check(shop, ada, 2, "24.50 CNY", "9");
    OK(shop_update(shop, shop->order, two, "{\"status\":\"void\"}", 0));
    check(shop, ada, 2, "20.00 CNY", "9");
    OK(shop_update(shop, shop->order, one,
                   arena_printf(shop->place.arena, "{\"customer\":%s}", shop_id(shop, bob)), 0));
    check(shop, ada, 1, "0.00 CNY", "7");
    check(shop, bob, 1, "20.00 CNY", "9");
    OK(shop_delete(shop, shop->order, one));
    check(shop, bob, 0, "0.00 CNY", "null");
}

static void test_rollup__does_not_move_the_parents_version(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    (void)order(shop, ada, "1.00", 1);
    assert_int_equal(shop_int(shop, shop->customer, ada, "version"), 1);
    OK(shop_update(shop, shop->customer, ada, "{\"name\":\"Eve\"}", 1));
    check(shop, ada, 1, "1.00 CNY", "1");
}

static void test_rollup__worked_out_anew_gives_the_same(void **state)
{
    struct shop *shop = *state;
    static const char *const names[] = {"orders", "total", "biggest"};
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    (void)order(shop, ada, "1.25", 4);
    OK(shop_delete(shop, shop->order, order(shop, ada, "2.00", 9)));
    (void)order(shop, ada, "3.00", 2);
    check(shop, ada, 2, "4.25 CNY", "4");
    shop_begin(shop);
    for (int i = 0; i < 3; i++)
        OK(rollup_refresh(shop->ctx, place_field(&shop->place, "customer", names[i]), ada));
    shop_commit(shop);
    check(shop, ada, 2, "4.25 CNY", "4");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rollup__follows_create_change_move_and_delete),
        TEST(test_rollup__does_not_move_the_parents_version),
        TEST(test_rollup__worked_out_anew_gives_the_same),
    };
    return cmocka_run_group_tests_name("record/rollup", tests, NULL, NULL);
}
