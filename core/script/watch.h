/* watch - the clock that ends scripts which run too long.
 *
 * A POSIX timer on the process's CPU clock ticks while the process works (an idle one never wakes).
 * Before a script runs its deadline is published, which costs a few stores; only a tick that finds
 * it passed arms a count hook on the running state, so scripts run at full speed. The hook cannot
 * see time spent inside one C function: our own long functions ask watch_is_late, and of what is
 * left the supervisor is told (hook/late.h), which kills the process.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/late.h"

struct lua_State;
struct lua_Debug;

#define WATCH_TICK_US 5000

/* What runs now. L NULL = nobody. */
struct watch_run {
    struct lua_State *L;
    int deadline;    /* tick */
    int64_t wall_us; /* monotonic; 0 = none */
    const struct late_code *code;
    bool is_loading;
};

/* Arms the timer, once per process (again after a fork). Aborts where the kernel has none. */
void watch_start(void);
/* Ticks of CPU time since the start. */
int watch_ticks(void);
/* From its deadline on, `hook` is armed on run.L at each tick. */
void watch_set(const struct watch_run *run,
               void (*hook)(struct lua_State *L, struct lua_Debug *activation));
/* Another state of the same VM runs now: a coroutine. */
void watch_move(struct lua_State *L);
/* CPU time left to what runs, at least one microsecond; 0 = nobody runs. */
int64_t watch_left_us(void);
/* The deadline of what runs has passed. */
bool watch_is_late(void);
/* Arms the hook at once: from the allocator. */
void watch_arm(struct lua_State *L,
               void (*hook)(struct lua_State *L, struct lua_Debug *activation));
