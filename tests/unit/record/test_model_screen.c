/* test_model_screen - lists, charts, trees, dashboards and actions are drawn by what can be.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "base/limits.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static void test_model_screen__a_screen_is_drawn_by_what_can_be(void **state)
{
    static const struct {
        const char *view, *says;
    } cases[] = {
        {"{\"kind\":\"list\",\"entity\":\"lead\",\"name\":\"x\",\"columns\":["
         "{\"field\":\"company\",\"agg\":\"sum\"}]}",
         "\"sum\" of \"company\" cannot be measured"},
        {"{\"kind\":\"list\",\"entity\":\"lead\",\"name\":\"x\",\"columns\":["
         "{\"field\":\"score\",\"agg\":\"total\"}]}",
         "\"agg\": \"total\" is none of"},
        {"{\"kind\":\"tree\",\"entity\":\"lead\",\"parent\":\"company\"}",
         "\"company\" is no reference of lead to one record, and no choice"},
        {"{\"kind\":\"tree\",\"entity\":\"lead\",\"parent\":\"owner.department\"}",
         "\"owner.department\" is no reference of lead to one record, and no choice"},
        {"{\"kind\":\"tree\",\"entity\":\"lead\"}", "names the reference"},
        {"{\"kind\":\"timeline\",\"entity\":\"lead\",\"fields\":[\"company\"]}",
         "\"company\" is no date"},
        {"{\"kind\":\"timeline\",\"entity\":\"lead\"}", "a date, or begin and end"},
        {"{\"kind\":\"action\",\"entity\":\"lead\",\"name\":\"x\",\"place\":\"row\","
         "\"values\":{\"compny\":\"a\"}}",
         "did you mean \"company\"?"},
        {"{\"kind\":\"action\",\"entity\":\"lead\",\"name\":\"x\",\"place\":\"row\","
         "\"values\":{\"created_at\":\"$now\"}}",
         "\"created_at\" is not for people to change"},
        {"{\"kind\":\"action\",\"entity\":\"lead\",\"name\":\"x\",\"place\":\"row\","
         "\"values\":{\"company\":\"a\"},\"open\":{}}",
         "an action does one thing"},
        {"{\"kind\":\"action\",\"entity\":\"lead\",\"name\":\"x\",\"place\":\"toolbar\"}",
         "the head of a list has no record"},
        {"{\"kind\":\"chart\",\"entity\":\"lead\",\"query\":{\"group\":[\"statsu\"]}}",
         "did you mean \"status\"?"},
        {"{\"kind\":\"chart\",\"entity\":\"lead\",\"chart\":\"bubble\"}", "chart"},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"gauge\",\"entity\":\"lead\"}]}",
         "kind"},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"kpi\",\"entity\":\"lead\","
         "\"query\":{\"measure\":[\"sum.company\"]}}]}",
         "\"sum\" of \"company\" cannot be measured"},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"leaderboard\",\"entity\":\"lead\","
         "\"query\":{\"group\":[\"source\"]}}]}",
         "groups by people"},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"goal\",\"entity\":\"lead\"}]}",
         "a goal has a \"target\""},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"goal\",\"entity\":\"lead\","
         "\"target\":{\"config\":\"leads.moon\"}}]}",
         "leads has no setting \"moon\""},
        {"{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
         "{\"id\":\"a\",\"kind\":\"goal\",\"entity\":\"lead\",\"target\":{\"entity\":"
         "\"account\",\"query\":{\"measure\":[\"sum.nmae\"]}}}]}",
         "did you mean \"name\"?"},
    };
    struct place *p = *state;
    place_sales(p, "views/lead.json", cases[0].view);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        place_bundle(p, "acme.sales", "views/lead.json", cases[i].view);
        place_enable(p, "acme.sales");
        place_model(p);
        const char *why = place_broken(p, "acme.sales");
        if (!strstr(why, "views/lead.json") || !strstr(why, cases[i].says))
            fail_msg("%s: %s", cases[i].says, why);
    }
}

static bool is_report_of(struct place *p, int rows)
{
    place_sales(p, "reports/lead.json",
                arena_printf(p->arena,
                             "{\"name\":\"x_top\",\"entity\":\"lead\",\"query\":{"
                             "\"measure\":[\"count\"],\"group\":[\"status\"],\"limit\":%d}}",
                             rows));
    return model_view(p->model, "lead", "report", "x_top") != NULL;
}

/* What a list gives at most, so that a report that is taken in can be asked. */
static void test_model_screen__a_report_asks_for_so_many_groups(void **state)
{
    assert_true(is_report_of(*state, LIST_MAX));
    assert_false(is_report_of(*state, LIST_MAX + 1));
}

static void test_model_screen__a_screen_may_count_measure_and_draw(void **state)
{
    struct place *p = *state;
    place_sales(p, "views/lead.json",
                "[{\"kind\":\"list\",\"entity\":\"lead\",\"name\":\"x\",\"columns\":["
                "{\"field\":\"company\",\"agg\":\"count\"},"
                "{\"field\":\"score\",\"agg\":\"avg\"},"
                "{\"field\":\"created_at\",\"agg\":\"max\"}]},"
                "{\"kind\":\"tree\",\"entity\":\"account\",\"name\":\"x\",\"parent\":\"parent\"},"
                "{\"kind\":\"tree\",\"entity\":\"lead\",\"name\":\"y\",\"parent\":\"owner\"},"
                "{\"kind\":\"tree\",\"entity\":\"lead\",\"name\":\"z\",\"parent\":\"source\"},"
                "{\"kind\":\"timeline\",\"entity\":\"lead\",\"fields\":[\"next_contact_at\"]},"
                "{\"kind\":\"chart\",\"entity\":\"lead\",\"chart\":\"bar\","
                "\"query\":{\"group\":[{\"f\":\"created_at\",\"by\":\"month\"}]}},"
                "{\"kind\":\"dashboard\",\"name\":\"x\",\"widgets\":["
                "{\"id\":\"a\",\"kind\":\"leaderboard\",\"entity\":\"lead\","
                "\"query\":{\"group\":[\"owner\"],\"measure\":[\"count\"]}},"
                "{\"id\":\"b\",\"kind\":\"goal\",\"entity\":\"lead\",\"target\":100,"
                "\"period\":\"this_month\"},"
                "{\"id\":\"c\",\"kind\":\"goal\",\"entity\":\"not_there\",\"target\":1}]}]");
    const struct model_view *board = model_view(p->model, NULL, "dashboard", "x");
    assert_non_null(board);
    assert_int_equal(json_get(board->body, "widgets")->count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model_screen__##name, setup, teardown)
        T(a_screen_is_drawn_by_what_can_be),
        T(a_report_asks_for_so_many_groups),
        T(a_screen_may_count_measure_and_draw),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
