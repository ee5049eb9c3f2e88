/* events - opening a stream of live events and reading on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/events.h"

#include <string.h>

#include "api/handlers.h"
#include "api/jobs_in.h"
#include "api/pipeline.h"
#include "base/hash.h"
#include "base/id.h"
#include "record/feed.h"

#define RETRY_MS 2000 /* a client that was cut off waits so long */

/* Who somebody is in the company, apart from who it is. */
static uint64_t place_of(const struct actor *actor)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%lld %lld %lld", (long long)actor->user, (long long)actor->team,
               (long long)actor->department);
    for (int i = 0; i < actor->roles_count; i++)
        buf_printf(&b, " %s", actor->roles[i]->name);
    uint64_t place = hash_bytes(buf_slice(&b));
    buf_release(&b);
    return place;
}

static void put_reset(struct events *events, struct buf *out)
{
    buf_printf(out, "id: %lld\nevent: reset\ndata: {\"seq\":%lld}\n\n", (long long)events->seq,
               (long long)events->seq);
    events->told = events->seq;
}

/* --- opening ------------------------------------------------------------------------------------
 */

/* Last-Event-ID is what a browser sends when it comes back; ?since= what a program may. */
static enum err since_of(struct call *call, bool *given, int64_t *since)
{
    struct slice header = req_header(call->req, "last-event-id");
    struct slice text = header.len ? header : req_query(call->req, "since");
    *given = text.len > 0;
    if (*given && (!slice_to_int(text, since) || *since < 0))
        return err_field(&call->ctx->err, "since", "not_a_number", NULL);
    return ERR_OK;
}

enum err events_open(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct resp *resp = call->resp;
    int64_t newest = 0, since = 0;
    bool given = false;
    if (call->app->role != APP_GATEWAY || !ctx->actor)
        return ERR_FORBIDDEN; /* commands have no stream: they end */
    enum err e = since_of(call, &given, &since);
    if (!e)
        e = feed_newest(ctx, &newest);
    if (e)
        return e;
    struct events *events = arena_make(ctx->arena, struct events);
    /* A seq beyond the log is of a store that has been replaced by an older one. */
    bool too_far = given && (since > newest || newest - since > STREAM_REPLAY_MAX);
    events->seq = given && !too_far ? since : newest;
    events->told = events->seq;
    events->place = place_of(ctx->actor);
    call->events = events;
    resp->is_stream = true;
    resp->content_type = "text/event-stream";
    resp_header(resp, "X-Accel-Buffering", "no"); /* a proxy must not collect them */
    buf_printf(&resp->body, "retry: %d\nid: %lld\n\n", RETRY_MS, (long long)events->seq);
    if (too_far)
        put_reset(events, &resp->body);
    return ERR_OK;
}

/* --- changes ------------------------------------------------------------------------------------
 */

static enum err put_changes(struct ctx *ctx, struct events *events, struct buf *out, bool *more)
{
    int64_t newest = 0;
    struct feed *feed;
    enum err e = feed_newest(ctx, &newest);
    if (!e && newest - events->seq > STREAM_REPLAY_MAX) {
        events->seq = newest;
        put_reset(events, out);
        return ERR_OK;
    }
    if (!e && newest == events->seq)
        return ERR_OK;
    if (!e)
        e = feed_read(ctx, events->seq, CHANGES_MAX, &feed);
    if (e)
        return e;
    for (int i = 0; i < feed->count; i++) {
        if (!feed->items[i].is_seen)
            continue;
        events->told = feed->items[i].seq;
        buf_printf(out, "id: %lld\nevent: change\ndata: ", (long long)events->told);
        feed_put_event(&feed->items[i], out);
        buf_put_str(out, "\n\n");
    }
    events->seq = feed->last;
    *more = feed->is_full;
    return ERR_OK;
}

/* --- jobs ---------------------------------------------------------------------------------------
 */

enum { JOB_ID, JOB_QUEUE, JOB_STATE, JOB_PROGRESS, JOB_COLUMNS };

struct job_news {
    struct events *events;
    struct events_job jobs[STREAM_JOBS];
    int count;
    struct buf *out;
};

static const struct events_job *job_known(const struct events *events, int64_t id)
{
    for (int i = 0; i < events->jobs_count; i++)
        if (events->jobs[i].id == id)
            return &events->jobs[i];
    return NULL;
}

static void put_job(const struct store_row *row, const char *state, struct buf *out)
{
    char id[ID_TEXT_LEN + 1];
    id_text(store_row_int(row, JOB_ID), id);
    buf_printf(out, "event: job\ndata: {\"id\":\"%s\"", id);
    json_put_key(out, "queue");
    json_put_string(out, store_row_bytes(row, JOB_QUEUE));
    json_put_key(out, "state");
    json_put_cstr(out, state);
    json_put_key(out, "progress");
    json_put_int(out, store_row_int(row, JOB_PROGRESS));
    buf_put_str(out, "}\n\n");
}

/* The first look tells what is under way; what had ended by then is old news. */
static bool job_row(void *arg, const struct store_row *row)
{
    struct job_news *news = arg;
    const char *state = jobs_state_name(store_row_bytes(row, JOB_STATE));
    struct buf b = BUF_INIT;
    buf_printf(&b, "%s %lld", state, (long long)store_row_int(row, JOB_PROGRESS));
    struct events_job job = {store_row_int(row, JOB_ID), hash_bytes(buf_slice(&b))};
    buf_release(&b);
    const struct events_job *known = job_known(news->events, job.id);
    bool ended = strcmp(state, "queued") != 0 && strcmp(state, "running") != 0 &&
                 strcmp(state, "stopping") != 0;
    bool is_new = known ? known->mark != job.mark : news->events->has_jobs || !ended;
    news->jobs[news->count++] = job;
    if (is_new)
        put_job(row, state, news->out);
    return true;
}

static enum err put_jobs(struct ctx *ctx, struct events *events, struct buf *out)
{
    static const struct query_column columns[JOB_COLUMNS] = {
        [JOB_ID] = {.column = {0, "id"}},
        [JOB_QUEUE] = {.column = {0, "queue"}},
        [JOB_STATE] = {.column = {0, "state"}},
        [JOB_PROGRESS] = {.column = {0, "progress"}},
    };
    if (!actor_in_scope(ctx->actor, "job", "read"))
        return ERR_OK;
    struct job_news news = {.events = events, .out = out};
    struct query_order newest = {{0, "id"}, NULL, true};
    struct query q = {.table = "job",
                      .select = columns,
                      .select_count = JOB_COLUMNS,
                      .where =
                          expr_cmp(ctx->arena, EXPR_EQ, "created_by", value_int(ctx->actor->user)),
                      .order = &newest,
                      .order_count = 1,
                      .limit = STREAM_JOBS};
    enum err e = store_read(ctx->tenant->store, &q, job_row, &news);
    if (e)
        return e;
    memcpy(events->jobs, news.jobs, sizeof(news.jobs));
    events->jobs_count = news.count;
    events->has_jobs = true;
    return ERR_OK;
}

/* --- a round ------------------------------------------------------------------------------------
 */

static enum err round_run(struct call *call, struct events *events, struct buf *out, bool *more)
{
    struct ctx *ctx = call->ctx;
    if (place_of(ctx->actor) != events->place)
        return ERR_FORBIDDEN;
    store_budget(ctx->tenant->store, READ_CPU_US_MAX);
    struct events before = *events;
    size_t from = out->len;
    enum err e = put_changes(ctx, events, out, more);
    if (!e)
        e = put_jobs(ctx, events, out);
    if (e) { /* all of it again, next time */
        *events = before;
        buf_truncate(out, from);
    }
    return e;
}

enum err events_round(struct app *app, const struct req *req, struct events *events,
                      struct buf *out, bool *more)
{
    struct arena *arena = arena_new();
    struct resp resp;
    resp_init(&resp, arena);
    struct call *call = pipeline_call_new(app, arena, req, &resp);
    int64_t body_max = 0;
    *more = false;
    enum err e = pipeline_admit(call, false, &body_max);
    if (!e)
        e = round_run(call, events, out, more);
    pipeline_end(call);
    resp_release(&resp);
    arena_free(arena);
    return e;
}

bool events_is_passing(enum err e)
{
    return e == ERR_BUSY || e == ERR_TIMEOUT || e == ERR_IO || e == ERR_FULL;
}

void events_put_end(enum err e, struct buf *out)
{
    buf_printf(out, "event: end\ndata: {\"reason\":\"%s\"}\n\n", err_code(e));
}

void events_put_heartbeat(struct events *events, struct buf *out)
{
    if (events->seq == events->told) {
        buf_put_str(out, ":\n\n");
        return;
    }
    events->told = events->seq; /* changes of others count too: it goes on behind them */
    buf_printf(out, "id: %lld\n\n", (long long)events->told);
}
