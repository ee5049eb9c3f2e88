/* test_model_report - reports and lists of real plugins are answered from indexes, and no index is
 * there for nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include "base/limits.h"
#include "record/field_kit.h"
#include "record/list_plan.h"

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

/* "count", "sum.amount" */
static struct query_column measured(const struct entity *entity, struct slice of)
{
    if (slice_is(slice_split(&of, '.'), "count"))
        return (struct query_column){.measure = MEASURE_COUNT};
    const struct field *field = entity_field(entity, of);
    assert_non_null(field);
    const char *column =
        field->type->kind == KIND_MONEY ? entity->columns[field->slot + 2] : field->column;
    return (struct query_column){.column = {0, column}, .measure = MEASURE_SUM};
}

/* What list_group makes of a report, as far as the choice of an index goes. */
static const char *report_plan(struct place *p, const struct model_view *view)
{
    const struct entity *entity = model_entity(p->model, slice_str(view->entity));
    const struct json *query = json_get(view->body, "query");
    struct query_column select[GROUPS_MAX + 2 * MEASURES_MAX];
    int count = 0;
    struct buf plan = BUF_INIT;
    json_each(group, json_get(query, "group"))
    {
        struct slice name =
            group->type == JSON_OBJECT ? json_str(group, "f", SLICE("")) : group->text;
        struct slice first = slice_split(&name, '.');
        select[count++] = (struct query_column){.column = {0, entity_field(entity, first)->column}};
    }
    struct query q = {.table = entity->table, .select = select, .group_count = count};
    json_each(measure, json_get(query, "measure"))
    {
        if (measure->type == JSON_STRING)
            select[count++] = measured(entity, measure->text);
        json_each(sum, json_get(measure, "ratio")) select[count++] = measured(entity, sum->text);
        json_each(condition, json_get(measure, "share"))
        {
            struct slice path = condition->key, first = slice_split(&path, '.');
            const char *column = entity_field(entity, first)->column;
            select[count++] = (struct query_column){.column = {0, column}, .measure = MEASURE_MAX};
        }
    }
    q.select_count = count;
    q.where = expr_cmp(p->arena, EXPR_NULL, "deleted_at", value_null());
    json_each(condition, json_get(query, "filter"))
    {
        struct slice path = condition->key, first = slice_split(&path, '.');
        const struct field *field = entity_field(entity, first);
        if (!field)
            fail_msg("%s filters by " SLICE_FMT, view->name, SLICE_ARG(condition->key));
        const char *column = field->column;
        q.where =
            expr_and(p->arena, q.where, expr_cmp(p->arena, EXPR_NOT_NULL, column, value_null()));
    }
    assert_int_equal(store_explain(p->tenant->store, &q, &plan), ERR_OK);
    const char *text = arena_strdup(p->arena, buf_cstr(&plan));
    buf_release(&plan);
    return text;
}

static int reports_covered(struct place *p)
{
    int reports = 0;
    for (int i = 0; i < p->model->views_count; i++) {
        const struct model_view *view = p->model->view_list[i];
        if (strcmp(view->kind, "report") != 0)
            continue;
        const char *plan = report_plan(p, view);
        reports++;
        if (!strstr(plan, "USING COVERING INDEX"))
            fail_msg("%s: %s", view->name, plan);
    }
    return reports;
}

static void every_entity_has_a_row(struct place *p)
{
    for (int i = 0; i < p->model->entities_count; i++)
        if (!p->model->entity_list[i]->is_system)
            place_row(p, p->model->entity_list[i]->name);
}

static void test_model_report__reports_are_answered_from_an_index(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", NULL);
    every_entity_has_a_row(p);
    place_sales(
        p, "reports/by_level.json",
        "{\"name\":\"by_level\",\"entity\":\"lead\",\"query\":{\"group\":[\"grade\",\"company\"],"
        "\"measure\":[\"count\",\"sum.score\"]}}");
    assert_true(reports_covered(p) >= 5);
}

static void test_model_report__every_report_has_its_index(void **state)
{
    struct place *p = *state;
    place_ready(p, "people", "leads", "quotes", "opportunities", "contracts", "approval",
                "membership", "tickets", "integrations", "industry_retail", NULL);
    every_entity_has_a_row(p);
    assert_true(reports_covered(p) >= 60);
}

/* Each index is written with every row: none that nothing can ask for. */
static void test_model_report__no_index_for_nothing(void **state)
{
    struct place *p = *state;
    struct buf plan = BUF_INIT;
    place_ready(p, "people", "leads", "membership", NULL);
    every_entity_has_a_row(p);
    const struct entity *draw = model_entity(p->model, SLICE("points_draw"));
    const char *lot = entity_field(draw, SLICE("lot"))->column;
    const char *asked[] = {"owner", lot};
    for (int i = 0; i < 2; i++) {
        const struct query_column id = {.column = {0, "id"}};
        const struct query q = {
            .table = draw->table,
            .select = &id,
            .select_count = 1,
            .where = expr_and(p->arena, expr_cmp(p->arena, EXPR_EQ, asked[i], value_int(1)),
                              expr_cmp(p->arena, EXPR_NULL, "deleted_at", value_null()))};
        assert_int_equal(store_explain(p->tenant->store, &q, &plan), ERR_OK);
    }
    assert_null(strstr(buf_cstr(&plan), "by_owner")); /* what has no owner is not listed by one */
    assert_null(strstr(buf_cstr(&plan), "_x_"));      /* a reference has its own, declared or not */
    assert_non_null(strstr(buf_cstr(&plan), "_r"));
    buf_release(&plan);
    const struct entity *member = model_entity(p->model, SLICE("member"));
    assert_true(member->has_owner);
}

/* Of every list that the product declares: it is not sorted for each page. */
static void test_model_report__lists_are_paged_by_an_index(void **state)
{
    struct place *p = *state;
    int lists = 0;
    place_ready(p, "people", "leads", "quotes", "opportunities", "contracts", "approval",
                "membership", "tickets", "integrations", "industry_retail", NULL);
    for (int i = 0; i < p->model->entities_count; i++)
        if (!p->model->entity_list[i]->is_system)
            place_row(p, p->model->entity_list[i]->name);
    for (int i = 0; i < p->model->views_count; i++) {
        const struct model_view *view = p->model->view_list[i];
        struct slice sort = json_str(view->body, "sort", SLICE(""));
        const struct entity *entity =
            view->entity ? model_entity(p->model, slice_str(view->entity)) : NULL;
        if (strcmp(view->kind, "list") != 0 || sort.len == 0 || entity->is_system)
            continue;
        bool down = sort.at[0] == '-';
        struct slice key = slice_of(sort.at + down, sort.len - down);
        const struct field *field = entity_field(entity, slice_split(&key, ','));
        assert_non_null(field);
        const char *column = field->sort_column ? field->sort_column : field->column;
        const struct query_column id = {.column = {0, "id"}};
        const struct query_order order[] = {{.column = {0, column}, .descending = down},
                                            {.column = {0, "id"}, .descending = down}};
        const struct query q = {.table = entity->table,
                                .select = &id,
                                .select_count = 1,
                                .where = expr_cmp(p->arena, EXPR_NULL, "deleted_at", value_null()),
                                .order = order,
                                .order_count = 2,
                                .limit = 50};
        struct buf plan = BUF_INIT;
        assert_int_equal(store_explain(p->tenant->store, &q, &plan), ERR_OK);
        /* What is equal in the first key may be put in order behind it. */
        if (strstr(buf_cstr(&plan), "TEMP B-TREE FOR ORDER BY"))
            fail_msg("%s: %s", view->name, buf_cstr(&plan));
        buf_release(&plan);
        lists++;
    }
    assert_in_range(lists, 30, 1000);
}

static bool is_number(const struct field *field)
{
    enum field_kind kind = field_result_type(field)->kind;
    return field->column && (kind == KIND_INT || kind == KIND_DECIMAL || kind == KIND_MONEY ||
                             kind == KIND_DATE || kind == KIND_DATETIME);
}

/* A page by a number that a list shows: never by reading the whole table. */
static int sorts_found(struct place *p, const struct model_view *view)
{
    const struct entity *entity = model_entity(p->model, slice_str(view->entity));
    int sorts = 0;
    json_each(shown, json_get(view->body, "columns"))
    {
        const struct field *field =
            shown->type == JSON_STRING ? entity_field(entity, shown->text) : NULL;
        if (!field || !is_number(field))
            continue;
        const struct query_column id = {.column = {0, "id"}};
        const struct query_order order[] = {{.column = {0, list_plan_measured(field)}},
                                            {.column = {0, "id"}}};
        const struct query q = {.table = entity->table,
                                .select = &id,
                                .select_count = 1,
                                .where = expr_cmp(p->arena, EXPR_NULL, "deleted_at", value_null()),
                                .order = order,
                                .order_count = 2,
                                .limit = 50};
        struct buf plan = BUF_INIT;
        assert_int_equal(store_explain(p->tenant->store, &q, &plan), ERR_OK);
        if (strstr(buf_cstr(&plan), "TEMP B-TREE FOR ORDER BY") &&
            !strstr(buf_cstr(&plan), "USING COVERING INDEX"))
            fail_msg("%s by %s: %s", view->name, field->name, buf_cstr(&plan));
        buf_release(&plan);
        sorts++;
    }
    return sorts;
}

static void test_model_report__lists_are_sorted_by_what_they_show(void **state)
{
    struct place *p = *state;
    int sorts = 0;
    place_ready(p, "people", "leads", "quotes", "opportunities", "contracts", "approval",
                "membership", "tickets", "integrations", "industry_retail", NULL);
    every_entity_has_a_row(p);
    for (int i = 0; i < p->model->views_count; i++) {
        const struct model_view *view = p->model->view_list[i];
        bool is_large =
            view->entity &&
            (strcmp(view->entity, "lead") == 0 || strcmp(view->entity, "opportunity") == 0 ||
             strcmp(view->entity, "contract") == 0 || strcmp(view->entity, "ticket") == 0 ||
             strcmp(view->entity, "purchase") == 0);
        if (strcmp(view->kind, "list") == 0 && is_large)
            sorts += sorts_found(p, view);
    }
    assert_in_range(sorts, 10, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_model_report__##name, setup, teardown)
        T(reports_are_answered_from_an_index),
        T(every_report_has_its_index),
        T(no_index_for_nothing),
        T(lists_are_paged_by_an_index),
        T(lists_are_sorted_by_what_they_show),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
