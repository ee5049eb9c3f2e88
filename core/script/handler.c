/* handler - see handler.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/handler.h"

#include "base/clock.h"
#include "hook/hookstat.h"
#include "hook/outbox.h"
#include "record/filter.h"
#include "record/snapshot.h"
#include "script/bind.h"
#include "script/plan.h"

/* --- does it want the event? --- */

/* Variables stand for another value at each call, periods move with the day. */
static bool is_fixed(const struct json *tree)
{
    static const char *const moving[] = {"last_days", "next_days", "this", "last", "next"};
    if (tree->type == JSON_STRING && slice_starts(tree->text, SLICE("$")))
        return false;
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        if (slice_starts(tree->key, slice_str(moving[i])))
            return false;
    json_each(item, tree)
    {
        if (!is_fixed(item))
            return false;
    }
    return true;
}

enum err handler_compile(struct vm *vm, struct ctx *ctx, const struct entity *entity,
                         struct handler *handler)
{
    struct filter_joins joins = {0};
    struct filter_scope scope = {entity, &joins, true, "when"};
    struct arena *before = ctx->arena;
    const struct expr *compiled = NULL;
    ctx->arena = vm->plan->arena; /* as long as the handler */
    enum err e = filter_compile(ctx, &scope, handler->when, &compiled);
    ctx->arena = before;
    if (!e && !joins.count && is_fixed(handler->when))
        handler->is = compiled;
    return e;
}

static enum err wants(struct ctx *ctx, const struct event *event, const struct handler *handler,
                      bool *out)
{
    const struct record *record = event->record;
    *out = true;
    if (!record)
        return ERR_OK;
    if (handler->fields) {
        *out = false;
        for (const struct field **field = handler->fields; *field && !*out; field++)
            *out = record_field_changed(record, *field);
    }
    if (!*out || !handler->when)
        return ERR_OK;
    return handler->is ? filter_matches_expr(ctx, record->entity, handler->is, record->now, out)
                       : filter_matches(ctx, record->entity, handler->when, record->now, out);
}

/* --- in the unit of work --- */

struct firing {
    const struct vm *vm;
    const struct handler *handler;
    struct event *const *events;
    int count;
};

static int push_arguments(lua_State *L, void *arg)
{
    const struct firing *firing = arg;
    if (firing->handler->spec->batch) {
        lua_createtable(L, firing->count, 0);
        for (int i = 0; i < firing->count; i++) {
            event_push(L, firing->events[i], NULL);
            lua_rawseti(L, -2, i + 1);
        }
    } else {
        event_push(L, firing->events[0], NULL);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, firing->vm->scripts[firing->handler->script].context);
    return 2;
}

const char *vm_stat_name(struct arena *arena, const struct hook_spec *spec)
{
    return arena_printf(arena, "%s:%s@%s.%s%s%s", spec->plugin, spec->id, spec->entity,
                        hook_moment_name(spec->moment), spec->field ? ":" : "",
                        spec->field ? spec->field : "");
}

/* What was used since then; a unit that began meanwhile counts from nothing. */
static int since(int before, int now)
{
    return now >= before ? now - before : now;
}

enum err vm_call_counted(struct script *script, int ref, struct vm_call *call,
                         struct hookstat *stat)
{
    struct vm *vm = script->vm;
    const struct vm_used before = vm->used, *used = &vm->used;
    int64_t from_us = clock_mono_us();
    enum err e = vm_call(script, ref, call);
    bool killed = vm->depth ? vm->stop >= VM_LIMIT : vm->was_killed;
    hookstat_note(stat, clock_mono_us() - from_us,
                  killed            ? HOOKSTAT_KILLED
                  : e == ERR_PLUGIN ? HOOKSTAT_ERROR
                                    : HOOKSTAT_OK);
    hookstat_used(stat, since(before.reads, used->reads), since(before.writes, used->writes),
                  since(before.rows, used->rows));
    return e;
}

/* Asked for once: a full table is searched from end to end. */
static struct hookstat *stat_of(struct vm *vm, const struct handler *handler, struct ctx *ctx)
{
    if (!vm->stats)
        vm->stats = arena_array(vm->arena, struct vm_stat, (size_t)vm->plan->handlers_count);
    struct vm_stat *stat = &vm->stats[handler->n];
    if (!stat->is_asked)
        stat->at = hookstat_of(ctx->tenant->name, vm_stat_name(ctx->arena, handler->spec));
    stat->is_asked = true;
    return stat->at;
}

static enum err call_handler(struct vm *vm, const struct handler *handler, struct vm_call *call)
{
    return vm_call_counted(&vm->scripts[handler->script], handler->ref, call,
                           stat_of(vm, handler, call->ctx));
}

enum err handler_fire(struct ctx *ctx, struct event *event, void *arg)
{
    const struct handler *handler = arg;
    struct vm *vm = event->owner;
    bool wanted;
    enum err e = wants(ctx, event, handler, &wanted);
    if (e || !wanted)
        return e;
    struct firing firing = {vm, handler, &event, 1};
    struct vm_call call = {.ctx = ctx,
                           .event = event,
                           .moment = handler->moment,
                           .handler = handler->id,
                           .push = push_arguments,
                           .arg = &firing};
    int before = ctx->err.count;
    const char *outer = ctx->unit ? ctx->unit->handler : NULL;
    if (ctx->unit)
        ctx->unit->handler = handler->name;
    e = call_handler(vm, handler, &call);
    if (ctx->unit)
        ctx->unit->handler = outer;
    return !e && ctx->err.count > before ? ERR_VALIDATION : e;
}

/* --- after the commit --- */

enum err handler_put(struct ctx *ctx, struct event *event, void *arg)
{
    const struct handler *handler = arg;
    bool wanted;
    enum err e = wants(ctx, event, handler, &wanted);
    if (e || !wanted)
        return e;
    if (event->record && !event->snapshot)
        event->snapshot = snapshot_make(ctx->arena, event->record);
    return outbox_put(ctx, handler->spec, event);
}

/* What the row says, as an event again. */
static enum err event_open(struct ctx *ctx, const struct job *job, struct event *out)
{
    const struct json *body = job->body, *snapshot = json_get(body, "snapshot");
    *out = (struct event){.moment = HOOK_AFTER_COMMIT,
                          .entity = json_cstr(body, "entity", ""),
                          .name = json_cstr(body, "event", NULL),
                          .op = json_cstr(body, "op", NULL),
                          .payload = json_get(body, "payload"),
                          .subject = json_int(body, "record", 0),
                          .actor = json_int(body, "actor", 0),
                          .id = job->id};
    if (!snapshot)
        return ERR_OK;
    const struct entity *entity = model_entity(ctx->model, slice_str(out->entity));
    return entity ? snapshot_open(ctx, entity, snapshot, &out->record) : ERR_NOT_FOUND;
}

/* A complaint about one of them is that one's alone. */
static const char *complaint(struct ctx *ctx)
{
    model_err_texts(ctx);
    const struct err_field *f = ctx->err.first;
    const char *text = ctx->err.message ? ctx->err.message : "it complained";
    if (f)
        text = arena_printf(ctx->arena, "%s%s%s", f->field, *f->field ? ": " : "",
                            f->message ? f->message : f->code);
    return text;
}

static struct handler *find(struct vm *vm, const struct job *job)
{
    const struct json *body = job->body;
    struct arena *arena = arena_new();
    const char *name =
        arena_printf(arena, "%s:%s", json_cstr(body, "plugin", ""), json_cstr(body, "id", ""));
    struct handler *handler =
        hook_find(vm->hooks, json_cstr(body, "entity", ""), HOOK_AFTER_COMMIT, name);
    arena_free(arena);
    return handler;
}

bool vm_delivers_batches(struct vm *vm, const struct job *job)
{
    const struct handler *handler = find(vm, job);
    return handler && handler->spec->batch;
}

enum err vm_deliver(struct vm *vm, struct ctx *ctx, const struct vm_host *host,
                    struct vm_delivery *deliveries, int count)
{
    ASSERT(vm && ctx && host && deliveries);
    ASSERT(count > 0 && count <= BATCH_EVENTS_MAX);
    struct handler *handler = find(vm, deliveries[0].job);
    if (!handler)
        return ERR_NOT_FOUND;
    ASSERT(count == 1 || handler->spec->batch);
    struct event **events = arena_array(ctx->arena, struct event *, (size_t)count);
    for (int i = 0; i < count; i++) {
        events[i] = arena_make(ctx->arena, struct event);
        enum err e = event_open(ctx, deliveries[i].job, events[i]);
        events[i]->reason = handler->spec->batch ? &deliveries[i].reason : NULL;
        if (e)
            return e;
    }
    struct firing firing = {vm, handler, events, count};
    struct vm_call call = {.ctx = ctx,
                           .event = events[0],
                           .moment = VM_COMMIT,
                           .host = host,
                           .handler = handler->id,
                           .push = push_arguments,
                           .arg = &firing};
    enum err e = call_handler(vm, handler, &call);
    if (!e && ctx->err.count) {
        deliveries[0].reason = complaint(ctx);
        e = ERR_VALIDATION;
    }
    return e;
}

enum err vm_announce(struct vm *vm, struct ctx *ctx, const struct job *job)
{
    struct event event;
    enum err e = event_open(ctx, job, &event);
    return e ? e : hook_fire(vm->hooks, ctx, &event);
}
