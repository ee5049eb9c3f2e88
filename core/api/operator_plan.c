/* operator_plan - what the scripts of a tenant may use: its plan lowers what everybody may.
 *
 * The plan is the setting "limits". It is read when the tenant's VM is made, and a VM is made for
 * each version of the model: so a new plan moves that version.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/call.h"
#include "api/handlers.h"
#include "auth/audit.h"
#include "script/limit.h"

#define PLAN "limits"

static enum err answer(struct call *call, const struct json *plan)
{
    struct buf *out = &call->resp->body;
    struct limit limits[LIMIT_KINDS];
    limit_make(limits, plan);
    buf_clear(out);
    buf_put_str(out, "{\"plan\":");
    if (plan)
        json_put(out, plan);
    else
        buf_put_str(out, "{}");
    buf_put_str(out, ",\"limits\":");
    limit_put(out, limits);
    buf_put_char(out, '}');
    return ERR_OK;
}

enum err operator_limits_get(struct call *call)
{
    const struct json *plan = NULL;
    enum err e = tenant_setting(call->ctx->tenant, call->ctx->arena, PLAN, &plan);
    return e ? e : answer(call, plan);
}

static enum err put_fn(struct call *call, void *arg)
{
    struct tenant *tenant = call->ctx->tenant;
    struct buf text = BUF_INIT;
    json_put(&text, arg);
    enum err e = tenant_setting_put(tenant, PLAN, buf_slice(&text));
    if (!e)
        e = store_header_bump(tenant->store, true, false);
    if (!e)
        e = audit_put(call->ctx, "limits.change", NULL, 0, buf_cstr(&text));
    buf_release(&text);
    return e ? e : answer(call, arg);
}

/* The whole plan, as it shall be from now on; {} gives back what everybody may. */
enum err operator_limits_put(struct call *call)
{
    const struct json *plan;
    enum err e = call_object(call, &plan);
    if (!e)
        e = limit_check(&call->ctx->err, plan);
    return e ? e : call_write(call, put_fn, (void *)(uintptr_t)plan);
}
