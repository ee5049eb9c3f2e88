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

/* --- whatever happens --- */

enum { CUSTOMERS = 2, ORDERS = 6, STEPS = 150 };

static uint32_t random_next(uint32_t below)
{
    static uint32_t x = 2463534242;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x % below;
}

static const char *const rolled[] = {"orders", "total", "biggest", "smallest", "dearest"};

/* A sum of nothing is empty when worked out, zero when the last one went. */
static const char *rolled_text(struct shop *shop, int64_t customer, const char *name)
{
    const char *text = shop_get(shop, shop->customer, customer, name);
    bool is_nothing = strcmp(name, "total") == 0 && strcmp(text, "null") == 0;
    return is_nothing ? "0.00 CNY" : text;
}

/* What stands there is what would be worked out now. */
static void check_anew(struct shop *shop, int64_t customer)
{
    for (size_t i = 0; i < sizeof rolled / sizeof *rolled; i++) {
        const char *kept = rolled_text(shop, customer, rolled[i]);
        shop_begin(shop);
        OK(rollup_refresh(shop->ctx, place_field(&shop->place, "customer", rolled[i]), customer));
        shop_commit(shop);
        const char *anew = rolled_text(shop, customer, rolled[i]);
        if (strcmp(kept, anew) != 0)
            fail_msg("%s is %s, not %s", rolled[i], kept, anew);
    }
}

/* One of: an amount, a quantity (perhaps none), a status, another customer (perhaps none). */
static const char *some_change(struct shop *shop, const int64_t *customers)
{
    struct arena *arena = shop->place.arena;
    uint32_t n = random_next(20);
    switch (random_next(4)) {
    case 0:
        return arena_printf(arena, "{\"amount\":\"%u.50\"}", n);
    case 1:
        return n < 5 ? "{\"qty\":null}" : arena_printf(arena, "{\"qty\":%d}", (int)n - 10);
    case 2:
        return n < 10 ? "{\"status\":\"void\"}" : "{\"status\":\"open\"}";
    default:
        return n < 4 ? "{\"customer\":null}"
                     : arena_printf(arena, "{\"customer\":%s}",
                                    shop_id(shop, customers[n % CUSTOMERS]));
    }
}

static const char *some_order(struct shop *shop, const int64_t *customers)
{
    uint32_t n = random_next(5);
    if (n < 2)
        return "{\"subject\":\"o\"}";
    return arena_printf(shop->place.arena, "{\"subject\":\"o\",\"customer\":%s,\"qty\":%u}",
                        shop_id(shop, customers[n % CUSTOMERS]), n);
}

/* Made, changed, deleted, perhaps brought back. */
static void change_one(struct shop *shop, int64_t *order, const int64_t *customers)
{
    struct record *back;
    if (!*order) {
        *order = shop_make(shop, shop->order, some_order(shop, customers));
        return;
    }
    if (random_next(5)) {
        OK(shop_update(shop, shop->order, *order, some_change(shop, customers), 0));
        return;
    }
    OK(shop_delete(shop, shop->order, *order));
    if (random_next(2)) {
        *order = 0;
        return;
    }
    shop_begin(shop);
    OK(record_restore(shop->ctx, shop->order, *order, &back));
    shop_commit(shop);
}

static void test_rollup__stands_as_if_worked_out_now(void **state)
{
    struct shop *shop = *state;
    int64_t customers[CUSTOMERS], orders[ORDERS] = {0};
    for (int i = 0; i < CUSTOMERS; i++)
        customers[i] = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    for (int i = 0; i < STEPS; i++) {
        change_one(shop, &orders[random_next(ORDERS)], customers);
        for (int k = 0; k < CUSTOMERS; k++)
            check_anew(shop, customers[k]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rollup__follows_create_change_move_and_delete),
        TEST(test_rollup__does_not_move_the_parents_version),
        TEST(test_rollup__worked_out_anew_gives_the_same),
        TEST(test_rollup__stands_as_if_worked_out_now),
    };
    return cmocka_run_group_tests_name("record/rollup", tests, NULL, NULL);
}
