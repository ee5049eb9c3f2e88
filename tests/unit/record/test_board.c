/* test_board - columns with counts, sums and their first items; going on from one of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/id.h"
#include "base/limits.h"
#include "record/list.h"

#define READ_ALL "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\"}}}"

static int setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    fixture_people(f);
    for (int i = 0; i < 5; i++)
        fixture_insert(f, f->deal,
                       arena_printf(f->arena,
                                    "{\"id\":\"000000000001%d\",\"status\":\"%s\",\"owner\":"
                                    "\"000000000000%d\",\"amount\":\"%d.00\"}",
                                    i, i < 3 ? "new" : "won", 1 + i % 2, i));
    fixture_insert(f, f->deal, "{\"id\":\"0000000000019\"}");
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

static const struct json *run(struct fixture *f, const char *body)
{
    fixture_next(f);
    enum err e = list_board(&f->ctx, f->deal, fixture_json(f, body), &f->out);
    if (e)
        fail_msg("%s: %s", body, err_code(e));
    return json_get(fixture_json(f, fixture_out(f)), "columns");
}

static enum err refused(struct fixture *f, const char *body)
{
    fixture_next(f);
    enum err e = list_board(&f->ctx, f->deal, fixture_json(f, body), &f->out);
    assert_int_equal(f->out.len, 0);
    return e;
}

static void test_board__columns_stand_in_the_order_of_the_field(void **state)
{
    static const struct {
        const char *value;
        int count, items;
    } wanted[] = {{"new", 3, 2}, {"open", 0, 0}, {"won", 2, 2}, {"lost", 0, 0}, {NULL, 1, 1}};
    struct fixture *f = *state;
    const struct json *columns =
        run(f, "{\"group_by\":\"status\",\"limit\":2,\"sum\":\"amount\",\"fields\":\"id\"}");
    assert_int_equal(columns->count, 5);
    for (int i = 0; i < 5; i++) {
        const struct json *column = json_at(columns, i);
        assert_int_equal(json_int(column, "count", -1), wanted[i].count);
        assert_int_equal(json_get(column, "items")->count, wanted[i].items);
        if (wanted[i].value)
            assert_true(slice_is(json_str(column, "value", SLICE("")), wanted[i].value));
        else
            assert_int_equal(json_get(column, "value")->type, JSON_NULL);
    }
    const struct json *sum = json_get(json_at(columns, 2), "sum");
    assert_true(slice_is(json_str(sum, "amount", SLICE("")), "7.00"));
}

static void test_board__a_column_goes_on_from_its_mark(void **state)
{
    struct fixture *f = *state;
    const struct json *columns = run(f, "{\"group_by\":\"status\",\"limit\":2}");
    struct slice next = json_str(json_at(columns, 0), "next", SLICE(""));
    assert_true(next.len > 0);
    columns = run(f, arena_printf(f->arena,
                                  "{\"group_by\":\"status\",\"limit\":2,\"column\":\"new\","
                                  "\"cursor\":\"%.*s\"}",
                                  SLICE_ARG(next)));
    assert_int_equal(columns->count, 1);
    const struct json *items = json_get(json_at(columns, 0), "items");
    assert_int_equal(items->count, 1);
    assert_true(slice_is(json_str(json_at(items, 0), "id", SLICE("")), "0000000000010"));
    assert_int_equal(refused(f, arena_printf(f->arena,
                                             "{\"group_by\":\"status\",\"column\":\"won\","
                                             "\"cursor\":\"%.*s\"}",
                                             SLICE_ARG(next))),
                     ERR_BAD_CURSOR);
}

static void test_board__references_make_columns_too(void **state)
{
    struct fixture *f = *state;
    const struct json *columns = run(f, "{\"group_by\":\"owner\",\"filter\":{\"status\":\"new\"}}");
    assert_int_equal(columns->count, 2);
    assert_true(slice_is(json_str(json_at(columns, 0), "value", SLICE("")), "0000000000001"));
    assert_int_equal(json_int(json_at(columns, 0), "count", -1), 2);
}

static void test_board__keeps_to_rights(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 2,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"own\",\"fields\":{\"amount\":"
               "\"none\"}}}}",
               NULL);
    const struct json *columns = run(f, "{\"group_by\":\"status\"}");
    assert_int_equal(json_int(json_at(columns, 0), "count", -1), 1);
    assert_int_equal(json_int(json_at(columns, 2), "count", -1), 1);
    assert_int_equal(refused(f, "{\"group_by\":\"status\",\"sum\":\"amount\"}"), ERR_FORBIDDEN);
    fixture_as(f, 2, "{\"name\":\"r\",\"grants\":{\"account\":{\"read\":\"own\"}}}", NULL);
    assert_int_equal(refused(f, "{\"group_by\":\"status\"}"), ERR_FORBIDDEN);
}

static void test_board__bad_ones_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(refused(f, "{}"), ERR_VALIDATION);
    assert_int_equal(refused(f, "{\"group_by\":\"name\"}"), ERR_VALIDATION);
    assert_int_equal(refused(f, "{\"group_by\":\"tags\"}"), ERR_VALIDATION);
    assert_int_equal(refused(f, "{\"group_by\":\"status\",\"sum\":\"name\"}"), ERR_VALIDATION);
    assert_int_equal(refused(f, "{\"group_by\":\"status\",\"nope\":1}"), ERR_VALIDATION);
    assert_int_equal(refused(f, "[]"), ERR_MALFORMED);
}

static void add_account(struct fixture *f, int n)
{
    char id[16];
    int64_t account =
        fixture_insert(f, f->account, arena_printf(f->arena, "{\"name\":\"a%d\"}", n));
    id_text(account, id);
    fixture_insert(f, f->deal, arena_printf(f->arena, "{\"account\":\"%s\"}", id));
}

/* The fullest stay: here the column without an account. */
static void test_board__has_so_many_columns_and_no_more(void **state)
{
    struct fixture *f = *state;
    for (int i = 1; i < BOARD_COLUMNS_MAX; i++)
        add_account(f, i);
    const struct json *columns = run(f, "{\"group_by\":\"account\"}");
    assert_int_equal(columns->count, BOARD_COLUMNS_MAX);
    add_account(f, BOARD_COLUMNS_MAX);
    columns = run(f, "{\"group_by\":\"account\"}");
    assert_int_equal(columns->count, BOARD_COLUMNS_MAX);
    int64_t most = 0;
    json_each(column, columns) most =
        json_int(column, "count", 0) > most ? json_int(column, "count", 0) : most;
    assert_int_equal(most, 6);
}

static void test_board__a_column_begins_with_so_many_items(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i <= BOARD_ITEMS; i++)
        fixture_insert(f, f->deal, "{\"status\":\"lost\"}");
    const struct json *lost = json_at(run(f, "{\"group_by\":\"status\"}"), 3);
    assert_int_equal(json_int(lost, "count", 0), BOARD_ITEMS + 1);
    assert_int_equal(json_get(lost, "items")->count, BOARD_ITEMS);
    assert_int_equal(json_get(lost, "next")->type, JSON_STRING);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_board__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(columns_stand_in_the_order_of_the_field),
        T(a_column_begins_with_so_many_items),
        T(a_column_goes_on_from_its_mark),
        T(references_make_columns_too),
        T(keeps_to_rights),
        T(bad_ones_are_refused),
        T(has_so_many_columns_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
