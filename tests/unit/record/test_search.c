/* test_search - names, pinyin, initials, phone tails; each field under its own rights.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"
#include "record/list.h"
#include "record/rights.h"
#include "record/search.h"

#define READ_ALL "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\"}}}"

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    fixture_people(f);
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000011\",\"name\":\"张伟\",\"phone\":\"+8613800001234\","
                   "\"secret_note\":\"北京项目\",\"owner\":\"0000000000001\"}");
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000012\",\"name\":\"李小龙\",\"email\":\"bruce@lee.hk\","
                   "\"secret_note\":\"张伟\",\"owner\":\"0000000000002\"}");
    fixture_insert(f, f->deal,
                   "{\"id\":\"0000000000013\",\"name\":\"龙小李 Golden Dragon\",\"owner\":"
                   "\"0000000000003\"}");
    fixture_insert(f, f->account, "{\"id\":\"000000000000A\",\"name\":\"张伟贸易\"}");
    fixture_as(f, 1, READ_ALL, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static const char *found(struct fixture *f, const char *typed)
{
    struct list_query query = {
        .entity = f->deal, .q = slice_str(typed), .fields = SLICE("id"), .sort = SLICE("id")};
    struct buf text = BUF_INIT;
    fixture_next(f);
    enum err e = list_run(&f->ctx, &query, &f->out);
    if (e)
        fail_msg("%s: %s %s", typed, err_code(e), store_why(f->tenant.store));
    const struct json *page = fixture_json(f, fixture_out(f));
    json_each(item, json_get(page, "items"))
        buf_put_char(&text, json_str(item, "id", SLICE("")).at[12]);
    const char *copy = arena_str(f->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static void test_search__finds_by_what_people_type(void **state)
{
    static const char *const cases[][2] = {
        {"张伟", "12"},      {"张", "12"}, {"小龙", "2"},     {"李小龙", "2"},
        {"zhangwei", "12"},  {"zw", "12"}, {"1234", "1"},     {"bruce", "2"},
        {"dragon", "3"},     {"不在", ""}, {"北京项目", "1"}, {"龙小李", "3"},
        {"lixiaolong", "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(found(*state, cases[i][0]), cases[i][1]) != 0)
            fail_msg("%s: found \"%s\"", cases[i][0], found(*state, cases[i][0]));
    }
}

static void test_search__a_hidden_field_finds_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"secret_note\":"
               "\"none\"}}}}",
               NULL);
    assert_string_equal(found(f, "张伟"), "1");
    assert_string_equal(found(f, "北京项目"), "");
}

static void test_search__a_guarded_field_finds_only_where_it_shows(void **state)
{
    struct fixture *f = *state;
    const char *all = "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{"
                      "\"secret_note\":\"none\"}}}}";
    const char *own = "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\"}}}";
    fixture_as(f, 1, all, own, NULL);
    assert_string_equal(found(f, "北京项目"), "1");
    assert_string_equal(found(f, "张伟"), "1");
    fixture_as(f, 2, all, own, NULL);
    assert_string_equal(found(f, "北京项目"), "");
    assert_string_equal(found(f, "张伟"), "12");
}

static void test_search__words_may_stand_in_guarded_and_open_fields(void **state)
{
    struct fixture *f = *state;
    const char *all = "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{"
                      "\"secret_note\":\"none\"}}}}";
    const char *own = "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\"}}}";
    fixture_as(f, 1, all, own, NULL);
    assert_string_equal(found(f, "zw 北京"), "1");
    assert_string_equal(found(f, "bruce zw"), ""); /* that note is another's */
    fixture_as(f, 2, all, own, NULL);
    assert_string_equal(found(f, "zw 北京"), "");
    assert_string_equal(found(f, "bruce zw"), "2");
}

static void test_search__finds_so_many_of_an_entity(void **state)
{
    struct fixture *f = *state;
    for (int i = 1; i <= SEARCH_PER_ENTITY + 1; i++) {
        fixture_insert(f, f->deal, "{\"name\":\"Perigee\"}");
        if (i < SEARCH_PER_ENTITY)
            continue;
        fixture_next(f);
        assert_int_equal(list_search(&f->ctx, SLICE("perigee"), SLICE(""), &f->out), ERR_OK);
        const struct json *group = json_at(json_get(fixture_json(f, fixture_out(f)), "groups"), 0);
        assert_int_equal(json_get(group, "items")->count, SEARCH_PER_ENTITY);
        assert_int_equal(json_bool(group, "more", false), i > SEARCH_PER_ENTITY);
    }
}

/* The names that a search of everything lists, in their order. */
static const char *listed(struct fixture *f, const char *typed)
{
    struct buf text = BUF_INIT;
    fixture_next(f);
    assert_int_equal(list_search(&f->ctx, slice_str(typed), SLICE("deal"), &f->out), ERR_OK);
    const struct json *group = json_at(json_get(fixture_json(f, fixture_out(f)), "groups"), 0);
    json_each(item, json_get(group, "items")) buf_printf(
        &text, "%s%.*s", text.len ? " " : "", SLICE_ARG(json_str(item, "name", SLICE("?"))));
    const char *copy = arena_str(f->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static void test_search__what_was_typed_whole_comes_first(void **state)
{
    struct fixture *f = *state;
    fixture_insert(f, f->deal, "{\"name\":\"张伟明\",\"phone\":\"+8613812340000\"}");
    fixture_insert(f, f->deal, "{\"name\":\"赵文博\"}");
    assert_string_equal(listed(f, "zw"), "李小龙 张伟 赵文博 张伟明"); /* 李小龙's note is 张伟 */
    assert_string_equal(listed(f, "张伟"), "李小龙 张伟 张伟明");
    assert_string_equal(listed(f, "zhangwei"), "李小龙 张伟 张伟明");
    assert_string_equal(listed(f, "1234"), "张伟 张伟明");
    for (int i = 0; i < SEARCH_PER_ENTITY; i++)
        fixture_insert(f, f->deal, "{\"name\":\"赵文博\"}");
    assert_memory_equal(listed(f, "zw"), "李小龙 张伟 赵文博", strlen("李小龙 张伟 赵文博"));
    /* A field that may not be read puts nobody first. */
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"secret_note\":"
               "\"none\"}}}}",
               NULL);
    assert_memory_equal(listed(f, "zw"), "张伟 赵文博", strlen("张伟 赵文博"));
}

static const char *looked(struct fixture *f, const char *typed)
{
    struct token_query query;
    struct search_found where;
    struct rights *rights;
    struct buf names = BUF_INIT;
    fixture_next(f);
    token_query_make(f->arena, slice_str(typed), &query);
    assert_int_equal(rights_make(&f->ctx, f->deal, ROLE_READ, &rights), ERR_OK);
    assert_int_equal(search_look(&f->ctx, f->deal, rights, &query, &where), ERR_OK);
    for (int i = 0; i < where.count; i++)
        buf_printf(&names, "%s%s", i ? " " : "", where.fields[i]->name);
    const char *copy = arena_str(f->arena, buf_slice(&names));
    buf_release(&names);
    return copy;
}

static void test_search__looks_only_into_fields_that_may_be_read(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(looked(f, "zw"), "name secret_note");
    assert_string_equal(looked(f, "bruce"), "email");
    assert_string_equal(looked(f, "nobody"), "");
    assert_string_equal(looked(f, ""), "");
    assert_string_not_equal(looked(f, "bruce zw"), "");
    assert_string_equal(looked(f, "bruce nobody"), "");
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"own\",\"fields\":{\"secret_note\":"
               "\"none\"}}}}",
               NULL);
    assert_string_equal(looked(f, "zw"), "name");
    assert_string_equal(looked(f, "北京项目"), "");
}

static void test_search__across_entities_keeps_to_rights(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(list_search(&f->ctx, SLICE("张伟"), SLICE(""), &f->out), ERR_OK);
    const struct json *groups = json_get(fixture_json(f, fixture_out(f)), "groups");
    assert_int_equal(groups->count, 2);
    const struct json *account = json_at(json_get(json_at(groups, 1), "items"), 0);
    assert_true(slice_is(json_str(account, "title", SLICE("")), "张伟贸易"));
    assert_int_equal(list_search(&f->ctx, SLICE("张伟"), SLICE("account"), &f->out), ERR_OK);
    assert_int_equal(json_get(fixture_json(f, fixture_out(f)), "groups")->count, 1);
    assert_int_equal(list_search(&f->ctx, SLICE("张伟"), SLICE("nope"), &f->out), ERR_VALIDATION);
    fixture_as(f, 3, "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"own\"}}}", NULL);
    assert_int_equal(list_search(&f->ctx, SLICE("张伟"), SLICE(""), &f->out), ERR_OK);
    assert_string_equal(fixture_out(f), "{\"groups\":[]}");
}

static void test_search__moves_only_with_its_fields(void **state)
{
    struct fixture *f = *state;
    const struct value *a = fixture_values(f, f->deal, 33), *b = fixture_values(f, f->deal, 34);
    struct value *c = arena_array(f->arena, struct value, (size_t)f->deal->slots);
    memcpy(c, a, (size_t)f->deal->slots * sizeof *c);
    c[fixture_field(f->deal, "score")->slot] = value_int(77);
    assert_true(search_moved(f->deal, a, b));
    assert_false(search_moved(f->deal, a, c));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_search__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(finds_by_what_people_type),
        T(a_hidden_field_finds_nothing),
        T(a_guarded_field_finds_only_where_it_shows),
        T(finds_so_many_of_an_entity),
        T(words_may_stand_in_guarded_and_open_fields),
        T(what_was_typed_whole_comes_first),
        T(looks_only_into_fields_that_may_be_read),
        T(across_entities_keeps_to_rights),
        T(moves_only_with_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
