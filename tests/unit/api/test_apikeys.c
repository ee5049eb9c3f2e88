/* test_apikeys - keys for programs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define KEYS "/api/v1/admin/api-keys"

static void test_apikeys__are_told_once_and_can_be_revoked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        fixture_call(f, "root", "POST", KEYS, "{\"name\":\"shop\",\"scopes\":[\"ware:read\"]}"),
        201);
    const char *token = fixture_at(f, "token"), *id = fixture_at(f, "id");
    assert_true(slice_starts(slice_str(token), SLICE("pk_")));
    assert_int_equal(fixture_call(f, token, "GET", "/api/v1/records/ware", NULL), 200);
    assert_int_equal(fixture_call(f, token, "POST", "/api/v1/records/ware", "{\"name\":\"x\"}"),
                     403);
    assert_int_equal(fixture_call(f, token, "GET", KEYS, NULL), 403);
    assert_int_equal(fixture_call(f, "root", "GET", KEYS, NULL), 200);
    assert_null(strstr(f->text, token));
    assert_string_equal(fixture_at(f, "items.0.id"), id);
    assert_string_equal(fixture_at(f, "items.0.scopes"), "[\"ware:read\"]");
    assert_int_equal(fixture_call(f, "root@bolt", "GET", KEYS, NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    const char *path = fixture_print(f, KEYS "/%s", id);
    assert_int_equal(fixture_call(f, "root@bolt", "DELETE", path, NULL), 404);
    assert_int_equal(fixture_call(f, "root", "DELETE", path, NULL), 204);
    assert_int_equal(fixture_call(f, "root", "DELETE", path, NULL), 404);
    assert_int_equal(fixture_call(f, token, "GET", "/api/v1/records/ware", NULL), 401);
    fixture_audited(f, "api_key.create");
    fixture_audited(f, "api_key.revoke");
}

static void test_apikeys__body_is_checked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        fixture_call(f, "root", "POST", KEYS,
                     "{\"scopes\":[\"wares:read\",\"ware:raed\",\"admin:moon\",\"ware\",\"*\"],"
                     "\"expires_at\":\"soon\"}"),
        422);
    assert_string_equal(fixture_complaint(f, "name"), "required");
    assert_string_equal(fixture_complaint(f, "scopes[0]"), "unknown_entity");
    assert_string_equal(fixture_complaint(f, "scopes[1]"), "unknown_action");
    assert_string_equal(fixture_complaint(f, "scopes[2]"), "unknown_area");
    assert_string_equal(fixture_complaint(f, "scopes[3]"), "bad_scope");
    assert_string_equal(fixture_complaint(f, "expires_at"), "bad_datetime");
    assert_int_equal(
        fixture_call(f, "root", "POST", KEYS, "{\"name\":\"x\",\"addresses\":[\"here\"]}"), 422);
    assert_int_equal(
        fixture_call(f, "root", "POST", KEYS, "{\"name\":\"x\",\"user\":\"0000000000001\"}"), 422);
    assert_int_equal(fixture_call(f, OPERATOR, "POST", KEYS, "{\"name\":\"x\"}"), 422);
    assert_int_equal(
        fixture_call(f, OPERATOR, "POST", KEYS, "{\"name\":\"x\",\"user\":\"0000000000000\"}"),
        422);
    f->idempotency_key = "once";
    assert_int_equal(fixture_call(f, "root", "POST", KEYS, "{\"name\":\"x\"}"), 400);
}

static void test_apikeys__make_nobody_more_than_they_are(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        fixture_call(f, "root", "PUT", "/api/v1/admin/roles/keeper", "{\"admin\":[\"api-keys\"]}"),
        201);
    fixture_user(f, "keeper", "[\"keeper\"]");
    assert_int_equal(
        fixture_call(f, "keeper", "POST", KEYS,
                     fixture_print(f, "{\"name\":\"x\",\"user\":\"%s\"}", f->users[0].id)),
        403);
    assert_int_equal(
        fixture_call(f, "keeper", "POST", KEYS, "{\"name\":\"x\",\"scopes\":[\"admin:api-keys\"]}"),
        201);
    const char *token = fixture_at(f, "token");
    assert_int_equal(fixture_call(f, token, "GET", KEYS, NULL), 200);
    assert_int_equal(fixture_call(f, token, "POST", KEYS, "{\"name\":\"wider\"}"), 403);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_apikeys__are_told_once_and_can_be_revoked),
        TEST(test_apikeys__body_is_checked),
        TEST(test_apikeys__make_nobody_more_than_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
