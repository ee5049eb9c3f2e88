/* test_plugin - manifests, version ranges, and the order of plugins.
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

#include "place.h"
#include "tenant/folder.h"
#include "tenant/plugin.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

/* A home with our schemas and plugins of the test's own. */
static const char *home_of(struct place *p)
{
    const char *home = arena_printf(p->arena, "%s/home", p->folder);
    const char *schema = arena_printf(p->arena, "%s/schemas/plugin.schema.json", home);
    if (folder_exists(schema))
        return home;
    assert_int_equal(folder_make(arena_printf(p->arena, "%s/schemas", home)), ERR_OK);
    assert_int_equal(folder_make(arena_printf(p->arena, "%s/plugins", home)), ERR_OK);
    FILE *file =
        fopen(arena_printf(p->arena, "%s/schemas/plugin.schema.json", config_home(p->arena)), "r");
    assert_non_null(file);
    static char text[16384];
    size_t n = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    assert_int_equal(folder_write(schema, slice_of(text, n), 0600), ERR_OK);
    return home;
}

static void put(struct place *p, const char *id, const char *manifest)
{
    const char *folder = arena_printf(p->arena, "%s/plugins/%s", home_of(p), id);
    assert_int_equal(folder_make(folder), ERR_OK);
    assert_int_equal(
        folder_write(arena_printf(p->arena, "%s/plugin.json", folder), slice_str(manifest), 0600),
        ERR_OK);
}

static void put_needing(struct place *p, const char *id, const char *version, const char *requires,
                        const char *optional)
{
    put(p, id,
        arena_printf(p->arena,
                     "{\"id\":\"%s\",\"version\":\"%s\",\"api\":1,\"title\":\"@t\",\n"
                     "\"requires\":{%s},\n\"optional\":{%s}}",
                     id, version, requires, optional));
}

static struct plugin **ordered(struct place *p, int *count)
{
    struct plugin **plugins;
    const char *why;
    assert_int_equal(plugin_list(p->arena, home_of(p), &plugins, count, &why), ERR_OK);
    plugin_order(p->arena, plugins, *count);
    return plugins;
}

static struct plugin *named(struct plugin **plugins, int count, const char *id)
{
    for (int i = 0; i < count; i++)
        if (strcmp(plugins[i]->id, id) == 0)
            return plugins[i];
    fail_msg("no plugin %s", id);
    return NULL;
}

static void test_plugin__version_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *version, *range;
        bool fits;
    } cases[] = {
        {"1.0.0", "^1", true},      {"1.9.9", "^1", true},      {"2.0.0", "^1", false},
        {"0.9.0", "^1", false},     {"1.2.0", "^1.2", true},    {"1.1.9", "^1.2", false},
        {"0.3.5", "^0.3.1", true},  {"0.4.0", "^0.3.1", false}, {"0.0.4", "^0.0.4", true},
        {"0.0.5", "^0.0.4", false}, {"1.2.9", "~1.2", true},    {"1.3.0", "~1.2", false},
        {"1.9.0", "~1", true},      {"1.0.0", ">=1.0.0", true}, {"0.9.9", ">=1.0.0", false},
        {"1.5.0", ">=1 <2", true},  {"2.0.0", ">=1 <2", false}, {"1.0.0", ">1.0.0", false},
        {"1.0.0", "<=1.0.0", true}, {"1.2.3", "1.2.3", true},   {"1.2.4", "1.2.3", false},
        {"1.2.4", "1.2", true},     {"9.9.9", "*", true},       {"1.2.3", "", false},
        {"1.2.3", "^x", false},     {"1.2", "^1", true},        {"1.2.3.4", "^1", false},
        {"1..3", "^1", false},      {"1.2.", "^1", false},      {"-1.2.3", "*", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (plugin_version_fits(cases[i].version, cases[i].range) != cases[i].fits)
            fail_msg("%s against %s", cases[i].version, cases[i].range);
    assert_true(plugin_range_is_valid("^1.2 <1.9"));
    assert_false(plugin_range_is_valid("latest"));
    assert_false(plugin_range_is_valid("^1.2 latest"));
}

static void test_plugin__order_follows_needs_then_layer_then_id(void **state)
{
    struct place *p = *state;
    put_needing(p, "alpha", "1.0.0", "\"zeta\":\"^1\"", "");
    put_needing(p, "beta", "1.0.0", "", "\"alpha\":\"^1\",\"absent\":\"^1\"");
    put_needing(p, "industry_a", "1.0.0", "", "");
    put_needing(p, "zeta", "1.4.0", "", "");
    int count;
    struct plugin **plugins = ordered(p, &count);
    assert_int_equal(count, 4);
    assert_string_equal(plugins[0]->id, "zeta");
    assert_string_equal(plugins[1]->id, "alpha");
    assert_string_equal(plugins[2]->id, "beta");
    assert_string_equal(plugins[3]->id, "industry_a");
    for (int i = 0; i < count; i++) {
        assert_null(plugins[i]->broken);
        assert_int_equal(plugins[i]->order, i);
    }
}

static void test_plugin__a_missing_one_breaks_those_that_need_it_alone(void **state)
{
    struct place *p = *state;
    put_needing(p, "people", "1.0.0", "", "");
    put_needing(p, "leads", "1.0.0", "\"peple\":\"^1\"", "");
    put_needing(p, "quotes", "1.0.0", "\"leads\":\"^1\"", "");
    put_needing(p, "tickets", "1.0.0", "\"people\":\"^2\"", "");
    int count;
    struct plugin **plugins = ordered(p, &count);
    assert_string_equal(plugins[0]->id, "people");
    assert_null(plugins[0]->broken);
    const char *why = named(plugins, count, "leads")->broken;
    assert_non_null(strstr(why, "leads/plugin.json:2"));
    assert_non_null(strstr(why, "did you mean \"people\"?"));
    assert_non_null(strstr(named(plugins, count, "quotes")->broken, "leads"));
    why = named(plugins, count, "tickets")->broken;
    assert_non_null(strstr(why, "^2"));
    assert_non_null(strstr(why, "1.0.0"));
}

static void test_plugin__a_circle_is_named(void **state)
{
    struct place *p = *state;
    put_needing(p, "a", "1.0.0", "\"b\":\"^1\"", "");
    put_needing(p, "b", "1.0.0", "\"c\":\"^1\"", "");
    put_needing(p, "c", "1.0.0", "\"a\":\"^1\"", "");
    put_needing(p, "d", "1.0.0", "\"a\":\"^1\"", "");
    put_needing(p, "e", "1.0.0", "", "\"f\":\"^1\""); /* optional circles are given up */
    put_needing(p, "f", "1.0.0", "", "\"e\":\"^1\"");
    put_needing(p, "g", "1.0.0", "\"g\":\"^1\"", "");
    int count;
    struct plugin **plugins = ordered(p, &count);
    assert_non_null(strstr(named(plugins, count, "a")->broken, "a → b → c → a"));
    assert_non_null(named(plugins, count, "b")->broken);
    assert_non_null(named(plugins, count, "d")->broken);
    assert_null(named(plugins, count, "e")->broken);
    assert_null(named(plugins, count, "f")->broken);
    assert_non_null(strstr(named(plugins, count, "g")->broken, "\"g\" needs itself"));
}

static void test_plugin__a_manifest_that_does_not_fit_says_where(void **state)
{
    struct place *p = *state;
    put(p, "good", "{\"id\":\"good\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Good\"}");
    put(p, "other", "{\"id\":\"another\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"x\"}");
    put(p, "range",
        "{\"id\":\"range\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"x\",\n"
        "\"requires\":{\"good\":\"newest\"}}");
    put(p, "typo", "{\"id\":\"typo\",\n\"verson\":\"1.0.0\",\"api\":1,\"title\":\"x\"}");
    put(p, "broken", "{\"id\":");
    int count;
    struct plugin **plugins = ordered(p, &count);
    assert_int_equal(count, 5);
    assert_null(named(plugins, count, "good")->broken);
    assert_non_null(strstr(named(plugins, count, "other")->broken, "folder's name"));
    assert_non_null(strstr(named(plugins, count, "range")->broken, "range/plugin.json:2"));
    assert_non_null(strstr(named(plugins, count, "typo")->broken, "typo/plugin.json:"));
    assert_non_null(strstr(named(plugins, count, "typo")->broken, "version"));
    assert_non_null(strstr(named(plugins, count, "broken")->broken, "broken/plugin.json"));
}

static void test_plugin__files_are_listed_by_name(void **state)
{
    struct place *p = *state;
    put(p, "good", "{\"id\":\"good\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Good\"}");
    const char *folder = arena_printf(p->arena, "%s/plugins/good/entities", home_of(p));
    assert_int_equal(folder_make(folder), ERR_OK);
    static const char *const names[] = {"b.json", "a.json", "notes.txt", ".hidden.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(
            folder_write(arena_printf(p->arena, "%s/%s", folder, names[i]), SLICE("{}"), 0600),
            ERR_OK);
    int count;
    struct plugin **plugins = ordered(p, &count);
    const char **paths;
    assert_int_equal(plugin_files(p->arena, plugins[0], "entities", &paths, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_true(slice_ends(slice_str(paths[0]), SLICE("/entities/a.json")));
    assert_int_equal(plugin_files(p->arena, plugins[0], "views", &paths, &count), ERR_OK);
    assert_int_equal(count, 0);
}

static void test_plugin__the_same_id_twice_keeps_the_first(void **state)
{
    struct place *p = *state;
    struct plugin one = {.id = "same", .version = "1.0.0", .folder = "/x/same"};
    struct plugin two = {
        .id = "same", .version = "2.0.0", .folder = "/y/same", .layer = PLUGIN_TENANT};
    struct plugin *plugins[] = {&two, &one};
    plugin_order(p->arena, plugins, 2);
    assert_ptr_equal(plugins[0], &one);
    assert_null(one.broken);
    assert_non_null(strstr(two.broken, "/x/same"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugin__version_ranges),
        T(test_plugin__order_follows_needs_then_layer_then_id),
        T(test_plugin__a_missing_one_breaks_those_that_need_it_alone),
        T(test_plugin__a_circle_is_named),
        T(test_plugin__a_manifest_that_does_not_fit_says_where),
        T(test_plugin__files_are_listed_by_name),
        T(test_plugin__the_same_id_twice_keeps_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
