/* task - see task.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/task_in.h"

#include "base/clock.h"
#include "base/id.h"
#include "hook/hookstat.h"
#include "script/plan.h"

/* --- what is kept from step to step: {"cursor": …, "walks": [{"after", "until", "done"}]} --- */

void task_step_open(struct task_step *step)
{
    const struct json *state = step->task->state;
    int i = 0;
    step->began_us = clock_mono_us();
    step->cursor = json_get(state, "cursor");
    step->task->progress = (int)json_int(state, "progress", 0);
    json_each(kept, json_get(state, "walks"))
    {
        if (i == JOB_WALKS_MAX)
            break;
        step->walks[i++] = (struct task_walk){.after = json_int(kept, "after", 0),
                                              .until = json_int(kept, "until", 0),
                                              .done = json_bool(kept, "done", false)};
    }
}

const char *task_step_text(const struct task_step *step, struct arena *arena)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "{\"progress\":%d,\"walks\":[", step->task->progress);
    for (int i = 0; i < JOB_WALKS_MAX && step->walks[i].until; i++) {
        const struct task_walk *walk = &step->walks[i];
        buf_printf(&b, "%s{\"after\":%lld,\"until\":%lld,\"done\":%s}", i ? "," : "",
                   (long long)walk->after, (long long)walk->until, walk->done ? "true" : "false");
    }
    buf_put_char(&b, ']');
    if (step->cursor) {
        json_put_key(&b, "cursor");
        json_put(&b, step->cursor);
    }
    buf_put_char(&b, '}');
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

bool task_step_is_long(const struct vm *vm, const struct task_step *step)
{
    const struct limit *limit = vm_limit(vm);
    const struct vm_used *used = &vm->used;
    return clock_mono_us() - step->began_us > JOB_STEP_US || used->reads > limit->reads / 2 ||
           used->writes > limit->writes / 2 || used->rows > limit->rows / 2 ||
           vm->bytes > vm->bytes_limit - vm->bytes_limit / 4;
}

/* --- running --- */

const struct schedule *task_all(const struct vm *vm, int *count)
{
    ASSERT(vm && count);
    *count = vm->plan->tasks_count;
    return vm->plan->tasks;
}

const char *task_stat_name(struct arena *arena, const char *plugin, const char *name)
{
    return arena_printf(arena, "%s:%s@job", plugin, name);
}

static const struct bound *find(const struct vm *vm, const struct task *task)
{
    for (int i = 0; i < vm->plan->tasks_count; i++)
        if (strcmp(vm->plan->tasks[i].plugin, task->plugin) == 0 &&
            strcmp(vm->plan->tasks[i].name, task->name) == 0)
            return &vm->plan->tasks_bound[i];
    return NULL;
}

static int push_arguments(lua_State *L, void *arg)
{
    struct task_step *step = arg;
    task_push(L, step);
    lua_rawgeti(L, LUA_REGISTRYINDEX, step->script->context);
    return 2;
}

static void take_result(lua_State *L, void *arg)
{
    struct task_step *step = arg;
    if (!lua_isnil(L, -1))
        step->task->result = task_data(L, -1, "what a job returns");
}

enum err task_run(struct vm *vm, struct ctx *ctx, struct task *task, const struct vm_host *host)
{
    ASSERT(vm && ctx && task && host);
    ASSERT(!ctx->unit && !store_in_tx(ctx->tenant->store));

    const struct bound *bound = find(vm, task);
    if (!bound)
        return ERR_NOT_FOUND;
    struct task_step step = {.task = task, .script = vm_owner(vm, bound)};
    task_step_open(&step);
    struct vm_call call = {.ctx = ctx,
                           .moment = VM_JOB,
                           .host = host,
                           .handler = bound->name,
                           .push = push_arguments,
                           .take = take_result,
                           .arg = &step};
    int before = ctx->err.count;
    enum err e = vm_call_counted(
        vm_owner(vm, bound), bound->ref, &call,
        hookstat_of(ctx->tenant->name, task_stat_name(ctx->arena, task->plugin, task->name)));
    if (task->yielded || task->cancelled || task->await) {
        err_info_clear(&ctx->err);
        return ERR_OK;
    }
    return !e && ctx->err.count > before ? ERR_VALIDATION : e;
}
