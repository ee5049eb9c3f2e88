/* outbox - see outbox.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/outbox.h"

#include "base/id.h"
#include "base/limits.h"
#include "hook/trip.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   (60 * MINUTE_MS)

static const int64_t PAUSES_MS[] = {MINUTE_MS,    5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS,
                                    12 * HOUR_MS, 24 * HOUR_MS,  36 * HOUR_MS};
_Static_assert(sizeof PAUSES_MS / sizeof *PAUSES_MS == OUTBOX_TRIES_MAX - 1,
               "a pause before each try but the first");

const char *outbox_name(struct arena *arena, const struct hook_spec *spec)
{
    return arena_printf(arena, "hook:%s:%s@%s", spec->plugin, spec->id, spec->entity);
}

/* --- conditions --- */

static const struct expr *eq_text(struct arena *arena, const char *column, const char *s)
{
    return expr_cmp(arena, EXPR_EQ, column, value_text(slice_str(s)));
}

static const struct expr *eq_int(struct arena *arena, const char *column, int64_t n)
{
    return expr_cmp(arena, EXPR_EQ, column, value_int(n));
}

/* Streams begin with the handler's name and a slash: a range of the index by stream. */
const struct expr *outbox_of_handler(struct arena *arena, const char *name)
{
    const char *from = arena_printf(arena, "%s/", name), *to = arena_printf(arena, "%s0", name);
    _Static_assert('/' + 1 == '0', "the next character");
    return expr_and(arena, expr_cmp(arena, EXPR_GTE, "stream", value_text(slice_str(from))),
                    expr_cmp(arena, EXPR_LT, "stream", value_text(slice_str(to))));
}

static const struct expr *in_state(struct arena *arena, const struct expr *which, const char *state)
{
    return expr_and(arena, which, eq_text(arena, "state", state));
}

static enum err update(struct ctx *ctx, const struct expr *where, const struct store_set *sets,
                       int count, int64_t *changed)
{
    return store_update(ctx->tenant->store, "job", where, sets, count, changed, NULL);
}

/* --- putting --- */

static void add_text(struct arena *arena, struct json *body, const char *key, const char *text)
{
    if (text)
        json_add(arena, body, key, json_new_str(arena, slice_str(text)));
}

static void add_int(struct arena *arena, struct json *body, const char *key, int64_t n)
{
    if (n)
        json_add(arena, body, key, json_new_int(arena, n));
}

static void add_tree(struct arena *arena, struct json *body, const char *key,
                     const struct json *tree)
{
    if (tree)
        json_add(arena, body, key, json_copy(arena, tree));
}

static struct json *body_of(struct ctx *ctx, const struct event *event)
{
    struct arena *arena = ctx->arena;
    struct json *body = json_new(arena, JSON_OBJECT);
    add_text(arena, body, "entity", event->entity);
    add_text(arena, body, "op", event->op);
    add_text(arena, body, "event", event->name);
    add_int(arena, body, "at", ctx->now_ms);
    add_int(arena, body, "actor", event->actor);
    add_text(arena, body, "source", ctx_source_name(ctx->source));
    add_text(arena, body, "lang", ctx->lang == LANG_EN ? "en" : "zh");
    if (ctx->as_system)
        json_add(arena, body, "system", json_new_bool(arena, true));
    add_int(arena, body, "record", event->subject);
    add_tree(arena, body, "snapshot", event->snapshot);
    add_tree(arena, body, "payload", event->payload);
    return body;
}

struct newest {
    struct arena *arena;
    const char *state;
    int64_t run_at_ms;
};

static bool take_newest(void *arg, const struct store_row *row)
{
    struct newest *newest = arg;
    newest->state = arena_str(newest->arena, store_row_bytes(row, 0));
    newest->run_at_ms = store_row_int(row, 1);
    return false;
}

/* The unfinished row that was last put into the stream, if there is one. */
static enum err read_newest(struct ctx *ctx, const char *stream, struct newest *out)
{
    struct arena *arena = ctx->arena;
    struct query_column select[] = {{.column = {0, "state"}}, {.column = {0, "run_at"}}};
    struct query_order order = {.column = {0, "id"}, .descending = true};
    const struct expr *open = expr_cmp(arena, EXPR_NULL, "finished_at", value_null());
    struct query query = {.table = "job",
                          .select = select,
                          .select_count = 2,
                          .where = expr_and(arena, eq_text(arena, "stream", stream), open),
                          .order = &order,
                          .order_count = 1,
                          .limit = 1};
    *out = (struct newest){.arena = arena};
    return store_read(ctx->tenant->store, &query, take_newest, out);
}

/* Behind one that waits for its next try a row is not due before it: it would be looked at in
 * vain. */
static enum err put_row(struct ctx *ctx, const char *name, const char *stream,
                        const struct json *body)
{
    struct newest before;
    struct trip trip;
    int64_t id = 0;
    enum err e = read_newest(ctx, stream, &before);
    if (!e)
        e = trip_load(ctx, name, &trip);
    if (e)
        return e;
    bool waits = before.state && strcmp(before.state, "queued") == 0;
    struct job job = {.queue = OUTBOX_QUEUE,
                      .stream = stream,
                      .run_at_ms = waits && before.run_at_ms > ctx->now_ms ? before.run_at_ms : 0,
                      .body = body};
    e = job_put(ctx, &job, &id);
    struct store_set paused = {"state", value_text(SLICE("paused")), false};
    if (!e && trip.paused_at_ms)
        e = update(ctx, eq_int(ctx->arena, "id", id), &paused, 1, NULL);
    return e;
}

enum err outbox_put(struct ctx *ctx, const struct hook_spec *spec, const struct event *event)
{
    ASSERT(ctx && spec && event);
    ASSERT(spec->moment == HOOK_AFTER_COMMIT);
    ASSERT(store_in_tx(ctx->tenant->store));
    struct arena *arena = ctx->arena;
    const char *name = outbox_name(arena, spec);
    struct json *body = body_of(ctx, event);
    add_text(arena, body, "handler", name);
    add_text(arena, body, "plugin", spec->plugin);
    add_text(arena, body, "id", spec->id);
    add_text(arena, body, "bound", spec->entity);
    char id[ID_TEXT_LEN + 1];
    id_text(event->subject ? event->subject : id_next(), id); /* without a record: no order */
    return put_row(ctx, name, arena_printf(arena, "%s/%s", name, id), body);
}

enum err outbox_announce(struct ctx *ctx, const char *name, int64_t actor,
                         const struct json *payload)
{
    ASSERT(ctx && name && strchr(name, '.'));
    ASSERT(store_in_tx(ctx->tenant->store));
    struct event event = {.entity = name, .name = name, .payload = payload, .actor = actor};
    struct json *body = body_of(ctx, &event);
    struct job job = {.queue = OUTBOX_QUEUE, .body = body};
    int64_t id = 0;
    return job_put(ctx, &job, &id);
}

bool outbox_is_announced(const struct job *job)
{
    return !json_get(job->body, "handler");
}

/* --- endings --- */

int outbox_fails(const struct job *job)
{
    return (int)json_int(job->state, "fails", 0);
}

static const struct expr *held(struct ctx *ctx, const struct job *job, int64_t owner)
{
    struct arena *arena = ctx->arena;
    const char *mine = arena_printf(arena, "%lld", (long long)owner);
    const struct expr *it = expr_and(arena, eq_int(arena, "id", job->id), /* as it was leased */
                                     eq_text(arena, "owner", mine));
    return expr_and(arena, it, expr_cmp(arena, EXPR_NULL, "finished_at", value_null()));
}

static enum err lost(struct ctx *ctx)
{
    return err_say(&ctx->err, ERR_CONFLICT, "lease_lost", NULL);
}

enum err outbox_done(struct ctx *ctx, const struct job *job, int64_t owner)
{
    int64_t changed = 0;
    enum err e = store_delete(ctx->tenant->store, "job", held(ctx, job, owner), &changed);
    return e || changed ? e : lost(ctx);
}

/* Those behind it in its stream are due when it is. */
static enum err move_stream(struct ctx *ctx, const char *stream, int64_t run_at_ms)
{
    if (!stream)
        return ERR_OK;
    struct store_set at = {"run_at", value_int(run_at_ms), false};
    const struct expr *behind =
        in_state(ctx->arena, eq_text(ctx->arena, "stream", stream), "queued");
    return update(ctx, behind, &at, 1, NULL);
}

static enum err postpone(struct ctx *ctx, const struct job *job, int64_t owner,
                         const char *state_json, int64_t run_at_ms)
{
    struct store_set sets[] = {
        {"state", value_text(SLICE("queued")), false},
        {"owner", value_null(), false},
        {"run_at", value_int(run_at_ms), false},
        {"result", state_json ? value_text(slice_str(state_json)) : value_null(), false},
    };
    int64_t changed = 0;
    enum err e = update(ctx, held(ctx, job, owner), sets, state_json ? 4 : 3, &changed);
    if (!e && !changed)
        return lost(ctx);
    return e ? e : move_stream(ctx, job->stream, run_at_ms);
}

enum err outbox_wait(struct ctx *ctx, const struct job *job, int64_t owner, int64_t run_at_ms)
{
    return postpone(ctx, job, owner, NULL, run_at_ms);
}

enum err outbox_failed(struct ctx *ctx, const struct job *job, int64_t owner, const char *reason,
                       bool *dead)
{
    int fails = outbox_fails(job) + 1;
    *dead = fails >= OUTBOX_TRIES_MAX;
    if (*dead) {
        enum err e = job_failed(ctx, job, owner, reason, 0);
        return e ? e : move_stream(ctx, job->stream, ctx->now_ms);
    }
    struct buf state = BUF_INIT;
    buf_printf(&state, "{\"fails\":%d,\"error\":", fails);
    json_put_cstr(&state, reason);
    buf_put_char(&state, '}');
    enum err e = postpone(ctx, job, owner, buf_cstr(&state), ctx->now_ms + PAUSES_MS[fails - 1]);
    buf_release(&state);
    return e;
}

enum err outbox_reclaim(struct ctx *ctx, const char *name, int64_t owner)
{
    struct arena *arena = ctx->arena;
    const char *mine = arena_printf(arena, "%lld", (long long)owner);
    const struct expr *others = expr_cmp(arena, EXPR_NE, "owner", value_text(slice_str(mine)));
    const struct expr *leased = in_state(arena, outbox_of_handler(arena, name), "leased");
    struct store_set sets[] = {{"state", value_text(SLICE("queued")), false},
                               {"owner", value_null(), false},
                               {"run_at", value_int(ctx->now_ms), false}};
    return update(ctx, expr_and(arena, leased, others), sets, 3, NULL);
}

/* --- pausing --- */

enum err outbox_hold(struct ctx *ctx, const char *name)
{
    struct store_set paused = {"state", value_text(SLICE("paused")), false};
    return update(ctx, in_state(ctx->arena, outbox_of_handler(ctx->arena, name), "queued"), &paused,
                  1, NULL);
}

enum err outbox_release(struct ctx *ctx, const char *name)
{
    struct store_set sets[] = {{"state", value_text(SLICE("queued")), false},
                               {"run_at", value_int(ctx->now_ms), false}};
    return update(ctx, in_state(ctx->arena, outbox_of_handler(ctx->arena, name), "paused"), sets, 2,
                  NULL);
}

/* --- what a person does --- */

static const struct expr *chosen(struct ctx *ctx, int64_t id, const char *name)
{
    struct arena *arena = ctx->arena;
    const struct expr *ours = eq_text(arena, "queue", OUTBOX_QUEUE);
    return expr_and(arena, ours, name ? outbox_of_handler(arena, name) : eq_int(arena, "id", id));
}

enum err outbox_replay(struct ctx *ctx, int64_t id, const char *name, int64_t *count)
{
    struct store_set sets[] = {
        {"state", value_text(SLICE("queued")), false},
        {"finished_at", value_null(), false},
        {"run_at", value_int(ctx->now_ms), false},
        {"result", value_null(), false},
        {"tries", value_int(0), false},
    };
    const struct expr *which = chosen(ctx, id, name);
    int64_t waiting = 0;
    enum err e = update(ctx, in_state(ctx->arena, which, "dead"), sets, 5, count);
    if (!e && !name)
        e = update(ctx, in_state(ctx->arena, which, "queued"), sets, 5, &waiting);
    *count += waiting;
    return e;
}

enum err outbox_discard(struct ctx *ctx, int64_t id, const char *name, int64_t *count)
{
    struct arena *arena = ctx->arena;
    const struct expr *which = chosen(ctx, id, name);
    const struct expr *leased = expr_not(arena, eq_text(arena, "state", "leased"));
    which = name ? in_state(arena, which, "dead") : expr_and(arena, which, leased);
    return store_delete(ctx->tenant->store, "job", which, count);
}
