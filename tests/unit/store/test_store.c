/* test_store - opening, pragmas, writing and reading rows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/sqlite/db.h"

/* --- opening --- */

static void test_store__the_library_has_the_options_we_chose(void **state)
{
    static const char *const wanted[] = {
        "ENABLE_FTS5",
        "THREADSAFE=0",
        "DEFAULT_SYNCHRONOUS=2",
        "DEFAULT_WAL_SYNCHRONOUS=2",
        "DQS=0",
        "OMIT_LOAD_EXTENSION",
        "SECURE_DELETE",
        "OMIT_SHARED_CACHE",
        "MAX_MMAP_SIZE=0",
        "DEFAULT_MEMSTATUS=0",
        "LIKE_DOESNT_MATCH_BLOBS",
        "OMIT_DEPRECATED",
        "TEMP_STORE=3",
    };
    const char *why = NULL;
    (void)state;
    OK(store_check_library(&why));
    assert_true(sqlite3_libversion_number() >= 3051003);
    for (int i = 0; i < COUNT(wanted); i++)
        if (!sqlite3_compileoption_used(wanted[i]))
            fail_msg("SQLite was built without %s", wanted[i]);
    assert_false(sqlite3_compileoption_used("OMIT_PROGRESS_CALLBACK"));
    assert_false(sqlite3_compileoption_used("OMIT_AUTHORIZATION"));
}

static int64_t pragma(struct store *store, const char *name)
{
    char sql[80];
    int64_t n = -1;
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    OK(db_int((struct db *)store, sql, &n));
    return n;
}

static void test_store__pragmas_are_those_of_the_mode(void **state)
{
    struct rig *rig = *state;
    struct store *reader, *writer;
    OK(store_open(rig->path, STORE_READ, &reader));
    OK(store_open(rig->path, STORE_WRITER, &writer));
    struct store *all[] = {reader, writer, rig->store};
    for (int i = 0; i < COUNT(all); i++) {
        assert_int_equal(pragma(all[i], "synchronous"), 2);
        assert_int_equal(pragma(all[i], "query_only"), all[i] == reader);
        assert_int_equal(pragma(all[i], "trusted_schema"), 0);
        assert_int_equal(pragma(all[i], "cell_size_check"), 1);
        assert_int_equal(pragma(all[i], "temp_store"), 2);
        assert_int_equal(pragma(all[i], "secure_delete"), 1);
        assert_int_equal(pragma(all[i], "journal_size_limit"), 67108864);
        assert_int_equal(pragma(all[i], "wal_autocheckpoint"), 0);
        assert_int_equal(pragma(all[i], "busy_timeout"), 0);
        assert_int_equal(pragma(all[i], "cache_size"), -2048);
        sqlite3 *handle = ((struct db *)all[i])->handle;
        int on = -1;
        sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, -1, &on);
        assert_int_equal(on, 1);
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &on);
        assert_int_equal(on, all[i] != rig->store);
        assert_int_equal(sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, -1), 0);
        assert_int_equal(sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, -1), STORE_VALUE_BYTES_MAX);
    }
    store_close(reader);
    store_close(writer);
}

static void test_store__a_missing_foreign_or_newer_file_says_so(void **state)
{
    struct rig *rig = *state;
    char path[RIG_PATH_MAX + 20];
    struct store *store = NULL;
    struct buf why = BUF_INIT;
    snprintf(path, sizeof path, "%s/none.db", rig->folder);
    assert_int_equal(store_open_why(path, STORE_READ, &store, &why), ERR_NOT_FOUND);

    FILE *file = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("not a database ", file);
    fclose(file);
    assert_int_equal(store_open_why(path, STORE_OWNER, &store, &why), ERR_CORRUPT);
    assert_int_equal(store_create(path), ERR_CONFLICT);

    OK(db_exec((struct db *)rig->store, "UPDATE perigee_header SET core_version = 99"));
    buf_clear(&why);
    assert_int_equal(store_open_why(rig->path, STORE_OWNER, &store, &why), ERR_NOT_SUPPORTED);
    assert_non_null(strstr(buf_cstr(&why), "newer program"));
    assert_null(store);
    buf_release(&why);
}

static void test_store__a_new_file_is_its_owners_alone(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    assert_int_equal(stat(rig->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(store_create("/nowhere/at/all.db"), ERR_NOT_FOUND);
}

static void test_store__a_symbolic_link_is_not_followed(void **state)
{
    struct rig *rig = *state;
    char path[RIG_PATH_MAX + 20];
    struct store *store;
    snprintf(path, sizeof path, "%s/link.db", rig->folder);
    assert_int_equal(symlink(rig->path, path), 0);
    assert_int_equal(store_open(path, STORE_READ, &store), ERR_IO);
}

static void test_store__callers_reach_only_tables_of_the_schema(void **state)
{
    static const char *const forbidden[] = {
        "SELECT * FROM perigee_header",
        "SELECT * FROM sqlite_schema",
        "ATTACH ':memory:' AS x",
        "PRAGMA journal_mode = DELETE",
        "DELETE FROM perigee_counter",
        "CREATE TABLE x (a)",
        "DROP TABLE lead",
        "SELECT load_extension('x')",
        "SELECT hex(zeroblob(10))",
        "CREATE TRIGGER t AFTER INSERT ON lead BEGIN SELECT 1; END",
    };
    struct rig *rig = *state;
    struct stmt *stmt;
    for (int i = 0; i < COUNT(forbidden); i++)
        if (stmt_cached((struct db *)rig->store, slice_str(forbidden[i]), &stmt) == ERR_OK)
            fail_msg("allowed: %s", forbidden[i]);
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "perigee_header", .select = &select, .select_count = 1};
    int64_t n;
    assert_int_equal(store_count(rig->store, "sqlite_schema", NULL, 1, &n), ERR_INTERNAL);
    assert_int_equal(store_explain(rig->store, &query, &(struct buf)BUF_INIT), ERR_INTERNAL);
}

/* --- writing --- */

static void test_store__values_come_back_as_they_went_in(void **state)
{
    struct rig *rig = *state;
    struct query_column select[] = {{.column = {0, "seq"}}, {.column = {0, "body"}}};
    struct query query = {.table = "log", .select = select, .select_count = 2};
    struct store_set sets[] = {set_int("seq", INT64_MIN),
                               {"body", value_blob(slice_of("a\0b", 3)), false}};
    OK(store_insert(rig->store, "log", sets, 2, NULL));
    sets[0] = set_int("seq", INT64_MAX);
    sets[1].value = value_null();
    OK(store_insert(rig->store, "log", sets, 2, NULL));
    const char *rows = rig_rows(rig, &query);
    assert_memory_equal(rows, "-9223372036854775808|a", 22);
    rig_lead(rig, 1, "", "new", 5);
    struct query_column name = {.column = {0, "name"}};
    struct query leads = {.table = "lead", .select = &name, .select_count = 1};
    assert_string_equal(rig_rows(rig, &leads), ""); /* empty text is not null */
}

static void test_store__a_conflict_names_its_index(void **state)
{
    struct rig *rig = *state;
    struct store_set sets[] = {set_int("id", 1), set_text("phone", "555")};
    const char *index = NULL;
    OK(store_insert(rig->store, "lead", sets, 2, NULL));
    assert_int_equal(store_insert(rig->store, "lead", sets, 2, &index), ERR_CONFLICT);
    assert_string_equal(index, "");
    sets[0] = set_int("id", 2);
    assert_int_equal(store_insert(rig->store, "lead", sets, 2, &index), ERR_CONFLICT);
    assert_string_equal(index, "lead_phone");
    struct store_set gone[] = {set_int("deleted_at", 7)};
    const struct expr *one = expr_cmp(rig->arena, EXPR_EQ, "id", value_int(1));
    int64_t changed = -1;
    OK(store_update(rig->store, "lead", one, gone, 1, &changed, NULL));
    assert_int_equal(changed, 1);
    OK(store_insert(rig->store, "lead", sets, 2, &index)); /* unique among the living */
    gone[0] = set_null("deleted_at");
    assert_int_equal(store_update(rig->store, "lead", one, gone, 1, &changed, &index),
                     ERR_CONFLICT);
    assert_string_equal(index, "lead_phone");
}

static void test_store__put_inserts_or_updates_and_adds(void **state)
{
    struct rig *rig = *state;
    struct store_set sets[] = {set_int("a", 1), set_text("b", "x"), {"n", value_int(3), STORE_ADD}};
    struct query_column select[] = {
        {.column = {0, "a"}}, {.column = {0, "b"}}, {.column = {0, "n"}}};
    struct query query = {.table = "pair", .select = select, .select_count = 3};
    OK(store_put(rig->store, "pair", sets, 3));
    OK(store_put(rig->store, "pair", sets, 3));
    assert_string_equal(rig_rows(rig, &query), "1|x|6");
    sets[2].how = STORE_SET;
    OK(store_put(rig->store, "pair", sets, 3));
    OK(store_put(rig->store, "pair", sets, 2)); /* only the key: nothing to change */
    assert_string_equal(rig_rows(rig, &query), "1|x|3");
}

static void test_store__add_counts_from_empty_and_refuses_overflow(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", NULL, -1);
    struct store_set add = {"amount", value_int(5), STORE_ADD};
    const struct expr *one = expr_cmp(rig->arena, EXPR_EQ, "id", value_int(1));
    OK(store_update(rig->store, "lead", one, &add, 1, NULL, NULL));
    add.value = value_int(INT64_MAX);
    assert_int_equal(store_update(rig->store, "lead", one, &add, 1, NULL, NULL), ERR_VALIDATION);
    assert_string_equal(rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "amount", value_int(5))), "1");
}

static void test_store__the_most_and_the_least_stay(void **state)
{
    struct rig *rig = *state;
    rig_lead(rig, 1, "a", NULL, -1);
    const struct expr *one = expr_cmp(rig->arena, EXPR_EQ, "id", value_int(1));
    static const struct {
        enum store_how how;
        int64_t value, is;
    } steps[] = {{STORE_MOST, 5, 5},   {STORE_MOST, 3, 5},  {STORE_MOST, 8, 8},
                 {STORE_LEAST, 9, 8},  {STORE_LEAST, 2, 2}, {STORE_LEAST, -4, -4},
                 {STORE_MOST, -4, -4}, {STORE_MOST, -3, -3}};
    for (int i = 0; i < COUNT(steps); i++) {
        struct store_set set = {"amount", value_int(steps[i].value), steps[i].how};
        OK(store_update(rig->store, "lead", one, &set, 1, NULL, NULL));
        assert_string_equal(
            rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "amount", value_int(steps[i].is))), "1");
    }
}

static void test_store__append_only_tables_only_grow(void **state)
{
    struct rig *rig = *state;
    struct store_set seq = set_int("seq", 1);
    const struct expr *all = expr_new(rig->arena, EXPR_TRUE);
    int64_t n = -1;
    OK(store_key_max(rig->store, "log", &n));
    assert_int_equal(n, 0);
    OK(store_insert(rig->store, "log", &seq, 1, NULL));
    OK(store_key_max(rig->store, "log", &n));
    assert_int_equal(n, 1);
    assert_int_equal(store_update(rig->store, "log", all, &seq, 1, NULL, NULL), ERR_FORBIDDEN);
    assert_int_equal(store_delete(rig->store, "log", all, NULL), ERR_FORBIDDEN);
    assert_int_equal(store_put(rig->store, "log", &seq, 1), ERR_FORBIDDEN);
}

static void test_store__a_value_of_the_wrong_type_is_refused(void **state)
{
    struct rig *rig = *state;
    struct store_set sets[] = {set_int("id", 1), set_text("amount", "many")};
    assert_int_equal(store_insert(rig->store, "lead", sets, 2, NULL), ERR_VALIDATION);
    struct store_set empty[] = {set_int("id", 1), set_null("status")};
    assert_int_equal(store_insert(rig->store, "lead", empty, 2, NULL), ERR_VALIDATION);
}

static void test_store__a_reader_cannot_write(void **state)
{
    struct rig *rig = *state;
    struct store *reader;
    struct store_set id = set_int("id", 1);
    OK(store_open(rig->path, STORE_READ, &reader));
    assert_int_equal(store_insert(reader, "lead", &id, 1, NULL), ERR_FORBIDDEN);
    assert_int_equal(store_begin(reader, true), ERR_FORBIDDEN);
    assert_int_equal(store_checkpoint(reader, STORE_CHECKPOINT_IDLE, NULL), ERR_FORBIDDEN);
    store_close(reader);
}

/* --- reading --- */

static bool nested_row(void *arg, const struct store_row *row)
{
    struct rig *rig = arg;
    int64_t id = store_row_int(row, 0);
    char want[8];
    snprintf(want, sizeof want, "%d", (int)id);
    /* the same shape again, inside itself */
    assert_string_equal(rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "id", value_int(id))), want);
    return id < 3;
}

static void test_store__a_callback_may_read_and_stop(void **state)
{
    struct rig *rig = *state;
    for (int i = 1; i <= 5; i++)
        rig_lead(rig, i, "x", NULL, i);
    struct query_column select = {.column = {0, "id"}};
    struct query_order order = {.column = {0, "id"}};
    struct expr *where = expr_cmp(rig->arena, EXPR_GTE, "id", value_int(1));
    struct query query = {.table = "lead",
                          .select = &select,
                          .select_count = 1,
                          .where = where,
                          .order = &order,
                          .order_count = 1};
    OK(store_read(rig->store, &query, nested_row, rig));
    where->op = EXPR_EQ; /* the shape the callback uses: a second statement of one text */
    OK(store_read(rig->store, &query, nested_row, rig));
    OK(store_begin(rig->store, true)); /* nothing was left open */
    OK(store_commit(rig->store));
}

static bool ignore_row(void *arg, const struct store_row *row)
{
    (void)arg;
    (void)row;
    return true;
}

static void test_store__a_statement_over_budget_is_stopped(void **state)
{
    struct rig *rig = *state;
    OK(store_begin(rig->store, true));
    for (int i = 1; i <= 3000; i++)
        rig_lead(rig, i, "somebody with a rather long name", NULL, i % 7);
    OK(store_commit(rig->store));
    struct query_column select[] = {{.measure = MEASURE_COUNT}};
    struct query_join joins[] = {{.table = "lead", .from = {0, "amount"}, .to = "amount"},
                                 {.table = "lead", .from = {1, "amount"}, .to = "amount"}};
    struct query query = {
        .table = "lead", .select = select, .select_count = 1, .joins = joins, .joins_count = 2};
    store_budget(rig->store, 20000);
    int64_t before = clock_cpu_us();
    assert_int_equal(store_read(rig->store, &query, ignore_row, NULL), ERR_TIMEOUT);
    assert_true(clock_cpu_us() - before >= 20000);
    store_budget(rig->store, 0);
    assert_string_equal(rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "id", value_int(3))), "3");
}

static void test_store__statements_are_reused_and_bounded(void **state)
{
    struct rig *rig = *state;
    struct store_stats before, after;
    rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "id", value_int(1)));
    store_stats(rig->store, &before);
    for (int i = 0; i < 50; i++)
        rig_match(rig, expr_cmp(rig->arena, EXPR_EQ, "id", value_int(i)));
    store_stats(rig->store, &after);
    assert_int_equal(after.prepared, before.prepared);
    assert_int_equal(after.cache_hits, before.cache_hits + 50);
    const struct expr *where = expr_new(rig->arena, EXPR_TRUE);
    for (int i = 0; i < STATEMENTS_CACHED_MAX * 2; i++) {
        where = expr_and(rig->arena, where, expr_new(rig->arena, EXPR_TRUE));
        rig_match(rig, where);
    }
    store_stats(rig->store, &after);
    assert_int_equal(after.statements, STATEMENTS_CACHED_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_store__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_library_has_the_options_we_chose),
        TEST(pragmas_are_those_of_the_mode),
        TEST(a_missing_foreign_or_newer_file_says_so),
        TEST(a_new_file_is_its_owners_alone),
        TEST(a_symbolic_link_is_not_followed),
        TEST(callers_reach_only_tables_of_the_schema),
        TEST(values_come_back_as_they_went_in),
        TEST(a_conflict_names_its_index),
        TEST(put_inserts_or_updates_and_adds),
        TEST(add_counts_from_empty_and_refuses_overflow),
        TEST(the_most_and_the_least_stay),
        TEST(append_only_tables_only_grow),
        TEST(a_value_of_the_wrong_type_is_refused),
        TEST(a_reader_cannot_write),
        TEST(a_callback_may_read_and_stop),
        TEST(a_statement_over_budget_is_stopped),
        TEST(statements_are_reused_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
