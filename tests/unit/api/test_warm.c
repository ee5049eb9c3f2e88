/* test_warm - models that are there before anybody asks, and nothing that is a company's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <unistd.h>

#include "api/warm.h"
#include "record/model_build.h"
#include "tenant/folder.h"

static int owned_by;

static int owner(struct app *app, const char *tenant)
{
    (void)app;
    return tenant[0] == 'a' ? owned_by : 7;
}

static const struct app_services WORKER = {.owner = owner};

/* The company's model as its owner finds it. */
static const struct model *asked(struct fixture *f, const char *name, struct tenant **tenant)
{
    const struct model *model = NULL;
    const char *why = "";
    assert_int_equal(tenants_by_name(f->tenants, slice_str(name), tenant), ERR_OK);
    if (model_get(*tenant, f->config.home, true, &model, &why))
        fail_msg("%s", why);
    tenants_unpin(f->tenants, *tenant);
    return model;
}

static void close_all(struct fixture *f)
{
    tenants_trim(f->tenants, 0, 0);
}

/* Both have been served once: their stores hold what their models need. */
static int setup(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;
    assert_int_equal(fixture_call(f, "root", "GET", "/api/v1/me", NULL), 200);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", "/api/v1/me", NULL), 200);
    close_all(f);
    model_forget();
    owned_by = 3;
    return 0;
}

static int steps(struct fixture *f)
{
    int count = 1;
    struct warm *warm = warm_new(&f->app);
    while (warm_step(warm))
        count++;
    warm_free(warm);
    return count;
}

static void test_warm__who_comes_finds_the_model(void **state)
{
    struct fixture *f = *state;
    struct tenant *acme, *bolt;
    assert_int_equal(share_idle(), 0);
    assert_int_equal(steps(f), 2);
    assert_false(tenants_is_open(f->tenants, "acme"));
    assert_false(tenants_is_open(f->tenants, "bolt"));
    assert_int_equal(share_idle(), 1); /* the same plugins */
    const struct model *model = asked(f, "acme", &acme);
    assert_int_equal(share_idle(), 0);
    assert_ptr_equal(asked(f, "bolt", &bolt)->schema, model->schema);
    assert_null(model_extra(model)->value); /* gateways run no scripts */
}

static void test_warm__a_worker_knows_what_scripts_register(void **state)
{
    struct fixture *f = *state;
    struct tenant *acme;
    f->app.role = APP_WORKER;
    f->app.services = &WORKER;
    f->app.slot = 3;
    assert_int_equal(steps(f), 2); /* bolt is another worker's */
    assert_int_equal(share_idle(), 1);
    assert_non_null(model_extra(asked(f, "acme", &acme))->value);
    assert_null(acme->vm);
}

static void test_warm__what_others_own_is_left_to_them(void **state)
{
    struct fixture *f = *state;
    f->app.role = APP_WORKER;
    f->app.services = &WORKER;
    f->app.slot = 4;
    assert_int_equal(steps(f), 1);
    assert_int_equal(share_idle(), 0);
}

static void test_warm__who_is_there_already_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct tenant *acme;
    const struct model *model = asked(f, "acme", &acme);
    (void)steps(f);
    assert_true(tenants_is_open(f->tenants, "acme"));
    assert_ptr_equal(asked(f, "acme", &acme), model);
}

static void write_home(struct fixture *f, const char *path, const char *text)
{
    char full[FOLDER_PATH_MAX];
    folder_join(full, f->config.home, path);
    assert_int_equal(unlink(full), 0);
    assert_int_equal(folder_write(full, slice_str(text), 0600), ERR_OK);
}

static void test_warm__a_file_that_changes_behind_it_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct tenant *acme;
    (void)steps(f);
    write_home(
        f, "plugins/shop/roles/seller.json",
        "{\"name\":\"seller\",\"label\":\"@ware\",\"grants\":{\"ware\":{\"read\":\"own\"}}}");
    const struct model *model = asked(f, "acme", &acme);
    assert_int_equal(share_idle(), 1); /* what was made before is nobody's */
    const struct role *role = map_get(&model->roles, SLICE("seller"));
    assert_non_null(role);
    assert_null(role_grant_of(role, "ware")->rules[ROLE_CREATE]);
}

static void test_warm__other_plugins_are_another_model(void **state)
{
    struct fixture *f = *state;
    struct tenant *bolt, *acme;
    static char much[200000];
    memset(much, ' ', sizeof much);
    much[0] = '{';
    much[sizeof much - 1] = '}';
    assert_int_equal(tenants_by_name(f->tenants, SLICE("bolt"), &bolt), ERR_OK);
    assert_int_equal(store_begin(bolt->store, true), ERR_OK);
    assert_int_equal(
        tenant_plugin_put(bolt, "shop", "1.2.0", "disabled", slice_of(much, sizeof much)), ERR_OK);
    assert_int_equal(store_header_bump(bolt->store, true, false), ERR_OK);
    assert_int_equal(store_commit(bolt->store), ERR_OK);
    tenants_unpin(f->tenants, bolt);
    (void)asked(f, "bolt", &bolt);
    close_all(f);
    model_forget();
    (void)steps(f);
    assert_int_equal(share_idle(), 1);
    assert_null(model_entity(asked(f, "bolt", &bolt), SLICE("ware")));
    assert_int_equal(share_idle(), 0); /* it has the larger store, so it was bolt's */
    assert_non_null(model_entity(asked(f, "acme", &acme), SLICE("ware")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_warm__##name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_comes_finds_the_model),
        TEST(a_worker_knows_what_scripts_register),
        TEST(what_others_own_is_left_to_them),
        TEST(who_is_there_already_is_left_alone),
        TEST(a_file_that_changes_behind_it_is_noticed),
        TEST(other_plugins_are_another_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
