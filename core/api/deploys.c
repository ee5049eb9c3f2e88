/* deploys - a company's own bundles: taking one in, its history, going back.
 *
 * A pack is taken as the bytes that `perigee plugin pack` writes, or as the part "file" of a form.
 * Its files are kept under their hash before anything is asked of them, so that what is checked is
 * what will run; a pack that is refused is removed again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/deploys.h"

#include "api/activate.h"
#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/pluginset.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "http/multipart.h"
#include "record/blob.h"
#include "tenant/quarantine.h"

#define DEPLOY_HASH_MIN 6 /* digits of a hash that name a deploy */

struct deploying {
    struct deploy line;
    struct pack pack;
    struct model_change change;
    struct activation activation;
    struct buf warnings;
    const struct deploys_take *take; /* NULL: going back */
};

static enum err refuse(struct call *call, enum err e, const char *code, const char *why)
{
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"why\":");
    json_put_cstr(&args, why ? why : "?");
    buf_put_char(&args, '}');
    e = admin_refuse(call, e, code, buf_cstr(&args));
    buf_release(&args);
    return e;
}

/* --- reading the pack ---------------------------------------------------------------------------
 */

static enum err read_form(struct call *call, struct slice body, struct slice *out)
{
    struct ctx *ctx = call->ctx;
    struct multipart_part *parts = NULL;
    int count = 0;
    bool found = false;
    enum err e =
        multipart_parse(ctx->arena, req_header(call->req, "content-type"), body, &parts, &count);
    for (int i = 0; i < count && !e; i++) {
        if (!slice_is(parts[i].name, "file") || found)
            return err_field(&ctx->err, arena_str(ctx->arena, parts[i].name), "unknown_field",
                             NULL);
        *out = parts[i].body;
        found = true;
    }
    return e || found ? e : err_field(&ctx->err, "file", "required", NULL);
}

static enum err read_pack(struct call *call, struct pack *out)
{
    struct ctx *ctx = call->ctx;
    struct slice source = call->req->body, type = req_header(call->req, "content-type");
    struct slice main = slice_trim(slice_split(&type, ';'));
    const char *why = NULL;
    enum err e = ERR_OK;
    if (call->req->body_path)
        e = blob_map(ctx->arena, call->req->body_path, &source);
    if (!e && slice_eq_nocase(main, SLICE("multipart/form-data")))
        e = read_form(call, source, &source);
    else if (!e && !slice_eq_nocase(main, SLICE("application/x-tar")))
        e = ERR_MEDIA_TYPE;
    if (e)
        return e;
    e = pack_read(ctx->arena, source, out, &why);
    if (e == ERR_TOO_LARGE)
        return refuse(call, e, "bundle_refused", why);
    return e ? refuse(call, ERR_VALIDATION, "bundle_refused", why) : ERR_OK;
}

/* Which names are a company's to give: "acme.sales", never a product's, never those of what
 * administrators make in the console. */
static enum err check_id(struct call *call, struct slice id)
{
    struct pluginset set;
    enum err e = pluginset_read(call, &set);
    if (e)
        return e;
    const struct plugin *same = pluginset_find(&set, id);
    if (same && same->layer != PLUGIN_TENANT)
        return refuse(call, ERR_CONFLICT, "bundle_refused",
                      arena_printf(call->ctx->arena,
                                   "the id \"" SLICE_FMT "\" is that of a plugin of the product",
                                   SLICE_ARG(id)));
    if (slice_find(id, SLICE(".")) < 0 || slice_starts(id, SLICE("tenant.")))
        return refuse(call, ERR_VALIDATION, "bundle_refused",
                      arena_printf(call->ctx->arena,
                                   "the id \"" SLICE_FMT "\" is none for a bundle: it begins with "
                                   "a word of yours and a dot, such as \"acme.sales\"",
                                   SLICE_ARG(id)));
    return ERR_OK;
}

/* "acme.flood, acme.stuck": each once. */
static const char *stopped_names(struct arena *arena, const struct quarantine **marks, int count)
{
    const char *names = "";
    for (int i = 0; i < count; i++) {
        bool is_told = false;
        for (int k = 0; k < i; k++)
            is_told = is_told || strcmp(marks[k]->plugin, marks[i]->plugin) == 0;
        if (!is_told)
            names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "", marks[i]->plugin);
    }
    return names;
}

/* Code that has to be stopped with its process takes work of others along, and so would code that
 * differs from it by a blank: who has had so many set aside in a day looks first. */
static enum err check_marks(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct quarantine **marks;
    int count;
    enum err e = quarantine_list(ctx->arena, ctx->tenant->folder,
                                 clock_now_ms() - QUARANTINES_WINDOW_MS, &marks, &count);
    if (e || count < QUARANTINES_MAX)
        return e;
    const char *tenant = ctx->tenant->name, *plugin = marks[0]->plugin;
    return refuse(call, ERR_CONFLICT, "bundle_refused",
                  arena_printf(ctx->arena,
                               "codes of this company had to be stopped together with their "
                               "process %d times within a day (%s), so no other is taken until one "
                               "of these plugins is released or a day has passed. If it still "
                               "hangs, disable it first: perigee plugin disable %s %s; then: "
                               "perigee plugin release %s %s",
                               count, stopped_names(ctx->arena, marks, count), tenant, plugin,
                               tenant, plugin));
}

/* The manifest is looked at before its files go anywhere: its id is the folder's name. */
static enum err check_manifest(struct call *call, struct deploys_take *take)
{
    struct arena *arena = call->ctx->arena;
    const struct json *manifest = NULL;
    const char *why = NULL;
    struct slice wanted = call_param(call, 0);
    if (json_parse(arena, pack_get(take->pack, "plugin.json"), &manifest, &why))
        return refuse(call, ERR_VALIDATION, "bundle_refused",
                      arena_printf(arena, "plugin.json: %s", why));
    struct slice id = json_str(manifest, "id", SLICE(""));
    if (!slice_eq(id, wanted))
        return refuse(
            call, ERR_VALIDATION, "bundle_refused",
            arena_printf(arena, "plugin.json: the id is \"" SLICE_FMT "\", not \"" SLICE_FMT "\"",
                         SLICE_ARG(id), SLICE_ARG(wanted)));
    take->plugin = arena_str(arena, id);
    take->version = json_cstr(manifest, "version", "0.0.0");
    return check_id(call, id);
}

/* --- switching ----------------------------------------------------------------------------------
 */

const char *deploys_active(struct call *call, const char *plugin, bool *enabled)
{
    struct tenant_plugin *rows;
    int count;
    if (enabled)
        *enabled = false;
    if (tenant_plugins(call->ctx->tenant, call->ctx->arena, &rows, &count))
        return NULL;
    for (int i = 0; i < count; i++)
        if (strcmp(rows[i].id, plugin) == 0) {
            if (enabled)
                *enabled = strcmp(rows[i].state, "enabled") == 0;
            return rows[i].version;
        }
    return NULL;
}

static enum err write_line(struct call *call, void *arg)
{
    struct deploying *d = arg;
    struct buf detail = BUF_INIT;
    enum err e = deploy_put(call->ctx->tenant, &d->line);
    buf_put_str(&detail, "{\"plugin\":");
    json_put_cstr(&detail, d->line.plugin);
    json_put_key(&detail, "version");
    json_put_cstr(&detail, d->line.version);
    json_put_key(&detail, "hash");
    json_put_cstr(&detail, d->line.hash);
    json_put_key(&detail, "before");
    json_put_cstr(&detail, d->line.before);
    buf_put_char(&detail, '}');
    const char *action = arena_printf(call->ctx->arena, "plugin.%s", d->line.action);
    if (!e)
        e = audit_put(call->ctx, action, NULL, 0, buf_cstr(&detail));
    if (!e && d->take && d->take->write)
        e = d->take->write(call, d->take->arg);
    buf_release(&detail);
    return e;
}

static void plan(struct call *call, struct deploying *d, const char *action)
{
    const struct actor *actor = call->ctx->actor;
    d->line.before = deploys_active(call, d->line.plugin, NULL);
    d->line.action = action;
    d->line.actor = actor ? actor->user : 0;
    d->line.files = d->pack.count;
    for (int i = 0; i < d->pack.count; i++)
        d->line.bytes += (int64_t)d->pack.files[i].bytes.len;
    d->change = (struct model_change){d->line.plugin, d->line.hash, true};
    d->activation = (struct activation){.changes = &d->change,
                                        .count = 1,
                                        .subject = d->line.plugin,
                                        .code = "bundle_refused",
                                        .write = write_line,
                                        .arg = d,
                                        .warnings = &d->warnings};
}

static void put_answer(struct call *call, const struct deploying *d, bool is_active)
{
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"id\":");
    json_put_cstr(out, d->line.plugin);
    json_put_key(out, "version");
    json_put_cstr(out, d->line.version);
    json_put_key(out, "hash");
    json_put_cstr(out, d->line.hash);
    json_put_key(out, "before");
    json_put_cstr(out, d->line.before);
    json_put_key(out, "active");
    json_put_bool(out, is_active);
    buf_put_str(out, ",\"warnings\":[");
    buf_put_slice(out, buf_slice(&d->warnings));
    buf_put_str(out, "]}");
}

static enum err take_kept(struct call *call, struct deploying *d)
{
    struct ctx *ctx = call->ctx;
    enum err e = d->take->check_only ? activate_check(call, &d->activation)
                                     : activate_run(call, &d->activation);
    if (e)
        return e;
    put_answer(call, d, !d->take->check_only);
    if (d->take->check_only)
        return ERR_OK;
    call->resp->status = 201;
    if (deploy_prune(ctx->tenant, ctx->arena, d->line.plugin, d->line.hash))
        log_warn("old deploys of %s could not be removed", d->line.plugin);
    return ERR_OK;
}

/* Takes back what was only tried, unless somebody else runs it by now. With the write turn, which
 * whoever switches to it holds, too: so its files are there as long as a row names them. */
static void drop_tried(struct call *call, const struct deploying *d)
{
    const struct app_services *services = call->app->services;
    struct tenant *tenant = call->ctx->tenant;
    struct deploy *all;
    int count;
    bool is_named = false;
    if (services->turn_take && services->turn_take(call->app, tenant))
        return; /* files that nobody names are the lesser evil */
    enum err e = deploy_list(tenant, call->ctx->arena, d->line.plugin, &all, &count);
    for (int i = 0; !e && i < count && !is_named; i++)
        is_named = strcmp(all[i].hash, d->line.hash) == 0;
    if (!e && !is_named)
        deploy_drop(tenant, call->ctx->arena, d->line.plugin, d->line.hash);
    if (services->turn_give)
        services->turn_give(call->app, tenant, 0);
}

/* *again: who had tried the same files has taken them away meanwhile. */
static enum err take_once(struct call *call, struct deploying *d, bool *again)
{
    struct ctx *ctx = call->ctx;
    bool is_fresh;
    *again = false;
    enum err e = deploy_keep(ctx->tenant, ctx->arena, d->line.plugin, &d->pack, &is_fresh);
    if (e)
        return e;
    plan(call, d, d->take->action);
    e = take_kept(call, d);
    if (call->is_parked)
        return e; /* its tests read these files */
    *again = e && !deploy_is_kept(ctx->tenant, ctx->arena, d->line.plugin, d->line.hash);
    bool is_ours = is_fresh || call->may_park; /* who was parked has kept them before */
    if ((e || d->take->check_only) && is_ours && !*again && e != ERR_OUTCOME_UNKNOWN)
        drop_tried(call, d);
    return e;
}

enum err deploys_take(struct call *call, const struct deploys_take *take)
{
    struct deploying *d = arena_make(call->ctx->arena, struct deploying);
    enum err e = ERR_OK;
    bool again = true;
    for (int tries = 0; again && tries < 3; tries++) {
        if (tries)
            err_info_clear(&call->ctx->err);
        buf_release(&d->warnings);
        *d = (struct deploying){
            .take = take,
            .pack = *take->pack,
            .line = {.plugin = take->plugin, .version = take->version, .hash = take->pack->hash}};
        e = take_once(call, d, &again);
    }
    buf_release(&d->warnings);
    return e;
}

enum err deploys_create(struct call *call)
{
    struct pack pack;
    struct deploys_take take = {.action = "deploy", .pack = &pack};
    enum err e = read_pack(call, &pack);
    if (!e)
        e = check_manifest(call, &take);
    if (!e)
        e = check_marks(call);
    if (e)
        return e;
    take.check_only = slice_is(req_query(call->req, "check"), "true");
    return deploys_take(call, &take);
}

/* --- history and the way back -------------------------------------------------------------------
 */

static void put_line(struct call *call, const struct deploy *deploy, bool is_active)
{
    struct buf *out = &call->resp->body;
    char id[ID_TEXT_LEN + 1], at[25];
    time_text(deploy->at_ms, at);
    json_put_comma(out);
    buf_printf(out, "{\"at\":\"%s\",\"action\":\"%s\",\"hash\":\"%s\"", at, deploy->action,
               deploy->hash);
    json_put_key(out, "version");
    json_put_cstr(out, deploy->version);
    json_put_key(out, "before");
    json_put_cstr(out, deploy->before);
    json_put_key(out, "actor");
    if (deploy->actor)
        id_text(deploy->actor, id);
    json_put_cstr(out, deploy->actor ? id : NULL);
    buf_printf(out, ",\"files\":%lld,\"bytes\":%lld,\"kept\":%s,\"active\":%s}",
               (long long)deploy->files, (long long)deploy->bytes,
               deploy->is_kept ? "true" : "false", is_active ? "true" : "false");
}

static enum err never_deployed(struct call *call, const char *plugin)
{
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"plugin\":");
    json_put_cstr(&args, plugin);
    buf_put_char(&args, '}');
    enum err e = admin_refuse(call, ERR_NOT_FOUND, "never_deployed",
                              arena_str(call->ctx->arena, buf_slice(&args)));
    buf_release(&args);
    return e;
}

enum err deploys_put(struct call *call, const char *plugin)
{
    struct ctx *ctx = call->ctx;
    struct deploy *all;
    int count;
    bool enabled;
    enum err e = deploy_list(ctx->tenant, ctx->arena, plugin, &all, &count);
    if (e)
        return e;
    if (!count)
        return never_deployed(call, plugin);
    const char *active = deploys_active(call, plugin, &enabled);
    page_open(call);
    if (!enabled)
        active = NULL;
    for (int i = 0; i < count && i < LIST_MAX; i++) {
        bool is_active = active && strcmp(all[i].hash, active) == 0;
        put_line(call, &all[i], is_active);
        if (is_active)
            active = NULL; /* the same files may have been taken before: the newest line is it */
    }
    page_close(call);
    return ERR_OK;
}

enum err deploys_list(struct call *call)
{
    return deploys_put(call, arena_str(call->ctx->arena, call_param(call, 0)));
}

/* The one that the beginning of a hash names; without one, what was active before this. */
static enum err find_line(struct call *call, const char *plugin, const char *wanted,
                          const struct deploy **out)
{
    struct ctx *ctx = call->ctx;
    struct deploy *all;
    int count;
    enum err e = deploy_list(ctx->tenant, ctx->arena, plugin, &all, &count);
    if (e || !count)
        return e ? e : never_deployed(call, plugin);
    const char *active = deploys_active(call, plugin, NULL);
    const struct deploy *found = NULL;
    for (int i = 0; i < count; i++) {
        bool is_active = active && strcmp(all[i].hash, active) == 0;
        bool is_meant = wanted ? strncmp(all[i].hash, wanted, strlen(wanted)) == 0 : !is_active;
        if (!is_meant || !all[i].is_kept)
            continue;
        if (found && strcmp(found->hash, all[i].hash) != 0 && wanted)
            return err_field(&ctx->err, "hash", "hash_ambiguous", NULL);
        found = found ? found : &all[i];
    }
    if (!found)
        return err_field(&ctx->err, "hash", wanted ? "no_deploy" : "nothing_before", NULL);
    *out = found;
    return ERR_OK;
}

static const char *read_hash(struct call *call)
{
    const char *hash = body_text(call, "hash", PACK_HASH_LEN);
    if (hash && strlen(hash) < DEPLOY_HASH_MIN)
        body_bad(call, "hash", "too_short", "\"min\":%d", DEPLOY_HASH_MIN);
    return hash;
}

enum err deploys_back(struct call *call, const char *plugin)
{
    struct ctx *ctx = call->ctx;
    struct deploying *d = arena_make(ctx->arena, struct deploying);
    const struct deploy *back = NULL;
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, (const char *const[]){"hash", NULL});
    if (e)
        return e;
    const char *hash = read_hash(call);
    e = body_done(call);
    if (!e)
        e = find_line(call, plugin, hash, &back);
    if (e)
        return e;
    d->line = (struct deploy){
        .plugin = back->plugin, .hash = back->hash, .version = back->version, .bytes = back->bytes};
    plan(call, d, "rollback");
    d->line.files = back->files;
    e = activate_run(call, &d->activation);
    if (!e)
        put_answer(call, d, true);
    buf_release(&d->warnings);
    return e;
}

enum err deploys_rollback(struct call *call)
{
    return deploys_back(call, arena_str(call->ctx->arena, call_param(call, 0)));
}
