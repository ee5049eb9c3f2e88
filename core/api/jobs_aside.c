/* jobs_aside - administrators are told of code that was set aside together with its process, and
 * the audit log has it.
 *
 * The supervisor leaves a mark as a file, because it must not need the process it kills; the store
 * keeps up to which mark people have been told (setting "quarantine_told").
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/jobs_in.h"
#include "auth/audit.h"
#include "base/limits.h"
#include "record/notify.h"
#include "tenant/folder.h"
#include "tenant/quarantine.h"

#define TOLD "quarantine_told"

struct aside {
    const struct quarantine **marks;
    int count;
};

static enum err look(struct tenant *tenant, struct arena *arena, struct aside *out)
{
    const struct json *told = NULL;
    if (!folder_exists(arena_printf(arena, "%s/quarantine", tenant->folder)))
        return ERR_OK;
    enum err e = tenant_setting(tenant, arena, TOLD, &told);
    return e ? e
             : quarantine_list(arena, tenant->folder, told ? json_int(told, "at", 0) : 0,
                               &out->marks, &out->count);
}

enum err jobs_aside_is_told(struct tenant *tenant, bool *out)
{
    struct arena *arena = arena_new();
    struct aside aside = {0};
    enum err e = look(tenant, arena, &aside);
    *out = !aside.count;
    arena_free(arena);
    return e;
}

static enum err tell_one(struct ctx *ctx, const struct quarantine *mark)
{
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"plugin\":");
    json_put_cstr(&args, mark->plugin);
    buf_put_str(&args, ",\"code\":");
    json_put_cstr(&args, mark->hash);
    buf_put_str(&args, mark->is_loading ? ",\"loading\":true}" : "}");
    enum err e = audit_put(ctx, "plugin.set_aside", NULL, 0, buf_cstr(&args));
    buf_clear(&args);
    if (e) {
        buf_release(&args);
        return e;
    }
    buf_put_str(&args, "{\"name\":");
    json_put_cstr(&args, mark->plugin);
    buf_put_char(&args, '}');
    const struct notify notify = {
        .kind = "plugin_quarantined",
        .text = "@notify.quarantined",
        .body = "@notify.quarantined.body",
        .args = arena_str(ctx->arena, buf_slice(&args)),
        .tone = "danger",
        .link = "/admin/plugins",
        .dedupe = arena_printf(ctx->arena, "aside:%s@%.64s", mark->plugin, mark->hash)};
    buf_release(&args);
    return notify_admins(ctx, "plugins", &notify, NULL);
}

static enum err tell_fn(struct ctx *ctx, void *arg)
{
    const struct aside *aside = arg;
    int64_t at_ms = 0;
    enum err e = ERR_OK;
    for (int i = 0; i < aside->count && !e; i++) {
        at_ms = aside->marks[i]->at_ms > at_ms ? aside->marks[i]->at_ms : at_ms;
        e = tell_one(ctx, aside->marks[i]);
    }
    const char *told = arena_printf(ctx->arena, "{\"at\":%lld}", (long long)at_ms);
    return e ? e : tenant_setting_put(ctx->tenant, TOLD, slice_str(told));
}

enum err jobs_aside_tell(struct app *app, struct ctx *ctx)
{
    struct aside aside = {0};
    enum err e = look(ctx->tenant, ctx->arena, &aside);
    if (e || !aside.count)
        return e;
    return app_write(app, ctx, tell_fn, &aside);
}
