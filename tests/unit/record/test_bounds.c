/* test_bounds - what a model may hold and a request may ask for: the most of it, and one more.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "place.h"

static int setup(void **state)
{
    struct place *place = malloc(sizeof *place);
    place_open(place);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    free(*state);
    return 0;
}

/* --- models --- */

/* `count` items with commas, each with %d for its number. */
static const char *items(struct place *p, int count, const char *before, const char *after)
{
    struct buf text = BUF_INIT;
    for (int i = 1; i <= count; i++)
        buf_printf(&text, "%s%s%d%s", i > 1 ? "," : "", before, i, after);
    const char *copy = arena_str(p->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

/* The plugin "shop" with this entity; NULL or why it is left out. */
static const char *shop_with(struct place *p, const char *entity)
{
    place_plugin(p, "shop", NULL);
    place_write(p, "shop/entities/order.json", entity);
    place_ready(p, "shop", NULL);
    return model_entity(p->model, SLICE("order")) ? NULL : place_broken(p, "shop");
}

#define FIELDS "{\"name\":\"order\",\"title\":\"f1\",\"fields\":[%s]%s}"
#define TEXT   "{\"no\":1,\"name\":\"f1\",\"type\":\"text\"}"

static void refused(struct place *p, const char *entity, const char *part)
{
    const char *why = shop_with(p, entity);
    if (!why || !strstr(why, part))
        fail_msg("\"%s\" does not say \"%s\"", why ? why : "nothing", part);
}

static void accepted(struct place *p, const char *entity)
{
    const char *why = shop_with(p, entity);
    if (why)
        fail_msg("%s", why);
}

static const char *with_fields(struct place *p, int count)
{
    struct buf text = BUF_INIT;
    for (int i = 1; i <= count; i++)
        buf_printf(&text, "%s{\"no\":%d,\"name\":\"f%d\",\"type\":\"text\"}", i > 1 ? "," : "", i,
                   i);
    const char *entity = arena_printf(p->arena, FIELDS, buf_cstr(&text), "");
    buf_release(&text);
    return entity;
}

static void test_bounds__fields_of_an_entity(void **state)
{
    struct place *p = *state;
    accepted(p, with_fields(p, 1));
    int own = FIELDS_PER_ENTITY_MAX - place_entity(p, "order")->fields_count + 1; /* beside id… */
    accepted(p, with_fields(p, own));
    assert_int_equal(place_entity(p, "order")->fields_count, FIELDS_PER_ENTITY_MAX);
    refused(p, with_fields(p, own + 1), "more than 400 fields");
}

static const char *with_values(struct place *p, int count)
{
    return arena_printf(p->arena, FIELDS,
                        arena_printf(p->arena,
                                     "{\"no\":1,\"name\":\"f1\",\"type\":\"enum\",\"values\":[%s]}",
                                     items(p, count, "\"v", "\"")),
                        "");
}

static void test_bounds__values_of_a_choice(void **state)
{
    accepted(*state, with_values(*state, ENUM_VALUES_MAX));
}

static void test_bounds__values_of_a_choice_beyond(void **state)
{
    refused(*state, with_values(*state, ENUM_VALUES_MAX + 1), "1 to 500 of them");
}

static const char *with_indexes(struct place *p, int count)
{
    const char *all = items(p, count, "{\"name\":\"i", "\",\"fields\":[\"f1\"]}");
    return arena_printf(p->arena, FIELDS, TEXT, arena_printf(p->arena, ",\"indexes\":[%s]", all));
}

static void test_bounds__indexes_of_an_entity(void **state)
{
    accepted(*state, with_indexes(*state, INDEXES_PER_ENTITY_MAX));
}

static void test_bounds__indexes_of_an_entity_beyond(void **state)
{
    refused(*state, with_indexes(*state, INDEXES_PER_ENTITY_MAX + 1), "more than 20 indexes");
}

static const char *with_length(struct place *p, int length)
{
    return arena_printf(p->arena, FIELDS,
                        arena_printf(p->arena,
                                     "{\"no\":1,\"name\":\"f1\",\"type\":\"text\",\"length\":%d}",
                                     length),
                        "");
}

static void test_bounds__length_of_a_text(void **state)
{
    accepted(*state, with_length(*state, TEXT_BYTES_MAX));
}

static void test_bounds__length_of_a_text_beyond(void **state)
{
    refused(*state, with_length(*state, TEXT_BYTES_MAX + 1), "4096");
}

/* So many entities of all plugins together; the plugin that brings one more is left out. */
static void entities(struct place *p, int beyond)
{
    place_ready(p, NULL);
    int count = ENTITIES_MAX - p->model->entities_count + beyond;
    place_plugin(p, "shop", NULL);
    for (int i = 1; i <= count; i++)
        place_write(
            p, arena_printf(p->arena, "shop/entities/e%d.json", i),
            arena_printf(p->arena, "{\"name\":\"e%d\",\"title\":\"f1\",\"fields\":[" TEXT "]}", i));
    place_ready(p, "shop", NULL);
    if (!beyond)
        assert_int_equal(p->model->entities_count, ENTITIES_MAX);
    else
        assert_non_null(strstr(place_broken(p, "shop"), "there are more than 200 entities"));
}

static void test_bounds__entities(void **state)
{
    entities(*state, 0);
}

static void test_bounds__entities_beyond(void **state)
{
    entities(*state, 1);
}

/* What a company adds to an entity of the product. */
static void custom(struct place *p, int count)
{
    struct buf text = BUF_INIT;
    for (int i = 1; i <= count; i++)
        buf_printf(&text, "%s{\"no\":%d,\"name\":\"x_f%d\",\"type\":\"text\"}", i > 1 ? "," : "", i,
                   i);
    accepted(p, arena_printf(p->arena, FIELDS, TEXT, ""));
    place_bundle(p, "acme.sales", "plugin.json",
                 "{\"id\":\"acme.sales\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"t\","
                 "\"requires\":{\"shop\":\"^1\"}}");
    place_bundle(p, "acme.sales", "entities/order.json",
                 arena_printf(p->arena, "{\"extend\":\"order\",\"fields\":[%s]}", buf_cstr(&text)));
    place_ready(p, "acme.sales", NULL);
    buf_release(&text);
}

static void test_bounds__fields_of_a_company(void **state)
{
    struct place *p = *state;
    custom(p, CUSTOM_FIELDS_MAX);
    assert_non_null(place_field(p, "order", "x_f200"));
}

static void test_bounds__fields_of_a_company_beyond(void **state)
{
    struct place *p = *state;
    custom(p, CUSTOM_FIELDS_MAX + 1);
    assert_non_null(
        strstr(place_broken(p, "acme.sales"), "order has more than 200 fields of the tenant"));
    assert_null(entity_field(place_entity(p, "order"), SLICE("x_f1")));
}

/* The counter counts to nineteen digits. */
static const char *with_pattern(struct place *p, int plain)
{
    const char *pattern = arena_printf(p->arena, "%0*d{counter}", plain, 0);
    const char *field = arena_printf(
        p->arena, "{\"no\":2,\"name\":\"n\",\"type\":\"autonumber\",\"pattern\":\"%s\"}", pattern);
    return arena_printf(p->arena, FIELDS, arena_printf(p->arena, TEXT ",%s", field), "");
}

static void test_bounds__pattern_of_a_number(void **state)
{
    accepted(*state, with_pattern(*state, NUMBER_BYTES_MAX - 19));
}

static void test_bounds__pattern_of_a_number_beyond(void **state)
{
    refused(*state, with_pattern(*state, NUMBER_BYTES_MAX - 18), "more than 100 bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_bounds__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_of_an_entity),
        TEST(values_of_a_choice),
        TEST(values_of_a_choice_beyond),
        TEST(indexes_of_an_entity),
        TEST(indexes_of_an_entity_beyond),
        TEST(length_of_a_text),
        TEST(length_of_a_text_beyond),
        TEST(pattern_of_a_number),
        TEST(pattern_of_a_number_beyond),
        TEST(entities),
        TEST(entities_beyond),
        TEST(fields_of_a_company),
        TEST(fields_of_a_company_beyond),
    };
    return cmocka_run_group_tests_name("record/bounds", tests, NULL, NULL);
}
