/* test_settings - the company's own settings and dictionaries.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define SETTINGS "/api/v1/admin/settings"
#define REGION   "/api/v1/admin/dictionaries/region"

static void test_settings__are_changed_and_seen_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "GET", SETTINGS, NULL), 200);
    assert_string_equal(fixture_at(f, "title"), "acme");
    assert_string_equal(fixture_at(f, "timezone"), "Asia/Shanghai");
    assert_string_equal(fixture_at(f, "password_policy"), "asvs");
    assert_string_equal(fixture_at(f, "session_idle_minutes"), "480");
    assert_int_equal(fixture_call(f, "root", "PATCH", SETTINGS,
                                  "{\"title\":\"Acme Ltd\",\"locale\":\"en\",\"currency\":\"USD\","
                                  "\"timezone\":\"Europe/Berlin\",\"session_idle_minutes\":60}"),
                     200);
    assert_string_equal(fixture_at(f, "title"), "Acme Ltd");
    assert_string_equal(fixture_at(f, "currency"), "USD");
    assert_string_equal(fixture_at(f, "session_idle_minutes"), "60");
    assert_int_equal(fixture_call(f, "root", "GET", SETTINGS, NULL), 200);
    assert_string_equal(fixture_at(f, "timezone"), "Europe/Berlin");
    assert_string_equal(fixture_at(f, "locale"), "en");
    assert_int_equal(fixture_call(f, "root", "PATCH", SETTINGS,
                                  "{\"password_policy\":\"dengbao\",\"session_idle_minutes\":31}"),
                     422);
    assert_string_equal(fixture_complaint(f, "session_idle_minutes"), "too_large");
    fixture_audited(f, "settings.change");
    fixture_audited(f, "policy.change");
    assert_int_equal(
        fixture_call(f, "root", "PATCH", SETTINGS, "{\"password_policy\":\"dengbao\"}"), 200);
    assert_string_equal(fixture_at(f, "session_idle_minutes"), "30");
    /* …and asks administrators for a second factor before anything else */
    assert_int_equal(fixture_call(f, "root", "GET", SETTINGS, NULL), 403);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", SETTINGS, NULL), 200);
    assert_string_equal(fixture_at(f, "title"), "bolt");
}

static void test_settings__body_is_checked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        fixture_call(
            f, "root", "PATCH", SETTINGS,
            "{\"title\":\" \",\"locale\":\"fr\",\"currency\":\"ABC\",\"timezone\":\"Moon\","
            "\"password_policy\":\"none\",\"name\":\"x\"}"),
        422);
    assert_string_equal(fixture_complaint(f, "title"), "required");
    assert_string_equal(fixture_complaint(f, "locale"), "not_in_list");
    assert_string_equal(fixture_complaint(f, "currency"), "bad_currency");
    assert_string_equal(fixture_complaint(f, "timezone"), "bad_timezone");
    assert_string_equal(fixture_complaint(f, "password_policy"), "not_in_list");
    assert_string_equal(fixture_complaint(f, "name"), "unknown_field");
    fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "kim", "GET", SETTINGS, NULL), 403);
    assert_int_equal(fixture_call(f, "kim", "PATCH", SETTINGS, "{\"title\":\"x\"}"), 403);
    assert_int_equal(fixture_call(f, NOBODY, "GET", SETTINGS, NULL), 401);
}

static void test_settings__a_dictionary_becomes_the_company_s_own(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "GET", REGION, NULL), 200);
    assert_string_equal(fixture_at(f, "source"), "plugin");
    assert_string_equal(fixture_at(f, "values.0.value"), "east");
    assert_string_equal(fixture_at(f, "values.0.label.zh-CN"), "东区");
    assert_string_equal(fixture_at(f, "values.0.label.en"), "East");
    assert_string_equal(fixture_at(f, "values.2.parent"), "east");
    assert_int_equal(
        fixture_call(
            f, "root", "PUT", REGION,
            "{\"values\":[{\"value\":\"south\",\"label\":{\"zh-CN\":\"南区\",\"en\":\"South\"}},"
            "{\"value\":\"east\",\"active\":false},{\"value\":\"bay\",\"parent\":\"south\"}]}"),
        200);
    assert_string_equal(fixture_at(f, "source"), "tenant");
    assert_string_equal(fixture_at(f, "values.0.label.en"), "South");
    assert_int_equal(fixture_call(f, "root", "GET", REGION, NULL), 200);
    assert_string_equal(fixture_at(f, "values.0.value"), "south");
    assert_string_equal(fixture_at(f, "values.1.active"), "false");
    assert_string_equal(fixture_at(f, "values.2.parent"), "south");
    assert_int_equal(fixture_call(f, "root@bolt", "GET", REGION, NULL), 200);
    assert_string_equal(fixture_at(f, "source"), "plugin");
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/admin/dictionaries", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.name"), "region");
    assert_string_equal(fixture_at(f, "items.0.count"), "3");
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/admin/dictionaries/none", NULL), 404);
    fixture_audited(f, "dictionary.put");
}

static void test_settings__a_value_in_use_may_not_be_taken_away(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/records/ware",
                                  "{\"name\":\"net\",\"region\":\"west\"}"),
                     201);
    assert_int_equal(fixture_call(f, "root", "PUT", REGION, "{\"values\":[{\"value\":\"east\"}]}"),
                     409);
    assert_string_equal(fixture_at(f, "error.code"), "value_in_use");
    assert_string_equal(fixture_at(f, "error.used.0.value"), "west");
    assert_non_null(strstr(fixture_at(f, "error.message"), "west (1)"));
    assert_int_equal(fixture_call(f, "root", "PUT", REGION,
                                  "{\"values\":[{\"value\":\"west\",\"active\":false}]}"),
                     200);
    assert_int_equal(fixture_call(f, "root", "PUT", REGION, "{\"values\":[]}"), 409);
}

static void test_settings__a_dictionary_s_values_are_checked(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[][3] = {
        {"values[1].value", "{\"values\":[{\"value\":\"a\"},{\"value\":\"a\"}]}", "given_twice"},
        {"values[0].parent", "{\"values\":[{\"value\":\"a\",\"parent\":\"b\"}]}", "bad_ref"},
        {"values[0].parent",
         "{\"values\":[{\"value\":\"a\",\"parent\":\"b\"},{\"value\":\"b\",\"parent\":\"a\"}]}",
         "parent_cycle"},
        {"values[0].parent", "{\"values\":[{\"value\":\"a\",\"parent\":\"a\"}]}", "parent_cycle"},
        {"values[0].value", "{\"values\":[{\"label\":\"a\"}]}", "required"},
        {"values[0].colour", "{\"values\":[{\"value\":\"a\",\"colour\":1}]}", "unknown_field"},
        {"values[0].label", "{\"values\":[{\"value\":\"a\",\"label\":{\"fr\":\"x\"}}]}",
         "bad_value"},
        {"values[0]", "{\"values\":[1]}", "not_an_object"},
        {"values", "{\"values\":{}}", "not_a_list"},
        {"values", "{}", "required"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fixture_call(f, "root", "PUT", REGION, bad[i][1]), 422);
        assert_string_equal(fixture_complaint(f, bad[i][0]), bad[i][2]);
    }
    assert_int_equal(
        fixture_call(f, "root", "PUT", "/api/v1/admin/dictionaries/Bad-Name", "{\"values\":[]}"),
        404);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_settings__are_changed_and_seen_at_once),
        TEST(test_settings__body_is_checked),
        TEST(test_settings__a_dictionary_becomes_the_company_s_own),
        TEST(test_settings__a_value_in_use_may_not_be_taken_away),
        TEST(test_settings__a_dictionary_s_values_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
