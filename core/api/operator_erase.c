/* operator_erase - a record is forgotten for good, also in copies that are brought back later.
 *
 * Two steps, each of which may be repeated: control.db notes what is to be forgotten, then the
 * tenant forgets it. A note alone is harmless; without one nothing is forgotten, because a backup
 * that is restored would bring it back (operator_keep.c forgets again what is noted).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/operator.h"
#include "auth/audit.h"
#include "base/id.h"
#include "record/record.h"
#include "store/query.h"
#include "tenant/control.h"

struct target {
    const char *entity;
    int64_t record;
};

static enum err read_target(struct call *call, struct target *out)
{
    static const char *const members[] = {"entity", "record", "check", NULL};
    const struct json *body;
    struct err_info *err = &call->ctx->err;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    out->entity = json_cstr(body, "entity", "");
    if (!*out->entity || strlen(out->entity) > NAME_BYTES_MAX)
        e = err_field(err, "entity", *out->entity ? "unknown_entity" : "required", NULL);
    if (!id_parse(json_str(body, "record", SLICE("")), &out->record))
        e = err_field(err, "record", "bad_ref", NULL);
    return e;
}

static const struct expr *same(struct arena *arena, const char *tenant, const struct target *target)
{
    const struct expr *of_tenant =
        expr_cmp(arena, EXPR_EQ, "tenant", value_text(slice_str(tenant)));
    const struct expr *of_entity =
        expr_cmp(arena, EXPR_EQ, "entity", value_text(slice_str(target->entity)));
    const struct expr *of_record = expr_cmp(arena, EXPR_EQ, "record", value_int(target->record));
    return expr_and(arena, of_tenant, expr_and(arena, of_entity, of_record));
}

/* Who notes has looked whether it is there ("check" below). Noted anew each time: a backup may have
 * been made between two tries. */
enum err operator_erasures_note(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct store *control = call->app->control;
    const struct control_tenant *tenant;
    struct target target;
    enum err e = operator_find(call, arena_str(ctx->arena, call_param(call, 0)), &tenant);
    if (!e)
        e = read_target(call, &target);
    if (e)
        return e;
    const struct store_set sets[] = {
        {"id", value_int(id_next()), false},
        {"tenant", value_text(slice_str(tenant->name)), false},
        {"entity", value_text(slice_str(target.entity)), false},
        {"record", value_int(target.record), false},
        {"at", value_int(ctx->now_ms), false},
        {"actor", value_int(0), false},
    };
    bool mine = !store_in_tx(control);
    if (mine)
        e = store_begin(control, true);
    if (!e)
        e = store_insert(control, "erasure", sets, sizeof sets / sizeof *sets, NULL);
    if (mine && !e)
        e = store_commit(control);
    else if (mine)
        store_rollback(control);
    if (!e)
        buf_put_str(&call->resp->body, "{\"noted\":true}");
    return e;
}

static enum err erase_fn(struct call *call, void *arg)
{
    const struct target *target = arg;
    struct ctx *ctx = call->ctx;
    const struct entity *entity = model_entity(ctx->model, slice_str(target->entity));
    if (!entity)
        return err_field(&ctx->err, "entity", "unknown_entity", NULL);
    struct unit unit;
    unit_begin(ctx, &unit, NULL); /* no handler is asked: it may not keep what must go */
    enum err e = record_erase(ctx, entity, target->record);
    unit_end(ctx);
    return e ? e : audit_put(ctx, "record.erase", target->entity, target->record, NULL);
}

/* Only the owner of control.db has it open. */
static enum err count_notes(struct call *call, const struct target *target, int64_t *out)
{
    struct ctx *ctx = call->ctx;
    const struct expr *where = same(ctx->arena, ctx->tenant->name, target);
    struct store *control = call->app->control;
    const char *why = NULL;
    if (control)
        return store_count(control, "erasure", where, 1, out);
    enum err e = control_open(call->app->config->data, STORE_READ, &control, &why);
    if (e)
        return e;
    e = store_count(control, "erasure", where, 1, out);
    store_close(control);
    return e;
}

/* A note of what nobody can find would stand in the way of every restore. */
static enum err look_up(struct call *call, const struct target *target)
{
    struct ctx *ctx = call->ctx;
    const struct entity *entity = model_entity(ctx->model, slice_str(target->entity));
    int64_t found = 0;
    if (!entity)
        return err_field(&ctx->err, "entity", "unknown_entity", NULL);
    const struct expr *is_it = expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(target->record));
    enum err e = store_count(ctx->tenant->store, entity->table, is_it, 1, &found);
    return e || found ? e : ERR_NOT_FOUND;
}

/* With "check" it only tells whether there is such a record, which may be noted then. */
enum err operator_erase(struct call *call)
{
    struct target target;
    int64_t noted = 0;
    struct ctx *ctx = call->ctx;
    enum err e = read_target(call, &target);
    if (!e)
        e = look_up(call, &target);
    if (!e && json_bool(call->body, "check", false)) {
        buf_put_str(&call->resp->body, "{\"erased\":false}");
        return ERR_OK;
    }
    if (!e)
        e = count_notes(call, &target, &noted);
    if (!e && !noted)
        return err_say(&ctx->err, ERR_CONFLICT, "not_noted",
                       "A restored backup would bring it back: it has to be noted first.");
    if (!e)
        e = call_write(call, erase_fn, &target);
    if (!e) /* beside a server its words leave the index as segments are merged */
        e = store_scrub(ctx->tenant->store);
    if (e == ERR_FORBIDDEN)
        e = ERR_OK;
    if (!e)
        buf_put_str(&call->resp->body, "{\"erased\":true}");
    return e;
}
