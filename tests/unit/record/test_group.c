/* test_group - groups, measures, having, buckets in the tenant's zone, titles; boards of the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"
#include "record/list.h"

#define READ_ALL "{\"name\":\"all\",\"grants\":{\"*\":{\"read\":\"all\"}}}"

static int setup(void **state)
{
    /* owner, status, amount, score, due, met */
    static const char *const deals[][6] = {
        {"\"0000000000001\"", "\"new\"", "\"100.00\"", "1", "\"2026-03-11\"",
         "\"2026-03-31T15:59:59.999Z\""},
        {"\"0000000000001\"", "\"new\"", "\"50.50\"", "2", "\"2026-03-31\"",
         "\"2026-03-31T16:00:00.000Z\""}, /* April in Shanghai */
        {"\"0000000000002\"", "\"won\"", "\"1000.00\"", "4", "\"2026-04-01\"",
         "\"2026-05-01T00:00:00.000Z\""},
        {"null", "null", "null", "null", "null", "null"},
    };
    struct fixture *f = malloc(sizeof *f);
    fixture_open(f);
    fixture_people(f);
    for (size_t i = 0; i < sizeof deals / sizeof *deals; i++)
        fixture_insert(f, f->deal,
                       arena_printf(f->arena,
                                    "{\"owner\":%s,\"status\":%s,\"amount\":%s,\"score\":%s,"
                                    "\"due\":%s,\"met\":%s,\"cost\":\"2.50\"}",
                                    deals[i][0], deals[i][1], deals[i][2], deals[i][3], deals[i][4],
                                    deals[i][5]));
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

static const char *run(struct fixture *f, const char *body)
{
    struct list_query query;
    fixture_next(f);
    enum err e = list_query_json(&f->ctx, f->deal, fixture_json(f, body), &query);
    if (!e)
        e = list_run(&f->ctx, &query, &f->out);
    if (e == ERR_VALIDATION)
        return arena_printf(f->arena, "%s %s", f->ctx.err.first->field, f->ctx.err.first->code);
    if (e && e != ERR_FORBIDDEN)
        fail_msg("%s: %s", body, store_why(f->tenant.store));
    return e ? err_code(e) : fixture_out(f);
}

static void test_group__counts_sums_and_averages(void **state)
{
    assert_string_equal(
        run(*state, "{\"group\":[\"status\"],\"measure\":[\"count\",\"sum.amount\",\"avg.amount\","
                    "\"avg.score\",\"min.score\",\"max.due\",\"sum.cost\"]}"),
        "{\"groups\":[{\"status\":null,\"count\":1,\"sum.amount\":null,\"avg.amount\":null,"
        "\"avg.score\":null,\"min.score\":null,\"max.due\":null,\"sum.cost\":\"2.50\"},"
        "{\"status\":\"new\",\"count\":2,\"sum.amount\":{\"amount\":\"150.50\",\"currency\":"
        "\"CNY\"},\"avg.amount\":{\"amount\":\"75.25\",\"currency\":\"CNY\"},\"avg.score\":1.5000,"
        "\"min.score\":1,\"max.due\":\"2026-03-31\",\"sum.cost\":\"5.00\"},"
        "{\"status\":\"won\",\"count\":1,\"sum.amount\":{\"amount\":\"1000.00\",\"currency\":"
        "\"CNY\"},\"avg.amount\":{\"amount\":\"1000.00\",\"currency\":\"CNY\"},\"avg.score\":4.0000"
        ",\"min.score\":4,\"max.due\":\"2026-04-01\",\"sum.cost\":\"2.50\"}],\"more\":false,"
        "\"titles\":{}}");
}

/* One absurd amount, or a hundred of them, and the report still adds up. */
static void test_group__sums_are_exact_whatever_their_size(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++)
        fixture_insert(f, f->deal,
                       "{\"status\":\"lost\",\"amount\":\"92233720368547758.07\","
                       "\"score\":9223372036854775807,\"cost\":\"92233720368547758.07\"}");
    fixture_as(f, 1, READ_ALL, NULL);
    assert_string_equal(
        run(f, "{\"filter\":{\"status\":\"lost\"},\"group\":[\"status\"],\"measure\":["
               "\"sum.amount\",\"avg.amount\",\"sum.score\",\"sum.cost\"]}"),
        "{\"groups\":[{\"status\":\"lost\",\"sum.amount\":{\"amount\":\"184467440737095516.14\","
        "\"currency\":\"CNY\"},\"avg.amount\":{\"amount\":\"92233720368547758.07\",\"currency\":"
        "\"CNY\"},\"sum.score\":\"18446744073709551614\",\"sum.cost\":"
        "\"184467440737095516.14\"}],\"more\":false,\"titles\":{}}");
    assert_string_equal(
        run(f, "{\"filter\":{\"status\":\"lost\"},\"measure\":[\"count\",\"sum.score\"]}"),
        "{\"groups\":[{\"count\":2,\"sum.score\":\"18446744073709551614\"}],"
        "\"more\":false,\"titles\":{}}");
}

static void test_group__months_are_those_of_the_tenant(void **state)
{
    assert_string_equal(run(*state, "{\"group\":[{\"f\":\"met\",\"by\":\"month\"}]}"),
                        "{\"groups\":[{\"met\":null,\"count\":1},{\"met\":\"2026-03-01\",\"count\":"
                        "1},{\"met\":\"2026-04-01\",\"count\":1},{\"met\":\"2026-05-01\",\"count\":"
                        "1}],\"more\":false,\"titles\":{}}");
    assert_string_equal(run(*state, "{\"group\":[{\"f\":\"due\",\"by\":\"quarter\"}]}"),
                        "{\"groups\":[{\"due\":null,\"count\":1},{\"due\":\"2026-01-01\",\"count\":"
                        "2},{\"due\":\"2026-04-01\",\"count\":1}],\"more\":false,\"titles\":{}}");
    assert_string_equal(
        run(*state, "{\"group\":[{\"f\":\"due\",\"by\":\"week\"}],\"filter\":{\"score\":1}}"),
        "{\"groups\":[{\"due\":\"2026-03-09\",\"count\":1}],\"more\":false,\"titles\":{}}");
}

static void test_group__references_come_with_titles(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(run(f, "{\"group\":[\"owner\"],\"sort\":\"-count\",\"limit\":1}"),
                        "{\"groups\":[{\"owner\":\"0000000000001\",\"count\":2}],\"more\":true,"
                        "\"titles\":{\"owner\":{\"0000000000001\":\"Ann\"}}}");
    fixture_as(f, 1, "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\"}}}", NULL);
    assert_non_null(strstr(run(f, "{\"group\":[\"owner\"]}"), "\"titles\":{\"owner\":{}}"));
}

/* Parts of a whole in percent: of the records, and of another sum. */
static void test_group__parts_are_percent_of_the_whole(void **state)
{
    struct fixture *f = *state;
    fixture_insert(f, f->deal, "{\"status\":\"new\",\"amount\":\"0.00\",\"score\":7}");
    assert_string_equal(
        run(f, "{\"group\":[\"status\"],\"measure\":[\"count\","
               "{\"as\":\"early\",\"label\":\"E\",\"share\":{\"score\":{\"lt\":3}}},"
               "{\"as\":\"cost_rate\",\"ratio\":[\"sum.cost\",\"sum.cost\"]}]}"),
        "{\"groups\":[{\"status\":null,\"count\":1,\"early\":0.00,\"cost_rate\":100.00},"
        "{\"status\":\"new\",\"count\":3,\"early\":66.67,\"cost_rate\":100.00},"
        "{\"status\":\"won\",\"count\":1,\"early\":0.00,\"cost_rate\":100.00}],"
        "\"more\":false,\"titles\":{}}");
    assert_string_equal(run(f, "{\"filter\":{\"score\":99},\"measure\":["
                               "{\"as\":\"won\",\"share\":{\"status\":\"won\"}},"
                               "{\"as\":\"paid\",\"ratio\":[\"sum.amount\",\"sum.amount\"]}]}"),
                        "{\"groups\":[{\"won\":null,\"paid\":null}],\"more\":false,"
                        "\"titles\":{}}");
    /* joined records are asked, too, and a whole of more than 64 bits has no part */
    assert_non_null(strstr(run(f, "{\"measure\":[{\"as\":\"anns\",\"share\":"
                                  "{\"owner.name\":\"Ann\"}}]}"),
                           "\"anns\":40.00"));
}

static void test_group__parts_have_names_of_so_many_bytes(void **state)
{
    struct fixture *f = *state;
    char name[MEASURE_NAME_MAX + 2];
    for (int more = 0; more <= 1; more++) {
        memset(name, 'n', sizeof name);
        name[MEASURE_NAME_MAX + more] = 0;
        const char *answer = run(f, arena_printf(f->arena,
                                                 "{\"measure\":[{\"as\":\"%s\",\"share\":{"
                                                 "\"score\":1}}]}",
                                                 name));
        if (more)
            assert_string_equal(answer, "measure bad_value");
        else
            assert_non_null(strstr(answer, "\":25.00}"));
    }
}

static void test_group__parts_keep_to_rights(void **state)
{
    struct fixture *f = *state;
    fixture_as(f, 2,
               "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{"
               "\"amount\":\"none\"}}}}",
               NULL);
    assert_string_equal(
        run(f, "{\"measure\":[{\"as\":\"x\",\"share\":{\"amount\":{\"gt\":\"1.00\"}}}]}"),
        "forbidden");
    assert_string_equal(
        run(f, "{\"measure\":[{\"as\":\"x\",\"ratio\":[\"sum.amount\",\"sum.amount\"]}]}"),
        "forbidden");
}

static void test_group__having_and_order(void **state)
{
    struct fixture *f = *state;
    assert_non_null(strstr(run(f, "{\"group\":[\"status\"],\"measure\":[\"sum.amount\"],\"having\":"
                                  "{\"sum.amount\":{\"gt\":\"200.00\"}}}"),
                           "{\"groups\":[{\"status\":\"won\""));
    assert_string_equal(run(f, "{\"group\":[\"status\"],\"having\":{\"count\":{\"gt\":1}}}"),
                        "{\"groups\":[{\"status\":\"new\",\"count\":2}],\"more\":false,\"titles\":"
                        "{}}");
    assert_non_null(strstr(run(f, "{\"group\":[\"status\"],\"sort\":\"-status\"}"),
                           "{\"groups\":[{\"status\":\"won\""));
    assert_string_equal(run(f, "{\"measure\":[\"count\"],\"filter\":{\"score\":{\"gt\":1}}}"),
                        "{\"groups\":[{\"count\":2}],\"more\":false,\"titles\":{}}");
}

static void test_group__keeps_to_rights(void **state)
{
    struct fixture *f = *state;
    const char *own = "{\"name\":\"r\",\"grants\":{\"deal\":{\"read\":\"own\",\"fields\":{"
                      "\"amount\":\"none\"}}}}";
    fixture_as(f, 2, own, NULL);
    assert_string_equal(run(f, "{\"group\":[\"status\"]}"),
                        "{\"groups\":[{\"status\":\"won\",\"count\":1}],\"more\":false,\"titles\":"
                        "{}}");
    assert_string_equal(run(f, "{\"measure\":[\"sum.amount\"]}"), "forbidden");
    assert_string_equal(run(f, "{\"group\":[\"owner.name\"]}"), "forbidden");
    /* amounts of one's own only, where another role shows all deals without them */
    fixture_as(f, 2,
               "{\"name\":\"a\",\"grants\":{\"deal\":{\"read\":\"all\",\"fields\":{\"cost\":"
               "\"none\"}}}}",
               "{\"name\":\"b\",\"grants\":{\"deal\":{\"read\":\"own\"}}}", NULL);
    assert_string_equal(run(f, "{\"measure\":[\"count\",\"sum.cost\"]}"),
                        "{\"groups\":[{\"count\":4,\"sum.cost\":\"2.50\"}],\"more\":false,"
                        "\"titles\":{}}");
}

static void test_group__bad_ones_are_named(void **state)
{
    static const char *const cases[][2] = {
        {"{\"group\":[\"nope\"]}", "group.nope unknown_field"},
        {"{\"group\":[\"tags\"]}", "group.tags not_groupable"},
        {"{\"group\":[\"status\",\"status\"]}", "group.status given_twice"},
        {"{\"group\":[\"status\",\"vip\",\"due\"]}", "group too_many_values"},
        {"{\"group\":[{\"f\":\"status\",\"by\":\"month\"}]}", "group.status bad_bucket"},
        {"{\"group\":[{\"f\":\"due\",\"by\":\"hour\"}]}", "group.due bad_bucket"},
        {"{\"group\":\"status\"}", "group not_a_list"},
        {"{\"measure\":[\"sum\"]}", "measure.sum bad_value"},
        {"{\"measure\":[\"sum.name\"]}", "measure.sum.name not_measurable"},
        {"{\"measure\":[\"sum.due\"]}", "measure.sum.due not_measurable"},
        {"{\"measure\":[\"count\"],\"having\":{\"sum.score\":{\"gt\":1}}}",
         "having.sum.score unknown_field"},
        {"{\"measure\":[\"count\"],\"having\":{\"count\":{\"like\":1}}}",
         "having.count unknown_operator"},
        {"{\"measure\":[\"count\"],\"sort\":\"score\"}", "sort.score unknown_field"},
        {"{\"measure\":[{\"as\":\"x\"}]}", "measure bad_value"},
        {"{\"measure\":[{\"share\":{\"score\":1}}]}", "measure bad_value"},
        {"{\"measure\":[{\"as\":\"x\",\"share\":{\"score\":1},\"of\":1}]}", "measure bad_value"},
        {"{\"measure\":[\"count\",{\"as\":\"count\",\"share\":{\"score\":1}}]}",
         "measure.count given_twice"},
        {"{\"measure\":[{\"as\":\"count\",\"share\":{\"score\":1}},\"count\"]}",
         "measure.count given_twice"},
        {"{\"measure\":[{\"as\":\"x\",\"share\":{\"nope\":1}}]}",
         "measure.share.nope unknown_field"},
        {"{\"measure\":[{\"as\":\"x\",\"ratio\":[\"sum.cost\"]}]}", "measure.x bad_value"},
        {"{\"measure\":[{\"as\":\"x\",\"ratio\":[\"sum.cost\",\"sum.score\"]}]}",
         "measure.x not_measurable"},
        {"{\"measure\":[{\"as\":\"x\",\"ratio\":[\"avg.cost\",\"sum.cost\"]}]}",
         "measure.avg.cost not_measurable"},
        {"{\"measure\":[{\"as\":\"x\",\"share\":{\"score\":1}}],\"sort\":\"x\"}",
         "sort.x unknown_field"},
        {"{\"measure\":[{\"as\":\"x\",\"share\":{\"score\":1}}],\"having\":{\"x\":{\"gt\":1}}}",
         "having.x unknown_field"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(run(*state, cases[i][0]), cases[i][1]);
}

/* Three scores and an empty one are there from the start. */
static void test_group__so_many_groups_are_answered_and_no_more(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"group\":[\"score\"],\"measure\":[\"count\"]}";
    assert_int_equal(store_begin(f->tenant.store, true), ERR_OK);
    for (int i = 4; i < GROUP_ROWS_MAX; i++)
        fixture_insert(f, f->deal, arena_printf(f->arena, "{\"score\":%d}", 1000 + i));
    assert_int_equal(store_commit(f->tenant.store), ERR_OK);
    const struct json *answer = fixture_json(f, run(f, body));
    assert_int_equal(json_get(answer, "groups")->count, GROUP_ROWS_MAX);
    assert_false(json_bool(answer, "more", true));
    fixture_insert(f, f->deal, "{\"score\":999}");
    answer = fixture_json(f, run(f, body));
    assert_int_equal(json_get(answer, "groups")->count, GROUP_ROWS_MAX);
    assert_true(json_bool(answer, "more", false));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_group__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(counts_sums_and_averages),
        T(sums_are_exact_whatever_their_size),
        T(months_are_those_of_the_tenant),
        T(references_come_with_titles),
        T(parts_are_percent_of_the_whole),
        T(parts_have_names_of_so_many_bytes),
        T(parts_keep_to_rights),
        T(having_and_order),
        T(keeps_to_rights),
        T(bad_ones_are_named),
        T(so_many_groups_are_answered_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
