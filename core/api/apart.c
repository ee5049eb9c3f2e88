/* apart - see apart.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "hook/hookstat.h"
#include "hook/late.h"

#define APART_LOOK_MS    100 /* between two looks at whether a script hangs */
#define APART_READ_BYTES 65536

/* What both see: whether a script of the child is late. */
struct apart_page {
    struct late late;
    _Atomic uint32_t marks;
};

struct apart {
    const struct apart_bounds *bounds;
    struct apart_page *page; /* owned: shared with the child */
    struct buf *said;
    size_t said_before;
    pid_t child;
    int fd; /* where the child is heard */
};

/* --- the child ----------------------------------------------------------------------------------
 */

static void bound(int what, int64_t most)
{
    struct rlimit both = {(rlim_t)most, (rlim_t)most};
    if (setrlimit((__rlimit_resource_t)what, &both) != 0)
        _exit(1);
}

/* Signals are ours to die of again: the loop of the process above would write them to its pipe. */
static void reset_signals(void)
{
    static const int all[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGXFSZ, SIGXCPU};
    sigset_t none;
    sigemptyset(&none);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        (void)signal(all[i], SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_there(struct apart *apart, pid_t parent, int fd, void (*fn)(void *arg, int fd),
                      void *arg)
{
    const struct apart_bounds *bounds = apart->bounds;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(1);
    reset_signals();
    (void)dup2(fd, STDERR_FILENO + 1);
    (void)close_range(STDERR_FILENO + 2, ~0U, 0);
    fd = STDERR_FILENO + 1;
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, "apart");
    late_share(&apart->page->late, &apart->page->marks);
    hookstat_share(NULL);
    bound(RLIMIT_CORE, 0);
    bound(RLIMIT_CPU, bounds->cpu_s);
    bound(RLIMIT_FSIZE, bounds->file_bytes);
#ifndef PERIGEE_SANITIZE
    bound(RLIMIT_DATA, bounds->bytes);
#endif
    fn(arg, fd);
    _exit(0);
}

/* --- who waits for it ---------------------------------------------------------------------------
 */

static bool hangs(const struct apart *apart)
{
    int64_t since_us = atomic_load(&apart->page->late.since_us);
    return since_us && clock_mono_us() - since_us > (int64_t)SCRIPT_LATE_KILL_MS * 1000;
}

/* true while there may be more. */
static bool hear(struct apart *apart, int wait_ms, enum apart_end *how)
{
    char bytes[APART_READ_BYTES];
    struct pollfd one = {.fd = apart->fd, .events = POLLIN};
    int ready = poll(&one, 1, wait_ms);
    if (ready <= 0)
        return true;
    ssize_t got = read(apart->fd, bytes, sizeof bytes);
    if (got < 0)
        return errno == EINTR;
    if (!got)
        return false;
    if (apart->said->len - apart->said_before + (size_t)got > apart->bounds->said_bytes) {
        *how = APART_SAID;
        return false;
    }
    buf_put_slice(apart->said, slice_of(bytes, (size_t)got));
    return true;
}

static enum apart_end listen_to(struct apart *apart)
{
    enum apart_end how = APART_DONE;
    int64_t until_us = clock_mono_us() + apart->bounds->wall_ms * 1000;
    bool more = true;
    while (more && how == APART_DONE) {
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        if (left_ms <= 0 || hangs(apart))
            how = APART_SLOW;
        else
            more = hear(apart, left_ms < APART_LOOK_MS ? (int)left_ms : APART_LOOK_MS, &how);
    }
    return how;
}

/* What it was listened to for may be over while it still lives: nothing of it stays. */
static enum apart_end end_it(struct apart *apart, enum apart_end how)
{
    int status = 0;
    if (how != APART_DONE)
        (void)kill(apart->child, SIGKILL);
    pid_t ended;
    do {
        ended = waitpid(apart->child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (how != APART_DONE)
        return how;
    if (ended == apart->child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return APART_DONE;
    int signum = ended == apart->child && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* The kernel kills at the hard limit of CPU time; nobody else would. */
    if (signum == SIGXCPU || signum == SIGKILL)
        return APART_CPU;
    return signum == SIGXFSZ ? APART_FILE : APART_LOST;
}

enum err apart_run(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd), void *arg,
                   struct buf *said, enum apart_end *how)
{
    ASSERT(bounds && fn);
    ASSERT(said && how);
    struct apart apart = {.bounds = bounds, .said = said, .said_before = said->len};
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_BUSY;
    apart.page =
        mmap(NULL, sizeof *apart.page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apart.fd = ends[0];
    apart.child = apart.page == MAP_FAILED ? -1 : fork();
    if (apart.child == 0)
        run_there(&apart, parent, ends[1], fn, arg);
    close(ends[1]);
    if (apart.child > 0)
        *how = end_it(&apart, listen_to(&apart));
    close(ends[0]);
    if (apart.page != MAP_FAILED)
        (void)munmap(apart.page, sizeof *apart.page);
    return apart.child > 0 ? ERR_OK : ERR_BUSY;
}
