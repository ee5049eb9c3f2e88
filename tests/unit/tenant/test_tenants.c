/* test_tenants - creating tenants, finding them by host, opening, trimming and dropping.
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

#include "base/clock.h"
#include "base/limits.h"
#include "base/tuning.h"
#include "place.h"
#include "store/query.h"
#include "tenant/folder.h"
#include "tenant/system.h"

#define NOON 1780000000000LL

static struct config config;

static int setup(void **state)
{
    static struct place place;
    static const char *const names[] = {"acme", "bolt", NULL};
    place_open(&place);
    clock_fix(NOON);
    place_fill(&place, names);
    config = (struct config){.data = place.data};
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    clock_fix(-1);
    place_close(*state);
    return 0;
}

static struct tenants *tenants_open(void)
{
    struct tenants *tenants;
    const char *why;
    assert_int_equal(tenants_new(&config, STORE_OWNER, 4, &tenants, &why), ERR_OK);
    return tenants;
}

static void test_tenants__host_and_name_find_the_same(void **state)
{
    (void)state;
    struct tenants *tenants = tenants_open();
    struct tenant *by_host, *by_name;
    assert_int_equal(tenants_by_host(tenants, SLICE("acme.test"), &by_host), ERR_OK);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &by_name), ERR_OK);
    assert_ptr_equal(by_host, by_name);
    assert_string_equal(by_host->name, "acme");
    assert_int_equal(by_host->pins, 2);
    assert_non_null(by_host->zone);
    assert_int_equal(tenants_by_host(tenants, SLICE("nobody.test"), &by_name), ERR_NOT_FOUND);
    tenants_free(tenants);
}

static void test_tenants__two_tenants_share_nothing(void **state)
{
    struct place *p = *state;
    struct tenants *tenants = tenants_open();
    struct tenant *acme, *bolt;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &acme), ERR_OK);
    assert_int_equal(tenants_by_name(tenants, SLICE("bolt"), &bolt), ERR_OK);
    assert_int_equal(store_begin(acme->store, true), ERR_OK);
    assert_int_equal(tenant_setting_put(acme, "secret", SLICE("\"acme only\"")), ERR_OK);
    assert_int_equal(store_commit(acme->store), ERR_OK);

    const struct json *value;
    assert_int_equal(tenant_setting(acme, p->arena, "secret", &value), ERR_OK);
    assert_string_equal(value->text.at, "acme only");
    assert_int_equal(tenant_setting(bolt, p->arena, "secret", &value), ERR_OK);
    assert_null(value);
    tenants_free(tenants);
}

static void test_tenants__creation_writes_folders_and_settings(void **state)
{
    struct place *p = *state;
    struct tenants *tenants = tenants_open();
    struct tenant *acme;
    const struct json *value;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &acme), ERR_OK);
    assert_int_equal(tenant_setting(acme, p->arena, "tenant", &value), ERR_OK);
    assert_string_equal(json_cstr(value, "timezone", ""), "Asia/Shanghai");
    assert_true(folder_exists(tenant_path(acme, p->arena, "files", NULL)));
    assert_true(folder_exists(tenant_path(acme, p->arena, "custom", NULL)));
    int count;
    const struct store_table *tables = system_tables(&count);
    assert_int_equal(acme->header.schema_hash, system_hash(tables, count));
    tenants_free(tenants);
}

static void test_tenants__creation_leaves_nothing_half_made(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct control_tenant spec = {.name = "acme", .worker = -1};
    assert_int_equal(tenant_create(p->data, &spec, &why), ERR_CONFLICT);
    spec = (struct control_tenant){.name = "zone", .timezone = "Mars/Base", .worker = -1};
    assert_int_equal(tenant_create(p->data, &spec, &why), ERR_MALFORMED);
    spec = (struct control_tenant){.name = "coin", .currency = "XYZ1", .worker = -1};
    assert_int_equal(tenant_create(p->data, &spec, &why), ERR_MALFORMED);

    char path[FOLDER_PATH_MAX]; /* what a crash in the middle leaves */
    (void)snprintf(path, sizeof path, "%s/tenants/.new-late-00000000/files", p->data);
    assert_int_equal(folder_make(path), ERR_OK);
    assert_int_equal(tenant_sweep(p->data), ERR_OK);
    const char **names;
    int count;
    (void)snprintf(path, sizeof path, "%s/tenants", p->data);
    assert_int_equal(folder_names(p->arena, path, &names, &count), ERR_OK);
    assert_int_equal(count, 2);
}

static void test_tenants__states_decide_who_is_served(void **state)
{
    (void)state;
    struct tenants *tenants = tenants_open();
    struct tenant *t;
    const char *why;
    assert_int_equal(tenants_own_control(tenants, STORE_OWNER, &why), ERR_OK);
    struct store *control = tenants_control(tenants);
    assert_int_equal(control_set_state(control, "acme", "suspended", NULL), ERR_OK);
    assert_int_equal(control_set_state(control, "bolt", "parked", "broken"), ERR_OK);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &t), ERR_OK); /* news once a second */
    tenants_unpin(tenants, t);
    clock_fix(NOON + 1000);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &t), ERR_NOT_FOUND);
    assert_int_equal(tenants_by_host(tenants, SLICE("bolt.test"), &t), ERR_BUSY);
    assert_int_equal(control_set_state(control, "acme", "active", NULL), ERR_OK);
    tenants_reload(tenants);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &t), ERR_OK);
    tenants_free(tenants);
}

static int freed;

static void count_free(void *slot)
{
    (void)slot;
    freed++;
}

/* A command that follows the making of a tenant finds it; a second must not pass. */
static void test_tenants__new_and_replaced_ones_are_seen_at_once(void **state)
{
    struct place *place = *state;
    struct tenants *tenants = tenants_open();
    struct tenant *tenant;
    struct store *control;
    const char *why = NULL, *hosts[] = {"acme.test", NULL};
    struct control_tenant spec = {.name = "acme", .worker = -1, .hosts = hosts};
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &tenant), ERR_OK);
    struct store *before = tenant->store;
    assert_int_equal(control_open(place->data, STORE_OWNER, &control, &why), ERR_OK);
    assert_int_equal(control_remove(control, "acme"), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    tenants_reload(tenants);
    struct tenant *again;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &again), ERR_OK);
    assert_ptr_not_equal(again, tenant);
    assert_ptr_not_equal(again->store, before);
    tenants_unpin(tenants, tenant);
    tenants_unpin(tenants, again);

    const char *fresh[] = {"cork.test", NULL};
    spec = (struct control_tenant){.name = "cork", .worker = -1, .hosts = fresh};
    assert_int_equal(tenants_by_host(tenants, SLICE("cork.test"), &tenant), ERR_NOT_FOUND);
    assert_int_equal(tenant_create(place->data, &spec, &why), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    assert_int_equal(tenants_by_host(tenants, SLICE("cork.test"), &tenant), ERR_OK);
    tenants_unpin(tenants, tenant);
    store_close(control);
    tenants_free(tenants);
}

static void test_tenants__trim_spares_the_pinned(void **state)
{
    (void)state;
    freed = 0;
    struct tenants *tenants = tenants_open();
    struct tenant *acme, *bolt, *at;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &acme), ERR_OK);
    acme->model = &freed;
    acme->model_free = count_free;
    assert_int_equal(tenants_by_name(tenants, SLICE("bolt"), &bolt), ERR_OK);
    tenants_unpin(tenants, bolt);
    tenants_trim(tenants, 0, TENANTS_BYTES_MAX);
    size_t i = 0;
    assert_true(tenants_next(tenants, &i, &at));
    assert_ptr_equal(at, acme);
    assert_false(tenants_next(tenants, &i, &at));

    tenants_drop(tenants, "acme"); /* still pinned: valid, but not found again */
    assert_string_equal(acme->name, "acme");
    assert_int_equal(freed, 0);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &at), ERR_OK);
    assert_ptr_not_equal(at, acme);
    tenants_unpin(tenants, acme);
    assert_int_equal(freed, 1);
    tenants_free(tenants);
}

/* A tenant's store as it was made, so that a great many are made at once. */
static struct slice store_file(struct place *p, const char *name)
{
    const char *path = arena_printf(p->arena, "%s/tenants/%s/tenant.db", p->data, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(file);
    char *bytes = arena_alloc(p->arena, len);
    rewind(file);
    assert_int_equal(fread(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return slice_of(bytes, len);
}

static const char *copy_tenant(struct place *p, struct store *control, struct slice bytes, int i)
{
    const char *why = NULL, *name = arena_printf(p->arena, "t%d", i);
    struct control_tenant spec = {.name = name, .worker = -1};
    const char *folder = arena_printf(p->arena, "%s/tenants/%s", p->data, name);
    const char *path = arena_printf(p->arena, "%s/tenant.db", folder);
    assert_int_equal(folder_make(folder), ERR_OK);
    assert_int_equal(folder_write(path, bytes, 0600), ERR_OK);
    assert_int_equal(control_add(control, &spec, &why), ERR_OK);
    return name;
}

/* Another one is opened: what was used longest ago and by nobody goes. */
static void test_tenants__so_many_are_open(void **state)
{
    struct place *p = *state;
    const char *names[TENANTS_OPEN_MAX + 2] = {NULL};
    const char *why = NULL;
    struct store *control;
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    struct slice bytes = store_file(p, "acme");
    for (int i = 0; i <= TENANTS_OPEN_MAX; i++)
        names[i] = copy_tenant(p, control, bytes, i);
    store_close(control);
    struct tenants *tenants = tenants_open();
    for (int i = 0; names[i]; i++) {
        struct tenant *tenant;
        clock_fix(NOON + i);
        assert_int_equal(tenants_by_name(tenants, slice_str(names[i]), &tenant), ERR_OK);
        tenants_unpin(tenants, tenant);
    }
    size_t at = 0;
    int open = 0;
    bool first = false;
    for (struct tenant *tenant; tenants_next(tenants, &at, &tenant); open++)
        first = first || strcmp(tenant->name, names[0]) == 0;
    assert_int_equal(open, TENANTS_OPEN_MAX);
    assert_false(first);
    tenants_free(tenants);
}

static size_t weight; /* of each model in the next test */

static size_t weigh(const void *model)
{
    assert_ptr_equal(model, &freed);
    return weight;
}

static struct tenant *open_heavy(struct tenants *tenants, const char *name, int at)
{
    struct tenant *tenant;
    clock_fix(NOON + at);
    assert_int_equal(tenants_by_name(tenants, slice_str(name), &tenant), ERR_OK);
    tenant->model = &freed;
    tenant->model_free = count_free;
    tenant->model_bytes = weigh;
    return tenant;
}

/* By what they hold, too: at the bound all stay, beyond it the oldest that nobody uses goes. */
static void test_tenants__so_much_is_open(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct store *control;
    freed = 0;
    weight = 0;
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    const char *third = copy_tenant(p, control, store_file(p, "acme"), 1);
    const char *fourth = copy_tenant(p, control, store_file(p, "acme"), 2);
    store_close(control);
    struct tenants *tenants = tenants_open();
    struct tenant *acme = open_heavy(tenants, "acme", 0);
    struct tenant *bolt = open_heavy(tenants, "bolt", 1);
    tenants_unpin(tenants, bolt);
    size_t stores = tenants_bytes(tenants);
    assert_true(stores > 2 * 10000 && stores < 2 * 1000000);
    weight = (TENANTS_BYTES_MAX - stores) / 2;
    tenants_unpin(tenants, open_heavy(tenants, third, 2));
    assert_int_equal(freed, 0); /* what was open was within the bound */
    weight = TENANTS_BYTES_MAX / 2;
    tenants_unpin(tenants, open_heavy(tenants, fourth, 3));
    assert_int_equal(freed, 2);
    assert_string_equal(acme->name, "acme"); /* in use, though the oldest */
    tenants_unpin(tenants, acme);
    tenants_free(tenants);
}

static void test_tenants__the_unused_rest(void **state)
{
    (void)state;
    int64_t count = 0;
    struct tenants *tenants = tenants_open();
    struct tenant *acme, *bolt;
    clock_fix(NOON);
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &acme), ERR_OK);
    assert_int_equal(tenants_by_name(tenants, SLICE("bolt"), &bolt), ERR_OK);
    assert_int_equal(store_count(acme->store, "setting", NULL, 100, &count), ERR_OK);
    assert_int_equal(store_count(bolt->store, "setting", NULL, 100, &count), ERR_OK);
    size_t before = store_memory(acme->store), in_use = store_memory(bolt->store);
    tenants_unpin(tenants, acme);
    clock_fix(NOON + TENANTS_REST_MS - 1);
    tenants_rest(tenants);
    assert_int_equal(store_memory(acme->store), before);
    clock_fix(NOON + TENANTS_REST_MS);
    tenants_rest(tenants);
    assert_true(store_memory(acme->store) < before);
    assert_int_equal(store_memory(bolt->store), in_use);
    assert_int_equal(store_count(acme->store, "setting", NULL, 100, &count), ERR_OK);
    tenants_unpin(tenants, bolt);
    tenants_free(tenants);
}

/* One that is in use stays, however long ago that began; one that went comes back as it was. */
static void test_tenants__the_idle_are_closed(void **state)
{
    (void)state;
    struct tenants *tenants = tenants_open();
    freed = 0;
    weight = 0;
    clock_fix(NOON);
    tenants_unpin(tenants, open_heavy(tenants, "acme", 0));
    struct tenant *bolt = open_heavy(tenants, "bolt", 0);
    clock_fix(NOON + RUNNER_IDLE_MS - 1);
    tenants_close_idle(tenants, RUNNER_IDLE_MS);
    assert_true(tenants_is_open(tenants, "acme"));
    clock_fix(NOON + RUNNER_IDLE_MS);
    tenants_close_idle(tenants, RUNNER_IDLE_MS);
    assert_false(tenants_is_open(tenants, "acme"));
    assert_int_equal(freed, 1);
    assert_true(tenants_is_open(tenants, "bolt"));
    tenants_unpin(tenants, bolt);
    tenants_unpin(tenants, open_heavy(tenants, "acme", RUNNER_IDLE_MS));
    tenants_close_idle(tenants, RUNNER_IDLE_MS);
    assert_false(tenants_is_open(tenants, "bolt"));
    assert_true(tenants_is_open(tenants, "acme"));
    tenants_free(tenants);
}

static void test_tenants__placement_wins_over_the_hash(void **state)
{
    (void)state;
    struct tenants *tenants = tenants_open();
    const char *why;
    int slot = tenants_worker(tenants, "acme");
    assert_in_range(slot, 0, 2); /* the last of four is the slow lane */
    assert_int_equal(tenants_own_control(tenants, STORE_OWNER, &why), ERR_OK);
    assert_int_equal(control_place(tenants_control(tenants), "acme", 3), ERR_OK);
    tenants_reload(tenants);
    assert_int_equal(tenants_worker(tenants, "acme"), 3);
    struct tenant *t;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &t), ERR_OK);
    assert_int_equal(t->worker, 3);
    tenants_free(tenants);
}

static void test_tenants__plugins_are_stored_with_their_config(void **state)
{
    struct place *p = *state;
    struct tenants *tenants = tenants_open();
    struct tenant *acme;
    assert_int_equal(tenants_by_name(tenants, SLICE("acme"), &acme), ERR_OK);
    int64_t before = acme->header.model_version;
    assert_int_equal(store_begin(acme->store, true), ERR_OK);
    assert_int_equal(
        tenant_plugin_put(acme, "leads", "1.0.0", "enabled", SLICE("{\"max_open\":5}")), ERR_OK);
    assert_int_equal(tenant_plugin_put(acme, "leads", "1.1.0", "disabled", (struct slice){0}),
                     ERR_OK);
    assert_int_equal(store_commit(acme->store), ERR_OK);
    struct tenant_plugin *plugins;
    int count;
    assert_int_equal(tenant_plugins(acme, p->arena, &plugins, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(plugins[0].version, "1.1.0");
    assert_string_equal(plugins[0].state, "disabled");
    assert_int_equal(json_int(plugins[0].config, "max_open", 0), 5);
    assert_int_equal(tenant_refresh(acme), ERR_OK);
    assert_true(acme->header.model_version > before);
    tenants_free(tenants);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_tenants__host_and_name_find_the_same),
        T(test_tenants__two_tenants_share_nothing),
        T(test_tenants__creation_writes_folders_and_settings),
        T(test_tenants__creation_leaves_nothing_half_made),
        T(test_tenants__states_decide_who_is_served),
        T(test_tenants__new_and_replaced_ones_are_seen_at_once),
        T(test_tenants__trim_spares_the_pinned),
        T(test_tenants__so_many_are_open),
        T(test_tenants__so_much_is_open),
        T(test_tenants__the_unused_rest),
        T(test_tenants__the_idle_are_closed),
        T(test_tenants__placement_wins_over_the_hash),
        T(test_tenants__plugins_are_stored_with_their_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
