/* test_roles - roles of the company beside those of plugins.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"

#define ROLES "/api/v1/admin/roles"

static void test_roles__made_listed_and_effective_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "kim", "[]");
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/records/ware", NULL), 403);
    assert_int_equal(
        fixture_call(f, "root", "PUT", ROLES "/buyer",
                     "{\"label\":\"Buyer\",\"grants\":{\"ware\":{\"read\":{\"cost\":{\"lt\":5}},"
                     "\"fields\":{\"cost\":\"read\"}}}}"),
        201);
    assert_string_equal(fixture_at(f, "name"), "buyer");
    assert_string_equal(fixture_at(f, "source"), "tenant");
    assert_string_equal(fixture_at(f, "users"), "0");
    assert_int_equal(fixture_call(f, "root", "PATCH",
                                  fixture_print(f, "/api/v1/admin/users/%s", f->users[2].id),
                                  "{\"roles\":[\"buyer\"]}"),
                     200);
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/records/ware", NULL), 200);
    assert_int_equal(fixture_call(f, "root", "DELETE", ROLES "/buyer", NULL), 409);
    assert_string_equal(fixture_at(f, "error.code"), "role_in_use");
    assert_string_equal(fixture_at(f, "error.users"), "1");
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/buyer", "{}"), 200);
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/records/ware", NULL), 403);
    fixture_audited(f, "role.put");

    assert_int_equal(fixture_call(f, "root", "GET", ROLES, NULL), 200);
    assert_non_null(strstr(f->text, "\"name\":\"admin\""));
    assert_non_null(strstr(f->text, "\"name\":\"buyer\""));
    assert_non_null(strstr(f->text, "\"name\":\"seller\",\"label\":\"Ware\""));
    assert_int_equal(fixture_call(f, "root@bolt", "GET", ROLES "/buyer", NULL), 404);
    assert_int_equal(fixture_call(f, "kim", "GET", ROLES, NULL), 403);
    assert_int_equal(fixture_call(f, NOBODY, "GET", ROLES, NULL), 401);
}

static void test_roles__what_does_not_fit_the_model_is_told_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/buyer",
                                  "{\"grants\":{\"wares\":{\"read\":\"all\"},"
                                  "\"ware\":{\"read\":{\"cots\":5},\"fields\":{\"nam\":\"read\"}}},"
                                  "\"admin\":[\"users\",\"moon\"]}"),
                     422);
    assert_string_equal(fixture_complaint(f, "grants.wares"), "unknown_entity");
    assert_string_equal(fixture_complaint(f, "grants.ware.fields.nam"), "unknown_field");
    assert_string_equal(fixture_complaint(f, "admin[1]"), "unknown_area");
    assert_non_null(strstr(f->text, "grants.ware.read"));
    assert_non_null(strstr(f->text, "ware"));
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/buyer",
                                  "{\"grants\":{\"ware\":{\"raed\":\"all\"}}}"),
                     422);
    assert_string_equal(fixture_complaint(f, "grants.ware.raed"), "bad_role");
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/Buyer", "{}"), 422);
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/buyer", "{\"name\":\"other\"}"), 422);
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/buyer", "{\"grant\":{}}"), 422);
    assert_int_equal(fixture_call(f, "root", "GET", ROLES "/buyer", NULL), 404);
}

static void test_roles__a_company_makes_so_many(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i <= ROLES_PER_TENANT_MAX; i++)
        assert_int_equal(fixture_call(f, "root", "PUT", fixture_print(f, ROLES "/r%d", i), "{}"),
                         i == ROLES_PER_TENANT_MAX ? 422 : 201);
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/r0", "{}"), 200);
}

static void test_roles__a_plugin_s_role_is_overridden_and_comes_back(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "kim", "[\"seller\"]");
    assert_int_equal(fixture_call(f, "root", "DELETE", ROLES "/seller", NULL), 409);
    assert_string_equal(fixture_at(f, "error.code"), "role_of_plugin");
    assert_int_equal(fixture_call(f, "root", "PUT", ROLES "/seller", "{\"grants\":{}}"), 201);
    assert_string_equal(fixture_at(f, "overrides"), "true");
    assert_string_equal(fixture_at(f, "users"), "1");
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/records/ware", NULL), 403);
    assert_int_equal(fixture_call(f, "root", "DELETE", ROLES "/seller", NULL), 204);
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/records/ware", NULL), 200);
    assert_int_equal(fixture_call(f, "root", "DELETE", ROLES "/nothing", NULL), 404);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_roles__made_listed_and_effective_at_once),
        TEST(test_roles__what_does_not_fit_the_model_is_told_with_its_place),
        TEST(test_roles__a_company_makes_so_many),
        TEST(test_roles__a_plugin_s_role_is_overridden_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
