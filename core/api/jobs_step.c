/* jobs_step - see jobs.h: lease, act as the creator, step, settle.
 *
 * A job that takes many steps stays open in this process between them; its lease is renewed in each
 * transaction. What a step has to remember over a crash is in the store, so another process goes on
 * where the last commit was.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/jobs.h"
#include "api/jobs_in.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "hook/schedule.h"

#define JOB_TRIES_MAX    8
#define JOB_RETRY_MS     2000
#define JOB_RETRY_MS_MAX (5 * 60 * 1000)
#define JOBS_BESIDE_US   1000000 /* between two looks for what is due beside an import */

static const struct jobs_queue QUEUES[] = {
    {"import", jobs_import_step, jobs_import_failed},
    {"export", jobs_export_step, NULL},
    {"mail", jobs_mail_step, NULL},
    {"imap", jobs_imap_step, NULL},
    {"notify", jobs_notify_step, NULL},
    {"person", jobs_person_step, NULL},
    {"outbox", jobs_outbox_step, NULL},
    {SCHEDULE_QUEUE, jobs_script_step, jobs_script_failed}, /* "job:leads.recycle" and the like */
    {"keys", jobs_keys_step, NULL},
};

static struct jobs_open *open_jobs; /* of this process */

/* --- open jobs --- */

/* The tenant's that waits longest for its next step. */
static struct jobs_open *open_find(const struct tenant *tenant, int *count)
{
    struct jobs_open *found = NULL;
    *count = 0;
    for (struct jobs_open *open = open_jobs; open; open = open->next) {
        if (open->is_awaited || strcmp(open->tenant, tenant->name) != 0)
            continue;
        if (!found || open->stepped_us < found->stepped_us)
            found = open;
        ++*count;
    }
    return found;
}

static void open_clear(struct jobs_open *open)
{
    if (open->state)
        open->state_free(open->state);
    open->state = NULL;
}

static void open_drop(struct jobs_open *open)
{
    struct jobs_open **link = &open_jobs;
    while (*link != open)
        link = &(*link)->next;
    *link = open->next;
    open_clear(open);
    if (open->await)
        await_free(open->await);
    arena_free(open->arena); /* it lives in its own arena */
}

/* Its lease has run out and it was leased again, here: what it waited for is nobody's any more. */
static void open_drop_twin(const struct tenant *tenant, int64_t id)
{
    for (struct jobs_open *open = open_jobs; open; open = open->next)
        if (open->job.id == id && strcmp(open->tenant, tenant->name) == 0) {
            open_drop(open);
            return;
        }
}

int jobs_look_awaits(void (*ready)(void *arg, const char *tenant), void *arg)
{
    int left = 0;
    for (struct jobs_open *open = open_jobs; open; open = open->next) {
        if (!open->is_awaited)
            continue;
        open->is_awaited = !await_look(open->await);
        if (open->is_awaited)
            left++;
        else
            ready(arg, open->tenant);
    }
    return left;
}

static struct jobs_open *open_new(const struct tenant *tenant, const struct job *job)
{
    struct arena *arena = arena_new();
    struct jobs_open *open = arena_make(arena, struct jobs_open);
    open_drop_twin(tenant, job->id);
    size_t n = strlen(tenant->name);
    ASSERT(n < sizeof open->tenant);
    memcpy(open->tenant, tenant->name, n + 1);
    open->arena = arena;
    open->job = *job;
    open->job.queue = arena_strdup(arena, job->queue);
    open->job.stream = arena_strdup(arena, job->stream);
    open->job.dedupe = arena_strdup(arena, job->dedupe);
    open->job.body = job->body ? json_copy(arena, job->body) : NULL;
    open->job.state = job->state ? json_copy(arena, job->state) : NULL;
    open->next = open_jobs;
    open_jobs = open;
    return open;
}

/* --- leasing --- */

struct lease {
    int64_t owner, next_ms;
    bool by_clock; /* what is due by the clock becomes a job first: the server's affair alone */
    struct job *job;
};

static enum err lease_fn(struct ctx *ctx, void *arg)
{
    struct lease *lease = arg;
    lease->job = NULL;
    enum err e = lease->by_clock ? schedule_fire(ctx) : ERR_OK;
    if (!e)
        e = job_adopt(ctx, lease->owner);
    return e ? e : job_lease(ctx, lease->owner, &lease->job, &lease->next_ms);
}

/* The sooner of a job's time and a schedule's. */
static enum err next_by_clock(struct ctx *ctx, int64_t *next_ms)
{
    int64_t at_ms = 0;
    enum err e = schedule_next(ctx->tenant, &at_ms);
    if (!e && at_ms && (!*next_ms || at_ms < *next_ms))
        *next_ms = at_ms;
    return e;
}

/* A write turn is asked for only when a plain read says that something is due. */
static enum err lease(struct app *app, struct ctx *ctx, struct lease *lease)
{
    int64_t due_ms = 0;
    bool orphaned = false;
    enum err e = job_next(ctx->tenant, &due_ms);
    if (!e)
        e = job_orphans(ctx->tenant, lease->owner, &orphaned);
    if (e)
        return e;
    lease->next_ms = due_ms;
    if (!orphaned && (!due_ms || due_ms > ctx->now_ms))
        return ERR_OK;
    /* What is held back by a job that waits for an answer is due, and nobody is to be woken. */
    e = app_write_still(app, ctx, lease_fn, lease);
    if (!e && !lease->job && lease->by_clock)
        e = next_by_clock(ctx, &lease->next_ms);
    return e;
}

/* --- settling --- */

const char *jobs_reason(struct ctx *ctx, enum err e)
{
    if (ctx->model)
        model_err_texts(ctx);
    const char *text =
        ctx->err.message && ctx->err.message[0] != '@' ? ctx->err.message : err_text(e, ctx->lang);
    const struct err_field *field = ctx->err.first;
    if (field)
        text = arena_printf(ctx->arena, "%s %s: %s", text, field->field,
                            field->message ? field->message : field->code);
    if (ctx->err.detail)
        log_warn("a job stopped: %s: %s", err_code(e), ctx->err.detail);
    return text;
}

struct settle {
    const struct job *job;
    const struct jobs_queue *queue; /* NULL: unknown */
    int64_t owner, again_ms;
    const char *reason;
};

static enum err settle_fn(struct ctx *ctx, void *arg)
{
    const struct settle *s = arg;
    enum err e = job_failed(ctx, s->job, s->owner, s->reason, s->again_ms);
    if (!e && !s->again_ms && s->queue && s->queue->failed)
        e = s->queue->failed(ctx, s->job, s->reason);
    return e;
}

static bool may_pass(enum err e)
{
    return e == ERR_BUSY || e == ERR_IO || e == ERR_FULL || e == ERR_TIMEOUT;
}

/* The step failed: again later, or never. */
static void settle(struct jobs_run *run, const struct jobs_queue *queue, enum err e)
{
    struct ctx *ctx = run->ctx;
    struct job *job = &run->open->job;
    struct settle s = {.job = job, .queue = queue, .owner = run->owner};
    s.reason = jobs_reason(ctx, e);
    if (may_pass(e) && job->tries < JOB_TRIES_MAX) {
        int64_t wait_ms = (int64_t)JOB_RETRY_MS << (job->tries < 8 ? job->tries - 1 : 7);
        s.again_ms = clock_now_ms() + (wait_ms < JOB_RETRY_MS_MAX ? wait_ms : JOB_RETRY_MS_MAX);
    }
    err_info_clear(&ctx->err);
    enum err failed = app_write(run->app, ctx, settle_fn, &s);
    if (failed) /* its lease runs out, and somebody tries again */
        log_warn("job %lld of %s could not be settled: %s", (long long)job->id, ctx->tenant->name,
                 err_code(failed));
    run->ended = true;
}

/* --- the step --- */

static const struct jobs_queue *queue_of(const struct job *job)
{
    for (size_t i = 0; i < sizeof QUEUES / sizeof *QUEUES; i++)
        if (strcmp(QUEUES[i].name, job->queue) == 0 ||
            (slice_ends(slice_str(QUEUES[i].name), SLICE(":")) &&
             slice_starts(slice_str(job->queue), slice_str(QUEUES[i].name))))
            return &QUEUES[i];
    return NULL;
}

/* The creator as he is today: rights that have gone are gone for his jobs, too. */
static enum err act_as(struct ctx *ctx, const struct job *job)
{
    ctx->source = CTX_JOB;
    if (!job->created_by) {
        ctx->as_system = true;
        return ERR_OK;
    }
    enum err e = actor_load(ctx->tenant, job->created_by, &ctx->actor);
    if (e == ERR_NOT_FOUND || (!e && !ctx->actor->active))
        return err_say(&ctx->err, ERR_FORBIDDEN, "user_gone", "%s",
                       ctx->lang == LANG_ZH ? "发起此任务的用户已停用或删除。"
                                            : "The user who started this is no longer active.");
    if (!e && ctx->actor->locale && slice_starts(slice_str(ctx->actor->locale), SLICE("en")))
        ctx->lang = LANG_EN;
    return e;
}

static void run_step(struct jobs_run *run)
{
    struct jobs_open *open = run->open;
    const struct jobs_queue *queue = queue_of(&open->job);
    open->stepped_us = clock_mono_us();
    enum err e = act_as(run->ctx, &open->job);
    /* Not by address or version: a tenant that was closed and opened again may have the same. */
    if (open->model_serial != run->ctx->model->serial)
        open_clear(open);
    open->model_serial = run->ctx->model->serial;
    if (!e && !queue)
        e = err_say(&run->ctx->err, ERR_NOT_SUPPORTED, "unknown_queue", "%s: %s",
                    err_text(ERR_NOT_SUPPORTED, run->ctx->lang), open->job.queue);
    if (!e)
        e = queue->step(run);
    if (e)
        settle(run, queue, e);
}

static enum err step_begin(struct app *app, struct ctx *ctx)
{
    const char *why = NULL;
    enum err e = tenant_refresh(ctx->tenant);
    if (!e)
        e = model_get(ctx->tenant, app->config->home, app->role == APP_COMMAND, &ctx->model, &why);
    if (e && e != ERR_BUSY)
        log_warn("jobs of %s wait: %s", ctx->tenant->name, why ? why : err_code(e));
    ctx->lang = ctx->tenant->locale && slice_starts(slice_str(ctx->tenant->locale), SLICE("en"))
                    ? LANG_EN
                    : LANG_ZH;
    return e;
}

/* An import may last for an hour: letters, reminders and deliveries do not wait for its end. What
 * is due beside it gets steps in turn. The import was stepped just now, so its lease holds. */
static bool may_look(const struct jobs_open *open, int count)
{
    int64_t now_us = clock_mono_us();
    return count == 1 && strcmp(open->job.queue, "import") == 0 &&
           now_us - open->stepped_us < (int64_t)JOB_LEASE_MS * 1000 / 4 &&
           now_us - open->looked_us >= JOBS_BESIDE_US;
}

/* *out: the next job, opened; NULL: none is due before *next_ms. *more: besides jobs there is work
 * left. */
static enum err open_lease(struct app *app, struct ctx *ctx, struct jobs_open **out, bool *more,
                           int64_t *next_ms)
{
    struct lease wanted = {.owner = (int64_t)getpid(), .by_clock = app->role == APP_RUNNER};
    enum err e = ERR_OK;
    *out = NULL;
    if (app->role == APP_RUNNER)
        e = jobs_script_sync(app, ctx);
    if (!e && app->role == APP_RUNNER)
        e = jobs_aside_tell(app, ctx);
    if (!e && app->role == APP_RUNNER)
        e = jobs_tokens_step(app, ctx, more);
    if (!e)
        e = lease(app, ctx, &wanted);
    *next_ms = wanted.next_ms;
    if (!e && wanted.job)
        *out = open_new(ctx->tenant, wanted.job);
    return e;
}

enum err jobs_step(struct app *app, struct tenant *tenant, struct arena *arena, bool *more,
                   int64_t *next_ms)
{
    ASSERT(app->role == APP_RUNNER || app->role == APP_COMMAND);
    ASSERT(tenant && arena && more && next_ms);
    struct ctx ctx;
    ctx_init(&ctx, arena);
    ctx.tenant = tenant;
    struct jobs_run run = {.app = app, .ctx = &ctx, .owner = (int64_t)getpid()};
    store_budget(tenant->store, 0);
    store_watch(tenant->store, app->services->is_asked, app);
    *more = false;
    *next_ms = 0;
    enum err e = step_begin(app, &ctx);
    if (e)
        return e;
    int count;
    run.open = open_find(tenant, &count);
    if (!run.open) {
        e = open_lease(app, &ctx, &run.open, more, next_ms);
        if (e || !run.open)
            return e;
    } else if (app->role == APP_RUNNER && may_look(run.open, count)) {
        struct jobs_open *beside;
        run.open->looked_us = clock_mono_us();
        if (open_lease(app, &ctx, &beside, more, next_ms))
            err_info_clear(&ctx.err); /* the import goes on all the same */
        else if (beside)
            run.open = beside;
    }
    run_step(&run);
    if (run.ended)
        open_drop(run.open);
    else
        run.open->is_awaited = run.open->await && !await_look(run.open->await);
    *more = true; /* this one goes on, or another may be due */
    *next_ms = 0;
    return ERR_OK;
}
