/* jobs_export - writes what a list finds into a file of its creator.
 *
 * Reading takes no turn; only the row of the finished file, what scripts make of it
 * (export.written) and the audit do.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "api/jobs_in.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/id.h"
#include "record/blob.h"
#include "record/exporter.h"
#include "record/record.h"
#include "record/rights.h"
#include "tenant/folder.h"

#define EXPORT_RENEW_MS (JOB_LEASE_MS / 4)

struct export
{
    struct jobs_run *run;
    const struct entity *entity;
    const char *format;
    int fd;
    int64_t renewed_at_us, rows;
    struct blob blob;
    bool cancelled;
};

static enum err renew_fn(struct ctx *ctx, void *arg)
{
    struct export *x = arg;
    enum err e = job_renew(ctx, &x->run->open->job, x->run->owner, NULL, 0);
    if (e != ERR_CONFLICT || !ctx->err.code || strcmp(ctx->err.code, "cancelled") != 0)
        return e;
    err_info_clear(&ctx->err);
    x->cancelled = true; /* committed: the job has ended */
    return ERR_OK;
}

static enum err chunk(void *arg, struct slice bytes)
{
    struct export *x = arg;
    while (bytes.len) {
        ssize_t n = write(x->fd, bytes.at, bytes.len);
        if (n < 0 && errno != EINTR)
            return folder_err(errno);
        if (n > 0)
            bytes = slice_of(bytes.at + n, bytes.len - (size_t)n);
    }
    if (clock_mono_us() - x->renewed_at_us < EXPORT_RENEW_MS * 1000)
        return ERR_OK;
    x->renewed_at_us = clock_mono_us();
    x->run->ctx->now_ms = clock_now_ms();
    enum err e = app_write(x->run->app, x->run->ctx, renew_fn, x);
    return !e && x->cancelled ? ERR_CONFLICT : e;
}

static bool is_format(const struct export *x, const char *format)
{
    return strcmp(x->format, format) == 0;
}

/* Scripts may refuse the file, or keep it by naming it in a record. */
static enum err tell(struct ctx *ctx, const struct export *x, const struct blob_file *file)
{
    struct unit unit;
    struct arena *arena = ctx->arena;
    struct json *payload = json_new(arena, JSON_OBJECT);
    json_add(arena, payload, "entity", json_new_str(arena, slice_str(x->entity->name)));
    json_add(arena, payload, "format", json_new_str(arena, slice_str(x->format)));
    json_add(arena, payload, "rows", json_new_int(arena, x->rows));
    json_add(arena, payload, "file", json_new_int(arena, file->id));
    enum err e = app_unit_begin(x->run->app, ctx, &unit);
    if (e)
        return e;
    struct event event = {.moment = HOOK_EVENT,
                          .entity = HOOK_EVENT_EXPORT_WRITTEN,
                          .name = HOOK_EVENT_EXPORT_WRITTEN,
                          .payload = payload,
                          .id = id_next()};
    if (hook_wants(unit.hooks, event.entity, HOOK_EVENT))
        e = hook_fire(unit.hooks, ctx, &event);
    unit_end(ctx);
    return e;
}

/* What the job has come to: the file, or the record that has it now. */
static enum err result_of(struct ctx *ctx, const struct export *x, int64_t id, const char **out)
{
    struct blob_file file;
    char text[ID_TEXT_LEN + 1];
    enum err e = blob_file_read(ctx, id, &file);
    if (e)
        return e;
    id_text(file.record ? file.record : id, text);
    if (!file.record) {
        *out =
            arena_printf(ctx->arena, "{\"file\":\"%s\",\"rows\":%lld}", text, (long long)x->rows);
        return ERR_OK;
    }
    *out = arena_printf(ctx->arena, "{\"held\":{\"entity\":\"%s\",\"id\":\"%s\"},\"rows\":%lld}",
                        file.entity, text, (long long)x->rows);
    return blob_file_disown(ctx, id);
}

static enum err done_fn(struct ctx *ctx, void *arg)
{
    struct export *x = arg;
    struct arena *arena = ctx->arena;
    char id[ID_TEXT_LEN + 1];
    const char *result;
    struct blob_file file = {.hash = x->blob.hash, .bytes = x->blob.bytes};
    if (ctx->tenant->header.model_version != ctx->model->version)
        return ERR_BUSY;
    file.type = is_format(x, "csv")    ? "text/csv; charset=utf-8"
                : is_format(x, "xlsx") ? XLSX_TYPE
                                       : "application/x-ndjson";
    file.name =
        arena_printf(arena, "%s.%s", x->entity->name, is_format(x, "json") ? "jsonl" : x->format);
    enum err e = blob_file_insert(ctx, &file);
    if (e)
        return e;
    id_text(file.id, id);
    e = tell(ctx, x, &file);
    if (!e)
        e = result_of(ctx, x, file.id, &result);
    if (!e)
        e = job_done(ctx, &x->run->open->job, x->run->owner, result);
    return e ? e
             : audit_put(ctx, "export", x->entity->name, 0,
                         arena_printf(arena, "{\"format\":\"%s\",\"rows\":%lld,\"file\":\"%s\"}",
                                      x->format, (long long)x->rows, id));
}

static enum err write_sheet(struct export *x, const struct list_query *query, const char *path)
{
    struct ctx *ctx = x->run->ctx;
    struct xlsx *sheet;
    enum err e =
        xlsx_new(path, tenant_path(ctx->tenant, ctx->arena, "tmp", NULL), x->entity->name, &sheet);
    if (e)
        return e;
    x->renewed_at_us = clock_mono_us();
    e = exporter_run_sheet(ctx, query, sheet, chunk, x, &x->rows);
    enum err closed = xlsx_close(sheet, !e);
    return e ? e : closed;
}

static enum err write_out(struct export *x, const struct list_query *query, const char *path)
{
    enum exporter_format format = is_format(x, "csv") ? EXPORT_CSV : EXPORT_JSON;
    if (is_format(x, "xlsx"))
        return write_sheet(x, query, path);
    x->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (x->fd < 0)
        return folder_err(errno);
    x->renewed_at_us = clock_mono_us();
    enum err e = exporter_run(x->run->ctx, query, format, chunk, x, &x->rows);
    if (close(x->fd) != 0 && !e)
        e = folder_err(errno);
    return e;
}

enum err jobs_export_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    const struct json *body = run->open->job.body;
    struct export x = {.run = run, .fd = -1};
    struct list_query query = {0};
    x.entity = model_entity(ctx->model, json_str(body, "entity", SLICE("")));
    x.format = json_cstr(body, "format", "csv");
    if (!x.entity)
        return ERR_NOT_FOUND;
    enum err e = rights_action(ctx, x.entity, ROLE_EXPORT);
    if (!e)
        e = list_query_json(ctx, x.entity, json_get(body, "query"), &query);
    if (e)
        return e;
    const char *path = blob_tmp(ctx->tenant, ctx->arena, "export");
    e = write_out(&x, &query, path);
    if (!e)
        e = blob_adopt(ctx->tenant, ctx->arena, path, &x.blob);
    if (!e)
        e = app_write(run->app, ctx, done_fn, &x);
    (void)unlink(path); /* gone already when it was kept */
    if (x.cancelled)
        e = ERR_OK;
    run->ended = !e;
    return e;
}
