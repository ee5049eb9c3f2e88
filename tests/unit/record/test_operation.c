/* test_operation - what an operation does not take is refused by its name.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include <stdio.h>

#include "record/operation.h"

static const char entity_text[] =
    "{\"name\":\"order\",\"title\":\"name\","
    "\"actions\":[{\"name\":\"ship\",\"params\":[\"carrier\",\"key\"]},{\"name\":\"free\"}],"
    "\"fields\":[{\"no\":1,\"name\":\"name\",\"type\":\"text\",\"label\":\"Name\"}]}";
static const char view_text[] =
    "{\"kind\":\"action\",\"entity\":\"order\",\"name\":\"ship\",\"label\":\"Ship\","
    "\"place\":\"record\",\"params\":[{\"name\":\"weight\",\"type\":\"int\",\"label\":\"W\"}]}";

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    place_plugin(&place, "shop", NULL);
    place_write(&place, "shop/entities/order.json", entity_text);
    place_write(&place, "shop/views/order.json", view_text);
    place_ready(&place, "shop", NULL);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static enum err asked(struct place *place, const char *name, const char *params)
{
    err_info_clear(&place->ctx.err);
    return operation_check(&place->ctx, place_entity(place, "order"), name,
                           params ? place_json(place, params) : NULL);
}

static void test_operation__takes_what_is_declared_and_what_its_action_asks(void **state)
{
    struct place *place = *state;

    assert_int_equal(asked(place, "ship", NULL), ERR_OK);
    assert_int_equal(asked(place, "ship", "{}"), ERR_OK);
    assert_int_equal(asked(place, "ship", "{\"carrier\":\"x\",\"key\":null,\"weight\":3}"), ERR_OK);
}

static void test_operation__refuses_anything_else_and_names_the_nearest(void **state)
{
    struct place *place = *state;
    const struct err_info *err = &place->ctx.err;

    assert_int_equal(asked(place, "ship", "{\"carier\":\"x\",\"wieght\":1,\"\":2,\"colour\":3}"),
                     ERR_VALIDATION);
    assert_int_equal(err->count, 4);
    assert_string_equal(err->first->field, "carier");
    assert_string_equal(err->first->code, "parameter_near");
    assert_string_equal(err->first->args, "{\"name\":\"carrier\"}");
    assert_string_equal(err->first->next->args, "{\"name\":\"weight\"}");
    assert_string_equal(err->last->code, "unknown_parameter");
    assert_null(err->last->args);
}

static void test_operation__asks_nothing_of_one_that_declares_nothing(void **state)
{
    assert_int_equal(asked(*state, "free", "{\"any\":1}"), ERR_OK);
    assert_int_equal(asked(*state, "none", "{\"any\":1}"), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operation__takes_what_is_declared_and_what_its_action_asks),
        cmocka_unit_test(test_operation__refuses_anything_else_and_names_the_nearest),
        cmocka_unit_test(test_operation__asks_nothing_of_one_that_declares_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
