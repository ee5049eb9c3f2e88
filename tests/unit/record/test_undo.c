/* test_undo - many changes are taken back, but not over somebody's later work.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/id.h"
#include "record/bulk.h"

static struct undo change(struct shop *shop, const char *items)
{
    struct undo undo = {id_next(), 0};
    struct buf answer = BUF_INIT;
    shop_begin(shop);
    OK(record_bulk(shop->ctx, shop->customer, place_json(&shop->place, items), false, &undo,
                   &answer));
    shop_commit(shop);
    buf_release(&answer);
    return undo;
}

static void back(struct shop *shop, int64_t batch, int rows, int done, int failed, int left)
{
    struct buf answer = BUF_INIT;
    int64_t counts[3];
    shop_begin(shop);
    OK(undo_bulk(shop->ctx, shop->customer, batch, rows, &answer, &counts[0], &counts[1],
                 &counts[2]));
    shop_commit(shop);
    buf_release(&answer);
    assert_int_equal(counts[0], done);
    assert_int_equal(counts[1], failed);
    assert_int_equal(counts[2], left);
}

static int64_t living(struct shop *shop)
{
    return shop_count(shop, shop->customer->table,
                      expr_cmp(shop->place.arena, EXPR_NULL, "deleted_at", value_null()));
}

static void test_undo__goes_back_part_by_part_and_tries_nothing_twice(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\",\"code\":\"x\"}");
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    const char *items = arena_printf(shop->place.arena,
                                     "[{\"op\":\"create\",\"data\":{\"name\":\"Eve\"}},"
                                     "{\"op\":\"update\",\"id\":%s,\"data\":{\"name\":\"Ida\"}},"
                                     "{\"op\":\"update\",\"id\":%s,\"data\":{\"name\":\"Bob\"}},"
                                     "{\"op\":\"create\",\"data\":{\"code\":\"y\"}},"
                                     "{\"op\":\"delete\",\"id\":%s}]",
                                     shop_id(shop, ada), shop_id(shop, bob), shop_id(shop, bob));
    struct undo undo = change(shop, items);
    assert_int_equal(undo.line, 3); /* not what changed nothing, nor what was refused */
    back(shop, undo.batch, 1, 1, 0, 2);
    assert_int_equal(living(shop), 3);
    back(shop, undo.batch, 9, 2, 0, 0);
    assert_string_equal(shop_get(shop, shop->customer, ada, "name"), "Ada");
    assert_int_equal(living(shop), 2);
    back(shop, undo.batch, 9, 0, 0, 0);
}

static void test_undo__leaves_what_was_changed_since(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    const char *items = arena_printf(
        shop->place.arena, "[{\"op\":\"update\",\"id\":%s,\"name\":\"Ida\"}]", shop_id(shop, ada));
    struct undo undo = change(shop, items);
    OK(shop_update(shop, shop->customer, ada, "{\"reason\":\"mine\"}", 0));
    back(shop, undo.batch, 9, 0, 1, 0);
    assert_string_equal(shop_get(shop, shop->customer, ada, "name"), "Ida");
}

static void test_undo__what_is_forgotten_stays(void **state)
{
    struct shop *shop = *state;
    struct undo undo = change(shop, "[{\"op\":\"create\",\"name\":\"Eve\"}]");
    shop_begin(shop);
    OK(undo_forget(shop->ctx, undo.batch));
    shop_commit(shop);
    back(shop, undo.batch, 9, 0, 0, 0);
    assert_int_equal(living(shop), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_undo__goes_back_part_by_part_and_tries_nothing_twice),
        TEST(test_undo__leaves_what_was_changed_since),
        TEST(test_undo__what_is_forgotten_stays),
    };
    return cmocka_run_group_tests_name("record/undo", tests, NULL, NULL);
}
