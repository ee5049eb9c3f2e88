/* watch - see watch.h. The state below is the one mutable global of this layer: a signal handler
 * has no argument.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/watch.h"

#include <lua.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

/* SIGVTALRM is ours: nothing else in the program uses interval timers. */
#define WATCH_SIGNAL SIGVTALRM
#define WATCH_MASK   (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

static struct watch {
    volatile sig_atomic_t ticks, deadline;
    lua_State *volatile L;
    lua_Hook volatile hook;
    pid_t pid;
} watch;

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    watch.ticks += 1 + info->si_overrun;
    lua_State *L = watch.L;
    if (L && watch.ticks >= watch.deadline)
        lua_sethook(L, watch.hook, WATCH_MASK, 1); /* made to be called from signal handlers */
}

void watch_start(void)
{
    if (watch.pid == getpid())
        return;
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = WATCH_SIGNAL};
    struct itimerspec every = {.it_interval.tv_nsec = WATCH_TICK_US * 1000L,
                               .it_value.tv_nsec = WATCH_TICK_US * 1000L};
    timer_t timer;
    if (sigaction(WATCH_SIGNAL, &action, NULL) ||
        timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) ||
        timer_settime(timer, 0, &every, NULL))
        BUG("no timer on the CPU clock: scripts could run for ever");
    watch.pid = getpid();
}

int watch_ticks(void)
{
    return watch.ticks;
}

void watch_set(lua_State *L, int deadline, lua_Hook hook)
{
    watch.L = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    watch.deadline = deadline;
    watch.hook = hook;
    atomic_signal_fence(memory_order_seq_cst);
    watch.L = L;
}

void watch_arm(lua_State *L, lua_Hook hook)
{
    lua_sethook(L, hook, WATCH_MASK, 1);
}
