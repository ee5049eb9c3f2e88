/* jobs_script - runs the jobs that plugins offer, and keeps the table of them.
 *
 * One step is one call of the plugin's function. It either ends the job, or fails and is tried
 * again later, or has put the job back into the queue with its place (script/task.h), so that
 * other work of the company has its turn in between.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/host.h"
#include "api/jobs.h"
#include "api/jobs_in.h"
#include "api/plugin_routes.h"
#include "auth/audit.h"
#include "base/log.h"
#include "hook/schedule.h"
#include "hook/trip.h"
#include "script/task.h"

#define WAIT_MS    60000      /* scripts that do not load are looked at again */
#define PARKED_MS  86400000LL /* a paused job waits for a person */
#define LOST_TRIES 5          /* a job over which its process died so often is given up */
#define MINUTE_MS  60000LL

/* --- what plugins register --- */

/* Setting: {"model": the version whose registrations are stored, "hash": its declarations}. Files
 * of a product that did not fit may fit a while later, in a model of the same version. */
#define KNOWN "plugin_jobs"

static const char *hash_text(const struct ctx *ctx)
{
    return arena_printf(ctx->arena, "%016llx", (unsigned long long)ctx->model->hash);
}

static enum err sync_fn(struct ctx *ctx, void *arg)
{
    struct vm *vm = arg;
    int count = 0;
    const struct schedule *tasks = task_all(vm, &count);
    enum err e = schedule_sync(ctx, tasks, count);
    if (!e)
        e = plugin_routes_keep(ctx, vm);
    return e ? e
             : tenant_setting_put(
                   ctx->tenant, KNOWN,
                   slice_str(arena_printf(ctx->arena, "{\"model\":%lld,\"hash\":\"%s\"}",
                                          (long long)ctx->model->version, hash_text(ctx))));
}

enum err jobs_is_known(struct tenant *tenant, bool *out)
{
    ASSERT(tenant && out);
    struct arena *arena = arena_new();
    const struct json *known = NULL;
    enum err e = tenant_setting(tenant, arena, KNOWN, &known);
    *out = json_int(known, "model", 0) == tenant->header.model_version;
    arena_free(arena);
    return e;
}

enum err jobs_look(struct tenant *tenant, int64_t *run_at_ms)
{
    ASSERT(tenant && run_at_ms);
    bool is_known = false;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = jobs_is_known(tenant, &is_known);
    if (!e && is_known)
        e = jobs_aside_is_told(tenant, &is_known);
    if (!e && is_known)
        e = jobs_tokens_are_current(tenant, &is_known);
    if (!e && !is_known)
        *run_at_ms = clock_now_ms();
    return e || !is_known ? e : job_next(tenant, run_at_ms);
}

enum err jobs_script_sync(struct app *app, struct ctx *ctx)
{
    const struct json *known = NULL;
    struct vm *vm = NULL;
    enum err e = tenant_setting(ctx->tenant, ctx->arena, KNOWN, &known);
    if (e || (json_int(known, "model", 0) == ctx->model->version &&
              slice_is(json_str(known, "hash", SLICE("")), hash_text(ctx))))
        return e;
    if (vm_get(ctx, app->config->home, &vm)) {
        err_info_clear(&ctx->err); /* said in the log; what was registered before stays */
        return ERR_OK;
    }
    return app_write(app, ctx, sync_fn, vm);
}

/* --- keeping --- */

static bool was_cancelled(struct ctx *ctx, enum err e)
{
    if (e != ERR_CONFLICT || !ctx->err.code || strcmp(ctx->err.code, "cancelled") != 0)
        return false;
    err_info_clear(&ctx->err);
    return true;
}

static enum err keep(struct task *task, struct ctx *ctx, const char *state_json, bool requeue)
{
    struct jobs_run *run = task->user;
    const struct job *job = &run->open->job;
    ctx->now_ms = clock_now_ms();
    enum err e =
        requeue ? job_requeue(ctx, job, run->owner, state_json, task->progress, ctx->now_ms, NULL)
                : job_renew(ctx, job, run->owner, state_json, task->progress);
    if (!was_cancelled(ctx, e))
        return e;
    task->cancelled = true;
    return schedule_ended(ctx, task->plugin, task->name, job->id, "cancelled", NULL);
}

/* --- settling --- */

struct outcome {
    struct jobs_run *run;
    struct task task;
    const char *queue;
    const char *trip; /* its name: the queue's, or that of the part this job is about */
    enum err e;
    bool killed, paused;
    const char *reason; /* for the person who asked */
    const char *detail; /* for administrators: with file and line */
};

static int64_t again_at(const struct job *job, int64_t now_ms)
{
    static const int minutes[] = {1, 5, 30, 120, 720, 1440};
    int last = (int)(sizeof minutes / sizeof *minutes) - 1;
    int at = job->tries - 1 < last ? job->tries - 1 : last;
    return now_ms + minutes[at < 0 ? 0 : at] * MINUTE_MS;
}

static enum err tell_paused(struct ctx *ctx, const struct outcome *o)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"job\":");
    json_put_cstr(&detail, o->trip);
    json_put_key(&detail, "reason");
    json_put_cstr(&detail, o->detail);
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, "job_paused", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e ? e : jobs_tell_paused(ctx, "job_paused", o->trip, o->detail);
}

static enum err failed_fn(struct ctx *ctx, void *arg)
{
    struct outcome *o = arg;
    const struct job *job = &o->run->open->job;
    bool again = o->e != ERR_NOT_FOUND && job->tries <= json_int(job->body, "retry", 0) &&
                 !(job->was_lost && job->tries > LOST_TRIES);
    enum err e =
        job_failed(ctx, job, o->run->owner, o->reason, again ? again_at(job, ctx->now_ms) : 0);
    if (!e)
        e = schedule_ended(ctx, o->task.plugin, o->task.name, job->id, again ? "retry" : "failed",
                           o->detail);
    if (!e && o->e != ERR_NOT_FOUND)
        e = trip_count(ctx, o->trip, o->killed ? TRIP_KILL : TRIP_ERROR, o->detail, &o->paused);
    if (!e && o->trip != o->queue)
        e = trip_tidy_parts(ctx, o->queue);
    return e || !o->paused ? e : tell_paused(ctx, o);
}

static enum err done_fn(struct ctx *ctx, void *arg)
{
    struct outcome *o = arg;
    const struct job *job = &o->run->open->job;
    struct buf result = BUF_INIT;
    if (o->task.result)
        json_put(&result, o->task.result);
    enum err e = job_done(ctx, job, o->run->owner, result.len ? buf_cstr(&result) : NULL);
    buf_release(&result);
    if (!e)
        e = schedule_ended(ctx, o->task.plugin, o->task.name, job->id, "done", NULL);
    return e ? e : trip_succeeded(ctx, o->trip);
}

static void settle(struct outcome *o)
{
    struct ctx *ctx = o->run->ctx;
    err_info_clear(&ctx->err);
    ctx->now_ms = clock_now_ms();
    enum err e = app_write(o->run->app, ctx, o->e ? failed_fn : done_fn, o);
    if (e) /* its lease runs out, and somebody tries again */
        log_warn("job %lld of %s could not be settled: %s", (long long)o->run->open->job.id,
                 ctx->tenant->name, err_code(e));
    else if (o->paused)
        log_error("tenant %s: %s is paused: %s", ctx->tenant->name, o->trip, o->detail);
    o->run->ended = true;
}

enum err jobs_script_failed(struct ctx *ctx, const struct job *job, const char *reason)
{
    return schedule_ended(ctx, json_cstr(job->body, "plugin", ""), json_cstr(job->body, "name", ""),
                          job->id, "failed", reason);
}

/* --- waiting --- */

struct waiting {
    struct jobs_run *run;
    int64_t ms;
    const char *paused; /* the trip that holds it, or NULL */
};

static enum err wait_fn(struct ctx *ctx, void *arg)
{
    const struct waiting *w = arg;
    struct trip trip = {0};
    ctx->now_ms = clock_now_ms();
    enum err e = w->paused ? trip_load(ctx, w->paused, &trip) : ERR_OK;
    if (e)
        return e;
    bool resumed = w->paused && !trip.paused_at_ms; /* meanwhile: nobody would wake it again */
    e = job_requeue(ctx, &w->run->open->job, w->run->owner, NULL, 0,
                    ctx->now_ms + (resumed ? 0 : w->ms), trip.paused_at_ms ? JOB_PARKED : NULL);
    return was_cancelled(ctx, e) ? ERR_OK : e;
}

static enum err put_off(struct jobs_run *run, int64_t ms, const char *paused)
{
    struct waiting w = {run, ms, paused};
    err_info_clear(&run->ctx->err);
    enum err e = app_write(run->app, run->ctx, wait_fn, &w);
    run->ended = !e;
    return e;
}

/* --- the step --- */

static bool may_pass(enum err e)
{
    return e == ERR_BUSY || e == ERR_IO || e == ERR_FULL || e == ERR_TIMEOUT || e == ERR_CONFLICT;
}

static void tell_why(struct ctx *ctx, struct outcome *o)
{
    o->reason = o->e == ERR_NOT_FOUND ? "this job is no longer offered" : jobs_reason(ctx, o->e);
    o->detail = ctx->err.detail ? arena_strdup(ctx->arena, ctx->err.detail) : o->reason;
}

static bool is_answered(const struct jobs_open *open)
{
    return open->await && open->await->is_over;
}

/* What this step waited for is used up; what it waits for now is the next one's. */
static void await_next(struct jobs_open *open, struct await *next)
{
    if (open->await)
        await_free(open->await);
    open->await = next;
}

static void task_open(struct outcome *o)
{
    struct jobs_run *run = o->run;
    const struct job *job = &run->open->job;
    o->task = (struct task){.plugin = json_cstr(job->body, "plugin", ""),
                            .name = json_cstr(job->body, "name", ""),
                            .id = job->id,
                            .at_ms = json_int(job->body, "at", 0),
                            .tries = job->tries,
                            .args = json_get(job->body, "args"),
                            .state = run->open->await ? run->open->await->state : job->state,
                            .answered = is_answered(run->open) ? run->open->await : NULL,
                            .keep = keep,
                            .user = run};
    o->queue = schedule_queue(run->ctx->arena, o->task.plugin, o->task.name);
    o->trip = schedule_trip(run->ctx->arena, o->queue, json_cstr(job->body, "part", NULL));
}

/* Whether all of the job, or the part that this one is about, waits for a person: then the name of
 * the trip that holds it. */
static enum err find_paused(struct ctx *ctx, const struct outcome *o, const char **out)
{
    const char *const names[] = {o->queue, o->trip};
    struct trip trip;
    *out = NULL;
    for (int i = 0; i < 2 && !*out; i++) {
        enum err e = trip_load(ctx, names[i], &trip);
        if (e)
            return e;
        if (trip.paused_at_ms)
            *out = names[i];
    }
    return ERR_OK;
}

enum err jobs_script_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    const struct job *job = &run->open->job;
    struct outcome o = {.run = run};
    const char *paused;
    struct vm *vm = NULL;
    struct vm_host host = host_of(run->app);
    task_open(&o);
    enum err e = find_paused(ctx, &o, &paused);
    if (e)
        return e;
    if (paused)
        return put_off(run, PARKED_MS, paused);
    if (!job->created_by)
        ctx->as_system = false; /* nobody: what it may do is its plugin's to declare */
    if (job->was_lost && job->tries > LOST_TRIES) {
        o.e = ERR_PLUGIN;
        o.reason = o.detail = "its process ended again and again while it ran";
        settle(&o);
        return ERR_OK;
    }
    if (vm_get(ctx, run->app->config->home, &vm))
        return put_off(run, WAIT_MS, NULL);
    o.e = task_run(vm, ctx, &o.task, &host);
    await_next(run->open, o.task.await);
    run->ended = o.task.yielded || o.task.cancelled;
    if (run->ended || o.task.await)
        return ERR_OK;
    if (may_pass(o.e))
        return o.e;
    o.killed = vm_was_killed(vm);
    if (o.e)
        tell_why(ctx, &o);
    settle(&o);
    return ERR_OK;
}
