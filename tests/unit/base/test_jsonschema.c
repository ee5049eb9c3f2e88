/* test_jsonschema - each keyword, fitting and not.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/jsonschema.h"
#include "base/limits.h"

#include <stdio.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const struct json *parsed(const char *source)
{
    const struct json *out = NULL;
    const char *why = "";

    if (json_parse(arena, slice_str(source), &out, &why))
        fail_msg("%s: %s", source, why);
    return out;
}

static const struct jsonschema_fault *checked(const char *schema, const char *document)
{
    return jsonschema_check(arena, parsed(schema), parsed(document));
}

static void test_jsonschema__each_keyword_judges(void **state)
{
    static const struct {
        const char *schema, *good, *bad, *what;
    } rows[] = {
        {"{\"type\":\"string\"}", "\"x\"", "1", "is not of type string"},
        {"{\"type\":\"number\"}", "1", "\"1\"", "is not of type number"},
        {"{\"type\":\"integer\"}", "1", "1.5", "is not of type integer"},
        {"{\"type\":[\"null\",\"boolean\"]}", "false", "0", "is not of type null or boolean"},
        {"{\"enum\":[\"open\",\"closed\",3]}", "3", "\"opne\"", "did you mean \"open\"?"},
        {"{\"enum\":[1,2]}", "2", "3", "3 is not one of [1,2]"},
        {"{\"const\":{\"a\":1}}", "{\"a\":1}", "{\"a\":2}", "is not {\"a\":1}"},
        {"{\"required\":[\"a\"]}", "{\"a\":null}", "{}", "lacks \"a\""},
        {"{\"minimum\":0}", "0", "-1", "is less than 0"},
        {"{\"maximum\":1.5}", "1.5", "2", "is greater than 1.5"},
        {"{\"minLength\":2}", "\"张伟\"", "\"张\"", "is shorter than 2 characters"},
        {"{\"maxLength\":2}", "\"张伟\"", "\"张小伟\"", "is longer than 2 characters"},
        {"{\"pattern\":\"^[a-z]+$\"}", "\"ab\"", "\"aB\"", "does not match"},
        {"{\"items\":{\"type\":\"integer\"}}", "[1]", "[1,\"a\"]", "is not of type integer"},
        {"{\"minItems\":1}", "[1]", "[]", "has fewer than 1 items"},
        {"{\"maxItems\":1}", "[1]", "[1,2]", "has more than 1 items"},
        {"{\"uniqueItems\":true}", "[1,2]", "[1,2,1]", "1 stands there twice"},
        {"{\"propertyNames\":{\"pattern\":\"^a\"}}", "{\"ab\":1}", "{\"b\":1}", "does not match"},
        {"{\"additionalProperties\":false}", "{}", "{\"b\":1}", "is not a known member"},
        {"{\"properties\":{\"name\":{}},\"additionalProperties\":false}", "{\"name\":1}",
         "{\"naem\":1}", "did you mean \"name\"?"},
        {"{\"patternProperties\":{\"^x_\":{\"type\":\"integer\"}},\"additionalProperties\":false}",
         "{\"x_a\":1}", "{\"x_a\":true}", "is not of type integer"},
        {"{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"string\"}}",
         "{\"a\":1,\"b\":\"\"}", "{\"b\":1}", "is not of type string"},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"minLength\":1}]}", "\"a\"",
         "\"\"", "is shorter than 1 characters"},
        {"{\"oneOf\":[{\"minimum\":1},{\"maximum\":3}]}", "5", "2", "has 2 of the forms allowed"},
        {"{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "2", "4", "is greater than 3"},
        {"{\"$defs\":{\"n\":{\"type\":\"null\"}},\"items\":{\"$ref\":\"#/$defs/n\"}}", "[null]",
         "[0]", "is not of type null"},
        {"{\"properties\":{\"a\":false}}", "{}", "{\"a\":1}", "is not allowed here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct jsonschema_fault *fault = checked(rows[i].schema, rows[i].good);
        if (fault)
            fail_msg("%s refuses %s: %s", rows[i].schema, rows[i].good, fault->what);
        fault = checked(rows[i].schema, rows[i].bad);
        if (!fault)
            fail_msg("%s allows %s", rows[i].schema, rows[i].bad);
        if (!strstr(fault->what, rows[i].what))
            fail_msg("%s on %s says: %s", rows[i].schema, rows[i].bad, fault->what);
        assert_null(fault->next);
    }
}

static void test_jsonschema__faults_name_pointer_and_line(void **state)
{
    const struct jsonschema_fault *fault =
        checked("{\"properties\":{\"a/b\":{\"items\":{\"required\":[\"x\"],\"properties\":{\"y\":"
                "{\"type\":\"null\"}}}}}}",
                "{\"a/b\":\n[{\"x\":1},\n{\n\"y\":1}]}");

    (void)state;
    assert_string_equal(fault->pointer, "/a~1b/1");
    assert_int_equal(fault->line, 3);
    assert_string_equal(fault->what, "lacks \"x\"");
    assert_string_equal(fault->next->pointer, "/a~1b/1/y");
    assert_int_equal(fault->next->line, 4);
    assert_null(fault->next->next);
}

static void test_jsonschema__faults_are_bounded(void **state)
{
    struct buf list = BUF_INIT;
    int count = 0;

    (void)state;
    buf_put_char(&list, '[');
    for (int i = 0; i <= JSONSCHEMA_FAULTS_MAX; i++)
        buf_printf(&list, "%s%d", i ? "," : "", i);
    buf_put_char(&list, ']');
    const struct jsonschema_fault *fault =
        checked("{\"items\":{\"type\":\"string\"}}", buf_cstr(&list));
    for (; fault; fault = fault->next)
        count++;
    assert_int_equal(count, JSONSCHEMA_FAULTS_MAX);
    buf_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jsonschema__each_keyword_judges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jsonschema__faults_name_pointer_and_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_jsonschema__faults_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
