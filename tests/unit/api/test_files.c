/* test_files - attachments: what they are told to be, who may have them, under which name.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "record/blob.h"

#define FILES "/api/v1/files"

static int upload(struct fixture *f, const char *who, const char *name, const char *more,
                  const char *content)
{
    const char *body =
        fixture_print(f,
                      "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
                      "Content-Type: text/html\r\n\r\n%s\r\n%s--cut--\r\n",
                      name, content, more);
    f->content_type = "multipart/form-data; boundary=cut";
    return fixture_call(f, who, "POST", FILES, body);
}

static const char *field(struct fixture *f, const char *name, const char *value)
{
    return fixture_print(f, "--cut\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
                         name, value);
}

static void test_files__come_back_as_a_download(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(upload(f, "root", "a \\\"b\xe6\x95\xb0.txt", "", "hello"), 201);
    assert_string_equal(fixture_at(f, "type"), "text/plain; charset=utf-8");
    assert_string_equal(fixture_at(f, "bytes"), "5");
    const char *path = fixture_print(f, FILES "/%s", fixture_at(f, "id"));
    assert_string_equal(f->location, path);
    assert_int_equal(fixture_call(f, "root", "GET", path, NULL), 200);
    assert_string_equal(f->text, "hello");
    assert_string_equal(f->disposition, "attachment; filename=\"a _b_.txt\"; "
                                        "filename*=UTF-8''a%20%22b%E6%95%B0.txt");
}

static void test_files__type_is_what_the_bytes_are(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(upload(f, "root", "x.html", "", "<script>1</script>"), 201);
    assert_string_equal(fixture_at(f, "type"), "application/octet-stream");
    assert_int_equal(upload(f, "root", "x.svg", "", "<svg onload='x'/>"), 201);
    assert_string_equal(fixture_at(f, "type"), "application/octet-stream");
    assert_int_equal(upload(f, "root", "x.pdf", "", "<html>"), 415);
    assert_int_equal(upload(f, "root", "x.pdf", "", "%PDF-1.4 ..."), 201);
    assert_string_equal(fixture_at(f, "type"), "application/pdf");
    assert_int_equal(upload(f, "root", "x.docx", "", "PK\x03\x04 ..."), 201);
    assert_non_null(strstr(fixture_at(f, "type"), "wordprocessingml"));
}

static void test_files__same_bytes_are_kept_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(upload(f, "root", "a.txt", "", "same"), 201);
    const char *id = fixture_at(f, "id"), *hash = fixture_at(f, "hash");
    assert_int_equal(upload(f, "root", "b.txt", "", "same"), 201);
    assert_string_equal(fixture_at(f, "hash"), hash);
    assert_string_not_equal(fixture_at(f, "id"), id);
}

static void test_files__are_their_owners(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "sal", "[\"seller\"]");
    fixture_user(f, "kim", "[\"seller\"]");
    assert_int_equal(upload(f, "sal", "a.txt", "", "mine"), 201);
    const char *path = fixture_print(f, FILES "/%s", fixture_at(f, "id"));
    assert_int_equal(fixture_call(f, "sal", "GET", path, NULL), 200);
    assert_int_equal(fixture_call(f, "root", "GET", path, NULL), 200);
    assert_int_equal(fixture_call(f, "kim", "GET", path, NULL), 404);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", path, NULL), 404);
    assert_int_equal(fixture_call(f, NOBODY, "GET", path, NULL), 401);
}

static void test_files__of_a_record_are_for_who_may_read_it(void **state)
{
    struct fixture *f = *state;
    fixture_user(f, "sal", "[\"seller\"]");
    fixture_user(f, "kim", "[]");
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/records/ware", "{\"name\":\"ball\"}"),
                     201);
    const char *more = fixture_print(f, "%s%s", field(f, "entity", "ware"),
                                     field(f, "record", fixture_at(f, "id")));
    assert_int_equal(upload(f, "sal", "a.txt", more, "x"), 403); /* reads, but may not change */
    assert_int_equal(upload(f, "root", "a.txt", more, "x"), 201);
    const char *path = fixture_print(f, FILES "/%s", fixture_at(f, "id"));
    assert_int_equal(fixture_call(f, "sal", "GET", path, NULL), 200);
    assert_int_equal(fixture_call(f, "kim", "GET", path, NULL), 404);
}

static const char *kept(struct fixture *f, const char *hash)
{
    return fixture_print(f, "%s/tenants/acme/files/%.2s/%s", f->config.data, hash, hash);
}

static void test_files__bytes_that_nobody_names_are_swept(void **state)
{
    struct fixture *f = *state;
    struct tenant *tenant;
    struct blob orphan;
    assert_int_equal(upload(f, "root", "a.txt", "", "named"), 201);
    const char *named = fixture_at(f, "hash");
    f->config.files_bytes_max = 5; /* "named" fills it */
    assert_int_equal(upload(f, "root", "b.txt", "", "refused"), 413);
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    assert_int_equal(blob_put(tenant, f->arena, SLICE("refused"), &orphan), ERR_OK);
    for (int i = 0; i < BLOB_FOLDERS; i++)
        assert_int_equal(blob_sweep(tenant, i, clock_now_ms() - BLOB_ORPHAN_KEEP_MS), ERR_OK);
    assert_int_equal(access(kept(f, orphan.hash), F_OK), 0); /* it may be on its way to a row */
    for (int i = 0; i < BLOB_FOLDERS; i++)
        assert_int_equal(blob_sweep(tenant, i, clock_now_ms() + 60000), ERR_OK);
    assert_int_not_equal(access(kept(f, orphan.hash), F_OK), 0);
    assert_int_equal(access(kept(f, named), F_OK), 0);
    tenants_unpin(f->tenants, tenant);
}

static void test_files__bad_forms(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "POST", FILES, "{}"), 415);
    assert_int_equal(upload(f, "root", "a.txt", "", ""), 422);
    assert_string_equal(fixture_complaint(f, "file"), "required");
    assert_int_equal(upload(f, "root", "a.txt", field(f, "folder", "/etc"), "x"), 422);
    assert_int_equal(upload(f, "root", "a.txt", field(f, "entity", "nothing"), "x"), 422);
    assert_int_equal(fixture_call(f, "root", "GET", FILES "/0000000000001", NULL), 404);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_files__come_back_as_a_download),
        TEST(test_files__type_is_what_the_bytes_are),
        TEST(test_files__same_bytes_are_kept_once),
        TEST(test_files__are_their_owners),
        TEST(test_files__of_a_record_are_for_who_may_read_it),
        TEST(test_files__bytes_that_nobody_names_are_swept),
        TEST(test_files__bad_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
