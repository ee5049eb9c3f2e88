/* task - the jobs that plugins offer: what they registered, and one step of a run.
 *
 * A step calls the plugin's function from its beginning. What it walks over with job:each is kept
 * batch by batch, so the next step, or another process after a crash, goes on behind the last
 * batch that was committed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/schedule.h"
#include "script/await.h"
#include "script/vm.h"

struct task {
    const char *plugin, *name;
    int64_t id, at_ms; /* of the job; when it was due */
    int tries;
    const struct json *args, *state; /* state: as it was kept last; NULL at first */
    /* In a transaction: renews the lease and keeps the state (NULL: the last one); `requeue` lets
     * go of the job, and the step ends. ERR_CONFLICT when the lease is lost. A wish to stop is no
     * error: `cancelled` is set, and the transaction commits without the batch. */
    enum err (*keep)(struct task *task, struct ctx *ctx, const char *state_json, bool requeue);
    void *user;
    int progress;                 /* percent, as the function said last */
    const struct await *answered; /* what the step before this one waited for; NULL: nothing */
    /* what came of it */
    bool yielded;        /* the job is queued again */
    bool cancelled;      /* the job has ended: a person stopped it */
    struct await *await; /* owned by the caller: the step is run again when it is looked for */
    const struct json *result;
};

/* What the plugins have registered, for schedule_sync. Lives as long as the vm. */
const struct schedule *task_all(const struct vm *vm, int *count);
/* One step of the run, outside any transaction. ERR_NOT_FOUND when there is no such job. ERR_OK
 * also where `yielded`, `cancelled` or `await` says that it is not over. */
/* Under this name runs of a job are counted (hook/hookstat.h). */
const char *task_stat_name(struct arena *arena, const char *plugin, const char *name);
MUST_USE enum err task_run(struct vm *vm, struct ctx *ctx, struct task *task,
                           const struct vm_host *host);
