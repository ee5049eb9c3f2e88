/* pipeline - the spine: admit, run, end.
 *
 * Tenant comes before identity because users live in the tenant's own store. Each stage fills its
 * own field of ctx and asserts the earlier ones.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/pipeline.h"

#include <fcntl.h>
#include <unistd.h>

#include "api/preview.h"
#include "api/replay.h"
#include "auth/bearer.h"
#include "auth/session.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

/* zh or en, whichever the header names first; -1 if it names neither. */
static int language_of(struct slice header)
{
    while (header.len) {
        struct slice part = slice_trim(slice_split(&header, ','));
        if (part.len >= 2 && slice_eq_nocase(slice_of(part.at, 2), SLICE("zh")))
            return LANG_ZH;
        if (part.len >= 2 && slice_eq_nocase(slice_of(part.at, 2), SLICE("en")))
            return LANG_EN;
    }
    return -1;
}

struct call *pipeline_call_new(struct app *app, struct arena *arena, const struct req *req,
                               struct resp *resp)
{
    struct call *call = arena_make(arena, struct call);
    struct ctx *ctx = arena_make(arena, struct ctx);
    ctx_init(ctx, arena);
    ctx->trace = req->trace;
    ctx->address = req->address;
    ctx->source = CTX_API;
    int lang = language_of(req_header(req, "accept-language"));
    ctx->lang = lang >= 0 ? (enum lang)lang : LANG_ZH;
    call->app = app;
    call->req = req;
    call->ctx = ctx;
    call->resp = resp;
    return call;
}

/* Whose code failed and where, for who can do something about it. */
static void tell_plugin(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct err_info *err = &ctx->err;
    bool may = call->is_operator || (ctx->actor && actor_may_admin(ctx->actor, "plugins"));
    if (!may || !err->detail || !text_is_utf8(slice_str(err->detail)))
        return;
    struct buf b = BUF_INIT;
    if (err->extra && err->extra[0])
        buf_printf(&b, "%s,", err->extra);
    buf_put_str(&b, "\"detail\":");
    json_put_cstr(&b, err->detail);
    if (err->plugin) {
        buf_put_str(&b, ",\"plugin\":");
        json_put_cstr(&b, err->plugin);
        buf_put_str(&b, ",\"handler\":");
        json_put_cstr(&b, err->handler);
    }
    ctx->err.extra = arena_str(ctx->arena, buf_slice(&b));
    buf_release(&b);
}

void pipeline_fail(struct call *call, enum err e)
{
    ASSERT(e != ERR_OK);

    struct ctx *ctx = call->ctx;
    /* While the call was elsewhere its model may have been replaced. */
    ctx->model = ctx->tenant ? ctx->tenant->model : NULL;
    if (ctx->model)
        model_err_texts(ctx);
    if (e == ERR_PLUGIN)
        tell_plugin(call);
    resp_clear(call->resp);
    resp_error(call->resp, e, &ctx->err, ctx->lang, ctx->trace);
    if (err_status(e) >= 500 && e != ERR_BUSY)
        log_warn("%s %.*s: %s%s%s", http_method_name(call->req->method), SLICE_ARG(call->req->path),
                 err_code(e), ctx->err.detail ? ": " : "", ctx->err.detail ? ctx->err.detail : "");
}

/* --- admit --------------------------------------------------------------------------------------
 */

static enum err admit_route(struct call *call)
{
    unsigned allowed = 0;
    const void *found = NULL;
    const struct req *req = call->req;
    enum err e = router_match(app_router(call->app, req->path), req->method, req->path, &found,
                              &call->params, &allowed);
    if (req->method == HTTP_OPTIONS && slice_is(req->path, "*")) { /* RFC 9110 section 9.3.7 */
        allowed = (1u << HTTP_METHODS) - 1;
        e = ERR_METHOD;
    }
    if (!e) {
        call->route = found;
        const struct route *route = call->route;
        if ((route->flags & ROUTE_OPERATOR_LISTEN) && !call->req->is_operator && !call->is_operator)
            return ERR_NOT_FOUND;
        return route->who == WHO_OPERATOR && !call->is_operator ? ERR_NOT_FOUND : ERR_OK;
    }
    if (e == ERR_METHOD) {
        pipeline_fail(call, e);
        resp_allow(call->resp, allowed);
        if (call->req->method == HTTP_OPTIONS) {
            buf_clear(&call->resp->body);
            call->resp->status = 204;
        }
    }
    return e;
}

static enum err admit_tenant(struct call *call)
{
    const struct req *req = call->req;
    struct ctx *ctx = call->ctx;
    struct slice name = {0};
    if (req->is_operator || call->is_operator)
        name = req_header(req, "x-perigee-tenant");
    enum err e = name.at ? tenants_by_name(call->app->tenants, name, &ctx->tenant)
                         : tenants_by_host(call->app->tenants, req->host, &ctx->tenant);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (e)
        return err_say(&ctx->err, ERR_NOT_FOUND, "no_tenant", "%s",
                       ctx->lang == LANG_ZH ? "此地址没有对应的企业。"
                                            : "No company is served at this address.");
    if (!req_header(req, "accept-language").at &&
        slice_starts(slice_str(ctx->tenant->locale), SLICE("en")))
        ctx->lang = LANG_EN;
    return ERR_OK;
}

/* By user or key once known, by address before that: what is only claimed counts for nothing, or
 * everybody could have a fresh share with every made-up token. */
static enum err admit_rate(struct call *call)
{
    struct app *app = call->app;
    if (!app->throttle || call->is_operator || app->config->rate_per_s <= 0)
        return ERR_OK;
    struct ctx *ctx = call->ctx;
    const struct actor *actor = ctx->actor;
    const char *name = ctx->tenant->name;
    const char *key =
        actor ? arena_printf(ctx->arena, "%s|%lld", name,
                             (long long)(actor->session ? actor->session : actor->api_key))
              : arena_printf(ctx->arena, "%s|%s", name, ctx->address ? ctx->address : "");
    int wait_s = 1, rate = app->config->rate_per_s, burst = app->config->rate_burst;
    bool taken = throttle_take(app->throttle, slice_str(key), rate, burst, ctx->now_ms, &wait_s);
    if (actor && !actor->session) {
        call->rate.limit = burst;
        throttle_left(app->throttle, slice_str(key), rate, burst, ctx->now_ms, &call->rate.left,
                      &call->rate.whole_s);
    }
    if (taken && (call->route->flags & ROUTE_SIGNIN)) {
        key = arena_printf(ctx->arena, "signin|%s", ctx->address ? ctx->address : "");
        taken = throttle_take_per(app->throttle, slice_str(key),
                                  app->config->signin_per_minute * SIGNIN_BURST_MINUTES,
                                  SIGNIN_BURST_MINUTES * 60, ctx->now_ms, &wait_s);
    }
    if (taken)
        return ERR_OK;
    ctx->err.retry_after_s = wait_s > 0 ? wait_s : 1;
    return ERR_TOO_MANY;
}

/* The bearer token, or the session cookie; *cookie says which. Empty if neither. */
static struct slice token_of(const struct req *req, bool *cookie)
{
    *cookie = false;
    struct slice auth = req_header(req, "authorization");
    if (auth.at) {
        struct slice scheme = slice_split(&auth, ' ');
        return slice_eq_nocase(scheme, SLICE("bearer")) ? slice_trim(auth) : slice_of("?", 1);
    }
    struct slice name = req->is_tls ? SLICE("__Host-perigee") : SLICE("perigee");
    struct slice cookies = req_header(req, "cookie");
    while (cookies.len) {
        struct slice pair = slice_trim(slice_split(&cookies, ';'));
        if (slice_eq(slice_split(&pair, '='), name)) {
            *cookie = true;
            return pair;
        }
    }
    return (struct slice){0};
}

static bool is_safe(enum http_method method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

/* Who must set up a second factor or change the password first may do nothing else. */
enum err pipeline_due(struct call *call)
{
    struct ctx *ctx = call->ctx;
    enum actor_due due;
    enum err e = actor_due(ctx->tenant, ctx->actor, ctx->now_ms, &due);
    if (e || due == DUE_NOTHING)
        return e;
    const char *code = due == DUE_MFA ? "mfa_setup_required" : "password_expired";
    return err_say(&ctx->err, ERR_FORBIDDEN, code, "@error.%s", code);
}

/* One sentence for all that can be wrong with a key, or it would say which of a thief's are good.
 */
static enum err key_refused(struct ctx *ctx)
{
    return err_say(&ctx->err, ERR_UNAUTHENTICATED, NULL, "%s",
                   ctx->lang == LANG_ZH
                       ? "此 API 密钥不存在、已过期或已撤销，或不允许从此地址使用。"
                       : "This API key is unknown, has expired or was revoked, or may not be "
                         "used from this address.");
}

static enum err admit_identity(struct call *call, struct slice token, bool cookie)
{
    struct ctx *ctx = call->ctx;
    if (call->is_operator) {
        ctx->as_system = true;
        ctx->source = CTX_COMMAND;
        return ERR_OK;
    }
    if (!token.len)
        return call->route->who == WHO_ANYONE ? ERR_OK : ERR_UNAUTHENTICATED;
    enum err e = session_identify(ctx->tenant, ctx->arena, token, ctx->address, ctx->now_ms,
                                  &ctx->actor, &call->csrf, &call->seen_due);
    if (e == ERR_UNAUTHENTICATED && call->route->who == WHO_ANYONE)
        return ERR_OK; /* a dead cookie must not keep anybody from signing in */
    if (e == ERR_UNAUTHENTICATED && slice_starts(token, SLICE(BEARER_KEY)))
        return key_refused(ctx);
    if (e)
        return e;
    if (cookie && !call->csrf) { /* a key has no place in a browser: nothing would guard it there */
        ctx->actor = NULL;
        return call->route->who == WHO_ANYONE ? ERR_OK : ERR_UNAUTHENTICATED;
    }
    if (cookie) {
        ctx->source = CTX_UI;
        if (!is_safe(call->req->method) && call->route->who != WHO_ANYONE &&
            !crypto_equal(req_header(call->req, "x-csrf-token"), slice_str(call->csrf)))
            return ERR_BAD_CSRF;
    }
    bool is_due = call->route->who != WHO_ANYONE && !(call->route->flags & ROUTE_DUE);
    e = is_due ? pipeline_due(call) : ERR_OK;
    if (!e)
        e = preview_take(call);
    if (e)
        return e;
    if (call->route->who == WHO_ADMIN && !actor_may_admin(ctx->actor, call->route->area))
        return ERR_FORBIDDEN;
    return ERR_OK;
}

static enum err admit_model(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const char *why = NULL;
    bool may_apply = call->app->role == APP_WORKER || call->app->role == APP_COMMAND;
    enum err e = model_get(ctx->tenant, call->app->config->home,
                           may_apply && !store_in_tx(ctx->tenant->store), &ctx->model, &why);
    if (e == ERR_BUSY)
        call->model_pending = true;
    if (e)
        ctx->err.detail = why;
    return e;
}

/* Told at once: the length of nothing is no limit that anybody would think of. */
static enum err admit_body(struct call *call)
{
    struct ctx *ctx = call->ctx;
    if (call->route->body != BODY_NONE || call->req->content_length <= 0)
        return ERR_OK;
    return err_say(&ctx->err, ERR_TOO_LARGE, NULL, "%s",
                   ctx->lang == LANG_ZH ? "此请求不能带有内容。" : "This request takes no body.");
}

static int64_t body_cap(const struct call *call)
{
    const struct config *config = call->app->config;
    bool known = call->ctx->actor || call->is_operator;
    switch (call->route->body) {
    case BODY_NONE:
        return 0;
    case BODY_JSON:
    case BODY_RAW:
        return known ? BODY_JSON_BYTES_MAX : BODY_ANONYMOUS_BYTES_MAX;
    case BODY_UPLOAD:
        return known ? config->upload_bytes_max + BODY_FORM_BYTES_MAX : BODY_ANONYMOUS_BYTES_MAX;
    case BODY_IMPORT:
        return known ? config->import_bytes_max + BODY_FORM_BYTES_MAX : BODY_ANONYMOUS_BYTES_MAX;
    }
    BUG("body class");
}

/* A command is the owner of every tenant: it brings the store to the model, as a worker does before
 * its turn. */
static enum err prepare_model(struct call *call)
{
    struct tenant *tenant = call->ctx->tenant;
    const struct model *model;
    if (call->app->role != APP_COMMAND || (call->route->flags & ROUTE_STATIC))
        return ERR_OK;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = model_get(tenant, call->app->config->home, true, &model, &call->ctx->err.detail);
    return e;
}

/* Everything that is read from the tenant's store at admission, in one read transaction. */
static enum err admit_store(struct call *call, struct slice token, bool cookie)
{
    struct ctx *ctx = call->ctx;
    /* A model is read whole or nobody is served: how large it is must not decide that. */
    store_budget(ctx->tenant->store, 0);
    if (!store_in_tx(ctx->tenant->store)) {
        enum err e = prepare_model(call);
        if (!e)
            e = store_begin(ctx->tenant->store, false);
        if (e)
            return e;
        call->owns_tx = true;
    }
    enum err e = tenant_refresh(ctx->tenant);
    if (!e && (call->route->flags & ROUTE_STATIC))
        return ERR_OK;
    /* Roles of plugins live in the model, so it comes before identity is judged. */
    if (!e)
        e = admit_model(call);
    if (!e)
        e = admit_identity(call, token, cookie);
    return e;
}

static void end_tx(struct call *call)
{
    if (call->owns_tx)
        store_rollback(call->ctx->tenant->store);
    call->owns_tx = false;
}

static enum err admit(struct call *call, bool throttled)
{
    enum err e = admit_route(call);
    if (e)
        return e;
    if (call->route->flags & ROUTE_NO_TENANT)
        return ERR_OK;
    e = admit_tenant(call);
    if (e)
        return e;
    bool cookie = false;
    struct slice token = token_of(call->req, &cookie);
    e = admit_store(call, token, cookie);
    bool asked = !e || e == ERR_UNAUTHENTICATED || e == ERR_FORBIDDEN || e == ERR_BAD_CSRF;
    enum err late = throttled && asked ? admit_rate(call) : ERR_OK;
    return late ? late : e;
}

enum err pipeline_admit(struct call *call, bool throttled, int64_t *body_max)
{
    ASSERT(call->req->path.at);

    enum err e = admit(call, throttled);
    if (!e)
        e = admit_body(call);
    /* A read with no body goes on in the same transaction; everything else may wait for long. */
    if (call->owns_tx && (e || call->route->runs != RUNS_GATEWAY || call->req->has_body))
        end_tx(call);
    if (e) {
        if (e != ERR_METHOD)
            pipeline_fail(call, e);
        return e;
    }
    *body_max = body_cap(call);
    return ERR_OK;
}

/* --- run ----------------------------------------------------------------------------------------
 */

/* A JSON body that was too long for a frame lies in the tenant's tmp/. */
static enum err spooled_read(struct arena *arena, const struct req *req, struct slice *out)
{
    ASSERT(req->body_bytes <= BODY_JSON_BYTES_MAX);

    int fd = open(req->body_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ERR_IO;
    char *at = arena_alloc(arena, (size_t)req->body_bytes + 1);
    size_t got = 0;
    ssize_t n = 1;
    while (n > 0 && got < (size_t)req->body_bytes) {
        n = read(fd, at + got, (size_t)req->body_bytes - got);
        if (n > 0)
            got += (size_t)n;
    }
    close(fd);
    *out = slice_of(at, got);
    return got == (size_t)req->body_bytes ? ERR_OK : ERR_IO;
}

enum err pipeline_body(struct call *call, struct slice *out)
{
    *out = call->req->body;
    return call->req->body_path ? spooled_read(call->ctx->arena, call->req, out) : ERR_OK;
}

/* Another encoding than UTF-8 would be read as something that nobody has written. */
static bool is_json(struct slice type)
{
    if (!slice_eq_nocase(slice_trim(slice_split(&type, ';')), SLICE("application/json")))
        return false;
    while (type.len > 0) {
        struct slice value = slice_split(&type, ';');
        struct slice name = slice_trim(slice_split(&value, '='));
        value = slice_trim(value);
        if (slice_eq_nocase(name, SLICE("charset")) && !slice_eq_nocase(value, SLICE("utf-8")) &&
            !slice_eq_nocase(value, SLICE("\"utf-8\"")))
            return false;
    }
    return true;
}

static enum err run_body(struct call *call)
{
    const struct req *req = call->req;
    if (call->route->body != BODY_JSON || !req->has_body || req->body_bytes == 0)
        return ERR_OK;
    if (!is_json(req_header(req, "content-type")))
        return ERR_MEDIA_TYPE;
    const char *why = NULL;
    struct slice source = req->body;
    enum err e = req->body_path ? spooled_read(call->ctx->arena, req, &source) : ERR_OK;
    if (!e)
        e = json_parse(call->ctx->arena, source, &call->body, &why);
    if (e && why)
        return err_say(&call->ctx->err, e, NULL, "%s%s",
                       call->ctx->lang == LANG_ZH ? "JSON 有误：" : "The JSON is broken: ", why);
    return e;
}

static enum err run_handler(struct call *call)
{
    enum err e = run_body(call);
    bool replayed = false, own = call->route->flags & ROUTE_OWN_REPLAY;
    if (!e && !own)
        e = replay_find(call, &replayed);
    if (e || replayed)
        return e;
    e = call->route->handler(call);
    return e || own ? e : replay_keep(call);
}

static int64_t budget_us(enum app_role role)
{
    return role == APP_GATEWAY ? READ_CPU_US_MAX : role == APP_RUNNER ? READ_RUNNER_US_MAX : 0;
}

enum err pipeline_run(struct call *call)
{
    ASSERT(call->route);
    ASSERT((call->route->flags & ROUTE_NO_TENANT) || call->ctx->tenant);

    struct ctx *ctx = call->ctx;
    enum err e = ERR_OK;
    if (ctx->tenant)
        store_watch(ctx->tenant->store, call->app->services->is_asked, call->app);
    if (ctx->tenant && call->route->runs == RUNS_GATEWAY && !store_in_tx(ctx->tenant->store)) {
        /* The body took its time: rights and model are read again, in the transaction that counts.
         */
        bool cookie = false;
        struct slice token = token_of(call->req, &cookie);
        e = admit_store(call, token, cookie);
    }
    if (ctx->tenant)
        store_budget(ctx->tenant->store, budget_us(call->app->role));
    if (!e)
        e = run_handler(call);
    end_tx(call);
    if (e)
        pipeline_fail(call, e);
    return e;
}

void pipeline_leave(struct call *call)
{
    end_tx(call);
}

void pipeline_end(struct call *call)
{
    end_tx(call);
    if (call->ctx->tenant)
        tenants_unpin(call->app->tenants, call->ctx->tenant);
    call->ctx->tenant = NULL;
}
