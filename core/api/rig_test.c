/* rig_test - runs a plugin's tests in a rig, each case in a fresh copy of its store.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <unistd.h>

#include "api/call.h"
#include "api/host.h"
#include "api/jobs.h"
#include "api/jobs_in.h"
#include "api/rig_in.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "hook/outbox.h"
#include "hook/post.h"
#include "record/letter.h"
#include "store/query.h"
#include "tenant/folder.h"

#define MAIL_LATER_MS (100LL * 365 * 86400000) /* letters stay: nobody sends them */

/* --- what a case is lent ------------------------------------------------------------------------
 */

static enum err host_write(const struct vm_host *host, struct ctx *ctx,
                           enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct vm_host own = host_of(host->user);
    return own.write(&own, ctx, fn, arg);
}

static enum err host_user(struct trial_host *host, struct ctx *ctx, const struct json *spec,
                          int64_t *id)
{
    (void)host;
    return rig_user(ctx, spec, id);
}

static enum err host_act_as(struct trial_host *host, struct ctx *ctx, const char *login)
{
    int64_t id = 0;
    (void)host;
    enum err e = tenant_refresh(ctx->tenant);
    if (!e)
        e = actor_by_login(ctx->tenant, slice_str(login), &id);
    return e ? e : actor_load(ctx->tenant, id, &ctx->actor);
}

static const struct expr *is_queue(struct arena *arena, const char *queue)
{
    return expr_cmp(arena, EXPR_EQ, "queue", value_text(slice_str(queue)));
}

static enum err put_mail_off(struct ctx *ctx, void *arg)
{
    (void)arg;
    struct store_set set = {"run_at", value_int(ctx->now_ms + MAIL_LATER_MS), false};
    return store_update(ctx->tenant->store, "job", is_queue(ctx->arena, POST_QUEUE), &set, 1, NULL,
                        NULL);
}

struct rows {
    struct arena *arena;
    struct json *list;
};

static bool take_failed(void *arg, const struct store_row *row)
{
    struct rows *rows = arg;
    const struct json *result = NULL;
    struct slice text = arena_slice(rows->arena, store_row_bytes(row, 1));
    if (json_parse(rows->arena, text, &result, NULL))
        result = NULL;
    const char *why = json_cstr(result, "reason", json_cstr(result, "error", NULL));
    struct slice said = why ? slice_str(why) : text;
    json_add(rows->arena, rows->list, NULL, json_new_str(rows->arena, said));
    return true;
}

/* Those that were tried and are not done. */
static enum err read_failed(struct rig *rig, struct arena *arena, const struct json **out)
{
    struct query_column columns[] = {{.column = {0, "id"}}, {.column = {0, "result"}}};
    struct query_order order = {.column = {0, "id"}};
    struct query query = {
        .table = "job",
        .select = columns,
        .select_count = 2,
        .where = expr_and(arena, expr_cmp(arena, EXPR_GT, "tries", value_int(0)),
                          expr_cmp(arena, EXPR_NE, "state", value_text(SLICE("done")))),
        .order = &order,
        .order_count = 1};
    struct rows rows = {arena, json_new(arena, JSON_ARRAY)};
    *out = rows.list;
    return store_read(rig->tenant.store, &query, take_failed, &rows);
}

static enum err host_outbox(struct trial_host *host, int *done, const struct json **failed)
{
    struct rig *rig = host->user_data;
    enum err e = rig_write(rig, put_mail_off, NULL);
    bool more = !e;
    while (more && !e) {
        int64_t next_ms = 0;
        struct arena *arena = arena_new();
        e = jobs_step(&rig->app, &rig->tenant, arena, &more, &next_ms);
        arena_free(arena);
        *done += more;
        if (*done > TRIAL_STEPS_MAX)
            return err_say(&rig->ctx.err, ERR_CONFLICT, NULL,
                           "the outbox does not come to an end: %d steps", TRIAL_STEPS_MAX);
        if (!e && more)
            e = rig_write(rig, put_mail_off, NULL);
    }
    return e ? e : read_failed(rig, rig->ctx.arena, failed);
}

/* --- letters --- */

static void add_text(struct arena *arena, struct json *letter, const char *key, struct slice text)
{
    if (text.len)
        json_add(arena, letter, key, json_new_str(arena, text));
}

static bool take_body(void *arg, const struct store_row *row)
{
    struct rows *rows = arg;
    const struct json *body = NULL;
    if (!json_parse(rows->arena, arena_slice(rows->arena, store_row_bytes(row, 1)), &body, NULL))
        json_add(rows->arena, rows->list, NULL, json_copy(rows->arena, body));
    return true;
}

/* As it would be sent. */
static enum err fill_in(struct ctx *ctx, struct json *letter)
{
    const char *name = json_cstr(letter, "template", NULL), *why = NULL;
    bool in_english = slice_is(json_str(letter, "lang", SLICE("")), "en");
    struct letter made;
    if (!name)
        return ERR_OK;
    enum err e = letter_make(ctx, "core", name, in_english ? LANG_EN : LANG_ZH,
                             json_get(letter, "data"), &made, &why);
    if (e)
        return err_say(&ctx->err, e, NULL, "%s", why);
    add_text(ctx->arena, letter, "subject", slice_str(made.subject ? made.subject : ""));
    add_text(ctx->arena, letter, "text", made.text);
    add_text(ctx->arena, letter, "html", made.html);
    return ERR_OK;
}

static enum err host_mails(struct trial_host *host, struct ctx *ctx, const struct json **out)
{
    (void)host;
    struct query_column columns[] = {{.column = {0, "id"}}, {.column = {0, "body"}}};
    struct query_order order = {.column = {0, "id"}};
    struct query query = {.table = "job",
                          .select = columns,
                          .select_count = 2,
                          .where = is_queue(ctx->arena, POST_QUEUE),
                          .order = &order,
                          .order_count = 1};
    struct rows rows = {ctx->arena, json_new(ctx->arena, JSON_ARRAY)};
    enum err e = store_read(ctx->tenant->store, &query, take_body, &rows);
    for (struct json *letter = rows.list->first; letter && !e; letter = letter->next)
        e = fill_in(ctx, letter);
    *out = rows.list;
    return e;
}

/* --- one case -----------------------------------------------------------------------------------
 */

/* What a case has left in memory goes, the model stays: it is the same in every copy. */
static void close_case(struct rig *rig)
{
    struct tenant *tenant = &rig->tenant;
    if (tenant->vm)
        tenant->vm_free(tenant->vm);
    if (tenant->cache)
        tenant->cache_free(tenant->cache);
    if (tenant->vault)
        tenant->vault_free(tenant->vault);
    tenant->vm = tenant->cache = tenant->vault = NULL;
    if (rig->template)
        store_close(tenant->store);
    else
        rig->template = tenant->store;
    tenant->store = NULL;
}

static enum err open_case(struct rig *rig)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    close_case(rig);
    const char *path = arena_printf(rig->arena, "%s/case.db", rig->tenant.folder);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (unlink(arena_printf(rig->arena, "%s%s", path, endings[i])) && errno != ENOENT)
            return folder_err(errno);
    enum err e = store_backup(rig->template, path);
    if (!e)
        e = store_open(path, STORE_OWNER, &rig->tenant.store);
    if (!e)
        e = tenant_refresh(&rig->tenant);
    clock_fix(RIG_START_MS);
    return e;
}

struct run {
    struct rig *rig;
    const char *file; /* "tests/level_test" */
    const struct rig_watcher *watcher;
    int count;
};

/* Opens the copy and loads the file; *trial NULL and the reason in *why when that fails. */
static enum err load_case(struct run *run, struct arena *arena, struct trial **trial,
                          const char **why)
{
    struct rig *rig = run->rig;
    const struct model *model = rig->ctx.model;
    struct vm *vm = NULL;
    enum err e = open_case(rig);
    ctx_init(&rig->ctx, arena);
    rig->ctx.tenant = &rig->tenant;
    rig->ctx.model = model;
    rig->ctx.as_system = true;
    rig->ctx.lang = LANG_EN;
    rig->ctx.source = CTX_API;
    if (e)
        return e;
    ASSERT(rig->tenant.header.model_version == model->version);
    e = vm_get(&rig->ctx, rig->spec.home, &vm);
    if (!e)
        e = trial_open(vm, &rig->ctx, rig->plugin, run->file, &rig->host, trial, why);
    if (e && !*why)
        *why = rig->ctx.err.detail ? rig->ctx.err.detail : err_text(e, LANG_EN);
    return e == ERR_PLUGIN ? ERR_OK : e;
}

/* The n-th case of the file; it is loaded anew for each. */
static enum err run_case(struct run *run, int n)
{
    struct arena *arena = arena_new();
    struct trial *trial = NULL;
    const struct rig_watcher *watcher = run->watcher;
    const char *why = NULL, *name = run->file;
    int64_t began_us = clock_mono_us();
    enum err e = load_case(run, arena, &trial, &why);
    run->count = trial ? trial_count(trial) : 0;
    bool is_there = !e && trial && n < run->count;
    if (is_there) {
        name = trial_case(trial, n)->name;
        if (watcher->begins)
            watcher->begins(watcher->arg, trial_case(trial, n)->where, name);
        if (!trial_run(trial, n, &why))
            why = NULL;
    }
    if (!e && (is_there || !trial))
        watcher->ended(watcher->arg, run->file, name, why, clock_mono_us() - began_us);
    close_case(run->rig);
    ctx_init(&run->rig->ctx, run->rig->arena);
    run->rig->ctx.tenant = &run->rig->tenant;
    run->rig->ctx.model = run->rig->tenant.model;
    arena_free(arena);
    return e;
}

static enum err run_file(struct run *run)
{
    enum err e = run_case(run, 0);
    for (int n = 1; n < run->count && !e; n++)
        e = run_case(run, n);
    return e;
}

enum err rig_test(struct rig *rig, const struct rig_watcher *watcher, const char **why)
{
    ASSERT(rig && rig->plugin && watcher->ended);
    struct arena *arena = rig->arena;
    const struct plugin *plugin = NULL;
    const char **names = NULL;
    int count = 0;
    for (int i = 0; i < rig->ctx.model->plugins_count; i++)
        if (strcmp(rig->ctx.model->plugins[i]->id, rig->plugin) == 0)
            plugin = rig->ctx.model->plugins[i];
    ASSERT(plugin);
    rig->host = (struct trial_host){.vm = {.write = host_write, .user = &rig->app},
                                    .user = host_user,
                                    .act_as = host_act_as,
                                    .outbox = host_outbox,
                                    .mails = host_mails,
                                    .user_data = rig};
    enum err e =
        folder_names(arena, arena_printf(arena, "%s/tests", plugin->folder), &names, &count);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (!e)
        e = jobs_script_sync(&rig->app, &rig->ctx);
    for (int i = 0; i < count && !e; i++) {
        struct slice name = slice_str(names[i]);
        if (!slice_ends(name, SLICE("_test.lua")))
            continue;
        struct run run = {.rig = rig, .watcher = watcher};
        run.file = arena_printf(arena, "tests/%.*s", (int)name.len - 4, name.at);
        e = run_file(&run);
    }
    if (e)
        *why = rig->ctx.err.detail ? rig->ctx.err.detail : err_text(e, LANG_EN);
    return e;
}
