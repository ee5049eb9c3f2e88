/* test_late - tables, indexes and search tokens that come with the first row.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/db.h"

static const struct store_column deal_columns[] = {
    {"id", VALUE_INT, true, NULL},
    {"code", VALUE_TEXT, false, NULL},
    {"amount", VALUE_INT, false, NULL},
    {"deleted_at", VALUE_INT, false, NULL},
};
static const struct store_index deal_indexes[] = {
    {"deal_code", "code", "live:code", true},
    {"deal_amount", "amount desc,id desc", "live", false},
    {"deal_id", "id,amount", NULL, false},
};

/* The rig's schema and, late, the table deal with so many of its indexes. */
static enum err apply(struct rig *rig, int indexes, bool late)
{
    static uint64_t hash = 1;
    struct store_table tables[8];
    struct store_schema schema = *rig_schema();
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[schema.tables_count++] = (struct store_table){.name = "deal",
                                                         .columns = deal_columns,
                                                         .columns_count = COUNT(deal_columns),
                                                         .key = "id",
                                                         .indexes = deal_indexes,
                                                         .indexes_count = indexes,
                                                         .tokens = true,
                                                         .late = late};
    schema.tables = tables;
    schema.hash = ++hash;
    return store_schema_apply(rig->store, &schema);
}

static int setup(void **state)
{
    int failed = rig_setup(state);
    if (!failed)
        OK(apply(*state, 2, true));
    return failed;
}

static int64_t made(struct rig *rig)
{
    int64_t n = -1;
    OK(db_int((struct db *)rig->store,
              "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'deal\\__%' ESCAPE '\\'"
              " AND sql IS NOT NULL AND name NOT LIKE 'deal\\_tokens\\_%' ESCAPE '\\'",
              &n));
    return n;
}

static bool is_there(struct rig *rig)
{
    int64_t n = -1;
    OK(db_int((struct db *)rig->store, "SELECT count(*) FROM sqlite_schema WHERE name = 'deal'",
              &n));
    return n == 1;
}

static enum err deal(struct store *store, int64_t id, const char *code, const char **index)
{
    const struct store_set sets[] = {set_int("id", id), set_text("code", code),
                                     set_int("amount", id * 10)};
    return store_insert(store, "deal", sets, 3, index);
}

static bool take_id(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = *(int64_t *)arg * 10 + store_row_int(row, 0);
    return true;
}

/* What two alternatives of the same search find, newest first. */
static int64_t either(struct store *store, const struct expr *match)
{
    struct expr second = *match, first = *match;
    first.next = &second;
    const struct expr where = {.op = EXPR_OR, .first = &first};
    const struct query_column select = {.column = {0, "id"}};
    const struct query_order order = {.column = {0, "id"}, .descending = true};
    const struct query query = {.table = "deal",
                                .select = &select,
                                .select_count = 1,
                                .where = &where,
                                .order = &order,
                                .order_count = 1};
    int64_t ids = 0;
    return store_read(store, &query, take_id, &ids) ? -1 : ids;
}

/* The ids of deals that say so, as digits; -1: the read failed. */
static int64_t search(struct store *store, const char *token)
{
    static const char *const prefixes[] = {"3:"};
    const struct slice tokens[] = {slice_str(token)};
    const struct expr where = {.op = EXPR_MATCH,
                               .column = {0, "id"},
                               .tokens = tokens,
                               .tokens_count = 1,
                               .prefixes = (const char **)(uintptr_t)prefixes,
                               .prefixes_count = 1};
    const struct query_column select = {.column = {0, "id"}};
    const struct query query = {
        .table = "deal", .select = &select, .select_count = 1, .where = &where};
    int64_t ids = 0;
    bool any = false;
    if (store_read(store, &query, take_id, &ids))
        return -1;
    OK(store_tokens_any(store, "deal", &where, &any));
    assert_int_equal(any, ids > 0);
    assert_int_equal(either(store, &where), ids);
    return ids;
}

static int64_t by_amount(struct store *store, const char *hint)
{
    const struct expr where = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
    const struct query_column select = {.column = {0, "id"}};
    const struct query_order order = {.column = {0, "amount"}, .descending = true};
    const struct query query = {.table = "deal",
                                .select = &select,
                                .select_count = 1,
                                .where = &where,
                                .order = &order,
                                .order_count = 1,
                                .index_hint = hint};
    int64_t ids = 0;
    return store_read(store, &query, take_id, &ids) ? -1 : ids;
}

static void test_late__an_empty_table_answers_without(void **state)
{
    struct rig *rig = *state;
    int64_t count = -1;
    assert_int_equal(made(rig), 0);
    assert_int_equal(by_amount(rig->store, NULL), 0);
    assert_int_equal(by_amount(rig->store, "deal_amount"), 0);
    assert_int_equal(search(rig->store, "x"), 0);
    OK(store_count(rig->store, "deal", NULL, 10, &count));
    assert_int_equal(count, 0);
    OK(store_scrub(rig->store));
    OK(store_delete(rig->store, "deal", &(struct expr){.op = EXPR_TRUE}, &count));
    assert_int_equal(made(rig), 0);
}

/* A count, a sum and the highest key of nothing; its rows behind a reference are empty too. */
static void test_late__what_is_not_there_reads_as_empty(void **state)
{
    struct rig *rig = *state;
    const struct query_column measures[] = {
        {.measure = MEASURE_COUNT},
        {.measure = MEASURE_SUM, .column = {0, "amount"}},
        {.measure = MEASURE_MAX, .column = {0, "code"}},
    };
    const struct query sums = {.table = "deal", .select = measures, .select_count = 3};
    const struct query_join join = {.table = "deal", .to = "id", .from = {0, "amount"}};
    const struct query_column joined[] = {{.column = {0, "name"}}, {.column = {1, "code"}}};
    const struct query_order by_name = {.column = {0, "name"}};
    const struct query beside = {.table = "lead",
                                 .select = joined,
                                 .select_count = 2,
                                 .joins = &join,
                                 .joins_count = 1,
                                 .order = &by_name,
                                 .order_count = 1};
    int64_t most = -1;
    rig_lead(rig, 1, "ann", NULL, 10);
    rig_lead(rig, 2, "bob", NULL, 20);
    for (int round = 0; round < 2; round++) { /* the second finds its statements kept */
        assert_string_equal(rig_rows(rig, &sums), "0|-|-");
        assert_string_equal(rig_rows(rig, &beside), "ann|- bob|-");
    }
    OK(store_key_max(rig->store, "deal", &most));
    assert_int_equal(most, 0);
    assert_false(is_there(rig));
    OK(deal(rig->store, 20, "x", NULL));
    assert_true(is_there(rig));
    assert_string_equal(rig_rows(rig, &sums), "1|200|x");
    assert_string_equal(rig_rows(rig, &beside), "ann|- bob|x");
    OK(store_key_max(rig->store, "deal", &most));
    assert_int_equal(most, 20);
}

/* Exists inside a condition that reads, updates and deletes rows of a table that is there. */
static void test_late__no_row_exists_where_no_table_is(void **state)
{
    struct rig *rig = *state;
    struct expr inner = {.op = EXPR_NOT_NULL, .column = {0, "code"}};
    struct expr exists = {
        .op = EXPR_EXISTS,
        .sub = {.table = "deal", .column = "id", .outer = {0, "amount"}, .where = &inner}};
    struct expr not = {.op = EXPR_NOT, .first = &exists};
    const struct store_set set = set_text("status", "seen");
    int64_t changed = -1;
    rig_lead(rig, 1, "ann", NULL, 10);
    rig_lead(rig, 2, "bob", NULL, 20);
    assert_string_equal(rig_match(rig, &exists), "");
    assert_string_equal(rig_match(rig, &not ), "1 2");
    OK(store_update(rig->store, "lead", &exists, &set, 1, &changed, NULL));
    assert_int_equal(changed, 0);
    OK(store_update(rig->store, "lead", &not, &set, 1, &changed, NULL));
    assert_int_equal(changed, 2);
    OK(deal(rig->store, 20, "x", NULL));
    assert_string_equal(rig_match(rig, &exists), "2");
    assert_string_equal(rig_match(rig, &not ), "1");
    OK(store_delete(rig->store, "lead", &not, &changed));
    assert_int_equal(changed, 1);
}

static void test_late__nothing_of_it_can_be_changed(void **state)
{
    struct rig *rig = *state;
    const struct expr all = {.op = EXPR_TRUE};
    const struct store_set set = set_text("code", "z");
    int64_t changed = -1;
    OK(store_update(rig->store, "deal", &all, &set, 1, &changed, NULL));
    assert_int_equal(changed, 0);
    changed = -1;
    OK(store_delete(rig->store, "deal", &all, &changed));
    assert_int_equal(changed, 0);
    changed = -1;
    OK(store_redact(rig->store, "deal", "code", &all, &changed));
    assert_int_equal(changed, 0);
    changed = -1;
    OK(store_trim(rig->store, "deal", "id", 100, &changed));
    assert_int_equal(changed, 0);
    assert_false(is_there(rig));
}

/* What an earlier release has left: the table is there, its indexes and tokens are not. */
static void test_late__a_table_made_alone_still_gets_the_rest(void **state)
{
    struct rig *rig = *state;
    struct db *db = (struct db *)rig->store;
    OK(db_exec(db, "CREATE TABLE deal (id INTEGER PRIMARY KEY, code TEXT, amount INTEGER,"
                   " deleted_at INTEGER) STRICT;"
                   "UPDATE perigee_table SET tokens = 3 WHERE name = 'deal';"
                   "DELETE FROM perigee_index WHERE name = 'deal'"));
    store_close(rig->store);
    OK(store_open(rig->path, STORE_OWNER, &rig->store));
    assert_int_equal(by_amount(rig->store, "deal_amount"), 0);
    assert_int_equal(made(rig), 0);
    OK(apply(rig, 3, true));
    assert_int_equal(made(rig), 0);
    OK(deal(rig->store, 1, "a", NULL));
    assert_int_equal(made(rig), 4);
    assert_int_equal(by_amount(rig->store, "deal_amount"), 1);
}

static void test_late__the_first_row_brings_all(void **state)
{
    struct rig *rig = *state;
    const char *index = NULL;
    OK(deal(rig->store, 1, "a", NULL));
    assert_int_equal(made(rig), 3);
    assert_int_equal(deal(rig->store, 2, "a", &index), ERR_CONFLICT);
    assert_string_equal(index, "deal_code");
    OK(deal(rig->store, 2, "b", NULL));
    OK(store_tokens_put(rig->store, "deal", 2, SLICE(""), SLICE("3:bolt")));
    assert_int_equal(search(rig->store, "bolt"), 2);
    assert_int_equal(by_amount(rig->store, "deal_amount"), 21);
    assert_int_equal(by_amount(rig->store, NULL), 21);
}

static void test_late__put_counts_too(void **state)
{
    struct rig *rig = *state;
    const struct store_set sets[] = {set_int("id", 4), set_text("code", "c")};
    OK(store_put(rig->store, "deal", sets, 2));
    assert_int_equal(made(rig), 3);
    OK(store_put(rig->store, "deal", sets, 2));
    assert_int_equal(made(rig), 3);
}

static void test_late__what_is_rolled_back_is_made_again(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    OK(deal(rig->store, 1, "a", NULL));
    assert_int_equal(by_amount(rig->store, NULL), 1);
    store_rollback(rig->store);
    assert_int_equal(made(rig), 0);
    assert_int_equal(by_amount(rig->store, NULL), 0);
    assert_int_equal(search(rig->store, "x"), 0);

    OK(store_begin(rig->store, true));
    OK(store_savepoint(rig->store));
    OK(deal(rig->store, 1, "a", NULL));
    OK(store_tokens_put(rig->store, "deal", 1, SLICE(""), SLICE("3:gone")));
    assert_int_equal(store_savepoint_end(rig->store, ERR_VALIDATION), ERR_VALIDATION);
    assert_int_equal(by_amount(rig->store, NULL), 0);
    OK(store_savepoint(rig->store));
    OK(deal(rig->store, 3, "a", NULL));
    OK(store_tokens_put(rig->store, "deal", 3, SLICE(""), SLICE("3:here")));
    OK(store_savepoint_end(rig->store, ERR_OK));
    OK(store_commit(rig->store));
    assert_int_equal(made(rig), 3);
    assert_int_equal(search(rig->store, "gone"), 0);
    assert_int_equal(search(rig->store, "here"), 3);
}

/* A turn holds several requests: one makes the table's indexes, and another that fails behind it
 * makes the registry forget what is known. The first one's tokens are written all the same. */
static void test_late__tokens_wait_over_a_failure(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    OK(store_savepoint(rig->store));
    OK(deal(rig->store, 1, "a", NULL));
    OK(store_tokens_put(rig->store, "deal", 1, SLICE(""), SLICE("3:x")));
    OK(store_savepoint_end(rig->store, ERR_OK));
    OK(store_savepoint(rig->store));
    OK(deal(rig->store, 2, "b", NULL));
    assert_int_equal(store_savepoint_end(rig->store, ERR_VALIDATION), ERR_VALIDATION);
    OK(store_commit(rig->store));
    assert_int_equal(search(rig->store, "x"), 1);
}

static void test_late__other_connections_notice(void **state)
{
    struct rig *rig = *state;
    struct store *reader, *writer;
    OK(store_open(rig->path, STORE_READ, &reader));
    OK(store_open(rig->path, STORE_WRITER, &writer));
    assert_int_equal(search(reader, "bolt"), 0);
    assert_int_equal(by_amount(reader, "deal_amount"), 0);
    assert_int_equal(search(writer, "bolt"), 0);
    OK(store_begin(rig->store, true));
    OK(deal(rig->store, 1, "a", NULL));
    OK(store_tokens_put(rig->store, "deal", 1, SLICE(""), SLICE("3:bolt")));
    assert_int_equal(search(reader, "bolt"), 0); /* not committed */
    OK(store_commit(rig->store));
    assert_int_equal(search(reader, "bolt"), 1);
    assert_int_equal(by_amount(reader, "deal_amount"), 1);
    OK(deal(writer, 2, "b", NULL)); /* its registry still says late */
    assert_int_equal(made(rig), 3);
    assert_int_equal(by_amount(rig->store, NULL), 21);
    store_close(reader);
    store_close(writer);
}

struct nested {
    struct store *store;
    int64_t rows;
};

static bool insert_each(void *arg, const struct store_row *row)
{
    struct nested *nested = arg;
    nested->rows++;
    OK(deal(nested->store, store_row_int(row, 0), NULL, NULL));
    return true;
}

static void test_late__inside_a_running_read(void **state)
{
    struct rig *rig = *state;
    const struct query_column select = {.column = {0, "id"}};
    const struct query query = {.table = "lead", .select = &select, .select_count = 1};
    struct nested nested = {.store = rig->store};
    for (int i = 1; i <= 3; i++)
        rig_lead(rig, i, "x", NULL, i);
    OK(store_begin(rig->store, true));
    OK(store_read(rig->store, &query, insert_each, &nested));
    OK(store_commit(rig->store));
    assert_int_equal(nested.rows, 3);
    assert_int_equal(made(rig), 3);
    assert_int_equal(by_amount(rig->store, NULL), 321);
}

static void test_late__a_changed_schema_is_noted_or_made(void **state)
{
    struct rig *rig = *state;
    struct buf complaints = BUF_INIT;
    OK(apply(rig, 3, true));
    assert_int_equal(made(rig), 0);
    OK(apply(rig, 1, true));
    assert_false(is_there(rig));
    OK(deal(rig->store, 1, "a", NULL));
    assert_int_equal(made(rig), 2); /* one index and the tokens */
    OK(apply(rig, 3, true));
    assert_int_equal(made(rig), 4);
    OK(apply(rig, 2, true));
    assert_int_equal(made(rig), 3);
    OK(store_integrity(rig->store, &complaints));
    assert_int_equal(complaints.len, 0);
}

static void test_late__a_table_may_cease_to_be(void **state)
{
    struct rig *rig = *state;
    OK(apply(rig, 2, false));
    assert_int_equal(made(rig), 3);
    OK(apply(rig, 2, true)); /* and does not become so again */
    assert_int_equal(made(rig), 3);
    OK(deal(rig->store, 1, "a", NULL));
    assert_int_equal(by_amount(rig->store, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_late__##name, setup, rig_teardown)
        T(an_empty_table_answers_without),
        T(what_is_not_there_reads_as_empty),
        T(no_row_exists_where_no_table_is),
        T(nothing_of_it_can_be_changed),
        T(a_table_made_alone_still_gets_the_rest),
        T(the_first_row_brings_all),
        T(put_counts_too),
        T(what_is_rolled_back_is_made_again),
        T(tokens_wait_over_a_failure),
        T(other_connections_notice),
        T(inside_a_running_read),
        T(a_changed_schema_is_noted_or_made),
        T(a_table_may_cease_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
