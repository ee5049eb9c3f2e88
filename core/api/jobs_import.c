/* jobs_import - carries out and takes back imports, a batch a step.
 *
 * Rows, counts, place in the file and the job's lease are one transaction, so a crash resumes
 * exactly. Reasons of failed rows are written behind what the last committed step has written: the
 * job's state knows how long the file is.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "api/import.h"
#include "api/jobs_in.h"
#include "base/clock.h"
#include "base/id.h"
#include "record/blob.h"
#include "record/rights.h"
#include "tenant/folder.h"

#define IMPORT_ALONE_ROWS 2000
#define IMPORT_ALONE_US   1000000
#define IMPORT_MARGIN_US  15000 /* of a loan, for the commit and for a slow last row */

/* What stays open between two steps. */
struct work {
    struct arena *arena; /* owned; holds the mapped file */
    struct importer *importer;
    int64_t reasons_bytes; /* written and committed */
    bool is_begun;
};

struct batch {
    struct jobs_run *run;
    struct import import;
    const struct entity *entity;
    struct work *work;
    bool done, cancelled, rolled_back;
    struct buf reasons;
};

enum err jobs_import_id(const struct job *job, int64_t *out)
{
    return id_parse(json_str(job->body, "import", SLICE("")), out) ? ERR_OK : ERR_CORRUPT;
}

static void work_free(void *state)
{
    struct work *work = state;
    importer_free(work->importer);
    arena_free(work->arena);
}

/* --- opening --- */

static enum err work_open(struct jobs_run *run, const struct import *import,
                          const struct entity *entity, struct work **out)
{
    struct arena *arena = arena_new();
    struct work *work = arena_make(arena, struct work);
    struct importer_options options = import_options(import);
    struct slice source;
    work->arena = arena;
    work->reasons_bytes = import->dry_run ? 0 : json_int(run->open->job.state, "reasons", 0);
    enum err e = blob_map(arena, import_path(run->ctx->tenant, arena, import->id), &source);
    if (e == ERR_NOT_FOUND)
        e = err_say(&run->ctx->err, ERR_NOT_FOUND, "no_file", "%s",
                    run->ctx->lang == LANG_ZH ? "导入文件已不存在。"
                                              : "The uploaded file is no longer there.");
    if (!e)
        e = importer_new(run->ctx, entity, source, &options, &work->importer);
    if (e) {
        arena_free(arena);
        return e;
    }
    run->open->state = work;
    run->open->state_free = work_free;
    *out = work;
    return ERR_OK;
}

/* --- reasons --- */

static enum err reasons_write(struct ctx *ctx, const struct import *import, int64_t at,
                              struct slice text)
{
    const char *path = import_reasons_path(ctx->tenant, ctx->arena, import->id);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return folder_err(errno);
    enum err e = ftruncate(fd, (off_t)at) == 0 ? ERR_OK : folder_err(errno);
    while (text.len > 0 && !e) {
        ssize_t n = pwrite(fd, text.at, text.len, (off_t)at);
        if (n < 0 && errno != EINTR)
            e = folder_err(errno);
        if (n > 0) {
            text = slice_of(text.at + n, text.len - (size_t)n);
            at += n;
        }
    }
    if (close(fd) != 0 && !e)
        e = folder_err(errno);
    return e;
}

static enum err reasons_put(struct batch *batch)
{
    struct work *work = batch->work;
    if (!batch->reasons.len && work->reasons_bytes > 0)
        return ERR_OK;
    return reasons_write(batch->run->ctx, &batch->import, work->reasons_bytes,
                         buf_slice(&batch->reasons));
}

/* --- a batch --- */

static enum err model_is_still(struct ctx *ctx)
{
    return ctx->tenant->header.model_version == ctx->model->version ? ERR_OK : ERR_BUSY;
}

/* Renews the lease; a wish to stop ends the import where it stands. */
static enum err renew(struct ctx *ctx, struct batch *batch, const char *state, int progress)
{
    struct jobs_run *run = batch->run;
    enum err e = job_renew(ctx, &run->open->job, run->owner, state, progress);
    if (e != ERR_CONFLICT || !ctx->err.code || strcmp(ctx->err.code, "cancelled") != 0)
        return e;
    err_info_clear(&ctx->err);
    batch->cancelled = true;
    batch->import.state = IMPORT_FAILED;
    batch->import.error = ctx->lang == LANG_ZH ? "已取消。" : "Cancelled.";
    return import_update(ctx, &batch->import);
}

static enum err rows(struct ctx *ctx, struct batch *batch)
{
    struct unit unit;
    enum err e = app_unit_begin(batch->run->app, ctx, &unit);
    if (e)
        return e;
    /* A command has the store to itself: nobody waits for the end of its transaction. */
    bool alone = batch->run->app->role == APP_COMMAND;
    importer_watch(batch->work->importer, batch->run->app->services->is_wanted, batch->run->app);
    int64_t run_us = alone ? IMPORT_ALONE_US : TURN_LOAN_US - IMPORT_MARGIN_US;
    e = importer_step(ctx, batch->work->importer, alone ? IMPORT_ALONE_ROWS : IMPORT_BATCH_ROWS,
                      clock_mono_us() + run_us, &batch->reasons, &batch->done);
    unit_end(ctx);
    return e;
}

static const char *state_text(struct arena *arena, const struct batch *batch)
{
    return arena_printf(arena, "{\"reasons\":%lld}",
                        (long long)(batch->work->reasons_bytes + (int64_t)batch->reasons.len));
}

static enum err finish(struct ctx *ctx, struct batch *batch, const char *state)
{
    struct jobs_run *run = batch->run;
    struct buf result = BUF_INIT;
    batch->import.state = state;
    batch->import.error = NULL;
    bool undo = strcmp(state, IMPORT_UNDONE) == 0;
    import_put_counts(undo ? &batch->import.undone : &batch->import.counts, &result);
    enum err e = job_done(ctx, &run->open->job, run->owner, buf_cstr(&result));
    buf_release(&result);
    return e;
}

/* Has the turn been borrowed for long enough? */
static bool is_over(struct app *app, int64_t begun_us)
{
    int64_t us = clock_mono_us() - begun_us;
    if (us >= TURN_LOAN_US - IMPORT_MARGIN_US)
        return true;
    return us >= TURN_YIELD_US && app->services->is_wanted && app->services->is_wanted(app);
}

/* Every search would ask all the parts that the index of so many rows has. *done: it is whole. */
static enum err merge(struct ctx *ctx, struct batch *batch, const struct entity *entity, bool *done)
{
    const struct importer_counts *counts = importer_counts(batch->work->importer);
    int64_t begun_us = clock_mono_us();
    bool more = entity->has_search && counts->created + counts->updated >= IMPORT_MERGE_ROWS;
    enum err e = ERR_OK;
    while (more && !e && !is_over(batch->run->app, begun_us))
        e = store_tokens_merge(ctx->tenant->store, entity->table, IMPORT_MERGE_PAGES, &more);
    *done = !more;
    return e;
}

static enum err run_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    struct work *work = batch->work;
    int64_t id = batch->import.id;
    enum err e = model_is_still(ctx);
    buf_clear(&batch->reasons);
    batch->cancelled = batch->done = false;
    if (!e && !work->is_begun)
        e = importer_begin(ctx, work->importer, &id);
    if (!e)
        e = renew(ctx, batch, NULL, importer_progress(work->importer));
    if (e || batch->cancelled)
        return e;
    e = rows(ctx, batch);
    if (!e && batch->done)
        e = merge(ctx, batch, batch->entity, &batch->done);
    if (e)
        return e;
    batch->import.counts = *importer_counts(work->importer);
    batch->import.state = IMPORT_RUNNING;
    e = batch->done
            ? finish(ctx, batch, IMPORT_DONE)
            : renew(ctx, batch, state_text(ctx->arena, batch), importer_progress(work->importer));
    if (!e)
        e = import_update(ctx, &batch->import);
    return e ? e : reasons_put(batch);
}

/* Nothing of a dry run stays: its rows are rolled back with this error, which is no failure. */
static enum err dry_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    buf_clear(&batch->reasons);
    batch->done = batch->rolled_back = false;
    enum err e = model_is_still(ctx);
    if (!e)
        e = rows(ctx, batch);
    if (e)
        return e;
    batch->rolled_back = true;
    return ERR_CONFLICT;
}

static enum err dry_note_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    batch->cancelled = false;
    batch->import.counts = *importer_counts(batch->work->importer);
    batch->import.state = IMPORT_RUNNING;
    enum err e = batch->done ? finish(ctx, batch, IMPORT_DONE)
                             : renew(ctx, batch, NULL, importer_progress(batch->work->importer));
    if (!e && !batch->cancelled)
        e = import_restart(ctx, &batch->import);
    return e ? e : reasons_put(batch);
}

static enum err step_dry(struct jobs_run *run, struct batch *batch)
{
    enum err e = app_write(run->app, run->ctx, dry_fn, batch);
    if (!batch->rolled_back)
        return e;
    err_info_clear(&run->ctx->err);
    return app_write(run->app, run->ctx, dry_note_fn, batch);
}

static enum err step_run(struct jobs_run *run, struct batch *batch, const struct entity *entity)
{
    enum err e = ERR_OK;
    batch->work = run->open->state;
    batch->entity = entity;
    if (!batch->work)
        e = work_open(run, &batch->import, entity, &batch->work);
    if (e)
        return e;
    run->ctx->batch = batch->import.id;
    if (batch->import.dry_run)
        e = step_dry(run, batch);
    else
        e = app_write(run->app, run->ctx, run_fn, batch);
    if (!e) {
        batch->work->is_begun = true;
        batch->work->reasons_bytes += (int64_t)batch->reasons.len;
    }
    return e;
}

/* --- undo --- */

static enum err undo_fn(struct ctx *ctx, void *arg)
{
    struct batch *batch = arg;
    struct jobs_run *run = batch->run;
    struct unit unit;
    enum err e = model_is_still(ctx);
    batch->cancelled = batch->done = false;
    if (!e)
        e = import_read(ctx, batch->import.id, &batch->import); /* counts as committed */
    if (!e)
        e = renew(ctx, batch, NULL, 0);
    if (e || batch->cancelled)
        return e;
    e = app_unit_begin(run->app, ctx, &unit);
    if (e)
        return e;
    int64_t begun_us = clock_mono_us();
    for (int n = 0; n < IMPORT_BATCH_ROWS && !e && !batch->done; n += 10) {
        e = importer_undo(ctx, batch->import.id, 10, &batch->import.undone, &batch->done);
        if (is_over(run->app, begun_us))
            break;
    }
    unit_end(ctx);
    if (e)
        return e;
    batch->import.state = IMPORT_UNDOING;
    if (batch->done)
        e = finish(ctx, batch, IMPORT_UNDONE);
    return e ? e : import_update(ctx, &batch->import);
}

/* --- the queue's functions --- */

enum err jobs_import_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    struct batch batch = {.run = run, .reasons = BUF_INIT};
    int64_t id;
    enum err e = jobs_import_id(&run->open->job, &id);
    if (!e)
        e = import_read(ctx, id, &batch.import);
    if (e)
        return e;
    const struct entity *entity = model_entity(ctx->model, slice_str(batch.import.entity));
    if (!entity)
        return err_say(&ctx->err, ERR_NOT_FOUND, "unknown_entity", "%s",
                       err_text(ERR_NOT_FOUND, ctx->lang));
    e = rights_action(ctx, entity, ROLE_IMPORT);
    if (e)
        return e;
    ctx->source = CTX_IMPORT;
    if (json_bool(run->open->job.body, "undo", false))
        e = app_write(run->app, ctx, undo_fn, &batch);
    else
        e = step_run(run, &batch, entity);
    run->ended = !e && (batch.done || batch.cancelled);
    buf_release(&batch.reasons);
    return e;
}

enum err jobs_import_failed(struct ctx *ctx, const struct job *job, const char *reason)
{
    struct import import;
    int64_t id;
    enum err e = jobs_import_id(job, &id);
    if (!e)
        e = import_read(ctx, id, &import);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    import.state = IMPORT_FAILED;
    import.error = reason;
    return import_update(ctx, &import);
}
