/* call - what handlers share: captures, conditions, the one way to write.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/call.h"

#include "api/replay.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/id.h"
#include "hook/job.h"
#include "record/record.h"
#include "record/rights.h"

struct slice call_param(const struct call *call, int n)
{
    ASSERT(n >= 0 && n < call->params.count);
    return call->params.at[n];
}

enum err call_entity(struct call *call, int n, const struct entity **out)
{
    ASSERT(call->ctx->model);

    const struct entity *entity = model_entity(call->ctx->model, call_param(call, n));
    if (!entity)
        return ERR_NOT_FOUND;
    *out = entity;
    return ERR_OK;
}

enum err call_id(struct call *call, int n, int64_t *out)
{
    return id_parse(call_param(call, n), out) && *out ? ERR_OK : ERR_NOT_FOUND;
}

/* An entity tag of ours is "<id>-<version>" with or without W/; anything else never matches. */
static bool etag_version(struct slice tag, int64_t id, int64_t *out)
{
    tag = slice_trim(tag);
    if (slice_starts(tag, SLICE("W/"))) {
        tag.at += 2;
        tag.len -= 2;
    }
    if (tag.len < ID_TEXT_LEN + 4 || tag.at[0] != '"' || tag.at[tag.len - 1] != '"')
        return false;
    struct slice rest = slice_of(tag.at + 1, tag.len - 2);
    struct slice id_part = slice_split(&rest, '-');
    int64_t tag_id;
    struct slice version = slice_split(&rest, '-'); /* a weak tag goes on behind it */
    return id_parse(id_part, &tag_id) && tag_id == id && slice_to_int(version, out) && *out > 0;
}

enum err call_version(struct call *call, int64_t id, int64_t *out)
{
    struct slice match = req_header(call->req, "if-match");
    if (match.at && !slice_is(slice_trim(match), "*")) {
        int64_t version;
        if (!etag_version(match, id, &version))
            return err_say(&call->ctx->err, ERR_VERSION, NULL, "%s", "@error.version_mismatch");
        *out = version;
        return ERR_OK;
    }
    const struct json *member = json_get(call->body, "version");
    if (!member) {
        *out = 0;
        return ERR_OK;
    }
    if (member->type != JSON_INT || member->integer < 1)
        return err_field(&call->ctx->err, "version", "not_a_number", NULL);
    *out = member->integer;
    return ERR_OK;
}

enum err call_object(struct call *call, const struct json **out)
{
    if (!call->body || call->body->type != JSON_OBJECT)
        return err_say(&call->ctx->err, ERR_MALFORMED, "not_an_object", "%s",
                       "@error.not_an_object");
    *out = call->body;
    return ERR_OK;
}

enum err call_only(struct call *call, const char *const *names)
{
    enum err e = ERR_OK;
    json_each(member, call->body)
    {
        const char *const *name = names;
        while (*name && !slice_is(member->key, *name))
            name++;
        if (!*name)
            e = err_field(&call->ctx->err, arena_str(call->ctx->arena, member->key),
                          "unknown_field", NULL);
    }
    return e;
}

void call_created(struct call *call, const char *path_prefix, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    call->resp->status = 201;
    resp_header(call->resp, "Location", arena_printf(call->ctx->arena, "%s/%s", path_prefix, text));
}

void call_queued(struct call *call, const char *queue, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    call_created(call, "/api/v1/jobs", id);
    call->resp->status = 202;
    buf_printf(&call->resp->body, "{\"id\":\"%s\",\"queue\":\"%s\",\"state\":\"queued\"}", text,
               queue);
}

void call_etag(struct call *call, int64_t id, int64_t version)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    resp_header(call->resp, "ETag",
                arena_printf(call->ctx->arena, "\"%s-%lld\"", text, (long long)version));
}

/* The tenant's own transaction around fn; the caller holds the right to write. */
static enum err write_tx(struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct store *store = ctx->tenant->store;
    enum err e = store_begin(store, true);
    if (e)
        return e;
    e = tenant_refresh(ctx->tenant);
    if (!e)
        e = fn(ctx, arg);
    if (e) {
        store_rollback(store);
        return e;
    }
    return store_commit(store);
}

/* Jobs that this write has left are announced when they can be seen. */
static void wake_jobs(struct app *app, struct tenant *tenant)
{
    int64_t run_at_ms = 0;
    if (app->services->wake && job_next(tenant, &run_at_ms) == ERR_OK && run_at_ms &&
        run_at_ms <= clock_now_ms())
        app->services->wake(app, tenant, run_at_ms);
}

enum err app_write_still(struct app *app, struct ctx *ctx,
                         enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    ASSERT(app->role != APP_GATEWAY);
    ASSERT(ctx->tenant);

    struct store *store = ctx->tenant->store;
    if (store_in_tx(store)) { /* a worker's turn, or already inside a lent one */
        enum err e = store_savepoint(store);
        if (e)
            return e;
        return store_savepoint_end(store, fn(ctx, arg));
    }
    enum err e = app->services->turn_take ? app->services->turn_take(app, ctx->tenant) : ERR_OK;
    if (e)
        return e;
    e = write_tx(ctx, fn, arg);
    if (app->services->turn_give)
        app->services->turn_give(app, ctx->tenant, 0);
    return e;
}

enum err app_write(struct app *app, struct ctx *ctx, enum err (*fn)(struct ctx *ctx, void *arg),
                   void *arg)
{
    bool is_inside = store_in_tx(ctx->tenant->store);
    enum err e = app_write_still(app, ctx, fn, arg);
    if (!e && !is_inside)
        wake_jobs(app, ctx->tenant);
    return e;
}

struct call_write {
    struct call *call;
    enum err (*fn)(struct call *call, void *arg);
    void *arg;
    bool joins; /* a transaction that ends with the whole call: the key is kept there */
};

static enum err call_write_fn(struct ctx *ctx, void *arg)
{
    struct call_write *w = arg;
    ASSERT(ctx == w->call->ctx);
    /* In a runner the model may have moved while the call waited for its turn: columns have gone.
     */
    if (w->call->app->role == APP_RUNNER && ctx->model &&
        ctx->model->version != ctx->tenant->header.model_version)
        return ERR_BUSY;
    enum err e = w->joins ? ERR_OK : replay_check(w->call);
    if (!e)
        e = w->fn(w->call, w->arg);
    return e || w->joins ? e : replay_keep_now(w->call);
}

enum err call_write(struct call *call, enum err (*fn)(struct call *call, void *arg), void *arg)
{
    struct call_write w = {call, fn, arg, store_in_tx(call->ctx->tenant->store)};
    int status = call->kept_status;
    enum err e = app_write(call->app, call->ctx, call_write_fn, &w);
    if (e)
        call->kept_status = status; /* it went with the rest */
    return e;
}
