/* test_open - many processes open a store at once after a crash left its WAL.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define ROUNDS    25

static pid_t child(int (*run)(struct rig *rig, int number), struct rig *rig, int number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(rig, number));
    return pid;
}

static bool ended_well(pid_t pid)
{
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Ends like a killed process: nothing is closed. */
static int write_and_vanish(struct rig *rig, int number)
{
    struct store *store;
    struct store_set sets[] = {{"id", value_int(number), false},
                               {"name", value_text(SLICE("somebody")), false}};
    if (store_open(rig->path, STORE_OWNER, &store) || store_begin(store, true))
        return 1;
    for (int i = 0; i < 400; i++) {
        sets[0].value = value_int(number * 1000 + i);
        if (store_insert(store, "users", sets, COUNT(sets), NULL))
            return 2;
    }
    return store_commit(store) ? 3 : 0;
}

static int begin[2]; /* pipe: closed when all may start */

static int open_and_read(struct rig *rig, int number)
{
    struct store *store;
    struct store_header header;
    char none;
    close(begin[1]);
    if (read(begin[0], &none, 1) != 0)
        return 1;
    if (store_open(rig->path, number % 2 ? STORE_READ : STORE_WRITER, &store))
        return 2;
    return store_header_read(store, &header) ? 3 : 0;
}

static void test_open__the_recovery_of_another_process_is_waited_for(void **state)
{
    struct rig *rig = *state;
    store_close(rig->store); /* a crash leaves no connection */
    for (int round = 1; round <= ROUNDS; round++) {
        assert_true(ended_well(child(write_and_vanish, rig, round)));
        assert_int_equal(pipe(begin), 0);
        pid_t pids[PROCESSES];
        for (int i = 0; i < PROCESSES; i++)
            pids[i] = child(open_and_read, rig, i);
        close(begin[0]);
        close(begin[1]);
        int well = 0;
        for (int i = 0; i < PROCESSES; i++)
            well += ended_well(pids[i]);
        assert_int_equal(well, PROCESSES);
    }
    OK(store_open(rig->path, STORE_OWNER, &rig->store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open__the_recovery_of_another_process_is_waited_for,
                                        rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
