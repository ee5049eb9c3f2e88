/* test_user - accounts as commands make them.
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
#include "office.h"

static enum err create(struct office *o, const struct user_spec *spec)
{
    int64_t id;
    office_begin(o);
    return office_end(o, user_create(&o->ctx, spec, &id));
}

static const char *code_of(const struct office *o, const char *field)
{
    for (const struct err_field *at = o->ctx.err.first; at; at = at->next)
        if (strcmp(at->field, field) == 0)
            return at->code;
    return "";
}

static void test_user__login_is_unique_whatever_its_case(void **state)
{
    struct office *o = *state;
    struct user_spec spec = {.login = "Anna", .name = "安娜"};
    int64_t before = o->acme->header.auth_version;
    assert_int_equal(create(o, &spec), ERR_OK);
    assert_true(o->acme->header.auth_version > before);
    spec.login = "ANNA";
    assert_int_equal(create(o, &spec), ERR_VALIDATION);
    assert_string_equal(code_of(o, "login"), "taken");
    assert_int_equal(office_count(o, "user"), 1);
    o->ctx.tenant = o->bolt;
    assert_int_equal(create(o, &spec), ERR_OK); /* another tenant's users are its own */
}

static void test_user__all_faults_are_named_at_once(void **state)
{
    struct office *o = *state;
    const char *roles[] = {"ghost", NULL};
    struct user_spec spec = {
        .login = "with space", .roles = roles, .department = 5, .team = 6, .manager = 7};
    assert_int_equal(create(o, &spec), ERR_VALIDATION);
    assert_string_equal(code_of(o, "login"), "bad_login");
    assert_string_equal(code_of(o, "roles"), "unknown_role");
    assert_string_equal(code_of(o, "department"), "not_found");
    assert_string_equal(code_of(o, "team"), "not_found");
    assert_string_equal(code_of(o, "manager"), "not_found");
    spec = (struct user_spec){.login = ""};
    assert_int_equal(create(o, &spec), ERR_VALIDATION);
    assert_string_equal(code_of(o, "login"), "required");
}

static void test_user__login_length_has_a_ceiling(void **state)
{
    struct office *o = *state;
    char login[LOGIN_BYTES_MAX + 2];
    memset(login, 'x', sizeof login);
    login[LOGIN_BYTES_MAX + 1] = '\0';
    struct user_spec spec = {.login = login};
    assert_int_equal(create(o, &spec), ERR_VALIDATION);
    login[LOGIN_BYTES_MAX] = '\0';
    assert_int_equal(create(o, &spec), ERR_OK);
}

struct names {
    char text[256];
};

static bool note(void *arg, const struct user_info *user)
{
    struct names *names = arg;
    strcat(names->text, user->login);
    strcat(names->text, user->active ? "+" : "-");
    strcat(names->text, user->roles);
    strcat(names->text, " ");
    return true;
}

static void test_user__roles_and_state_change(void **state)
{
    struct office *o = *state;
    office_role(o, "sales", "{\"name\":\"sales\"}");
    office_role(o, "boss", "{\"name\":\"boss\"}");
    int64_t ben = office_user(o, "ben", "sales"), anna = office_user(o, "anna", NULL);
    const char *roles[] = {"sales", "boss", NULL}, *wrong[] = {"bos", NULL};
    int64_t audits = office_count(o, "audit");
    office_begin(o);
    assert_int_equal(office_end(o, user_set_roles(&o->ctx, anna, roles)), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, user_set_roles(&o->ctx, anna, wrong)), ERR_VALIDATION);
    office_begin(o);
    assert_int_equal(office_end(o, user_set_active(&o->ctx, ben, false)), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, user_set_active(&o->ctx, ben + 1000, false)), ERR_NOT_FOUND);
    assert_int_equal(office_count(o, "audit"), audits + 2);
    struct names names = {""};
    assert_int_equal(user_list(o->acme, note, &names), ERR_OK);
    assert_string_equal(names.text, "anna+[\"sales\",\"boss\"] ben-[\"sales\"] ");
    names.text[0] = '\0';
    assert_int_equal(user_list(o->bolt, note, &names), ERR_OK);
    assert_string_equal(names.text, "");
    const struct actor *actor;
    assert_int_equal(actor_load(o->acme, anna, &actor), ERR_OK);
    assert_true(actor_has_role(actor, "boss"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_user__login_is_unique_whatever_its_case),
        T(test_user__all_faults_are_named_at_once),
        T(test_user__login_length_has_a_ceiling),
        T(test_user__roles_and_state_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
