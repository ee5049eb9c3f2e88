/* apart - see apart.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
    struct apart_bounds bounds;
    struct apart_page *page; /* owned: shared with the child */
    struct buf *said;
    size_t said_before;
    int64_t until_us;
    pid_t child;
    int fd; /* where the child is heard */
    enum apart_end how;
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

/* Of data, beside what it is a copy of: that has been paid for, and in builds with sanitizers it is
 * most of the address space. */
static int64_t data_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*d %*d %*d %*d %*d %ld", &pages) != 1)
        _exit(1);
    (void)fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void run_there(struct apart *apart, pid_t parent, int fd, void (*fn)(void *arg, int fd),
                      void *arg)
{
    const struct apart_bounds *bounds = &apart->bounds;
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
    bound(RLIMIT_DATA, data_bytes() + bounds->bytes);
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
static bool hear(struct apart *apart, int wait_ms)
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
    if (apart->said->len - apart->said_before + (size_t)got > apart->bounds.said_bytes) {
        apart->how = APART_SAID;
        return false;
    }
    buf_put_slice(apart->said, slice_of(bytes, (size_t)got));
    return true;
}

bool apart_is_over(struct apart *apart, int wait_ms)
{
    ASSERT(apart);
    int64_t left_ms = (apart->until_us - clock_mono_us()) / 1000;
    if (left_ms <= 0 || hangs(apart)) {
        apart->how = APART_SLOW;
        return true;
    }
    return !hear(apart, left_ms < wait_ms ? (int)left_ms : wait_ms);
}

/* What it was listened to for may be over while it still lives: nothing of it stays. */
static enum apart_end wait_for(const struct apart *apart)
{
    int status = 0;
    if (apart->how != APART_DONE)
        (void)kill(apart->child, SIGKILL);
    pid_t ended;
    do {
        ended = waitpid(apart->child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (apart->how != APART_DONE)
        return apart->how;
    if (ended == apart->child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return APART_DONE;
    int signum = ended == apart->child && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* The kernel kills at the hard limit of CPU time; nobody else would. */
    if (signum == SIGXCPU || signum == SIGKILL)
        return APART_CPU;
    return signum == SIGXFSZ ? APART_FILE : APART_LOST;
}

enum err apart_begin(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd), void *arg,
                     struct buf *said, struct apart **out)
{
    ASSERT(bounds && fn);
    ASSERT(said && out);
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_BUSY;
    struct apart *apart = calloc(1, sizeof *apart);
    ASSERT_MEMORY(apart);
    *apart = (struct apart){.bounds = *bounds, .said = said, .said_before = said->len};
    apart->until_us = clock_mono_us() + bounds->wall_ms * 1000;
    apart->page =
        mmap(NULL, sizeof *apart->page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apart->fd = ends[0];
    apart->child = apart->page == MAP_FAILED ? -1 : fork();
    if (apart->child == 0)
        run_there(apart, parent, ends[1], fn, arg);
    close(ends[1]);
    if (apart->child > 0) {
        *out = apart;
        return ERR_OK;
    }
    close(ends[0]);
    if (apart->page != MAP_FAILED)
        (void)munmap(apart->page, sizeof *apart->page);
    free(apart);
    return ERR_BUSY;
}

void apart_stop(struct apart *apart)
{
    apart->how = APART_SLOW;
}

enum apart_end apart_end(struct apart *apart)
{
    ASSERT(apart);
    enum apart_end how = wait_for(apart);
    close(apart->fd);
    (void)munmap(apart->page, sizeof *apart->page);
    free(apart);
    return how;
}

enum err apart_run(const struct apart_bounds *bounds, void (*fn)(void *arg, int fd), void *arg,
                   struct buf *said, enum apart_end *how)
{
    struct apart *apart;
    ASSERT(how);
    enum err e = apart_begin(bounds, fn, arg, said, &apart);
    if (e)
        return e;
    while (!apart_is_over(apart, APART_LOOK_MS))
        ;
    *how = apart_end(apart);
    return ERR_OK;
}
