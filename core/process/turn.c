/* turn - group commit: see turn.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/turn.h"

#include "auth/audit.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "hook/hook.h"
#include "hook/job.h"
#include "hook/outbox.h"

/* Refuses everything that waits: the tenant cannot be written to now. Notes go with it, or the lane
 * would be ready again at once, for ever. */
static void lane_refuse(struct lanes *lanes, struct lane *lane, enum err e)
{
    buf_clear(&lane->notes);
    lane->notes_count = 0;
    struct work *work;
    while ((work = lane_pop(lanes, lane))) {
        work_refuse(work, e, 1);
        work_free(work);
    }
}

/* Does somebody wait who could not build the model, or has a runner noted that? */
static bool is_asked_to_prepare(const struct lane *lane)
{
    for (const struct work *work = lane->first; work; work = work->next)
        if (work->is_prepare)
            return true;
    struct reader notes = {.rest = buf_slice(&lane->notes)};
    while (notes.rest.len && !notes.bad)
        if (slice_is(reader_bytes(&notes), "p"))
            return true;
    return false;
}

/* Opens the tenant and brings its store to its model: outside of any transaction. */
static enum err turn_prepare(struct slot *slot, struct lane *lane, struct tenant **out)
{
    enum err e = tenants_by_name(slot->app.tenants, slice_str(lane->name), out);
    if (e)
        return e;
    const struct model *model;
    const char *why = NULL;
    bool is_asked = is_asked_to_prepare(lane);
    e = tenant_refresh(*out);
    if (!(*out)->model || is_asked) /* new tables and sums may take long: nothing hangs there */
        slot_busy(slot, NULL);
    if (!e && is_asked)
        e = model_settle(*out, slot->config.home, &why);
    if (!e)
        e = model_get(*out, slot->config.home, true, &model, &why);
    slot_busy(slot, lane->name);
    if (e) {
        log_error("tenant %s cannot be served: %s", lane->name, why ? why : err_code(e));
        tenants_unpin(slot->app.tenants, *out);
    }
    return e;
}

/* What a key has asked since the last note; who looks after keys is told when one is limited. */
static enum err note_key(struct ctx *ctx, struct reader *r)
{
    int64_t key = reader_i64(r), calls = reader_i64(r), refused = reader_i64(r);
    int64_t limited = reader_i64(r), user = 0;
    const char *name = NULL;
    if (r->bad)
        return ERR_MALFORMED;
    enum err e = session_key_used(ctx, key, calls, refused, limited, &name, &user);
    if (e || !name)
        return e;
    struct json *payload = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, payload, "key", json_new_int(ctx->arena, key));
    json_add(ctx->arena, payload, "name", json_new_str(ctx->arena, slice_str(name)));
    json_add(ctx->arena, payload, "user", json_new_int(ctx->arena, user));
    json_add(ctx->arena, payload, "refused", json_new_int(ctx->arena, limited));
    return outbox_announce(ctx, HOOK_EVENT_API_KEY_LIMITED, 0, payload);
}

/* 's' seen, 'r' refused: written by exchange_note. 'k' used: by keyuse.c. 'p' of a runner whose
 * jobs wait for the model: the turn that reads it has brought the store there. */
static enum err note_apply(struct tenant *tenant, struct ctx *ctx, struct slice note)
{
    struct reader r = {.rest = note};
    uint8_t kind = reader_u8(&r);
    if (kind == 'p')
        return ERR_OK;
    if (kind == 'k')
        return note_key(ctx, &r);
    int64_t user = reader_i64(&r);
    int64_t session = reader_i64(&r);
    int64_t api_key = reader_i64(&r);
    struct slice route = reader_bytes(&r);
    ctx->address = arena_str(ctx->arena, reader_bytes(&r));
    int64_t before = reader_i64(&r);
    if (r.bad)
        return ERR_MALFORMED;
    if (kind == 's')
        return session_seen(tenant, session, api_key, ctx->now_ms);
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"route\":");
    json_put_string(&detail, route);
    if (before > 0)
        buf_printf(&detail, ",\"before\":%lld", (long long)before);
    buf_put_char(&detail, '}');
    enum err e = actor_load(tenant, user, &ctx->actor);
    if (!e)
        e = audit_put(ctx, "refused", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

static void turn_notes(struct tenant *tenant, struct lane *lane)
{
    if (!lane->notes_count)
        return;
    struct arena *arena = arena_new();
    struct reader r = {.rest = buf_slice(&lane->notes)};
    while (r.rest.len && !r.bad) {
        struct ctx ctx;
        ctx_init(&ctx, arena);
        ctx.tenant = tenant;
        enum err e = store_savepoint(tenant->store);
        if (!e)
            e = store_savepoint_end(tenant->store, note_apply(tenant, &ctx, reader_bytes(&r)));
        if (e)
            log_warn("a note of %s was lost: %s", lane->name, err_code(e));
    }
    buf_clear(&lane->notes);
    lane->notes_count = 0;
    arena_free(arena);
}

/* One request in its savepoint. A failed one leaves nothing behind. */
static void turn_request(struct slot *slot, struct tenant *tenant, struct work *work)
{
    work->failed = true;
    enum err e = store_savepoint(tenant->store);
    if (e) {
        work_refuse(work, e, 1);
        work->is_cancelled = true;
        return;
    }
    work->call = pipeline_call_new(&slot->app, work->arena, &work->req, &work->resp);
    work->call->is_operator = work->is_operator;
    int64_t body_max;
    log_trace(work->req.trace);
    e = pipeline_admit(work->call, false, &body_max);
    if (!e && work->call->ctx->tenant != tenant) {
        pipeline_fail(work->call, ERR_BUSY);
        e = ERR_BUSY;
    }
    if (!e)
        e = pipeline_run(work->call);
    log_trace(NULL);
    enum err ended = store_savepoint_end(tenant->store, e);
    if (ended && !e)
        pipeline_fail(work->call, ended);
    work->failed = ended != ERR_OK;
}

static bool turn_is_full(const struct turn_result *result, int64_t started_us)
{
    return result->requests >= TURN_REQUESTS || clock_mono_us() - started_us >= TURN_RUN_US;
}

/* Runs the queue; gives the works of this turn as a list. */
static struct work *turn_works(struct slot *slot, struct lanes *lanes, struct lane *lane,
                               struct tenant *tenant, struct turn_result *result,
                               int64_t started_us)
{
    struct work *done = NULL, **end = &done;
    int64_t model_version = tenant->header.model_version;
    while (lane->first && !turn_is_full(result, started_us)) {
        struct work *work = lane_pop(lanes, lane);
        if (work->is_cancelled) { /* the client has gone before it began */
            work_free(work);
            continue;
        }
        if (work->is_prepare) { /* the model is applied: ask again */
            work_return(work);
            work_free(work);
            continue;
        }
        result->requests++;
        turn_request(slot, tenant, work);
        *end = work;
        end = &work->next;
        /* What follows must see the new model, which is applied between turns. */
        if (tenant_refresh(tenant) || tenant->header.model_version != model_version)
            break;
    }
    return done;
}

static void turn_answer(struct work *work, enum err committed)
{
    while (work) {
        struct work *next = work->next;
        if (committed && !work->failed)
            pipeline_fail(work->call, committed);
        work_answer(work);
        work_free(work);
        work = next;
    }
}

/* What was committed may have left jobs. The hint comes after the commit: a runner that looks
 * sooner finds nothing, and would not look again. */
static void turn_wake(struct slot *slot, struct lane *lane, struct tenant *tenant)
{
    int64_t run_at_ms = 0;
    if (job_next(tenant, &run_at_ms) || !run_at_ms)
        return;
    if (run_at_ms <= clock_now_ms() || run_at_ms != lane->woken_at_ms)
        slot_wake(slot, tenant->name, run_at_ms);
    lane->woken_at_ms = run_at_ms;
}

struct turn_result turn_run(struct slot *slot, struct lanes *lanes, struct lane *lane)
{
    struct turn_result result = {0};
    int64_t started_us = clock_mono_us();
    struct tenant *tenant = NULL;
    enum err e = turn_prepare(slot, lane, &tenant);
    if (e) {
        lane_refuse(lanes, lane, e);
        return result;
    }
    e = store_begin(tenant->store, true);
    if (e) {
        if (e == ERR_BUSY)
            log_error("defect: the write lock of %s was not free", lane->name);
        lane_refuse(lanes, lane, e);
        tenants_unpin(slot->app.tenants, tenant);
        return result;
    }
    turn_notes(tenant, lane);
    struct work *works = turn_works(slot, lanes, lane, tenant, &result, started_us);
    int64_t model_version = tenant->header.model_version;
    e = store_commit(tenant->store);
    if (e)
        log_error("a turn of %s was not committed: %s %s", lane->name, err_code(e),
                  store_why(tenant->store));
    result.committed = !e;
    if (!e)
        turn_wake(slot, lane, tenant);
    const struct model *model;
    const char *why = NULL;
    if (tenant_refresh(tenant) == ERR_OK && !e && model_version == tenant->header.model_version &&
        (!tenant->model || ((struct model *)tenant->model)->version != model_version) &&
        model_get(tenant, slot->config.home, true, &model, &why))
        log_error("the new model of %s: %s", lane->name, why ? why : "not applied");
    if (!e && tenant->header.model_version != lane->model_told)
        slot_wake(slot, lane->name, clock_now_ms()); /* plugins' jobs may have come or gone */
    lane->model_told = tenant->header.model_version;
    turn_answer(works, e);
    result.us = clock_mono_us() - started_us;
    tenants_unpin(slot->app.tenants, tenant);
    return result;
}

void turn_control(struct slot *slot, struct lanes *lanes, struct lane *lane)
{
    struct work *work = lane_pop(lanes, lane);
    if (!work)
        return;
    work->call = pipeline_call_new(&slot->app, work->arena, &work->req, &work->resp);
    work->call->is_operator = work->is_operator;
    int64_t body_max;
    enum err e = pipeline_admit(work->call, false, &body_max);
    if (!e)
        e = pipeline_run(work->call);
    work->failed = e != ERR_OK;
    work_answer(work);
    work_free(work);
}
