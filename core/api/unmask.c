/* unmask - one encrypted value in plain, for a reason that is written down.
 *
 * Runs in a runner, because gateways hold no keys; the audit row is committed before a byte of the
 * value leaves.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/unmask.h"

#include "api/body.h"
#include "api/handlers.h"

struct unmask {
    const struct entity *entity;
    int64_t id;
    const char *field, *reason;
    struct buf plain;
    bool empty;
};

static void plain_release(void *arg)
{
    struct buf *plain = arg;
    if (plain->at)
        crypto_wipe(plain->at, plain->len);
    buf_release(plain);
}

static enum err unmask_fn(struct call *call, void *arg)
{
    struct unmask *u = arg;
    struct unit unit;
    buf_clear(&u->plain);
    unit_begin(call->ctx, &unit, NULL); /* no hook hears of it: scripts see masks only */
    enum err e = unmask_field(call->ctx, u->entity, u->id, slice_str(u->field),
                              slice_str(u->reason), &u->plain, &u->empty);
    unit_end(call->ctx);
    return e;
}

enum err records_unmask(struct call *call)
{
    static const char *const members[] = {"field", "reason", NULL};
    const struct json *body;
    struct unmask *u = arena_make(call->ctx->arena, struct unmask);
    enum err e = call_entity(call, 0, &u->entity);
    if (!e)
        e = call_id(call, 1, &u->id);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    u->field = body_text(call, "field", NAME_BYTES_MAX);
    u->reason = body_text(call, "reason", UNMASK_REASON_BYTES_MAX);
    if (!u->field && !body_member(call, "field"))
        body_bad(call, "field", "required", NULL);
    if (!u->reason && !body_member(call, "reason"))
        body_bad(call, "reason", "required", NULL);
    e = body_done(call);
    if (!e && (!u->field || !u->reason)) /* given, but nothing in it */
        e = err_field(&call->ctx->err, u->field ? "reason" : "field", "required", NULL);
    if (e)
        return e;
    arena_defer(call->ctx->arena, plain_release, &u->plain);
    e = call_write(call, unmask_fn, u);
    if (e)
        return e;
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"field\":");
    json_put_cstr(out, u->field);
    json_put_key(out, "value");
    if (u->empty)
        buf_put_str(out, "null");
    else
        json_put_string(out, buf_slice(&u->plain));
    buf_put_char(out, '}');
    return ERR_OK;
}
