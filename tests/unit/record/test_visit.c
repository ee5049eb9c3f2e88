/* test_visit - how long a record stayed in each state.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

static bool put_visit(void *arg, const struct store_row *row)
{
    struct buf *out = arg;
    buf_printf(out, "%s" SLICE_FMT "=", out->len ? " " : "", SLICE_ARG(store_row_bytes(row, 0)));
    if (store_row_is_null(row, 2))
        buf_put_str(out, "open");
    else
        buf_put_int(out, store_row_int(row, 2) - store_row_int(row, 1));
    return true;
}

static const char *visits(struct shop *shop, int64_t id)
{
    struct buf out = BUF_INIT;
    struct query_column select[] = {
        {.column = {0, "value"}}, {.column = {0, "entered_at"}}, {.column = {0, "left_at"}}};
    struct query_order order = {.column = {0, "id"}};
    struct query query = {.table = "visit",
                          .select = select,
                          .select_count = 3,
                          .where = shop_eq(shop, "record", id),
                          .order = &order,
                          .order_count = 1};
    OK(store_read(shop->place.tenant->store, &query, put_visit, &out));
    const char *text = arena_strdup(shop->place.arena, buf_cstr(&out));
    buf_release(&out);
    return text;
}

static void test_visit__every_state_is_kept_with_its_duration(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    assert_string_equal(visits(shop, id), "new=open");
    shop->ctx->now_ms += 1500;
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"active\"}", 0));
    shop->ctx->now_ms += 700;
    OK(shop_update(shop, shop->customer, id, "{\"name\":\"B\"}", 0)); /* no step */
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"new\"}", 0));
    assert_string_equal(visits(shop, id), "new=1500 active=700 new=open");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_visit__every_state_is_kept_with_its_duration),
    };
    return cmocka_run_group_tests_name("record/visit", tests, NULL, NULL);
}
