/* schedules - the jobs that plugins offer, as administrators see them: when they run, how the last
 * run went; run now, pause, resume.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/schedule.h"

#include "api/admin.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/page.h"
#include "auth/audit.h"
#include "base/id.h"
#include "hook/trip.h"

/* --- list --- */

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[25];
    json_put_key(out, key);
    if (ms)
        time_text(ms, text);
    json_put_cstr(out, ms ? text : NULL);
}

static void put_spec(struct call *call, const struct schedule *spec)
{
    struct buf *out = &call->resp->body;
    static const char *const catch_ups[] = {
        [SCHEDULE_ONCE] = "once", [SCHEDULE_ALL] = "all", [SCHEDULE_NONE] = "none"};
    json_put_key(out, "plugin");
    json_put_cstr(out, spec->plugin);
    json_put_key(out, "name");
    json_put_cstr(out, spec->name);
    json_put_key(out, "label");
    json_put_cstr(out, jobs_label(call->ctx, spec->plugin, spec->name));
    json_put_key(out, "cron");
    json_put_cstr(out, spec->cron);
    json_put_key(out, "timezone");
    json_put_cstr(out, spec->zone);
    json_put_key(out, "every_s");
    if (spec->every_ms)
        json_put_int(out, spec->every_ms / 1000);
    else
        buf_put_str(out, "null");
    buf_printf(out, ",\"catch_up\":\"%s\",\"concurrency\":%d,\"retry\":%d",
               catch_ups[spec->catch_up], spec->concurrency, spec->retry);
}

struct parts {
    struct buf *out;
    const char *queue;
};

static bool put_part(void *arg, const struct trip *trip)
{
    struct parts *parts = arg;
    const char *part = trip_part(trip, parts->queue);
    if (!part)
        return true;
    json_put_comma(parts->out);
    buf_put_str(parts->out, "{\"part\":");
    json_put_cstr(parts->out, part);
    put_time(parts->out, "paused_at", trip->paused_at_ms);
    json_put_key(parts->out, "why");
    json_put_cstr(parts->out, trip->why);
    buf_put_char(parts->out, '}');
    return true;
}

static enum err put_parts(struct ctx *ctx, const char *queue, struct buf *out)
{
    struct parts parts = {out, queue};
    json_put_key(out, "paused_parts");
    buf_put_char(out, '[');
    enum err e = trip_list(ctx, put_part, &parts);
    buf_put_char(out, ']');
    return e;
}

static enum err put_schedule(struct call *call, const struct schedule_row *row)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    struct trip trip;
    char id[ID_TEXT_LEN + 1];
    const char *queue = schedule_queue(ctx->arena, row->spec.plugin, row->spec.name);
    enum err e = trip_load(ctx, queue, &trip);
    if (e)
        return e;
    buf_put_char(out, '{');
    put_spec(call, &row->spec);
    put_time(out, "next_at", trip.paused_at_ms ? 0 : row->next_at_ms);
    put_time(out, "last_at", row->last_at_ms);
    json_put_key(out, "last_state");
    json_put_cstr(out, row->last_state);
    json_put_key(out, "last_error");
    json_put_cstr(out, row->last_error);
    json_put_key(out, "last_job");
    if (row->last_job)
        id_text(row->last_job, id);
    json_put_cstr(out, row->last_job ? id : NULL);
    put_time(out, "paused_at", trip.paused_at_ms);
    json_put_key(out, "paused_why");
    json_put_cstr(out, trip.paused_at_ms ? trip.why : NULL);
    e = put_parts(ctx, queue, out);
    buf_put_char(out, '}');
    return e;
}

enum err schedules_list(struct call *call)
{
    struct schedule_row *rows;
    int count = 0;
    enum err e = schedule_list(call->ctx, &rows, &count);
    if (e)
        return e;
    page_open(call);
    for (int i = 0; i < count && !e; i++) {
        json_put_comma(&call->resp->body);
        e = put_schedule(call, &rows[i]);
    }
    page_close(call);
    return e;
}

/* --- one of them --- */

static enum err find(struct call *call, struct schedule_row *row)
{
    struct arena *arena = call->ctx->arena;
    enum err e = call->body ? call_only(call, (const char *const[]){NULL}) : ERR_OK;
    return e ? e
             : schedule_load(call->ctx, arena_str(arena, call_param(call, 0)),
                             arena_str(arena, call_param(call, 1)), row);
}

static enum err audit(struct call *call, const char *action, const struct schedule *spec)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"job\":");
    json_put_cstr(&detail, schedule_queue(call->ctx->arena, spec->plugin, spec->name));
    buf_put_char(&detail, '}');
    enum err e = audit_put(call->ctx, action, NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

/* It runs as it would by the clock: as nobody, not with the administrator's rights. */
enum err schedules_run(struct call *call)
{
    struct schedule_row row;
    int64_t id = 0;
    enum err e = find(call, &row);
    if (e)
        return e;
    struct schedule_push push = {.plugin = row.spec.plugin, .name = row.spec.name, .key = "now"};
    e = schedule_push(call->ctx, &push, &id);
    if (!e)
        e = audit(call, "job.run", &row.spec);
    if (e)
        return e;
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    call->resp->status = 202;
    resp_header(call->resp, "Location", arena_printf(call->ctx->arena, "/api/v1/jobs/%s", text));
    buf_printf(&call->resp->body, "{\"id\":\"%s\",\"state\":\"queued\"}", text);
    return ERR_OK;
}

enum err schedules_pause(struct call *call)
{
    struct schedule_row row;
    struct ctx *ctx = call->ctx;
    enum err e = find(call, &row);
    if (!e)
        e = trip_pause(ctx, schedule_queue(ctx->arena, row.spec.plugin, row.spec.name), NULL);
    if (!e)
        e = audit(call, "job.pause", &row.spec);
    return e ? e : put_schedule(call, &row);
}

enum err schedules_resume(struct call *call)
{
    struct schedule_row row;
    struct ctx *ctx = call->ctx;
    enum err e = find(call, &row);
    if (e)
        return e;
    const char *queue = schedule_queue(ctx->arena, row.spec.plugin, row.spec.name);
    e = trip_resume(ctx, queue);
    if (!e)
        e = trip_resume_parts(ctx, queue);
    if (!e)
        e = job_unpark(ctx, queue);
    if (!e)
        e = audit(call, "job.resume", &row.spec);
    return e ? e : put_schedule(call, &row);
}
