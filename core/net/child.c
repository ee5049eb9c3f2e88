/* child - starting and watching the processes of the supervisor.
 *
 * Between fork and exec only async-signal-safe calls are made; everything else is prepared before.
 * A pipe that exec closes tells the parent whether the program runs. SIGCHLD only says "look": each
 * known child is asked for by its number, so nobody else's child is taken.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/loop_uv.h"

/* A child is given a handful of descriptors: a listening socket, a pipe, a shared page, a lock. */
#define CHILD_FDS_MAX 16

struct child {
    struct child *next;
    pid_t pid;
    child_exit_cb cb;
    void *arg;
    int status; /* of waitpid */
};

/* ---- in the child, before exec ---- */

_Noreturn static void child_fail(int report)
{
    int number = errno;
    (void)!write(report, &number, sizeof number);
    _exit(127);
}

/* Puts the descriptors on their numbers and closes all others but the report, which it moves. */
static int child_fds(const struct child_fd *fds, int count, int report)
{
    int from[CHILD_FDS_MAX];
    int top = 2;
    for (int i = 0; i < count; i++)
        top = fds[i].to > top ? fds[i].to : top;
    /* All out of the way first: one's number may be the other's source. */
    int high = fcntl(report, F_DUPFD_CLOEXEC, top + 1);
    if (high < 0)
        child_fail(report);
    for (int i = 0; i < count; i++) {
        from[i] = fcntl(fds[i].from, F_DUPFD_CLOEXEC, top + 1);
        if (from[i] < 0)
            child_fail(report);
    }
    for (int fd = 3; fd <= top; fd++)
        close(fd);
    for (int i = 0; i < count; i++) {
        if (dup2(from[i], fds[i].to) < 0)
            child_fail(high);
    }
    if (dup2(high, top + 1) < 0)
        child_fail(high);
    report = top + 1;
    if (fcntl(report, F_SETFD, FD_CLOEXEC) != 0 || close_range((unsigned)top + 2, ~0U, 0) != 0)
        child_fail(report);
    return report;
}

_Noreturn static void child_run(char *const argv[], const struct child_fd *fds, int count,
                                int report, pid_t parent)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int signum = 1; signum < NSIG; signum++)
        (void)sigaction(signum, &normal, NULL); /* fails for KILL, STOP and those of the library */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        child_fail(report);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    report = child_fds(fds, count, report);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(argv[0], argv);
    child_fail(report);
}

/* ---- in the parent ---- */

static void child_look(uv_signal_t *watch, int signum)
{
    struct loop *loop = watch->data;
    struct child *ended = NULL, **end = &ended;
    (void)signum;
    /* Apart first: a callback may start the next child. */
    for (struct child **at = &loop->children; *at;) {
        struct child *child = *at;
        pid_t pid = waitpid(child->pid, &child->status, WNOHANG);
        if (pid == 0 || (pid < 0 && errno == EINTR)) {
            at = &child->next;
            continue;
        }
        *at = child->next;
        child->next = NULL;
        *end = child;
        end = &child->next;
    }
    if (!loop->children)
        uv_unref((uv_handle_t *)watch);
    while (ended) {
        struct child *child = ended;
        ended = child->next;
        bool killed = WIFSIGNALED(child->status);
        child->cb(child->arg, child->pid, killed ? 0 : WEXITSTATUS(child->status),
                  killed ? WTERMSIG(child->status) : 0);
        free(child);
    }
}

static void child_watch(struct loop *loop)
{
    if (!loop->child_signal_open) {
        loop->child_signal_open = true;
        uv_signal_init(&loop->uv, &loop->child_signal);
        loop->child_signal.data = loop;
        ASSERT(uv_signal_start(&loop->child_signal, child_look, SIGCHLD) == 0);
    }
    uv_ref((uv_handle_t *)&loop->child_signal);
}

/* Waits until the child runs its program or has said why not. */
static enum err child_await(int report, pid_t pid)
{
    int number = 0;
    ssize_t n;
    do
        n = read(report, &number, sizeof number);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return ERR_OK;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (number == ENOENT || number == ENOTDIR)
        return ERR_NOT_FOUND;
    return number == EACCES || number == ENOEXEC ? ERR_FORBIDDEN : ERR_IO;
}

/* fork, with every signal blocked in the new process: no handler of ours may run there, it would
 * write into the parent's pipes. */
static pid_t fork_quiet(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, before);
    pid_t pid = fork();
    if (pid != 0)
        sigprocmask(SIG_SETMASK, before, NULL);
    return pid;
}

static void child_add(struct loop *loop, pid_t pid, child_exit_cb cb, void *arg)
{
    struct child *child = calloc(1, sizeof *child);
    ASSERT_MEMORY(child);
    *child = (struct child){.next = loop->children, .pid = pid, .cb = cb, .arg = arg};
    loop->children = child;
}

enum err child_fork(struct loop *loop, void (*run)(void *arg), child_exit_cb cb, void *arg,
                    pid_t *pid)
{
    ASSERT(run && cb);
    sigset_t before;
    child_watch(loop);
    pid_t parent = getpid();
    pid_t started = fork_quiet(&before);
    if (started == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
            run(arg);
        _exit(0);
    }
    if (started < 0) {
        if (!loop->children)
            uv_unref((uv_handle_t *)&loop->child_signal);
        return ERR_IO;
    }
    child_add(loop, started, cb, arg);
    *pid = started;
    return ERR_OK;
}

enum err child_start(struct loop *loop, char *const argv[], const struct child_fd *fds,
                     int fds_count, child_exit_cb cb, void *arg, pid_t *pid)
{
    ASSERT(argv[0] && cb);
    ASSERT(fds_count >= 0 && fds_count <= CHILD_FDS_MAX);
    for (int i = 0; i < fds_count; i++)
        ASSERT(fds[i].from >= 0 && fds[i].to >= 3);
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return ERR_IO;
    child_watch(loop);
    sigset_t before;
    pid_t parent = getpid();
    pid_t started = fork_quiet(&before);
    if (started == 0)
        child_run(argv, fds, fds_count, report[1], parent);
    close(report[1]);
    enum err e = started < 0 ? ERR_IO : child_await(report[0], started);
    close(report[0]);
    if (e) {
        if (!loop->children)
            uv_unref((uv_handle_t *)&loop->child_signal);
        return e;
    }
    child_add(loop, started, cb, arg);
    *pid = started;
    return ERR_OK;
}

void children_release(struct loop *loop)
{
    while (loop->children) {
        struct child *child = loop->children;
        loop->children = child->next;
        free(child);
    }
    if (loop->child_signal_open)
        uv_close((uv_handle_t *)&loop->child_signal, NULL);
}
