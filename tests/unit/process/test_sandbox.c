/* test_sandbox - every denied call is tried from inside each role.
 *
 * Each role is entered by a child of its own; what it got for each call comes back by a pipe. The
 * calls are made with harmless or broken arguments: where the filter lets one through, the kernel
 * answers something else than EPERM, or does it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "help.h"
#include "process/sandbox.h"

#define ATTEMPTS_MAX 80

struct attempt {
    const char *name;
    long number, args[3];
    int denied; /* errno that a confined process gets */
};

#define CALL(name, ...)                                                                            \
    {                                                                                              \
#name, SYS_##name, {__VA_ARGS__ }, EPERM                                                   \
    }

/* Root without the filter gets another answer to each of these: proven by the test below. */
static const struct attempt DENIED[] = {
    CALL(execve, 0, 0, 0),
    CALL(execveat, -1, 0, 0),
    CALL(process_vm_readv, 0, 0, 0),
    CALL(process_vm_writev, 0, 0, 0),
    CALL(pidfd_getfd, -1, -1, 0),
    CALL(mount, 0, 0, 0),
    CALL(umount2, 0, 0, 0),
    CALL(move_mount, -1, 0, -1),
    CALL(open_tree, -1, 0, 0),
    CALL(fsopen, 0, 0, 0),
    CALL(fsmount, -1, 0, 0),
    CALL(fsconfig, -1, 0, 0),
    CALL(pivot_root, 0, 0, 0),
    CALL(chroot, 0, 0, 0),
    CALL(unshare, CLONE_NEWUSER | CLONE_NEWNET, 0, 0),
    CALL(setns, -1, 0, 0),
    CALL(init_module, 0, 0, 0),
    CALL(finit_module, -1, 0, 0),
    CALL(acct, 1, 0, 0),
    CALL(personality, 0xffffffff, 0, 0),
    CALL(setuid, 0, 0, 0),
    CALL(setgid, 0, 0, 0),
    CALL(setresuid, -1, -1, -1),
    CALL(setreuid, -1, -1, 0),
    CALL(bpf, 9999, 0, 0),
    CALL(keyctl, 9999, 0, 0),
    CALL(add_key, 0, 0, 0),
    CALL(request_key, 0, 0, 0),
    CALL(perf_event_open, 0, 0, 0),
    CALL(io_uring_setup, 1, 0, 0),
    CALL(io_uring_enter, -1, 0, 0),
    CALL(io_uring_register, -1, 0, 0),
    CALL(userfaultfd, 0xffff, 0, 0),
    {"clone into a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD, 0, 0}, EPERM},
    {"clone into a network namespace", SYS_clone, {CLONE_NEWNET | SIGCHLD, 0, 0}, EPERM},
    {"clone3", SYS_clone3, {0, 0, 0}, ENOSYS},
    {"socket(AF_PACKET)", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, EPERM},
    {"socket(AF_VSOCK)", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, EPERM},
#ifndef PERIGEE_SANITIZE
    CALL(ptrace, 9999, 0, 0),
#endif
#ifdef __x86_64__
    {"getpid by its second number", 0x40000000 | SYS_getpid, {0, 0, 0}, EPERM},
#endif
};
#define DENIED_COUNT (int)(sizeof DENIED / sizeof *DENIED)
_Static_assert(sizeof DENIED / sizeof *DENIED <= ATTEMPTS_MAX, "the answers have room");

/* Of one child: errno of each attempt, 0 = it was done. */
struct answers {
    int got[ATTEMPTS_MAX];
    int inet, inet6, local, pair, thread_group; /* errno */
    int no_new_privs;
    struct rlimit core, files, file_bytes, addresses;
};

static int try(const struct attempt *a)
{
    errno = 0;
    long r = syscall(a->number, a->args[0], a->args[1], a->args[2], 0L, 0L, 0L);
    if (r == 0 && a->number == SYS_clone)
        _exit(0); /* the new process: it should not be */
    return r < 0 ? errno : 0;
}

static int try_socket(int family)
{
    errno = 0;
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static void attempts(struct answers *out)
{
    int pair[2];
    for (int i = 0; i < DENIED_COUNT; i++)
        out->got[i] = try(&DENIED[i]);
    out->inet = try_socket(AF_INET);
    out->inet6 = try_socket(AF_INET6);
    out->local = try_socket(AF_UNIX);
    out->pair = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? 0 : errno;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    out->thread_group = pid > 0 ? 0 : errno;
    out->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    getrlimit(RLIMIT_CORE, &out->core);
    getrlimit(RLIMIT_NOFILE, &out->files);
    getrlimit(RLIMIT_FSIZE, &out->file_bytes);
    getrlimit(RLIMIT_AS, &out->addresses);
}

/* BOARD_NONE: without the filter, to know that the attempts tell the two apart. */
static void answers_of(enum board_role role, struct answers *out)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static struct answers mine;
        static const struct config config;
        if (role != BOARD_NONE)
            sandbox_enter(role, &config);
        attempts(&mine);
        _exit(write(pipes[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    close(pipes[1]);
    size_t got = 0;
    ssize_t n;
    while ((n = read(pipes[0], (char *)out + got, sizeof *out - got)) > 0)
        got += (size_t)n;
    close(pipes[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(got, sizeof *out);
}

static void role_check(enum board_role role)
{
    struct answers got;
    answers_of(role, &got);
    for (int i = 0; i < DENIED_COUNT; i++)
        if (got.got[i] != DENIED[i].denied)
            fail_msg("%s: errno %d (%s)", DENIED[i].name, got.got[i], strerror(got.got[i]));
    assert_int_equal(got.local, 0);
    assert_int_equal(got.pair, 0);
    assert_int_equal(got.thread_group, 0);
    assert_int_equal(got.no_new_privs, 1);
    assert_int_equal(got.core.rlim_max, 0);
    assert_true(got.files.rlim_max <= 8192);
    assert_true(got.file_bytes.rlim_max <= 256ULL << 30);
#ifndef PERIGEE_SANITIZE
    assert_true(got.addresses.rlim_max <= 8ULL << 30);
#endif
    int outside = role == BOARD_RUNNER ? 0 : EPERM;
    assert_int_equal(got.inet, outside);
    assert_int_equal(got.inet6 == EAFNOSUPPORT ? outside : got.inet6, outside);
}

static void test_sandbox__gateway_is_denied_what_it_never_needs(void **state)
{
    (void)state;
    role_check(BOARD_GATEWAY);
}

static void test_sandbox__worker_is_denied_what_it_never_needs(void **state)
{
    (void)state;
    role_check(BOARD_WORKER);
}

static void test_sandbox__runner_reaches_the_network_and_nothing_else(void **state)
{
    (void)state;
    role_check(BOARD_RUNNER);
}

/* Without this, a kernel that refuses everything by itself would let the tests above pass. */
static void test_sandbox__attempts_tell_the_filter_from_the_kernel(void **state)
{
    (void)state;
    struct answers bare;
    int same = 0;
    answers_of(BOARD_NONE, &bare);
    for (int i = 0; i < DENIED_COUNT; i++)
        same += bare.got[i] == DENIED[i].denied;
    if (geteuid() == 0)
        assert_true(same <= DENIED_COUNT / 2);
    assert_true(same < DENIED_COUNT);
    assert_int_equal(bare.inet, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox__gateway_is_denied_what_it_never_needs),
        cmocka_unit_test(test_sandbox__worker_is_denied_what_it_never_needs),
        cmocka_unit_test(test_sandbox__runner_reaches_the_network_and_nothing_else),
        cmocka_unit_test(test_sandbox__attempts_tell_the_filter_from_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
