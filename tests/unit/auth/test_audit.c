/* test_audit - the chain holds, and one changed byte is found.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "auth/audit.h"
#include "base/limits.h"
#include "office.h"
#include "store/query.h"

static void put(struct office *o, const char *action, const char *detail)
{
    office_begin(o);
    assert_int_equal(office_end(o, audit_put(&o->ctx, action, "lead", 7, detail)), ERR_OK);
}

static int64_t broken(struct office *o)
{
    int64_t seq = -1;
    assert_int_equal(audit_verify(o->ctx.tenant, &seq), ERR_OK);
    return seq;
}

static void test_audit__rows_are_numbered_and_chained(void **state)
{
    struct office *o = *state;
    assert_int_equal(broken(o), 0);
    struct actor actor = {.user = 42};
    o->ctx.actor = &actor;
    o->ctx.address = "192.0.2.1";
    put(o, "export", "{\"rows\":10}");
    put(o, "unmask", NULL);
    o->ctx.actor = NULL;
    o->ctx.address = NULL;
    put(o, "export", "{\"rows\":11}");
    assert_int_equal(broken(o), 0);
    int64_t seq;
    uint8_t hash[CRYPTO_SHA256_LEN], zeros[CRYPTO_SHA256_LEN] = {0};
    assert_int_equal(audit_head(o->acme, &seq, hash), ERR_OK);
    assert_int_equal(seq, 3);
    assert_memory_not_equal(hash, zeros, sizeof hash);
    o->ctx.tenant = o->bolt;
    assert_int_equal(audit_head(o->bolt, &seq, hash), ERR_OK);
    assert_int_equal(seq, 0);
}

static void test_audit__rows_cannot_be_changed_or_deleted(void **state)
{
    struct office *o = *state;
    put(o, "export", NULL);
    struct expr where = {.op = EXPR_EQ, .column = {0, "seq"}, .value = value_int(1)};
    struct store_set set = {.column = "actor", .value = value_int(9)};
    office_begin(o);
    enum err e = store_update(o->acme->store, "audit", &where, &set, 1, NULL, NULL);
    assert_int_equal(office_end(o, e), ERR_FORBIDDEN);
    office_begin(o);
    e = store_delete(o->acme->store, "audit", &where, NULL);
    assert_int_equal(office_end(o, e), ERR_FORBIDDEN);
}

/* Somebody with access to the file changes one byte of it. */
static void test_audit__one_changed_byte_is_found(void **state)
{
    struct office *o = *state;
    put(o, "export", "{\"rows\":\"first\"}");
    put(o, "export", "{\"rows\":\"second\"}");
    put(o, "export", "{\"rows\":\"third\"}");
    assert_int_equal(store_checkpoint(o->acme->store, STORE_CHECKPOINT_TRUNCATE, NULL), ERR_OK);
    const char *path = tenant_path(o->acme, o->arena, "tenant.db", NULL);
    tenants_unpin(o->tenants, o->acme);
    tenants_drop(o->tenants, "acme");

    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    static char text[4 << 20];
    size_t n = fread(text, 1, sizeof text, file);
    ptrdiff_t at = slice_find(slice_of(text, n), SLICE("second"));
    assert_true(at > 0);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc('S', file), 'S');
    assert_int_equal(fclose(file), 0);

    assert_int_equal(tenants_by_name(o->tenants, SLICE("acme"), &o->ctx.tenant), ERR_OK);
    assert_int_equal(broken(o), 2);
}

/* Rows put in, taken out or moved are found as well. */
static void test_audit__a_gap_and_a_forgery_are_found(void **state)
{
    struct office *o = *state;
    put(o, "export", NULL);
    uint8_t forged[CRYPTO_SHA256_LEN] = {1, 2, 3};
    struct store_set sets[] = {
        {.column = "seq", .value = value_int(2)},
        {.column = "at", .value = value_int(o->ctx.now_ms)},
        {.column = "action", .value = value_text(SLICE("export"))},
        {.column = "hash", .value = value_blob(slice_of((const char *)forged, sizeof forged))},
    };
    office_begin(o);
    enum err e = store_insert(o->acme->store, "audit", sets, 4, NULL);
    assert_int_equal(office_end(o, e), ERR_OK);
    assert_int_equal(broken(o), 2);

    o->ctx.tenant = o->bolt;
    sets[0].value = value_int(500);
    office_begin(o);
    e = store_insert(o->bolt->store, "audit", sets, 4, NULL);
    assert_int_equal(office_end(o, e), ERR_OK);
    assert_int_equal(broken(o), 500); /* nobody purged 499 rows before it */
}

static int64_t purge(struct office *o, int64_t before_ms)
{
    office_begin(o);
    assert_int_equal(office_end(o, audit_purge(o->ctx.tenant, before_ms)), ERR_OK);
    return office_count(o, "audit");
}

static void test_audit__old_rows_are_purged_and_the_rest_still_verifies(void **state)
{
    struct office *o = *state;
    for (int i = 0; i < 3; i++)
        put(o, "export", "{\"rows\":1}");
    int64_t first_ms = o->ctx.now_ms;
    office_wait(o, AUDIT_KEEP_MS);
    put(o, "export", NULL);
    assert_int_equal(purge(o, first_ms), 4);     /* not a moment too soon */
    assert_int_equal(purge(o, first_ms + 1), 4); /* the law asks for one more millisecond */
    office_wait(o, 1);
    assert_int_equal(purge(o, first_ms + 1), 2); /* the fourth, and that three were purged */
    assert_int_equal(broken(o), 0);
    put(o, "export", NULL);
    assert_int_equal(broken(o), 0);
}

static void test_audit__no_setting_purges_what_the_law_keeps(void **state)
{
    struct office *o = *state;
    put(o, "export", NULL);
    put(o, "export", NULL);
    office_wait(o, AUDIT_KEEP_MS / 2);
    assert_int_equal(purge(o, o->ctx.now_ms + 1), 2);
}

/* What is left begins with the hash of what was taken: changing the first row left is found. */
static void test_audit__a_forged_beginning_is_found(void **state)
{
    struct office *o = *state;
    put(o, "export", NULL);
    office_wait(o, AUDIT_KEEP_MS + 1);
    put(o, "export", NULL);
    assert_int_equal(purge(o, o->ctx.now_ms), 2);
    assert_int_equal(broken(o), 0);
    office_begin(o);
    assert_int_equal(office_end(o, store_trim(o->acme->store, "audit", "seq", 2, NULL)), ERR_OK);
    assert_int_equal(broken(o), 3); /* the second row is missing */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_audit__rows_are_numbered_and_chained),
        T(test_audit__rows_cannot_be_changed_or_deleted),
        T(test_audit__one_changed_byte_is_found),
        T(test_audit__a_gap_and_a_forgery_are_found),
        T(test_audit__old_rows_are_purged_and_the_rest_still_verifies),
        T(test_audit__no_setting_purges_what_the_law_keeps),
        T(test_audit__a_forged_beginning_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
