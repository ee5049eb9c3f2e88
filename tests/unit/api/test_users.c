/* test_users - accounts: who may make and change whom.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define USERS "/api/v1/admin/users"

static const char *user_path(struct fixture *f, const char *id, const char *suffix)
{
    return fixture_print(f, USERS "/%s%s", id, suffix);
}

static void test_users__operator_makes_finds_and_disables(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, OPERATOR, "POST", USERS,
                                  "{\"login\":\"Ada\",\"name\":\"Ada L\",\"email\":\"a@acme.test\","
                                  "\"password\":\"long enough pass\",\"roles\":[\"viewer\"]}"),
                     201);
    const char *id = fixture_at(f, "id");
    assert_string_equal(fixture_at(f, "login"), "ada");
    assert_string_equal(fixture_at(f, "name"), "Ada L");
    assert_string_equal(fixture_at(f, "roles"), "[\"viewer\"]");
    assert_string_equal(fixture_at(f, "active"), "true");
    assert_string_equal(f->location, user_path(f, id, ""));
    assert_null(strstr(f->text, "argon2"));

    assert_int_equal(fixture_call(f, OPERATOR, "GET", USERS "?login=ADA", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.id"), id);
    assert_string_equal(fixture_at(f, "items.1"), "");
    assert_string_equal(fixture_at(f, "next"), "null");

    assert_int_equal(fixture_call(f, OPERATOR, "PATCH", user_path(f, id, ""), "{\"active\":false}"),
                     200);
    assert_string_equal(fixture_at(f, "active"), "false");
    fixture_audited(f, "user.create");
    fixture_audited(f, "user.disable");
    assert_int_equal(fixture_call(f, "root@bolt", "GET", user_path(f, id, ""), NULL), 404);
    assert_int_equal(
        fixture_call(f, "root@bolt", "PATCH", user_path(f, id, ""), "{\"active\":true}"), 404);
    assert_int_equal(fixture_call(f, NOBODY, "GET", user_path(f, id, ""), NULL), 401);
}

static void test_users__body_is_checked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "POST", USERS, "{\"logn\":\"x\"}"), 422);
    assert_string_equal(fixture_complaint(f, "logn"), "unknown_field");
    assert_string_equal(fixture_complaint(f, "login"), "required");
    assert_int_equal(fixture_call(f, "root", "POST", USERS,
                                  "{\"login\":\"a b\",\"locale\":\"xx\",\"timezone\":\"Moon\"}"),
                     422);
    assert_string_equal(fixture_complaint(f, "login"), "bad_login");
    assert_string_equal(fixture_complaint(f, "locale"), "bad_value");
    assert_string_equal(fixture_complaint(f, "timezone"), "bad_value");
    assert_int_equal(
        fixture_call(f, "root", "POST", USERS, "{\"login\":\"kim\",\"roles\":[\"nothing\"]}"), 422);
    assert_string_equal(fixture_complaint(f, "roles"), "unknown_role");
    assert_int_equal(
        fixture_call(f, "root", "POST", USERS, "{\"login\":\"kim\",\"password\":\"short\"}"), 422);
    assert_string_equal(fixture_complaint(f, "password"), "password_short");
    assert_int_equal(fixture_call(f, "root", "POST", USERS, "[]"), 400);
    assert_int_equal(fixture_call(f, "root", "POST", USERS, "{\"login\":\"ROOT\"}"), 409);
}

static void test_users__who_administers_less_cannot_touch_who_administers_more(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        fixture_call(f, "root", "PUT", "/api/v1/admin/roles/clerk", "{\"admin\":[\"users\"]}"),
        201);
    fixture_user(f, "clerk", "[\"clerk\"]");
    const char *kim = fixture_user(f, "kim", "[]");
    assert_int_equal(
        fixture_call(f, "clerk", "POST", USERS, "{\"login\":\"eve\",\"roles\":[\"admin\"]}"), 403);
    assert_int_equal(
        fixture_call(f, "clerk", "PATCH", user_path(f, kim, ""), "{\"roles\":[\"admin\"]}"), 403);
    assert_int_equal(
        fixture_call(f, "clerk", "PATCH", user_path(f, kim, ""), "{\"roles\":[\"clerk\"]}"), 200);
    const char *root = f->users[0].id;
    assert_int_equal(fixture_call(f, "clerk", "POST", user_path(f, root, "/password"),
                                  "{\"password\":\"another long one\"}"),
                     403);
    assert_int_equal(
        fixture_call(f, "clerk", "PATCH", user_path(f, root, ""), "{\"email\":\"eve@evil.test\"}"),
        403);
    assert_int_equal(fixture_call(f, "clerk", "DELETE", user_path(f, root, "/sessions"), NULL),
                     403);
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/admin/roles", NULL), 403);
    fixture_user(f, "plain", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "plain", "GET", USERS, NULL), 403);
}

static void test_users__last_admin_stays(void **state)
{
    struct fixture *f = *state;
    const char *root = f->users[0].id;
    assert_int_equal(fixture_call(f, OPERATOR, "POST", user_path(f, root, "/password"),
                                  "{\"password\":\"a long enough one\"}"),
                     204);
    assert_int_equal(
        fixture_call(f, OPERATOR, "PATCH", user_path(f, root, ""), "{\"active\":false}"), 409);
    assert_string_equal(fixture_at(f, "error.code"), "last_admin");
    assert_int_equal(fixture_call(f, OPERATOR, "PATCH", user_path(f, root, ""), "{\"roles\":[]}"),
                     409);
    assert_int_equal(
        fixture_call(f, OPERATOR, "PUT", "/api/v1/admin/roles/admin", "{\"admin\":[\"users\"]}"),
        409);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", user_path(f, root, ""), NULL), 200);
    assert_string_equal(fixture_at(f, "active"), "true");
    assert_string_equal(fixture_at(f, "roles"), "[\"admin\"]");
    assert_int_equal(fixture_call(f, OPERATOR, "POST", USERS,
                                  "{\"login\":\"two\",\"roles\":[\"admin\"],"
                                  "\"password\":\"long enough too\"}"),
                     201);
    assert_int_equal(fixture_call(f, OPERATOR, "PATCH", user_path(f, root, ""), "{\"roles\":[]}"),
                     200);
    assert_string_equal(fixture_at(f, "roles"), "[]");
}

static void test_users__password_ends_sessions_and_one_s_own_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *kim = fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/me", NULL), 200);
    assert_int_equal(fixture_call(f, "root", "POST", user_path(f, kim, "/password"), "{}"), 422);
    assert_int_equal(fixture_call(f, "root", "POST", user_path(f, kim, "/password"),
                                  "{\"password\":\"a fresh long one\"}"),
                     204);
    assert_int_equal(fixture_call(f, "kim", "GET", "/api/v1/me", NULL), 401);
    assert_int_equal(fixture_call(f, NOBODY, "POST", "/api/v1/sessions",
                                  "{\"login\":\"kim\",\"password\":\"a fresh long one\"}"),
                     201);
    assert_int_equal(fixture_call(f, "root", "POST", user_path(f, f->users[0].id, "/password"),
                                  "{\"password\":\"a fresh long one\"}"),
                     403);
    fixture_sign_in(f, "kim2", kim);
    assert_int_equal(fixture_call(f, "kim2", "GET", "/api/v1/me", NULL), 200);
    assert_int_equal(fixture_call(f, "root", "DELETE", user_path(f, kim, "/sessions"), NULL), 204);
    assert_int_equal(fixture_call(f, "kim2", "GET", "/api/v1/me", NULL), 401);
}

static void test_users__change_with_an_old_version_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *kim = fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "root", "PATCH", user_path(f, kim, ""),
                                  "{\"name\":\"Kim K\",\"version\":1}"),
                     200);
    assert_string_equal(fixture_at(f, "version"), "2");
    assert_int_equal(fixture_call(f, "root", "PATCH", user_path(f, kim, ""),
                                  "{\"name\":\"Late\",\"version\":1}"),
                     412);
    assert_int_equal(
        fixture_call(f, "root", "PATCH", user_path(f, kim, ""), "{\"password\":\"x\"}"), 422);
    assert_int_equal(
        fixture_call(f, "root", "PATCH", user_path(f, kim, ""), "{\"manager\":\"0000000000001\"}"),
        422);
    assert_int_equal(fixture_call(f, "root", "PATCH", USERS "/0000000000001", "{}"), 404);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_users__operator_makes_finds_and_disables),
        TEST(test_users__body_is_checked),
        TEST(test_users__who_administers_less_cannot_touch_who_administers_more),
        TEST(test_users__last_admin_stays),
        TEST(test_users__password_ends_sessions_and_one_s_own_is_refused),
        TEST(test_users__change_with_an_old_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
