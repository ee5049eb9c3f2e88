/* job - see job.h.
 *
 * States: queued, leased, stopping (a person wants a leased one to end), then done, dead or
 * cancelled. run_at of a leased job is the end of its lease, so one question finds both what is due
 * and what somebody died over. While a job is unfinished, the column result holds its last state.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/job.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/schedule.h"
#include "store/query.h"

#include <stdio.h>

static const struct expr *eq_int(struct arena *arena, const char *column, int64_t n)
{
    return expr_cmp(arena, EXPR_EQ, column, value_int(n));
}

static const struct expr *eq_text(struct arena *arena, const char *column, const char *s)
{
    return expr_cmp(arena, EXPR_EQ, column, value_text(slice_str(s)));
}

static struct value text_or_null(const char *s)
{
    return s ? value_text(slice_str(s)) : value_null();
}

/* --- putting --- */

static bool take_int(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

static enum err find_waiting(struct ctx *ctx, const char *dedupe, int64_t *id)
{
    struct query_column select = {.column = {0, "id"}};
    struct query query = {.table = "job",
                          .select = &select,
                          .select_count = 1,
                          .where = eq_text(ctx->arena, "dedupe", dedupe),
                          .limit = 1};
    *id = 0;
    return store_read(ctx->tenant->store, &query, take_int, id);
}

struct waits {
    int64_t id;
    bool is_waiting;
};

static bool take_waits(void *arg, const struct store_row *row)
{
    bool is_waiting = slice_is(store_row_bytes(row, 1), "queued") && store_row_is_null(row, 2);
    *(struct waits *)arg = (struct waits){store_row_int(row, 0), is_waiting};
    return false;
}

enum err job_waits(struct ctx *ctx, const char *dedupe, int64_t *id, bool *is_waiting)
{
    ASSERT(ctx && ctx->tenant && dedupe && id && is_waiting);
    struct waits waits = {0, false};
    struct query_column select[] = {
        {.column = {0, "id"}}, {.column = {0, "state"}}, {.column = {0, "result"}}};
    struct query query = {.table = "job",
                          .select = select,
                          .select_count = 3,
                          .where = eq_text(ctx->arena, "dedupe", dedupe),
                          .limit = 1};
    enum err e = store_read(ctx->tenant->store, &query, take_waits, &waits);
    *id = waits.id;
    *is_waiting = waits.is_waiting;
    return e;
}

enum err job_waiting(struct ctx *ctx, const char *queue, int64_t max, int64_t *count)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(queue && count);
    const struct expr *where = expr_and(ctx->arena, eq_text(ctx->arena, "queue", queue),
                                        eq_text(ctx->arena, "state", "queued"));
    return store_count(ctx->tenant->store, "job", where, max, count);
}

enum err job_put(struct ctx *ctx, const struct job *spec, int64_t *id)
{
    ASSERT(ctx && ctx->tenant && spec);
    ASSERT(spec->queue && *spec->queue);
    int64_t new_id = 0;
    struct buf body = BUF_INIT;
    if (spec->dedupe) {
        enum err e = find_waiting(ctx, spec->dedupe, &new_id);
        if (e)
            return e;
    }
    if (new_id) {
        *id = new_id;
        return ERR_OK;
    }
    new_id = id_next();
    if (spec->body)
        json_put(&body, spec->body);
    struct store_set sets[] = {
        {"id", value_int(new_id), false},
        {"queue", value_text(slice_str(spec->queue)), false},
        {"stream", text_or_null(spec->stream), false},
        {"run_at", value_int(spec->run_at_ms ? spec->run_at_ms : ctx->now_ms), false},
        {"dedupe", text_or_null(spec->dedupe), false},
        {"state", value_text(SLICE("queued")), false},
        {"body", body.len ? value_text(buf_slice(&body)) : value_null(), false},
        {"created_at", value_int(ctx->now_ms), false},
        {"created_by", spec->created_by ? value_int(spec->created_by) : value_null(), false},
    };
    enum err e = store_insert(ctx->tenant->store, "job", sets, sizeof sets / sizeof *sets, NULL);
    buf_release(&body);
    if (!e)
        *id = new_id;
    return e;
}

/* --- leasing --- */

static const char *const job_columns[] = {"id",    "queue",      "stream", "dedupe", "run_at",
                                          "tries", "created_by", "body",   "result", "state"};
enum {
    JOB_ID,
    JOB_QUEUE,
    JOB_STREAM,
    JOB_DEDUPE,
    JOB_RUN_AT,
    JOB_TRIES,
    JOB_BY,
    JOB_BODY,
    JOB_RESULT,
    JOB_STATE,
    JOB_COLUMNS
};

struct due { /* a row that may be leased */
    struct job job;
    const char *body, *state_json, *state;
};

struct due_reader {
    struct arena *arena;
    struct due *items;
    int count;
};

static const char *text_of(struct arena *arena, const struct store_row *row, int column)
{
    return store_row_is_null(row, column) ? NULL : arena_str(arena, store_row_bytes(row, column));
}

static bool take_due(void *arg, const struct store_row *row)
{
    struct due_reader *reader = arg;
    struct due *due = &reader->items[reader->count++];
    due->job.id = store_row_int(row, JOB_ID);
    due->job.queue = text_of(reader->arena, row, JOB_QUEUE);
    due->job.stream = text_of(reader->arena, row, JOB_STREAM);
    due->job.dedupe = text_of(reader->arena, row, JOB_DEDUPE);
    due->job.run_at_ms = store_row_int(row, JOB_RUN_AT);
    due->job.tries = (int)store_row_int(row, JOB_TRIES);
    due->job.created_by = store_row_int(row, JOB_BY);
    due->body = text_of(reader->arena, row, JOB_BODY);
    due->state_json = text_of(reader->arena, row, JOB_RESULT);
    due->state = text_of(reader->arena, row, JOB_STATE);
    return reader->count < JOB_LOOK_ROWS;
}

/* A page of the jobs of one state, soonest first; behind `after` {run_at, id} when it is given. */
static enum err look(struct store *store, struct arena *arena, const char *state,
                     const struct expr *more, const struct value *after, store_row_cb cb, void *arg)
{
    struct query_column select[JOB_COLUMNS];
    memset(select, 0, sizeof select);
    for (int i = 0; i < JOB_COLUMNS; i++)
        select[i].column.column = job_columns[i];
    struct query_order order[] = {{.column = {0, "run_at"}}, {.column = {0, "id"}}};
    struct query query = {.table = "job",
                          .select = select,
                          .select_count = JOB_COLUMNS,
                          .where = expr_and(arena, eq_text(arena, "state", state), more),
                          .order = order,
                          .order_count = 2,
                          .keyset = after != NULL,
                          .after = after,
                          .limit = JOB_LOOK_ROWS};
    return store_read(store, &query, cb, arg);
}

/* Is an earlier job of the same stream unfinished? Jobs are in order of their ids. */
static enum err is_blocked(struct ctx *ctx, const struct job *job, bool *out)
{
    struct arena *a = ctx->arena;
    int64_t count = 0;
    *out = false;
    if (!job->stream)
        return ERR_OK;
    const struct expr *open = expr_cmp(a, EXPR_NULL, "finished_at", value_null());
    const struct expr *earlier = expr_cmp(a, EXPR_LT, "id", value_int(job->id));
    const struct expr *where =
        expr_and(a, expr_and(a, eq_text(a, "stream", job->stream), earlier), open);
    enum err e = store_count(ctx->tenant->store, "job", where, 1, &count);
    *out = count > 0;
    return e;
}

static enum err end(struct ctx *ctx, const struct expr *where, const char *state,
                    const char *result, int64_t *changed)
{
    struct store_set sets[] = {
        {"state", value_text(slice_str(state)), false},
        {"dedupe", value_null(), false},
        {"owner", value_null(), false},
        {"finished_at", value_int(ctx->now_ms), false},
        {"result", text_or_null(result), false},
    };
    int count = result ? 5 : 4;
    return store_update(ctx->tenant->store, "job", where, sets, count, changed, NULL);
}

enum err job_put_done(struct ctx *ctx, const struct job *spec, int64_t *id)
{
    int64_t changed = 0;
    enum err e = job_put(ctx, spec, id);
    return e ? e : end(ctx, eq_int(ctx->arena, "id", *id), "done", NULL, &changed);
}

enum err job_set_result(struct ctx *ctx, int64_t id, const char *result_json)
{
    const struct store_set set = {"result", text_or_null(result_json), false};
    const struct expr *where =
        expr_and(ctx->arena, eq_int(ctx->arena, "id", id), eq_text(ctx->arena, "state", "done"));
    return store_update(ctx->tenant->store, "job", where, &set, 1, NULL, NULL);
}

static enum err parse_into(struct ctx *ctx, const char *text, const struct json **out)
{
    const char *why = NULL;
    *out = NULL;
    if (!text)
        return ERR_OK;
    return json_parse(ctx->arena, slice_str(text), out, &why) ? ERR_CORRUPT : ERR_OK;
}

static void owner_text(int64_t owner, char out[24])
{
    snprintf(out, 24, "%lld", (long long)owner);
}

static enum err take(struct ctx *ctx, struct due *due, int64_t owner, struct job **out)
{
    char name[24];
    owner_text(owner, name);
    struct store_set sets[] = {
        {"state", value_text(SLICE("leased")), false},
        {"owner", value_text(slice_str(name)), false},
        {"run_at", value_int(ctx->now_ms + JOB_LEASE_MS), false},
        {"tries", value_int(1), true},
    };
    struct job *job = arena_make(ctx->arena, struct job);
    *job = due->job;
    job->tries++;
    job->was_lost = strcmp(due->state, "queued") != 0;
    enum err e = parse_into(ctx, due->body, &job->body);
    if (!e)
        e = parse_into(ctx, due->state_json, &job->state);
    if (!e)
        e = store_update(ctx->tenant->store, "job", eq_int(ctx->arena, "id", job->id), sets, 4,
                         NULL, NULL);
    if (!e)
        *out = job;
    return e;
}

/* The first of them that no earlier job of its stream holds back. */
static enum err lease_first(struct ctx *ctx, const struct due_reader *reader, int64_t owner,
                            struct job **out)
{
    for (int i = 0; i < reader->count && !*out; i++) {
        struct due *due = &reader->items[i];
        bool blocked = false;
        enum err e;
        if (strcmp(due->state, "stopping") == 0) { /* its runner died before it saw the wish */
            e = end(ctx, eq_int(ctx->arena, "id", due->job.id), "cancelled", NULL, NULL);
            if (e)
                return e;
            continue;
        }
        e = is_blocked(ctx, &due->job, &blocked);
        if (!e && !blocked)
            e = take(ctx, due, owner, out);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* Page by page: a long stream that is held back must not hide the others. */
static enum err lease_of(struct ctx *ctx, const char *state, int64_t owner, struct job **out)
{
    const struct expr *is_due = expr_cmp(ctx->arena, EXPR_LTE, "run_at", value_int(ctx->now_ms));
    struct due_reader reader = {ctx->arena, arena_array(ctx->arena, struct due, JOB_LOOK_ROWS), 0};
    struct value after[2];
    bool is_first = true;
    do {
        reader.count = 0;
        enum err e = look(ctx->tenant->store, ctx->arena, state, is_due, is_first ? NULL : after,
                          take_due, &reader);
        if (!e)
            e = lease_first(ctx, &reader, owner, out);
        if (e)
            return e;
        is_first = false;
        if (reader.count > 0) {
            after[0] = value_int(reader.items[reader.count - 1].job.run_at_ms);
            after[1] = value_int(reader.items[reader.count - 1].job.id);
        }
    } while (!*out && reader.count == JOB_LOOK_ROWS);
    return ERR_OK;
}

static bool take_soonest(void *arg, const struct store_row *row)
{
    int64_t *soonest = arg;
    int64_t at = store_row_int(row, JOB_RUN_AT);
    if (*soonest == 0 || at < *soonest)
        *soonest = at;
    return false;
}

static const char *const waiting[] = {"leased", "queued", "stopping"};

static enum err soonest(struct store *store, struct arena *arena, int64_t after_ms, int64_t *out)
{
    const struct expr *later =
        after_ms ? expr_cmp(arena, EXPR_GT, "run_at", value_int(after_ms)) : NULL;
    *out = 0;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        enum err e = look(store, arena, waiting[i], later, NULL, take_soonest, out);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err job_lease(struct ctx *ctx, int64_t owner, struct job **out, int64_t *next_ms)
{
    ASSERT(ctx && ctx->tenant && out && next_ms);
    struct job *job = NULL;
    enum err e = ERR_OK;
    *next_ms = 0;
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting && !e && !job; i++)
        e = lease_of(ctx, waiting[i], owner, &job);
    if (!e && !job) /* what is due and held back waits for a lease that ends later */
        e = soonest(ctx->tenant->store, ctx->arena, ctx->now_ms, next_ms);
    if (!e)
        *out = job;
    return e;
}

/* --- several at once --- */

/* How many unfinished jobs of its stream lie before it. */
static enum err count_before(struct ctx *ctx, const struct job *job, int64_t *out)
{
    struct arena *a = ctx->arena;
    const struct expr *open = expr_cmp(a, EXPR_NULL, "finished_at", value_null());
    const struct expr *earlier = expr_cmp(a, EXPR_LT, "id", value_int(job->id));
    *out = 0;
    if (!job->stream)
        return ERR_OK;
    return store_count(ctx->tenant->store, "job",
                       expr_and(a, expr_and(a, eq_text(a, "stream", job->stream), earlier), open),
                       JOB_LOOK_ROWS, out);
}

static int count_same(const struct job *first, struct job *const *jobs, int count,
                      const char *stream)
{
    int same = first->stream && stream && strcmp(first->stream, stream) == 0;
    for (int i = 0; i < count && stream; i++)
        same += jobs[i]->stream && strcmp(jobs[i]->stream, stream) == 0;
    return same;
}

static bool take_lowest(void *arg, const struct store_row *row)
{
    struct due_reader *reader = arg;
    (void)take_due(arg, row);
    return reader->count < BATCH_EVENTS_MAX;
}

enum err job_lease_more(struct ctx *ctx, int64_t owner, const struct job *first,
                        const struct expr *which, int max, struct job **out, int *count)
{
    ASSERT(ctx && first && which);
    ASSERT(max <= BATCH_EVENTS_MAX);
    struct arena *a = ctx->arena;
    struct due_reader reader = {a, arena_array(a, struct due, BATCH_EVENTS_MAX), 0};
    struct query_column select[JOB_COLUMNS];
    memset(select, 0, sizeof select);
    for (int i = 0; i < JOB_COLUMNS; i++)
        select[i].column.column = job_columns[i];
    const struct expr *is_due = expr_and(a, eq_text(a, "state", "queued"),
                                         expr_cmp(a, EXPR_LTE, "run_at", value_int(ctx->now_ms)));
    struct query_order order = {.column = {0, "id"}};
    struct query query = {.table = "job",
                          .select = select,
                          .select_count = JOB_COLUMNS,
                          .where = expr_and(a, which, is_due),
                          .order = &order,
                          .order_count = 1,
                          .limit = max};
    *count = 0;
    enum err e = max > 0 ? store_read(ctx->tenant->store, &query, take_lowest, &reader) : ERR_OK;
    for (int i = 0; i < reader.count && !e; i++) {
        struct due *due = &reader.items[i];
        int64_t before = 0;
        e = count_before(ctx, &due->job, &before);
        if (!e && before == count_same(first, out, *count, due->job.stream)) {
            e = take(ctx, due, owner, &out[*count]);
            *count += !e;
        }
    }
    return e;
}

/* --- while it runs --- */

static const struct expr *held_by(struct ctx *ctx, const struct job *job, int64_t owner)
{
    char name[24];
    owner_text(owner, name);
    struct arena *a = ctx->arena;
    const struct expr *mine = eq_text(a, "owner", arena_strdup(a, name));
    const struct expr *open = expr_cmp(a, EXPR_NULL, "finished_at", value_null());
    return expr_and(a, expr_and(a, eq_int(a, "id", job->id), mine), open);
}

static enum err lost(struct ctx *ctx)
{
    return err_say(&ctx->err, ERR_CONFLICT, "lease_lost", NULL);
}

enum err job_renew(struct ctx *ctx, const struct job *job, int64_t owner, const char *state_json,
                   int progress_percent)
{
    ASSERT(ctx && job);
    const struct expr *mine = held_by(ctx, job, owner);
    const struct expr *stops = expr_and(ctx->arena, mine, eq_text(ctx->arena, "state", "stopping"));
    struct store_set sets[] = {
        {"run_at", value_int(ctx->now_ms + JOB_LEASE_MS), false},
        {"progress", value_int(progress_percent), false},
        {"result", text_or_null(state_json), false},
    };
    int64_t changed = 0;
    enum err e = end(ctx, stops, "cancelled", NULL, &changed);
    if (!e && changed)
        return err_say(&ctx->err, ERR_CONFLICT, "cancelled", NULL);
    if (!e)
        e = store_update(ctx->tenant->store, "job", mine, sets, state_json ? 3 : 2, &changed, NULL);
    return e || changed ? e : lost(ctx);
}

enum err job_done(struct ctx *ctx, const struct job *job, int64_t owner, const char *result_json)
{
    ASSERT(ctx && job);
    int64_t changed = 0;
    struct store_set all = {"progress", value_int(100), false};
    enum err e =
        store_update(ctx->tenant->store, "job", held_by(ctx, job, owner), &all, 1, NULL, NULL);
    if (!e)
        e = end(ctx, held_by(ctx, job, owner), "done", result_json ? result_json : "null",
                &changed);
    return e || changed ? e : lost(ctx);
}

enum err job_failed(struct ctx *ctx, const struct job *job, int64_t owner, const char *reason,
                    int64_t run_at_ms)
{
    ASSERT(ctx && job);
    int64_t changed = 0;
    struct buf result = BUF_INIT;
    enum err e;
    if (run_at_ms) {
        struct store_set sets[] = {
            {"state", value_text(SLICE("queued")), false},
            {"owner", value_null(), false},
            {"run_at", value_int(run_at_ms), false},
        };
        e = store_update(ctx->tenant->store, "job", held_by(ctx, job, owner), sets, 3, &changed,
                         NULL);
    } else {
        buf_put_str(&result, "{\"error\":");
        json_put_cstr(&result, reason);
        buf_put_char(&result, '}');
        e = end(ctx, held_by(ctx, job, owner), "dead", buf_cstr(&result), &changed);
    }
    buf_release(&result);
    return e || changed ? e : lost(ctx);
}

enum err job_requeue(struct ctx *ctx, const struct job *job, int64_t owner, const char *state_json,
                     int progress_percent, int64_t run_at_ms, const char *why)
{
    ASSERT(ctx && job && run_at_ms);
    enum err e = job_renew(ctx, job, owner, state_json, progress_percent);
    if (e)
        return e;
    struct store_set sets[] = {
        {"state", value_text(SLICE("queued")), false},
        {"owner", text_or_null(why), false},
        {"run_at", value_int(run_at_ms), false},
        {"tries", value_int(0), false},
    };
    return store_update(ctx->tenant->store, "job", held_by(ctx, job, owner), sets, 4, NULL, NULL);
}

enum err job_unpark(struct ctx *ctx, const char *queue)
{
    ASSERT(ctx && queue);
    struct arena *a = ctx->arena;
    const struct expr *parked =
        expr_and(a, expr_and(a, eq_text(a, "queue", queue), eq_text(a, "state", "queued")),
                 eq_text(a, "owner", JOB_PARKED));
    struct store_set sets[] = {{"run_at", value_int(ctx->now_ms), false},
                               {"owner", value_null(), false}};
    return store_update(ctx->tenant->store, "job", parked, sets, 2, NULL, NULL);
}

/* Leased by another, and the lease has not run out. */
static const struct expr *of_others(struct arena *arena, int64_t owner, int64_t now_ms)
{
    char name[24];
    owner_text(owner, name);
    struct value mine = value_text(slice_str(arena_strdup(arena, name)));
    const struct expr *others =
        expr_and(arena, eq_text(arena, "state", "leased"), expr_cmp(arena, EXPR_NE, "owner", mine));
    return expr_and(arena, others, expr_cmp(arena, EXPR_GT, "run_at", value_int(now_ms)));
}

enum err job_orphans(struct tenant *tenant, int64_t owner, bool *out)
{
    ASSERT(tenant && out);
    struct arena *arena = arena_new();
    int64_t count = 0;
    enum err e =
        store_count(tenant->store, "job", of_others(arena, owner, clock_now_ms()), 1, &count);
    *out = count > 0;
    arena_free(arena);
    return e;
}

enum err job_adopt(struct ctx *ctx, int64_t owner)
{
    ASSERT(ctx && ctx->tenant);
    struct store_set now = {"run_at", value_int(ctx->now_ms), false};
    return store_update(ctx->tenant->store, "job", of_others(ctx->arena, owner, ctx->now_ms), &now,
                        1, NULL, NULL);
}

/* --- asking it to stop --- */

enum err job_cancel(struct ctx *ctx, int64_t id)
{
    struct arena *a = ctx->arena;
    const struct expr *it = eq_int(a, "id", id);
    struct store_set stopping = {"state", value_text(SLICE("stopping")), false};
    int64_t changed = 0, count = 0;
    enum err e =
        end(ctx, expr_and(a, it, eq_text(a, "state", "queued")), "cancelled", NULL, &changed);
    if (!e && !changed)
        e = store_update(ctx->tenant->store, "job", expr_and(a, it, eq_text(a, "state", "leased")),
                         &stopping, 1, &changed, NULL);
    if (e || changed)
        return e;
    e = store_count(ctx->tenant->store, "job", it, 1, &count);
    return e || count ? e : ERR_NOT_FOUND; /* what has ended stays as it is */
}

enum err job_next(struct tenant *tenant, int64_t *run_at_ms)
{
    ASSERT(tenant && run_at_ms);
    struct arena *arena = arena_new();
    int64_t by_clock_ms = 0;
    enum err e = soonest(tenant->store, arena, 0, run_at_ms);
    arena_free(arena);
    if (!e)
        e = schedule_next(tenant, &by_clock_ms);
    if (!e && by_clock_ms && (!*run_at_ms || by_clock_ms < *run_at_ms))
        *run_at_ms = by_clock_ms;
    return e;
}
