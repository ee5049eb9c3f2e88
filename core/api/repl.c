/* repl - Lua that the server's owner types, in a tenant's VM.
 *
 * As the system, over the operator's socket alone. Without "write" it runs in one transaction that
 * is rolled back, with what a transaction may take; with it, as a step of a job: each write commits
 * by itself. Both are in the audit, with what was typed.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/body.h"
#include "api/handlers.h"
#include "api/host.h"
#include "auth/audit.h"
#include "record/record.h"
#include "script/eval.h"

struct repl {
    struct call *call;
    struct vm *vm;
    const char *plugin;
    struct slice code;
    struct buf shown;
    bool writes;
    enum err e;
};

/* Always an error: nothing of it stays. */
static enum err dry_fn(struct ctx *ctx, void *arg)
{
    struct repl *repl = arg;
    struct unit unit;
    enum err e = app_unit_begin(repl->call->app, ctx, &unit);
    if (e)
        return repl->e = e;
    repl->e = vm_eval(repl->vm, ctx, NULL, repl->plugin, repl->code, &repl->shown);
    unit_end(ctx);
    return repl->e ? repl->e : ERR_CONFLICT;
}

static enum err note_fn(struct call *call, void *arg)
{
    const struct repl *repl = arg;
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"code\":");
    json_put_string(&detail, repl->code);
    buf_printf(&detail, ",\"write\":%s}", repl->writes ? "true" : "false");
    enum err e = audit_put(call->ctx, "repl", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

/* "core:repl repl:1: …" without who says so. */
static const char *sentence(struct ctx *ctx)
{
    const char *detail = ctx->err.detail, *space = strchr(detail, ' ');
    return arena_strdup(ctx->arena, space ? space + 1 : detail);
}

static enum err evaluate(struct repl *repl)
{
    struct ctx *ctx = repl->call->ctx;
    struct vm_host host = host_of(repl->call->app);
    if (repl->writes)
        return vm_eval(repl->vm, ctx, &host, repl->plugin, repl->code, &repl->shown);
    enum err e = app_write(repl->call->app, ctx, dry_fn, repl);
    return repl->e ? repl->e : e == ERR_CONFLICT ? ERR_OK : e;
}

enum err operator_repl(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct json *body;
    struct repl repl = {.call = call};
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, (const char *const[]){"code", "write", "plugin", NULL});
    if (e)
        return e;
    repl.code = json_str(body, "code", SLICE(""));
    repl.plugin = json_cstr(body, "plugin", NULL);
    repl.writes = json_bool(body, "write", false);
    if (!repl.code.len)
        return err_field(&ctx->err, "code", "required", NULL);
    ctx->as_system = true;
    ctx->source = CTX_COMMAND;
    e = vm_get(ctx, call->app->config->home, &repl.vm);
    if (!e)
        e = call_write(call, note_fn, &repl);
    if (!e)
        e = evaluate(&repl);
    if (e == ERR_PLUGIN && ctx->err.detail)
        e = err_say(&ctx->err, ERR_VALIDATION, NULL, "%s", sentence(ctx));
    if (!e) {
        buf_put_str(&call->resp->body, "{\"shown\":");
        json_put_string(&call->resp->body, buf_slice(&repl.shown));
        buf_put_char(&call->resp->body, '}');
    }
    buf_release(&repl.shown);
    return e;
}
