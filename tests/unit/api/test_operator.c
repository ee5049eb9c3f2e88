/* test_operator - tenants of a server: made whole or not at all; kept, restored, checked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"

#include <stdio.h>

#include "tenant/folder.h"

#define TENANTS "/api/v1/operator/tenants"
#define WARES   "/api/v1/records/ware"

static bool has_folder(struct fixture *f, const char *name)
{
    return folder_exists(fixture_print(f, "%s/tenants/%s", f->config.data, name));
}

static void make_ware(struct fixture *f, const char *name)
{
    assert_int_equal(
        fixture_call(f, "root", "POST", WARES, fixture_print(f, "{\"name\":\"%s\"}", name)), 201);
}

static void count_is(struct fixture *f, const char *who, const char *wanted)
{
    assert_int_equal(fixture_call(f, who, "GET", WARES "?count=true", NULL), 200);
    assert_string_equal(fixture_at(f, "count"), wanted);
}

static void test_operator__makes_a_tenant_with_what_its_plugins_need(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, OPERATOR, "POST", TENANTS,
                                  "{\"name\":\"cork\",\"hosts\":[\"Cork.test\"],"
                                  "\"plugins\":[\"trade\"],\"locale\":\"en\"}"),
                     201);
    assert_string_equal(fixture_at(f, "hosts"), "[\"cork.test\"]");
    assert_string_equal(fixture_at(f, "state"), "active");
    assert_int_equal(fixture_call(f, "operator@cork", "POST", WARES, "{\"name\":\"x\"}"), 201);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", TENANTS "/cork", NULL), 200);
    assert_string_equal(fixture_at(f, "locale"), "en");
    assert_int_equal(fixture_call(f, OPERATOR, "DELETE", TENANTS "/cork", NULL), 204);
    assert_false(has_folder(f, "cork"));
    assert_int_equal(fixture_call(f, OPERATOR, "GET", TENANTS "/cork", NULL), 404);
    assert_int_equal(fixture_call(f, "operator@cork", "GET", WARES, NULL), 404);
}

static void test_operator__a_company_has_so_many_names(void **state)
{
    struct fixture *f = *state;
    for (int n = HOSTS_PER_TENANT_MAX + 1; n >= HOSTS_PER_TENANT_MAX; n--) {
        struct buf body = BUF_INIT;
        buf_put_str(&body, "{\"name\":\"cork\",\"hosts\":[");
        for (int i = 0; i < n; i++)
            buf_printf(&body, "%s\"c%d.test\"", i ? "," : "", i);
        buf_put_str(&body, "]}");
        assert_int_equal(fixture_call(f, OPERATOR, "POST", TENANTS, buf_cstr(&body)),
                         n > HOSTS_PER_TENANT_MAX ? 422 : 201);
        buf_release(&body);
    }
}

static void test_operator__leaves_nothing_of_a_tenant_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "{\"name\":\"cork\",\"hosts\":[\"cork.test\"],\"plugins\":[\"nothing\"]}",
        "{\"name\":\"cork\",\"hosts\":[\"cork.test\"],\"plugins\":[\"torn\"]}",
        "{\"name\":\"cork\",\"hosts\":[\"cork.test\"],\"plugins\":[\"later\"]}",
        "{\"name\":\"cork\",\"hosts\":[\"cork.test\"],\"timezone\":\"Moon\"}",
        "{\"name\":\"cork\",\"hosts\":[\"cork test\"]}",
        "{\"name\":\"cork\",\"hosts\":[]}",
        "{\"name\":\"../cork\",\"hosts\":[\"cork.test\"]}",
        "{\"name\":\"cork\",\"hosts\":[\"cork.test\"],\"colour\":\"red\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (fixture_call(f, OPERATOR, "POST", TENANTS, bodies[i]) != 422)
            fail_msg("%s: %d %s", bodies[i], f->status, f->text);
        assert_false(has_folder(f, "cork"));
    }
    assert_int_equal(
        fixture_call(f, OPERATOR, "POST", TENANTS, "{\"name\":\"cork\",\"hosts\":[\"bolt.test\"]}"),
        409);
    assert_int_equal(
        fixture_call(f, OPERATOR, "POST", TENANTS, "{\"name\":\"bolt\",\"hosts\":[\"cork.test\"]}"),
        409);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", TENANTS, NULL), 200);
    assert_string_equal(fixture_at(f, "items.2"), "");
}

static void test_operator__is_nobody_else(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "GET", TENANTS, NULL), 404);
    assert_int_equal(fixture_call(f, NOBODY, "GET", TENANTS, NULL), 404);
    assert_int_equal(fixture_call(f, "root", "DELETE", TENANTS "/bolt", NULL), 404);
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/operator/backup", "{}"), 404);
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/operator/restore", "{}"), 404);
    assert_int_equal(fixture_call(f, "root", "POST", "/api/v1/operator/check", "{}"), 404);
}

static void test_operator__suspends_and_resumes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, OPERATOR, "PATCH", TENANTS "/bolt", "{\"state\":\"asleep\"}"),
                     422);
    assert_int_equal(
        fixture_call(f, OPERATOR, "PATCH", TENANTS "/bolt", "{\"state\":\"suspended\"}"), 200);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", WARES, NULL), 404);
    assert_int_equal(fixture_call(f, "root", "GET", WARES, NULL), 200);
    assert_int_equal(fixture_call(f, OPERATOR, "PATCH", TENANTS "/bolt", "{\"state\":\"active\"}"),
                     200);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", WARES, NULL), 200);
}

static const char *backup(struct fixture *f, const char *who)
{
    const char *body = fixture_print(f, "{\"dir\":\"%s/kept\"}", f->folder);
    if (fixture_call(f, who, "POST", "/api/v1/operator/backup", body) != 200)
        fail_msg("%s", f->text);
    return fixture_at(f, "path");
}

static int restore(struct fixture *f, const char *tenant, const char *path, const char *more)
{
    const char *body =
        fixture_print(f, "{\"tenant\":\"%s\",\"path\":\"%s\"%s}", tenant, path, more);
    return fixture_call(f, OPERATOR, "POST", "/api/v1/operator/restore", body);
}

static void test_operator__restores_what_was_and_ends_sessions(void **state)
{
    struct fixture *f = *state;
    make_ware(f, "before");
    const char *path = backup(f, OPERATOR);
    fixture_audited(f, "backup");
    make_ware(f, "after");
    if (restore(f, "acme", path, "") != 200)
        fail_msg("%s", f->text);
    count_is(f, OPERATOR, "1");
    assert_int_equal(fixture_call(f, "root", "GET", WARES, NULL), 401);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", WARES, NULL), 200);
}

static void test_operator__restores_under_another_name(void **state)
{
    struct fixture *f = *state;
    make_ware(f, "before");
    const char *path = backup(f, OPERATOR);
    assert_int_equal(restore(f, "acme", path, ",\"as\":\"cork\""), 422); /* no host */
    assert_int_equal(restore(f, "acme", path, ",\"as\":\"cork\",\"host\":\"bolt.test\""), 409);
    assert_false(has_folder(f, "cork"));
    assert_int_equal(restore(f, "acme", path, ",\"as\":\"cork\",\"host\":\"cork.test\""), 200);
    count_is(f, "operator@cork", "1");
    assert_int_equal(fixture_call(f, "operator@cork", "POST", WARES, "{\"name\":\"x\"}"), 201);
    count_is(f, "root", "1");
}

static void test_operator__refuses_a_backup_that_was_touched(void **state)
{
    struct fixture *f = *state;
    make_ware(f, "before");
    const char *path = backup(f, OPERATOR);
    make_ware(f, "after");
    assert_int_equal(restore(f, "bolt", path, ""), 422); /* of another tenant */
    assert_int_equal(restore(f, "acme", f->folder, ""), 422);
    const char *db = fixture_print(f, "%s/tenant.db", path);
    FILE *file = fopen(db, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 9000, SEEK_SET), 0);
    assert_int_not_equal(fputc('x', file), EOF);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(restore(f, "acme", path, ""), 422);
    assert_non_null(strstr(f->text, "hash"));
    count_is(f, "root", "2");
}

static void test_operator__check_finds_a_changed_audit_row(void **state)
{
    struct fixture *f = *state;
    make_ware(f, "x");
    assert_int_equal(fixture_call(f, OPERATOR, "POST", "/api/v1/operator/check", "{}"), 200);
    if (strcmp(fixture_at(f, "ok"), "true") != 0)
        fail_msg("%s", f->text);
    tenants_drop(f->tenants, "acme");
    const char *db = fixture_print(f, "%s/tenants/acme/tenant.db", f->config.data);
    struct arena *arena = arena_new();
    struct slice bytes;
    const char *wal = fixture_print(f, "%s-wal", db);
    assert_false(folder_exists(wal)); /* all of it is in the file */
    FILE *file = fopen(db, "r+b");
    assert_non_null(file);
    char *text = arena_alloc(arena, 4 << 20);
    bytes = slice_of(text, fread(text, 1, 4 << 20, file));
    ptrdiff_t at = slice_find(bytes, SLICE("user.create"));
    assert_true(at > 0);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fputs("USER", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    arena_free(arena);
    assert_int_equal(fixture_call(f, OPERATOR, "POST", "/api/v1/operator/check", "{}"), 200);
    assert_string_equal(fixture_at(f, "ok"), "false");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_operator__makes_a_tenant_with_what_its_plugins_need),
        TEST(test_operator__leaves_nothing_of_a_tenant_that_cannot_be),
        TEST(test_operator__a_company_has_so_many_names),
        TEST(test_operator__is_nobody_else),
        TEST(test_operator__suspends_and_resumes),
        TEST(test_operator__restores_what_was_and_ends_sessions),
        TEST(test_operator__restores_under_another_name),
        TEST(test_operator__refuses_a_backup_that_was_touched),
        TEST(test_operator__check_finds_a_changed_audit_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
