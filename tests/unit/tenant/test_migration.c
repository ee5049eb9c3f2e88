/* test_migration - which of a plugin's migrations a tenant has behind it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "place.h"
#include "tenant/folder.h"
#include "tenant/migration.h"

struct fixture {
    struct place place;
    struct tenant tenant;
    struct plugin plugin;
};

static int setup(void **state)
{
    static struct fixture f;
    static const char *const names[] = {"acme", NULL};
    place_open(&f.place);
    place_fill(&f.place, names);
    const char *path = arena_printf(f.place.arena, "%s/tenants/acme/tenant.db", f.place.data);
    f.tenant = (struct tenant){.name = "acme"};
    f.plugin = (struct plugin){.id = "shop",
                               .version = "2.0.0",
                               .folder = arena_printf(f.place.arena, "%s/shop", f.place.folder)};
    assert_int_equal(store_open(path, STORE_OWNER, &f.tenant.store), ERR_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->tenant.store);
    place_close(&f->place);
    return 0;
}

static void write(struct fixture *f, const char *name)
{
    const char *folder = arena_printf(f->place.arena, "%s/migrations", f->plugin.folder);
    assert_int_equal(folder_make(folder), ERR_OK);
    assert_int_equal(
        folder_write(arena_printf(f->place.arena, "%s/%s", folder, name), SLICE("return {}"), 0600),
        ERR_OK);
}

static struct migration *list(struct fixture *f, int want)
{
    struct migration *all = NULL;
    int count = -1;
    const char *why = NULL;
    assert_int_equal(migration_list(&f->tenant, f->place.arena, &f->plugin, &all, &count, &why),
                     ERR_OK);
    assert_int_equal(count, want);
    return all;
}

static void test_migration__they_come_by_number_and_are_remembered(void **state)
{
    struct fixture *f = *state;
    (void)list(f, 0);
    write(f, "010_later.lua");
    write(f, "002_first.lua");
    write(f, "notes.md");
    struct migration *all = list(f, 2);
    assert_string_equal(all[0].name, "002_first");
    assert_int_equal(all[1].no, 10);
    assert_false(migration_is_done(&all[0]));
    all[0].state = "running";
    all[0].cursor = 77;
    all[0].rows = 500;
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    assert_int_equal(migration_put(&f->tenant, &f->plugin, &all[0]), ERR_OK);
    all[1].state = "done";
    assert_int_equal(migration_put(&f->tenant, &f->plugin, &all[1]), ERR_OK);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    all = list(f, 2);
    assert_false(migration_is_done(&all[0]));
    assert_int_equal(all[0].cursor, 77);
    assert_int_equal(all[0].rows, 500);
    assert_true(migration_is_done(&all[1]));
    f->plugin.id = "other"; /* another plugin's numbers are its own */
    all = list(f, 2);
    assert_null(all[1].state);
}

static void refused(struct fixture *f, const char *part)
{
    struct migration *all = NULL;
    int count;
    const char *why = "";
    assert_int_equal(migration_list(&f->tenant, f->place.arena, &f->plugin, &all, &count, &why),
                     ERR_MALFORMED);
    assert_non_null(strstr(why, part));
}

static void test_migration__names_carry_their_number(void **state)
{
    struct fixture *f = *state;
    write(f, "000_none.lua");
    refused(f, "shop/migrations/000_none.lua");
}

static void test_migration__a_number_is_used_once(void **state)
{
    struct fixture *f = *state;
    write(f, "001_one.lua");
    write(f, "001_two.lua");
    refused(f, "shop/migrations/001_two.lua: its number is there already");
}

static void test_migration__who_comes_new_has_all_behind(void **state)
{
    struct fixture *f = *state;
    write(f, "001_one.lua");
    write(f, "002_two.lua");
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    assert_int_equal(migration_skip(&f->tenant, f->place.arena, &f->plugin), ERR_OK);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    struct migration *all = list(f, 2);
    assert_true(migration_is_done(&all[0]) && migration_is_done(&all[1]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_migration__they_come_by_number_and_are_remembered),
        TEST(test_migration__names_carry_their_number),
        TEST(test_migration__a_number_is_used_once),
        TEST(test_migration__who_comes_new_has_all_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
