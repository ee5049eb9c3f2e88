/* test_model_share - what tenants have in common, and that nothing else is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "base/limits.h"
#include "record/model_build.h"

static void shop(struct place *p, const char *more)
{
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/sale.json",
                arena_printf(p->arena,
                             "{\"name\":\"sale\",\"title\":\"name\",\"fields\":["
                             "{\"no\":1,\"name\":\"name\",\"type\":\"text\"}%s]}",
                             more));
}

static void in_store(struct place *p, const char *table, const struct store_set *sets, int count)
{
    struct store *store = p->tenant->store;
    assert_int_equal(store_begin(store, true), ERR_OK);
    assert_int_equal(store_put(store, table, sets, count), ERR_OK);
    assert_int_equal(store_header_bump(store, true, false), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    assert_int_equal(tenant_refresh(p->tenant), ERR_OK);
}

static void test_model_share__the_same_plugins_are_one_tree(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    place_ready(p, "people", "leads", NULL);
    assert_ptr_not_equal(p->model, acme);
    assert_int_not_equal(p->model->serial, acme->serial);
    assert_ptr_equal(place_entity(p, "lead"), model_entity(acme, SLICE("lead")));
    assert_ptr_equal(p->model->schema, acme->schema);
    assert_int_equal(p->tenant->header.schema_hash, acme->schema->hash);
    assert_int_equal(p->model->version, p->tenant->header.model_version);
}

static void test_model_share__settings_stay_the_tenants(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    const struct model *acme = p->model;
    place_switch(p, "bolt");
    place_ready(p, "people", "leads", NULL);
    struct tenant *bolt = p->tenant;
    assert_int_equal(store_begin(bolt->store, true), ERR_OK);
    assert_int_equal(
        tenant_plugin_put(bolt, "leads", "1.0.0", "enabled", SLICE("{\"max_open\":5}")), ERR_OK);
    assert_int_equal(store_header_bump(bolt->store, true, false), ERR_OK);
    assert_int_equal(store_commit(bolt->store), ERR_OK);
    assert_int_equal(tenant_refresh(bolt), ERR_OK);
    place_model(p);
    assert_int_equal(json_int(map_get(&p->model->configs, SLICE("leads")), "max_open", 0), 5);
    assert_int_equal(json_int(map_get(&acme->configs, SLICE("leads")), "max_open", 0), 30);
    assert_ptr_equal(place_entity(p, "lead"), model_entity(acme, SLICE("lead")));
}

static void test_model_share__an_extension_stays_the_tenants(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    int64_t acme = p->model->serial;
    const struct entity *lead = place_entity(p, "lead");
    int fields = lead->fields_count;
    place_switch(p, "bolt");
    place_bundle(p, "bolt.sales", "plugin.json",
                 "{\"id\":\"bolt.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"B\"}");
    place_bundle(
        p, "bolt.sales", "entities/lead.json",
        "{\"extend\":\"lead\",\"fields\":[{\"no\":1,\"name\":\"x_level\",\"type\":\"text\","
        "\"length\":20}]}");
    place_ready(p, "people", "leads", "bolt.sales", NULL);
    assert_non_null(entity_field(place_entity(p, "lead"), SLICE("x_level")));
    assert_null(entity_field(lead, SLICE("x_level")));
    assert_int_equal(lead->fields_count, fields);
    place_switch(p, "acme");
    place_enable(p, "hello");
    place_model(p);
    assert_null(entity_field(place_entity(p, "lead"), SLICE("x_level")));
    place_switch(p, "bolt");
    place_disable(p, "bolt.sales");
    place_model(p);
    assert_null(entity_field(place_entity(p, "lead"), SLICE("x_level")));
    assert_int_not_equal(p->model->serial, acme);
}

static void test_model_share__own_words_stay_the_tenants(void **state)
{
    struct place *p = *state;
    const struct store_set row[] = {{"dict", value_text(SLICE("industry")), false},
                                    {"value", value_text(SLICE("bolts")), false},
                                    {"sort", value_int(1), false},
                                    {"active", value_int(1), false}};
    place_ready(p, "people", NULL);
    place_switch(p, "bolt");
    place_ready(p, "people", NULL);
    in_store(p, "dictionary", row, 4);
    place_model(p);
    const struct field *field = place_field(p, "account", "industry");
    assert_int_equal(field->options_count, 1);
    assert_string_equal(field->options[0].value, "bolts");
    place_switch(p, "acme");
    place_model(p);
    field = place_field(p, "account", "industry");
    for (int i = 0; i < field->options_count; i++)
        assert_string_not_equal(field->options[i].value, "bolts");
}

/* A plugin's folder that has changed reaches a tenant when its model moves, and no other before. */
static void test_model_share__an_old_tree_lives_while_it_is_used(void **state)
{
    struct place *p = *state;
    shop(p, "");
    place_ready(p, "shop", NULL);
    const struct model *acme = p->model;
    const struct entity *old = place_entity(p, "sale");
    place_switch(p, "bolt");
    place_ready(p, "shop", NULL);
    assert_ptr_equal(place_entity(p, "sale"), old);
    shop(p, ",{\"no\":2,\"name\":\"colour\",\"type\":\"text\"}");
    place_ready(p, "shop", NULL);
    const struct entity *fresh = place_entity(p, "sale");
    assert_non_null(entity_field(fresh, SLICE("colour")));
    assert_ptr_equal(model_entity(acme, SLICE("sale")), old);
    assert_string_equal(old->name, "sale"); /* ASan would tell of one that is gone */
    assert_null(entity_field(old, SLICE("colour")));
    place_switch(p, "acme");
    place_ready(p, "shop", NULL);
    assert_ptr_equal(place_entity(p, "sale"), fresh);
}

/* Numbers are each tenant's own and stand in the columns' names. */
static void test_model_share__the_order_of_enabling_is_nobodys_business(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", NULL);
    place_ready(p, "hello", NULL);
    place_ready(p, "leads", NULL);
    const struct entity *greeting = place_entity(p, "greeting");
    const struct store_schema *schema = p->model->schema;
    place_switch(p, "bolt");
    place_ready(p, "hello", NULL);
    place_ready(p, "people", "leads", NULL);
    assert_ptr_equal(place_entity(p, "greeting"), greeting);
    assert_ptr_equal(p->model->schema, schema);
    assert_int_equal(p->tenant->header.schema_hash, schema->hash);
}

/* A store that was made when numbers were counted from 1 keeps them. */
static void test_model_share__other_numbers_are_another_tree(void **state)
{
    struct place *p = *state;
    const struct store_set counted[] = {{"id", value_int(7), false},
                                        {"plugin", value_text(SLICE("hello")), false},
                                        {"name", value_text(SLICE("greeting")), false}};
    place_ready(p, "hello", NULL);
    const struct entity *greeting = place_entity(p, "greeting");
    place_switch(p, "bolt");
    in_store(p, "entity_reg", counted, 3);
    place_ready(p, "hello", NULL);
    assert_ptr_not_equal(place_entity(p, "greeting"), greeting);
    assert_string_equal(place_entity(p, "greeting")->table, "e7");
    assert_string_not_equal(greeting->table, "e7");
}

/* Whoever has the number of another name already keeps it: the name goes on to the next. */
static void test_model_share__a_number_is_given_once(void **state)
{
    struct place *p = *state;
    place_ready(p, "hello", NULL);
    int64_t wanted = place_entity(p, "greeting")->n;
    const struct store_set taken[] = {{"id", value_int(wanted), false},
                                      {"plugin", value_text(SLICE("gone")), false},
                                      {"name", value_text(SLICE("thing")), false}};
    place_switch(p, "bolt");
    in_store(p, "entity_reg", taken, 3);
    place_ready(p, "hello", NULL);
    assert_int_equal(place_entity(p, "greeting")->n, wanted + 1);
}

static void test_model_share__some_are_kept_unused(void **state)
{
    struct place *p = *state;
    place_ready(p, NULL);
    assert_true(share_idle() <= MODEL_IMAGES_IDLE_MAX); /* those of the tests before */
    for (int i = 0; i <= MODEL_IMAGES_IDLE_MAX; i++) {
        shop(p,
             arena_printf(p->arena, ",{\"no\":%d,\"name\":\"f%d\",\"type\":\"text\"}", i + 2, i));
        place_ready(p, "shop", NULL);
    }
    assert_int_equal(share_idle(), MODEL_IMAGES_IDLE_MAX);
    const struct entity *last = place_entity(p, "sale");
    place_disable(p, "shop");
    place_model(p);
    assert_int_equal(share_idle(), MODEL_IMAGES_IDLE_MAX);
    place_ready(p, "shop", NULL);
    assert_ptr_equal(place_entity(p, "sale"), last); /* it was kept, and is in use again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model_share__##name, place_two, place_end)
        T(the_same_plugins_are_one_tree),
        T(settings_stay_the_tenants),
        T(an_extension_stays_the_tenants),
        T(own_words_stay_the_tenants),
        T(an_old_tree_lives_while_it_is_used),
        T(the_order_of_enabling_is_nobodys_business),
        T(other_numbers_are_another_tree),
        T(a_number_is_given_once),
        T(some_are_kept_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
