/* test_plugins - which plugins a company uses, and their settings.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define PLUGINS "/api/v1/admin/plugins"

static const char *state_of(struct fixture *f, const char *who, const char *id)
{
    assert_int_equal(fixture_call(f, who, "GET", PLUGINS, NULL), 200);
    json_each(item, json_get(f->json, "items"))
    {
        if (slice_is(json_str(item, "id", SLICE("")), id))
            return json_cstr(item, "state", "");
    }
    return "";
}

static void test_plugins__are_listed_with_title_state_and_fault(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(state_of(f, "root", "core"), "enabled");
    assert_string_equal(state_of(f, "root", "shop"), "enabled");
    assert_non_null(strstr(f->text, "\"title\":\"Shop\""));
    assert_string_equal(state_of(f, "root", "trade"), "disabled");
    assert_non_null(strstr(f->text, "torn/plugin.json:1"));
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/shop/disable", "{}"), 200);
    assert_string_equal(state_of(f, "root", "shop"), "disabled");
    assert_non_null(strstr(f->text, "\"title\":\"Shop\"")); /* from its own file now */
    fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "kim", "GET", PLUGINS, NULL), 403);
}

static void test_plugins__what_is_needed_comes_along_and_holds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/shop/disable", "{}"), 200);
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/meta/ware", NULL), 404);
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/trade/enable", "{}"), 200);
    assert_string_equal(fixture_at(f, "enabled"), "[\"shop\",\"trade\"]");
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/meta/ware", NULL), 200);
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/shop/disable", "{}"), 409);
    assert_string_equal(fixture_at(f, "error.code"), "plugin_needed");
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/trade/enable", "{}"), 200);
    assert_string_equal(fixture_at(f, "enabled"), "[]");
    assert_string_equal(state_of(f, "root@bolt", "trade"), "disabled");
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/trade/disable", "{}"), 200);
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/shop/disable", "{}"), 200);
    fixture_audited(f, "plugin.enable");
    fixture_audited(f, "plugin.disable");
}

static void test_plugins__broken_and_unknown_ones_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/later/enable", "{}"), 409);
    assert_string_equal(fixture_at(f, "error.code"), "plugin_broken");
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/torn/enable", "{}"), 409);
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/nothing/enable", "{}"), 404);
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/core/disable", "{}"), 409);
    assert_string_equal(fixture_at(f, "error.code"), "plugin_is_core");
    assert_int_equal(fixture_call(f, "root", "POST", PLUGINS "/shop/enable", "{\"x\":1}"), 422);
}

static void test_plugins__settings_are_checked_and_secrets_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "GET", PLUGINS "/shop/config", NULL), 200);
    assert_string_equal(fixture_at(f, "greeting"), "Hello");
    assert_string_equal(fixture_at(f, "most"), "30");
    assert_string_equal(fixture_at(f, "key"), "null");
    const char *good = fixture_print(
        f,
        "{\"most\":500,\"share\":\"0.5\",\"open\":false,\"size\":\"large\",\"days\":[\"mon\"],"
        "\"site\":\"https://a.test\",\"mail\":\"a@b\",\"since\":\"2026-01-31\",\"boss\":\"%s\","
        "\"key\":\"hunter2hunter2\"}",
        f->users[0].id);
    assert_int_equal(fixture_call(f, "root", "PUT", PLUGINS "/shop/config", good), 200);
    assert_null(strstr(f->text, "hunter2"));
    assert_string_equal(fixture_at(f, "most"), "500");
    assert_string_equal(fixture_at(f, "greeting"), "Hello");
    assert_int_equal(fixture_call(f, "root", "PUT", PLUGINS "/shop/config",
                                  "{\"key\":\"********\",\"most\":null}"),
                     200);
    assert_string_equal(fixture_at(f, "key"), "********");
    assert_string_equal(fixture_at(f, "most"), "30");
    assert_string_equal(fixture_at(f, "size"), "large");
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/admin/audit", NULL), 200);
    assert_null(strstr(f->text, "hunter2"));
    assert_int_equal(fixture_call(f, "root@bolt", "GET", PLUGINS "/shop/config", NULL), 200);
    assert_string_equal(fixture_at(f, "size"), "null");

    static const char *const bad[][3] = {
        {"most", "{\"most\":501}", "too_large"},
        {"most", "{\"most\":0}", "too_small"},
        {"most", "{\"most\":\"9\"}", "not_a_number"},
        {"share", "{\"share\":1.5}", "too_large"},
        {"open", "{\"open\":1}", "not_a_bool"},
        {"size", "{\"size\":\"x\"}", "not_in_list"},
        {"days", "{\"days\":[\"x\"]}", "not_in_list"},
        {"site", "{\"site\":\"ftp://x\"}", "bad_url"},
        {"mail", "{\"mail\":\"nobody\"}", "bad_email"},
        {"since", "{\"since\":\"soon\"}", "bad_date"},
        {"boss", "{\"boss\":\"0000000000001\"}", "bad_ref"},
        {"none", "{\"none\":1}", "unknown_field"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fixture_call(f, "root", "PUT", PLUGINS "/shop/config", bad[i][1]), 422);
        assert_string_equal(fixture_complaint(f, bad[i][0]), bad[i][2]);
    }
    assert_int_equal(fixture_call(f, "root", "GET", PLUGINS "/nothing/config", NULL), 404);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_plugins__are_listed_with_title_state_and_fault),
        TEST(test_plugins__what_is_needed_comes_along_and_holds),
        TEST(test_plugins__broken_and_unknown_ones_are_refused),
        TEST(test_plugins__settings_are_checked_and_secrets_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
