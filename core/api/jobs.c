/* jobs - long work as people see it: list, progress, stop; and asking for an export.
 *
 * A job is its creator's and the administrators'; nobody else learns that it exists.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/jobs.h"

#include "api/handlers.h"
#include "api/import.h"
#include "api/jobs_in.h"
#include "api/quota.h"
#include "auth/actor.h"
#include "auth/row.h"
#include "base/id.h"
#include "hook/outbox.h"
#include "record/filter.h"
#include "record/list.h"
#include "record/rights.h"

static const char *const COLUMNS[] = {"id",         "queue",       "state",
                                      "progress",   "result",      "created_at",
                                      "created_by", "finished_at", "body"};
enum {
    JOB_ID,
    JOB_QUEUE,
    JOB_STATE,
    JOB_PROGRESS,
    JOB_RESULT,
    JOB_CREATED_AT,
    JOB_CREATED_BY,
    JOB_FINISHED_AT,
    JOB_BODY,
    JOB_COLUMNS
};

static bool sees_all(const struct ctx *ctx)
{
    return ctx->as_system || (ctx->actor && actor_may_admin(ctx->actor, "jobs"));
}

/* A key for some records is not for all that its user does: jobs are a scope of their own. */
static bool in_scope(const struct ctx *ctx, const char *action)
{
    return ctx->as_system || (ctx->actor && actor_in_scope(ctx->actor, "job", action));
}

const char *jobs_state_name(struct slice state)
{
    static const char *const names[][2] = {{"leased", "running"}, {"dead", "failed"},
                                           {"queued", "queued"},  {"stopping", "stopping"},
                                           {"done", "done"},      {"cancelled", "cancelled"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(state, names[i][0]))
            return names[i][1];
    return "queued";
}

static void put_time(struct buf *out, const char *key, const struct value *value)
{
    char text[25];
    json_put_key(out, key);
    if (value->type == VALUE_NULL) {
        buf_put_str(out, "null");
        return;
    }
    time_text(value->integer, text);
    json_put_cstr(out, text);
}

/* While a job is unfinished, its result column is its own memory and nobody's business. */
static void put_result(struct buf *out, struct arena *arena, const char *state,
                       const struct value *value)
{
    const struct json *result = NULL;
    bool ended = strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
    if (ended && value->type != VALUE_NULL && json_parse(arena, value->bytes, &result, NULL))
        result = NULL;
    json_put_key(out, "result");
    if (result && strcmp(state, "done") == 0)
        json_put(out, result);
    else
        buf_put_str(out, "null");
    json_put_key(out, "error");
    json_put_cstr(out, strcmp(state, "failed") == 0 ? json_cstr(result, "error", "?") : NULL);
}

const char *jobs_label(const struct ctx *ctx, const char *plugin, const char *name)
{
    const char *key = arena_printf(ctx->arena, "@job.%s", name);
    return model_text_or(ctx->model, ctx->arena, ctx->lang, plugin, key, NULL, name);
}

/* Of a plugin's job, whose queue is "job:leads.recycle"; the others are the client's to name. */
static void put_label(struct buf *out, const struct ctx *ctx, struct slice queue)
{
    struct slice rest = queue;
    json_put_key(out, "label");
    if (!slice_is(slice_split(&rest, ':'), "job") || slice_find(rest, SLICE(".")) < 0) {
        buf_put_str(out, "null");
        return;
    }
    const char *plugin = arena_str(ctx->arena, slice_split(&rest, '.'));
    json_put_cstr(out, jobs_label(ctx, plugin, arena_str(ctx->arena, rest)));
}

static void put_job(struct buf *out, const struct ctx *ctx, const struct value *v)
{
    const char *state = jobs_state_name(v[JOB_STATE].bytes);
    char id[ID_TEXT_LEN + 1];
    id_text(v[JOB_ID].integer, id);
    buf_printf(out, "{\"id\":\"%s\"", id);
    json_put_key(out, "queue");
    json_put_string(out, v[JOB_QUEUE].bytes);
    put_label(out, ctx, v[JOB_QUEUE].bytes);
    json_put_key(out, "state");
    json_put_cstr(out, state);
    json_put_key(out, "progress");
    json_put_int(out, v[JOB_PROGRESS].integer);
    put_result(out, ctx->arena, state, &v[JOB_RESULT]);
    put_time(out, "created_at", &v[JOB_CREATED_AT]);
    put_time(out, "finished_at", &v[JOB_FINISHED_AT]);
    json_put_key(out, "created_by");
    if (v[JOB_CREATED_BY].integer) {
        id_text(v[JOB_CREATED_BY].integer, id);
        json_put_cstr(out, id);
    } else {
        buf_put_str(out, "null");
    }
    buf_put_char(out, '}');
}

/* --- list, get, cancel --------------------------------------------------------------------------
 */

struct job_list {
    struct buf *out;
    const struct ctx *ctx;
    int limit, count;
    int64_t last;
    bool more;
};

static bool put_row(void *arg, const struct store_row *row)
{
    struct job_list *list = arg;
    struct value v[JOB_COLUMNS];
    if (list->count == list->limit) {
        list->more = true;
        return false;
    }
    for (int i = 0; i < JOB_COLUMNS; i++)
        v[i] = store_row_value(row, i);
    list->count++;
    list->last = v[JOB_ID].integer;
    json_put_comma(list->out);
    put_job(list->out, list->ctx, v);
    return true;
}

/* Newest first; the cursor is the id of the last one seen. */
enum err jobs_list(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct arena *arena = ctx->arena;
    struct slice limit_text = req_query(call->req, "limit");
    struct slice cursor_text = req_query(call->req, "cursor");
    int64_t limit = LIST_DEFAULT, cursor = 0;
    if (limit_text.at && (!slice_to_int(limit_text, &limit) || limit < 1 || limit > LIST_MAX))
        return err_field(&ctx->err, "limit", "out_of_range", NULL);
    if (cursor_text.at && !id_parse(cursor_text, &cursor))
        return ERR_BAD_CURSOR;
    /* Deliveries behind a commit are no work that somebody asked for: /admin/outbox. */
    const struct expr *where = expr_cmp(arena, EXPR_NE, "queue", value_text(SLICE(OUTBOX_QUEUE)));
    if (!ctx->as_system && !ctx->actor)
        return ERR_UNAUTHENTICATED;
    if (!in_scope(ctx, "read"))
        return ERR_FORBIDDEN;
    if (!sees_all(ctx)) {
        where = expr_and(arena, where,
                         expr_cmp(arena, EXPR_EQ, "created_by", value_int(ctx->actor->user)));
    }
    if (cursor)
        where = expr_and(arena, where, expr_cmp(arena, EXPR_LT, "id", value_int(cursor)));
    struct query_column select[JOB_COLUMNS] = {0};
    for (int i = 0; i < JOB_COLUMNS; i++)
        select[i].column.column = COLUMNS[i];
    struct query_order order = {.column = {.column = "id"}, .descending = true};
    struct query query = {.table = "job",
                          .select = select,
                          .select_count = JOB_COLUMNS,
                          .where = where,
                          .order = &order,
                          .order_count = 1,
                          .limit = limit + 1};
    struct buf *out = &call->resp->body;
    struct job_list list = {.out = out, .ctx = ctx, .limit = (int)limit};
    buf_put_str(out, "{\"items\":[");
    enum err e = store_read(ctx->tenant->store, &query, put_row, &list);
    if (e)
        return e;
    char id[ID_TEXT_LEN + 1];
    id_text(list.last, id);
    buf_put_str(out, "],\"next\":");
    json_put_cstr(out, list.more ? id : NULL);
    buf_put_char(out, '}');
    return ERR_OK;
}

static enum err job_load(struct call *call, const char *action, struct value *out)
{
    struct ctx *ctx = call->ctx;
    int64_t id;
    enum err e = call_id(call, 0, &id);
    if (!e && !in_scope(ctx, action))
        e = ERR_FORBIDDEN;
    if (e)
        return e;
    struct expr where = row_eq("id", value_int(id));
    e = row_read(ctx->tenant->store, ctx->arena, "job", COLUMNS, JOB_COLUMNS, &where, out);
    if (e)
        return e;
    bool mine = ctx->actor && out[JOB_CREATED_BY].integer == ctx->actor->user;
    return mine || sees_all(ctx) ? ERR_OK : ERR_NOT_FOUND;
}

enum err jobs_get(struct call *call)
{
    struct value v[JOB_COLUMNS];
    enum err e = job_load(call, "read", v);
    if (!e)
        put_job(&call->resp->body, call->ctx, v);
    return e;
}

/* An import whose job ended before it began would wait for ever. */
static enum err import_cancelled(struct ctx *ctx, const struct value *v)
{
    struct job job = {0};
    if (!slice_is(v[JOB_QUEUE].bytes, "import") || !slice_is(v[JOB_STATE].bytes, "queued"))
        return ERR_OK;
    enum err e = json_parse(ctx->arena, v[JOB_BODY].bytes, &job.body, NULL);
    return e ? ERR_CORRUPT
             : jobs_import_failed(ctx, &job, ctx->lang == LANG_ZH ? "已取消。" : "Cancelled.");
}

enum err jobs_cancel(struct call *call)
{
    struct value v[JOB_COLUMNS];
    enum err e = job_load(call, "delete", v);
    if (!e)
        e = job_cancel(call->ctx, v[JOB_ID].integer);
    if (!e)
        e = import_cancelled(call->ctx, v);
    if (!e)
        e = job_load(call, "delete", v);
    if (e)
        return e;
    call->resp->status = 202;
    put_job(&call->resp->body, call->ctx, v);
    return ERR_OK;
}

/* --- exports ------------------------------------------------------------------------------------
 */

static enum err export_check(struct call *call, const struct entity **entity, const char **format,
                             const struct json **query)
{
    static const char *const members[] = {"entity", "format", "filter", "fields",
                                          "sort",   "q",      NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    struct list_query wanted = {0};
    struct filter_joins joins = {0};
    const struct expr *ignored;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice name = json_str(body, "entity", SLICE(""));
    *entity = model_entity(ctx->model, name);
    if (!*entity || (!ctx->as_system && rights_action(ctx, *entity, ROLE_READ))) {
        err_info_clear(&ctx->err);
        return err_field(&ctx->err, "entity", name.len ? "unknown_entity" : "required", NULL);
    }
    *format = json_cstr(body, "format", "csv");
    if (strcmp(*format, "csv") != 0 && strcmp(*format, "json") != 0 && strcmp(*format, "xlsx") != 0)
        return err_field(&ctx->err, "format", "unknown_value", NULL);
    e = rights_action(ctx, *entity, ROLE_EXPORT);
    struct json *rest = json_new(ctx->arena, JSON_OBJECT);
    json_each(member, body)
    {
        if (!slice_is(member->key, "entity") && !slice_is(member->key, "format"))
            json_add(ctx->arena, rest, arena_str(ctx->arena, member->key),
                     json_copy(ctx->arena, member));
    }
    if (!e)
        e = list_query_json(ctx, *entity, rest, &wanted);
    struct filter_scope scope = {.entity = *entity, .joins = &joins};
    if (!e)
        e = filter_compile(ctx, &scope, wanted.filter, &ignored);
    *query = rest;
    return e;
}

enum err exports_create(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct entity *entity = NULL;
    const struct json *query = NULL;
    const char *format = NULL;
    int64_t id = 0;
    enum err e = export_check(call, &entity, &format, &query);
    if (e)
        return e;
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "entity", json_new_str(ctx->arena, slice_str(entity->name)));
    json_add(ctx->arena, body, "format", json_new_str(ctx->arena, slice_str(format)));
    json_add(ctx->arena, body, "query", json_copy(ctx->arena, query));
    struct job job = {
        .queue = "export", .created_by = ctx->actor ? ctx->actor->user : 0, .body = body};
    e = quota_jobs(call);
    if (!e)
        e = job_put(ctx, &job, &id);
    if (e)
        return e;
    call_queued(call, job.queue, id);
    return ERR_OK;
}
