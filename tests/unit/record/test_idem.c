/* test_idem - one effect per key, the first answer again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "auth/actor.h"
#include "base/limits.h"
#include "record/idem.h"

#define ROUTE SLICE("POST /records/customer")

static enum err find(struct shop *shop, const char *key, const char *body, bool *found, int *status,
                     struct buf *answer)
{
    bool moved;
    *found = false;
    buf_clear(answer);
    return idem_find(shop->ctx, slice_str(key), ROUTE, slice_str(body), found, &moved, status,
                     answer);
}

static void keep(struct shop *shop, const char *key, const char *body, int status,
                 const char *answer)
{
    shop_begin(shop);
    OK(idem_keep(shop->ctx, slice_str(key), ROUTE, slice_str(body), status, slice_str(answer)));
    shop_commit(shop);
}

static void test_idem__gives_the_first_answer_again(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    OK(find(shop, "k", "{}", &found, &status, &answer));
    assert_false(found);
    keep(shop, "k", "{}", 201, "{\"id\":1}");
    OK(find(shop, "k", "{}", &found, &status, &answer));
    assert_true(found);
    assert_int_equal(status, 201);
    assert_string_equal(buf_cstr(&answer), "{\"id\":1}");
    buf_release(&answer);
}

static void test_idem__another_request_under_the_key_is_refused(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found, moved;
    int status;
    keep(shop, "k", "{}", 201, "{}");
    assert_int_equal(find(shop, "k", "{\"a\":1}", &found, &status, &answer), ERR_IDEMPOTENCY);
    assert_int_equal(idem_find(shop->ctx, SLICE("k"), SLICE("POST /records/order"), SLICE("{}"),
                               &found, &moved, &status, &answer),
                     ERR_IDEMPOTENCY);
    assert_int_equal(answer.len, 0);
    buf_release(&answer);
}

static void test_idem__keys_belong_to_who_used_them(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    keep(shop, "k", "{}", 201, "{}");
    shop_as(shop, 7, "{\"name\":\"r\",\"grants\":{}}");
    OK(find(shop, "k", "{\"other\":1}", &found, &status, &answer));
    assert_false(found);
    buf_release(&answer);
}

static void test_idem__a_key_of_the_user_is_another_actor(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    shop_as(shop, 7, "{\"name\":\"r\",\"grants\":{}}");
    keep(shop, "k", "{}", 201, "{}");
    struct actor by_key = *shop->ctx->actor;
    by_key.api_key = 99;
    shop->ctx->actor = &by_key;
    OK(find(shop, "k", "{}", &found, &status, &answer));
    assert_false(found);
    buf_release(&answer);
}

static void test_idem__says_when_rights_have_moved(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found, moved;
    int status;
    keep(shop, "k", "{}", 201, "{}");
    OK(idem_find(shop->ctx, SLICE("k"), ROUTE, SLICE("{}"), &found, &moved, &status, &answer));
    assert_false(moved);
    shop_begin(shop);
    OK(store_header_bump(shop->place.tenant->store, false, true));
    shop_commit(shop);
    OK(tenant_refresh(shop->place.tenant));
    OK(idem_find(shop->ctx, SLICE("k"), ROUTE, SLICE("{}"), &found, &moved, &status, &answer));
    assert_true(found && moved);
    buf_release(&answer);
}

static void test_idem__failures_and_long_answers_are_not_kept_word_for_word(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    char *long_answer = calloc(1, IDEMPOTENCY_ANSWER_MAX + 2);
    memset(long_answer, 'x', IDEMPOTENCY_ANSWER_MAX + 1);
    keep(shop, "bad", "{}", 422, "{}");
    OK(find(shop, "bad", "{}", &found, &status, &answer));
    assert_false(found);
    keep(shop, "long", "{}", 200, long_answer);
    OK(find(shop, "long", "{}", &found, &status, &answer));
    assert_true(found);
    assert_string_equal(buf_cstr(&answer), IDEM_TOO_LONG);
    free(long_answer);
    buf_release(&answer);
}

static void test_idem__is_forgotten_after_a_day(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    keep(shop, "k", "{}", 201, "{}");
    shop->ctx->now_ms += IDEMPOTENCY_KEEP_MS;
    OK(find(shop, "k", "{\"new\":1}", &found, &status, &answer));
    assert_false(found);
    keep(shop, "k", "{\"new\":1}", 200, "[]"); /* over the row that was not swept */
    shop->ctx->now_ms += IDEMPOTENCY_KEEP_MS + 1;
    shop_begin(shop);
    OK(idem_sweep(shop->place.tenant, shop->ctx->now_ms));
    shop_commit(shop);
    assert_int_equal(shop_count(shop, "idem", NULL), 0);
    buf_release(&answer);
}

/* This process lives, and is believed to be at it so long. */
static void test_idem__what_was_begun_counts_as_done_after_a_while(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    bool found;
    int status;
    shop_begin(shop);
    OK(idem_begin(shop->ctx, SLICE("k"), ROUTE, SLICE("{}")));
    shop_commit(shop);
    shop->ctx->now_ms += IDEMPOTENCY_BEGUN_MS - 1;
    assert_int_equal(find(shop, "k", "{}", &found, &status, &answer), ERR_BUSY);
    assert_false(found);
    shop->ctx->now_ms += 1;
    OK(find(shop, "k", "{}", &found, &status, &answer));
    assert_true(found);
    assert_int_equal(status, 200);
    assert_string_equal(buf_cstr(&answer), IDEM_TOO_LONG);
    buf_release(&answer);
}

static void test_idem__a_key_must_be_plain(void **state)
{
    struct shop *shop = *state;
    struct buf answer = BUF_INIT;
    char too_long[IDEMPOTENCY_KEY_MAX + 2] = "";
    bool found;
    int status;
    memset(too_long, 'k', IDEMPOTENCY_KEY_MAX + 1);
    assert_int_equal(find(shop, "", "{}", &found, &status, &answer), ERR_MALFORMED);
    assert_int_equal(find(shop, "a b", "{}", &found, &status, &answer), ERR_MALFORMED);
    assert_int_equal(find(shop, too_long, "{}", &found, &status, &answer), ERR_MALFORMED);
    buf_release(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idem__gives_the_first_answer_again),
        TEST(test_idem__another_request_under_the_key_is_refused),
        TEST(test_idem__keys_belong_to_who_used_them),
        TEST(test_idem__a_key_of_the_user_is_another_actor),
        TEST(test_idem__says_when_rights_have_moved),
        TEST(test_idem__failures_and_long_answers_are_not_kept_word_for_word),
        TEST(test_idem__is_forgotten_after_a_day),
        TEST(test_idem__what_was_begun_counts_as_done_after_a_while),
        TEST(test_idem__a_key_must_be_plain),
    };
    return cmocka_run_group_tests_name("record/idem", tests, NULL, NULL);
}
