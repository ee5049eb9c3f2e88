/* watch - the clock that ends scripts which run too long.
 *
 * A POSIX timer on the process's CPU clock ticks while the process works (an idle one never wakes).
 * Before a script runs its deadline is published, which costs two stores; only a tick that finds it
 * passed arms a count hook on the running state, so scripts run at full speed. The hook cannot see
 * time spent inside one C function: the supervisor's kill bounds that.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct lua_State;
struct lua_Debug;

#define WATCH_TICK_US 5000

/* Arms the timer, once per process (again after a fork). Aborts where the kernel has none. */
void watch_start(void);
/* Ticks of CPU time since the start. */
int watch_ticks(void);
/* From tick `deadline` on, `hook` is armed on L at each tick; L NULL = nobody runs. */
void watch_set(struct lua_State *L, int deadline,
               void (*hook)(struct lua_State *L, struct lua_Debug *activation));
/* Arms the hook at once: from the allocator. */
void watch_arm(struct lua_State *L,
               void (*hook)(struct lua_State *L, struct lua_Debug *activation));
