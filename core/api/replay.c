/* replay - see replay.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/replay.h"

#include "api/routes.h"
#include "base/crypto.h"
#include "base/id.h"
#include "record/blob.h"
#include "record/idem.h"
#include "record/list.h"

#define RECORDS "/api/v1/records/{entity}"
#define EXPORTS "/api/v1/exports"
#define JOBS    "/api/v1/jobs"

static struct slice key_of(const struct call *call)
{
    return req_header(call->req, "idempotency-key");
}

static struct slice route_of(const struct call *call)
{
    return slice_str(arena_printf(call->ctx->arena, "%s %.*s", http_method_name(call->req->method),
                                  SLICE_ARG(call->req->target)));
}

/* A body that came as a file stands here as its digest: it may be long, and be moved. */
static enum err read_body(struct call *call)
{
    struct arena *arena = call->ctx->arena;
    call->replay_body = call->req->body;
    if (!call->req->body_path)
        return ERR_OK;
    struct slice bytes;
    uint8_t *digest = arena_alloc(arena, CRYPTO_SHA256_LEN);
    enum err e = blob_map(arena, call->req->body_path, &bytes);
    if (e)
        return e;
    crypto_sha256(bytes, digest);
    call->replay_body = slice_of((const char *)digest, CRYPTO_SHA256_LEN);
    return ERR_OK;
}

/* The record of an answer, as the caller may see it now. */
static enum err put_anew(struct call *call, struct slice answer, struct buf *out)
{
    const struct json *doc = NULL;
    int64_t id, version;
    const struct entity *entity = NULL;
    if (slice_starts(slice_str(call->route->pattern), SLICE(RECORDS)))
        entity = model_entity(call->ctx->model, call_param(call, 0));
    if (!entity || json_parse(call->ctx->arena, answer, &doc, NULL) || doc->type != JSON_OBJECT ||
        !id_parse(json_str(doc, "id", SLICE("")), &id))
        return ERR_NOT_FOUND;
    return list_get(call->ctx, entity, id, SLICE(""), SLICE(""), out, &version);
}

static enum err put_moved(struct call *call)
{
    struct buf *out = &call->resp->body;
    struct slice answer = arena_slice(call->ctx->arena, buf_slice(out));
    buf_clear(out);
    if (call->is_operator) {
        buf_put_slice(out, answer); /* nobody's rights are asked */
        return ERR_OK;
    }
    enum err e = put_anew(call, answer, out);
    if (e != ERR_NOT_FOUND && e != ERR_FORBIDDEN)
        return e;
    err_info_clear(&call->ctx->err);
    buf_clear(out);
    buf_put_str(out, IDEM_TOO_LONG);
    return ERR_OK;
}

/* The headers that came with the first answer, told again from what it said. A record that is not
 * shown any more is not named either. */
static void put_headers(struct call *call, int status)
{
    const struct json *doc = NULL;
    int64_t id, version = 0;
    struct arena *arena = call->ctx->arena;
    if (json_parse(arena, arena_slice(arena, buf_slice(&call->resp->body)), &doc, NULL) ||
        doc->type != JSON_OBJECT || !id_parse(json_str(doc, "id", SLICE("")), &id))
        return;
    version = json_int(doc, "version", 0);
    if (version > 0)
        call_etag(call, id, version);
    bool is_job = strcmp(call->route->pattern, EXPORTS) == 0;
    if (status == 201 || is_job) {
        call_created(call, is_job ? JOBS : arena_str(arena, call->req->path), id);
        call->resp->status = status;
    }
}

static bool writes(const struct call *call)
{
    enum http_method method = call->req->method;
    return method != HTTP_GET && method != HTTP_HEAD && method != HTTP_OPTIONS &&
           call->route->runs != RUNS_GATEWAY;
}

enum err replay_find(struct call *call, bool *replayed)
{
    ASSERT(call->route && replayed);

    struct ctx *ctx = call->ctx;
    struct slice key = key_of(call);
    *replayed = false;
    if (!key.at || !writes(call))
        return ERR_OK;
    if (call->route->flags & (ROUTE_SECRET | ROUTE_NO_TENANT))
        return err_say(&ctx->err, ERR_MALFORMED, "idempotency_refused", "%s",
                       ctx->lang == LANG_ZH ? "此地址不接受 Idempotency-Key。"
                                            : "Idempotency-Key is not accepted here.");
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX)
        return err_say(&ctx->err, ERR_MALFORMED, "bad_idempotency_key", NULL);
    int status = 0;
    bool moved = false;
    enum err e = read_body(call);
    if (!e)
        e = idem_find(ctx, key, route_of(call), call->replay_body, replayed, &moved, &status,
                      &call->resp->body);
    if (!e && *replayed && moved)
        e = put_moved(call);
    if (!e && *replayed) {
        call->resp->status = status;
        put_headers(call, status);
        resp_header(call->resp, "Idempotency-Replayed", "true");
    }
    if (e == ERR_BUSY)
        ctx->err.retry_after_s = 1; /* its first is at work still */
    call->has_idem = !e && !*replayed;
    return e;
}

static enum err keep_fn(struct ctx *ctx, void *arg)
{
    struct call *call = arg;
    return idem_keep(ctx, key_of(call), route_of(call), call->replay_body, call->resp->status,
                     buf_slice(&call->resp->body));
}

enum err replay_check(struct call *call)
{
    struct buf ignored = BUF_INIT;
    bool found = false, moved;
    int status;
    if (!call->has_idem || call->kept_status)
        return ERR_OK;
    enum err e = idem_find(call->ctx, key_of(call), route_of(call), call->replay_body, &found,
                           &moved, &status, &ignored);
    buf_release(&ignored);
    return !e && found ? ERR_BUSY : e;
}

enum err replay_keep_now(struct call *call)
{
    if (!call->has_idem || call->resp->status >= 300)
        return ERR_OK;
    call->kept_status = call->resp->status;
    call->kept_bytes = call->resp->body.len;
    return keep_fn(call->ctx, call);
}

enum err replay_keep(struct call *call)
{
    const struct resp *resp = call->resp;
    bool as_kept = call->kept_status == resp->status && call->kept_bytes == resp->body.len;
    if (!call->has_idem || as_kept || resp->status >= 300 || resp->file_path)
        return ERR_OK;
    return app_write(call->app, call->ctx, keep_fn, call);
}

enum err replay_begin(struct call *call)
{
    if (!call->has_idem || call->has_begun)
        return ERR_OK;
    enum err e = replay_check(call);
    if (!e)
        e = idem_begin(call->ctx, key_of(call), route_of(call), call->replay_body);
    call->has_begun = !e;
    return e;
}

/* A file that was sent is told as done: it is not kept a second time. */
static struct slice kept_body(const struct call *call)
{
    return call->resp->file_path ? SLICE(IDEM_TOO_LONG) : buf_slice(&call->resp->body);
}

static enum err end_fn(struct ctx *ctx, void *arg)
{
    struct call *call = arg;
    if (call->has_begun)
        return idem_end(ctx, key_of(call), route_of(call), call->replay_body, call->resp->status,
                        kept_body(call));
    enum err e = replay_check(call);
    return e ? e
             : idem_keep(ctx, key_of(call), route_of(call), call->replay_body, call->resp->status,
                         kept_body(call));
}

enum err replay_end(struct call *call)
{
    if (!call->has_idem || (!call->has_begun && call->resp->status >= 300))
        return ERR_OK;
    return app_write(call->app, call->ctx, end_fn, call);
}
