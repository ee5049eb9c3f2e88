/* task_in - one step of a job while its function runs; private to script/.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/bind.h"
#include "script/task.h"

struct task_walk { /* one job:each */
    int64_t after; /* id of the last record that is done */
    int64_t until; /* records made later are not walked over; 0 = it has not begun */
    bool done;
};

struct task_step {
    struct task *task;
    struct script *script;
    const struct json *cursor; /* the function's own; NULL = none */
    struct task_walk walks[JOB_WALKS_MAX];
    int walks_count;  /* job:each calls so far: they are told apart by their order */
    int64_t began_us; /* monotonic */
    bool in_batch;
};

/* Reads the state that was kept, or begins one. */
void task_step_open(struct task_step *step);
/* As it is kept. In the arena. */
const char *task_step_text(const struct task_step *step, struct arena *arena);
/* Has it run for so long, or used so much, that others should have their turn? */
bool task_step_is_long(const struct vm *vm, const struct task_step *step);
/* `job`, the first argument of the function. [-0, +1] */
void task_push(lua_State *L, struct task_step *step);
/* The value at `at` as JSON of at most JOB_ARGS_BYTES_MAX; raises, naming `what`. */
const struct json *task_data(lua_State *L, int at, const char *what);
