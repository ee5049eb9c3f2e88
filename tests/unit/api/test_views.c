/* test_views - lists and boards that people keep.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"

#define VIEWS "/api/v1/views"

static const char *make(struct fixture *f, const char *who, const char *scope)
{
    const char *body =
        fixture_print(f,
                      "{\"entity\":\"ware\",\"name\":\"我的\",\"scope\":\"%s\",\"body\":"
                      "{\"columns\":[\"name\",{\"field\":\"region\",\"width\":90}],"
                      "\"filter\":{\"region\":\"east\"},\"sort\":\"-created_at\"}}",
                      scope);
    if (fixture_call(f, who, "POST", VIEWS, body) != 201)
        fail_msg("%s", f->text);
    return fixture_at(f, "id");
}

static void test_views__a_name_has_so_many_characters(void **state)
{
    struct fixture *f = *state;
    for (int over = 0; over <= 1; over++) {
        struct buf body = BUF_INIT;
        buf_put_str(&body, "{\"entity\":\"ware\",\"body\":{},\"name\":\"");
        for (int i = 0; i < VIEW_NAME_CHARS_MAX + over; i++)
            buf_put_str(&body, "名");
        buf_put_str(&body, "\"}");
        assert_int_equal(fixture_call(f, "root", "POST", VIEWS, buf_cstr(&body)), over ? 422 : 201);
        buf_release(&body);
    }
}

static void test_views__a_person_keeps_so_many(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"entity\":\"ware\",\"name\":\"v\",\"body\":{}}";
    for (int i = 0; i < VIEWS_PER_USER_MAX; i++)
        make(f, "root", "mine");
    assert_int_equal(fixture_call(f, "root", "POST", VIEWS, body), 409);
    fixture_user(f, "kim", "[\"seller\"]");
    assert_int_equal(fixture_call(f, "kim", "POST", VIEWS, body), 201);
}

static const char *path_of(struct fixture *f, const char *id)
{
    return fixture_print(f, VIEWS "/%s", id);
}

static void test_views__own_are_private_and_shared_are_seen(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "kim", "[\"seller\"]");
    fixture_user(f, "lee", "[\"seller\"]");
    fixture_user(f, "mo", "[]");
    const char *mine = make(f, "kim", "mine"), *shared = make(f, "root", "shared");
    assert_string_equal(f->location, path_of(f, shared));
    assert_int_equal(fixture_call(f, "kim", "GET", VIEWS "?entity=ware", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.id"), mine);
    assert_string_equal(fixture_at(f, "items.0.is_mine"), "true");
    assert_string_equal(fixture_at(f, "items.0.name"), "我的");
    assert_string_equal(fixture_at(f, "items.1.scope"), "shared");
    assert_int_equal(fixture_call(f, "lee", "GET", VIEWS, NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.id"), shared);
    assert_string_equal(fixture_at(f, "items.1"), "");
    assert_int_equal(fixture_call(f, "mo", "GET", VIEWS, NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    assert_int_equal(fixture_call(f, "lee", "PATCH", path_of(f, mine), "{\"name\":\"x\"}"), 404);
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, mine), NULL), 404);
    assert_int_equal(fixture_call(f, "root@bolt", "DELETE", path_of(f, shared), NULL), 404);
    assert_int_equal(fixture_call(f, "lee", "PATCH", path_of(f, shared), "{\"name\":\"x\"}"), 403);
    assert_int_equal(fixture_call(f, "lee", "DELETE", path_of(f, shared), NULL), 403);
    assert_int_equal(fixture_call(f, "kim", "PATCH", path_of(f, mine), "{\"scope\":\"shared\"}"),
                     403);
    assert_int_equal(fixture_call(f, NOBODY, "GET", VIEWS, NULL), 401);
    assert_int_equal(fixture_call(f, "kim", "DELETE", path_of(f, mine), NULL), 204);
    assert_int_equal(fixture_call(f, "kim", "DELETE", path_of(f, mine), NULL), 404);
}

static void test_views__change_only_from_the_version_that_was_read(void **state)
{
    struct fixture *f = *state;
    const char *id = make(f, "root", "mine"), *tag = f->etag;
    f->if_match = tag;
    assert_int_equal(fixture_call(f, "root", "PATCH", path_of(f, id), "{\"name\":\"two\"}"), 200);
    assert_string_equal(fixture_at(f, "version"), "2");
    assert_string_equal(fixture_at(f, "body.sort"), "-created_at");
    f->if_match = tag;
    assert_int_equal(fixture_call(f, "root", "PATCH", path_of(f, id), "{\"name\":\"three\"}"), 412);
    assert_string_equal(fixture_at(f, "error.version"), "2");
}

static void test_views__body_is_checked_under_the_rights_of_the_writer(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "kim", "[\"seller\"]");
    static const char *const bad[][3] = {
        {"entity", "{\"entity\":\"wares\",\"name\":\"x\"}", "unknown_entity"},
        {"entity", "{\"entity\":\"user\",\"name\":\"x\"}", "unknown_entity"},
        {"name", "{\"entity\":\"ware\"}", "required"},
        {"kind", "{\"entity\":\"ware\",\"name\":\"x\",\"kind\":\"menu\"}", "not_in_list"},
        {"scope", "{\"entity\":\"ware\",\"name\":\"x\",\"scope\":\"all\"}", "not_in_list"},
        {"colour", "{\"entity\":\"ware\",\"name\":\"x\",\"colour\":1}", "unknown_field"},
        {"body.colour", "{\"entity\":\"ware\",\"name\":\"x\",\"body\":{\"colour\":1}}",
         "unknown_field"},
        {"body", "{\"entity\":\"ware\",\"name\":\"x\",\"body\":[]}", "not_an_object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fixture_call(f, "kim", "POST", VIEWS, bad[i][1]), 422);
        assert_string_equal(fixture_complaint(f, bad[i][0]), bad[i][2]);
    }
    static const char *const bodies[] = {
        "{\"columns\":[\"nam\"]}", "{\"columns\":[\"cost\"]}", "{\"filter\":{\"nam\":1}}",
        "{\"sort\":\"nam\"}",      "{\"group_by\":\"none\"}",  "{\"page_size\":0}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(
            fixture_call(
                f, "kim", "POST", VIEWS,
                fixture_print(f, "{\"entity\":\"ware\",\"name\":\"x\",\"body\":%s}", bodies[i])),
            422);
    assert_int_equal(fixture_call(f, "kim", "POST", VIEWS,
                                  "{\"entity\":\"ware\",\"name\":\"x\",\"scope\":\"shared\"}"),
                     403);
    assert_int_equal(fixture_call(f, "root", "POST", VIEWS,
                                  "{\"entity\":\"ware\",\"name\":\"x\",\"scope\":\"shared\","
                                  "\"body\":{\"columns\":[\"name\",\"cost\"]}}"),
                     201);
    assert_int_equal(fixture_call(f, "kim", "GET", VIEWS, NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.body.columns"), "[\"name\"]");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_views__own_are_private_and_shared_are_seen),
        TEST(test_views__a_name_has_so_many_characters),
        TEST(test_views__a_person_keeps_so_many),
        TEST(test_views__change_only_from_the_version_that_was_read),
        TEST(test_views__body_is_checked_under_the_rights_of_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
