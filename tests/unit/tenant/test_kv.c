/* test_kv - values by key on a real store: limits, expiry, counting, lists.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "place.h"
#include "tenant/kv.h"

#define OK(call) assert_int_equal((call), ERR_OK)

struct fixture {
    struct place place;
    struct tenant tenant;
    struct ctx ctx;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    place_open(&f.place);
    const char *why = "",
               *path = arena_printf(f.place.arena, "%s/tenants/acme/tenant.db", f.place.data);
    struct control_tenant spec = {.name = "acme", .worker = -1};
    OK(control_init(f.place.data, &why));
    OK(tenant_create(f.place.data, &spec, &why));
    OK(store_open(path, STORE_OWNER, &f.tenant.store));
    OK(store_begin(f.tenant.store, true));
    ctx_init(&f.ctx, f.place.arena);
    f.ctx.tenant = &f.tenant;
    f.ctx.now_ms = 1000000;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_rollback(f->tenant.store);
    store_close(f->tenant.store);
    place_close(&f->place);
    return 0;
}

static enum err put(struct fixture *f, const char *plugin, const char *key, const char *text,
                    int64_t expires_at_ms)
{
    struct json *value = json_new_str(f->place.arena, slice_str(text));
    return kv_put(&f->ctx, plugin, key, value, expires_at_ms);
}

static const char *get(struct fixture *f, const char *plugin, const char *key)
{
    const struct json *value;
    OK(kv_get(&f->ctx, plugin, key, &value));
    return value ? value->text.at : NULL;
}

static void test_kv__each_plugin_has_its_own(void **state)
{
    struct fixture *f = *state;
    bool was_there = true;
    OK(put(f, "leads", "a", "one", 0));
    OK(put(f, "leads", "a", "two", 0));
    assert_string_equal(get(f, "leads", "a"), "two");
    assert_null(get(f, "tickets", "a"));
    OK(kv_delete(&f->ctx, "tickets", "a", &was_there));
    assert_false(was_there);
    OK(kv_delete(&f->ctx, "leads", "a", &was_there));
    assert_true(was_there);
    assert_null(get(f, "leads", "a"));
}

static void test_kv__what_has_expired_is_gone(void **state)
{
    struct fixture *f = *state;
    int64_t left;
    OK(put(f, "leads", "a", "one", f->ctx.now_ms + 1000));
    OK(put(f, "leads", "b", "two", 0));
    f->ctx.now_ms += 999;
    assert_string_equal(get(f, "leads", "a"), "one");
    f->ctx.now_ms += 1;
    assert_null(get(f, "leads", "a"));
    OK(kv_sweep(&f->tenant, f->ctx.now_ms));
    OK(store_count(f->tenant.store, "kv", NULL, 10, &left));
    assert_int_equal(left, 1);
    assert_string_equal(get(f, "leads", "b"), "two");
}

static void test_kv__counts_from_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t n;
    OK(kv_add(&f->ctx, "leads", "n", 1, f->ctx.now_ms + 1000, &n));
    assert_int_equal(n, 1);
    f->ctx.now_ms += 900;
    OK(kv_add(&f->ctx, "leads", "n", 41, f->ctx.now_ms + 1000, &n));
    assert_int_equal(n, 42);
    f->ctx.now_ms += 100; /* the first one's time counts */
    OK(kv_add(&f->ctx, "leads", "n", -1, 0, &n));
    assert_int_equal(n, -1);
    OK(kv_add(&f->ctx, "leads", "n", INT64_MIN + 1, 0, &n));
    assert_int_equal(kv_add(&f->ctx, "leads", "n", -1, 0, &n), ERR_TOO_LARGE);
    OK(put(f, "leads", "n", "text", 0));
    assert_int_equal(kv_add(&f->ctx, "leads", "n", 1, 0, &n), ERR_CONFLICT);
}

static void test_kv__sizes_at_their_limits(void **state)
{
    struct fixture *f = *state;
    char key[KV_KEY_BYTES_MAX + 2], text[KV_VALUE_BYTES_MAX];
    memset(key, 'k', sizeof key);
    memset(text, 't', sizeof text);
    key[KV_KEY_BYTES_MAX] = 0;
    text[KV_VALUE_BYTES_MAX - 2] = 0; /* with its quotes it fits */
    OK(put(f, "leads", key, text, 0));
    text[KV_VALUE_BYTES_MAX - 2] = 't';
    text[KV_VALUE_BYTES_MAX - 1] = 0;
    assert_int_equal(put(f, "leads", "a", text, 0), ERR_TOO_LARGE);
    key[KV_KEY_BYTES_MAX] = 'k';
    key[KV_KEY_BYTES_MAX + 1] = 0;
    assert_int_equal(put(f, "leads", key, "a", 0), ERR_TOO_LARGE);
    assert_int_equal(put(f, "leads", "", "a", 0), ERR_TOO_LARGE);
}

static void test_kv__a_plugin_keeps_so_many_keys(void **state)
{
    struct fixture *f = *state;
    struct json one = {.type = JSON_INT, .integer = 1};
    char key[16];
    for (int i = 0; i < KV_KEYS_MAX; i++) {
        struct store_set sets[] = {{"plugin", value_text(SLICE("leads")), false},
                                   {"key", {0}, false},
                                   {"value", value_text(SLICE("1")), false}};
        snprintf(key, sizeof key, "%05d", i);
        sets[1].value = value_text(slice_str(key));
        OK(store_insert(f->tenant.store, "kv", sets, 3, NULL));
    }
    assert_int_equal(kv_put(&f->ctx, "leads", "one more", &one, 0), ERR_TOO_LARGE);
    OK(kv_put(&f->ctx, "leads", "00007", &one, 0)); /* no new one */
    OK(kv_put(&f->ctx, "tickets", "one more", &one, 0));
}

struct seen {
    char text[256];
    int count;
};

static bool see(void *arg, const char *key, const struct json *value)
{
    struct seen *seen = arg;
    assert_non_null(value);
    if (strlen(seen->text) + strlen(key) + 2 < sizeof seen->text)
        strcat(strcat(seen->text, key), " ");
    seen->count++;
    return true;
}

static void test_kv__lists_by_prefix_in_order(void **state)
{
    static const char *const keys[] = {"b", "a:2", "a:10", "a%1", "a", "a:1", "é", "A:1"};
    struct fixture *f = *state;
    struct seen seen = {0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        OK(put(f, "leads", keys[i], "x", 0));
    OK(put(f, "leads", "a:0", "x", 1));
    OK(kv_list(&f->ctx, "leads", "a:", NULL, see, &seen));
    assert_string_equal(seen.text, "a:1 a:10 a:2 ");
    seen = (struct seen){0};
    OK(kv_list(&f->ctx, "leads", "a:", "a:10", see, &seen));
    assert_string_equal(seen.text, "a:2 ");
    seen = (struct seen){0};
    OK(kv_list(&f->ctx, "leads", "", NULL, see, &seen));
    assert_int_equal(seen.count, 8);
    for (int i = 0; i < KV_LIST_MAX + 1; i++)
        OK(put(f, "leads", arena_printf(f->place.arena, "many:%d", i), "x", 0));
    seen = (struct seen){0};
    OK(kv_list(&f->ctx, "leads", "many:", NULL, see, &seen));
    assert_int_equal(seen.count, KV_LIST_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_kv__each_plugin_has_its_own),     TEST(test_kv__what_has_expired_is_gone),
        TEST(test_kv__counts_from_nothing),         TEST(test_kv__sizes_at_their_limits),
        TEST(test_kv__a_plugin_keeps_so_many_keys), TEST(test_kv__lists_by_prefix_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
