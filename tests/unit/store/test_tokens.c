/* test_tokens - the search index: Chinese, punctuation, prefixes, order, deletion, erasure.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/db.h"

static void put(struct rig *rig, int64_t id, const char *tokens)
{
    enum err e = store_tokens_put(rig->store, "lead", id, SLICE(""), slice_str(tokens));
    if (e)
        print_message("tokens: %s\n", store_why(rig->store));
    OK(e);
}

/* MATCH over words separated by blanks, under the prefixes given in the same way. */
static struct expr *match(struct rig *rig, const char *words, const char *prefixes)
{
    struct expr *e = expr_new(rig->arena, EXPR_MATCH);
    struct slice *tokens = arena_array(rig->arena, struct slice, 16);
    const char **names = arena_array(rig->arena, const char *, 16);
    for (struct slice rest = slice_str(words); rest.len;)
        tokens[e->tokens_count++] = slice_split(&rest, ' ');
    for (struct slice rest = slice_str(prefixes); rest.len;)
        names[e->prefixes_count++] = arena_str(rig->arena, slice_split(&rest, ' '));
    e->tokens = tokens;
    e->prefixes = names;
    return e;
}

static void three_leads(struct rig *rig)
{
    rig_lead(rig, 1, "张三丰", "won", 1);
    rig_lead(rig, 2, "张三", "new", 2);
    rig_lead(rig, 3, "Anna", "new", 3);
    put(rig, 1, "3:张 3:三 3:丰 3:张三 3:三丰 3:zsf 4:a@b.com");
    put(rig, 2, "3:张 3:三 3:张三 3:zs 4:张三");
    put(rig, 3, "3:anna 4:a@b.com 4:o'neil 4:\"q\" 4:x-y+z*(1)^~\\ 5:no");
}

static void test_tokens__every_word_under_one_of_the_prefixes(void **state)
{
    struct rig *rig = *state;
    three_leads(rig);
    assert_string_equal(rig_match(rig, match(rig, "张三", "3:")), "1 2");
    assert_string_equal(rig_match(rig, match(rig, "三丰", "3:")), "1");
    assert_string_equal(rig_match(rig, match(rig, "张三", "4:")), "2");
    assert_string_equal(rig_match(rig, match(rig, "张三 三丰", "3: 4:")), "1");
    assert_string_equal(rig_match(rig, match(rig, "张三 a@b.com", "3: 4:")), "1");
    assert_string_equal(rig_match(rig, match(rig, "张三 a@b.com", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "a@b.com", "4:")), "1 3");
    assert_string_equal(rig_match(rig, match(rig, "no", "3: 4:")), ""); /* may not search 5 */
    assert_string_equal(rig_match(rig, match(rig, "三张", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "张三", "")), "");
}

static void test_tokens__no_sign_has_a_meaning(void **state)
{
    static const char *const words[] = {"o'neil", "\"q\"", "x-y+z*(1)^~\\"};
    static const char *const others[] = {"o", "q", "x*", "\"", "x-y", "(", "*", "^x", "-x"};
    struct rig *rig = *state;
    three_leads(rig);
    for (int i = 0; i < COUNT(words); i++)
        assert_string_equal(rig_match(rig, match(rig, words[i], "4:")), "3");
    for (int i = 0; i < COUNT(others); i++)
        assert_string_equal(rig_match(rig, match(rig, others[i], "4:")), "");
}

static void test_tokens__match_joins_with_other_conditions(void **state)
{
    struct rig *rig = *state;
    three_leads(rig);
    struct expr *words = match(rig, "张三", "3:");
    const struct expr *fresh = expr_cmp(rig->arena, EXPR_EQ, "status", value_text(SLICE("new")));
    const struct expr *anna = expr_cmp(rig->arena, EXPR_EQ, "id", value_int(3));
    assert_string_equal(rig_match(rig, expr_and(rig->arena, fresh, words)), "2");
    assert_string_equal(rig_match(rig, expr_or(rig->arena, anna, words)), "1 2 3");
    assert_string_equal(rig_match(rig, expr_not(rig->arena, words)), "3");
    assert_string_equal(rig_match(rig, expr_and(rig->arena, words, match(rig, "a@b.com", "4:"))),
                        "1");
    int64_t n = -1;
    OK(store_count(rig->store, "lead", words, 10, &n));
    assert_int_equal(n, 2);
}

static void test_tokens__newest_first_needs_no_sorting(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= 500; i++) {
        rig_lead(rig, i, "x", NULL, i);
        put(rig, i, i % 2 ? "3:odd 3:all" : "3:even 3:all");
    }
    OK(store_commit(rig->store));
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}, .descending = true};
    struct value after = value_int(402);
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = match(rig, "even all", "3: 4:"),
                          .order = &order,
                          .order_count = 1,
                          .after = &after,
                          .limit = 3};
    assert_string_equal(rig_rows(rig, &query), "400 398 396");
    struct buf plan = BUF_INIT;
    OK(store_explain(rig->store, &query, &plan));
    assert_null(strstr(buf_cstr(&plan), "TEMP B-TREE"));
    buf_release(&plan);
}

/* Even ids are found by "even", odd ones by "odd" where the status is "new", all by "all". */
static void many_leads(struct rig *rig, int count)
{
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= count; i++) {
        rig_lead(rig, i, "x", i % 3 ? "won" : "new", i);
        put(rig, i, i % 2 ? "3:odd 3:all 4:third" : "3:even 3:all 4:third");
    }
    OK(store_commit(rig->store));
}

static const struct expr *fresh_and(struct rig *rig, const struct expr *found)
{
    return expr_and(rig->arena, found,
                    expr_cmp(rig->arena, EXPR_EQ, "status", value_text(SLICE("new"))));
}

static const char *page(struct rig *rig, const struct expr *where, bool descending,
                        const struct value *after, int64_t limit)
{
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}, .descending = descending};
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = where,
                          .order = &order,
                          .order_count = 1,
                          .after = after,
                          .limit = limit};
    return rig_rows(rig, &query);
}

static void test_tokens__alternatives_come_in_order_and_once(void **state)
{
    struct rig *rig = *state;
    struct value after = value_int(8);
    many_leads(rig, 12);
    const struct expr *either =
        expr_or(rig->arena, match(rig, "even", "3:"), fresh_and(rig, match(rig, "odd", "3:")));
    assert_string_equal(page(rig, either, true, NULL, 0), "12 10 9 8 6 4 3 2");
    assert_string_equal(page(rig, either, false, NULL, 0), "2 3 4 6 8 9 10 12");
    assert_string_equal(page(rig, either, true, NULL, 3), "12 10 9");
    assert_string_equal(page(rig, either, true, &after, 3), "6 4 3");
    assert_string_equal(page(rig, either, false, &after, 0), "9 10 12");
    const struct expr *some = expr_cmp(rig->arena, EXPR_GT, "amount", value_int(8));
    assert_string_equal(page(rig, expr_and(rig->arena, some, either), true, NULL, 0), "12 10 9");
    const struct expr *one = expr_cmp(rig->arena, EXPR_EQ, "amount", value_int(4));
    const struct expr *rule = expr_or(rig->arena, some, one); /* an OR that is no search */
    assert_string_equal(page(rig, expr_and(rig->arena, rule, either), true, NULL, 0), "12 10 9 4");

    const struct expr *twice = expr_or(rig->arena, either, match(rig, "all even", "3: 4:"));
    twice = expr_or(rig->arena, twice, fresh_and(rig, match(rig, "third", "4:")));
    assert_string_equal(page(rig, twice, true, NULL, 0), "12 10 9 8 6 4 3 2");
    assert_string_equal(page(rig, twice, false, NULL, 4), "2 3 4 6");
    int64_t n = -1;
    OK(store_count(rig->store, "lead", twice, 100, &n));
    assert_int_equal(n, 8);
    const struct expr *nothing =
        expr_or(rig->arena, match(rig, "none", "3:"), fresh_and(rig, match(rig, "no", "3:")));
    assert_string_equal(page(rig, nothing, true, NULL, 5), "");
}

/* At the most alternatives that are read side by side, and with one more. */
static void test_tokens__any_number_of_alternatives(void **state)
{
    struct rig *rig = *state;
    const struct expr *any = NULL;
    many_leads(rig, 12);
    for (int i = 1; i <= 9; i++) {
        const struct expr *amount = expr_cmp(rig->arena, EXPR_EQ, "amount", value_int(i));
        any = expr_or(rig->arena, any, expr_and(rig->arena, match(rig, "all", "3:"), amount));
        if (i == 8)
            assert_string_equal(page(rig, any, true, NULL, 0), "8 7 6 5 4 3 2 1");
    }
    assert_string_equal(page(rig, any, true, NULL, 0), "9 8 7 6 5 4 3 2 1");
}

static void test_tokens__alternatives_need_no_sorting(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}, .descending = true};
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .order = &order,
                          .order_count = 1,
                          .limit = 5};
    struct buf plan = BUF_INIT;
    three_leads(rig);
    const struct expr *rule =
        expr_or(rig->arena, expr_cmp(rig->arena, EXPR_GT, "amount", value_int(0)),
                expr_cmp(rig->arena, EXPR_NULL, "amount", value_null()));
    query.where =
        expr_or(rig->arena, match(rig, "张三", "3:"), fresh_and(rig, match(rig, "zs", "3:")));
    query.where = expr_and(rig->arena, rule, query.where);
    OK(store_explain(rig->store, &query, &plan));
    assert_null(strstr(buf_cstr(&plan), "TEMP B-TREE"));
    assert_null(strstr(buf_cstr(&plan), "LIST SUBQUERY"));
    buf_release(&plan);
}

struct nested {
    struct rig *rig;
    const struct expr *where;
    int rows;
};

static bool read_inside(void *arg, const struct store_row *row)
{
    struct nested *nested = arg;
    assert_true(store_row_int(row, 0) > 0);
    assert_string_equal(page(nested->rig, nested->where, true, NULL, 2), "4 3");
    nested->rows++;
    return true;
}

static void test_tokens__alternatives_may_be_read_within_each_other(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}, .descending = true};
    many_leads(rig, 4);
    struct nested nested = {.rig = rig};
    nested.where =
        expr_or(rig->arena, match(rig, "even", "3:"), fresh_and(rig, match(rig, "all", "3:")));
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = nested.where,
                          .order = &order,
                          .order_count = 1,
                          .limit = 10};
    OK(store_read(rig->store, &query, read_inside, &nested));
    assert_int_equal(nested.rows, 3);
}

static bool any(struct rig *rig, const char *words, const char *prefixes)
{
    bool found = true;
    OK(store_tokens_any(rig->store, "lead", match(rig, words, prefixes), &found));
    return found;
}

static void test_tokens__any_tells_where_looking_is_in_vain(void **state)
{
    struct rig *rig = *state;
    bool found = true;
    assert_false(any(rig, "张三", "3:")); /* nothing is there at all */
    three_leads(rig);
    assert_true(any(rig, "张三", "3:"));
    assert_true(any(rig, "张三 三丰", "3: 4:"));
    assert_false(any(rig, "张三 anna", "3: 4:"));
    assert_false(any(rig, "三丰", "4:"));
    assert_false(any(rig, "", "3:"));
    assert_false(any(rig, "张三", ""));
    OK(store_begin(rig->store, true));
    put(rig, 3, "3:waiting");
    assert_true(any(rig, "waiting", "3:")); /* not in the index before it is asked for */
    assert_false(any(rig, "anna", "3:"));
    store_rollback(rig->store);
    assert_false(any(rig, "waiting", "3:"));
    assert_true(any(rig, "anna", "3:"));
    OK(store_tokens_any(rig->store, "users", match(rig, "x", "3:"), &found));
    assert_false(found); /* a table without an index */
    assert_int_equal(store_tokens_any(rig->store, "nowhere", match(rig, "x", "3:"), &found),
                     ERR_INTERNAL);
}

static void test_tokens__replaced_and_removed_without_the_old_ones(void **state)
{
    struct rig *rig = *state;
    three_leads(rig);
    put(rig, 2, "3:李四");
    assert_string_equal(rig_match(rig, match(rig, "张三", "3:")), "1");
    assert_string_equal(rig_match(rig, match(rig, "李四", "3:")), "2");
    put(rig, 1, "");
    put(rig, 1, ""); /* twice is fine */
    assert_string_equal(rig_match(rig, match(rig, "张三", "3:")), "");
    assert_int_equal(store_tokens_put(rig->store, "users", 1, SLICE(""), SLICE("3:x")),
                     ERR_INTERNAL);
    struct buf complaints = BUF_INIT;
    OK(store_integrity(rig->store, &complaints));
    assert_int_equal(complaints.len, 0);
    buf_release(&complaints);
}

static void test_tokens__a_savepoint_takes_back_its_own(void **state)
{
    struct rig *rig = *state;
    three_leads(rig);
    OK(store_begin(rig->store, true));
    put(rig, 3, "3:first");
    OK(store_savepoint(rig->store));
    put(rig, 1, "3:second");
    put(rig, 3, "3:third");
    assert_string_equal(rig_match(rig, match(rig, "second", "3:")), "1"); /* found at once */
    assert_string_equal(rig_match(rig, match(rig, "first", "3:")), "");
    OK(store_savepoint(rig->store));
    put(rig, 2, "3:fourth");
    OK(store_savepoint_end(rig->store, ERR_OK));
    assert_int_equal(store_savepoint_end(rig->store, ERR_CONFLICT), ERR_CONFLICT);
    assert_string_equal(rig_match(rig, match(rig, "first", "3:")), "3");
    assert_string_equal(rig_match(rig, match(rig, "second", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "张三", "3:")), "1 2");
    put(rig, 2, "3:last");
    OK(store_commit(rig->store));
    assert_string_equal(rig_match(rig, match(rig, "first", "3:")), "3");
    assert_string_equal(rig_match(rig, match(rig, "last", "3:")), "2");
    assert_string_equal(rig_match(rig, match(rig, "third", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "fourth", "3:")), "");

    OK(store_begin(rig->store, true));
    put(rig, 1, "3:lost");
    store_rollback(rig->store);
    OK(store_begin(rig->store, true));
    put(rig, 2, "");
    OK(store_commit(rig->store));
    assert_string_equal(rig_match(rig, match(rig, "lost", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "last", "3:")), "");
    assert_string_equal(rig_match(rig, match(rig, "张三", "3:")), "1");
}

static int64_t segments(struct rig *rig)
{
    int64_t n = -1;
    OK(db_int((struct db *)rig->store, "SELECT count(DISTINCT segid) FROM lead_tokens_idx", &n));
    return n;
}

static void test_tokens__merging_changes_nothing_but_the_parts(void **state)
{
    struct rig *rig = *state;
    bool more = true;
    int rounds = 0;
    for (int i = 1; i <= 7; i++) {
        rig_lead(rig, i, "x", NULL, i);
        put(rig, i, i % 2 ? "3:odd 3:all" : "3:even 3:all");
    }
    put(rig, 3, "");
    assert_int_equal(segments(rig), 7); /* what is removed leaves a mark */
    for (; more && rounds < 100; rounds++) {
        OK(store_begin(rig->store, true));
        OK(store_tokens_merge(rig->store, "lead", 1, &more));
        OK(store_commit(rig->store));
    }
    assert_false(more);
    assert_int_equal(segments(rig), 1);
    assert_string_equal(rig_match(rig, match(rig, "odd", "3:")), "1 5 7");
    assert_string_equal(rig_match(rig, match(rig, "all", "3:")), "1 2 4 5 6 7");
    OK(store_begin(rig->store, true));
    put(rig, 8, "3:odd");
    OK(store_tokens_merge(rig->store, "users", 1, &more)); /* a table without an index */
    assert_false(more);
    store_rollback(rig->store);
    assert_string_equal(rig_match(rig, match(rig, "odd", "3:")), "1 5 7");
    struct buf complaints = BUF_INIT;
    OK(store_integrity(rig->store, &complaints));
    assert_int_equal(complaints.len, 0);
    buf_release(&complaints);
}

static bool file_holds(struct rig *rig, const char *tail, const char *text)
{
    char path[RIG_PATH_MAX + 8];
    size_t len, n = strlen(text);
    bool found = false;
    snprintf(path, sizeof path, "%s%s", rig->path, tail);
    char *bytes = rig_file(path, &len);
    for (size_t i = 0; i + n <= len && !found; i++)
        found = memcmp(bytes + i, text, n) == 0;
    free(bytes);
    return found;
}

static void test_tokens__after_scrubbing_the_raw_file_has_forgotten(void **state)
{
    struct rig *rig = *state;
    const struct expr *one = expr_cmp(rig->arena, EXPR_EQ, "id", value_int(1));
    rig_lead(rig, 1, "Xanthippe Quux", NULL, 1);
    put(rig, 1, "3:xanthippe 3:quux");
    for (int i = 2; i < 200; i++) {
        rig_lead(rig, i, "somebody", NULL, 1);
        put(rig, i, "3:somebody");
    }
    OK(store_scrub(rig->store));
    assert_true(file_holds(rig, "", "Xanthippe"));
    assert_true(file_holds(rig, "", "xanthippe"));
    put(rig, 1, "");
    OK(store_delete(rig->store, "lead", one, NULL));
    OK(store_scrub(rig->store));
    assert_false(file_holds(rig, "", "Xanthippe"));
    assert_false(file_holds(rig, "", "anthippe"));
    assert_false(file_holds(rig, "-wal", "anthippe"));
    assert_string_equal(rig_match(rig, expr_and(rig->arena, match(rig, "somebody", "3:"),
                                                expr_cmp(rig->arena, EXPR_LT, "id", value_int(4)))),
                        "2 3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_tokens__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_word_under_one_of_the_prefixes),
        TEST(no_sign_has_a_meaning),
        TEST(match_joins_with_other_conditions),
        TEST(newest_first_needs_no_sorting),
        TEST(replaced_and_removed_without_the_old_ones),
        TEST(a_savepoint_takes_back_its_own),
        TEST(after_scrubbing_the_raw_file_has_forgotten),
        TEST(alternatives_come_in_order_and_once),
        TEST(merging_changes_nothing_but_the_parts),
        TEST(any_number_of_alternatives),
        TEST(alternatives_need_no_sorting),
        TEST(alternatives_may_be_read_within_each_other),
        TEST(any_tells_where_looking_is_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
