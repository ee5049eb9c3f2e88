/* test_rights - rows and fields under one and several roles, words, conditions, keys.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "record/filter.h"
#include "record/list.h"
#include "record/rights.h"

#define READ_ALL  "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\"}}}"
#define READ_OWN  "{\"name\":\"own\",\"grants\":{\"deal\":{\"read\":\"own\"}}}"
#define READ_TEAM "{\"name\":\"team\",\"grants\":{\"deal\":{\"read\":\"team\"}}}"

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    fixture_people(f);
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000011\",\"name\":\"mine\",\"owner\":\"0000000000001\","
                   "\"team\":\"0000000000034\",\"department\":\"0000000000068\",\"score\":1,"
                   "\"cost\":\"5.00\",\"status\":\"new\",\"account\":\"000000000000A\"}");
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000012\",\"name\":\"bobs\",\"owner\":\"0000000000002\","
                   "\"team\":\"0000000000034\",\"department\":\"0000000000069\",\"score\":2,"
                   "\"cost\":\"7.00\",\"status\":\"won\",\"account\":\"000000000000B\"}");
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000013\",\"name\":\"cids\",\"owner\":\"0000000000003\","
                   "\"team\":\"0000000000035\",\"department\":\"000000000006A\",\"score\":3,"
                   "\"cost\":\"9.00\",\"status\":\"new\"}");
    fixture_insert(f, f->deal, "{\"id\":\"0000000000014\",\"name\":\"pool\",\"cost\":\"1.00\"}");
    fixture_insert(f, f->account,
                   "{\"id\":\"000000000000A\",\"name\":\"A\",\"owner\":\"0000000000001\"}");
    fixture_insert(f, f->account,
                   "{\"id\":\"000000000000B\",\"name\":\"B\",\"owner\":\"0000000000003\"}");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* --- rows --- */

struct names {
    struct fixture *f;
    char text[64];
};

static bool take_name(void *arg, const struct value *values)
{
    struct names *names = arg;
    const struct field *name = fixture_field(names->f->deal, "name");
    const struct value *value = &values[name->slot];
    size_t used = strlen(names->text);
    memcpy(names->text + used, value->bytes.at, 1); /* first letters tell them apart */
    names->text[used + 1] = '\0';
    return true;
}

/* First letters of the visible deals by id, and the same answer from memory. */
static const char *visible(struct fixture *f)
{
    struct list_query query = {.entity = f->deal, .sort = SLICE("id")};
    struct names names = {f, ""};
    fixture_next(f);
    if (list_rows(&f->ctx, &query, take_name, &names))
        return "refused";
    for (int64_t id = 33; id <= 36; id++) {
        bool matches;
        const struct value *values = fixture_values(f, f->deal, id);
        const struct value *name = &values[fixture_field(f->deal, "name")->slot];
        assert_int_equal(rights_matches(&f->ctx, f->deal, ROLE_READ, values, &matches), ERR_OK);
        assert_int_equal(matches, memchr(names.text, name->bytes.at[0], 4) != NULL);
    }
    return arena_strdup(f->arena, names.text);
}

static void test_rights__each_word_means_its_rows(void **state)
{
    static const struct {
        int64_t user;
        const char *rule, *rows;
    } cases[] = {
        {1, "\"all\"", "mbcp"},
        {1, "true", "mbcp"},
        {1, "\"own\"", "m"},
        {1, "\"team\"", "mb"},
        {1, "\"department\"", "m"},
        {1, "\"subtree\"", "mb"},
        {2, "\"own\"", "b"},
        {2, "\"team\"", "mb"},
        {2, "\"department\"", "b"},
        {2, "\"subtree\"", "b"},
        {3, "\"team\"", "c"},
        {3, "{\"owner\":null}", "p"},
        {3, "{\"or\":[{\"owner\":\"$me\"},{\"owner\":null}]}", "cp"},
        {1, "{\"account.owner\":\"$me\"}", "m"},
        {3, "{\"account.owner\":\"$me\"}", "b"},
        {1, "false", "refused"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_as(f, cases[i].user,
                   arena_printf(f->arena, "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":%s}}}",
                                cases[i].rule),
                   NULL);
        if (strcmp(visible(f), cases[i].rows) != 0)
            fail_msg("user %d, %s: %s", (int)cases[i].user, cases[i].rule, visible(f));
    }
}

/* Which deals each of the words for the account shows of m (account of 1) and b (account of 3). */
static void test_rights__a_child_follows_its_parent(void **state)
{
    static const struct {
        int64_t user;
        const char *account, *rows;
    } cases[] = {
        {1, "\"own\"", "m"},  {3, "\"own\"", "b"},          {2, "\"own\"", ""},
        {2, "\"all\"", "mb"}, {2, "{\"name\":\"A\"}", "m"}, {2, "false", ""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_as(f, cases[i].user,
                   arena_printf(f->arena,
                                "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"parent\"},"
                                "\"account\":{\"read\":%s}}}",
                                cases[i].account),
                   NULL);
        if (strcmp(visible(f), cases[i].rows) != 0)
            fail_msg("user %d, %s: %s", (int)cases[i].user, cases[i].account, visible(f));
    }
}

/* Writing a child takes changing its parent, not only seeing it. */
static void test_rights__writing_a_child_asks_for_its_parent(void **state)
{
    struct fixture *f = *state;
    static const enum role_action actions[] = {ROLE_CREATE, ROLE_UPDATE, ROLE_DELETE};
    bool matches;
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"create\":\"parent\","
               "\"update\":\"parent\",\"delete\":\"parent\"},"
               "\"account\":{\"read\":\"all\",\"update\":\"own\"}}}",
               NULL);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        for (int64_t id = 33; id <= 34; id++) {
            fixture_next(f);
            const struct value *values = fixture_values(f, f->deal, id);
            assert_int_equal(rights_matches(&f->ctx, f->deal, actions[i], values, &matches),
                             ERR_OK);
            assert_int_equal(matches, id == 33);
        }
}

static void test_rights__what_is_not_granted_is_denied(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1, READ_OWN, NULL);
    assert_int_equal(rights_action(&f->ctx, f->deal, ROLE_READ), ERR_OK);
    assert_int_equal(rights_action(&f->ctx, f->deal, ROLE_UPDATE), ERR_FORBIDDEN);
    assert_int_equal(rights_action(&f->ctx, f->account, ROLE_READ), ERR_FORBIDDEN);
    fixture_as(f, 1, NULL);
    assert_string_equal(visible(f), "refused");
    f->ctx.actor = NULL; /* nobody */
    assert_int_equal(rights_action(&f->ctx, f->deal, ROLE_READ), ERR_FORBIDDEN);
}

static void test_rights__several_roles_add_their_rows(void **state)
{
    struct fixture *f = *state;
    const char *won = "{\"name\":\"w\",\"grants\":{\"deal\":{\"read\":{\"status\":\"won\"}}}}";
    fixture_as(f, 3, READ_OWN, NULL);
    assert_string_equal(visible(f), "c");
    fixture_as(f, 3, READ_OWN, won, NULL);
    assert_string_equal(visible(f), "bc");
    fixture_as(f, 3, READ_OWN, won, READ_ALL, NULL);
    assert_string_equal(visible(f), "mbcp");
}

/* --- fields --- */

static const char *get(struct fixture *f, int64_t id, const char *fields)
{
    int64_t version;
    fixture_next(f);
    enum err e = list_get(&f->ctx, f->deal, id, slice_str(fields), SLICE(""), &f->out, &version);
    return e ? err_code(e) : fixture_out(f);
}

static void test_rights__a_field_shows_only_where_a_matching_role_grants_it(void **state)
{
    struct fixture *f = *state;
    /* Everybody's deals without cost, one's own with it. */
    fixture_as(f, 1,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"cost\":"
               "\"none\"}}}}",
               "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\"}}}", NULL);
    assert_string_equal(get(f, 33, "cost"),
                        "{\"id\":\"0000000000011\",\"version\":1,\"cost\":\"5.00\"}");
    assert_string_equal(get(f, 34, "cost"),
                        "{\"id\":\"0000000000012\",\"version\":1,\"cost\":null}");
    enum role_access access;
    const struct field *cost = fixture_field(f->deal, "cost");
    assert_int_equal(
        rights_field_on(&f->ctx, f->deal, cost, ROLE_READ, fixture_values(f, f->deal, 33), &access),
        ERR_OK);
    assert_int_equal(access, ROLE_WRITE);
    assert_int_equal(
        rights_field_on(&f->ctx, f->deal, cost, ROLE_READ, fixture_values(f, f->deal, 34), &access),
        ERR_OK);
    assert_int_equal(access, ROLE_NONE);
}

static void test_rights__a_guarded_field_cannot_be_guessed_by_filter_or_sort(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"cost\":"
               "\"none\"}}}}",
               "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\"}}}", NULL);
    struct list_query query = {.entity = f->deal,
                               .filter = fixture_json(f, "{\"cost\":{\"gt\":\"0\"}}"),
                               .sort = SLICE("id")};
    struct names names = {f, ""};
    assert_int_equal(list_rows(&f->ctx, &query, take_name, &names), ERR_OK);
    assert_string_equal(names.text, "m");
    query.filter = fixture_json(f, "{\"cost\":{\"ne\":\"7.00\"}}");
    names.text[0] = '\0';
    assert_int_equal(list_rows(&f->ctx, &query, take_name, &names), ERR_OK);
    assert_string_equal(names.text, "m");
    query.filter = NULL;
    query.sort = SLICE("-cost");
    names.text[0] = '\0';
    assert_int_equal(list_rows(&f->ctx, &query, take_name, &names), ERR_OK);
    assert_string_equal(names.text, "m");
}

static void test_rights__a_hidden_field_is_not_there(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"*\":\"none\","
               "\"name\":\"read\"}}}}",
               NULL);
    assert_string_equal(get(f, 33, ""),
                        "{\"id\":\"0000000000011\",\"version\":1,\"name\":\"mine\"}");
    assert_string_equal(get(f, 33, "cost"), "forbidden");
}

static void test_rights__hidden_when_hides_while_it_holds(void **state)
{
    struct fixture *f = *state;
    fixture_field(f->deal, "cost")->hidden_when = fixture_json(f, "{\"owner\":null}");
    fixture_as(f, 1, READ_ALL, NULL);
    assert_string_equal(get(f, 33, "cost"),
                        "{\"id\":\"0000000000011\",\"version\":1,\"cost\":\"5.00\"}");
    assert_string_equal(get(f, 36, "cost"),
                        "{\"id\":\"0000000000014\",\"version\":1,\"cost\":null}");
    fixture_as_system(f);
    assert_string_equal(get(f, 36, "cost"),
                        "{\"id\":\"0000000000014\",\"version\":1,\"cost\":\"1.00\"}");
}

static void test_rights__writing_asks_for_write(void **state)
{
    struct fixture *f = *state;
    const struct field *cost = fixture_field(f->deal, "cost");
    enum role_access access;
    fixture_as(f, 1,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"update\":\"all\","
               "\"fields\":{\"cost\":\"read\"}}}}",
               "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\",\"update\":\"own\"}}}",
               NULL);
    assert_int_equal(rights_field_on(&f->ctx, f->deal, cost, ROLE_UPDATE,
                                     fixture_values(f, f->deal, 33), &access),
                     ERR_OK);
    assert_int_equal(access, ROLE_WRITE);
    assert_int_equal(rights_field_on(&f->ctx, f->deal, cost, ROLE_UPDATE,
                                     fixture_values(f, f->deal, 34), &access),
                     ERR_OK);
    assert_int_equal(access, ROLE_READ_ONLY);
}

/* --- keys and operations --- */

static void test_rights__the_scopes_of_a_key_narrow_its_user(void **state)
{
    static const struct {
        const char *scopes;
        bool read, update;
    } cases[] = {
        {"[\"deal:read\"]", true, false},    {"[\"deal:*\"]", true, true},
        {"[\"*:read\"]", true, false},       {"[\"account:read\"]", false, false},
        {"[\"admin:users\"]", false, false}, {"[]", false, false},
    };
    struct fixture *f = *state;
    fixture_as(f, 1, "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"update\":\"all\"}}}",
               NULL);
    const struct actor *user = f->ctx.actor;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct actor key = *user;
        key.scopes = fixture_json(f, cases[i].scopes);
        f->ctx.actor = &key;
        assert_int_equal(rights_action(&f->ctx, f->deal, ROLE_READ),
                         cases[i].read ? ERR_OK : ERR_FORBIDDEN);
        assert_int_equal(rights_action(&f->ctx, f->deal, ROLE_UPDATE),
                         cases[i].update ? ERR_OK : ERR_FORBIDDEN);
    }
    f->ctx.actor = user;
}

static void test_rights__operations_are_granted_by_name(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"actions\":[\"pick\"]}}}",
               NULL);
    assert_true(rights_operation(&f->ctx, f->deal, "pick", NULL));
    assert_false(rights_operation(&f->ctx, f->deal, "merge", NULL));
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"actions\":[\"pick\","
               "\"acme.yard:x_grade\"]}}}",
               NULL);
    assert_true(rights_operation(&f->ctx, f->deal, "pick", "acme.yard"));
    assert_true(rights_operation(&f->ctx, f->deal, "x_grade", "acme.yard"));
    assert_false(rights_operation(&f->ctx, f->deal, "x_grade", "acme.other"));
    assert_false(rights_operation(&f->ctx, f->deal, "x_grade", NULL));
    assert_false(rights_operation(&f->ctx, f->deal, "acme.yard:x_grade", "acme.yard"));
    assert_true(rights_operation(&f->ctx, f->deal, "pick", NULL));
    fixture_as(f, 1, READ_ALL, NULL);
    assert_false(rights_operation(&f->ctx, f->deal, "pick", NULL));
}

static void test_rights__a_user_is_its_own_record(void **state)
{
    struct fixture *f = *state;
    struct list_query query = {.entity = f->user};
    int64_t count;
    fixture_as(f, 2, "{\"name\":\"a\",\"grants\":{\"user\":{\"read\":\"own\"}}}", NULL);
    assert_int_equal(list_count(&f->ctx, &query, 10, &count), ERR_OK);
    assert_int_equal(count, 1);
    fixture_as(f, 2, "{\"name\":\"a\",\"grants\":{\"user\":{\"read\":\"team\"}}}", NULL);
    assert_int_equal(list_count(&f->ctx, &query, 10, &count), ERR_OK);
    assert_int_equal(count, 2);
}

/* Whoever looks, in whosever place, with the role at hand. */
static void preview(struct fixture *f, int64_t in_place_of, const char *looks, const char *role)
{
    fixture_as(f, in_place_of, role, NULL);
    const struct actor *base = f->ctx.actor;
    fixture_as(f, 1, looks, NULL);
    f->ctx.actor = actor_for_preview(f->arena, f->ctx.actor, base, base->roles[0]);
}

static void test_rights__a_preview_shows_what_both_may_see(void **state)
{
    struct fixture *f = *state;
    const char *pick =
        "{\"name\":\"p\",\"grants\":{\"deal\":{\"read\":\"all\",\"actions\":[\"pick\"],"
        "\"fields\":{\"cost\":\"none\"}}}}";
    preview(f, 3, READ_ALL, READ_OWN);
    assert_string_equal(visible(f), "c");
    preview(f, 1, READ_OWN, READ_ALL);
    assert_string_equal(visible(f), "m");
    preview(f, 3, READ_OWN, READ_OWN);
    assert_string_equal(visible(f), "");
    preview(f, 1, READ_ALL, pick);
    assert_false(rights_operation(&f->ctx, f->deal, "pick", NULL));
    assert_string_equal(get(f, 33, "cost"), "forbidden");
    preview(f, 1, pick, READ_ALL);
    assert_string_equal(get(f, 33, "cost"), "forbidden");
    preview(f, 1, pick, pick);
    assert_true(rights_operation(&f->ctx, f->deal, "pick", NULL));
    preview(f, 1, "{\"name\":\"n\",\"grants\":{}}", READ_ALL);
    assert_string_equal(visible(f), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rights__each_word_means_its_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__what_is_not_granted_is_denied, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rights__several_roles_add_their_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_rights__a_field_shows_only_where_a_matching_role_grants_it, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_rights__a_guarded_field_cannot_be_guessed_by_filter_or_sort, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__a_hidden_field_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__hidden_when_hides_while_it_holds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rights__writing_asks_for_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__the_scopes_of_a_key_narrow_its_user, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rights__operations_are_granted_by_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rights__a_child_follows_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__writing_a_child_asks_for_its_parent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rights__a_user_is_its_own_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rights__a_preview_shows_what_both_may_see, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
