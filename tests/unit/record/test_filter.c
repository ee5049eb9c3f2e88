/* test_filter - the shared cases through the store and in memory; limits, rights, the short form.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "record/filter.h"

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    fixture_people(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* --- the shared cases --- */

struct cases {
    struct fixture *f;
    const struct json *doc;
    struct {
        char name[4];
        int64_t id;
    } records[16];
    int count;
};

static const char *text_of(struct fixture *f, const struct json *node)
{
    struct buf text = BUF_INIT;
    json_put(&text, node);
    const char *copy = arena_str(f->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static void load_cases(struct fixture *f, struct cases *cases)
{
    const char *why = "";
    *cases = (struct cases){.f = f};
    if (json_load(f->arena, PERIGEE_SOURCE_DIR "/tests/fixtures/filters.json", &cases->doc, &why))
        fail_msg("%s", why);
    const struct json *related = json_get(cases->doc, "related");
    json_each(account, json_get(related, "account"))
        fixture_insert(f, f->account, text_of(f, account));
    json_each(task, json_get(related, "task")) fixture_insert(f, f->task, text_of(f, task));
    json_each(record, json_get(cases->doc, "records"))
    {
        memcpy(cases->records[cases->count].name, record->key.at, record->key.len);
        cases->records[cases->count++].id = fixture_insert(f, f->deal, text_of(f, record));
    }
}

static bool is_found(const struct json *finds, const char *name)
{
    json_each(one, finds)
    {
        if (slice_is(one->text, name))
            return true;
    }
    return false;
}

static bool take_id(void *arg, const struct store_row *row)
{
    *(bool *)arg = true;
    (void)row;
    return false;
}

static bool store_finds(struct fixture *f, const struct expr *where, int64_t id)
{
    bool found = false;
    struct query_column column = {.column = {0, "id"}};
    struct query q = {
        .table = "e1",
        .select = &column,
        .select_count = 1,
        .where = expr_and(f->arena, where, expr_cmp(f->arena, EXPR_EQ, "id", value_int(id)))};
    if (store_read(f->tenant.store, &q, take_id, &found))
        fail_msg("%s", store_why(f->tenant.store));
    return found;
}

static void check_case(struct cases *cases, const struct json *one, bool as_rule)
{
    struct fixture *f = cases->f;
    struct filter_scope scope = {.entity = f->deal, .as_rule = as_rule};
    const struct json *tree = json_get(one, "filter");
    const struct expr *where;
    fixture_next(f);
    if (filter_compile(&f->ctx, &scope, tree, &where))
        fail_msg("%s: refused at %s: %s", text_of(f, tree),
                 f->ctx.err.first ? f->ctx.err.first->field : "?",
                 f->ctx.err.first ? f->ctx.err.first->code : "?");
    for (int i = 0; i < cases->count; i++) {
        int64_t id = cases->records[i].id;
        bool wanted = is_found(json_get(one, "finds"), cases->records[i].name), in_memory;
        if (store_finds(f, where, id) != wanted)
            fail_msg("%s: the store is wrong about %s", text_of(f, tree), cases->records[i].name);
        assert_int_equal(
            filter_matches(&f->ctx, f->deal, tree, fixture_values(f, f->deal, id), &in_memory),
            ERR_OK);
        if (in_memory != wanted)
            fail_msg("%s: memory is wrong about %s", text_of(f, tree), cases->records[i].name);
    }
}

#define ALL_ROLE "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\"}}}"

static void test_filter__store_and_memory_give_the_same_answers(void **state)
{
    struct fixture *f = *state;
    struct cases cases;
    int count = 0;
    load_cases(f, &cases);
    fixture_as(f, 1, ALL_ROLE, NULL);
    json_each(one, json_get(cases.doc, "cases"))
    {
        check_case(&cases, one, true);  /* as a rule */
        check_case(&cases, one, false); /* as a caller who may see everything */
        count++;
    }
    assert_true(count >= 120);
}

static void test_filter__complaints_name_the_place_in_the_tree(void **state)
{
    struct fixture *f = *state;
    struct cases cases;
    struct filter_scope scope = {.entity = f->deal};
    load_cases(f, &cases);
    fixture_as(f, 1, ALL_ROLE, NULL);
    json_each(one, json_get(cases.doc, "errors"))
    {
        const struct expr *where;
        fixture_next(f);
        const char *text = text_of(f, one);
        if (filter_compile(&f->ctx, &scope, json_get(one, "filter"), &where) != ERR_VALIDATION)
            fail_msg("%s: taken", text);
        assert_int_equal(f->ctx.err.count, 1);
        if (!slice_is(json_str(one, "at", SLICE("")), f->ctx.err.first->field) ||
            !slice_is(json_str(one, "code", SLICE("")), f->ctx.err.first->code))
            fail_msg("%s: said %s %s", text, f->ctx.err.first->field, f->ctx.err.first->code);
    }
}

/* --- limits, just under and just over --- */

static enum err compile_text(struct fixture *f, const char *text)
{
    struct filter_scope scope = {.entity = f->deal};
    const struct expr *where;
    fixture_next(f);
    return filter_compile(&f->ctx, &scope, fixture_json(f, text), &where);
}

static void put_deep(struct buf *text, int depth)
{
    buf_clear(text);
    for (int i = 1; i < depth; i++)
        buf_put_str(text, "{\"not\":");
    buf_put_str(text, "{\"vip\":true}");
    for (int i = 1; i < depth; i++)
        buf_put_char(text, '}');
}

static void test_filter__stops_at_its_limits(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    put_deep(&text, FILTER_DEPTH_MAX);
    assert_int_equal(compile_text(f, buf_cstr(&text)), ERR_OK);
    put_deep(&text, FILTER_DEPTH_MAX + 1);
    assert_int_equal(compile_text(f, buf_cstr(&text)), ERR_VALIDATION);
    assert_string_equal(f->ctx.err.first->code, "filter_too_deep");
    for (int over = 0; over < 2; over++) {
        buf_clear(&text);
        buf_put_str(&text, "{\"or\":["); /* one node, then two for each item */
        for (int i = 0; i < (FILTER_NODES_MAX - 1) / 2 + over; i++)
            buf_printf(&text, "%s{\"score\":%d}", i ? "," : "", i);
        buf_put_str(&text, "]}");
        assert_int_equal(compile_text(f, buf_cstr(&text)), over ? ERR_VALIDATION : ERR_OK);
        buf_clear(&text);
        buf_put_str(&text, "{\"score\":[");
        for (int i = 0; i < FILTER_IN_MAX + over; i++)
            buf_printf(&text, "%s%d", i ? "," : "", i);
        buf_put_str(&text, "]}");
        assert_int_equal(compile_text(f, buf_cstr(&text)), over ? ERR_VALIDATION : ERR_OK);
    }
    assert_string_equal(f->ctx.err.first->code, "too_many_values");
    for (int over = 0; over < 2; over++) {
        buf_clear(&text);
        buf_printf(&text, "{\"due\":{\"last_days\":%d}}", FILTER_DAYS_MAX + over);
        assert_int_equal(compile_text(f, buf_cstr(&text)), over ? ERR_VALIDATION : ERR_OK);
    }
    assert_string_equal(f->ctx.err.first->code, "bad_days");
    buf_release(&text);
}

static void test_filter__an_actor_without_team_is_in_no_team(void **state)
{
    struct fixture *f = *state;
    struct actor nobody = {.user = 9};
    bool matches;
    int64_t id = fixture_insert(f, f->deal, "{\"name\":\"pool\"}");
    fixture_next(f);
    f->ctx.actor = &nobody;
    const struct value *values = fixture_values(f, f->deal, id);
    assert_int_equal(filter_matches(&f->ctx, f->deal, fixture_json(f, "{\"team\":\"$my_team\"}"),
                                    values, &matches),
                     ERR_OK);
    assert_false(matches); /* empty is not equal to empty */
    assert_int_equal(filter_matches(&f->ctx, f->deal,
                                    fixture_json(f, "{\"department\":[\"$my_subtree\"]}"), values,
                                    &matches),
                     ERR_OK);
    assert_false(matches);
}

static void test_filter__a_hidden_field_may_not_be_asked(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 1,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"cost\":"
               "\"none\"}},\"user\":{\"read\":\"all\",\"fields\":{\"email\":\"none\"}}}}",
               NULL);
    assert_int_equal(compile_text(f, "{\"score\":1}"), ERR_OK);
    assert_int_equal(compile_text(f, "{\"cost\":\"1.00\"}"), ERR_FORBIDDEN);
    assert_int_equal(compile_text(f, "{\"not\":{\"cost\":null}}"), ERR_FORBIDDEN);
    assert_int_equal(compile_text(f, "{\"owner.name\":\"x\"}"), ERR_OK);
    assert_int_equal(compile_text(f, "{\"owner.email\":\"x@y.cn\"}"), ERR_FORBIDDEN);
    assert_int_equal(compile_text(f, "{\"account.name\":\"x\"}"), ERR_FORBIDDEN);
    assert_int_equal(compile_text(f, "{\"exists\":{\"task\":{}}}"), ERR_FORBIDDEN);
}

/* --- the short form --- */

static const char *short_form(struct fixture *f, const char *name, const char *value)
{
    struct json *into = json_new(f->arena, JSON_OBJECT);
    fixture_next(f);
    enum err e = filter_short(&f->ctx, f->deal, slice_str(name), slice_str(value), into);
    return e ? err_code(e) : text_of(f, into);
}

static void test_filter__the_short_form_becomes_a_tree(void **state)
{
    static const struct {
        const char *name, *value, *tree;
    } cases[] = {
        {"status", "new", "{\"status\":{\"eq\":\"new\"}}"},
        {"score[gte]", "10", "{\"score\":{\"gte\":10}}"},
        {"score[in]", "1,2", "{\"score\":{\"in\":[1,2]}}"},
        {"amount[gte]", "100", "{\"amount\":{\"gte\":\"100\"}}"},
        {"vip", "true", "{\"vip\":{\"eq\":true}}"},
        {"name", "true", "{\"name\":{\"eq\":\"true\"}}"},
        {"due[last_days]", "7", "{\"due\":{\"last_days\":7}}"},
        {"due[today]", "true", "{\"due\":{\"today\":true}}"},
        {"owner", "null", "{\"owner\":{\"eq\":null}}"},
        {"owner.team", "$my_team", "{\"owner.team\":{\"eq\":\"$my_team\"}}"},
        {"score[gte", "1", "validation_failed"},
        {"score[more]", "1", "validation_failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(short_form(*state, cases[i].name, cases[i].value), cases[i].tree);
}

static void test_filter__the_short_form_takes_two_ends_of_a_range(void **state)
{
    struct fixture *f = *state;
    struct json *into = json_new(f->arena, JSON_OBJECT);
    assert_int_equal(filter_short(&f->ctx, f->deal, SLICE("score[gte]"), SLICE("1"), into), 0);
    assert_int_equal(filter_short(&f->ctx, f->deal, SLICE("score[lt]"), SLICE("9"), into), 0);
    assert_string_equal(text_of(f, into), "{\"score\":{\"gte\":1,\"lt\":9}}");
    assert_int_equal(filter_short(&f->ctx, f->deal, SLICE("score[lt]"), SLICE("5"), into),
                     ERR_VALIDATION);
}

/* States, options, yes and no leave many records; whatever else is equal leaves few. */
static void test_filter__words_of_few_lead_no_index(void **state)
{
    static const struct {
        const char *tree;
        bool is_weak;
    } cases[] = {
        {"{\"status\":\"new\"}", true}, {"{\"status\":[\"new\",\"won\"]}", true},
        {"{\"vip\":true}", true},       {"{\"score\":1}", false},
        {"{\"score\":[1,2]}", false},   {"{\"name\":\"new\"}", false},
        {"{\"owner\":\"$me\"}", false},
    };
    struct fixture *f = *state;
    struct filter_scope scope = {.entity = f->deal, .as_rule = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct expr *where;
        fixture_next(f);
        assert_int_equal(filter_compile(&f->ctx, &scope, fixture_json(f, cases[i].tree), &where),
                         ERR_OK);
        if (where->is_weak != cases[i].is_weak)
            fail_msg("%s", cases[i].tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_filter__store_and_memory_give_the_same_answers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_filter__complaints_name_the_place_in_the_tree, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_filter__stops_at_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter__an_actor_without_team_is_in_no_team, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_filter__a_hidden_field_may_not_be_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_filter__the_short_form_becomes_a_tree, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_filter__the_short_form_takes_two_ends_of_a_range,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter__words_of_few_lead_no_index, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
