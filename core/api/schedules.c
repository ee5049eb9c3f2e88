/* schedules - the jobs that plugins offer, as administrators see them: when they run, how the last
 * run went; run now, pause, resume.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/schedule.h"

#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/jobs.h"
#include "api/page.h"
#include "auth/audit.h"
#include "base/id.h"
#include "hook/trip.h"
#include "record/list_group.h"

#define PART_CHARS_MAX 200 /* what is longer was never one */

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

/* What the record is called, if it is one of that entity and theirs to see; else NULL. */
static enum err find_title(struct ctx *ctx, const struct entity *entity, int64_t id,
                           const char **out)
{
    const struct json *titles = NULL;
    struct buf members = BUF_INIT;
    *out = NULL;
    buf_put_char(&members, '{');
    enum err e = list_titles(ctx, entity, &id, 1, &members);
    buf_put_char(&members, '}');
    if (!e)
        e = json_parse(ctx->arena, buf_slice(&members), &titles, NULL);
    if (!e)
        json_each(title, titles) *out = arena_str(ctx->arena, title->text);
    buf_release(&members);
    return e;
}

/* A part is often a record of its plugin (a mapping, an address that takes messages): what that is
 * called tells a person more than its number. Null where it is none. */
static enum err put_about(struct ctx *ctx, const char *plugin, const char *part, struct buf *out)
{
    int64_t id;
    enum err e = ERR_OK;
    const char *title = NULL;
    const struct entity *entity = NULL;
    const struct model *model = ctx->model;
    bool is_id = id_parse(slice_str(part), &id);
    for (int i = 0; is_id && !title && i < model->entities_count && !e; i++) {
        entity = model->entity_list[i];
        if (strcmp(entity->plugin, plugin) == 0)
            e = find_title(ctx, entity, id, &title);
    }
    json_put_key(out, "about");
    if (e || !title) {
        buf_put_str(out, "null");
        return e;
    }
    buf_put_str(out, "{\"entity\":");
    json_put_cstr(out, entity->name);
    json_put_key(out, "label");
    json_put_cstr(out,
                  model_text(model, ctx->arena, ctx->lang, entity->plugin, entity->label, NULL));
    json_put_key(out, "title");
    json_put_cstr(out, title);
    buf_put_char(out, '}');
    return ERR_OK;
}

struct parts {
    struct ctx *ctx;
    struct buf *out;
    const char *plugin, *queue;
    enum err e;
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
    parts->e = admin_put_person(parts->ctx, "paused_by", trip->paused_by, parts->out);
    if (!parts->e)
        parts->e = put_about(parts->ctx, parts->plugin, part, parts->out);
    buf_put_char(parts->out, '}');
    return !parts->e;
}

static enum err put_parts(struct ctx *ctx, const struct schedule *spec, const char *queue,
                          struct buf *out)
{
    struct parts parts = {.ctx = ctx, .out = out, .plugin = spec->plugin, .queue = queue};
    json_put_key(out, "paused_parts");
    buf_put_char(out, '[');
    enum err e = trip_list(ctx, put_part, &parts);
    buf_put_char(out, ']');
    return e ? e : parts.e;
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
    e = admin_put_person(ctx, "paused_by", trip.paused_by, out);
    if (!e)
        e = put_parts(ctx, &row->spec, queue, out);
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

static enum err find_with(struct call *call, const char *const *members, struct schedule_row *row)
{
    struct arena *arena = call->ctx->arena;
    enum err e = call->body ? call_only(call, members) : ERR_OK;
    return e ? e
             : schedule_load(call->ctx, arena_str(arena, call_param(call, 0)),
                             arena_str(arena, call_param(call, 1)), row);
}

static enum err find(struct call *call, struct schedule_row *row)
{
    return find_with(call, (const char *const[]){NULL}, row);
}

/* name: of its queue, or of the part that it is about. */
static enum err audit(struct call *call, const char *action, const char *name)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"job\":");
    json_put_cstr(&detail, name);
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
        e = audit(call, "job.run",
                  schedule_queue(call->ctx->arena, row.spec.plugin, row.spec.name));
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
    if (e)
        return e;
    const char *queue = schedule_queue(ctx->arena, row.spec.plugin, row.spec.name);
    e = trip_pause(ctx, queue, ctx->actor ? ctx->actor->user : 0, NULL);
    if (!e)
        e = audit(call, "job.pause", queue);
    return e ? e : put_schedule(call, &row);
}

/* One part, which has to be paused, or the whole of it. What waits for other parts looks again, and
 * goes on waiting. */
static enum err resume(struct ctx *ctx, const char *queue, const char *part)
{
    const char *name = schedule_trip(ctx->arena, queue, part);
    struct trip trip = {0};
    enum err e = part ? trip_load(ctx, name, &trip) : ERR_OK;
    if (!e && part && !trip.paused_at_ms)
        e = ERR_NOT_FOUND;
    if (!e)
        e = trip_resume(ctx, name);
    if (!e && !part)
        e = trip_resume_parts(ctx, queue);
    return e ? e : job_unpark(ctx, queue);
}

enum err schedules_resume(struct call *call)
{
    struct schedule_row row;
    struct ctx *ctx = call->ctx;
    enum err e = find_with(call, (const char *const[]){"part", NULL}, &row);
    const char *part = call->body ? body_text(call, "part", PART_CHARS_MAX) : NULL;
    if (!e)
        e = body_done(call);
    if (e)
        return e;
    const char *queue = schedule_queue(ctx->arena, row.spec.plugin, row.spec.name);
    e = resume(ctx, queue, part);
    if (!e)
        e = audit(call, "job.resume", schedule_trip(ctx->arena, queue, part));
    return e ? e : put_schedule(call, &row);
}
