/* test_seen - what a write transaction has read is never older than what it has written.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/db.h"

#define IDS   12
#define STEPS 20000

static uint32_t random_next(void)
{
    static uint32_t x = 7041776;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static const struct expr *has_id(struct rig *rig, int64_t id)
{
    return expr_cmp(rig->arena, EXPR_EQ, "id", value_int(id));
}

static struct query_column all[] = {{.column = {0, "id"}},
                                    {.column = {0, "name"}},
                                    {.column = {0, "status"}},
                                    {.column = {0, "amount"}}};
static struct query_order in_order = {.column = {0, "id"}};

static struct query leads(const struct expr *where)
{
    return (struct query){.table = "lead",
                          .select = all,
                          .select_count = COUNT(all),
                          .where = where,
                          .order = &in_order,
                          .order_count = 1};
}

/* The same with nothing kept. */
static const char *fresh(struct rig *rig, const struct expr *where)
{
    struct query query = leads(where);
    seen_forget((struct db *)rig->store);
    return rig_rows(rig, &query);
}

static const char *kept(struct rig *rig, const struct expr *where)
{
    struct query query = leads(where);
    return rig_rows(rig, &query);
}

static int64_t prepared(struct rig *rig)
{
    struct store_stats stats;
    store_stats(rig->store, &stats);
    return stats.cache_hits + stats.prepared;
}

static void test_seen__asks_once(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", "new", 10);
    OK(store_begin(rig->store, true));
    assert_string_equal(kept(rig, has_id(rig, 1)), "1|a|new|10");
    int64_t before = prepared(rig);
    assert_string_equal(kept(rig, has_id(rig, 1)), "1|a|new|10");
    assert_int_equal(prepared(rig), before);
    assert_string_equal(kept(rig, has_id(rig, 2)), "");
    assert_string_equal(kept(rig, NULL), "1|a|new|10");
    store_rollback(rig->store);
    assert_string_equal(kept(rig, has_id(rig, 1)), "1|a|new|10"); /* outside: every time */
    before = prepared(rig);
    assert_string_equal(kept(rig, has_id(rig, 1)), "1|a|new|10");
    assert_int_equal(prepared(rig), before + 1);
}

static void test_seen__questions_that_look_alike_differ(void **state)
{
    struct rig *rig = *state;
    struct arena *a = rig->arena;
    struct value ten[] = {value_int(1), value_int(0)}, one[] = {value_int(1)};
    rig_lead(rig, 1, "a", "new", 10);
    rig_lead(rig, 2, "b", "won", 20);
    OK(store_begin(rig->store, true));
    assert_string_equal(kept(rig, expr_cmp(a, EXPR_EQ, "name", value_text(SLICE("a")))),
                        "1|a|new|10");
    assert_string_equal(kept(rig, expr_cmp(a, EXPR_EQ, "status", value_text(SLICE("a")))), "");
    assert_string_equal(kept(rig, expr_cmp(a, EXPR_NE, "name", value_text(SLICE("a")))),
                        "2|b|won|20");
    assert_string_equal(kept(rig, expr_in(a, "id", ten, 2)), "1|a|new|10");
    assert_string_equal(kept(rig, expr_in(a, "id", one, 1)), "1|a|new|10");
    assert_string_equal(kept(rig, expr_cmp(a, EXPR_NULL, "phone", value_null())),
                        "1|a|new|10 2|b|won|20");
    assert_string_equal(kept(rig, expr_cmp(a, EXPR_NOT_NULL, "phone", value_null())), "");
    struct query query = leads(NULL);
    query.limit = 1;
    assert_string_equal(rig_rows(rig, &query), "1|a|new|10");
    in_order.descending = true;
    assert_string_equal(rig_rows(rig, &query), "2|b|won|20");
    in_order.descending = false;
    query.select_count = 1;
    assert_string_equal(rig_rows(rig, &query), "1");
    store_rollback(rig->store);
}

/* Whatever is written, rolled back, asked: as if nothing was kept. */
static void test_seen__is_what_stands_in_the_store(void **state)
{
    struct rig *rig = *state;
    int depth = 0;
    OK(store_begin(rig->store, true));
    for (int i = 0; i < STEPS; i++) {
        int64_t id = 1 + random_next() % IDS;
        const struct expr *where = random_next() % 2 ? has_id(rig, id) : NULL;
        struct store_set amount = set_int("amount", random_next() % 100);
        switch (random_next() % 10) {
        case 0:
            OK(store_delete(rig->store, "lead", has_id(rig, id), NULL));
            rig_lead(rig, id, "a", "new", 1);
            break;
        case 1:
            OK(store_update(rig->store, "lead", has_id(rig, id), &amount, 1, NULL, NULL));
            break;
        case 2:
            OK(store_delete(rig->store, "lead", has_id(rig, id), NULL));
            break;
        case 3:
            if (depth < 4) {
                OK(store_savepoint(rig->store));
                depth++;
            }
            break;
        case 4:
            if (depth > 0) {
                enum err e = random_next() % 2 ? ERR_VALIDATION : ERR_OK;
                assert_int_equal(store_savepoint_end(rig->store, e), e);
                depth--;
            }
            break;
        case 5:
            assert_string_equal(kept(rig, where), fresh(rig, where));
            arena_clear(rig->arena);
            break;
        default:
            (void)kept(rig, where);
        }
    }
    store_rollback(rig->store);
}

/* Who reads, writes and rolls back for each row it is handed. */
static bool write_row(void *arg, const struct store_row *row)
{
    struct rig *rig = arg;
    int64_t id = store_row_int(row, 0);
    struct store_set amount = set_int("amount", 7);
    struct slice name = store_row_bytes(row, 1);
    OK(store_savepoint(rig->store));
    OK(store_update(rig->store, "lead", has_id(rig, id), &amount, 1, NULL, NULL));
    assert_string_equal(arena_str(rig->arena, name), id == 1 ? "a" : "b");
    (void)kept(rig, NULL);
    assert_int_equal(store_savepoint_end(rig->store, ERR_PLUGIN), ERR_PLUGIN);
    assert_string_equal(arena_str(rig->arena, name), id == 1 ? "a" : "b");
    return true;
}

static void test_seen__may_be_forgotten_while_it_is_handed_out(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", "new", 10);
    rig_lead(rig, 2, "b", "won", 20);
    struct query query = leads(NULL);
    OK(store_begin(rig->store, true));
    for (int i = 0; i < 3; i++) {
        OK(store_read(rig->store, &query, write_row, rig));
        assert_string_equal(kept(rig, NULL), "1|a|new|10 2|b|won|20");
    }
    store_rollback(rig->store);
}

static void test_seen__is_bounded(void **state)
{
    struct rig *rig = *state;
    struct db *db = (struct db *)rig->store;
    char *name = calloc(1, 100001);
    assert_non_null(name);
    memset(name, 'x', 100000);
    for (int id = 1; id <= SEEN_ROWS_MAX + 1; id++)
        rig_lead(rig, id, name, "new", id);
    OK(store_begin(rig->store, true));
    for (int round = 0; round < 3; round++)
        for (int id = 1; id <= SEEN_ROWS_MAX; id++) {
            (void)kept(rig, has_id(rig, id));
            assert_true(arena_used(db->seen.arena) < SEEN_BYTES_MAX + 300000);
            arena_clear(rig->arena);
        }
    struct query query = leads(NULL);
    query.select_count = 1;
    for (int rows = SEEN_ROWS_MAX; rows <= SEEN_ROWS_MAX + 1; rows++) {
        query.limit = rows;
        (void)rig_rows(rig, &query);
        int64_t before = prepared(rig);
        (void)rig_rows(rig, &query);
        assert_int_equal(prepared(rig) - before, rows > SEEN_ROWS_MAX); /* too many are not kept */
    }
    store_rollback(rig->store);
    free(name);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_seen__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(asks_once),
        TEST(questions_that_look_alike_differ),
        TEST(is_what_stands_in_the_store),
        TEST(may_be_forgotten_while_it_is_handed_out),
        TEST(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
