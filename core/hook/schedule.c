/* schedule - see schedule.h.
 *
 * A row's `spec` is JSON: what was registered, with the zone's name resolved. It is compared as
 * text, so it has one form only.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/schedule.h"

#include "base/cron.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/trip.h"
#include "store/query.h"

static const char *const catch_ups[] = {
    [SCHEDULE_ONCE] = "once", [SCHEDULE_ALL] = "all", [SCHEDULE_NONE] = "none"};

bool schedule_catch_up_find(struct slice name, enum schedule_catch_up *out)
{
    for (int i = 0; i < (int)(sizeof catch_ups / sizeof *catch_ups); i++)
        if (slice_is(name, catch_ups[i])) {
            *out = (enum schedule_catch_up)i;
            return true;
        }
    return false;
}

const char *schedule_queue(struct arena *arena, const char *plugin, const char *name)
{
    return arena_printf(arena, SCHEDULE_QUEUE "%s.%s", plugin, name);
}

const char *schedule_trip(struct arena *arena, const char *queue, const char *part)
{
    return part ? arena_printf(arena, "%s:%s", queue, part) : queue;
}

/* --- the spec as text --- */

static const char *spec_text(struct ctx *ctx, const struct schedule *spec)
{
    struct buf b = BUF_INIT;
    const char *zone = spec->zone ? spec->zone : ctx->tenant->timezone;
    buf_printf(&b, "{\"catch_up\":\"%s\",\"concurrency\":%d,\"retry\":%d,\"every\":%lld",
               catch_ups[spec->catch_up], spec->concurrency, spec->retry,
               (long long)spec->every_ms);
    json_put_key(&b, "cron");
    json_put_cstr(&b, spec->cron);
    json_put_key(&b, "zone");
    json_put_cstr(&b, spec->cron ? zone : NULL);
    buf_put_char(&b, '}');
    const char *text = arena_str(ctx->arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static enum err spec_parse(struct arena *arena, struct slice text, struct schedule *out)
{
    const struct json *doc;
    if (json_parse(arena, text, &doc, NULL))
        return ERR_CORRUPT;
    out->cron = json_cstr(doc, "cron", NULL);
    out->zone = json_cstr(doc, "zone", NULL);
    out->every_ms = json_int(doc, "every", 0);
    out->concurrency = (int)json_int(doc, "concurrency", 0);
    out->retry = (int)json_int(doc, "retry", 0);
    return schedule_catch_up_find(json_str(doc, "catch_up", SLICE("")), &out->catch_up)
               ? ERR_OK
               : ERR_CORRUPT;
}

/* The next time behind after_ms; 0 = never. */
static int64_t next_of(const struct schedule *spec, const struct tenant *tenant, int64_t after_ms)
{
    struct cron cron;
    if (spec->every_ms > 0)
        return (after_ms / spec->every_ms + 1) * spec->every_ms;
    if (!spec->cron || cron_parse(slice_str(spec->cron), &cron, NULL))
        return 0;
    const struct zone *zone = spec->zone ? zone_find(spec->zone) : NULL;
    if (!zone)
        zone = tenant->zone ? tenant->zone : zone_find("UTC");
    return cron_next_ms(&cron, zone, after_ms);
}

/* --- reading --- */

static const char *const columns[] = {"plugin",  "name",     "spec",       "next_at",
                                      "last_at", "last_job", "last_state", "last_error"};
enum {
    SCHEDULE_PLUGIN,
    SCHEDULE_NAME,
    SCHEDULE_SPEC,
    SCHEDULE_NEXT_AT,
    SCHEDULE_LAST_AT,
    SCHEDULE_LAST_JOB,
    SCHEDULE_LAST_STATE,
    SCHEDULE_LAST_ERROR,
    SCHEDULE_COLUMNS
};

struct row {
    struct schedule_row row;
    const char *text; /* of its spec */
};

struct search {
    struct arena *arena;
    struct row *rows;
    int count, cap;
};

static const char *text_of(struct arena *arena, const struct store_row *row, int column)
{
    return store_row_is_null(row, column) ? NULL : arena_str(arena, store_row_bytes(row, column));
}

static bool take(void *arg, const struct store_row *found)
{
    struct search *search = arg;
    struct row *row = &search->rows[search->count++];
    *row = (struct row){.text = text_of(search->arena, found, SCHEDULE_SPEC)};
    row->row.spec.plugin = text_of(search->arena, found, SCHEDULE_PLUGIN);
    row->row.spec.name = text_of(search->arena, found, SCHEDULE_NAME);
    row->row.next_at_ms = store_row_int(found, SCHEDULE_NEXT_AT);
    row->row.last_at_ms = store_row_int(found, SCHEDULE_LAST_AT);
    row->row.last_job = store_row_int(found, SCHEDULE_LAST_JOB);
    row->row.last_state = text_of(search->arena, found, SCHEDULE_LAST_STATE);
    row->row.last_error = text_of(search->arena, found, SCHEDULE_LAST_ERROR);
    return search->count < search->cap;
}

static enum err read_rows(struct ctx *ctx, const struct expr *where, const char *sort, int max,
                          struct search *out)
{
    struct query_column select[SCHEDULE_COLUMNS] = {0};
    for (int i = 0; i < SCHEDULE_COLUMNS; i++)
        select[i].column.column = columns[i];
    struct query_order order[] = {{.column = {0, sort}}, {.column = {0, "name"}}};
    struct query query = {.table = "schedule",
                          .select = select,
                          .select_count = SCHEDULE_COLUMNS,
                          .where = where,
                          .order = order,
                          .order_count = 2,
                          .limit = max};
    *out = (struct search){ctx->arena, arena_array(ctx->arena, struct row, (size_t)max), 0, max};
    enum err e = store_read(ctx->tenant->store, &query, take, out);
    for (int i = 0; i < out->count && !e; i++)
        e = spec_parse(ctx->arena, slice_str(out->rows[i].text), &out->rows[i].row.spec);
    return e;
}

static const struct expr *named(struct arena *arena, const char *plugin, const char *name)
{
    return expr_and(arena, expr_cmp(arena, EXPR_EQ, "plugin", value_text(slice_str(plugin))),
                    expr_cmp(arena, EXPR_EQ, "name", value_text(slice_str(name))));
}

enum err schedule_list(struct ctx *ctx, struct schedule_row **out, int *count)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(out && count);
    struct search found;
    enum err e = read_rows(ctx, NULL, "plugin", SCHEDULES_MAX, &found);
    if (e)
        return e;
    *out = arena_array(ctx->arena, struct schedule_row, (size_t)found.count + 1);
    for (int i = 0; i < found.count; i++)
        (*out)[i] = found.rows[i].row;
    *count = found.count;
    return ERR_OK;
}

enum err schedule_load(struct ctx *ctx, const char *plugin, const char *name,
                       struct schedule_row *out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(plugin && name && out);
    struct search found;
    enum err e = read_rows(ctx, named(ctx->arena, plugin, name), "plugin", 1, &found);
    if (!e && found.count)
        *out = found.rows[0].row;
    return e || found.count ? e : ERR_NOT_FOUND;
}

static bool take_next(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

enum err schedule_next(struct tenant *tenant, int64_t *next_ms)
{
    ASSERT(tenant && next_ms);
    struct query_column select = {.column = {0, "next_at"}};
    struct query_order order = {.column = {0, "next_at"}};
    struct expr where = {.op = EXPR_NOT_NULL, .column = {0, "next_at"}};
    struct query query = {.table = "schedule",
                          .select = &select,
                          .select_count = 1,
                          .where = &where,
                          .order = &order,
                          .order_count = 1,
                          .limit = 1};
    *next_ms = 0;
    return store_read(tenant->store, &query, take_next, next_ms);
}

/* --- what plugins register --- */

static struct value time_or_null(int64_t ms)
{
    return ms ? value_int(ms) : value_null();
}

static enum err put_one(struct ctx *ctx, const struct schedule *spec, const struct row *old)
{
    const char *text = spec_text(ctx, spec);
    if (old && strcmp(old->text, text) == 0)
        return ERR_OK;
    struct store_set sets[] = {
        {"plugin", value_text(slice_str(spec->plugin)), false},
        {"name", value_text(slice_str(spec->name)), false},
        {"spec", value_text(slice_str(text)), false},
        {"next_at", time_or_null(next_of(spec, ctx->tenant, ctx->now_ms)), false},
    };
    return store_put(ctx->tenant->store, "schedule", sets, sizeof sets / sizeof *sets);
}

static const struct row *find_row(const struct search *rows, const struct schedule *spec)
{
    for (int i = 0; i < rows->count; i++)
        if (strcmp(rows->rows[i].row.spec.plugin, spec->plugin) == 0 &&
            strcmp(rows->rows[i].row.spec.name, spec->name) == 0)
            return &rows->rows[i];
    return NULL;
}

static bool is_wanted(const struct schedule *wanted, int count, const struct schedule *spec)
{
    for (int i = 0; i < count; i++)
        if (strcmp(wanted[i].plugin, spec->plugin) == 0 && strcmp(wanted[i].name, spec->name) == 0)
            return true;
    return false;
}

enum err schedule_sync(struct ctx *ctx, const struct schedule *wanted, int count)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(count == 0 || wanted);
    struct search rows;
    enum err e = read_rows(ctx, NULL, "plugin", SCHEDULES_MAX, &rows);
    for (int i = 0; i < count && !e; i++)
        e = put_one(ctx, &wanted[i], find_row(&rows, &wanted[i]));
    for (int i = 0; i < rows.count && !e; i++) {
        const struct schedule *spec = &rows.rows[i].row.spec;
        if (!is_wanted(wanted, count, spec))
            e = store_delete(ctx->tenant->store, "schedule",
                             named(ctx->arena, spec->plugin, spec->name), NULL);
    }
    return e;
}

/* --- putting jobs --- */

/* One of `concurrency` streams, the one with the fewest unfinished jobs; NULL = no order. */
static enum err choose_stream(struct ctx *ctx, const char *queue, int concurrency, const char **out)
{
    struct arena *a = ctx->arena;
    int64_t least = INT64_MAX;
    *out = NULL;
    for (int i = 0; i < concurrency && least > 0; i++) {
        const char *stream = i ? arena_printf(a, "%s/%d", queue, i) : queue;
        const struct expr *where =
            expr_and(a, expr_cmp(a, EXPR_EQ, "stream", value_text(slice_str(stream))),
                     expr_cmp(a, EXPR_NULL, "finished_at", value_null()));
        int64_t open = 0;
        enum err e = store_count(ctx->tenant->store, "job", where, COUNT_CAP, &open);
        if (e)
            return e;
        if (open < least) {
            least = open;
            *out = stream;
        }
    }
    return ERR_OK;
}

/* Those of one key run one behind the other, so they share a stream. */
static const char *stream_of_key(struct arena *arena, const char *queue, int concurrency,
                                 const char *key)
{
    if (concurrency == 0)
        return arena_printf(arena, "%s:%s", queue, key);
    uint32_t at = 0; /* the same in every process */
    for (const char *c = key; *c; c++)
        at = at * 31 + (unsigned char)*c;
    at %= (uint32_t)concurrency;
    return at ? arena_printf(arena, "%s/%u", queue, at) : queue;
}

static enum err put_job(struct ctx *ctx, const struct schedule *spec, const char *dedupe,
                        const struct schedule_push *push, int64_t at_ms, int64_t *id)
{
    const char *queue = schedule_queue(ctx->arena, spec->plugin, spec->name);
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "plugin", json_new_str(ctx->arena, slice_str(spec->plugin)));
    json_add(ctx->arena, body, "name", json_new_str(ctx->arena, slice_str(spec->name)));
    json_add(ctx->arena, body, "retry", json_new_int(ctx->arena, spec->retry));
    json_add(ctx->arena, body, "at", json_new_int(ctx->arena, at_ms));
    if (push && push->args)
        json_add(ctx->arena, body, "args", json_copy(ctx->arena, push->args));
    if (push && push->part)
        json_add(ctx->arena, body, "part", json_new_str(ctx->arena, slice_str(push->part)));
    struct job job = {.queue = queue,
                      .dedupe = dedupe,
                      .run_at_ms = push ? push->run_at_ms : 0,
                      .created_by = push ? push->created_by : 0,
                      .body = body};
    enum err e = ERR_OK;
    if (push && push->again && push->key)
        job.stream = stream_of_key(ctx->arena, queue, spec->concurrency, push->key);
    else
        e = choose_stream(ctx, queue, spec->concurrency, &job.stream);
    return e ? e : job_put(ctx, &job, id);
}

/* The unfinished one of that key, 0 = none. Where the first has begun already and `again` is
 * wanted, the key becomes that of a second one. */
static enum err find_same(struct ctx *ctx, bool again, const char **key, int64_t *id)
{
    bool is_waiting;
    enum err e = job_waits(ctx, *key, id, &is_waiting);
    if (e || !again || !*id || is_waiting)
        return e;
    *key = arena_printf(ctx->arena, "%s (again)", *key);
    return job_waits(ctx, *key, id, &is_waiting);
}

enum err schedule_push(struct ctx *ctx, const struct schedule_push *push, int64_t *id)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(push && push->plugin && push->name && id);
    struct schedule_row row;
    int64_t same = 0;
    enum err e = push->spec ? ERR_OK : schedule_load(ctx, push->plugin, push->name, &row);
    if (e)
        return e;
    const char *key = push->key ? arena_printf(ctx->arena, SCHEDULE_QUEUE "%s.%s:%s", push->plugin,
                                               push->name, push->key)
                                : NULL;
    if (key)
        e = find_same(ctx, push->again, &key, &same);
    if (same) /* usual where every save asks: streams are not even looked at */
        *id = same;
    if (e || same)
        return e;
    int64_t at_ms = push->run_at_ms ? push->run_at_ms : ctx->now_ms;
    return put_job(ctx, push->spec ? push->spec : &row.spec, key, push, at_ms, id);
}

enum err schedule_wake(struct ctx *ctx, const struct schedule *spec)
{
    int64_t id;
    ASSERT(spec);
    struct schedule_push push = {
        .plugin = spec->plugin, .name = spec->name, .spec = spec, .key = "changes", .again = true};
    return schedule_push(ctx, &push, &id);
}

/* --- firing --- */

/* Jobs for the times from row->next_at_ms up to now; *next_ms is the first that is not done. */
static enum err fire_times(struct ctx *ctx, const struct schedule_row *row, int64_t *next_ms)
{
    const struct schedule *spec = &row->spec;
    bool all = spec->catch_up == SCHEDULE_ALL;
    const char *queue = schedule_queue(ctx->arena, spec->plugin, spec->name);
    int64_t at_ms = row->next_at_ms, id;
    for (int i = 0; at_ms && at_ms <= ctx->now_ms; i++) {
        int64_t later_ms = next_of(spec, ctx->tenant, all ? at_ms : ctx->now_ms);
        bool late = ctx->now_ms - at_ms > SCHEDULE_LATE_MS;
        if (all && i == SCHEDULE_FIRE_MAX)
            break;
        if (spec->catch_up != SCHEDULE_NONE || !late) {
            const char *dedupe = arena_printf(ctx->arena, "%s@%lld", queue, (long long)at_ms);
            enum err e = put_job(ctx, spec, all ? dedupe : arena_printf(ctx->arena, "%s@", queue),
                                 NULL, at_ms, &id);
            if (e)
                return e;
        }
        at_ms = later_ms;
    }
    *next_ms = at_ms;
    return ERR_OK;
}

static enum err fire_one(struct ctx *ctx, const struct schedule_row *row)
{
    struct trip trip;
    int64_t next_ms = 0;
    const char *queue = schedule_queue(ctx->arena, row->spec.plugin, row->spec.name);
    enum err e = trip_load(ctx, queue, &trip);
    if (e)
        return e;
    if (trip.paused_at_ms)
        next_ms = next_of(&row->spec, ctx->tenant, ctx->now_ms);
    else
        e = fire_times(ctx, row, &next_ms);
    struct store_set set = {"next_at", time_or_null(next_ms), false};
    return e ? e
             : store_update(ctx->tenant->store, "schedule",
                            named(ctx->arena, row->spec.plugin, row->spec.name), &set, 1, NULL,
                            NULL);
}

enum err schedule_fire(struct ctx *ctx)
{
    ASSERT(ctx && ctx->tenant);
    struct search due;
    const struct expr *where = expr_cmp(ctx->arena, EXPR_LTE, "next_at", value_int(ctx->now_ms));
    enum err e = read_rows(ctx, where, "next_at", SCHEDULE_FIRE_MAX, &due);
    for (int i = 0; i < due.count && !e; i++)
        e = fire_one(ctx, &due.rows[i].row);
    return e;
}

/* --- results --- */

enum err schedule_ended(struct ctx *ctx, const char *plugin, const char *name, int64_t job,
                        const char *state, const char *error)
{
    ASSERT(ctx && plugin && name && state);
    struct store_set sets[] = {
        {"last_at", value_int(ctx->now_ms), false},
        {"last_job", value_int(job), false},
        {"last_state", value_text(slice_str(state)), false},
        {"last_error", error ? value_text(slice_str(error)) : value_null(), false},
    };
    return store_update(ctx->tenant->store, "schedule", named(ctx->arena, plugin, name), sets,
                        sizeof sets / sizeof *sets, NULL, NULL);
}
