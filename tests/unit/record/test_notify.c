/* test_notify - who is told, how many at once, in which words, and what a letter gathers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/notify.h"

static int64_t person(struct shop *shop, const char *login, const char *more)
{
    const char *json = arena_printf(shop->place.arena, "{\"name\":\"%s\"%s}", login, more);
    shop->ctx->source = CTX_IMPORT; /* logins are administration's */
    return shop_make(shop, shop->user, json);
}

static enum err tell(struct shop *shop, const struct notify *n, const int64_t *users, int count,
                     int *written)
{
    shop_begin(shop);
    enum err e = notify_put(shop->ctx, n, users, count, written);
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

static int64_t rows(struct shop *shop)
{
    return shop_count(shop, place_entity(&shop->place, NOTIFY_ENTITY)->table, NULL);
}

static void test_notify__as_many_as_the_limit_and_no_more(void **state)
{
    struct shop *shop = *state;
    int64_t users[NOTIFY_USERS_MAX + 1];
    int written = 0;
    const struct notify n = {.text = "Something"};
    for (int i = 0; i <= NOTIFY_USERS_MAX; i++)
        users[i] = person(shop, arena_printf(shop->place.arena, "user%d", i), "");
    OK(tell(shop, &n, users, NOTIFY_USERS_MAX, &written));
    assert_int_equal(written, NOTIFY_USERS_MAX);
    assert_int_equal(tell(shop, &n, users, NOTIFY_USERS_MAX + 1, &written), ERR_VALIDATION);
    assert_string_equal(shop_complaints(shop), "users:too_many_values");
    assert_int_equal(rows(shop), NOTIFY_USERS_MAX);
}

static void test_notify__texts_are_cut_and_strangers_passed_over(void **state)
{
    struct shop *shop = *state;
    const struct entity *entity = place_entity(&shop->place, NOTIFY_ENTITY);
    char longer[NOTIFY_TITLE_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    int64_t who[2] = {person(shop, "anna", ""), 4711};
    int written = 0;
    const struct notify n = {.text = longer, .body = "More.", .tone = "warning"};
    OK(tell(shop, &n, who, 2, &written));
    assert_int_equal(written, 1);
    int64_t id;
    OK(store_key_max(shop->ctx->tenant->store, entity->table, &id));
    assert_int_equal(strlen(shop_get(shop, entity, id, "title")), NOTIFY_TITLE_MAX);
    assert_string_equal(shop_get(shop, entity, id, "tone"), "warning");
    assert_int_equal(shop_int(shop, entity, id, "owner"), who[0]);
}

static void test_notify__what_stands_below_is_cut_at_its_limit(void **state)
{
    struct shop *shop = *state;
    const struct entity *entity = place_entity(&shop->place, NOTIFY_ENTITY);
    int64_t anna = person(shop, "anna", "");
    for (int over = 0; over < 2; over++) {
        struct buf body = BUF_INIT;
        int64_t id;
        for (int i = 0; i < NOTIFY_BODY_MAX - 1 + over; i++)
            buf_put_str(&body, "字");
        buf_put_str(&body, "末");
        const struct notify n = {.text = "Something", .body = buf_cstr(&body)};
        OK(tell(shop, &n, &anna, 1, NULL));
        OK(store_key_max(shop->ctx->tenant->store, entity->table, &id));
        struct slice kept = slice_str(shop_get(shop, entity, id, "body"));
        assert_int_equal(text_chars(kept), NOTIFY_BODY_MAX);
        assert_int_equal(slice_ends(kept, SLICE("末")), !over);
        buf_release(&body);
    }
}

static void test_notify__what_is_old_goes_when_something_new_comes(void **state)
{
    struct shop *shop = *state;
    int64_t anna = person(shop, "anna", ""), other = person(shop, "other", "");
    const struct notify n = {.text = "Something"};
    OK(tell(shop, &n, &anna, 1, NULL));
    OK(tell(shop, &n, &other, 1, NULL));
    shop->ctx->now_ms += NOTIFY_KEEP_MS;
    OK(tell(shop, &n, &anna, 1, NULL));
    assert_int_equal(rows(shop), 3); /* at the limit all are there */
    shop->ctx->now_ms += 1;
    OK(tell(shop, &n, &anna, 1, NULL));
    assert_int_equal(rows(shop), 3);
    assert_int_equal(shop_count(shop, place_entity(&shop->place, NOTIFY_ENTITY)->table,
                                shop_eq(shop, "owner", other)),
                     1);
}

static void test_notify__a_letter_gathers_what_is_unread(void **state)
{
    struct shop *shop = *state;
    int64_t anna = person(shop, "anna",
                          ",\"email\":\"anna@example.com\",\"locale\":\"en\",\"notify_mail\":"
                          "\"daily\"");
    int64_t silent = person(shop, "silent", ",\"email\":\"s@example.com\"");
    struct notify_digest digest;
    for (int i = 0; i < NOTIFY_DIGEST_MAX + 1; i++) {
        const struct notify n = {.text = arena_printf(shop->place.arena, "Number %d", i)};
        OK(tell(shop, &n, &anna, 1, NULL));
    }
    const struct notify n = {.text = "Something"};
    OK(tell(shop, &n, &silent, 1, NULL));
    const struct expr *waits =
        expr_cmp(shop->place.arena, EXPR_EQ, "queue", value_text(SLICE(NOTIFY_QUEUE)));
    assert_int_equal(shop_count(shop, "job", waits), 1);
    OK(notify_digest(shop->ctx, silent, &digest));
    assert_null(digest.to);
    OK(notify_digest(shop->ctx, anna, &digest));
    assert_int_equal(digest.count, NOTIFY_DIGEST_MAX);
    assert_string_equal(digest.to, "anna@example.com");
    assert_int_equal(digest.lang, LANG_EN);
    assert_int_equal(json_get(digest.data, "items")->count, NOTIFY_DIGEST_MAX);
    shop_begin(shop);
    OK(notify_mailed(shop->ctx, &digest));
    shop_commit(shop);
    OK(notify_digest(shop->ctx, anna, &digest));
    assert_int_equal(digest.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notify__as_many_as_the_limit_and_no_more, shop_setup,
                                        shop_teardown),
        cmocka_unit_test_setup_teardown(test_notify__texts_are_cut_and_strangers_passed_over,
                                        shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_notify__what_stands_below_is_cut_at_its_limit,
                                        shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_notify__what_is_old_goes_when_something_new_comes,
                                        shop_setup, shop_teardown),
        cmocka_unit_test_setup_teardown(test_notify__a_letter_gathers_what_is_unread, shop_setup,
                                        shop_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
