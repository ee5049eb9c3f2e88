/* test_number - running numbers: without gaps, never twice, and what imports bring along.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

static void test_number__counts_without_gaps_over_refused_saves(void **state)
{
    struct shop *shop = *state;
    int64_t id, first = shop_make(shop, shop->customer, "{\"name\":\"A\",\"code\":\"x\"}");
    assert_int_equal(shop_create(shop, shop->customer, "{\"name\":\"B\",\"code\":\"x\"}", &id),
                     ERR_CONFLICT);
    int64_t second = shop_make(shop, shop->customer, "{\"name\":\"C\"}");
    assert_string_equal(shop_get(shop, shop->customer, first, "number"), "C-001");
    assert_string_equal(shop_get(shop, shop->customer, second, "number"), "C-002");
}

static void test_number__is_not_given_again_after_its_record_is_gone(void **state)
{
    struct shop *shop = *state;
    int64_t first = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    OK(shop_delete(shop, shop->customer, first));
    int64_t second = shop_make(shop, shop->customer, "{\"name\":\"B\"}");
    assert_string_equal(shop_get(shop, shop->customer, second, "number"), "C-002");
}

/* As an import brings a record that has its number already. */
static void bring(struct shop *shop, const char *text)
{
    const struct field *number = place_field(&shop->place, "customer", "number");
    struct value given = value_text(slice_str(text));
    struct record *record;
    OK(record_new(shop->ctx, shop->customer, &record));
    OK(record_set(shop->ctx, record, place_field(&shop->place, "customer", "name"),
                  place_json(&shop->place, "\"old\"")));
    OK(record_set_values(shop->ctx, record, number, &given));
    OK(record_save(shop->ctx, record, 0));
}

static void test_number__passes_over_one_that_came_with_an_import(void **state)
{
    struct shop *shop = *state;
    shop_begin(shop);
    bring(shop, "C-001");
    shop_commit(shop);
    int64_t next = shop_make(shop, shop->customer, "{\"name\":\"B\"}");
    assert_string_equal(shop_get(shop, shop->customer, next, "number"), "C-002");
}

/* However many came: the next free one is found, and then the one after it. */
static void test_number__passes_over_a_thousand_of_them(void **state)
{
    struct shop *shop = *state;
    shop_begin(shop);
    for (int i = 1; i <= 1000; i++)
        bring(shop, arena_printf(shop->place.arena, "C-%03d", i));
    shop_commit(shop);
    for (int i = 1001; i <= 1003; i++) {
        int64_t next = shop_make(shop, shop->customer, "{\"name\":\"B\"}");
        assert_string_equal(shop_get(shop, shop->customer, next, "number"),
                            arena_printf(shop->place.arena, "C-%d", i));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_number__counts_without_gaps_over_refused_saves),
        TEST(test_number__is_not_given_again_after_its_record_is_gone),
        TEST(test_number__passes_over_one_that_came_with_an_import),
        TEST(test_number__passes_over_a_thousand_of_them),
    };
    return cmocka_run_group_tests_name("record/number", tests, NULL, NULL);
}
