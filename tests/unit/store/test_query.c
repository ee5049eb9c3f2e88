/* test_query - the query tree: two-valued logic, pages, joins, groups, plans.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "base/clock.h"
#include "base/limits.h"

#include <inttypes.h>

static struct expr *text_expr(struct rig *rig, enum expr_op op, const char *column,
                              const char *text)
{
    return expr_cmp(rig->arena, op, column, value_text(slice_str(text)));
}

static struct expr *int_expr(struct rig *rig, enum expr_op op, const char *column, int64_t n)
{
    return expr_cmp(rig->arena, op, column, value_int(n));
}

/* 1 Anna won 100 · 2 Zoë new - · 3 - new 50 · 4 张三丰 lost 100 */
static void four_leads(struct rig *rig)
{
    rig_lead(rig, 1, "Anna", "won", 100);
    rig_lead(rig, 2, "Zoë Smith", "new", -1);
    rig_lead(rig, 3, NULL, "new", 50);
    rig_lead(rig, 4, "张三丰", "lost", 100);
}

/* --- expressions --- */

static void test_query__a_comparison_with_an_empty_value_is_false(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_EQ, "amount", 100)), "1 4");
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_LT, "amount", 100)), "3");
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_LTE, "amount", 100)), "1 3 4");
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_GT, "amount", 50)), "1 4");
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_GTE, "amount", 50)), "1 3 4");
    struct expr *between = int_expr(rig, EXPR_BETWEEN, "amount", 50);
    between->value2 = value_int(99);
    assert_string_equal(rig_match(rig, between), "3");
    assert_string_equal(rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "amount", value_null())), "");
}

static void test_query__ne_nin_and_not_include_empty_ones(void **state)
{
    struct rig *rig = *state;
    const struct value values[] = {value_int(100), value_null()};
    four_leads(rig);
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_NE, "amount", 100)), "2 3");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_NE, "name", "Anna")), "2 3 4");
    struct expr *in = expr_in(rig->arena, "amount", values, 2);
    assert_string_equal(rig_match(rig, in), "1 4");
    assert_string_equal(rig_match(rig, expr_not(rig->arena, in)), "2 3");
    in->op = EXPR_NIN;
    assert_string_equal(rig_match(rig, in), "2 3");
    assert_string_equal(rig_match(rig, expr_not(rig->arena, in)), "1 4");
}

/* Every operator: NOT must give exactly the rest, whatever is empty, twice the same again. */
static void test_query__not_is_the_exact_rest(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    struct expr *between = int_expr(rig, EXPR_BETWEEN, "amount", 60);
    between->value2 = value_int(200);
    const struct expr *all[] = {
        int_expr(rig, EXPR_EQ, "amount", 50),
        int_expr(rig, EXPR_NE, "amount", 50),
        int_expr(rig, EXPR_LT, "amount", 60),
        int_expr(rig, EXPR_GTE, "amount", 60),
        expr_cmp(rig->arena, EXPR_EQ, "amount", value_null()),
        between,
        text_expr(rig, EXPR_CONTAINS, "name", "n"),
        text_expr(rig, EXPR_PREFIX, "name", "zoe"),
        text_expr(rig, EXPR_NULL, "name", ""),
        text_expr(rig, EXPR_NOT_NULL, "name", ""),
        expr_and(rig->arena, int_expr(rig, EXPR_GT, "amount", 1),
                 text_expr(rig, EXPR_CONTAINS, "name", "a")),
        expr_or(rig->arena, int_expr(rig, EXPR_GT, "amount", 60),
                text_expr(rig, EXPR_CONTAINS, "name", "smith")),
        expr_new(rig->arena, EXPR_TRUE),
    };
    for (int i = 0; i < COUNT(all); i++) {
        const char *yes = rig_match(rig, all[i]);
        const char *no = rig_match(rig, expr_not(rig->arena, all[i]));
        const char *again = rig_match(rig, expr_not(rig->arena, expr_not(rig->arena, all[i])));
        for (const char *id = "1234"; *id; id++)
            if (!strchr(yes, *id) == !strchr(no, *id))
                fail_msg("operator %d: \"%s\" and NOT \"%s\"", all[i]->op, yes, no);
        assert_string_equal(yes, again);
    }
}

static void test_query__prefix_and_contains_are_folded(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_CONTAINS, "name", "ZOE s")), "2");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_PREFIX, "name", "ann")), "1");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_PREFIX, "name", "nna")), "");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_CONTAINS, "name", "三丰")), "4");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_CONTAINS, "name", "%")), "");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_CONTAINS, "name", "")), "1 2 4");
}

static void test_query__long_lists_are_one_parameter(void **state)
{
    struct rig *rig = *state;
    struct value ids[300], texts[40];
    struct store_stats before, after;
    for (int i = 1; i <= 40; i++)
        rig_lead(rig, i, i % 2 ? "a\"b\\" : "c", NULL, i);
    for (int i = 0; i < COUNT(ids); i++)
        ids[i] = value_int(i * 10);
    for (int i = 0; i < COUNT(texts); i++)
        texts[i] = value_text(i == 20 ? SLICE("a\"b\\") : SLICE("x"));
    assert_string_equal(rig_match(rig, expr_in(rig->arena, "id", ids, 300)), "10 20 30 40");
    store_stats(rig->store, &before);
    for (int n = STORE_IN_PLACES_MAX + 1; n < 300; n += 50)
        rig_match(rig, expr_in(rig->arena, "id", ids, n));
    store_stats(rig->store, &after);
    assert_int_equal(after.prepared, before.prepared);
    assert_int_equal(strlen(rig_match(rig, expr_in(rig->arena, "name", texts, 40))), 54);
    texts[3] = value_text(SLICE("\xff")); /* not UTF-8: cannot stand in JSON */
    assert_int_equal(strlen(rig_match(rig, expr_in(rig->arena, "name", texts, 40))), 54);
    assert_string_equal(rig_match(rig, expr_in(rig->arena, "id", ids, 0)), "");
    for (int n = 1; n <= STORE_IN_PLACES_MAX; n++) {
        const char *got = rig_match(rig, expr_in(rig->arena, "id", ids, n));
        assert_string_equal(got, n == 1   ? ""
                                 : n == 2 ? "10"
                                 : n == 3 ? "10 20"
                                 : n == 4 ? "10 20 30"
                                          : "10 20 30 40");
    }
}

static void test_query__has_looks_into_lists(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    struct store_set tags = set_text("tags", "[\"vip\",7,\"张\"]");
    const struct expr *two = int_expr(rig, EXPR_EQ, "id", 2);
    OK(store_update(rig->store, "lead", two, &tags, 1, NULL, NULL));
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_HAS, "tags", "vip")), "2");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_HAS, "tags", "张")), "2");
    assert_string_equal(rig_match(rig, int_expr(rig, EXPR_HAS, "tags", 7)), "2");
    assert_string_equal(rig_match(rig, text_expr(rig, EXPR_HAS, "tags", "vi")), "");
    assert_string_equal(
        rig_match(rig, expr_not(rig->arena, text_expr(rig, EXPR_HAS, "tags", "vip"))), "1 3 4");
}

static void two_users(struct rig *rig)
{
    struct store_set sets[] = {set_int("id", 1), set_text("name", "Li"), set_int("team", 10)};
    struct store_set owner = set_int("owner", 1);
    OK(store_insert(rig->store, "users", sets, 3, NULL));
    sets[0] = set_int("id", 2);
    sets[1] = set_text("name", "Wu");
    sets[2] = set_int("team", 20);
    OK(store_insert(rig->store, "users", sets, 3, NULL));
    for (int i = 1; i <= 3; i++) {
        owner.value = i == 3 ? value_null() : value_int(i);
        OK(store_update(rig->store, "lead", int_expr(rig, EXPR_EQ, "id", i), &owner, 1, NULL,
                        NULL));
    }
}

static void test_query__exists_walks_a_relation(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    two_users(rig);
    struct expr *exists = expr_new(rig->arena, EXPR_EXISTS);
    exists->sub.table = "users";
    exists->sub.column = "id";
    exists->sub.outer = (struct column_ref){0, "owner"};
    assert_string_equal(rig_match(rig, exists), "1 2");
    exists->sub.where = int_expr(rig, EXPR_EQ, "team", 20);
    assert_string_equal(rig_match(rig, exists), "2");
    assert_string_equal(rig_match(rig, expr_not(rig->arena, exists)), "1 3 4");
    int64_t changed = -1; /* row rules of this kind guard writes too */
    struct store_set set = set_text("status", "kept");
    OK(store_update(rig->store, "lead", exists, &set, 1, &changed, NULL));
    assert_int_equal(changed, 1);
}

static void test_query__a_join_that_is_not_visible_is_empty(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    two_users(rig);
    struct query_column select[] = {{.column = {0, "id"}}, {.column = {1, "name"}}};
    struct query_order order = {.column = {0, "id"}};
    struct query_join join = {.table = "users", .from = {0, "owner"}, .to = "id"};
    struct query query = {.table = "lead",
                          .select = select,
                          .select_count = 2,
                          .joins = &join,
                          .joins_count = 1,
                          .order = &order,
                          .order_count = 1};
    assert_string_equal(rig_rows(rig, &query), "1|Li 2|Wu 3|- 4|-");
    join.on = expr_rebase(rig->arena, int_expr(rig, EXPR_EQ, "team", 20), 1);
    assert_string_equal(rig_rows(rig, &query), "1|- 2|Wu 3|- 4|-");
    query.where = expr_rebase(rig->arena, text_expr(rig, EXPR_EQ, "name", "Wu"), 1);
    assert_string_equal(rig_rows(rig, &query), "2|Wu");
    select[1].only_when = int_expr(rig, EXPR_EQ, "id", 1);
    assert_string_equal(rig_rows(rig, &query), "2|-");
}

static void test_query__builders_share_trees(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    const struct expr *a = int_expr(rig, EXPR_GTE, "id", 2);
    const struct expr *b = int_expr(rig, EXPR_LTE, "id", 3);
    assert_ptr_equal(expr_and(rig->arena, a, NULL), a);
    assert_ptr_equal(expr_and(rig->arena, NULL, b), b);
    const struct expr *both = expr_and(rig->arena, a, b);
    assert_string_equal(rig_match(rig, both), "2 3");
    assert_string_equal(rig_match(rig, expr_or(rig->arena, both, int_expr(rig, EXPR_EQ, "id", 1))),
                        "1 2 3");
    assert_string_equal(rig_match(rig, expr_and(rig->arena, b, expr_not(rig->arena, a))), "1");
    assert_string_equal(rig_match(rig, a), "2 3 4"); /* untouched by what was built with it */
}

static void test_query__a_hundred_nodes_fit(void **state)
{
    struct rig *rig = *state;
    four_leads(rig);
    const struct expr *where = NULL;
    for (int i = 1; i <= FILTER_NODES_MAX * 2; i++)
        where = expr_or(rig->arena, where, int_expr(rig, EXPR_EQ, "id", i * 3));
    assert_string_equal(rig_match(rig, where), "3");
}

/* --- pages --- */

static struct value page_values[3];
static struct arena *page_arena;

struct paging {
    struct buf *out;
    int rows, keys;
};

static bool page_row(void *arg, const struct store_row *row)
{
    struct paging *paging = arg;
    buf_printf(paging->out, "%d ", (int)store_row_int(row, 0));
    for (int i = 0; i < paging->keys; i++) {
        struct value value = store_row_value(row, 1 + i);
        page_values[i] = value_copy(page_arena, &value);
    }
    paging->rows++;
    return true;
}

/* All pages one after the other. */
static void pages_read(struct rig *rig, struct query *query, struct buf *out)
{
    query->keyset = true;
    query->after = NULL;
    for (int page = 0; page < 1000; page++) {
        struct paging paging = {out, 0, query->order_count};
        OK(store_read(rig->store, query, page_row, &paging));
        if (paging.rows == 0)
            return;
        assert_true(paging.rows <= query->limit);
        query->after = page_values;
    }
    fail_msg("pages without end");
}

static void check_order(struct rig *rig, const struct query_order *order, int count, int limit)
{
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .order = order,
                          .order_count = count};
    struct buf whole = BUF_INIT, pages = BUF_INIT;
    struct paging all = {&whole, 0, 0};
    OK(store_read(rig->store, &query, page_row, &all));
    query.limit = limit;
    pages_read(rig, &query, &pages);
    if (strcmp(buf_cstr(&whole), buf_cstr(&pages)) != 0)
        fail_msg("order %s%s %s%s:\nwhole %s\npages %s", order[0].column.column,
                 order[0].descending ? " desc" : "", order[1].column.column,
                 order[1].descending ? " desc" : "", whole.at, pages.at);
    buf_release(&whole);
    buf_release(&pages);
}

/* Three keys, two of them often empty, every mix of directions, several page lengths: the pages
 * put together are the whole list. */
static void test_query__pages_put_together_are_the_whole(void **state)
{
    static const char *const columns[] = {"amount", "day", "status", "name"};
    struct rig *rig = *state;
    page_arena = rig->arena;
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= 60; i++) {
        static const char *const names[] = {NULL, "a", "b"};
        unsigned h = (unsigned)i * 2654435761u;
        rig_lead(rig, i, names[(h >> 8) % 3], (h >> 12) % 2 ? "new" : "won",
                 (h >> 16) % 3 ? (int64_t)((h >> 20) % 4) : -1);
        struct store_set day = (h >> 24) % 4 ? set_int("day", (h >> 27) % 3) : set_null("day");
        OK(store_update(rig->store, "lead", int_expr(rig, EXPR_EQ, "id", i), &day, 1, NULL, NULL));
    }
    OK(store_commit(rig->store));
    for (int first = 0; first < COUNT(columns); first++)
        for (int second = 0; second < COUNT(columns); second++)
            for (int mix = 0; mix < 8; mix++) {
                struct query_order order[] = {
                    {.column = {0, columns[first]}, .descending = mix & 1},
                    {.column = {0, columns[second]}, .descending = mix & 2},
                    {.column = {0, "id"}, .descending = mix & 4}};
                check_order(rig, order, 3, 7);
                order[1] = order[2];
                check_order(rig, order, 2, 4);
            }
    struct query_order guarded[] = {{.column = {0, "amount"},
                                     .only_when = text_expr(rig, EXPR_EQ, "status", "new"),
                                     .descending = true},
                                    {.column = {0, "id"}, .descending = true}};
    check_order(rig, guarded, 2, 5);
}

static void test_query__a_page_seeks_in_its_index(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query_order order[] = {{.column = {0, "amount"}, .descending = true},
                                  {.column = {0, "id"}, .descending = true}};
    struct value after[] = {value_int(50), value_int(3)};
    struct expr *live = text_expr(rig, EXPR_NULL, "deleted_at", "");
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = live,
                          .order = order,
                          .order_count = 2,
                          .limit = 50};
    struct buf plan = BUF_INIT;
    OK(store_explain(rig->store, &query, &plan));
    assert_non_null(strstr(buf_cstr(&plan), "lead_amount"));
    assert_null(strstr(buf_cstr(&plan), "TEMP B-TREE"));
    query.after = after;
    buf_clear(&plan);
    OK(store_explain(rig->store, &query, &plan));
    assert_non_null(strstr(buf_cstr(&plan), "lead_amount (amount<?)\n")); /* filled part */
    assert_non_null(strstr(buf_cstr(&plan), "lead_amount (amount=?)\n")); /* empty part */
    assert_null(strstr(buf_cstr(&plan), "TEMP B-TREE"));
    order[0].column.column = "status"; /* never empty: one statement, seeking on both keys */
    order[0].descending = order[1].descending = false;
    after[0] = value_text(SLICE("new"));
    query.index_hint = "lead_status";
    buf_clear(&plan);
    OK(store_explain(rig->store, &query, &plan));
    assert_non_null(strstr(buf_cstr(&plan), "lead_status"));
    buf_release(&plan);
}

/* Pages of three: the last amount and id of each lead to the next. */
static const char *pages(struct rig *rig, struct query *query, int count)
{
    struct buf all = BUF_INIT;
    struct value after[2];
    query->after = NULL;
    for (int i = 0; i < count; i++) {
        const char *page = rig_rows(rig, query);
        buf_printf(&all, "%s / ", page);
        const char *last = strrchr(page, ' ');
        last = last ? last + 1 : page;
        int64_t amount, id;
        bool is_filled = sscanf(last, "%" SCNd64 "|%" SCNd64, &amount, &id) == 2;
        if (!is_filled && sscanf(last, "-|%" SCNd64, &id) != 1)
            break;
        after[0] = is_filled ? value_int(amount) : value_null();
        after[1] = value_int(id);
        query->after = after;
    }
    query->after = NULL;
    const char *text = arena_strdup(rig->arena, buf_cstr(&all));
    buf_release(&all);
    return text;
}

static void test_query__an_order_without_index_is_found_in_a_narrow_one(void **state)
{
    static const struct store_index indexes[] = {
        {"lead_report", "status,owner,amount,deleted_at", "live", false},
        {"lead_next", "day,amount,id", "live", false},
    };
    struct rig *rig = *state;
    struct query_column select[] = {{.column = {0, "amount"}},
                                    {.column = {0, "id"}},
                                    {.column = {0, "name"}},
                                    {.column = {1, "name"}}};
    struct query_join join = {.table = "users", .from = {0, "owner"}, .to = "id"};
    struct query_order order[] = {{.column = {0, "amount"}, .descending = true},
                                  {.column = {0, "id"}, .descending = true}};
    struct query query = {.table = "lead",
                          .select = select,
                          .select_count = 4,
                          .joins = &join,
                          .joins_count = 1,
                          .order = order,
                          .order_count = 2,
                          .limit = 3};
    const struct expr *live = text_expr(rig, EXPR_NULL, "deleted_at", "");
    const struct expr *named = text_expr(rig, EXPR_NOT_NULL, "name", ""); /* all; in no index */
    struct store_schema schema = *rig_schema();
    struct store_table tables[8];
    struct buf plan = BUF_INIT;
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[0].indexes = indexes;
    tables[0].indexes_count = COUNT(indexes);
    schema.tables = tables;
    schema.hash++;
    OK(store_schema_apply(rig->store, &schema));
    for (int i = 1; i <= 20; i++)
        rig_lead(rig, i, "n", i % 3 ? "new" : "won", i % 4 ? i / 5 : -1);
    for (int way = 0; way < 4; way++) {
        order[0].descending = way & 1;
        order[1].descending = way & 2;
        query.where = live;
        buf_clear(&plan);
        OK(store_explain(rig->store, &query, &plan));
        assert_non_null(strstr(buf_cstr(&plan), "USING COVERING INDEX lead_report"));
        assert_non_null(strstr(buf_cstr(&plan), "t USING INTEGER PRIMARY KEY"));
        const char *found = pages(rig, &query, 8);
        query.where = expr_and(rig->arena, live, named);
        buf_clear(&plan);
        OK(store_explain(rig->store, &query, &plan));
        assert_null(strstr(buf_cstr(&plan), "COVERING"));
        assert_string_equal(found, pages(rig, &query, 8));
        assert_true(strlen(found) > 20 * 6);
    }
    query.where = expr_and(rig->arena, live, int_expr(rig, EXPR_EQ, "day", 1));
    buf_clear(&plan);
    OK(store_explain(rig->store, &query, &plan)); /* there is one that has it in order */
    assert_non_null(strstr(buf_cstr(&plan), "t USING INDEX lead_next (day=?)"));
    buf_release(&plan);
}

/* Whichever was made last: the index of a state is for who asks for nothing better. */
static void test_query__a_weak_comparison_leads_no_index(void **state)
{
    static const struct store_index orders[][2] = {
        {{"lead_by", "owner,id", "live", false}, {"lead_state", "status,id", "live", false}},
        {{"lead_state", "status,at", "live", false}, {"lead_by", "owner,at", "live", false}},
        {{"lead_state", "status,id", "live", false}, {"lead_by", "owner,status", "live", false}},
    };
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "name"}};
    struct query query = {.table = "lead", .select = &select, .select_count = 1};
    struct expr *state_is = text_expr(rig, EXPR_EQ, "status", "new");
    struct value states[] = {value_text(SLICE("new")), value_text(SLICE("won"))};
    struct expr *state_in = expr_in(rig->arena, "status", states, 2);
    const struct expr *live = text_expr(rig, EXPR_NULL, "deleted_at", "");
    const struct expr *mine = expr_cmp(rig->arena, EXPR_EQ, "owner", value_int(1));
    struct store_schema schema = *rig_schema();
    struct store_table tables[8];
    struct buf plan = BUF_INIT;
    state_is->is_weak = state_in->is_weak = true;
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    schema.tables = tables;
    for (int i = 0; i < COUNT(orders); i++) {
        tables[0].indexes = orders[i];
        tables[0].indexes_count = COUNT(orders[i]);
        schema.hash++;
        OK(store_schema_apply(rig->store, &schema));
        for (int many = 0; many < 2; many++) {
            query.where = expr_and(rig->arena, many ? state_in : state_is, live);
            buf_clear(&plan);
            OK(store_explain(rig->store, &query, &plan));
            assert_non_null(strstr(buf_cstr(&plan), "lead_state (status=?)"));
            query.where = expr_and(rig->arena, query.where, mine);
            buf_clear(&plan);
            OK(store_explain(rig->store, &query, &plan));
            bool both = i == 2; /* an index of both is used for both */
            assert_non_null(strstr(buf_cstr(&plan),
                                   both ? "lead_by (owner=? AND status=?)" : "lead_by (owner=?)"));
        }
    }
    rig_lead(rig, 1, "a", "new", 1);
    rig_lead(rig, 2, "b", "won", 1);
    assert_string_equal(rig_match(rig, state_is), "1");
    assert_string_equal(rig_match(rig, state_in), "1 2");
    assert_string_equal(rig_match(rig, expr_not(rig->arena, state_is)), "2");
    buf_release(&plan);
}

static void test_query__lookups_use_their_index(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "lead", .select = &select, .select_count = 1};
    struct buf plan = BUF_INIT;
    const struct value phones[] = {value_text(SLICE("1")), value_text(SLICE("2"))};
    const struct expr *live = text_expr(rig, EXPR_NULL, "deleted_at", "");
    const struct expr *same_phone[] = {text_expr(rig, EXPR_EQ, "phone", "555"),
                                       expr_in(rig->arena, "phone", phones, 2)};
    for (int i = 0; i < COUNT(same_phone); i++) { /* the duplicate check: never a scan */
        query.where = expr_and(rig->arena, same_phone[i], live);
        buf_clear(&plan);
        OK(store_explain(rig->store, &query, &plan));
        assert_non_null(strstr(buf_cstr(&plan), "lead_phone (phone=?)"));
    }
    struct value ids[STORE_IN_PLACES_MAX + 1];
    for (int i = 0; i < COUNT(ids); i++)
        ids[i] = value_int(i);
    query.where = expr_in(rig->arena, "id", ids, COUNT(ids));
    buf_clear(&plan);
    OK(store_explain(rig->store, &query, &plan));
    assert_non_null(strstr(buf_cstr(&plan), "INTEGER PRIMARY KEY (rowid=?)"));
    select.column.column = "seen";
    query.table = "session";
    query.where = text_expr(rig, EXPR_EQ, "key", "abc");
    buf_clear(&plan);
    OK(store_explain(rig->store, &query, &plan));
    assert_non_null(strstr(buf_cstr(&plan), "PRIMARY KEY (key=?)"));
    buf_release(&plan);
}

static void test_query__an_index_hint_that_does_not_fit_is_dropped(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .index_hint = "lead_amount"}; /* partial: needs the live condition */
    four_leads(rig);
    assert_int_equal(strlen(rig_rows(rig, &query)), 7);
    query.index_hint = "no_such";
    assert_int_equal(strlen(rig_rows(rig, &query)), 7);
}

/* --- counts and groups --- */

static void test_query__counts_stop_at_the_cap(void **state)
{
    struct rig *rig = *state;
    int64_t n = -1;
    four_leads(rig);
    OK(store_count(rig->store, "lead", NULL, 100, &n));
    assert_int_equal(n, 4);
    OK(store_count(rig->store, "lead", NULL, 3, &n));
    assert_int_equal(n, 3);
    OK(store_count(rig->store, "lead", int_expr(rig, EXPR_EQ, "amount", 100), 3, &n));
    assert_int_equal(n, 2);
}

static void test_query__groups_measures_having_and_order(void **state)
{
    struct rig *rig = *state;
    struct query_column select[] = {{.column = {0, "status"}},
                                    {.measure = MEASURE_COUNT},
                                    {.column = {0, "amount"}, .measure = MEASURE_COUNT},
                                    {.column = {0, "amount"}, .measure = MEASURE_SUM},
                                    {.column = {0, "amount"}, .measure = MEASURE_MIN},
                                    {.column = {0, "amount"}, .measure = MEASURE_MAX}};
    struct query_order order = {.column = {-1, "1"}, .descending = true};
    struct query_order by_key = {.column = {-1, "0"}};
    struct query query = {.table = "lead",
                          .select = select,
                          .select_count = 6,
                          .group_count = 1,
                          .order = &order,
                          .order_count = 1,
                          .limit = 10};
    four_leads(rig);
    struct expr *having = int_expr(rig, EXPR_GTE, "1", 2);
    having->column.join = -1;
    query.having = having;
    assert_string_equal(rig_rows(rig, &query), "new|2|1|50|50|50");
    query.having = NULL;
    query.order = &by_key;
    assert_string_equal(rig_rows(rig, &query),
                        "lost|1|1|100|100|100 new|2|1|50|50|50 won|1|1|100|100|100");
}

static void test_query__a_sum_that_overflows_is_an_error(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "amount"}, .measure = MEASURE_SUM};
    struct query query = {.table = "lead", .select = &select, .select_count = 1};
    struct paging paging = {&(struct buf)BUF_INIT, 0, 0};
    rig_lead(rig, 1, "a", NULL, INT64_MAX);
    rig_lead(rig, 2, "b", NULL, 1);
    assert_int_equal(store_read(rig->store, &query, page_row, &paging), ERR_VALIDATION);
    assert_non_null(strstr(store_why(rig->store), "overflow"));
}

static void test_query__buckets_of_days_and_of_times(void **state)
{
    static const int64_t days[] = {-1, 0, 3, 4, 59, 20454, 20513};
    struct rig *rig = *state;
    struct query_column select[] = {{.column = {0, "day"}, .bucket = BUCKET_MONTH},
                                    {.measure = MEASURE_COUNT}};
    struct query_order order = {.column = {-1, "0"}};
    struct query query = {.table = "lead",
                          .select = select,
                          .select_count = 2,
                          .group_count = 1,
                          .order = &order,
                          .order_count = 1};
    rig_lead(rig, 100, "no day", NULL, 1);
    for (int i = 0; i < COUNT(days); i++) {
        rig_lead(rig, i + 1, "x", NULL, 1);
        struct store_set sets[] = {set_int("day", days[i]), set_int("at", i * 43200000LL - 1)};
        OK(store_update(rig->store, "lead", int_expr(rig, EXPR_EQ, "id", i + 1), sets, 2, NULL,
                        NULL));
    }
    assert_string_equal(rig_rows(rig, &query), "-|1 -31|1 0|3 59|1 20454|1 20513|1");
    select[0].bucket = BUCKET_WEEK; /* 1970-01-01 was a Thursday */
    assert_string_equal(rig_rows(rig, &query), "-|1 -3|3 4|1 53|1 20451|1 20507|1");
    select[0].bucket = BUCKET_QUARTER; /* 20454 = 2026-01-01, 20513 = 2026-03-01 */
    assert_string_equal(rig_rows(rig, &query), "-|1 -92|1 0|4 20454|2");
    select[0].bucket = BUCKET_YEAR;
    assert_string_equal(rig_rows(rig, &query), "-|1 -365|1 0|4 20454|2");
    select[0].column.column = "at";
    select[0].bucket = BUCKET_DAY;
    select[0].zone = zone_find("Asia/Shanghai"); /* its days begin at 16:00 */
    assert_string_equal(rig_rows(rig, &query),
                        "-|1 -28800000|2 57600000|2 144000000|2 230400000|1");
    select[0].bucket = BUCKET_YEAR;
    assert_string_equal(rig_rows(rig, &query), "-|1 -28800000|7");
}

/* --- bounds: what just fits, and one more --- */

static bool count_row(void *arg, const struct store_row *row)
{
    (void)row;
    ++*(int *)arg;
    return true;
}

static enum err read_where(struct rig *rig, const struct expr *where)
{
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "lead", .select = &select, .select_count = 1, .where = where};
    int rows = 0;
    enum err e = store_read(rig->store, &query, count_row, &rows);
    assert_int_equal(rows, 0); /* the store is empty: only what was asked is looked at */
    return e;
}

/* The parts in pairs, so that a long condition is not a deep one. */
static const struct expr *any_of(struct rig *rig, const struct expr *const *parts, int count)
{
    return count == 1 ? parts[0]
                      : expr_or(rig->arena, any_of(rig, parts, count / 2),
                                any_of(rig, parts + count / 2, count - count / 2));
}

static void test_query__a_list_has_so_many_values(void **state)
{
    struct rig *rig = *state;
    struct value ids[STORE_IN_MAX + 1];
    for (int i = 0; i < COUNT(ids); i++)
        ids[i] = value_int(i);
    OK(read_where(rig, expr_in(rig->arena, "id", ids, STORE_IN_MAX)));
    assert_int_equal(read_where(rig, expr_in(rig->arena, "id", ids, STORE_IN_MAX + 1)),
                     ERR_TOO_LARGE);
}

static void test_query__a_statement_has_so_many_parameters(void **state)
{
    struct rig *rig = *state;
    const struct expr *parts[STORE_BINDS_MAX];
    struct value ids[STORE_IN_PLACES_MAX];
    int count = 0;
    for (int i = 0; i < COUNT(ids); i++)
        ids[i] = value_int(i);
    int left = STORE_BINDS_MAX;
    for (; left >= COUNT(ids); left -= COUNT(ids))
        parts[count++] = expr_in(rig->arena, "id", ids, COUNT(ids));
    for (; left > 0; left--)
        parts[count++] = int_expr(rig, EXPR_EQ, "owner", left);
    OK(read_where(rig, any_of(rig, parts, count)));
    parts[count++] = int_expr(rig, EXPR_EQ, "owner", 7);
    assert_int_equal(read_where(rig, any_of(rig, parts, count)), ERR_TOO_LARGE);
    assert_non_null(strstr(store_why(rig->store), "too many values"));
    OK(read_where(rig, parts[0]));
}

/* With conditions of a few bytes each the text grows until it is refused, at its limit. */
static void test_query__a_statement_has_so_many_bytes(void **state)
{
    struct rig *rig = *state;
    const struct expr *parts[STORE_SQL_BYTES_MAX / 16];
    for (int i = 0; i < COUNT(parts); i++)
        parts[i] = int_expr(rig, i % 2 ? EXPR_NULL : EXPR_NOT_NULL, i % 4 < 2 ? "at" : "owner", 0);
    int fits = 1, over = COUNT(parts);
    assert_int_equal(read_where(rig, any_of(rig, parts, over)), ERR_TOO_LARGE);
    while (over - fits > 1) {
        int middle = (fits + over) / 2;
        enum err e = read_where(rig, any_of(rig, parts, middle));
        assert_true(e == ERR_OK || e == ERR_TOO_LARGE);
        *(e ? &over : &fits) = middle;
    }
    assert_int_equal(read_where(rig, any_of(rig, parts, over)), ERR_TOO_LARGE);
    int64_t bytes = 0;
    assert_int_equal(sscanf(store_why(rig->store), "a query of %" SCNd64, &bytes), 1);
    assert_in_range(bytes, STORE_SQL_BYTES_MAX + 1, STORE_SQL_BYTES_MAX + 64);
}

/* A list that nests once per item: callers bound their lists, so beyond is a defect of theirs. */
static void test_query__a_condition_is_so_deep(void **state)
{
    struct rig *rig = *state;
    const struct expr *deep = int_expr(rig, EXPR_EQ, "owner", 0);
    enum err e = ERR_OK;
    int depth = 1;
    for (; !e && depth < 2 * STORE_EXPR_DEPTH_MAX; depth++) {
        deep = expr_not(rig->arena, expr_or(rig->arena, deep, int_expr(rig, EXPR_EQ, "id", depth)));
        e = read_where(rig, deep);
    }
    assert_int_equal(e, ERR_INTERNAL);
    assert_non_null(strstr(store_why(rig->store), "Expression tree is too large"));
    assert_in_range(depth, STORE_EXPR_DEPTH_MAX / 4, STORE_EXPR_DEPTH_MAX);
    OK(read_where(rig, int_expr(rig, EXPR_EQ, "owner", 0)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_query__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_comparison_with_an_empty_value_is_false),
        TEST(ne_nin_and_not_include_empty_ones),
        TEST(not_is_the_exact_rest),
        TEST(prefix_and_contains_are_folded),
        TEST(long_lists_are_one_parameter),
        TEST(has_looks_into_lists),
        TEST(exists_walks_a_relation),
        TEST(a_join_that_is_not_visible_is_empty),
        TEST(builders_share_trees),
        TEST(a_hundred_nodes_fit),
        TEST(pages_put_together_are_the_whole),
        TEST(a_page_seeks_in_its_index),
        TEST(lookups_use_their_index),
        TEST(an_index_hint_that_does_not_fit_is_dropped),
        TEST(counts_stop_at_the_cap),
        TEST(groups_measures_having_and_order),
        TEST(a_sum_that_overflows_is_an_error),
        TEST(buckets_of_days_and_of_times),
        TEST(a_list_has_so_many_values),
        TEST(a_statement_has_so_many_parameters),
        TEST(a_statement_has_so_many_bytes),
        TEST(a_condition_is_so_deep),
        TEST(a_weak_comparison_leads_no_index),
        TEST(an_order_without_index_is_found_in_a_narrow_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
