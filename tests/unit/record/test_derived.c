/* test_derived - computed fields and roll-ups name what they can follow, or their plugin is left
 * out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

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

/* An order with these fields beside its name: why its plugin is left out. */
static const char *broken(struct place *p, const char *fields)
{
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/order.json",
                arena_printf(p->arena,
                             "{\"name\":\"order\",\"fields\":[\n"
                             "{\"no\":1,\"name\":\"name\",\"type\":\"text\"},\n"
                             "{\"no\":2,\"name\":\"up\",\"type\":\"ref\",\"entity\":\"order\"},\n"
                             "%s]}",
                             fields));
    place_ready(p, "shop", "hello", NULL);
    assert_null(model_entity(p->model, SLICE("order")));
    assert_non_null(model_entity(p->model, SLICE("greeting"))); /* the rest serves */
    return place_broken(p, "shop");
}

#define COMPUTED(dep)                                                                              \
    "{\"no\":3,\"name\":\"net\",\"type\":\"computed\",\"fn\":\"m.net\",\"result\":\"int\","        \
    "\"deps\":[\"" dep "\"]}"
#define HAS(text, part) assert_non_null(strstr(text, part))

static void test_derived__a_computed_field_names_known_fields(void **state)
{
    HAS(broken(*state, COMPUTED("nmae")),
        "shop/entities/order.json:4: order.net: order has no field \"nmae\" (did you mean "
        "\"name\"?)");
}

static void test_derived__a_computed_field_follows_no_rollup(void **state)
{
    HAS(broken(*state, COMPUTED("parts") ",{\"no\":4,\"name\":\"parts\",\"type\":\"rollup\","
                                         "\"from\":\"order\",\"by\":\"up\"}"),
        "order.net: it cannot depend on \"parts\": a rollup changes when other records are saved");
}

static void test_derived__a_computed_field_follows_no_lookup(void **state)
{
    HAS(broken(*state, COMPUTED("above") ",{\"no\":4,\"name\":\"above\",\"type\":\"lookup\","
                                         "\"path\":\"up.name\"}"),
        "order.net: it cannot depend on \"above\": a lookup changes when other records are saved");
}

/* Through the parent, another roll-up (of the same save, too), a lookup, or by what others have. */
static void test_derived__a_rollup_counts_by_what_is_saved_with_its_children(void **state)
{
    static const struct {
        const char *where, *path;
    } cases[] = {
        {"{\"up.name\":\"x\"}", "up.name"},
        {"{\"or\":[{\"name\":\"x\"},{\"not\":{\"up.many\":{\"gte\":2}}}]}", "up.many"},
        {"{\"many\":{\"gte\":2}}", "many"},
        {"{\"above\":\"x\"}", "above"},
        {"{\"exists\":{\"order.up\":{\"name\":\"x\"}}}", "exists"},
    };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fields = arena_printf(
            p->arena,
            "{\"no\":4,\"name\":\"parts\",\"type\":\"rollup\",\"from\":\"order\","
            "\"by\":\"up\",\"where\":%s},{\"no\":5,\"name\":\"many\",\"type\":\"rollup\","
            "\"from\":\"order\",\"by\":\"up\"},{\"no\":6,\"name\":\"above\","
            "\"type\":\"lookup\",\"path\":\"up.name\"}",
            cases[i].where);
        HAS(broken(p, fields),
            arena_printf(p->arena,
                         "order.parts: its where cannot ask \"%s\": that changes when other "
                         "records are saved",
                         cases[i].path));
    }
}

static void test_derived__a_rollup_measures_by_known_fields(void **state)
{
    HAS(broken(*state, "{\"no\":4,\"name\":\"parts\",\"type\":\"rollup\",\"from\":\"order\","
                       "\"by\":\"up\",\"where\":{\"or\":[{\"nmae\":\"x\"}]}}"),
        "order.parts: order has no field \"nmae\" (did you mean \"name\"?)");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_derived__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_computed_field_names_known_fields),
        T(a_computed_field_follows_no_rollup),
        T(a_computed_field_follows_no_lookup),
        T(a_rollup_measures_by_known_fields),
        T(a_rollup_counts_by_what_is_saved_with_its_children),
    };
    return cmocka_run_group_tests_name("record/derived", tests, NULL, NULL);
}
