/* jobs_notify - gathers what a person has not read into one letter.
 *
 * The job waits since the first notification that asked for it (record/notify.c); what was read
 * meanwhile is left out, and where nothing is left no letter is written. Letter, marks and the end
 * of the job are one transaction: nobody is told twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/jobs_in.h"
#include "hook/post.h"
#include "record/notify.h"

/* --- pauses -------------------------------------------------------------------------------------
 */

enum err jobs_tell_paused(struct ctx *ctx, const char *what, const char *name, const char *why)
{
    struct arena *a = ctx->arena;
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"name\":");
    json_put_cstr(&args, name);
    json_put_key(&args, "why");
    json_put_cstr(&args, why ? why : "");
    buf_put_char(&args, '}');
    bool is_job = strcmp(what, "job_paused") == 0;
    const struct notify notify = {.kind = what,
                                  .text = arena_printf(a, "@notify.%s", what),
                                  .body = arena_printf(a, "@notify.%s.body", what),
                                  .args = arena_str(a, buf_slice(&args)),
                                  .tone = "danger",
                                  .link = is_job ? "/admin/jobs" : "/admin/plugins",
                                  .dedupe = arena_printf(a, "paused:%.180s", name)};
    buf_release(&args);
    return notify_admins(ctx, "plugins", &notify, NULL);
}

/* --- letters ------------------------------------------------------------------------------------
 */

struct telling {
    struct jobs_run *run;
    struct notify_digest digest;
};

static enum err tell(struct ctx *ctx, const struct notify_digest *digest)
{
    int64_t id;
    const char *const to[] = {digest->to, NULL};
    struct post post = {
        .to = to, .template = "core:notifications", .data = digest->data, .lang = digest->lang};
    enum err e = post_put(ctx, &post, &id);
    if (e == ERR_VALIDATION) { /* an address that is none: they stay to be read in the console */
        err_info_clear(&ctx->err);
        e = ERR_OK;
    }
    return e ? e : notify_mailed(ctx, digest);
}

static enum err tell_fn(struct ctx *ctx, void *arg)
{
    struct telling *t = arg;
    const struct job *job = &t->run->open->job;
    enum err e = notify_digest(ctx, json_int(job->body, "user", 0), &t->digest);
    if (!e && t->digest.to)
        e = tell(ctx, &t->digest);
    return e ? e : job_done(ctx, job, t->run->owner, NULL);
}

enum err jobs_notify_step(struct jobs_run *run)
{
    struct telling telling = {.run = run};
    enum err e = app_write(run->app, run->ctx, tell_fn, &telling);
    run->ended = !e;
    return e;
}
