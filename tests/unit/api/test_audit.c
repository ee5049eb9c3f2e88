/* test_audit - reading the log of security events.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define AUDIT "/api/v1/admin/audit"

static void test_audit__newest_first_with_filters_and_pages(void **state)
{
    struct fixture *f = *state;
    const char *kim = fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "root", "PATCH",
                                  fixture_print(f, "/api/v1/admin/users/%s", kim),
                                  "{\"active\":false}"),
                     200);
    assert_int_equal(fixture_call(f, "root", "GET", AUDIT "?action=user.*", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.action"), "user.disable");
    assert_string_equal(fixture_at(f, "items.0.record"), kim);
    assert_string_equal(fixture_at(f, "items.0.actor"), f->users[0].id);
    assert_string_equal(fixture_at(f, "items.0.actor_name"), "root");
    assert_string_equal(fixture_at(f, "items.0.address"), "10.0.0.1");
    assert_int_equal(strlen(fixture_at(f, "items.0.hash")), 64);
    assert_string_equal(fixture_at(f, "items.1.action"), "user.create");
    assert_string_equal(fixture_at(f, "items.1.detail.roles"), "[\"viewer\"]");

    assert_int_equal(fixture_call(f, "root", "GET", AUDIT "?limit=1&action=user.*", NULL), 200);
    const char *cursor = fixture_at(f, "next");
    assert_int_equal(
        fixture_call(f, "root", "GET",
                     fixture_print(f, AUDIT "?limit=1&action=user.*&cursor=%s", cursor), NULL),
        200);
    assert_string_equal(fixture_at(f, "items.0.action"), "user.create");
    assert_int_equal(
        fixture_call(f, "root", "GET", fixture_print(f, AUDIT "?cursor=%s", cursor), NULL), 400);
    assert_int_equal(fixture_call(f, "root", "GET", fixture_print(f, AUDIT "?actor=%s", kim), NULL),
                     200);
    assert_null(strstr(f->text, "user.disable"));
    assert_int_equal(fixture_call(f, "root", "GET", AUDIT "?to=2001-01-01", NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    assert_int_equal(fixture_call(f, "root", "GET", AUDIT "?from=2001-01-01T00:00:00Z", NULL), 200);
    assert_string_not_equal(fixture_at(f, "items"), "[]");
    assert_int_equal(
        fixture_call(f, "root", "GET", fixture_print(f, AUDIT "?entity=user&record=%s", kim), NULL),
        200);
    assert_string_not_equal(fixture_at(f, "items"), "[]");
}

static void test_audit__is_for_its_area_and_its_company(void **state)
{
    struct fixture *f = *state;
    const char *kim = fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, NOBODY, "GET", AUDIT, NULL), 401);
    assert_int_equal(fixture_call(f, "kim", "GET", AUDIT, NULL), 403);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", AUDIT, NULL), 200);
    assert_null(strstr(f->text, kim));
    assert_int_equal(fixture_call(f, "root", "DELETE", AUDIT, NULL), 405);
    assert_int_equal(
        fixture_call(f, "root", "GET", AUDIT "?record=x&from=soon&limit=0&who=me", NULL), 422);
    assert_string_equal(fixture_complaint(f, "limit"), "out_of_range");
    assert_string_equal(fixture_complaint(f, "who"), "unknown_parameter");
    assert_int_equal(fixture_call(f, "root", "GET", AUDIT "?record=x&from=soon", NULL), 422);
    assert_string_equal(fixture_complaint(f, "record"), "bad_id");
    assert_string_equal(fixture_complaint(f, "from"), "bad_datetime");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_audit__newest_first_with_filters_and_pages),
        TEST(test_audit__is_for_its_area_and_its_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
