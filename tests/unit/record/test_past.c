/* test_past - what somebody could see a moment ago, and who never could.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/tuning.h"
#include "record/past.h"

#define OWN "{\"name\":\"own\",\"grants\":{\"customer\":{\"read\":\"own\"}}}"
#define NEW "{\"name\":\"new\",\"grants\":{\"customer\":{\"read\":{\"status\":\"new\"}}}}"
#define NIL "{\"name\":\"nil\",\"grants\":{\"order\":{\"read\":\"all\"}}}"

static int64_t ann, ben; /* of the test that runs */

static bool was(struct shop *shop, int64_t user, const char *role, int64_t id)
{
    bool visible;
    shop_as(shop, user, role);
    shop_begin(shop);
    OK(past_was_visible(shop->ctx, shop->customer, id, &visible));
    shop_rollback(shop);
    assert_int_equal(shop->ctx->err.count, 0);
    shop_as(shop, 0, NULL);
    return visible;
}

static void give(struct shop *shop, int64_t id, int64_t user)
{
    OK(shop_update(shop, shop->customer, id,
                   arena_printf(shop->place.arena, "{\"owner\":%s}", shop_id(shop, user)), 0));
}

static int64_t person(struct shop *shop, const char *name)
{
    int64_t id = 0;
    shop_begin(shop);
    shop->ctx->source = CTX_IMPORT;
    const char *text = arena_printf(shop->place.arena, "{\"name\":\"%s\"}", name);
    OK(record_create_json(shop->ctx, shop->user, place_json(&shop->place, text), &id, NULL));
    shop->ctx->source = CTX_API;
    shop_commit(shop);
    return id;
}

/* Ann's, who has just made it. */
static int64_t make(struct shop *shop)
{
    ann = person(shop, "Ann");
    ben = person(shop, "Ben");
    shop_as(shop, ann, "{\"name\":\"all\",\"grants\":{\"customer\":{\"create\":true}}}");
    int64_t id = shop_make(shop, shop->customer, "{\"name\":\"A\"}");
    shop_as(shop, 0, NULL);
    return id;
}

static void test_past__who_had_it_saw_it_and_nobody_else(void **state)
{
    struct shop *shop = *state;
    int64_t id = make(shop);
    assert_false(was(shop, ben, OWN, id));
    give(shop, id, ben);
    assert_true(was(shop, ann, OWN, id));
    assert_true(was(shop, ben, OWN, id)); /* sees it now, too */
    assert_false(was(shop, ben + 1, OWN, id));
    assert_false(was(shop, ann, NIL, id));
    assert_false(was(shop, ann, OWN, id + 1));
}

static void test_past__several_changes_are_gone_back(void **state)
{
    struct shop *shop = *state;
    int64_t id = make(shop);
    assert_true(was(shop, ben, NEW, id));
    OK(shop_update(shop, shop->customer, id, "{\"status\":\"active\"}", 0));
    for (int i = 1; i < PAST_CHANGES; i++)
        OK(shop_update(shop, shop->customer, id,
                       arena_printf(shop->place.arena, "{\"name\":\"%d\"}", i), 0));
    assert_true(was(shop, ben, NEW, id));
    OK(shop_update(shop, shop->customer, id, "{\"name\":\"beyond\"}", 0));
    assert_false(was(shop, ben, NEW, id));
}

static void test_past__long_ago_does_not_count(void **state)
{
    struct shop *shop = *state;
    int64_t id = make(shop);
    give(shop, id, ben);
    shop->ctx->now_ms += PAST_SEEN_MS;
    assert_true(was(shop, ann, OWN, id));
    shop->ctx->now_ms += 1;
    assert_false(was(shop, ann, OWN, id));
}

static void test_past__what_is_deleted_was_there_for_nobody(void **state)
{
    struct shop *shop = *state;
    int64_t id = make(shop);
    give(shop, id, ben);
    OK(shop_delete(shop, shop->customer, id));
    assert_false(was(shop, ann, OWN, id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_past__who_had_it_saw_it_and_nobody_else),
        TEST(test_past__several_changes_are_gone_back),
        TEST(test_past__long_ago_does_not_count),
        TEST(test_past__what_is_deleted_was_there_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
