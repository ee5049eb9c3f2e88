/* test_bulk - many changes in one call: each for itself, or all or nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/limits.h"
#include "record/bulk.h"

static enum err run(struct shop *shop, const char *items, bool atomic, const struct json **out)
{
    struct buf answer = BUF_INIT;
    shop_begin(shop);
    enum err e = record_bulk(shop->ctx, shop->customer, place_json(&shop->place, items), atomic,
                             NULL, &answer);
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    if (!e)
        *out = place_json(&shop->place, arena_strdup(shop->place.arena, buf_cstr(&answer)));
    buf_release(&answer);
    return e;
}

static bool is_ok(const struct json *answer, int at)
{
    return json_bool(json_at(json_get(answer, "results"), at), "ok", false);
}

static void test_bulk__each_item_stands_for_itself(void **state)
{
    struct shop *shop = *state;
    const struct json *answer;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\",\"code\":\"x\"}");
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    const char *items = arena_printf(
        shop->place.arena,
        "[{\"op\":\"create\",\"data\":{\"name\":\"Eve\"}},{\"op\":\"create\",\"code\":\"y\"},"
        "{\"op\":\"update\",\"id\":%s,\"version\":9,\"data\":{\"name\":\"Z\"}},"
        "{\"op\":\"upsert\",\"match\":\"code\",\"data\":{\"code\":\"x\",\"name\":\"Ida\"}},"
        "{\"op\":\"upsert\",\"match\":\"code\",\"data\":{\"code\":\"n\",\"name\":\"New\"}},"
        "{\"op\":\"delete\",\"id\":%s},{\"op\":\"fly\"}]",
        shop_id(shop, ada), shop_id(shop, bob));
    OK(run(shop, items, false, &answer));
    static const bool wanted[] = {true, false, false, true, true, true, false};
    for (int i = 0; i < 7; i++)
        assert_int_equal(is_ok(answer, i), wanted[i]);
    assert_int_equal(json_int(answer, "done", 0), 4);
    assert_int_equal(json_int(answer, "failed", 0), 3);
    const struct json *missing = json_at(json_get(answer, "results"), 1);
    assert_int_equal(json_int(missing, "status", 0), 422);
    assert_non_null(json_get(json_get(json_get(missing, "error"), "fields"), "name"));
    assert_int_equal(json_int(json_at(json_get(answer, "results"), 2), "status", 0), 412);
    assert_string_equal(shop_get(shop, shop->customer, ada, "name"), "Ida");
    assert_int_equal(shop_count(shop, shop->customer->table,
                                expr_cmp(shop->place.arena, EXPR_NULL, "deleted_at", value_null())),
                     3);
}

/* What a value is made of counts whole: the same number is another amount in another currency. */
static void test_bulk__matches_whole_values(void **state)
{
    struct shop *shop = *state;
    const struct json *answer;
    int64_t euros =
        shop_make(shop, shop->customer,
                  "{\"name\":\"E\",\"amount\":{\"amount\":\"5\",\"currency\":\"EUR\"}}");
    OK(run(shop,
           "[{\"op\":\"upsert\",\"match\":\"amount\",\"data\":{\"name\":\"U\","
           "\"amount\":{\"amount\":\"5\",\"currency\":\"USD\"}}},"
           "{\"op\":\"upsert\",\"match\":\"amount\",\"data\":{\"name\":\"Z\","
           "\"amount\":{\"amount\":\"5\",\"currency\":\"EUR\"}}}]",
           true, &answer));
    const struct json *results = json_get(answer, "results");
    assert_string_equal(json_cstr(json_at(results, 0), "op", ""), "create");
    assert_string_equal(json_cstr(json_at(results, 1), "op", ""), "update");
    assert_string_equal(shop_get(shop, shop->customer, euros, "name"), "Z");
}

static void test_bulk__all_or_nothing_names_the_item(void **state)
{
    struct shop *shop = *state;
    const struct json *answer = NULL;
    assert_int_equal(
        run(shop, "[{\"op\":\"create\",\"name\":\"A\"},{\"op\":\"create\"}]", true, &answer),
        ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "items[1].name:required");
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 0);
    OK(run(shop, "[{\"op\":\"create\",\"name\":\"A\"},{\"op\":\"create\",\"name\":\"B\"}]", true,
           &answer));
    assert_int_equal(shop_count(shop, shop->customer->table, NULL), 2);
}

static void test_bulk__has_a_limit(void **state)
{
    struct shop *shop = *state;
    const struct json *answer = NULL;
    struct buf items = BUF_INIT;
    for (int n = BULK_MAX; n <= BULK_MAX + 1; n++) {
        buf_clear(&items);
        buf_put_char(&items, '[');
        for (int i = 0; i < n; i++)
            buf_put_str(&items, i ? ",0" : "0");
        buf_put_char(&items, ']');
        enum err e = run(shop, buf_cstr(&items), false, &answer);
        assert_int_equal(e, n == BULK_MAX ? ERR_OK : ERR_VALIDATION);
    }
    assert_int_equal(json_int(answer, "failed", 0), BULK_MAX);
    assert_string_equal(shop_complaints(shop), "items:too_many");
    assert_int_equal(run(shop, "[]", false, &answer), ERR_VALIDATION);
    assert_int_equal(run(shop, "{}", false, &answer), ERR_VALIDATION);
    buf_release(&items);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bulk__each_item_stands_for_itself),
        TEST(test_bulk__matches_whole_values),
        TEST(test_bulk__all_or_nothing_names_the_item),
        TEST(test_bulk__has_a_limit),
    };
    return cmocka_run_group_tests_name("record/bulk", tests, NULL, NULL);
}
