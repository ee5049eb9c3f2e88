/* test_child - processes: descriptors, signals, exit codes, dying with the parent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "help.h"

struct exits {
    struct loop *loop;
    int count, status, signum, again;
    pid_t pid;
};

static char *shell[] = {"/bin/sh", "-c", NULL, NULL};

static void ended(void *arg, pid_t pid, int status, int signum)
{
    struct exits *exits = arg;
    exits->count++;
    exits->pid = pid;
    exits->status = status;
    exits->signum = signum;
    if (exits->again-- > 0) /* a supervisor starts the next one from here */
        assert_int_equal(child_start(exits->loop, shell, NULL, 0, ended, exits, &pid), ERR_OK);
}

static void test_child__exit_code_is_told(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()};
    pid_t pid;
    shell[2] = "exit 7";
    assert_int_equal(child_start(exits.loop, shell, NULL, 0, ended, &exits, &pid), ERR_OK);
    loop_run(exits.loop); /* kept going by the child, ended with it */
    assert_int_equal(exits.count, 1);
    assert_int_equal(exits.pid, pid);
    assert_int_equal(exits.status, 7);
    assert_int_equal(exits.signum, 0);
    loop_free(exits.loop);
}

static void test_child__killing_signal_is_told(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()};
    pid_t pid;
    shell[2] = "exec sleep 600";
    assert_int_equal(child_start(exits.loop, shell, NULL, 0, ended, &exits, &pid), ERR_OK);
    kill(pid, SIGKILL);
    loop_run(exits.loop);
    assert_int_equal(exits.signum, SIGKILL);
    loop_free(exits.loop);
}

static void test_child__can_be_started_from_the_exit_of_another(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new(), .again = 3};
    pid_t pid;
    shell[2] = "exit 0";
    for (int i = 0; i < 4; i++)
        assert_int_equal(child_start(exits.loop, shell, NULL, 0, ended, &exits, &pid), ERR_OK);
    loop_run(exits.loop);
    assert_int_equal(exits.count, 7);
    loop_free(exits.loop);
}

static void test_child__what_cannot_run_is_an_error_at_once(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()};
    pid_t pid = -7;
    char *missing[] = {"/nowhere/perigee", NULL};
    char *folder[] = {"/tmp", NULL};
    assert_int_equal(child_start(exits.loop, missing, NULL, 0, ended, &exits, &pid), ERR_NOT_FOUND);
    assert_int_equal(child_start(exits.loop, folder, NULL, 0, ended, &exits, &pid), ERR_FORBIDDEN);
    assert_int_equal(pid, -7);
    loop_run(exits.loop); /* nothing is left that would keep it going */
    assert_int_equal(exits.count, 0);
    loop_free(exits.loop);
}

static void test_child__descriptors_stand_on_their_numbers_and_no_others(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()};
    pid_t pid;
    int out[2], in[2];
    char got[200] = "";
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(write(in[1], "given", 5), 5);
    close(in[1]);
    int leak = open("/dev/null", O_RDONLY); /* inheritable by mistake */
    /* Crosswise, so that each number is the other's source, and with a gap. */
    int low = dup2(out[1], 40), high = dup2(in[0], 41);
    struct child_fd fds[] = {{low, 41}, {high, 40}, {low, 5}};
    shell[2] = "cat /proc/$$/fd/40 >/proc/$$/fd/41; exec ls /proc/self/fd >&5";
    assert_int_equal(child_start(exits.loop, shell, fds, 3, ended, &exits, &pid), ERR_OK);
    close(out[1]);
    close(low);
    loop_run(exits.loop);
    assert_int_equal(exits.status, 0);
    assert_true(read(out[0], got, sizeof got - 1) > 0);
    for (size_t len = strlen(got);;) {
        ssize_t n = read(out[0], got + len, sizeof got - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }

    assert_string_equal(got, "given0\n1\n2\n3\n40\n41\n5\n"); /* 3: the folder ls reads */
    close(high);
    close(leak);
    close(out[0]);
    close(in[0]);
    loop_free(exits.loop);
}

static void test_child__signals_are_reset(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()}; /* ignores SIGPIPE */
    pid_t pid;
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGINT, SIG_IGN);
    shell[2] = "test $(grep -c 'Sig\\(Blk\\|Ign\\):.0*$' /proc/$$/status) = 2; exit $?";
    assert_int_equal(child_start(exits.loop, shell, NULL, 0, ended, &exits, &pid), ERR_OK);
    loop_run(exits.loop);
    assert_int_equal(exits.status, 0);
    /* And ours are as they were. */
    sigset_t now;
    sigprocmask(SIG_SETMASK, &before, &now);
    assert_true(sigismember(&now, SIGTERM));
    assert_false(sigismember(&now, SIGUSR1));
    signal(SIGINT, SIG_DFL);
    loop_free(exits.loop);
}

/* In a process of its own: starts a child that would sleep, tells its number, and is killed. */
static void parent_run(int tell)
{
    struct exits exits = {.loop = loop_new()};
    struct child_fd fds[] = {{tell, 3}};
    pid_t pid;
    shell[2] = "exec sleep 600";
    if (child_start(exits.loop, shell, fds, 1, ended, &exits, &pid) != ERR_OK)
        _exit(1);
    (void)!write(tell, &pid, sizeof pid);
    raise(SIGKILL);
}

static void test_child__dies_with_its_parent(void **state)
{
    (void)state;
    int tell[2];
    pid_t parent, child = 0;
    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0)
        parent_run(tell[1]);
    close(tell[1]);
    assert_int_equal(read(tell[0], &child, sizeof child), sizeof child);
    assert_true(child > 1);
    /* The end of the pipe comes only when the parent and the child are both gone: the child holds
     * it as number 3. */
    char byte;
    assert_int_equal(read(tell[0], &byte, 1), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    close(tell[0]);
}

static void told_once(void *arg, pid_t pid, int status, int signum)
{
    struct exits *exits = arg;
    exits->pid = pid;
    exits->status = status;
    exits->signum = signum;
}

static void write_pid(void *arg)
{
    const struct exits *exits = arg;
    pid_t pid = getpid();
    (void)!write(exits->again, &pid, sizeof pid);
}

static void test_child__a_copy_runs_its_function_and_ends(void **state)
{
    (void)state;
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    struct exits exits = {.loop = loop_new(), .again = tell[1], .status = -1};
    pid_t pid = 0, told = 0;
    assert_int_equal(child_fork(exits.loop, write_pid, told_once, &exits, &pid), ERR_OK);
    loop_run(exits.loop);
    assert_int_equal(exits.pid, pid);
    assert_int_equal(exits.status, 0);
    assert_int_equal(read(tell[0], &told, sizeof told), sizeof told);
    assert_int_equal(told, pid);
    close(tell[0]);
    close(tell[1]);
    loop_free(exits.loop);
}

static void test_child__living_ones_are_forgotten_with_the_loop(void **state)
{
    (void)state;
    struct exits exits = {.loop = loop_new()};
    pid_t pid;
    shell[2] = "exec sleep 600";
    assert_int_equal(child_start(exits.loop, shell, NULL, 0, ended, &exits, &pid), ERR_OK);
    loop_free(exits.loop);
    assert_int_equal(exits.count, 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child__exit_code_is_told),
        cmocka_unit_test(test_child__killing_signal_is_told),
        cmocka_unit_test(test_child__can_be_started_from_the_exit_of_another),
        cmocka_unit_test(test_child__what_cannot_run_is_an_error_at_once),
        cmocka_unit_test(test_child__descriptors_stand_on_their_numbers_and_no_others),
        cmocka_unit_test(test_child__signals_are_reset),
        cmocka_unit_test(test_child__dies_with_its_parent),
        cmocka_unit_test(test_child__a_copy_runs_its_function_and_ends),
        cmocka_unit_test(test_child__living_ones_are_forgotten_with_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
