/* test_departments - the tree of departments.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define DEPARTMENTS "/api/v1/admin/departments"

static const char *make(struct fixture *f, const char *name, const char *parent)
{
    const char *body = parent
                           ? fixture_print(f, "{\"name\":\"%s\",\"parent\":\"%s\"}", name, parent)
                           : fixture_print(f, "{\"name\":\"%s\"}", name);
    if (fixture_call(f, "root", "POST", DEPARTMENTS, body) != 201)
        fail_msg("%s", f->text);
    return fixture_at(f, "id");
}

static const char *path_of(struct fixture *f, const char *id)
{
    return fixture_print(f, DEPARTMENTS "/%s", id);
}

static void test_departments__form_a_tree(void **state)
{
    struct fixture *f = *state;
    const char *sales = make(f, "Sales", NULL);
    assert_string_equal(f->location, path_of(f, sales));
    assert_string_equal(fixture_at(f, "depth"), "0");
    const char *north = make(f, "North", sales);
    const char *city = make(f, "City", north);
    assert_string_equal(fixture_at(f, "depth"), "2");
    assert_string_equal(fixture_at(f, "parent"), north);
    assert_string_equal(fixture_at(f, "path"),
                        fixture_print(f, "[\"%s\",\"%s\",\"%s\"]", sales, north, city));
    const char *office = make(f, "Office", NULL);

    assert_int_equal(fixture_call(f, "root", "GET", DEPARTMENTS "?limit=3", NULL), 200);
    assert_string_equal(fixture_at(f, "items.2.name"), "City");
    const char *next = fixture_print(f, DEPARTMENTS "?limit=3&cursor=%s", fixture_at(f, "next"));
    assert_int_equal(fixture_call(f, "root", "GET", next, NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.name"), "Office");
    assert_string_equal(fixture_at(f, "next"), "null");
    assert_int_equal(fixture_call(f, "root@bolt", "GET", next, NULL), 400);

    assert_int_equal(fixture_call(f, "root", "PATCH", path_of(f, north),
                                  fixture_print(f, "{\"parent\":\"%s\"}", office)),
                     200);
    assert_int_equal(fixture_call(f, "root", "GET", DEPARTMENTS, NULL), 200);
    assert_non_null(
        strstr(f->text, fixture_print(f, "\"path\":[\"%s\",\"%s\",\"%s\"]", office, north, city)));
    assert_int_equal(fixture_call(f, "root", "PATCH", path_of(f, office),
                                  fixture_print(f, "{\"parent\":\"%s\"}", city)),
                     422);
    assert_int_equal(fixture_call(f, "root", "PATCH", path_of(f, office), "{\"path\":\"/\"}"), 422);
    assert_int_equal(fixture_call(f, "root", "POST", DEPARTMENTS, "{}"), 422);
    assert_string_equal(fixture_complaint(f, "name"), "required");
}

static void test_departments__with_users_or_children_cannot_be_deleted(void **state)
{
    struct fixture *f = *state;
    const char *sales = make(f, "Sales", NULL), *north = make(f, "North", sales);
    const char *kim = fixture_user(f, "kim", "[\"viewer\"]");
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, sales), NULL), 409);
    assert_string_equal(fixture_at(f, "error.departments"), "1");
    assert_int_equal(fixture_call(f, "root", "PATCH",
                                  fixture_print(f, "/api/v1/admin/users/%s", kim),
                                  fixture_print(f, "{\"department\":\"%s\"}", north)),
                     200);
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, north), NULL), 409);
    assert_string_equal(fixture_at(f, "error.users"), "1");
    assert_int_equal(fixture_call(f, "kim", "DELETE", path_of(f, north), NULL), 403);
    assert_int_equal(fixture_call(f, "root@bolt", "DELETE", path_of(f, north), NULL), 404);
    assert_int_equal(fixture_call(f, "root", "PATCH",
                                  fixture_print(f, "/api/v1/admin/users/%s", kim),
                                  "{\"department\":null}"),
                     200);
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, north), NULL), 204);
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, north), NULL), 404);
    assert_int_equal(fixture_call(f, "root", "DELETE", path_of(f, sales), NULL), 204);
    fixture_audited(f, "department.delete");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_departments__form_a_tree),
        TEST(test_departments__with_users_or_children_cannot_be_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
