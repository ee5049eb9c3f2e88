/* test_delete - soft delete with what hangs on it, restore of the whole batch, purge.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

#include "base/limits.h"

static int64_t child(struct shop *shop, const struct entity *entity, int64_t customer)
{
    const char *title = entity == shop->order ? "subject" : "name";
    return shop_make(shop, entity,
                     arena_printf(shop->place.arena, "{\"%s\":\"x\",\"customer\":%s}", title,
                                  shop_id(shop, customer)));
}

static bool is_deleted(struct shop *shop, const struct entity *entity, int64_t id)
{
    return shop_int(shop, entity, id, "deleted_at") != 0;
}

static enum err restore(struct shop *shop, const struct entity *entity, int64_t id)
{
    struct record *record;
    shop_begin(shop);
    enum err e = record_restore(shop->ctx, entity, id, &record);
    if (e)
        shop_rollback(shop);
    else
        shop_commit(shop);
    return e;
}

static void test_delete__what_belongs_to_it_goes_along_and_comes_back(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    int64_t order = child(shop, shop->order, ada), note = child(shop, shop->note, ada);
    OK(shop_delete(shop, shop->customer, ada));
    assert_true(is_deleted(shop, shop->customer, ada));
    assert_true(is_deleted(shop, shop->order, order));
    assert_int_equal(shop_int(shop, shop->order, order, "delete_batch"),
                     shop_int(shop, shop->customer, ada, "delete_batch"));
    assert_false(is_deleted(shop, shop->note, note));
    assert_string_equal(shop_get(shop, shop->note, note, "customer"), "null");
    assert_int_equal(shop_int(shop, shop->note, note, "version"), 2);

    OK(restore(shop, shop->order, order)); /* any of them brings back all */
    assert_false(is_deleted(shop, shop->customer, ada));
    assert_false(is_deleted(shop, shop->order, order));
    assert_int_equal(shop_int(shop, shop->note, note, "customer"), ada);
    assert_int_equal(shop_int(shop, shop->customer, ada, "orders"), 1);
}

static void test_delete__a_reference_that_is_filled_since_stays(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    int64_t note = child(shop, shop->note, ada);
    OK(shop_delete(shop, shop->customer, ada));
    OK(shop_update(shop, shop->note, note,
                   arena_printf(shop->place.arena, "{\"customer\":%s}", shop_id(shop, bob)), 0));
    OK(restore(shop, shop->customer, ada));
    assert_int_equal(shop_int(shop, shop->note, note, "customer"), bob);
}

static void test_delete__is_refused_while_something_needs_it(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    int64_t invoice = child(shop, shop->invoice, ada);
    (void)child(shop, shop->invoice, ada);
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_CONFLICT);
    assert_string_equal(shop->ctx->err.code, "is_referred_to");
    assert_non_null(strstr(shop->ctx->err.extra, "{\"entity\":\"invoice\",\"field\":\"customer\","
                                                 "\"count\":2}"));
    assert_false(is_deleted(shop, shop->customer, ada));
    OK(shop_delete(shop, shop->invoice, invoice));
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_CONFLICT);
}

static void test_delete__validators_may_refuse(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    shop_on(shop, "customer", HOOK_BEFORE_DELETE, "b", 1, shop_log, "before");
    shop_on(shop, "customer", HOOK_VALIDATE_DELETE, "v", 1, shop_log, "validate");
    shop_on(shop, "customer", HOOK_AFTER_DELETE, "a", 1, shop_log, "after");
    shop_seal(shop);
    OK(shop_delete(shop, shop->customer, ada));
    assert_string_equal(buf_cstr(&shop->log), "before validate after");
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_NOT_FOUND);
}

static void test_delete__restoring_names_who_took_the_value(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\",\"code\":\"x\"}");
    OK(shop_delete(shop, shop->customer, ada));
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\",\"code\":\"x\"}");
    assert_int_equal(restore(shop, shop->customer, ada), ERR_CONFLICT);
    assert_string_equal(shop_complaints(shop), "code:not_unique");
    assert_non_null(strstr(shop->ctx->err.extra, shop_id(shop, bob)));
    assert_true(is_deleted(shop, shop->customer, ada));
}

static void test_delete__an_old_version_is_refused(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    OK(shop_update(shop, shop->customer, ada, "{\"name\":\"Eve\"}", 0));
    shop_begin(shop);
    assert_int_equal(record_delete(shop->ctx, shop->customer, ada, 1), ERR_VERSION);
    shop_rollback(shop);
}

static void test_delete__needs_the_right(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    shop_as(shop, 5, "{\"name\":\"r\",\"grants\":{\"customer\":{\"read\":\"all\"}}}");
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_FORBIDDEN);
    shop_as(shop, 5, "{\"name\":\"r\",\"grants\":{\"customer\":{\"delete\":\"own\"}}}");
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_NOT_FOUND);
    shop_as(shop, 5, "{\"name\":\"r\",\"grants\":{\"customer\":{\"delete\":\"all\"}}}");
    OK(shop_delete(shop, shop->customer, ada));
    shop_as(shop, 5, "{\"name\":\"r\",\"grants\":{\"customer\":{\"read\":\"all\"}}}");
    assert_int_equal(restore(shop, shop->customer, ada), ERR_FORBIDDEN);
}

static void test_delete__is_purged_when_its_time_has_come(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    int purged;
    OK(shop_delete(shop, shop->customer, ada));
    shop->ctx->now_ms += DELETED_KEEP_MS / 2;
    OK(shop_delete(shop, shop->customer, bob));
    shop->ctx->now_ms += DELETED_KEEP_MS / 2 + 1;
    shop_begin(shop);
    OK(record_purge(shop->ctx, 10, &purged));
    shop_commit(shop);
    assert_int_equal(purged, 1);
    assert_int_equal(shop_count(shop, shop->customer->table, shop_eq(shop, "id", ada)), 0);
    assert_int_equal(shop_count(shop, "visit", shop_eq(shop, "record", ada)), 0);
    assert_true(is_deleted(shop, shop->customer, bob));
    assert_int_equal(restore(shop, shop->customer, ada), ERR_NOT_FOUND);
}

/* Notes that point at the customer, in one transaction. */
static void add_notes(struct shop *shop, int64_t customer, int count)
{
    const char *body = arena_printf(shop->place.arena, "{\"name\":\"x\",\"customer\":%s}",
                                    shop_id(shop, customer));
    const struct json *note = place_json(&shop->place, body);
    shop_begin(shop);
    for (int i = 0; i < count; i++)
        OK(record_create_json(shop->ctx, shop->note, note, NULL, NULL));
    shop_commit(shop);
}

static void test_delete__so_many_may_point_at_it_and_no_more(void **state)
{
    struct shop *shop = *state;
    int64_t ada = shop_make(shop, shop->customer, "{\"name\":\"Ada\"}");
    add_notes(shop, ada, REFERRERS_MAX + 1);
    assert_int_equal(shop_delete(shop, shop->customer, ada), ERR_CONFLICT);
    assert_string_equal(shop->ctx->err.code, "too_many_referrers");
    assert_false(is_deleted(shop, shop->customer, ada));
    int64_t cleared = shop_count(shop, shop->note->table, shop_eq(shop, "version", 2));
    assert_int_equal(cleared, 0);

    int64_t bob = shop_make(shop, shop->customer, "{\"name\":\"Bob\"}");
    add_notes(shop, bob, REFERRERS_MAX);
    OK(shop_delete(shop, shop->customer, bob));
    cleared = shop_count(shop, shop->note->table, shop_eq(shop, "version", 2));
    assert_int_equal(cleared, REFERRERS_MAX);
}

/* Deletes `count` new notes as one batch, as the undo of an import does; gives one of them. */
static int64_t delete_together(struct shop *shop, int count, int64_t batch)
{
    const struct json *body = place_json(&shop->place, "{\"name\":\"together\"}");
    int64_t id = 0;
    shop_begin(shop);
    for (int i = 0; i < count; i++) {
        OK(record_create_json(shop->ctx, shop->note, body, &id, NULL));
        shop->unit.delete_batch = batch;
        OK(record_delete(shop->ctx, shop->note, id, 0));
        shop->unit.delete_batch = 0;
    }
    shop_commit(shop);
    return id;
}

static int64_t still_deleted(struct shop *shop, int64_t batch)
{
    return shop_count(shop, shop->note->table, shop_eq(shop, "delete_batch", batch));
}

static void test_delete__so_many_come_back_together_and_no_more(void **state)
{
    struct shop *shop = *state;
    int64_t one = delete_together(shop, DELETE_BATCH_MAX, 777);
    OK(restore(shop, shop->note, one));
    assert_int_equal(still_deleted(shop, 777), 0);
    one = delete_together(shop, DELETE_BATCH_MAX + 1, 778);
    OK(restore(shop, shop->note, one)); /* this one alone */
    assert_false(is_deleted(shop, shop->note, one));
    assert_int_equal(still_deleted(shop, 778), DELETE_BATCH_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_setup, shop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_delete__what_belongs_to_it_goes_along_and_comes_back),
        TEST(test_delete__a_reference_that_is_filled_since_stays),
        TEST(test_delete__is_refused_while_something_needs_it),
        TEST(test_delete__validators_may_refuse),
        TEST(test_delete__restoring_names_who_took_the_value),
        TEST(test_delete__an_old_version_is_refused),
        TEST(test_delete__needs_the_right),
        TEST(test_delete__is_purged_when_its_time_has_come),
        TEST(test_delete__so_many_may_point_at_it_and_no_more),
        TEST(test_delete__so_many_come_back_together_and_no_more),
    };
    return cmocka_run_group_tests_name("record/delete", tests, NULL, NULL);
}
