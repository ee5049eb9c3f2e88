/* test_erase - what goes with a person, what stays without a name, what is found in texts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/limits.h"
#include "base/tuning.h"
#include "hook/job.h"
#include "record/erase.h"

static enum err erase(struct shop *shop, const struct entity *entity, int64_t id,
                      struct erased *out)
{
    shop_begin(shop);
    enum err e = record_erase(shop->ctx, entity, id, out);
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

static void test_erase__parts_go_and_others_stay_with_a_number_of_nobody(void **state)
{
    struct shop *shop = *state;
    struct erased erased;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"Zqname\",\"code\":\"A\"}");
    const char *of_it =
        arena_printf(shop->place.arena, "{\"subject\":\"s\",\"customer\":%s}", shop_id(shop, id));
    int64_t order = shop_make(shop, shop->order, of_it);
    int64_t note = shop_make(
        shop, shop->note,
        arena_printf(shop->place.arena, "{\"name\":\"n\",\"customer\":%s}", shop_id(shop, id)));
    OK(erase(shop, shop->customer, id, &erased));
    assert_int_equal(erased.records, 2);
    assert_int_equal(erased.kept, 1);
    assert_int_equal(shop_count(shop, shop->customer->table, shop_eq(shop, "id", id)), 0);
    assert_int_equal(shop_count(shop, shop->order->table, shop_eq(shop, "id", order)), 0);
    assert_int_equal(shop_int(shop, shop->note, note, "customer"), id);
    assert_int_equal(erase(shop, shop->customer, id, NULL), ERR_NOT_FOUND);
}

static void test_erase__a_user_stays_as_a_number_without_a_way_in(void **state)
{
    struct shop *shop = *state;
    struct erased erased;
    shop->ctx->source = CTX_IMPORT;
    int64_t id = shop_make(shop, shop->user,
                           "{\"name\":\"Zqname\",\"email\":\"zq@example.com\",\"phone\":"
                           "\"13912345678\"}");
    OK(erase(shop, shop->user, id, &erased));
    assert_int_equal(erased.needles_count, 3);
    assert_string_equal(shop_get(shop, shop->user, id, "email"), "null");
    assert_string_equal(shop_get(shop, shop->user, id, "active"), "false");
    assert_null(strstr(shop_get(shop, shop->user, id, "name"), "Zq"));
    assert_null(strstr(shop_get(shop, shop->user, id, "login"), "zq"));
}

static void test_erase__texts_are_searched_for_numbers_with_and_without_country(void **state)
{
    struct shop *shop = *state;
    struct erased erased;
    shop->ctx->source = CTX_IMPORT;
    int64_t id = shop_make(shop, shop->user, "{\"name\":\"Z\",\"phone\":\"+8613912345678\"}");
    OK(erase_needles_of(shop->ctx, shop->user, id, &erased));
    assert_int_equal(erased.needles_count, 1); /* one character is no name to search for */
    assert_true(erase_is_trace(&erased, SLICE("call 13912345678.")));
    assert_true(erase_is_trace(&erased, SLICE("call +8613912345678.")));
    assert_false(erase_is_trace(&erased, SLICE("call 1391234567")));
    assert_false(erase_is_trace(&erased, SLICE("")));
    assert_int_equal(erase_needles_of(shop->ctx, shop->user, 4711, &erased), ERR_NOT_FOUND);
}

/* Parts with an address each. */
static int erase_guests_setup(void **state)
{
    static const char guest[] =
        "{\"name\":\"guest\",\"title\":\"name\",\"fields\":["
        "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
        "{\"no\":2,\"name\":\"mail\",\"type\":\"email\"},"
        "{\"no\":3,\"name\":\"customer\",\"type\":\"ref\",\"entity\":\"customer\","
        "\"on_delete\":\"cascade\"}]}";
    int failed = shop_setup(state);
    struct shop *shop = *state;
    place_write(&shop->place, "shop/entities/guest.json", guest);
    place_ready(&shop->place, "shop", NULL);
    shop->customer = place_entity(&shop->place, "customer");
    return failed;
}

/* A customer with so many parts. */
static int64_t with_parts(struct shop *shop, const struct entity *part, const char *name, int parts)
{
    struct arena *arena = shop->place.arena;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"Many\"}"), one;
    const struct json *of_it =
        place_json(&shop->place,
                   arena_printf(arena, "{\"%s\":\"s\",\"customer\":%s}", name, shop_id(shop, id)));
    shop_begin(shop);
    for (int i = 0; i < parts; i++) {
        OK(record_create_json(shop->ctx, part, of_it, &one, NULL));
        shop->unit.writes = 0;
    }
    shop_commit(shop);
    return id;
}

static void test_erase__so_many_records_go_and_no_more(void **state)
{
    struct shop *shop = *state;
    struct erased erased;
    const struct entity *guest = place_entity(&shop->place, "guest");
    int64_t fits = with_parts(shop, guest, "name", ERASE_RECORDS_MAX - 1);
    int64_t over = with_parts(shop, guest, "name", ERASE_RECORDS_MAX);
    OK(erase(shop, shop->customer, fits, &erased));
    assert_int_equal(erased.records, ERASE_RECORDS_MAX);
    assert_int_equal(erase(shop, shop->customer, over, NULL), ERR_CONFLICT);
    assert_string_equal(shop->ctx->err.code, "too_many_referrers");
    assert_int_equal(shop_count(shop, guest->table, NULL), ERASE_RECORDS_MAX);
    assert_string_equal(shop_get(shop, shop->customer, over, "name"), "Many");
}

static void test_erase__what_is_searched_for_is_any_number(void **state)
{
    struct shop *shop = *state;
    struct arena *arena = shop->place.arena;
    struct erased erased;
    const struct entity *guest = place_entity(&shop->place, "guest");
    const int guests = 3 * ERASE_NEEDLES_AT_ONCE + 1;
    int64_t job_id;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"Zqname\"}");
    for (int i = 0; i < guests; i++)
        shop_make(shop, guest,
                  arena_printf(arena, "{\"mail\":\"zq%d@example.com\",\"customer\":%s}", i,
                               shop_id(shop, id)));
    shop_begin(shop);
    for (int i = 0; i < guests; i++) { /* letters that wait, one to somebody else */
        struct job job = {
            .queue = "mail",
            .body = place_json(&shop->place, arena_printf(arena, "{\"to\":\"%s%d@example.com\"}",
                                                          i ? "zq" : "else", i))};
        OK(job_put(shop->ctx, &job, &job_id));
    }
    shop_commit(shop);
    OK(erase(shop, shop->customer, id, &erased));
    assert_int_equal(shop_count(shop, "job", NULL), 1);
    assert_int_equal(erased.needles_count, guests + 1); /* and the name */
    assert_int_equal(shop_count(shop, guest->table, NULL), 0);
    for (int i = 0; i < guests; i++)
        assert_true(erase_is_trace(
            &erased, slice_str(arena_printf(arena, "to zq%d@example.com, today", i))));
}

static void test_erase__more_parts_than_one_page(void **state)
{
    struct shop *shop = *state;
    struct erased erased;
    int64_t id = with_parts(shop, shop->order, "subject", REFERRERS_MAX + 1);
    OK(erase(shop, shop->customer, id, &erased));
    assert_int_equal(erased.records, REFERRERS_MAX + 2);
    assert_int_equal(shop_count(shop, shop->order->table, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_erase__parts_go_and_others_stay_with_a_number_of_nobody, shop_setup,
            shop_teardown),
        cmocka_unit_test_setup_teardown(test_erase__a_user_stays_as_a_number_without_a_way_in,
                                        shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(
            test_erase__texts_are_searched_for_numbers_with_and_without_country, shop_setup,
            shop_teardown),
        cmocka_unit_test_setup_teardown(test_erase__so_many_records_go_and_no_more,
                                        erase_guests_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_erase__what_is_searched_for_is_any_number,
                                        erase_guests_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_erase__more_parts_than_one_page, shop_setup,
                                        shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
