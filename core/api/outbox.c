/* outbox - deliveries behind the commit, as administrators see them: what waits, what is paused,
 * dead letters; replay, discard, pause and resume.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/outbox.h"

#include "api/admin.h"
#include "api/handlers.h"
#include "api/jobs_in.h"
#include "api/page.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/id.h"
#include "hook/trip.h"

/* --- list ---------------------------------------------------------------------------------------
 */

enum { ROW_ID, ROW_STATE, ROW_BODY, ROW_RESULT, ROW_CREATED_AT, ROW_RUN_AT, ROW_FINISHED_AT };

static const char *state_shown(struct slice state)
{
    static const char *const names[][2] = {{"queued", "waiting"},
                                           {"leased", "running"},
                                           {"stopping", "running"},
                                           {"paused", "paused"},
                                           {"dead", "dead"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(state, names[i][0]))
            return names[i][1];
    return "done";
}

static const char *state_stored(struct slice shown)
{
    static const char *const names[][2] = {
        {"waiting", "queued"}, {"running", "leased"}, {"paused", "paused"}, {"dead", "dead"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(shown, names[i][0]))
            return names[i][1];
    return NULL;
}

static void put_time(struct buf *out, const char *key, const struct store_row *row, int column)
{
    char text[25];
    time_text(store_row_int(row, column), text);
    json_put_key(out, key);
    json_put_cstr(out, store_row_is_null(row, column) ? NULL : text);
}

static void put_id(struct buf *out, const char *key, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    json_put_key(out, key);
    json_put_cstr(out, id ? text : NULL);
}

static const struct json *tree_of(struct arena *arena, const struct store_row *row, int column)
{
    const struct json *tree = NULL;
    if (!store_row_is_null(row, column) &&
        json_parse(arena, arena_slice(arena, store_row_bytes(row, column)), &tree, NULL))
        tree = NULL;
    return tree;
}

static bool put_row(struct page *page, const struct store_row *row)
{
    struct arena *arena = arena_new();
    struct buf *out = &page->call->resp->body;
    const struct json *body = tree_of(arena, row, ROW_BODY);
    const struct json *result = tree_of(arena, row, ROW_RESULT);
    buf_put_char(out, '{');
    put_id(out, "id", store_row_int(row, ROW_ID));
    json_put_key(out, "state");
    json_put_cstr(out, state_shown(store_row_bytes(row, ROW_STATE)));
    json_put_key(out, "handler");
    json_put_cstr(out, json_cstr(body, "handler", NULL));
    json_put_key(out, "entity");
    json_put_cstr(out, json_cstr(body, "entity", NULL));
    put_id(out, "record", json_int(body, "record", 0));
    json_put_key(out, "op");
    json_put_cstr(out, json_cstr(body, "op", NULL));
    bool is_dead = slice_is(store_row_bytes(row, ROW_STATE), "dead");
    json_put_key(out, "fails");
    json_put_int(out, is_dead ? OUTBOX_TRIES_MAX : json_int(result, "fails", 0));
    json_put_key(out, "error");
    json_put_cstr(out, json_cstr(result, "error", NULL));
    put_time(out, "created_at", row, ROW_CREATED_AT);
    put_time(out, "next_at", row, ROW_RUN_AT);
    put_time(out, "finished_at", row, ROW_FINISHED_AT);
    buf_put_char(out, '}');
    arena_free(arena);
    return true;
}

/* Oldest first, as they are delivered. */
enum err outbox_list(struct call *call)
{
    static const char *const filters[] = {"state", "handler", NULL};
    static const struct query_column columns[] = {
        {.column = {0, "id"}},          {.column = {0, "state"}},      {.column = {0, "body"}},
        {.column = {0, "result"}},      {.column = {0, "created_at"}}, {.column = {0, "run_at"}},
        {.column = {0, "finished_at"}},
    };
    static const struct query_order oldest[] = {{.column = {0, "id"}}};
    struct arena *arena = call->ctx->arena;
    struct slice state = req_query(call->req, "state"), handler = req_query(call->req, "handler");
    struct page page;
    enum err e = page_begin(call, 1, filters, &page);
    if (!e && state.at && !state_stored(state))
        e = err_field(&call->ctx->err, "state", "unknown_value", NULL);
    if (e)
        return e;
    const struct expr *where = expr_cmp(arena, EXPR_EQ, "queue", value_text(SLICE(OUTBOX_QUEUE)));
    if (state.at)
        where =
            expr_and(arena, where,
                     expr_cmp(arena, EXPR_EQ, "state", value_text(slice_str(state_stored(state)))));
    if (handler.at)
        where = expr_and(arena, where, outbox_of_handler(arena, arena_str(arena, handler)));
    struct query query = {.table = "job",
                          .select = columns,
                          .select_count = 7,
                          .where = where,
                          .order = oldest,
                          .order_count = 1};
    page.put = put_row;
    return page_read(&page, &query);
}

/* --- paused handlers ----------------------------------------------------------------------------
 */

struct paused {
    struct call *call;
    enum err e;
};

static bool put_trip(void *arg, const struct trip *trip)
{
    struct paused *paused = arg;
    struct buf *out = &paused->call->resp->body;
    char at[25];
    if (!slice_starts(slice_str(trip->name), SLICE("hook:")))
        return true;
    time_text(trip->paused_at_ms, at);
    json_put_comma(out);
    buf_put_char(out, '{');
    json_put_key(out, "handler");
    json_put_cstr(out, trip->name);
    json_put_key(out, "paused_at");
    json_put_cstr(out, at);
    json_put_key(out, "why");
    json_put_cstr(out, trip->why);
    paused->e = admin_put_person(paused->call->ctx, "paused_by", trip->paused_by, out);
    buf_put_char(out, '}');
    return !paused->e;
}

enum err outbox_paused(struct call *call)
{
    struct paused paused = {.call = call};
    page_open(call);
    enum err e = trip_list(call->ctx, put_trip, &paused);
    if (!e)
        e = paused.e;
    if (!e)
        page_close(call);
    return e;
}

/* --- what an administrator does -----------------------------------------------------------------
 */

static enum err note(struct call *call, const char *action, const char *handler, int64_t id,
                     int64_t count)
{
    struct buf detail = BUF_INIT;
    buf_put_char(&detail, '{');
    if (handler) {
        json_put_key(&detail, "handler");
        json_put_cstr(&detail, handler);
    } else {
        put_id(&detail, "id", id);
    }
    json_put_key(&detail, "count");
    json_put_int(&detail, count);
    buf_put_char(&detail, '}');
    enum err e = audit_put(call->ctx, action, NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

/* The body's one member: "hook:leads:push@lead". */
static enum err read_handler(struct call *call, const char **out)
{
    static const char *const members[] = {"handler", NULL};
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice name = json_str(body, "handler", SLICE(""));
    if (!name.len)
        return err_field(&call->ctx->err, "handler", "required", NULL);
    if (!slice_starts(name, SLICE("hook:")) || name.len > TRIP_NAME_BYTES_MAX)
        return err_field(&call->ctx->err, "handler", "unknown_value", NULL);
    *out = arena_str(call->ctx->arena, name);
    return ERR_OK;
}

static enum err answer(struct call *call, int64_t count)
{
    buf_printf(&call->resp->body, "{\"count\":%lld}", (long long)count);
    return ERR_OK;
}

typedef enum err (*outbox_act)(struct ctx *ctx, int64_t id, const char *name, int64_t *count);

static enum err act_one(struct call *call, outbox_act act, const char *action)
{
    int64_t id, count = 0;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = act(call->ctx, id, NULL, &count);
    if (!e && !count)
        e = ERR_NOT_FOUND;
    return e ? e : note(call, action, NULL, id, count);
}

static enum err act_all(struct call *call, outbox_act act, const char *action)
{
    const char *handler;
    int64_t count = 0;
    enum err e = read_handler(call, &handler);
    if (!e)
        e = act(call->ctx, 0, handler, &count);
    if (!e)
        e = note(call, action, handler, 0, count);
    return e ? e : answer(call, count);
}

enum err outbox_replay_one(struct call *call)
{
    enum err e = act_one(call, outbox_replay, "outbox_replay");
    return e ? e : answer(call, 1);
}

enum err outbox_replay_all(struct call *call)
{
    return act_all(call, outbox_replay, "outbox_replay");
}

enum err outbox_discard_one(struct call *call)
{
    enum err e = act_one(call, outbox_discard, "outbox_discard");
    if (!e)
        call->resp->status = 204;
    return e;
}

enum err outbox_discard_all(struct call *call)
{
    return act_all(call, outbox_discard, "outbox_discard");
}

enum err outbox_pause(struct call *call)
{
    const char *handler;
    enum err e = read_handler(call, &handler);
    if (!e)
        e = trip_pause(call->ctx, handler, call->ctx->actor ? call->ctx->actor->user : 0, NULL);
    if (!e)
        e = outbox_hold(call->ctx, handler);
    if (!e)
        e = note(call, "handler_paused", handler, 0, 0);
    if (!e)
        call->resp->status = 204;
    return e;
}

enum err outbox_resume(struct call *call)
{
    const char *handler;
    enum err e = read_handler(call, &handler);
    if (!e)
        e = trip_resume(call->ctx, handler);
    if (!e)
        e = outbox_release(call->ctx, handler);
    if (!e)
        e = note(call, "handler_resumed", handler, 0, 0);
    if (!e)
        call->resp->status = 204;
    return e;
}
