/* test_role - role documents and what they answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/role.h"
#include "base/jsonschema.h"
#include "tenant/config.h"

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static enum err parse(struct arena *arena, const char *text, struct role **out, const char **why)
{
    const struct json *doc;
    assert_int_equal(json_parse(arena, slice_str(text), &doc, why), ERR_OK);
    return role_parse(arena, doc, out, why);
}

static const char sales[] =
    "{\"name\":\"sales\",\"label\":\"@role.sales\",\"grants\":{\n"
    " \"lead\":{\"read\":\"team\",\"create\":true,\"update\":\"own\",\n"
    "  \"delete\":{\"status\":\"new\"},\"import\":false,\"actions\":[\"pick\"],\n"
    "  \"fields\":{\"cost\":\"none\",\"score\":\"read\",\"*\":\"write\"}},\n"
    " \"quote\":{\"fields\":{\"*\":\"read\",\"note\":\"write\"}},\n"
    " \"*\":{\"read\":\"all\"}},\n"
    "\"admin\":[\"users\"]}";

static void test_role__grants_fall_back_to_the_star(void **state)
{
    struct role *role;
    const char *why;
    assert_int_equal(parse(*state, sales, &role, &why), ERR_OK);
    assert_string_equal(role->name, "sales");
    const struct role_grant *lead = role_grant_of(role, "lead");
    assert_string_equal(lead->rules[ROLE_READ]->text.at, "team");
    assert_true(lead->rules[ROLE_CREATE]->boolean);
    assert_int_equal(lead->rules[ROLE_DELETE]->type, JSON_OBJECT);
    assert_null(lead->rules[ROLE_IMPORT]); /* false is the same as nothing */
    assert_null(lead->rules[ROLE_EXPORT]);
    assert_int_equal(lead->actions->count, 1);
    assert_string_equal(role_grant_of(role, "ticket")->entity, "*");
    assert_null(role_grant_of(role, "ticket")->rules[ROLE_UPDATE]);
}

static void test_role__field_access(void **state)
{
    struct role *role;
    const char *why;
    assert_int_equal(parse(*state, sales, &role, &why), ERR_OK);
    const struct role_grant *lead = role_grant_of(role, "lead");
    assert_int_equal(role_field_access(lead, "cost"), ROLE_NONE);
    assert_int_equal(role_field_access(lead, "score"), ROLE_READ_ONLY);
    assert_int_equal(role_field_access(lead, "phone"), ROLE_WRITE);
    const struct role_grant *quote = role_grant_of(role, "quote");
    assert_int_equal(role_field_access(quote, "total"), ROLE_READ_ONLY);
    assert_int_equal(role_field_access(quote, "note"), ROLE_WRITE);
    assert_int_equal(role_field_access(role_grant_of(role, "other"), "x"), ROLE_WRITE);
}

static void test_role__admin_areas(void **state)
{
    struct role *role;
    const char *why;
    assert_int_equal(parse(*state, sales, &role, &why), ERR_OK);
    assert_true(role_may_admin(role, "users"));
    assert_false(role_may_admin(role, "audit"));
    assert_int_equal(parse(*state, "{\"name\":\"a\",\"admin\":true}", &role, &why), ERR_OK);
    assert_true(role_may_admin(role, "audit"));
    assert_int_equal(parse(*state, "{\"name\":\"a\",\"admin\":false}", &role, &why), ERR_OK);
    assert_false(role_may_admin(role, "audit"));
    assert_null(role_grant_of(role, "lead"));
}

/* What the parser refuses, the schema refuses too, and the other way round. */
static void test_role__parser_and_schema_agree(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {sales, NULL},
        {"{\"name\":\"a\",\n\"grants\":{\"lead\":{\n\"red\":true}}}", "line 3"},
        {"{\"name\":\"a\",\"grants\":{\"lead\":{\"read\":\"mine\"}}}", "\"own\""},
        {"{\"name\":\"a\",\"grants\":{\"lead\":{\"read\":3}}}", "filter"},
        {"{\"name\":\"a\",\"grants\":{\"lead\":{\"fields\":{\"x\":\"rw\"}}}}", "none, read"},
        {"{\"name\":\"a\",\"grants\":{\"lead\":{\"actions\":\"pick\"}}}", "list of names"},
        {"{\"name\":\"a\",\"grants\":{\"lead\":{\"actions\":[1]}}}", "list of names"},
        {"{\"name\":\"a\",\"grants\":{\"lead\":true}}", "object"},
        {"{\"name\":\"a\",\"grants\":[]}", "object"},
        {"{\"name\":\"a\",\"admin\":\"all\"}", "list of names"},
        {"{\"label\":\"x\"}", "needs a \"name\""},
    };
    const struct json *schema;
    const char *why;
    const char *path = arena_printf(*state, "%s/schemas/role.schema.json", config_home(*state));
    assert_int_equal(json_load(*state, path, &schema, &why), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json *doc;
        struct role *role;
        assert_int_equal(json_parse(*state, slice_str(cases[i].text), &doc, &why), ERR_OK);
        bool fits = jsonschema_check(*state, schema, doc) == NULL;
        enum err e = role_parse(*state, doc, &role, &why);
        if (fits != (cases[i].says == NULL) || (e == ERR_OK) != fits)
            fail_msg("%s: parser %d, schema %d", cases[i].text, e == ERR_OK, fits);
        if (e && !strstr(why, cases[i].says))
            fail_msg("%s: %s", cases[i].text, why);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_role__grants_fall_back_to_the_star),
        T(test_role__field_access),
        T(test_role__admin_areas),
        T(test_role__parser_and_schema_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
