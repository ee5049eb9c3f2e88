/* test_actor - users with roles and departments, cached until something moves.
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
#include "store/query.h"

static struct role declared; /* what the model would give */

static const struct role *find(struct tenant *tenant, const char *name)
{
    return tenant->model && strcmp(name, "declared") == 0 ? &declared : NULL;
}

static const struct actor *load(struct office *o, int64_t user)
{
    const struct actor *actor;
    assert_int_equal(actor_load(o->ctx.tenant, user, &actor), ERR_OK);
    return actor;
}

static void test_actor__roles_of_the_tenant_and_of_the_model(void **state)
{
    struct office *o = *state;
    office_role(o, "sales", "{\"name\":\"sales\",\"admin\":[\"users\"]}");
    int64_t anna = office_user(o, "anna", "sales");
    const struct actor *actor = load(o, anna);
    assert_int_equal(actor->roles_count, 1);
    assert_true(actor_has_role(actor, "sales"));
    assert_true(actor_may_admin(actor, "users"));
    assert_false(actor_may_admin(actor, "roles"));
    assert_ptr_equal(load(o, anna), actor); /* cached */

    office_role(o, "sales", "{\"name\":\"sales\",\"admin\":[\"roles\"]}");
    assert_ptr_not_equal(load(o, anna), actor);
    assert_true(actor_may_admin(load(o, anna), "roles"));
    assert_true(actor_may_admin(actor, "users")); /* a request in flight keeps what it has */

    declared.name = "declared";
    actor_role_source(find);
    int model = 0;
    const struct role *role;
    assert_int_equal(actor_role(o->acme, "declared", &role), ERR_OK);
    assert_null(role);
    o->acme->model = &model; /* as when the model has been built */
    o->acme->model_serial = 1;
    assert_int_equal(actor_role(o->acme, "declared", &role), ERR_OK);
    assert_ptr_equal(role, &declared);
    office_role(o, "declared", "{\"name\":\"declared\",\"admin\":true}"); /* overrides */
    assert_int_equal(actor_role(o->acme, "declared", &role), ERR_OK);
    assert_ptr_not_equal(role, &declared);
    actor = load(o, anna);
    o->acme->model_serial = 2; /* another one, where the first one lay */
    assert_ptr_not_equal(load(o, anna), actor);
    o->acme->model = NULL;
    actor_role_source(NULL);
}

static void test_actor__a_damaged_role_grants_nothing(void **state)
{
    struct office *o = *state;
    office_role(o, "sales", "{\"name\":\"sales\",\"grants\":7,\"admin\":true}");
    const struct actor *actor = load(o, office_user(o, "anna", "sales"));
    assert_true(actor_has_role(actor, "sales"));
    assert_false(actor_may_admin(actor, "users"));
    assert_null(role_grant_of(actor->roles[0], "lead"));
}

static void test_actor__subtree_holds_departments_below(void **state)
{
    struct office *o = *state;
    int64_t head, east, west, shop, user;
    office_begin(o);
    assert_int_equal(user_department_create(&o->ctx, "总部", 0, &head), ERR_OK);
    assert_int_equal(user_department_create(&o->ctx, "East", head, &east), ERR_OK);
    assert_int_equal(user_department_create(&o->ctx, "West", head, &west), ERR_OK);
    assert_int_equal(user_department_create(&o->ctx, "Shop", east, &shop), ERR_OK);
    struct user_spec spec = {.login = "anna", .department = east};
    assert_int_equal(user_create(&o->ctx, &spec, &user), ERR_OK);
    assert_int_equal(office_end(o, ERR_OK), ERR_OK);
    const struct actor *actor = load(o, user);
    assert_int_equal(actor->department, east);
    assert_int_equal(actor->subtree_count, 2);
    assert_int_equal(actor->subtree[0], east);
    assert_int_equal(actor->subtree[1], shop);

    /* a circle of parents must end, too */
    struct expr where = {.op = EXPR_EQ, .column = {0, "id"}, .value = value_int(east)};
    struct store_set set = {.column = "parent", .value = value_int(shop)};
    office_begin(o);
    enum err e = store_update(o->acme->store, "department", &where, &set, 1, NULL, NULL);
    if (!e)
        e = store_header_bump(o->acme->store, false, true);
    assert_int_equal(office_end(o, e), ERR_OK);
    assert_int_equal(load(o, user)->subtree_count, 2);
}

/* One's own and those below: the rest is left out, and the log says so. */
static void test_actor__subtree_holds_so_many(void **state)
{
    struct office *o = *state;
    int64_t head, below, user;
    office_begin(o);
    assert_int_equal(user_department_create(&o->ctx, "Head", 0, &head), ERR_OK);
    for (int i = 1; i < SUBTREE_IDS_MAX; i++)
        assert_int_equal(
            user_department_create(&o->ctx, arena_printf(o->arena, "D%d", i), head, &below),
            ERR_OK);
    struct user_spec spec = {.login = "anna", .department = head};
    assert_int_equal(user_create(&o->ctx, &spec, &user), ERR_OK);
    assert_int_equal(office_end(o, ERR_OK), ERR_OK);
    assert_int_equal(load(o, user)->subtree_count, SUBTREE_IDS_MAX);
    office_begin(o);
    assert_int_equal(user_department_create(&o->ctx, "More", head, &below), ERR_OK);
    assert_int_equal(office_end(o, store_header_bump(o->acme->store, false, true)), ERR_OK);
    assert_int_equal(load(o, user)->subtree_count, SUBTREE_IDS_MAX);
}

static void test_actor__deleted_and_unknown_are_absent(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL), id = 0;
    const struct actor *actor;
    assert_int_equal(actor_by_login(o->acme, SLICE(" ANNA"), &id), ERR_OK);
    assert_int_equal(id, anna);
    assert_int_equal(actor_by_login(o->acme, SLICE("ann"), &id), ERR_NOT_FOUND);
    assert_int_equal(actor_by_login(o->acme, SLICE("\xff"), &id), ERR_NOT_FOUND);
    assert_int_equal(actor_by_login(o->bolt, SLICE("anna"), &id), ERR_NOT_FOUND);
    assert_int_equal(actor_load(o->bolt, anna, &actor), ERR_NOT_FOUND);

    struct expr where = {.op = EXPR_EQ, .column = {0, "id"}, .value = value_int(anna)};
    struct store_set set = {.column = "deleted_at", .value = value_int(o->ctx.now_ms)};
    office_begin(o);
    enum err e = store_update(o->acme->store, "user", &where, &set, 1, NULL, NULL);
    if (!e)
        e = store_header_bump(o->acme->store, false, true);
    assert_int_equal(office_end(o, e), ERR_OK);
    assert_int_equal(actor_load(o->acme, anna, &actor), ERR_NOT_FOUND);
    assert_int_equal(actor_by_login(o->acme, SLICE("anna"), &id), ERR_NOT_FOUND);
    (void)office_user(o, "anna", NULL); /* the login is free again */
}

static void test_actor__scopes_narrow_what_roles_give(void **state)
{
    struct office *o = *state;
    office_role(o, "boss", "{\"name\":\"boss\",\"admin\":true}");
    const struct actor *base = load(o, office_user(o, "anna", "boss"));
    static const struct {
        const char *scopes, *entity, *action;
        bool covered;
    } cases[] = {
        {"[\"*\"]", "lead", "read", true},           {"[\"lead:*\"]", "lead", "delete", true},
        {"[\"*:read\"]", "lead", "read", true},      {"[\"*:read\"]", "lead", "update", false},
        {"[\"lead:read\"]", "leads", "read", false}, {"[]", "lead", "read", false},
        {"[\"lead\"]", "lead", "read", false},       {"[\"admin:users\"]", "admin", "users", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct json *scopes;
        assert_int_equal(json_parse(o->arena, slice_str(cases[i].scopes), &scopes, NULL), ERR_OK);
        const struct actor *actor = actor_for_request(o->arena, base, 0, 7, scopes);
        if (actor_in_scope(actor, cases[i].entity, cases[i].action) != cases[i].covered)
            fail_msg("%s on %s:%s", cases[i].scopes, cases[i].entity, cases[i].action);
    }
    const struct json *scopes;
    assert_int_equal(json_parse(o->arena, SLICE("[\"admin:users\"]"), &scopes, NULL), ERR_OK);
    const struct actor *actor = actor_for_request(o->arena, base, 0, 7, scopes);
    assert_true(actor_may_admin(actor, "users"));
    assert_false(actor_may_admin(actor, "roles"));
    assert_true(actor_may_admin(base, "roles"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_actor__roles_of_the_tenant_and_of_the_model),
        T(test_actor__a_damaged_role_grants_nothing),
        T(test_actor__subtree_holds_departments_below),
        T(test_actor__subtree_holds_so_many),
        T(test_actor__deleted_and_unknown_are_absent),
        T(test_actor__scopes_narrow_what_roles_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
