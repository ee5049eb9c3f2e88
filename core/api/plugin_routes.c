/* plugin_routes - see plugin_routes.h: from a request to the plugin's function and back.
 *
 * Runs in the quick lane of the runners. Gateways admit these requests as anybody's, since only the
 * plugin's registration says who may ask; here, in this order, it is found out: is the plugin
 * active, is there such a route, who asks and may he, how often, was it answered before, does what
 * he brings fit. Only then Lua is entered.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/plugin_routes.h"

#include "api/download.h"
#include "api/handlers.h"
#include "api/host.h"
#include "api/pipeline.h"
#include "api/replay.h"
#include "auth/plugin_secret.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "record/rights.h"
#include "script/endpoint.h"
#include "tenant/kv.h"

#define KEPT          "plugin_routes"
#define SIGNED_PREFIX "signed:" /* keys of signatures that have been used */

struct asking {
    struct call *call;
    const char *plugin;
    struct vm *vm;
    struct endpoint_match match;
    struct slice text; /* the body as it came */
    unsigned allowed;  /* methods of the address, where the one that came is none of them */
};

/* --- finding --- */

static bool is_active(const struct model *model, struct slice plugin)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (slice_is(plugin, model->plugins[i]->id))
            return !model->plugins[i]->broken;
    return false;
}

static enum err find(struct asking *asking)
{
    struct call *call = asking->call;
    struct slice plugin = call_param(call, 0);
    if (!is_active(call->ctx->model, plugin))
        return ERR_NOT_FOUND;
    asking->plugin = arena_str(call->ctx->arena, plugin);
    enum err e = vm_get(call->ctx, call->app->config->home, &asking->vm);
    if (!e)
        e = endpoint_find(asking->vm, asking->plugin, call->req->method, call_param(call, 1),
                          &asking->match, &asking->allowed);
    return e;
}

/* --- who asks --- */

/* The page's token stands beside a cookie, as for every route that changes something. */
static enum err check_csrf(const struct call *call)
{
    enum http_method method = call->req->method;
    if (call->ctx->source != CTX_UI || method == HTTP_GET || method == HTTP_HEAD)
        return ERR_OK;
    struct slice given = req_header(call->req, "x-csrf-token");
    return call->csrf && crypto_equal(given, slice_str(call->csrf)) ? ERR_OK : ERR_BAD_CSRF;
}

static bool has_role(const struct actor *actor, const char *const *roles)
{
    for (int i = 0; i < actor->roles_count; i++)
        for (const char *const *role = roles; *role; role++)
            if (strcmp(actor->roles[i]->name, *role) == 0)
                return true;
    return false;
}

static enum err check_right(struct ctx *ctx, const char *right, const char *plugin)
{
    struct slice rest = slice_str(right), name = slice_split(&rest, ':');
    const struct entity *entity = model_entity(ctx->model, name);
    for (int i = 0; entity && i < ROLE_ACTIONS; i++)
        if (slice_is(rest, role_action_name((enum role_action)i)))
            return rights_action(ctx, entity, (enum role_action)i);
    return entity && rights_operation(ctx, entity, arena_str(ctx->arena, rest), plugin)
               ? ERR_OK
               : ERR_FORBIDDEN;
}

static enum err check_user(struct asking *asking)
{
    struct call *call = asking->call;
    struct ctx *ctx = call->ctx;
    const struct endpoint *endpoint = asking->match.endpoint;
    if (call->is_operator)
        return ERR_OK;
    if (!ctx->actor || (endpoint->auth == ENDPOINT_KEY && !ctx->actor->api_key))
        return ERR_UNAUTHENTICATED;
    enum err e = check_csrf(call);
    if (!e)
        e = pipeline_due(call);
    if (!e && endpoint->roles && !has_role(ctx->actor, endpoint->roles))
        e = ERR_FORBIDDEN;
    if (!e && endpoint->right)
        e = check_right(ctx, endpoint->right, asking->plugin);
    return e;
}

/* --- signatures --- */

struct signing {
    const char *key;
    int64_t until_ms;
    bool is_used;
};

static enum err use_fn(struct ctx *ctx, void *arg)
{
    struct signing *signing = arg;
    const struct json *there = NULL;
    struct json *one = json_new_int(ctx->arena, 1);
    enum err e = kv_get(ctx, "core", signing->key, &there);
    signing->is_used = there != NULL;
    return e || there ? e : kv_put(ctx, "core", signing->key, one, signing->until_ms);
}

/* The path with its query as it was sent; behind a proxy it may come with scheme and host. */
static struct slice origin_form(struct slice target)
{
    long at = slice_find(target, SLICE("://"));
    if (slice_starts(target, SLICE("/")) || at < 0)
        return target;
    struct slice rest = slice_of(target.at + at + 3, target.len - (size_t)at - 3);
    at = slice_find(rest, SLICE("/"));
    return at < 0 ? SLICE("/") : slice_of(rest.at + at, rest.len - (size_t)at);
}

/* What is signed: all of the request, or of a webhook its time and body. No text is both: a
 * line ends where the other has a dot. */
static void put_signed(const struct asking *asking, struct slice timestamp, struct buf *out)
{
    const struct req *req = asking->call->req;
    uint8_t digest[CRYPTO_SHA256_LEN];
    buf_put_slice(out, timestamp);
    if (asking->match.endpoint->auth == ENDPOINT_WEBHOOK) {
        buf_put_char(out, '.');
        buf_put_slice(out, asking->text);
        return;
    }
    struct slice target = origin_form(req->target);
    crypto_sha256(asking->text, digest);
    buf_printf(out, "\n%s\n" SLICE_FMT "\n", http_method_name(req->method), SLICE_ARG(target));
    crypto_put_hex(out, slice_of((const char *)digest, sizeof digest));
}

/* "sha256=<hex>" of it. The caller compares in constant time. */
static enum err sign(struct asking *asking, struct slice timestamp, struct buf *out)
{
    struct buf secret = BUF_INIT, message = BUF_INIT;
    uint8_t mac[CRYPTO_SHA256_LEN];
    enum err e = plugin_secret_open(asking->call->ctx, asking->plugin,
                                    asking->match.endpoint->secret, &secret);
    if (!e && secret.len) {
        put_signed(asking, timestamp, &message);
        crypto_hmac_sha256(buf_slice(&secret), buf_slice(&message), mac);
        buf_put_str(out, "sha256=");
        crypto_put_hex(out, slice_of((const char *)mac, sizeof mac));
    }
    if (secret.at)
        crypto_wipe(secret.at, secret.len);
    buf_release(&secret);
    buf_release(&message);
    return e == ERR_NOT_FOUND ? ERR_OK : e; /* not set: nothing fits */
}

/* Each signature is good once: a copy of the request is no second order. A repetition with the same
 * Idempotency-Key is told the first answer before this is asked. */
static enum err use_signature(struct asking *asking, const struct buf *signature)
{
    struct call *call = asking->call;
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_sha256(buf_slice(signature), digest);
    crypto_put_hex(&hex, slice_of((const char *)digest, sizeof digest));
    struct signing signing = {.key = arena_printf(call->ctx->arena, SIGNED_PREFIX "%s:%s",
                                                  asking->plugin, buf_cstr(&hex)),
                              .until_ms = call->ctx->now_ms + 2 * ENDPOINT_SIGNED_S * 1000LL};
    buf_release(&hex);
    enum err e = app_write(call->app, call->ctx, use_fn, &signing);
    return !e && signing.is_used ? ERR_UNAUTHENTICATED : e;
}

static enum err check_signature(struct asking *asking, struct buf *signature)
{
    const struct call *call = asking->call;
    struct slice timestamp = req_header(call->req, "x-perigee-timestamp");
    struct slice given = req_header(call->req, "x-perigee-signature");
    int64_t at_s = 0, now_s = call->ctx->now_ms / 1000;
    if (!given.len || !slice_to_int(timestamp, &at_s) || at_s < now_s - ENDPOINT_SIGNED_S ||
        at_s > now_s + ENDPOINT_SIGNED_S)
        return ERR_UNAUTHENTICATED;
    enum err e = sign(asking, timestamp, signature);
    if (e)
        return e;
    return signature->len && crypto_equal(given, buf_slice(signature)) ? ERR_OK
                                                                       : ERR_UNAUTHENTICATED;
}

/* --- how often --- */

static enum err check_rate(const struct asking *asking)
{
    const struct call *call = asking->call;
    const struct endpoint *endpoint = asking->match.endpoint;
    struct ctx *ctx = call->ctx;
    int wait_s = 1;
    if (!endpoint->rate || !call->app->throttle || call->is_operator)
        return ERR_OK;
    const struct actor *actor = ctx->actor;
    bool is_user = actor && endpoint->auth <= ENDPOINT_KEY;
    const char *who =
        is_user ? arena_printf(ctx->arena, "%lld",
                               (long long)(actor->session ? actor->session : actor->api_key))
                : (ctx->address ? ctx->address : "");
    const char *key =
        arena_printf(ctx->arena, "x:%s|%s|%s %s|%s", ctx->tenant->name, asking->plugin,
                     http_method_name(endpoint->method), endpoint->path, who);
    if (throttle_take_per(call->app->throttle, slice_str(key), endpoint->rate,
                          endpoint->rate_period_s, ctx->now_ms, &wait_s))
        return ERR_OK;
    ctx->err.retry_after_s = wait_s > 0 ? wait_s : 1;
    return ERR_TOO_MANY;
}

/* --- what is brought --- */

static bool is_json(const struct req *req)
{
    struct slice type = req_header(req, "content-type");
    struct slice main = slice_trim(slice_split(&type, ';'));
    return slice_eq_nocase(main, SLICE("application/json"));
}

static enum err read_body(const struct asking *asking, const struct json **out)
{
    struct call *call = asking->call;
    struct ctx *ctx = call->ctx;
    const struct endpoint *endpoint = asking->match.endpoint;
    const char *why = NULL;
    if (endpoint->is_raw)
        return ERR_OK;
    if (asking->text.len && !is_json(call->req))
        return ERR_MEDIA_TYPE;
    if (asking->text.len) {
        enum err e = json_parse(ctx->arena, asking->text, out, &why);
        if (e)
            return err_say(&ctx->err, e, NULL, "%s", why ? why : err_text(e, ctx->lang));
    }
    if (!endpoint->has_body)
        return ERR_OK;
    if (!*out || (*out)->type != JSON_OBJECT)
        return err_say(&ctx->err, ERR_MALFORMED, "not_an_object", "%s", "@error.not_an_object");
    return endpoint_check(ctx, endpoint->body, endpoint->body_count, *out);
}

/* --- the call --- */

static void answer(struct call *call, struct endpoint_call *endpoint)
{
    struct resp *resp = call->resp;
    if (endpoint->has_file) {
        download_answer(call, &endpoint->file, endpoint->filename);
        return;
    }
    resp->status = endpoint->status ? endpoint->status : endpoint->out.len ? 200 : 204;
    if (resp->status != 204)
        buf_put_slice(&resp->body, buf_slice(&endpoint->out));
    resp->content_type = endpoint->type;
    if (endpoint->filename)
        download_name(call, endpoint->filename);
}

/* Each transaction of the function begins with the key of the request, so that the first of them
 * holds it. */
struct route_host {
    struct vm_host host; /* first: what the script's writes come by */
    struct call *call;
    struct vm_host inner;
};

struct keeping {
    struct call *call;
    enum err (*fn)(struct ctx *ctx, void *arg);
    void *arg;
    bool had_begun;
};

static enum err keep_and_write(struct ctx *ctx, void *arg)
{
    struct keeping *k = arg;
    k->call->has_begun = k->had_begun; /* it may be run twice */
    enum err e = replay_begin(k->call);
    return e ? e : k->fn(ctx, k->arg);
}

static enum err route_write(const struct vm_host *host, struct ctx *ctx,
                            enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    const struct route_host *own = (const struct route_host *)host;
    struct keeping k = {own->call, fn, arg, own->call->has_begun};
    enum err e = own->inner.write(&own->inner, ctx, keep_and_write, &k);
    if (e)
        own->call->has_begun = k.had_begun; /* it went with the rest */
    return e;
}

static enum err run(struct asking *asking)
{
    struct call *call = asking->call;
    struct ctx *ctx = call->ctx;
    const struct endpoint *endpoint = asking->match.endpoint;
    struct route_host host = {.call = call, .inner = host_of(call->app)};
    host.host = (struct vm_host){.write = route_write, .user = host.inner.user};
    struct endpoint_call one = {
        .match = &asking->match, .req = call->req, .text = asking->text, .out = BUF_INIT};
    one.query = endpoint_query(ctx, endpoint, call->req);
    enum err e = endpoint_check(ctx, endpoint->query, endpoint->query_count, one.query);
    enum err bad = read_body(asking, &one.body);
    if (!e)
        e = bad;
    if (!e)
        e = endpoint_run(asking->vm, ctx, &one, &host.host);
    if (!e)
        answer(call, &one);
    buf_release(&one.out);
    return e;
}

/* Whoever is no user of ours acts as nobody, also where a cookie came along. */
static enum err identify(struct asking *asking, struct buf *signature)
{
    struct ctx *ctx = asking->call->ctx;
    enum endpoint_auth auth = asking->match.endpoint->auth;
    if (auth <= ENDPOINT_KEY)
        return check_user(asking);
    ctx->actor = NULL;
    ctx->as_system = false;
    ctx->source = CTX_API;
    return auth == ENDPOINT_PUBLIC ? ERR_OK : check_signature(asking, signature);
}

static enum err run_once(struct asking *asking, const struct buf *signature)
{
    struct call *call = asking->call;
    bool replayed = false;
    enum err e = ERR_OK;
    /* Anybody's key proves nothing: it would show one stranger's answer to another. */
    if (asking->match.endpoint->auth != ENDPOINT_PUBLIC)
        e = replay_find(call, &replayed);
    if (e || replayed)
        return e;
    if (signature->len)
        e = use_signature(asking, signature);
    if (!e)
        e = run(asking);
    if (e && !call->has_begun)
        return e;
    /* What failed behind an effect is told again, too: done again it would be done twice. */
    if (e)
        pipeline_fail(call, e);
    enum err kept = replay_end(call);
    return e ? ERR_OK : kept;
}

enum err plugin_routes_run(struct call *call)
{
    struct asking asking = {.call = call};
    struct buf signature = BUF_INIT;
    enum err e = find(&asking);
    if (e == ERR_METHOD) {
        pipeline_fail(call, e);
        resp_allow(call->resp, asking.allowed);
        return ERR_OK;
    }
    if (!e)
        e = pipeline_body(call, &asking.text);
    if (!e)
        e = identify(&asking, &signature);
    if (!e)
        e = check_rate(&asking);
    if (!e)
        e = run_once(&asking, &signature);
    buf_release(&signature);
    return e;
}

/* --- what is kept for the document --- */

static void put_fields(struct buf *out, const char *key, const struct endpoint_field *fields,
                       int count)
{
    json_put_key(out, key);
    buf_put_char(out, '[');
    for (int i = 0; i < count; i++) {
        json_put_comma(out);
        buf_put_str(out, "{\"name\":");
        json_put_cstr(out, fields[i].name);
        buf_printf(out, ",\"type\":\"%s\",\"list\":%s,\"required\":%s}",
                   endpoint_type_name(fields[i].type), fields[i].is_list ? "true" : "false",
                   fields[i].is_required ? "true" : "false");
    }
    buf_put_char(out, ']');
}

static void put_endpoint(struct buf *out, const struct endpoint *endpoint)
{
    static const char *const auths[] = {[ENDPOINT_SESSION] = "session",
                                        [ENDPOINT_KEY] = "key",
                                        [ENDPOINT_HMAC] = "hmac",
                                        [ENDPOINT_WEBHOOK] = "webhook",
                                        [ENDPOINT_PUBLIC] = "public"};
    json_put_comma(out);
    buf_put_str(out, "{\"plugin\":");
    json_put_cstr(out, endpoint->plugin);
    json_put_key(out, "path");
    json_put_cstr(out, endpoint->path);
    buf_printf(out, ",\"method\":\"%s\",\"auth\":\"%s\"", http_method_name(endpoint->method),
               auths[endpoint->auth]);
    json_put_key(out, "summary");
    json_put_cstr(out, endpoint->summary);
    if (endpoint->has_body)
        put_fields(out, "body", endpoint->body, endpoint->body_count);
    put_fields(out, "query", endpoint->query, endpoint->query_count);
    buf_put_char(out, '}');
}

enum err plugin_routes_keep(struct ctx *ctx, const struct vm *vm)
{
    struct buf out = BUF_INIT;
    int count = 0;
    const struct endpoint *all = endpoint_all(vm, &count);
    buf_put_char(&out, '[');
    for (int i = 0; i < count; i++)
        put_endpoint(&out, &all[i]);
    buf_put_char(&out, ']');
    enum err e = tenant_setting_put(ctx->tenant, KEPT, buf_slice(&out));
    buf_release(&out);
    return e;
}
