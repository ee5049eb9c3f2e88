/* test_person - what is held about one person, as far as one document goes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "auth/audit.h"
#include "base/limits.h"
#include "record/person.h"

static const struct json *export_of(struct shop *shop, int64_t id)
{
    const struct json *all = NULL;
    err_info_clear(&shop->ctx->err);
    OK(person_export(shop->ctx, shop->customer, id, NULL, &all));
    return all;
}

static int related(const struct json *all)
{
    const struct json *notes = json_get(json_get(all, "related"), "note");
    return notes ? notes->count : 0;
}

static void test_person__so_much_is_related_and_the_rest_is_said_to_be_missing(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"Zqname\"}"), note;
    const struct json *of_it =
        place_json(&shop->place, arena_printf(shop->place.arena, "{\"name\":\"n\",\"customer\":%s}",
                                              shop_id(shop, id)));
    shop_begin(shop);
    for (int i = 0; i < PERSON_ROWS_MAX; i++) {
        OK(record_create_json(shop->ctx, shop->note, of_it, &note, NULL));
        shop->unit.writes = 0;
    }
    shop_commit(shop);
    const struct json *all = export_of(shop, id);
    assert_int_equal(related(all), PERSON_ROWS_MAX);
    assert_false(json_bool(all, "truncated", true));
    shop_begin(shop);
    OK(record_create_json(shop->ctx, shop->note, of_it, &note, NULL));
    shop_commit(shop);
    all = export_of(shop, id);
    assert_int_equal(related(all), PERSON_ROWS_MAX);
    assert_true(json_bool(all, "truncated", false));
}

static void test_person__rows_of_a_log_at_their_limit(void **state)
{
    struct shop *shop = *state;
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"Zqname\"}");
    for (int over = 0; over < 2; over++) {
        shop_begin(shop);
        for (int i = over ? PERSON_ROWS_MAX : 0; i < PERSON_ROWS_MAX + over; i++)
            OK(audit_put(shop->ctx, "record.read", "customer", id, NULL));
        shop_commit(shop);
        const struct json *all = export_of(shop, id);
        assert_int_equal(json_get(all, "access")->count, PERSON_ROWS_MAX);
        assert_int_equal(json_bool(all, "truncated", !over), over);
    }
}

static int person_friend_setup(void **state)
{
    static const char friend[] = "{\"name\":\"friend\",\"title\":\"name\",\"fields\":["
                                 "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},"
                                 "{\"no\":2,\"name\":\"mails\",\"type\":\"email\","
                                 "\"multiple\":true}]}";
    int failed = shop_setup(state);
    struct shop *shop = *state;
    place_write(&shop->place, "shop/entities/friend.json", friend);
    place_ready(&shop->place, "shop", NULL);
    return failed;
}

static void test_person__letters_are_looked_for_by_so_many_addresses(void **state)
{
    struct shop *shop = *state;
    const struct entity *friend = place_entity(&shop->place, "friend");
    for (int over = 0; over < 2; over++) {
        struct buf body = BUF_INIT;
        const struct json *all = NULL;
        buf_put_str(&body, "{\"name\":\"Zqname\",\"mails\":[");
        for (int i = 0; i < PERSON_ADDRESSES_MAX + over; i++)
            buf_printf(&body, "%s\"zq%d@example.com\"", i ? "," : "", i);
        buf_put_str(&body, "]}");
        int64_t id = shop_make(shop, friend, buf_cstr(&body));
        buf_release(&body);
        OK(person_export(shop->ctx, friend, id, NULL, &all));
        assert_int_equal(json_bool(all, "truncated", !over), over);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_person__so_much_is_related_and_the_rest_is_said_to_be_missing, shop_setup,
            shop_teardown),
        cmocka_unit_test_setup_teardown(test_person__rows_of_a_log_at_their_limit, shop_setup,
                                        shop_teardown),
        cmocka_unit_test_setup_teardown(test_person__letters_are_looked_for_by_so_many_addresses,
                                        person_friend_setup, shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
