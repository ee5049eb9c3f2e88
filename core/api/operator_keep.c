/* operator_keep - backup and restore as the operator asks for them.
 *
 * A backup is taken while serving. A restore is verified in a fresh folder first; that may take
 * long, so while a server runs the command does it itself and tells the folder's name. Where it
 * replaces a tenant, that one must be suspended for at least TENANTS_CHECK_MS before, so that every
 * process has let go of it: `perigee restore` sees to that. The folders then change places in one
 * step, and the tenant gets a new id in control.db, by which every process knows that what it may
 * still have open is another store.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/keep.h"
#include "api/operator.h"
#include "auth/audit.h"
#include "auth/row.h"
#include "auth/vault.h"
#include "base/id.h"
#include "base/log.h"
#include "record/erase.h"
#include "tenant/erasures.h"
#include "tenant/folder.h"

/* --- backup -------------------------------------------------------------------------------------
 */

static enum err audit_fn(struct call *call, void *arg)
{
    return audit_put(call->ctx, "backup", NULL, 0, arg);
}

static enum err say_why(struct call *call, enum err e, const char *why)
{
    struct err_info *info = &call->ctx->err;
    /* What is wrong with the operator's own files is told, not hidden behind a 500. */
    if (e == ERR_CORRUPT || e == ERR_NOT_FOUND || e == ERR_FORBIDDEN || e == ERR_NOT_SUPPORTED)
        return err_say(info, ERR_VALIDATION, err_code(e), "%s", why ? why : err_text(e, LANG_EN));
    return err_say(info, e, NULL, "%s", why ? why : err_text(e, LANG_EN));
}

/* Under the passphrase, if one was given: without it the copy opens its encrypted fields only under
 * this server's master key. */
static enum err pack_keys(struct call *call, const struct json *passphrase, struct slice *out)
{
    struct buf text = BUF_INIT;
    if (!passphrase || passphrase->type == JSON_NULL)
        return ERR_OK;
    enum err e = vault_pack(call->ctx, passphrase->text, &text);
    if (!e)
        *out = arena_slice(call->ctx->arena, buf_slice(&text));
    buf_release(&text);
    return e;
}

enum err operator_backup(struct call *call)
{
    static const char *const members[] = {"dir", "passphrase", NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    struct slice keys = {0};
    struct keep_info info;
    const char *path = NULL, *why = NULL;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    const char *dir = json_cstr(body, "dir", "");
    if (dir[0] != '/')
        return err_field(&ctx->err, "dir", *dir ? "not_absolute" : "required", NULL);
    e = pack_keys(call, json_get(body, "passphrase"), &keys);
    if (e)
        return e;
    e = keep_write(ctx->tenant, ctx->arena, dir, keys, &path, &info, &why);
    if (e)
        return say_why(call, e, why);
    struct buf *out = &call->resp->body;
    char at[25];
    time_text(info.created_at_ms, at);
    buf_put_str(out, "{\"path\":");
    json_put_cstr(out, path);
    json_put_key(out, "home"); /* the release that serves: what a rehearsal compares with */
    json_put_cstr(out, call->app->config->home);
    buf_printf(out, ",\"created_at\":\"%s\",\"files\":%lld,\"bytes\":%lld}", at,
               (long long)info.files, (long long)info.bytes);
    return call_write(call, audit_fn, arena_str(ctx->arena, buf_slice(out)));
}

/* --- restore ------------------------------------------------------------------------------------
 */

struct restore {
    const char *source, *name, *path, *fresh;
    const char *staged; /* verified and copied already, under this name; NULL: still to be done */
    const struct control_tenant *replaced; /* NULL: a new tenant */
    struct control_tenant spec;
    struct keep_info info;
    bool keys_locked; /* its encrypted fields cannot be read here yet */
};

/* The name of a fresh folder beside the tenants, and nothing else. */
static bool staged_is_safe(const char *name)
{
    return strncmp(name, KEEP_FRESH, strlen(KEEP_FRESH)) == 0 && !strchr(name, '/');
}

static enum err restore_read(struct call *call, struct restore *r)
{
    static const char *const members[] = {"tenant", "as", "path", "host", "staged", NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    r->source = json_cstr(body, "tenant", "");
    r->name = json_cstr(body, "as", r->source);
    r->path = json_cstr(body, "path", "");
    r->staged = json_cstr(body, "staged", NULL);
    if (r->staged && !staged_is_safe(r->staged))
        e = err_field(&ctx->err, "staged", "bad_name", NULL);
    if (!*r->source)
        e = err_field(&ctx->err, "tenant", "required", NULL);
    if (!control_name_is_valid(r->name))
        e = err_field(&ctx->err, "as", "bad_name", NULL);
    if (r->path[0] != '/')
        e = err_field(&ctx->err, "path", *r->path ? "not_absolute" : "required", NULL);
    if (e)
        return e;
    e = operator_find(call, r->name, &r->replaced);
    if (e == ERR_NOT_FOUND) {
        const struct json *host = json_get(body, "host");
        struct json *hosts = json_new(ctx->arena, JSON_ARRAY);
        if (host)
            json_add(ctx->arena, hosts, NULL, json_copy(ctx->arena, host));
        r->replaced = NULL;
        return operator_hosts(call, "host", hosts, &r->spec.hosts);
    }
    if (!e)
        r->spec.hosts = r->replaced->hosts;
    /* A command that holds the folder lock is alone with it. */
    if (!e && call->app->role != APP_COMMAND && strcmp(r->replaced->state, "active") == 0)
        e = err_say(&ctx->err, ERR_CONFLICT, "not_suspended",
                    "Suspend the tenant %s before a backup takes its place.", r->name);
    return e;
}

/* --- erasures: what was forgotten after the backup must not be back --- */

static enum err erase_all(struct ctx *ctx, const struct erasure *all, int count)
{
    enum err e = ERR_OK;
    for (int i = 0; i < count && !e; i++) {
        const struct erasure *one = &all[i];
        struct erased erased;
        const struct entity *entity = model_entity(ctx->model, slice_str(one->entity));
        if (!entity)
            return ERR_NOT_SUPPORTED; /* its plugin is off: the row cannot be found */
        e = record_erase(ctx, entity, one->record, &erased);
        if (!e)
            e = erase_bytes(ctx, &erased);
        e = e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return e ? e : audit_put(ctx, "restore.erased", NULL, 0, NULL);
}

static enum err erase_again(struct call *call, struct tenant *tenant, const struct erasure *all,
                            int count)
{
    struct ctx ctx;
    struct unit unit;
    const char *why = NULL;
    ctx_init(&ctx, call->ctx->arena);
    ctx.tenant = tenant;
    ctx.as_system = true;
    ctx.source = CTX_COMMAND;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = model_get(tenant, call->app->config->home, true, &ctx.model, &why);
    if (!e)
        e = store_begin(tenant->store, true);
    if (e)
        return e;
    unit_begin(&ctx, &unit, NULL);
    e = erase_all(&ctx, all, count);
    unit_end(&ctx);
    if (!e)
        e = store_commit(tenant->store);
    else
        store_rollback(tenant->store);
    return e ? e : store_scrub(tenant->store);
}

static enum err erasures_apply(struct call *call, const struct restore *r, struct tenant *tenant)
{
    struct erasure *all;
    int count;
    enum err e = erasures_read(call->ctx->arena, call->app->config->data, r->source,
                               r->info.created_at_ms, &all, &count);
    if (e || !count)
        return e;
    e = erase_again(call, tenant, all, count);
    return e ? err_say(&call->ctx->err, ERR_NOT_SUPPORTED, "erased_since",
                       "Personal data was erased after this backup was made, and erasing it again "
                       "failed: %s",
                       err_text(e, LANG_EN))
             : ERR_OK;
}

static void put_setting(struct buf *b, const struct control_tenant *spec)
{
    const char *const members[][2] = {{"name", spec->name},
                                      {"title", spec->title},
                                      {"locale", spec->locale},
                                      {"timezone", spec->timezone},
                                      {"currency", spec->currency}};
    buf_put_char(b, '{');
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_put_key(b, members[i][0]);
        json_put_cstr(b, members[i][1]);
    }
    buf_put_char(b, '}');
}

/* Sessions that were ended since must not come back to life, so nobody stays signed in. */
static enum err staged_write(struct tenant *tenant, const struct control_tenant *spec)
{
    struct buf setting = BUF_INIT;
    struct expr all = {.op = EXPR_GT, .column = {0, "id"}, .value = value_int(0)};
    put_setting(&setting, spec);
    enum err e = store_begin(tenant->store, true);
    if (!e) {
        e = store_delete(tenant->store, "session", &all, NULL);
        if (!e)
            e = tenant_setting_put(tenant, "tenant", buf_slice(&setting));
        if (!e)
            e = store_header_bump(tenant->store, true, true);
        if (!e)
            e = store_commit(tenant->store);
        else
            store_rollback(tenant->store);
    }
    buf_release(&setting);
    return e;
}

/* Does this server's master key open the keys of what is restored? */
static enum err keys_look(struct tenant *tenant, struct restore *r)
{
    struct arena *arena = arena_new();
    struct vault_key_info *keys = NULL;
    int count = 0;
    enum err e = tenant_refresh(tenant);
    if (!e)
        e = vault_list(tenant, arena, &keys, &count);
    for (int i = 0; i < count && !e; i++)
        r->keys_locked = r->keys_locked || !keys[i].is_readable;
    arena_free(arena);
    return e;
}

static enum err staged_settle(struct call *call, struct restore *r)
{
    struct tenant tenant = {0};
    enum err e = operator_open(call, r->fresh, &r->spec, &tenant);
    if (e)
        return e;
    e = staged_write(&tenant, &r->spec);
    if (!e)
        e = erasures_apply(call, r, &tenant);
    if (!e)
        e = keys_look(&tenant, r);
    if (!e)
        e = store_checkpoint(tenant.store, STORE_CHECKPOINT_TRUNCATE, NULL);
    operator_close(&tenant);
    return e;
}

/* Both rows change in one transaction; the new id tells the stores apart. */
static enum err control_write(struct call *call, struct restore *r, const char **why)
{
    struct store *control = call->app->control;
    enum err e = store_begin(control, true);
    if (e)
        return e;
    if (r->replaced)
        e = control_remove(control, r->name);
    r->spec.id = id_next();
    if (!e)
        e = control_add(control, &r->spec, why);
    if (!e)
        return store_commit(control);
    store_rollback(control);
    return e;
}

/* The folders change places; where the file system cannot do that at once, in two steps. */
static enum err exchange(struct call *call, const char *fresh, const char *folder)
{
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, folder, RENAME_EXCHANGE) == 0)
        return ERR_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return folder_err(errno);
    const char *aside = operator_fresh(call, "aside");
    if (rename(folder, aside) != 0)
        return folder_err(errno);
    if (rename(fresh, folder) == 0 && rename(aside, fresh) == 0)
        return ERR_OK;
    enum err e = folder_err(errno);
    if (rename(aside, folder) != 0)
        log_error("%s is now %s", folder, aside);
    return e;
}

static enum err switch_over(struct call *call, struct restore *r)
{
    const char *why = NULL;
    const char *folder = operator_folder(call, r->name);
    tenants_drop(call->app->tenants, r->name);
    enum err e = ERR_OK;
    if (r->replaced)
        e = exchange(call, r->fresh, folder);
    else if (folder_exists(folder))
        e = ERR_CONFLICT;
    else if (rename(r->fresh, folder) != 0)
        e = folder_err(errno);
    if (e)
        return say_why(call, e,
                       arena_printf(call->ctx->arena, "%s: %s", folder, err_text(e, LANG_EN)));
    e = control_write(call, r, &why);
    if (e) { /* back as it was */
        enum err undone = r->replaced ? exchange(call, r->fresh, folder)
                                      : (rename(folder, r->fresh) ? folder_err(errno) : ERR_OK);
        if (undone)
            log_error("%s holds the restored copy, but is not registered", folder);
        return say_why(call, e, why);
    }
    return folder_sync(operator_folder(call, "."));
}

static enum err restore_run(struct call *call, struct restore *r)
{
    struct ctx *ctx = call->ctx;
    const char *why = NULL;
    enum err e = r->staged ? keep_read(ctx->arena, r->path, &r->info, &why)
                           : keep_stage(ctx->arena, r->path, r->fresh, &r->info, &why);
    if (e)
        return say_why(call, e, why);
    const char **hosts = r->spec.hosts;
    r->spec = r->info.tenant;
    r->spec.name = r->name;
    r->spec.hosts = hosts;
    r->spec.state = r->replaced ? r->replaced->state : "active";
    r->spec.worker = r->replaced ? r->replaced->worker : -1;
    if (strcmp(r->info.tenant.name, r->source) != 0)
        return err_say(&ctx->err, ERR_VALIDATION, "other_tenant",
                       "This is a backup of %s, not of %s.", r->info.tenant.name, r->source);
    e = r->replaced ? ERR_OK : operator_free(call, &r->spec);
    if (!e)
        e = staged_settle(call, r);
    return e ? e : switch_over(call, r);
}

enum err operator_restore(struct call *call)
{
    struct restore *r = arena_make(call->ctx->arena, struct restore);
    enum err e = restore_read(call, r);
    if (e)
        return e;
    r->fresh = r->staged ? operator_folder(call, r->staged) : operator_fresh(call, r->name);
    e = restore_run(call, r);
    if (folder_remove(r->fresh)) /* what failed, or what was replaced */
        log_error("%s could not be removed", r->fresh);
    tenants_reload(call->app->tenants);
    if (e)
        return e;
    struct buf *out = &call->resp->body;
    char at[25];
    time_text(r->info.created_at_ms, at);
    buf_put_str(out, "{\"name\":");
    json_put_cstr(out, r->name);
    buf_printf(out,
               ",\"state\":\"%s\",\"backed_up_at\":\"%s\",\"files\":%lld,\"bytes\":%lld,\"keys_"
               "locked\":%s}",
               r->spec.state, at, (long long)r->info.files, (long long)r->info.bytes,
               r->keys_locked ? "true" : "false");
    return ERR_OK;
}
