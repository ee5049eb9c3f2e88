/* test_jobs - exports, and who sees and stops whose work.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define EXPORTS "/api/v1/exports"
#define JOBS    "/api/v1/jobs"

static void make_ware(struct fixture *f, const char *name)
{
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/records/ware",
                                  fixture_print(f, "{\"name\":\"%s\"}", name)),
                     201);
}

static const char *ask(struct fixture *f, const char *who, const char *body)
{
    if (fixture_call(f, who, "POST", EXPORTS, body) != 202)
        fail_msg("%s", f->text);
    return fixture_print(f, JOBS "/%s", fixture_at(f, "id"));
}

static void test_jobs__export_is_a_file_of_who_asked(void **state)
{
    struct fixture *f = *state;
    make_ware(f, "ball");
    make_ware(f, "pen");
    const char *job = ask(f, "root",
                          "{\"entity\":\"ware\",\"fields\":\"name\",\"sort\":\"name\","
                          "\"filter\":{\"name\":{\"ne\":\"pen\"}}}");
    assert_int_equal(fixture_call(f, "root", "GET", job, NULL), 200);
    assert_string_equal(fixture_at(f, "state"), "queued");
    fixture_jobs(f, "acme");
    assert_int_equal(fixture_call(f, "root", "GET", job, NULL), 200);
    assert_string_equal(fixture_at(f, "state"), "done");
    assert_string_equal(fixture_at(f, "result.rows"), "1");
    const char *file = fixture_print(f, "/api/v1/files/%s", fixture_at(f, "result.file"));
    assert_int_equal(fixture_call(f, "root", "GET", file, NULL), 200);
    assert_non_null(strstr(f->text, "ball"));
    assert_null(strstr(f->text, "pen"));
    assert_int_equal(fixture_call(f, "root@bolt", "GET", file, NULL), 404);
    fixture_audited(f, "export");
}

static void test_jobs__export_refuses_what_it_cannot_do(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "sal", "[\"seller\"]");
    assert_int_equal(fixture_call(f, "root", "POST", EXPORTS, "{}"), 422);
    assert_string_equal(fixture_complaint(f, "entity"), "required");
    assert_int_equal(
        fixture_call(f, "root", "POST", EXPORTS, "{\"entity\":\"ware\",\"format\":\"doc\"}"), 422);
    assert_int_equal(
        fixture_call(f, "root", "POST", EXPORTS, "{\"entity\":\"ware\",\"filter\":{\"no\":1}}"),
        422);
    assert_int_equal(fixture_call(f, "sal", "POST", EXPORTS, "{\"entity\":\"ware\"}"), 403);
    assert_int_equal(fixture_call(f, NOBODY, "POST", EXPORTS, "{\"entity\":\"ware\"}"), 401);
}

static void test_jobs__are_their_owners(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "sal", "[\"seller\"]");
    const char *job = ask(f, "root", "{\"entity\":\"ware\"}");
    assert_int_equal(fixture_call(f, "sal", "GET", job, NULL), 404);
    assert_int_equal(fixture_call(f, "sal", "DELETE", job, NULL), 404);
    assert_int_equal(fixture_call(f, "root@bolt", "DELETE", job, NULL), 404);
    assert_int_equal(fixture_call(f, "sal", "GET", JOBS, NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    assert_int_equal(fixture_call(f, OPERATOR, "GET", job, NULL), 200);
}

static void test_jobs__list_goes_on_behind_its_cursor(void **state)
{
    struct fixture *f = *state;
    const char *first = ask(f, "root", "{\"entity\":\"ware\"}");
    const char *second = ask(f, "root", "{\"entity\":\"ware\"}");
    assert_int_equal(fixture_call(f, "root", "GET", JOBS "?limit=1", NULL), 200);
    assert_non_null(strstr(second, fixture_at(f, "items.0.id")));
    const char *more = fixture_print(f, JOBS "?limit=1&cursor=%s", fixture_at(f, "next"));
    assert_int_equal(fixture_call(f, "root", "GET", more, NULL), 200);
    assert_non_null(strstr(first, fixture_at(f, "items.0.id")));
    assert_string_equal(fixture_at(f, "next"), "null");
    assert_int_equal(fixture_call(f, "root", "GET", JOBS "?limit=0", NULL), 422);
    assert_int_equal(fixture_call(f, "root", "GET", JOBS "?cursor=x", NULL), 400);
}

static void test_jobs__stopped_before_it_began(void **state)
{
    struct fixture *f = *state;
    f->content_type = "text/csv";
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/imports?entity=ware", "name\nball\n"),
                     201);
    const char *import = fixture_print(f, "/api/v1/imports/%s", fixture_at(f, "id"));
    assert_int_equal(fixture_call(f, "root", "POST", fixture_print(f, "%s/run", import), "{}"),
                     202);
    const char *job = fixture_print(f, JOBS "/%s", fixture_at(f, "job"));
    assert_int_equal(fixture_call(f, "root", "DELETE", job, NULL), 202);
    assert_string_equal(fixture_at(f, "state"), "cancelled");
    fixture_jobs(f, "acme");
    assert_int_equal(fixture_call(f, "root", "GET", import, NULL), 200);
    assert_string_equal(fixture_at(f, "state"), "failed");
    assert_string_equal(fixture_at(f, "counts.created"), "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_jobs__export_is_a_file_of_who_asked),
        TEST(test_jobs__export_refuses_what_it_cannot_do),
        TEST(test_jobs__are_their_owners),
        TEST(test_jobs__list_goes_on_behind_its_cursor),
        TEST(test_jobs__stopped_before_it_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
