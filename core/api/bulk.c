/* bulk - many changes in one call, and taking them back.
 *
 * A call that asks for it ("undo": true) leaves a job that is done, and the job's number is the
 * batch of its changes: further calls of the same work name it ("undo": "<id>"). The job says what
 * was done and how much of it can still be taken back; POST /jobs/{id}/undo takes back a part at a
 * time, until "left" is 0. It is its creator's and the administrators', as any job, and each change
 * asks for the rights of who takes it back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/bulk.h"

#include "api/handlers.h"
#include "auth/row.h"
#include "base/id.h"
#include "base/tuning.h"
#include "hook/job.h"

#define BULK_QUEUE "bulk"

/* What the job says of its changes; the same for people, so no values stand in it. */
struct noted {
    int64_t id, created_by;
    const char *entity, *op;
    int64_t done, failed, left, undone, refused;
};

static const char *const COLUMNS[] = {"id", "queue", "state", "created_by", "result"};

static enum err noted_read(struct call *call, int64_t id, const char *action, struct noted *out)
{
    struct ctx *ctx = call->ctx;
    struct value v[5];
    const struct json *result;
    struct expr where = row_eq("id", value_int(id));
    if (!ctx->as_system && (!ctx->actor || !actor_in_scope(ctx->actor, "job", action)))
        return ERR_FORBIDDEN;
    enum err e = row_read(ctx->tenant->store, ctx->arena, "job", COLUMNS, 5, &where, v);
    if (e)
        return e;
    bool mine = ctx->actor && v[3].integer == ctx->actor->user;
    if (!mine && !ctx->as_system && !actor_may_admin(ctx->actor, "jobs"))
        return ERR_NOT_FOUND;
    if (!slice_is(v[1].bytes, BULK_QUEUE) || v[4].type == VALUE_NULL)
        return err_say(&ctx->err, ERR_CONFLICT, "wrong_state", NULL);
    if (json_parse(ctx->arena, v[4].bytes, &result, NULL))
        return ERR_CORRUPT;
    *out = (struct noted){
        .id = id,
        .created_by = v[3].integer,
        .entity = json_cstr(result, "entity", ""),
        .op = json_cstr(result, "op", ""),
        .done = json_int(result, "done", 0),
        .failed = json_int(result, "failed", 0),
        .left = json_int(result, "left", 0),
        .undone = json_int(result, "undone", 0),
        .refused = json_int(result, "refused", 0),
    };
    return ERR_OK;
}

static enum err noted_write(struct ctx *ctx, const struct noted *noted)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "{\"entity\":");
    json_put_cstr(&b, noted->entity);
    buf_put_str(&b, ",\"op\":");
    json_put_cstr(&b, noted->op);
    buf_printf(&b, ",\"done\":%lld,\"failed\":%lld,\"left\":%lld,\"undone\":%lld,\"refused\":%lld}",
               (long long)noted->done, (long long)noted->failed, (long long)noted->left,
               (long long)noted->undone, (long long)noted->refused);
    enum err e = job_set_result(ctx, noted->id, buf_cstr(&b));
    buf_release(&b);
    return e;
}

/* --- doing --- */

struct old {
    int64_t ids[BULK_SWEPT];
    int count;
};

static bool take_old(void *arg, const struct store_row *row)
{
    struct old *old = arg;
    old->ids[old->count++] = store_row_int(row, 0);
    return old->count < BULK_SWEPT;
}

/* As long as what was deleted is kept, its deletion can be taken back. */
static enum err sweep(struct ctx *ctx)
{
    struct arena *a = ctx->arena;
    struct old old = {.count = 0};
    struct query_column select = {.column = {0, "id"}};
    const struct expr *where =
        expr_and(a, expr_cmp(a, EXPR_EQ, "queue", value_text(SLICE(BULK_QUEUE))),
                 expr_cmp(a, EXPR_LT, "finished_at", value_int(ctx->now_ms - DELETED_KEEP_MS)));
    struct query query = {
        .table = "job", .select = &select, .select_count = 1, .where = where, .limit = BULK_SWEPT};
    enum err e = store_read(ctx->tenant->store, &query, take_old, &old);
    for (int i = 0; i < old.count && !e; i++) {
        e = undo_forget(ctx, old.ids[i]);
        if (!e)
            e = store_delete(ctx->tenant->store, "job",
                             expr_cmp(a, EXPR_EQ, "id", value_int(old.ids[i])), NULL);
    }
    return e;
}

/* The op that all items have. */
static const char *op_of(struct arena *arena, const struct json *items)
{
    struct slice first = SLICE("");
    json_each(item, items)
    {
        struct slice op = json_str(item, "op", SLICE(""));
        if (item != items->first && !slice_eq(op, first))
            return "mixed";
        first = op;
    }
    bool is_known = slice_is(first, "create") || slice_is(first, "update") ||
                    slice_is(first, "upsert") || slice_is(first, "delete");
    return is_known ? arena_str(arena, first) : "mixed";
}

/* The job of the work that this call goes on with, or a new one. */
static enum err noted_begin(struct call *call, const struct entity *entity,
                            const struct json *items, struct noted *out)
{
    struct ctx *ctx = call->ctx;
    const struct json *wish = json_get(call->body, "undo");
    int64_t id;
    if (wish->type == JSON_STRING) {
        enum err e =
            id_parse(wish->text, &id) ? noted_read(call, id, "update", out) : ERR_NOT_FOUND;
        if (!e && (out->undone || out->refused || strcmp(out->entity, entity->name) != 0 ||
                   out->created_by != (ctx->actor ? ctx->actor->user : 0)))
            e = err_say(&ctx->err, ERR_CONFLICT, "wrong_state", NULL);
        return e;
    }
    struct job job = {.queue = BULK_QUEUE, .created_by = ctx->actor ? ctx->actor->user : 0};
    *out = (struct noted){.entity = entity->name, .op = op_of(ctx->arena, items)};
    enum err e = sweep(ctx);
    return e ? e : job_put_done(ctx, &job, &out->id);
}

static enum err run_kept(struct call *call, const struct entity *entity, const struct json *items,
                         bool atomic)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    struct noted noted;
    const struct json *answer;
    char id[ID_TEXT_LEN + 1];
    enum err e = noted_begin(call, entity, items, &noted);
    if (e)
        return e;
    struct undo undo = {noted.id, noted.left};
    e = record_bulk(ctx, entity, items, atomic, &undo, out);
    if (e)
        return e;
    if (json_parse(ctx->arena, buf_slice(out), &answer, NULL))
        return ERR_CORRUPT;
    noted.done += json_int(answer, "done", 0);
    noted.failed += json_int(answer, "failed", 0);
    noted.left = undo.line;
    out->len--; /* the closing brace */
    id_text(noted.id, id);
    buf_printf(out, ",\"job\":\"%s\",\"left\":%lld}", id, (long long)noted.left);
    return noted_write(ctx, &noted);
}

enum err records_bulk(struct call *call)
{
    static const char *const members[] = {"items", "atomic", "undo", NULL};
    const struct entity *entity;
    const struct json *body;
    struct unit unit;
    enum err e = call_entity(call, 0, &entity);
    if (!e && strcmp(entity->name, "user") == 0 && !call->is_operator)
        e = ERR_FORBIDDEN; /* one by one, so that each is judged */
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    const struct json *items = json_get(body, "items"), *undo = json_get(body, "undo");
    bool atomic = json_bool(body, "atomic", false);
    if (!items || items->type != JSON_ARRAY)
        return err_field(&call->ctx->err, "items", "required", NULL);
    if (items->count > BULK_MAX)
        return err_field(&call->ctx->err, "items", "too_many",
                         arena_printf(call->ctx->arena, "{\"max\":%d}", BULK_MAX));
    bool is_kept = undo && (undo->type == JSON_STRING || json_bool(body, "undo", false));
    e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = is_kept ? run_kept(call, entity, items, atomic)
                : record_bulk(call->ctx, entity, items, atomic, NULL, &call->resp->body);
    unit_end(call->ctx);
    return e;
}

/* --- taking back --- */

enum err bulk_undo(struct call *call)
{
    static const char *const members[] = {NULL};
    struct ctx *ctx = call->ctx;
    struct noted noted;
    struct unit unit;
    int64_t id, done = 0, refused = 0;
    enum err e = call_id(call, 0, &id);
    if (!e && call->body)
        e = call_only(call, members);
    if (!e)
        e = noted_read(call, id, "update", &noted);
    if (e)
        return e;
    const struct entity *entity = model_entity(ctx->model, slice_str(noted.entity));
    if (!entity)
        return ERR_NOT_FOUND;
    e = app_unit_begin(call->app, ctx, &unit);
    if (e)
        return e;
    e = undo_bulk(ctx, entity, id, BULK_UNDO_ROWS, &call->resp->body, &done, &refused, &noted.left);
    unit_end(ctx);
    noted.undone += done;
    noted.refused += refused;
    return e ? e : noted_write(ctx, &noted);
}
