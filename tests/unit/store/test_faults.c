/* test_faults - failing writes and syncs: what was acknowledged is there, what failed is not.
 *
 * For each n the n-th write or sync of a run of commits and checkpoints fails. Then the store is
 * looked at twice: as it is, and as a process killed at that moment would find it (a copy of the
 * files, recovered). And the power is cut at each n: only what was synced is sure to be left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include <unistd.h>

#include "fail_vfs.h"

#define COMMITS 10
#define ROWS    4 /* per commit; commit c writes ids c*10 .. c*10+3 */

enum outcome { FAILED, ACKNOWLEDGED, UNKNOWN };

static enum err commit_make(struct rig *rig, int c)
{
    enum err e = store_begin(rig->store, true);
    if (e)
        return e;
    for (int i = 0; i < ROWS && !e; i++) {
        char name[600];
        memset(name, 'a' + c, sizeof name - 1);
        name[sizeof name - 1] = '\0';
        struct store_set sets[] = {set_int("id", c * 10 + i), set_text("name", name),
                                   set_int("amount", c)};
        if (i == 2)
            e = store_savepoint(rig->store);
        if (!e)
            e = store_insert(rig->store, "lead", sets, COUNT(sets), NULL);
        if (!e)
            e = store_tokens_put(rig->store, "lead", c * 10 + i, SLICE(""), SLICE("3:x 3:y"));
        if (i == 2 && (e == ERR_OK || store_in_tx(rig->store)))
            e = store_savepoint_end(rig->store, e);
    }
    if (e) {
        store_rollback(rig->store);
        return e;
    }
    return store_commit(rig->store);
}

static void run(struct rig *rig, enum outcome *outcomes)
{
    for (int c = 0; c < COMMITS; c++) {
        enum err e = commit_make(rig, c);
        assert_false(store_in_tx(rig->store));
        if (e != ERR_OK && e != ERR_IO && e != ERR_FULL && e != ERR_OUTCOME_UNKNOWN)
            fail_msg("commit %d answered %s: %s", c, err_code(e), store_why(rig->store));
        outcomes[c] = e == ERR_OK ? ACKNOWLEDGED : e == ERR_OUTCOME_UNKNOWN ? UNKNOWN : FAILED;
        if (c == 3 || c == 6) {
            e = store_checkpoint(rig->store, STORE_CHECKPOINT_RESTART, NULL);
            assert_true(e == ERR_OK || e == ERR_IO || e == ERR_FULL);
        }
    }
}

static void check(struct rig *rig, const enum outcome *outcomes, const char *where, int nth)
{
    struct buf complaints = BUF_INIT;
    for (int c = 0; c < COMMITS; c++) {
        int64_t n = -1;
        struct expr *mine = expr_cmp(rig->arena, EXPR_EQ, "amount", value_int(c));
        OK(store_count(rig->store, "lead", mine, 100, &n));
        bool right = outcomes[c] == ACKNOWLEDGED ? n == ROWS
                     : outcomes[c] == FAILED     ? n == 0
                                                 : n == 0 || n == ROWS;
        if (!right)
            fail_msg("%s, n %d: commit %d was %d and has %d rows", where, nth, c, outcomes[c],
                     (int)n);
    }
    OK(store_integrity(rig->store, &complaints));
    buf_release(&complaints);
}

static void copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = rig_file(from, &len);
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    free(bytes);
}

/* What a killed process leaves, opened by the next one. */
static void check_killed(struct rig *rig, const enum outcome *outcomes, int nth)
{
    struct rig killed = *rig;
    char from[RIG_PATH_MAX + 8], to[RIG_PATH_MAX + 8];
    snprintf(killed.path, sizeof killed.path, "%.200s/killed.db", rig->folder);
    snprintf(from, sizeof from, "%s-wal", rig->path);
    snprintf(to, sizeof to, "%s-wal", killed.path);
    copy_file(rig->path, killed.path);
    copy_file(from, to);
    OK(store_open(killed.path, STORE_OWNER, &killed.store));
    check(&killed, outcomes, "killed", nth);
    store_close(killed.store);
    unlink(killed.path);
}

/* One n; false when nothing failed any more. */
static bool torture(enum fail_kind kind, int nth, bool forever, bool *unknown)
{
    enum outcome outcomes[COMMITS];
    void *state;
    rig_setup(&state);
    struct rig *rig = state;
    fail_vfs_arm(kind, nth, forever);
    run(rig, outcomes);
    bool failed = fail_vfs_failed() > 0;
    fail_vfs_disarm();
    for (int c = 0; c < COMMITS; c++)
        *unknown |= outcomes[c] == UNKNOWN;
    check_killed(rig, outcomes, nth);
    check(rig, outcomes, "alive", nth);
    OK(commit_make(rig, COMMITS)); /* the store is usable again */
    check_killed(rig, outcomes, nth);
    rig_teardown(&state);
    return failed;
}

static int torture_all(enum fail_kind kind, bool forever, bool *unknown)
{
    int nth = 1;
    while (torture(kind, nth, forever, unknown)) {
        nth++;
        assert_true(nth < 2000);
    }
    return nth - 1;
}

static void test_faults__a_failing_write_loses_only_what_failed(void **state)
{
    bool unknown = false;
    (void)state;
    assert_true(torture_all(FAIL_WRITE_IO, false, &unknown) > 2 * COMMITS);
    assert_true(torture_all(FAIL_WRITE_IO, true, &unknown) > 2 * COMMITS);
}

static void test_faults__a_full_disk_loses_only_what_failed(void **state)
{
    bool unknown = false;
    (void)state;
    assert_true(torture_all(FAIL_WRITE_FULL, false, &unknown) > 2 * COMMITS);
    assert_true(torture_all(FAIL_WRITE_FULL, true, &unknown) > 2 * COMMITS);
    assert_false(unknown); /* a full disk always has a clear answer */
}

static void test_faults__a_failed_sync_does_not_come_back_after_a_crash(void **state)
{
    bool unknown = false;
    (void)state;
    assert_true(torture_all(FAIL_SYNC, false, &unknown) >= COMMITS);
    assert_false(unknown); /* one failure is healed */
    assert_true(torture_all(FAIL_SYNC, true, &unknown) >= COMMITS);
    assert_true(unknown); /* a disk that never syncs again cannot be answered for */
}

static void test_faults__errors_have_their_names(void **state)
{
    void *inner;
    (void)state;
    rig_setup(&inner);
    struct rig *rig = inner;
    fail_vfs_arm(FAIL_WRITE_FULL, 1, true);
    assert_int_equal(commit_make(rig, 1), ERR_FULL);
    fail_vfs_arm(FAIL_WRITE_IO, 1, true);
    assert_int_equal(commit_make(rig, 1), ERR_IO);
    fail_vfs_arm(FAIL_SYNC, 1, false);
    assert_int_equal(commit_make(rig, 1), ERR_IO);
    fail_vfs_disarm();
    OK(commit_make(rig, 1));
    rig_teardown(&inner);
}

/* Commits that were answered before the power went are there, the one on its way wholly or not at
 * all, none after it. False when the run had fewer than n steps. */
static bool power_cut(int nth, unsigned seed)
{
    enum outcome outcomes[COMMITS] = {FAILED};
    void *state;
    char path[RIG_PATH_MAX];
    rig_setup(&state);
    struct rig *rig = state, after = *rig;
    snprintf(path, sizeof path, "%.200s/cut.db", rig->folder);
    store_close(rig->store);
    fail_vfs_cut_arm(nth, seed, path);
    OK(store_open(rig->path, STORE_OWNER, &rig->store));
    for (int c = 0; c < COMMITS && !fail_vfs_cut_done(); c++) {
        OK(commit_make(rig, c));
        outcomes[c] = fail_vfs_cut_done() ? UNKNOWN : ACKNOWLEDGED;
        if (c == 3 || c == 6)
            OK(store_checkpoint(
                rig->store, c == 3 ? STORE_CHECKPOINT_RESTART : STORE_CHECKPOINT_TRUNCATE, NULL));
    }
    bool done = fail_vfs_cut_done();
    fail_vfs_cut_disarm();
    if (done) {
        snprintf(after.path, sizeof after.path, "%s", path);
        OK(store_open(after.path, STORE_OWNER, &after.store));
        check(&after, outcomes, "power cut", nth);
        OK(commit_make(&after, COMMITS));
        store_close(after.store);
    }
    rig_teardown(&state);
    return done;
}

static void test_faults__a_power_cut_keeps_what_was_acknowledged(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 4; seed++) {
        int nth = 1;
        while (power_cut(nth, seed))
            nth++;
        assert_true(nth > 6 * COMMITS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults__a_failing_write_loses_only_what_failed),
        cmocka_unit_test(test_faults__a_full_disk_loses_only_what_failed),
        cmocka_unit_test(test_faults__a_failed_sync_does_not_come_back_after_a_crash),
        cmocka_unit_test(test_faults__a_power_cut_keeps_what_was_acknowledged),
        cmocka_unit_test(test_faults__errors_have_their_names),
    };
    fail_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
