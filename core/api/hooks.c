/* hooks - see hooks.h. GET /api/v1/admin/hooks: the handlers of the company's scripts in the order
 * they run, from which line of which file, and how they fare.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/hooks.h"
#include "api/page.h"
#include "base/clock.h"
#include "hook/hookstat.h"
#include "hook/outbox.h"
#include "hook/trip.h"

struct listing {
    struct call *call;
    const char *entity; /* whose chain it is */
    const char *label;  /* what people call that */
    const char *plugin; /* only handlers of this one; NULL: of all */
    enum err e;
    int place;
    struct hooks_sum *sum;
};

static enum err count_rows(struct ctx *ctx, const char *name, const char *state, int64_t *out)
{
    const struct expr *is = expr_cmp(ctx->arena, EXPR_EQ, "state", value_text(slice_str(state)));
    return store_count(ctx->tenant->store, "job",
                       expr_and(ctx->arena, outbox_of_handler(ctx->arena, name), is), COUNT_CAP,
                       out);
}

/* What after_commit handlers have besides. */
static enum err put_deliveries(struct listing *list, const struct hook_spec *spec)
{
    static const char *const states[][2] = {
        {"waiting", "queued"}, {"held", "paused"}, {"dead", "dead"}};
    struct ctx *ctx = list->call->ctx;
    struct buf *out = &list->call->resp->body;
    const char *name = outbox_name(ctx->arena, spec);
    struct trip trip;
    enum err e = trip_load(ctx, name, &trip);
    json_put_key(out, "name");
    json_put_cstr(out, name);
    for (size_t i = 0; i < sizeof states / sizeof *states && !e; i++) {
        int64_t count = 0;
        e = count_rows(ctx, name, states[i][1], &count);
        json_put_key(out, states[i][0]);
        json_put_int(out, count);
        list->sum->deliveries[i] += count;
    }
    if (e)
        return e;
    char at[25];
    time_text(trip.paused_at_ms, at);
    json_put_key(out, "paused_at");
    json_put_cstr(out, trip.paused_at_ms ? at : NULL);
    json_put_key(out, "why");
    json_put_cstr(out, trip.why);
    list->sum->paused += trip.paused_at_ms != 0;
    return ERR_OK;
}

void hooks_put_stat(struct call *call, const char *name, struct hooks_sum *sum)
{
    struct hookstat_sum one = hookstat_read(call->ctx->tenant->name, name);
    buf_printf(&call->resp->body,
               ",\"calls\":%lld,\"errors\":%lld,\"kills\":%lld,\"p95_us\":%lld,"
               "\"most\":{\"us\":%lld,\"reads\":%d,\"writes\":%d,\"rows\":%d}",
               (long long)one.calls, (long long)one.errors, (long long)one.kills,
               (long long)one.p95_us, (long long)one.most_us, one.most_reads, one.most_writes,
               one.most_rows);
    sum->calls += one.calls;
    sum->errors += one.errors;
    sum->kills += one.kills;
}

/* An entity's label; of an event the text "event.<name>" of whoever declares it. */
static const char *label_of(const struct ctx *ctx, const char *name)
{
    const struct model *model = ctx->model;
    const struct entity *entity = model_entity(model, slice_str(name));
    const char *key = arena_printf(ctx->arena, "@event.%s", name), *text = NULL;
    if (entity)
        return model_text_or(model, ctx->arena, ctx->lang, entity->plugin, entity->label, NULL,
                             name);
    for (int i = 0; i < model->plugins_count && !text; i++)
        text = model_text_or(model, ctx->arena, ctx->lang, model->plugins[i]->id, key, NULL, NULL);
    return text ? text : name;
}

static void put_handler(void *arg, const struct hook_spec *spec)
{
    struct listing *list = arg;
    struct ctx *ctx = list->call->ctx;
    struct buf *out = &list->call->resp->body;
    list->place++;
    if (list->plugin && strcmp(list->plugin, spec->plugin) != 0)
        return;
    json_put_comma(out);
    buf_put_char(out, '{');
    json_put_key(out, "entity");
    json_put_cstr(out, list->entity);
    json_put_key(out, "label");
    json_put_cstr(out, list->label);
    json_put_key(out, "moment");
    json_put_cstr(out, spec->field ? arena_printf(ctx->arena, "%s:%s",
                                                  hook_moment_name(spec->moment), spec->field)
                                   : hook_moment_name(spec->moment));
    json_put_key(out, "place");
    json_put_int(out, list->place);
    json_put_key(out, "plugin");
    json_put_cstr(out, spec->plugin);
    json_put_key(out, "id");
    json_put_cstr(out, spec->id);
    json_put_key(out, "where");
    json_put_cstr(out, spec->where);
    json_put_key(out, "at");
    json_put_int(out, spec->at);
    json_put_key(out, "before");
    json_put_cstr(out, spec->before);
    json_put_key(out, "after");
    json_put_cstr(out, spec->after);
    hooks_put_stat(list->call, vm_stat_name(ctx->arena, spec), list->sum);
    if (!list->e && spec->moment == HOOK_AFTER_COMMIT)
        list->e = put_deliveries(list, spec);
    buf_put_char(out, '}');
}

/* "validate", "transition" or "transition:status": shown with all of its fields. */
static bool is_asked(struct slice wanted, enum hook_moment moment)
{
    return !wanted.len || slice_is(slice_split(&wanted, ':'), hook_moment_name(moment));
}

static bool moment_is_known(struct slice wanted)
{
    for (int m = 0; m < HOOK_MOMENTS_COUNT; m++)
        if (is_asked(wanted, (enum hook_moment)m))
            return true;
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Entities and events that have handlers, by name. */
static const char **names_of(struct arena *arena, const struct hooks *hooks, int *count)
{
    int n = 0;
    while (hook_entity(hooks, n))
        n++;
    const char **names = arena_array(arena, const char *, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        names[i] = hook_entity(hooks, i);
    qsort(names, (size_t)n, sizeof *names, compare_names);
    *count = n;
    return names;
}

enum err hooks_put(struct call *call, const struct vm *vm, const struct hooks_asked *asked,
                   struct hooks_sum *sum)
{
    struct listing list = {.call = call, .plugin = asked->plugin, .sum = sum};
    int count = 0;
    const char **names = names_of(call->ctx->arena, vm_hooks(vm), &count);
    for (int i = 0; i < count && !list.e; i++) {
        if (asked->entity.len && !slice_is(asked->entity, names[i]))
            continue;
        list.entity = names[i];
        list.label = label_of(call->ctx, names[i]);
        for (int m = 0; m < HOOK_MOMENTS_COUNT && !list.e; m++) {
            list.place = 0;
            if (is_asked(asked->moment, (enum hook_moment)m))
                hook_list(vm_hooks(vm), names[i], (enum hook_moment)m, put_handler, &list);
        }
    }
    return list.e;
}

/* An entity, "*" for handlers of all of them, or an event, which has a dot: they may have none. */
static bool is_known(const struct ctx *ctx, struct slice name)
{
    return slice_is(name, "*") || model_entity(ctx->model, name) ||
           slice_find(name, SLICE(".")) >= 0;
}

enum err hooks_list(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct hooks_asked asked = {.entity = req_query(call->req, "entity"),
                                .moment = req_query(call->req, "moment")};
    struct hooks_sum sum = {0};
    struct vm *vm = NULL;
    if (!moment_is_known(asked.moment))
        return err_field(&ctx->err, "moment", "unknown_value", NULL);
    if (asked.entity.len && !is_known(ctx, asked.entity))
        return err_field(&ctx->err, "entity", "unknown_entity", NULL);
    enum err e = vm_get(ctx, call->app->config->home, &vm);
    if (e)
        return e;
    page_open(call);
    e = hooks_put(call, vm, &asked, &sum);
    page_close(call);
    return e;
}
