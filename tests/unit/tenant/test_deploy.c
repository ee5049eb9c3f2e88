/* test_deploy - bundles as they lie in a tenant's folder, their history, and how many are kept.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "place.h"
#include "tenant/deploy.h"
#include "tenant/folder.h"

#define ID "acme.sales"

struct fixture {
    struct place place;
    struct tenant tenant;
};

static int setup(void **state)
{
    static struct fixture f;
    static const char *const names[] = {"acme", NULL};
    place_open(&f.place);
    place_fill(&f.place, names);
    f.tenant = (struct tenant){
        .name = "acme", .folder = arena_printf(f.place.arena, "%s/tenants/acme", f.place.data)};
    const char *path = arena_printf(f.place.arena, "%s/tenant.db", f.tenant.folder);
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

/* The n-th bundle: kept, and told of. */
static const char *deploy(struct fixture *f, int n, bool *fresh)
{
    struct arena *arena = f->place.arena;
    struct pack *pack = arena_make(arena, struct pack);
    const char *why = NULL;
    pack->files = arena_array(arena, struct pack_file, 1);
    pack->count = 1;
    pack->files[0] =
        (struct pack_file){"plugin.json", slice_str(arena_printf(arena, "{\"n\":%d}", n))};
    assert_int_equal(pack_make(arena, pack, &why), ERR_OK);
    assert_int_equal(deploy_keep(&f->tenant, arena, ID, pack, fresh), ERR_OK);
    struct deploy line = {.plugin = ID,
                          .hash = pack->hash,
                          .version = "1.0.0",
                          .action = "deploy",
                          .files = 1,
                          .bytes = (int64_t)pack->files[0].bytes.len};
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    assert_int_equal(deploy_put(&f->tenant, &line), ERR_OK);
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    return pack->hash;
}

static int kept(struct fixture *f)
{
    const char **names;
    int count;
    const char *folder = tenant_path(&f->tenant, f->place.arena, "custom", ID);
    assert_int_equal(folder_names(f->place.arena, folder, &names, &count), ERR_OK);
    return count;
}

static void test_deploy__the_history_is_newest_first(void **state)
{
    struct fixture *f = *state;
    struct deploy *all;
    int count;
    bool fresh;
    const char *one = deploy(f, 1, &fresh), *two = deploy(f, 2, &fresh);
    assert_true(fresh);
    (void)deploy(f, 1, &fresh);
    assert_false(fresh);
    assert_int_equal(deploy_list(&f->tenant, f->place.arena, ID, &all, &count), ERR_OK);
    assert_int_equal(count, 3);
    assert_string_equal(all[0].hash, one);
    assert_string_equal(all[1].hash, two);
    assert_true(all[0].is_kept && all[1].is_kept);
    assert_int_equal(all[0].actor, 0);
    assert_null(all[0].before);
    assert_int_equal(deploy_list(&f->tenant, f->place.arena, "acme.none", &all, &count), ERR_OK);
    assert_int_equal(count, 0);
}

static void test_deploy__what_is_dropped_is_gone(void **state)
{
    struct fixture *f = *state;
    struct deploy *all;
    int count;
    bool fresh;
    const char *one = deploy(f, 1, &fresh);
    deploy_drop(&f->tenant, f->place.arena, ID, one);
    assert_int_equal(kept(f), 0);
    assert_int_equal(deploy_list(&f->tenant, f->place.arena, ID, &all, &count), ERR_OK);
    assert_false(all[0].is_kept);
}

static void test_deploy__so_many_are_kept_and_the_active_one(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = f->place.arena;
    const char *hashes[DEPLOYS_KEPT + 2];
    bool fresh;
    for (int i = 0; i < DEPLOYS_KEPT; i++)
        hashes[i] = deploy(f, i, &fresh);
    assert_int_equal(deploy_prune(&f->tenant, arena, ID, hashes[DEPLOYS_KEPT - 1]), ERR_OK);
    assert_int_equal(kept(f), DEPLOYS_KEPT);
    hashes[DEPLOYS_KEPT] = deploy(f, DEPLOYS_KEPT, &fresh);
    assert_int_equal(deploy_prune(&f->tenant, arena, ID, hashes[0]), ERR_OK);
    assert_int_equal(kept(f), DEPLOYS_KEPT + 1); /* the oldest is active */
    assert_int_equal(deploy_prune(&f->tenant, arena, ID, hashes[DEPLOYS_KEPT]), ERR_OK);
    assert_int_equal(kept(f), DEPLOYS_KEPT);
    assert_false(folder_exists(deploy_folder(&f->tenant, arena, ID, hashes[0])));
    assert_true(folder_exists(deploy_folder(&f->tenant, arena, ID, hashes[1])));
}

static void test_deploy__one_that_is_not_told_of_yet_stays(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = f->place.arena;
    bool fresh;
    const char *active = NULL;
    struct pack pack = {.files = arena_array(arena, struct pack_file, 1), .count = 1};
    const char *why = NULL;
    pack.files[0] = (struct pack_file){"plugin.json", SLICE("{}")};
    assert_int_equal(pack_make(arena, &pack, &why), ERR_OK);
    assert_int_equal(deploy_keep(&f->tenant, arena, ID, &pack, &fresh), ERR_OK);
    for (int i = 0; i <= DEPLOYS_KEPT; i++)
        active = deploy(f, i, &fresh);
    assert_int_equal(deploy_prune(&f->tenant, arena, ID, active), ERR_OK);
    assert_true(folder_exists(deploy_folder(&f->tenant, arena, ID, pack.hash)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_deploy__the_history_is_newest_first),
        TEST(test_deploy__what_is_dropped_is_gone),
        TEST(test_deploy__so_many_are_kept_and_the_active_one),
        TEST(test_deploy__one_that_is_not_told_of_yet_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
