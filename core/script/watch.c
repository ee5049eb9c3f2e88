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

#include "base/clock.h"
#include "base/err.h"

/* SIGVTALRM is ours: nothing else in the program uses interval timers. */
#define WATCH_SIGNAL SIGVTALRM
#define WATCH_MASK   (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

static struct watch {
    volatile sig_atomic_t ticks, is_told;
    lua_State *volatile L; /* the last to be set, the first to be cleared */
    lua_Hook hook;
    struct watch_run run;
    pid_t pid;
} watch;

static bool is_late(void)
{
    return watch.ticks >= watch.run.deadline ||
           (watch.run.wall_us && clock_mono_us() >= watch.run.wall_us);
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    watch.ticks += 1 + info->si_overrun;
    lua_State *L = watch.L;
    if (!L || !is_late())
        return;
    lua_sethook(L, watch.hook, WATCH_MASK, 1); /* made to be called from signal handlers */
    if (!watch.is_told) {
        watch.is_told = 1;
        late_tell(watch.run.code, watch.run.is_loading, clock_mono_us());
    }
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

void watch_set(const struct watch_run *run, lua_Hook hook)
{
    watch.L = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    if (watch.is_told) {
        late_over();
        watch.is_told = 0;
    }
    watch.run = *run;
    watch.hook = hook;
    atomic_signal_fence(memory_order_seq_cst);
    watch.L = run->L;
}

void watch_move(lua_State *L)
{
    ASSERT(watch.L);
    watch.L = L;
}

int64_t watch_left_us(void)
{
    int64_t left = watch.run.deadline - watch.ticks;
    if (!watch.L)
        return 0;
    return left > 0 ? left * WATCH_TICK_US : 1;
}

bool watch_is_late(void)
{
    return watch.L && is_late();
}

void watch_arm(lua_State *L, lua_Hook hook)
{
    lua_sethook(L, hook, WATCH_MASK, 1);
}
