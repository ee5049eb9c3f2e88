/* health - liveness, readiness, metrics, and the console's static files.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"
#include "api/routes.h"
#include "http/assets.h"

enum err health_live(struct call *call)
{
    buf_put_str(&call->resp->body, "{\"status\":\"ok\"}");
    return ERR_OK;
}

enum err health_ready(struct call *call)
{
    if (call->app->stopping)
        return err_say(&call->ctx->err, ERR_BUSY, "stopping", "%s", "The server is stopping.");
    struct store_header header;
    enum err e = store_header_read(tenants_control(call->app->tenants), &header);
    if (e)
        return e;
    buf_put_str(&call->resp->body, "{\"status\":\"ready\"}");
    return ERR_OK;
}

enum err health_metrics(struct call *call)
{
    call->resp->content_type = "text/plain; version=0.0.4; charset=utf-8";
    call->app->services->metrics(call->app, &call->resp->body);
    return ERR_OK;
}

/* What a browser sees where no console has been built. */
static enum err console_absent(struct call *call)
{
    call->resp->content_type = "text/html; charset=utf-8";
    buf_put_str(
        &call->resp->body,
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Perigee</title>"
        "<h1>Perigee</h1><p>服务已启动，接口位于 <code>/api/v1</code>。网页控制台尚未构建。</p>"
        "<p lang=\"en\">The server is running; its interface is at <code>/api/v1</code>. "
        "The web console has not been built.</p></html>");
    return ERR_OK;
}

/* /plugins/<id>/<mark>/<file> is <home>/plugins/<id>/ui/<file>: the mark only changes the name. */
static enum err plugin_file(struct call *call, struct slice path)
{
    struct arena *arena = call->ctx->arena;
    struct slice id = slice_split(&path, '/');
    (void)slice_split(&path, '/');
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] != '_' && (id.at[i] < 'a' || id.at[i] > 'z') &&
            (id.at[i] < '0' || id.at[i] > '9'))
            return ERR_NOT_FOUND;
    if (!id.len || !path.len)
        return ERR_NOT_FOUND;
    const char *folder =
        arena_printf(arena, "%s/plugins/" SLICE_FMT "/ui", call->app->config->home, SLICE_ARG(id));
    resp_header(call->resp, "Access-Control-Allow-Origin", "*"); /* a frame's origin is its own */
    return assets_serve(folder, path, call->req, call->resp);
}

/* Pages of their own for people without an account, the frame that a widget of a plugin runs in;
 * all else is the console. */
static struct slice page_for(struct slice path)
{
    struct slice first = slice_split(&path, '/');
    if (slice_is(first, "f"))
        return SLICE("form.html");
    if (slice_is(first, "widget"))
        return SLICE("widget.html");
    return slice_is(first, "rate") ? SLICE("rate.html") : SLICE("index.html");
}

/* Code of plugins runs in an origin that is nobody's: no cookie, no storage, no request of its own.
 * Browsers give such a frame a process, so one that hangs stops nothing else. */
static void frame_policy(struct resp *resp)
{
    resp_header(resp, "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: "
                "blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
                "'self'; sandbox allow-scripts");
}

enum err console_file(struct call *call)
{
    struct slice path = call->req->path;
    path.at++;
    path.len--;
    if (slice_starts(path, SLICE("api/")))
        return ERR_NOT_FOUND;
    if (slice_starts(path, SLICE("plugins/")))
        return plugin_file(call, slice_of(path.at + 8, path.len - 8));
    struct arena *arena = call->ctx->arena;
    const char *folder = arena_printf(arena, "%s/plugins/console/dist", call->app->config->home);
    if (slice_starts(path, SLICE("assets/widget-")))
        resp_header(call->resp, "Access-Control-Allow-Origin", "*");
    if (slice_starts(path, SLICE("widget")))
        frame_policy(call->resp);
    enum err e = path.len ? assets_serve(folder, path, call->req, call->resp) : ERR_NOT_FOUND;
    ptrdiff_t slash = -1;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] == '/')
            slash = (ptrdiff_t)i;
    struct slice name = slice_of(path.at + slash + 1, path.len - (size_t)(slash + 1));
    /* Paths without an ending are the console's own routes; a bundle's id has a dot. */
    bool names_bundle = slice_starts(path, SLICE("help/")) || slice_starts(path, SLICE("admin/"));
    if (e != ERR_NOT_FOUND || (slice_find(name, SLICE(".")) >= 0 && !names_bundle))
        return e;
    e = assets_serve(folder, page_for(path), call->req, call->resp);
    return e == ERR_NOT_FOUND && !path.len ? console_absent(call) : e;
}
