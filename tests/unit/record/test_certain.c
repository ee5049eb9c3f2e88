/* test_certain - what stands in a savepoint and is refused takes nothing along but itself, however
 * sure the save was that nothing more could happen to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "shop.h"

/* Of longtext: as a row they fit, and written out in the change log no more. */
#define PAGES      150
#define PAGE_BYTES 65536

static const struct entity *essay(struct shop *shop)
{
    return place_entity(&shop->place, "essay");
}

static int setup(void **state)
{
    struct buf text = BUF_INIT;
    int failed = shop_setup(state);
    struct shop *shop = *state;
    buf_put_str(&text, "{\"name\":\"essay\",\"title\":\"name\",\"fields\":["
                       "{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"required\":true},"
                       "{\"no\":2,\"name\":\"code\",\"type\":\"text\",\"unique\":true}");
    for (int i = 0; i < PAGES; i++)
        buf_printf(&text, ",{\"no\":%d,\"name\":\"page_%d\",\"type\":\"longtext\"}", i + 3, i);
    buf_put_str(&text, "]}");
    place_plugin(&shop->place, "library", NULL);
    place_write(&shop->place, "library/entities/essay.json", buf_cstr(&text));
    place_ready(&shop->place, "library", NULL);
    buf_release(&text);
    return failed;
}

/* As a script writes: in a savepoint of its own, in a transaction that others have written in. */
static enum err write_alone(struct shop *shop, const struct json *body)
{
    struct store *store = shop->place.tenant->store;
    struct record *record;
    OK(store_savepoint(store));
    enum err e = record_new(shop->ctx, essay(shop), &record);
    if (!e)
        e = record_set_json(shop->ctx, record, body);
    if (e)
        return store_savepoint_end(store, e);
    record->is_alone = true;
    return store_savepoint_end(store, record_save(shop->ctx, record, 0));
}

static enum err write_text(struct shop *shop, const char *text)
{
    return write_alone(shop, place_json(&shop->place, text));
}

static int64_t essays(struct shop *shop)
{
    return shop_count(shop, essay(shop)->table, NULL);
}

static void test_certain__a_change_too_long_for_the_log_goes_alone(void **state)
{
    struct shop *shop = *state;
    struct arena *arena = shop->place.arena;
    struct json *body = json_new(arena, JSON_OBJECT);
    char *page = arena_alloc(arena, PAGE_BYTES);
    memset(page, '"', PAGE_BYTES);
    json_add(arena, body, "name", json_new_str(arena, SLICE("long")));
    for (int i = 0; i < PAGES; i++)
        json_add(arena, body, arena_printf(arena, "page_%d", i),
                 json_new_str(arena, slice_of(page, PAGE_BYTES)));
    shop_begin(shop);
    OK(write_text(shop, "{\"name\":\"before\"}"));
    assert_int_equal(write_alone(shop, body), ERR_TOO_LARGE);
    OK(write_text(shop, "{\"name\":\"behind\"}"));
    shop_commit(shop);
    assert_int_equal(essays(shop), 2);
    assert_int_equal(shop_count(shop, "change", NULL), 2);
}

static void test_certain__a_conflict_goes_alone(void **state)
{
    struct shop *shop = *state;
    shop_begin(shop);
    OK(write_text(shop, "{\"name\":\"a\",\"code\":\"x\"}"));
    assert_int_equal(write_text(shop, "{\"name\":\"b\",\"code\":\"x\"}"), ERR_CONFLICT);
    OK(write_text(shop, "{\"name\":\"c\"}"));
    shop_commit(shop);
    assert_int_equal(essays(shop), 2);
    assert_int_equal(shop_count(shop, "change", NULL), 2);
}

static enum err veto(struct ctx *ctx, struct event *event, void *arg)
{
    const struct record *record = event->record;
    const struct value *name = &record->now[entity_field(record->entity, SLICE("name"))->slot];
    (void)arg;
    return slice_is(name->bytes, "bad") ? err_say(&ctx->err, ERR_VALIDATION, "no_thanks", NULL)
                                        : ERR_OK;
}

static void refused_by(struct shop *shop, const char *entity, enum hook_moment moment)
{
    shop_on(shop, entity, moment, "v", 500, veto, NULL);
    shop_seal(shop);
    shop_begin(shop);
    OK(write_text(shop, "{\"name\":\"a\"}"));
    assert_int_equal(write_text(shop, "{\"name\":\"bad\"}"), ERR_VALIDATION);
    OK(write_text(shop, "{\"name\":\"c\"}"));
    shop_commit(shop);
    assert_int_equal(essays(shop), 2);
}

static void test_certain__what_a_handler_refuses_goes_alone(void **state)
{
    refused_by(*state, "essay", HOOK_AFTER_CREATE);
}

static void test_certain__also_one_of_all_entities(void **state)
{
    refused_by(*state, "*", HOOK_AFTER_CREATE);
}

static void test_certain__also_what_waits_for_the_commit(void **state)
{
    refused_by(*state, "essay", HOOK_AFTER_COMMIT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_certain__##name, setup, shop_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_change_too_long_for_the_log_goes_alone), TEST(a_conflict_goes_alone),
        TEST(what_a_handler_refuses_goes_alone),        TEST(also_one_of_all_entities),
        TEST(also_what_waits_for_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
