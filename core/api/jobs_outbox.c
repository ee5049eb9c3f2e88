/* jobs_outbox - delivers the rows of the outbox: after_commit handlers and events of the core.
 *
 * One step is one row, or up to BATCH_EVENTS_MAX of a handler that takes batches. The handler runs
 * outside any transaction; how it ended is settled in one of its own, so a process that dies
 * between delivers once more: at least once. What is settled here never comes back to jobs_step as
 * an error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/host.h"
#include "api/jobs_in.h"
#include "auth/actor.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "hook/outbox.h"
#include "hook/trip.h"

#define OUTBOX_WAIT_MS 5000 /* scripts that do not load, a disk that is full: looked at again */

/* --- settling --- */

struct outcome {
    struct jobs_run *run;
    const struct job *job;
    enum err e;
    bool killed, dead, paused;
    bool is_counted; /* another of its batch has told of this failure */
    const char *reason;
};

static const char *name_of(const struct job *job)
{
    return json_cstr(job->body, "handler", "");
}

static enum err tell_paused(struct ctx *ctx, const char *name, const char *reason)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"handler\":");
    json_put_cstr(&detail, name);
    json_put_key(&detail, "reason");
    json_put_cstr(&detail, reason);
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, "handler_paused", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e ? e : jobs_tell_paused(ctx, "handler_paused", name, reason);
}

/* What says nothing about the handler: the model moves, the store is busy or full. */
static bool may_pass(enum err e)
{
    return e == ERR_BUSY || e == ERR_IO || e == ERR_FULL || e == ERR_TIMEOUT;
}

static enum err settle_failed(struct ctx *ctx, struct outcome *o)
{
    enum trip_how how = o->killed ? TRIP_KILL : TRIP_ERROR;
    enum err e = outbox_failed(ctx, o->job, o->run->owner, o->reason, &o->dead);
    if (!e && !o->is_counted)
        e = trip_count(ctx, name_of(o->job), how, o->reason, &o->paused);
    if (!e && o->paused)
        e = outbox_hold(ctx, name_of(o->job));
    return e || !o->paused ? e : tell_paused(ctx, name_of(o->job), o->reason);
}

static enum err settle_fn(struct ctx *ctx, void *arg)
{
    struct outcome *o = arg;
    int64_t owner = o->run->owner;
    if (may_pass(o->e))
        return outbox_wait(ctx, o->job, owner, ctx->now_ms + OUTBOX_WAIT_MS);
    if (o->e)
        return settle_failed(ctx, o);
    enum err e = outbox_done(ctx, o->job, owner);
    return e ? e : trip_succeeded(ctx, name_of(o->job));
}

static void settle(struct outcome *o)
{
    struct ctx *ctx = o->run->ctx;
    err_info_clear(&ctx->err);
    ctx->now_ms = clock_now_ms();
    enum err e = app_write(o->run->app, ctx, settle_fn, o);
    if (e) /* its lease runs out, and it is delivered once more */
        log_warn("delivery %lld of %s could not be settled: %s", (long long)o->job->id,
                 ctx->tenant->name, err_code(e));
    else if (o->dead)
        log_error("tenant %s: %s: given up: %s", ctx->tenant->name, name_of(o->job), o->reason);
    if (!e && o->paused)
        log_error("tenant %s: %s is paused: %s", ctx->tenant->name, name_of(o->job), o->reason);
    o->run->ended = true;
}

/* --- delivering --- */

/* Acts as who did it, as he is today; somebody who has gone has no rights any more. */
static enum err act_as(struct ctx *ctx, const struct json *body)
{
    int64_t user = json_int(body, "actor", 0);
    ctx->source = CTX_JOB;
    ctx->actor = NULL;
    ctx->as_system = json_bool(body, "system", false) || !user;
    ctx->lang = slice_is(json_str(body, "lang", SLICE("")), "en") ? LANG_EN : LANG_ZH;
    if (!user)
        return ERR_OK;
    enum err e = actor_load(ctx->tenant, user, &ctx->actor);
    if (e == ERR_NOT_FOUND || (!e && !ctx->actor->active)) {
        ctx->actor = NULL;
        return ERR_OK;
    }
    return e;
}

static const char *reason_of(struct ctx *ctx, enum err e, const char *given)
{
    if (given)
        return given;
    if (e == ERR_NOT_FOUND)
        return "the handler is no longer there";
    if (ctx->err.detail)
        return arena_strdup(ctx->arena, ctx->err.detail);
    return jobs_reason(ctx, e);
}

struct batch {
    struct jobs_run *run;
    struct job *jobs[BATCH_EVENTS_MAX];
    int count;
};

static bool is_same_actor(const struct json *a, const struct json *b)
{
    return json_int(a, "actor", 0) == json_int(b, "actor", 0) &&
           json_bool(a, "system", false) == json_bool(b, "system", false);
}

/* From the first that somebody else has caused they wait for their turn: a batch has one actor. */
static enum err more_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    const struct job *first = &batch->run->open->job;
    int count = 0;
    batch->count = 0;
    enum err e =
        job_lease_more(ctx, batch->run->owner, first, outbox_of_handler(ctx->arena, name_of(first)),
                       BATCH_EVENTS_MAX - 1, batch->jobs + 1, &count);
    while (!e && batch->count < count &&
           is_same_actor(first->body, batch->jobs[batch->count + 1]->body))
        batch->count++;
    for (int i = batch->count + 1; i <= count && !e; i++)
        e = outbox_wait(ctx, batch->jobs[i], batch->run->owner, ctx->now_ms);
    return e;
}

/* All that waits for a handler that takes many. */
static enum err gather(struct jobs_run *run, struct vm *vm, struct batch *batch)
{
    *batch = (struct batch){.run = run, .jobs = {&run->open->job}};
    if (!vm_delivers_batches(vm, &run->open->job))
        return ERR_OK;
    return app_write(run->app, run->ctx, more_fn, batch);
}

static enum err settle_all_fn(struct ctx *ctx, void *arg)
{
    struct outcome *o = arg;
    enum err e = ERR_OK;
    for (; o->job && !e; o++)
        e = settle_fn(ctx, o);
    return e;
}

/* Each row by what became of it, or of the whole, which counts as one failure. The first is settled
 * by the caller. */
static void settle_batch(struct jobs_run *run, const struct batch *batch,
                         const struct vm_delivery *deliveries, struct outcome *whole)
{
    struct ctx *ctx = run->ctx;
    struct outcome *all = arena_array(ctx->arena, struct outcome, (size_t)batch->count + 1);
    for (int i = 1; i <= batch->count; i++) {
        struct outcome *o = &all[i - 1];
        *o = (struct outcome){.run = run,
                              .job = batch->jobs[i],
                              .e = whole->e,
                              .is_counted = whole->e != ERR_OK,
                              .reason = whole->reason};
        if (!whole->e && deliveries[i].reason) {
            o->e = ERR_VALIDATION;
            o->reason = deliveries[i].reason;
        }
    }
    err_info_clear(&ctx->err);
    ctx->now_ms = clock_now_ms();
    enum err e = batch->count ? app_write(run->app, ctx, settle_all_fn, all) : ERR_OK;
    if (e) /* their leases run out, and they are delivered once more */
        log_warn("%d deliveries of %s could not be settled: %s", batch->count, ctx->tenant->name,
                 err_code(e));
    if (!whole->e && deliveries[0].reason) {
        whole->e = ERR_VALIDATION;
        whole->reason = deliveries[0].reason;
    }
}

static enum err deliver(struct jobs_run *run, struct outcome *o)
{
    struct ctx *ctx = run->ctx;
    struct vm *vm = NULL;
    struct batch batch;
    struct vm_host host = host_of(run->app);
    struct vm_delivery deliveries[BATCH_EVENTS_MAX] = {{0}};
    enum err e = act_as(ctx, o->job->body);
    if (e)
        return e;
    if (vm_get(ctx, run->app->config->home, &vm))
        return ERR_BUSY; /* its plugins do not load now: said in the log, counted nowhere */
    e = gather(run, vm, &batch);
    if (e)
        return e;
    for (int i = 0; i <= batch.count; i++)
        deliveries[i].job = batch.jobs[i];
    o->e = vm_deliver(vm, ctx, &host, deliveries, batch.count + 1);
    o->killed = vm_was_killed(vm);
    o->reason = o->e ? reason_of(ctx, o->e, deliveries[0].reason) : NULL;
    settle_batch(run, &batch, deliveries, o);
    return o->e;
}

struct announce {
    struct jobs_run *run;
    struct vm *vm;
};

static enum err announce_fn(struct ctx *ctx, void *arg)
{
    struct announce *a = arg;
    const struct job *job = &a->run->open->job;
    if (ctx->tenant->header.model_version != ctx->model->version)
        return ERR_BUSY;
    enum err e = vm_announce(a->vm, ctx, job);
    return e ? e : outbox_done(ctx, job, a->run->owner);
}

/* The event becomes a row for each of its handlers, and goes. */
static enum err announce(struct jobs_run *run)
{
    struct announce a = {.run = run};
    enum err e = act_as(run->ctx, run->open->job.body);
    if (!e && vm_get(run->ctx, run->app->config->home, &a.vm))
        e = ERR_BUSY;
    if (!e)
        e = app_write(run->app, run->ctx, announce_fn, &a);
    run->ended = !e;
    return e;
}

/* The process that had it before died over it. That is counted first: what kills every process is
 * paused, not tried for ever. */
static enum err lost_fn(struct ctx *ctx, void *arg)
{
    struct outcome *o = arg;
    const char *name = name_of(o->job);
    enum err e = trip_count(ctx, name, TRIP_KILL, o->reason, &o->paused);
    if (!e)
        e = outbox_reclaim(ctx, name, o->run->owner);
    if (e || !o->paused)
        return e;
    e = outbox_wait(ctx, o->job, o->run->owner, ctx->now_ms);
    if (!e)
        e = outbox_hold(ctx, name);
    return e ? e : tell_paused(ctx, name, o->reason);
}

enum err jobs_outbox_step(struct jobs_run *run)
{
    const struct job *job = &run->open->job;
    struct outcome o = {.run = run, .job = job, .reason = "the process that ran it ended"};
    if (outbox_is_announced(job)) {
        o.e = announce(run);
        if (!o.e)
            return ERR_OK;
        settle(&o);
        return ERR_OK;
    }
    if (job->was_lost)
        o.e = app_write(run->app, run->ctx, lost_fn, &o);
    run->ended = o.e || o.paused;
    if (run->ended)
        return ERR_OK; /* paused; or its lease runs out once more */
    o.e = deliver(run, &o);
    settle(&o);
    return ERR_OK;
}
