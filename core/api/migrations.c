/* migrations - see migrations.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/migrations.h"

#include "api/keep.h"
#include "base/id.h"
#include "base/log.h"
#include "record/record.h"
#include "script/migrate.h"
#include "store/query.h"

struct running {
    struct ctx *ctx;
    struct migrate *migrate;
    const struct plugin *plugin;
    struct migration *migration;
    const char *why;
    int taken; /* records of this batch */
};

/* --- which -------------------------------------------------------------------------------------
 */

static bool is_changed(const struct plugin *plugin, const struct model_change *changes, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(changes[i].id, plugin->id) == 0)
            return changes[i].enabled;
    return false;
}

enum err migrations_wait(struct tenant *tenant, struct arena *arena, const struct model *model,
                         const struct model_change *changes, int count, bool *out)
{
    *out = false;
    for (int i = 0; i < model->plugins_count; i++) {
        struct migration *all = NULL;
        int found = 0;
        const char *why = NULL;
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken || !is_changed(plugin, changes, count))
            continue;
        enum err e = migration_list(tenant, arena, plugin, &all, &found, &why);
        if (e)
            return e;
        for (int k = 0; k < found; k++)
            *out = *out || !migration_is_done(&all[k]);
    }
    return ERR_OK;
}

/* --- one transaction ----------------------------------------------------------------------------
 */

static const char *complaint(struct running *r, enum err e, int64_t id)
{
    struct ctx *ctx = r->ctx;
    char text[ID_TEXT_LEN + 1];
    const struct err_field *first = ctx->err.first;
    id_text(id, text);
    return arena_printf(ctx->arena, "%s/migrations/%s.lua: %s %s: %s%s%s", r->plugin->id,
                        r->migration->name, migrate_entity(r->migrate)->name, text,
                        first ? first->field : err_text(e, LANG_EN), first ? ": " : "",
                        first ? first->code : "");
}

static enum err one_row(struct running *r, int64_t id)
{
    struct ctx *ctx = r->ctx;
    struct record *record;
    enum err e = record_load(ctx, migrate_entity(r->migrate), id, ROLE_UPDATE, &record);
    if (!e)
        e = migrate_row(r->migrate, ctx, record, &r->why);
    if (!e)
        e = record_save(ctx, record, 0);
    if (e && !r->why)
        r->why = complaint(r, e, id);
    return e;
}

struct ids {
    int64_t at[MIGRATION_BATCH_ROWS];
    int count;
};

static bool take_id(void *arg, const struct store_row *row)
{
    struct ids *ids = arg;
    ids->at[ids->count++] = store_row_int(row, 0);
    return ids->count < MIGRATION_BATCH_ROWS;
}

static enum err one_batch(struct running *r)
{
    static const struct query_column columns[] = {{.column = {0, "id"}}};
    static const struct query_order order[] = {{.column = {0, "id"}}};
    struct arena *arena = r->ctx->arena;
    struct ids ids = {.count = 0};
    const struct query query = {
        .table = migrate_entity(r->migrate)->table,
        .select = columns,
        .select_count = 1,
        .where = expr_and(arena, expr_cmp(arena, EXPR_NULL, "deleted_at", value_null()),
                          expr_cmp(arena, EXPR_GT, "id", value_int(r->migration->cursor))),
        .order = order,
        .order_count = 1,
        .limit = MIGRATION_BATCH_ROWS};
    enum err e = store_read(r->ctx->tenant->store, &query, take_id, &ids);
    for (int i = 0; i < ids.count && !e; i++)
        e = one_row(r, ids.at[i]);
    if (e)
        return e;
    r->taken = ids.count;
    r->migration->rows += ids.count;
    if (ids.count)
        r->migration->cursor = ids.at[ids.count - 1];
    r->migration->state = ids.count == MIGRATION_BATCH_ROWS ? "running" : "done";
    return ERR_OK;
}

static enum err one_function(struct running *r)
{
    enum err e = migrate_up(r->migrate, r->ctx, &r->why);
    r->migration->state = "done";
    return e;
}

/* A batch or a function, with the line that remembers it, in one transaction. */
static enum err step(struct ctx *ctx, void *arg)
{
    struct running *r = arg;
    struct migration before = *r->migration;
    struct unit unit;
    bool as_system = ctx->as_system;
    ctx->as_system = true;
    unit_begin(ctx, &unit, NULL);
    enum err e = migrate_entity(r->migrate) ? one_batch(r) : one_function(r);
    unit_end(ctx);
    ctx->as_system = as_system;
    if (!e)
        e = migration_put(ctx->tenant, r->plugin, r->migration);
    if (e)
        *r->migration = before;
    return e;
}

/* --- one migration, one plugin ------------------------------------------------------------------
 */

/* Each step has an arena of its own: a table may be long. */
static enum err one_migration(struct app *app, struct ctx *ctx, const struct model *model,
                              const struct plugin *plugin, struct migration *migration,
                              const char **why)
{
    struct running r = {.plugin = plugin, .migration = migration, .ctx = ctx};
    enum err e = migrate_open(ctx, model, plugin, migration->name, &r.migrate, why);
    if (e)
        return e;
    struct arena *outer = ctx->arena;
    bool more = true;
    while (more && !e) {
        struct arena *arena = arena_new();
        ctx->arena = arena;
        e = app_write(app, ctx, step, &r);
        ctx->arena = outer;
        if (e)
            *why = arena_strdup(outer, r.why ? r.why : err_text(e, LANG_EN));
        if (e)
            err_info_clear(&ctx->err);
        arena_free(arena);
        more = !e && !migration_is_done(migration);
    }
    migrate_close(r.migrate);
    return e;
}

static enum err run_plugin(struct app *app, struct ctx *ctx, const struct model *model,
                           const struct plugin *plugin, struct migrations_run *run,
                           const char **why)
{
    struct migration *all = NULL;
    int count = 0;
    enum err e = migration_list(ctx->tenant, ctx->arena, plugin, &all, &count, why);
    for (int i = 0; i < count && !e; i++) {
        int64_t before = all[i].rows;
        if (migration_is_done(&all[i]))
            continue;
        e = one_migration(app, ctx, model, plugin, &all[i], why);
        run->rows += all[i].rows - before;
        if (e)
            break;
        run->count++;
        buf_printf(&run->names, "%s\"%s/migrations/%s\"", run->names.len ? "," : "", plugin->id,
                   all[i].name);
        log_info("tenant %s: %s/migrations/%s has run", ctx->tenant->name, plugin->id, all[i].name);
    }
    return e;
}

enum err migrations_run(struct app *app, struct ctx *ctx, const struct model *model,
                        const struct model_change *changes, int count, struct migrations_run *run,
                        const char **why)
{
    ASSERT(app && ctx && model);
    ASSERT(!store_in_tx(ctx->tenant->store));
    bool waits = false;
    struct keep_info info;
    enum err e = migrations_wait(ctx->tenant, ctx->arena, model, changes, count, &waits);
    if (e || !waits)
        return e;
    char id[ID_TEXT_LEN + 1]; /* two runs may begin within the second that names a backup */
    id_text(id_next(), id);
    const char *dir =
        tenant_path(ctx->tenant, ctx->arena, "backups", arena_printf(ctx->arena, "upgrade-%s", id));
    e = keep_write(ctx->tenant, ctx->arena, dir, SLICE(""), &run->backup, &info, why);
    for (int i = 0; i < model->plugins_count && !e; i++)
        if (!model->plugins[i]->broken && is_changed(model->plugins[i], changes, count))
            e = run_plugin(app, ctx, model, model->plugins[i], run, why);
    return e;
}
