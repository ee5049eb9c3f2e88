/* test_imports - from upload to undo, and whose an import is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define IMPORTS "/api/v1/imports"
#define WARES   "/api/v1/records/ware"

static const char *upload(struct fixture *f, const char *who, const char *csv)
{
    f->content_type = "text/csv";
    if (fixture_call(f, who, "POST", IMPORTS "?entity=ware", csv) != 201)
        fail_msg("%s", f->text);
    return fixture_at(f, "id");
}

static const char *path_of(struct fixture *f, const char *id, const char *part)
{
    return fixture_print(f, IMPORTS "/%s%s", id, part);
}

static void count_is(struct fixture *f, const char *wanted)
{
    assert_int_equal(fixture_call(f, "root", "GET", WARES "?count=true", NULL), 200);
    assert_string_equal(fixture_at(f, "count"), wanted);
}

/* Sets it going and gives how it stands when its job has ended. */
static void run(struct fixture *f, const char *who, const char *id, const char *verb)
{
    if (fixture_call(f, who, "POST", path_of(f, id, verb), "{}") != 202)
        fail_msg("%s: %s", verb, f->text);
    fixture_jobs(f, "acme");
    assert_int_equal(fixture_call(f, who, "GET", path_of(f, id, ""), NULL), 200);
}

static void test_imports__dry_run_counts_and_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    const char *id = upload(f, "root", "name,cost\nball,3\n,4\npen,x\n");
    assert_string_equal(fixture_at(f, "state"), "uploaded");
    assert_string_equal(fixture_at(f, "columns"), "[\"name\",\"cost\"]");
    assert_string_equal(fixture_at(f, "sample.1.1"), "4");
    run(f, "root", id, "/dry-run");
    assert_string_equal(fixture_at(f, "state"), "done");
    assert_string_equal(fixture_at(f, "dry_run"), "true");
    assert_string_equal(fixture_at(f, "counts.created"), "1");
    assert_string_equal(fixture_at(f, "counts.failed"), "2");
    count_is(f, "0");
    assert_int_equal(fixture_call(f, "root", "POST", path_of(f, id, "/undo"), "{}"), 409);
}

static void test_imports__run_tells_reasons_and_undo_takes_it_back(void **state)
{
    struct fixture *f = *state;
    const char *id = upload(f, "root", "name,cost\nball,3\n,4\npen,5\n");
    run(f, "root", id, "/dry-run");
    run(f, "root", id, "/run");
    assert_string_equal(fixture_at(f, "state"), "done");
    assert_string_equal(fixture_at(f, "progress"), "100");
    assert_string_equal(fixture_at(f, "counts.rows"), "3");
    assert_string_equal(fixture_at(f, "counts.created"), "2");
    count_is(f, "2");
    assert_int_equal(fixture_call(f, "root", "GET", path_of(f, id, "/errors.csv"), NULL), 200);
    assert_non_null(strstr(f->text, "name,cost,error"));
    assert_null(strstr(f->text, "ball"));
    assert_int_equal(fixture_call(f, "root", "POST", path_of(f, id, "/run"), "{}"), 409);
    run(f, "root", id, "/undo");
    assert_string_equal(fixture_at(f, "state"), "undone");
    assert_string_equal(fixture_at(f, "undone.updated"), "2");
    count_is(f, "0");
}

static void test_imports__mapping_is_judged_before_the_run(void **state)
{
    struct fixture *f = *state;
    const char *id = upload(f, "root", "a,b\n1,2\n");
    const char *path = path_of(f, id, "/mapping");
    assert_int_equal(fixture_call(f, "root", "PUT", path, "{\"columns\":{\"a\":\"nothing\"}}"),
                     422);
    assert_int_equal(fixture_call(f, "root", "PUT", path, "{\"mode\":\"guess\"}"), 422);
    assert_string_equal(fixture_complaint(f, "mode"), "unknown_value");
    assert_int_equal(
        fixture_call(f, "root", "PUT", path, "{\"mapping\":{\"columns\":{\"a\":\"name\"}}}"), 200);
    assert_string_equal(fixture_at(f, "state"), "mapped");
    run(f, "root", id, "/run");
    assert_string_equal(fixture_at(f, "counts.created"), "1");
    count_is(f, "1");
}

static void test_imports__more_than_one_batch(void **state)
{
    struct fixture *f = *state;
    struct buf csv = BUF_INIT;
    buf_put_str(&csv, "name,cost\n");
    for (int i = 0; i < 950; i++)
        buf_printf(&csv, "ware %d,%d\n", i, i);
    const char *text = fixture_print(f, "%s", buf_cstr(&csv));
    buf_release(&csv);
    const char *id = upload(f, "root", text);
    run(f, "root", id, "/run");
    assert_string_equal(fixture_at(f, "state"), "done");
    assert_string_equal(fixture_at(f, "counts.rows"), "950");
    count_is(f, "950");
}

static void test_imports__only_creator_and_administrator_know_of_it(void **state)
{
    struct fixture *f = *state;
    static const char *const parts[] = {"/run", "/dry-run", "/undo"};
    const char *id = upload(f, "root", "name\nx\n");
    fixture_user(f, "sal", "[\"seller\"]");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_int_equal(fixture_call(f, "sal", "POST", path_of(f, id, parts[i]), "{}"), 404);
        assert_int_equal(fixture_call(f, "root@bolt", "POST", path_of(f, id, parts[i]), "{}"), 404);
        assert_int_equal(fixture_call(f, NOBODY, "POST", path_of(f, id, parts[i]), "{}"), 401);
    }
    assert_int_equal(fixture_call(f, "sal", "GET", path_of(f, id, ""), NULL), 404);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", path_of(f, id, ""), NULL), 404);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", path_of(f, id, "/errors.csv"), NULL), 404);
    f->content_type = "text/csv";
    assert_int_equal(fixture_call(f, "sal", "POST", IMPORTS "?entity=ware", "name\nx\n"), 403);
}

static void test_imports__bad_uploads(void **state)
{
    struct fixture *f = *state;
    f->content_type = "text/csv";
    assert_int_equal(fixture_call(f, "root", "POST", IMPORTS, "name\nx\n"), 422);
    assert_string_equal(fixture_complaint(f, "entity"), "required");
    f->content_type = "text/csv";
    assert_int_equal(fixture_call(f, "root", "POST", IMPORTS "?entity=nothing", "name\nx\n"), 422);
    f->content_type = "text/html";
    assert_int_equal(fixture_call(f, "root", "POST", IMPORTS "?entity=ware", "name\nx\n"), 415);
    f->content_type = "text/csv";
    assert_int_equal(fixture_call(f, "root", "POST", IMPORTS "?entity=ware", "\n\n"), 422);
    assert_string_equal(fixture_complaint(f, "file"), "bad_csv");
}

static void test_imports__right_that_has_gone_ends_the_job(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "PUT", "/api/v1/admin/roles/loader",
                                  "{\"grants\":{\"ware\":{\"read\":\"all\",\"create\":true,"
                                  "\"update\":\"all\",\"import\":true}}}"),
                     201);
    fixture_user(f, "lou", "[\"loader\"]");
    const char *id = upload(f, "lou", "name\nx\n");
    assert_int_equal(fixture_call(f, "lou", "POST", path_of(f, id, "/run"), "{}"), 202);
    assert_int_equal(fixture_call(f, "root", "PUT", "/api/v1/admin/roles/loader",
                                  "{\"grants\":{\"ware\":{\"read\":\"all\"}}}"),
                     200);
    fixture_jobs(f, "acme");
    assert_int_equal(fixture_call(f, "root", "GET", path_of(f, id, ""), NULL), 200);
    assert_string_equal(fixture_at(f, "state"), "failed");
    assert_string_not_equal(fixture_at(f, "error"), "null");
    count_is(f, "0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_imports__dry_run_counts_and_keeps_nothing),
        TEST(test_imports__run_tells_reasons_and_undo_takes_it_back),
        TEST(test_imports__mapping_is_judged_before_the_run),
        TEST(test_imports__more_than_one_batch),
        TEST(test_imports__only_creator_and_administrator_know_of_it),
        TEST(test_imports__bad_uploads),
        TEST(test_imports__right_that_has_gone_ends_the_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
