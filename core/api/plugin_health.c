/* plugin_health - GET /api/v1/admin/plugins/{id}/health: does it work, what do its handlers, jobs
 * and routes need of what they may use, what waits and what has failed for good.
 *
 * Numbers are those of this server since it began; what waits and what is paused is stored.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"
#include "api/hooks.h"
#include "api/jobs.h"
#include "api/pluginset.h"
#include "base/clock.h"
#include "hook/schedule.h"
#include "hook/trip.h"
#include "script/endpoint.h"
#include "script/limit.h"
#include "script/task.h"

struct health {
    struct call *call;
    const struct plugin *plugin;
    const struct vm *vm; /* NULL: it does not run */
    const char *state, *why;
    struct hooks_sum sum;
};

static void put_limits(struct health *h)
{
    struct buf *out = &h->call->resp->body;
    json_put_key(out, "limits");
    buf_put_char(out, '{');
    for (int i = 0; i < LIMIT_KINDS; i++) {
        const struct limit *limit = &vm_limits(h->vm)[i];
        json_put_comma(out);
        json_put_cstr(out, limit_kind_name((enum limit_kind)i));
        buf_printf(out,
                   ":{\"cpu_us\":%lld,\"unit_cpu_us\":%lld,\"wall_us\":%lld,\"heap_bytes\":%lld,"
                   "\"reads\":%d,\"writes\":%d,\"rows\":%d,\"http\":%d}",
                   (long long)limit->cpu_us, (long long)limit->unit_cpu_us,
                   (long long)limit->wall_us, (long long)limit->heap_bytes, limit->reads,
                   limit->writes, limit->rows, limit->http);
    }
    buf_put_char(out, '}');
}

static enum err put_jobs(struct health *h)
{
    struct ctx *ctx = h->call->ctx;
    struct buf *out = &h->call->resp->body;
    struct schedule_row *rows;
    int count = 0;
    char at[25];
    enum err e = schedule_list(ctx, &rows, &count);
    json_put_key(out, "jobs");
    buf_put_char(out, '[');
    for (int i = 0; i < count && !e; i++) {
        const struct schedule *spec = &rows[i].spec;
        struct trip trip;
        if (strcmp(spec->plugin, h->plugin->id) != 0)
            continue;
        e = trip_load(ctx, schedule_queue(ctx->arena, spec->plugin, spec->name), &trip);
        json_put_comma(out);
        buf_put_str(out, "{\"name\":");
        json_put_cstr(out, spec->name);
        json_put_key(out, "label");
        json_put_cstr(out, jobs_label(ctx, spec->plugin, spec->name));
        hooks_put_stat(h->call, task_stat_name(ctx->arena, spec->plugin, spec->name), &h->sum);
        json_put_key(out, "last_error");
        json_put_cstr(out, rows[i].last_error);
        time_text(trip.paused_at_ms, at);
        json_put_key(out, "paused_at");
        json_put_cstr(out, trip.paused_at_ms ? at : NULL);
        json_put_key(out, "why");
        json_put_cstr(out, trip.why);
        buf_put_char(out, '}');
        h->sum.paused += trip.paused_at_ms != 0;
    }
    buf_put_char(out, ']');
    return e;
}

static void put_routes(struct health *h)
{
    struct ctx *ctx = h->call->ctx;
    struct buf *out = &h->call->resp->body;
    int count = 0;
    const struct endpoint *all = endpoint_all(h->vm, &count);
    json_put_key(out, "routes");
    buf_put_char(out, '[');
    for (int i = 0; i < count; i++) {
        if (strcmp(all[i].plugin, h->plugin->id) != 0)
            continue;
        json_put_comma(out);
        buf_put_str(out, "{\"method\":");
        json_put_cstr(out, http_method_name(all[i].method));
        json_put_key(out, "path");
        json_put_cstr(out, all[i].path);
        hooks_put_stat(h->call, endpoint_stat_name(ctx->arena, &all[i]), &h->sum);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static enum err put_parts(struct health *h)
{
    struct buf *out = &h->call->resp->body;
    struct hooks_asked asked = {.plugin = h->plugin->id};
    buf_printf(out, ",\"company_bytes\":%zu", vm_bytes(h->vm));
    put_limits(h);
    json_put_key(out, "handlers");
    buf_put_char(out, '[');
    enum err e = hooks_put(h->call, h->vm, &asked, &h->sum);
    buf_put_char(out, ']');
    if (!e)
        e = put_jobs(h);
    if (!e)
        put_routes(h);
    return e;
}

static void put_sum(struct health *h)
{
    const struct hooks_sum *sum = &h->sum;
    buf_printf(&h->call->resp->body,
               ",\"calls\":%lld,\"errors\":%lld,\"kills\":%lld,\"waiting\":%lld,\"held\":%lld,"
               "\"dead\":%lld,\"paused\":%d",
               (long long)sum->calls, (long long)sum->errors, (long long)sum->kills,
               (long long)sum->deliveries[0], (long long)sum->deliveries[1],
               (long long)sum->deliveries[2], sum->paused);
}

/* Scripts that do not load are what is asked about here, not a failure of asking. */
static enum err look(struct health *h, const struct pluginset *set)
{
    struct ctx *ctx = h->call->ctx;
    struct vm *vm = NULL;
    h->state = "disabled";
    if (!pluginset_is_enabled(set, slice_str(h->plugin->id)))
        return ERR_OK;
    h->state = "broken";
    h->why = pluginset_why(h->call, h->plugin);
    if (h->why)
        return ERR_OK;
    enum err e = vm_get(ctx, h->call->app->config->home, &vm);
    if (e == ERR_PLUGIN) {
        h->why = arena_strdup(ctx->arena, ctx->err.detail);
        err_info_clear(&ctx->err);
        return ERR_OK;
    }
    h->vm = vm;
    h->state = pluginset_is_aside(h->call, h->plugin) ? "set_aside" : "working";
    return e;
}

enum err plugins_health(struct call *call)
{
    struct pluginset set;
    struct health h = {.call = call};
    struct buf *out = &call->resp->body;
    enum err e = pluginset_read(call, &set);
    if (e)
        return e;
    h.plugin = pluginset_find(&set, call_param(call, 0));
    if (!h.plugin)
        return ERR_NOT_FOUND;
    e = look(&h, &set);
    if (e)
        return e;
    buf_put_str(out, "{\"id\":");
    json_put_cstr(out, h.plugin->id);
    json_put_key(out, "state");
    json_put_cstr(out, h.state);
    json_put_key(out, "why");
    json_put_cstr(out, h.why);
    if (h.vm)
        e = put_parts(&h);
    put_sum(&h);
    buf_put_char(out, '}');
    return e;
}
