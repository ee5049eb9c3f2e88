/* test_keep - checkpoints, backups, integrity, numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/sqlite/db.h"

static void fill(struct rig *rig, int from, int count)
{
    OK(store_begin(rig->store, true));
    for (int i = from; i < from + count; i++)
        rig_lead(rig, i, "somebody with a name of some length", NULL, i);
    OK(store_commit(rig->store));
}

static void test_keep__a_checkpoint_empties_the_wal(void **state)
{
    struct rig *rig = *state;
    struct store_stats stats;
    int pages = -1;
    fill(rig, 1, 500);
    assert_true(store_wal_pages(rig->store) > 5);
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_IDLE, &pages));
    assert_true(pages > 5);
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_TRUNCATE, NULL));
    store_stats(rig->store, &stats);
    assert_int_equal(stats.wal_bytes, 0);
    assert_true(stats.bytes > 20000);
    assert_int_equal(store_wal_pages(rig->store), 0);
}

/* Who has borrowed the turn copies what it has written; only the owner begins the WAL anew. */
static void test_keep__a_borrower_copies_but_does_not_reset(void **state)
{
    struct rig *rig = *state;
    struct store *runner;
    int pages = 0;
    OK(store_open(rig->path, STORE_WRITER, &runner));
    struct rig other = *rig;
    other.store = runner;
    fill(&other, 1, 500);
    int before = store_wal_pages(runner);
    OK(store_checkpoint(runner, STORE_CHECKPOINT_IDLE, &pages));
    assert_int_equal(pages, before);
    assert_int_equal(store_checkpoint(runner, STORE_CHECKPOINT_RESTART, NULL), ERR_FORBIDDEN);
    assert_int_equal(store_checkpoint(runner, STORE_CHECKPOINT_TRUNCATE, NULL), ERR_FORBIDDEN);
    fill(&other, 501, 1); /* all was copied and nobody reads: the WAL begins anew by itself */
    assert_true(store_wal_pages(runner) < before);
    store_close(runner);
}

static bool is_asked(void *arg)
{
    int *left = arg; /* questions until somebody waits */
    return --*left < 0;
}

static bool any_row(void *arg, const struct store_row *row)
{
    (void)row;
    ++*(int *)arg;
    return true;
}

static void test_keep__a_snapshot_ends_when_it_is_asked_back(void **state)
{
    struct rig *rig = *state;
    struct query_column select = {.column = {0, "id"}};
    struct query_join join = {.table = "lead", .from = {0, "amount"}, .to = "amount"};
    struct query query = {
        .table = "lead", .select = &select, .select_count = 1, .joins = &join, .joins_count = 1};
    int left = 3, rows = 0;
    fill(rig, 1, 2000);
    store_watch(rig->store, is_asked, &left);
    assert_int_equal(store_read(rig->store, &query, any_row, &rows), ERR_BUSY);
    assert_true(rows < 2000);
    left = 1 << 30;
    rows = 0;
    OK(store_read(rig->store, &query, any_row, &rows)); /* again, from a new snapshot */
    assert_int_equal(rows, 2000);
    left = rows = 0;
    OK(store_begin(rig->store, true)); /* a writer holds nobody up by reading */
    OK(store_read(rig->store, &query, any_row, &rows));
    assert_int_equal(rows, 2000);
    store_rollback(rig->store);
    store_watch(rig->store, NULL, NULL);
    OK(store_read(rig->store, &query, any_row, &rows));
}

static int64_t pragma_busy(struct store *store)
{
    int64_t n = -1;
    OK(db_int((struct db *)store, "PRAGMA busy_timeout", &n));
    return n;
}

static void test_keep__a_reader_delays_the_reset_but_not_the_copy(void **state)
{
    struct rig *rig = *state;
    struct store *reader;
    int64_t n;
    int pages = 0;
    OK(store_open(rig->path, STORE_READ, &reader));
    OK(store_begin(reader, false));
    OK(store_count(reader, "lead", NULL, 9, &n));
    fill(rig, 1, 100);
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_IDLE, &pages));
    assert_int_equal(store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, &pages), ERR_BUSY);
    assert_true(pages > 0);
    assert_int_equal(pragma_busy(rig->store), 0);
    store_rollback(reader);
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, &pages));
    store_close(reader);
}

/* One writer, overlapping readers, explicit checkpoints as the owner makes them. */
static void test_keep__the_wal_stays_bounded_under_readers_and_writes(void **state)
{
    struct rig *rig = *state;
    struct store *readers[2];
    struct store_stats stats;
    int64_t n, most = 0;
    for (int i = 0; i < 2; i++)
        OK(store_open(rig->path, STORE_READ, &readers[i]));
    for (int turn = 0; turn < 200; turn++) {
        struct store *reader = readers[turn % 2]; /* one of the two always holds a snapshot */
        if (store_in_tx(reader))
            store_rollback(reader);
        OK(store_begin(reader, false));
        OK(store_count(reader, "lead", NULL, 9, &n));
        fill(rig, turn * 50, 50);
        if (store_wal_pages(rig->store) > 200) { /* a small stand-in for WAL_RESTART_PAGES */
            enum err e = store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, NULL);
            if (e == ERR_BUSY) { /* what the owner asks of runners: open your snapshot again */
                store_rollback(readers[0]);
                store_rollback(readers[1]);
                e = store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, NULL);
            }
            OK(e);
        }
        store_stats(rig->store, &stats);
        most = stats.wal_bytes > most ? stats.wal_bytes : most;
    }
    assert_in_range(most, 1, 400 * 4200);
    for (int i = 0; i < 2; i++)
        store_close(readers[i]);
}

static void test_keep__a_backup_is_one_whole_snapshot(void **state)
{
    struct rig *rig = *state;
    struct rig copy = *rig;
    struct store *runner;
    struct stat st;
    int64_t n = -1;
    char text[RIG_PATH_MAX + 8];
    snprintf(copy.path, sizeof copy.path, "%.200s/copy.db", rig->folder);
    fill(rig, 1, 300);
    OK(store_open(rig->path, STORE_WRITER, &runner));
    OK(store_begin(rig->store, true)); /* beside a writer: what is not committed is not in it */
    rig_lead(rig, 9999, "not yet", NULL, 1);
    OK(store_backup(runner, copy.path));
    OK(store_commit(rig->store));
    store_close(runner);
    assert_int_equal(stat(copy.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(text, sizeof text, "%s.new", copy.path);
    assert_int_not_equal(stat(text, &st), 0);
    snprintf(text, sizeof text, "%s-wal", copy.path);
    assert_int_not_equal(stat(text, &st), 0);
    OK(store_open(copy.path, STORE_OWNER, &copy.store));
    OK(store_count(copy.store, "lead", NULL, 10000, &n));
    assert_int_equal(n, 300);
    rig_lead(&copy, 1000, "it lives", NULL, 1);
    store_close(copy.store);
    OK(store_backup(rig->store, copy.path)); /* over an older one */
    OK(store_open(copy.path, STORE_OWNER, &copy.store));
    OK(store_count(copy.store, "lead", NULL, 10000, &n));
    assert_int_equal(n, 301);
    store_close(copy.store);
    assert_int_equal(store_backup(rig->store, "/nowhere/at/all.db"), ERR_NOT_FOUND);
}

static void test_keep__damage_is_found(void **state)
{
    struct rig *rig = *state;
    struct buf complaints = BUF_INIT;
    fill(rig, 1, 2000);
    OK(store_integrity(rig->store, &complaints));
    assert_int_equal(complaints.len, 0);
    OK(store_checkpoint(rig->store, STORE_CHECKPOINT_TRUNCATE, NULL));
    store_close(rig->store);
    FILE *file = fopen(rig->path, "r+b");
    for (long page = 40; page < 60; page++) {
        fseek(file, page * 4096 + 100, SEEK_SET);
        fwrite("damage damage damage damage damage", 1, 34, file);
    }
    fclose(file);
    OK(store_open(rig->path, STORE_OWNER, &rig->store));
    assert_int_equal(store_integrity(rig->store, &complaints), ERR_CORRUPT);
    buf_release(&complaints);
}

static void test_keep__what_is_held_can_be_given_back(void **state)
{
    struct rig *rig = *state;
    struct store *reader;
    int64_t count = 0;
    for (int i = 1; i <= 300; i++)
        rig_lead(rig, i, "somebody with a name of some length", "new", i);
    OK(store_open(rig->path, STORE_READ, &reader));
    size_t before = store_memory(reader);
    OK(store_count(reader, "lead", NULL, 1000, &count));
    assert_int_equal(count, 300);
    size_t read = store_memory(reader);
    assert_true(read > before);
    store_relax(reader);
    assert_true(store_memory(reader) < read);
    OK(store_count(reader, "lead", NULL, 1000, &count));
    assert_int_equal(count, 300);
    store_close(reader);
}

/* A count of its own text for each number of conditions. */
static void count_by(struct store *store, int conditions)
{
    struct arena *arena = arena_new();
    const struct expr *all = NULL;
    int64_t count = 0;
    for (int i = 0; i < conditions; i++)
        all = expr_and(arena, all, expr_cmp(arena, EXPR_GTE, "amount", value_int(i)));
    OK(store_count(store, "lead", all, 1000, &count));
    arena_free(arena);
}

/* What the cached statements hold; *most: the heaviest. */
static size_t statements_bytes(struct store *store, size_t *most)
{
    const struct db *db = db_of(store);
    size_t bytes = 0;
    for (int i = 0; i < db->cache_count; i++) {
        bytes += db->cache[i].bytes;
        *most = db->cache[i].bytes > *most ? db->cache[i].bytes : *most;
    }
    return bytes;
}

static void test_keep__one_at_rest_keeps_the_statements_used_last(void **state)
{
    struct rig *rig = *state;
    struct store_stats used, rested, again;
    for (int i = 1; i <= 40; i++)
        count_by(rig->store, i);
    store_stats(rig->store, &used);
    size_t held = store_memory(rig->store), most = 0;
    assert_true(statements_bytes(rig->store, &most) > STATEMENTS_REST_BYTES);
    store_rest(rig->store);
    store_stats(rig->store, &rested);
    size_t kept = statements_bytes(rig->store, &most);
    assert_in_range(kept, STATEMENTS_REST_BYTES - most, STATEMENTS_REST_BYTES);
    assert_true(rested.statements < used.statements);
    assert_true(store_memory(rig->store) < held);
    count_by(rig->store, 40);
    store_stats(rig->store, &again);
    assert_int_equal(again.prepared, rested.prepared);
    for (int i = 1; i <= 40; i++)
        count_by(rig->store, i);
    store_stats(rig->store, &again);
    assert_int_equal(again.prepared - rested.prepared, used.statements - rested.statements);
    store_rest(rig->store);
    store_rest(rig->store);
    store_stats(rig->store, &again);
    assert_int_equal(again.statements, rested.statements);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_keep__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_checkpoint_empties_the_wal),
        TEST(a_borrower_copies_but_does_not_reset),
        TEST(a_snapshot_ends_when_it_is_asked_back),
        TEST(a_reader_delays_the_reset_but_not_the_copy),
        TEST(the_wal_stays_bounded_under_readers_and_writes),
        TEST(a_backup_is_one_whole_snapshot),
        TEST(damage_is_found),
        TEST(what_is_held_can_be_given_back),
        TEST(one_at_rest_keeps_the_statements_used_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
