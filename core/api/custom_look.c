/* custom_look - an entity, or what belongs to none, without what is customized, as it is now, or
 * as the caller's draft has it: what the editors of fields, layouts, menus and dashboards begin
 * from.
 *
 *   GET /admin/customization/entities/lead?of=base | published | draft
 *   → {"entity": as in /meta, "fields": [{"plugin","name","hidden","declared"}],
 *      "views": [{"plugin","kind","name","body"}]}
 *   GET /admin/customization/views?of=…
 *   → {"views": [{"plugin","kind","name","body"}], "shown": the same with their texts}
 *
 * The model is built beside the one in use and dropped again. A draft that does not fit is told as
 * `validate` tells it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/custom_draft.h"
#include "api/deploys.h"
#include "api/handlers.h"
#include "record/meta.h"

/* What is told of a model: an entity of it, or what belongs to none. */
typedef enum err (*look_fn)(struct call *call, const struct model *model);

static void put_fields(const struct entity *entity, struct buf *out)
{
    buf_put_str(out, ",\"fields\":[");
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!field->declared || field->is_system)
            continue;
        json_put_comma(out);
        buf_put_str(out, "{\"plugin\":");
        json_put_cstr(out, field->plugin);
        json_put_key(out, "name");
        json_put_cstr(out, field->name);
        json_put_key(out, "hidden");
        json_put_bool(out, field->is_hidden);
        json_put_key(out, "declared");
        json_put(out, field->declared);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

/* Of no entity (NULL): menus and dashboards. */
static void put_views(const struct model *model, const struct entity *entity, struct buf *out)
{
    buf_put_str(out, ",\"views\":[");
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        bool belongs = entity ? view->entity && strcmp(view->entity, entity->name) == 0
                              : !view->entity && strcmp(view->kind, "event") != 0;
        if (!belongs)
            continue;
        json_put_comma(out);
        buf_put_str(out, "{\"plugin\":");
        json_put_cstr(out, view->plugin);
        json_put_key(out, "kind");
        json_put_cstr(out, view->kind);
        json_put_key(out, "name");
        json_put_cstr(out, view->name);
        json_put_key(out, "body");
        json_put(out, view->body);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

/* The area decides, not what the caller may read: it is there to change all of it. */
static enum err put_entity(struct call *call, const struct model *model)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    const struct model *before = ctx->model;
    const struct entity *entity = model_entity(model, call_param(call, 0));
    if (!entity)
        return ERR_NOT_FOUND;
    bool rights = admin_rights_take(call);
    ctx->model = model;
    buf_put_str(out, "{\"entity\":");
    enum err e = meta_entity(ctx, entity, out);
    ctx->model = before;
    admin_rights_give(call, rights);
    if (e)
        return e;
    put_fields(entity, out);
    put_views(model, entity, out);
    buf_put_char(out, '}');
    return ERR_OK;
}

static enum err put_global(struct call *call, const struct model *model)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    bool rights = admin_rights_take(call);
    const struct model *before = ctx->model;
    ctx->model = model;
    buf_put_str(out, "{\"shown\":");
    meta_global(ctx, out);
    ctx->model = before;
    admin_rights_give(call, rights);
    put_views(model, NULL, out);
    buf_put_char(out, '}');
    return ERR_OK;
}

static enum err with_change(struct call *call, const struct model_change *change, look_fn put)
{
    struct ctx *ctx = call->ctx;
    struct model *model = NULL;
    const char *why = NULL;
    enum err e = model_plan(ctx->tenant, call->app->config->home, false, change, 1, &model, &why);
    if (e) {
        ctx->err.detail = arena_strdup(ctx->arena, why);
        return e;
    }
    for (int i = 0; i < model->plugins_count && !e; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (change->enabled && plugin->broken && strcmp(plugin->id, CUSTOM_ID) == 0)
            e = err_say(&ctx->err, ERR_VALIDATION, "bundle_refused", "%s",
                        arena_strdup(ctx->arena, plugin->broken));
    }
    if (!e)
        e = put(call, model);
    model_free(model);
    return e;
}

static enum err of_draft(struct call *call, look_fn put)
{
    struct ctx *ctx = call->ctx;
    struct custom_draft draft;
    struct pack pack;
    const char *version;
    bool is_fresh;
    enum err e = custom_draft_read(call, &draft);
    if (e == ERR_NOT_FOUND)
        return put(call, ctx->model); /* no draft: it would change nothing */
    if (!e)
        e = custom_draft_pack(call, &draft, true, &pack, &version);
    if (!e)
        e = deploy_keep(ctx->tenant, ctx->arena, CUSTOM_ID, &pack, &is_fresh);
    if (e)
        return e;
    struct model_change change = {CUSTOM_ID, pack.hash, true};
    e = with_change(call, &change, put);
    if (is_fresh)
        deploy_drop(ctx->tenant, ctx->arena, CUSTOM_ID, pack.hash);
    return e;
}

static enum err look(struct call *call, look_fn put)
{
    struct slice of = req_query(call->req, "of");
    struct model_change none = {CUSTOM_ID, NULL, false};
    if (!of.at || slice_is(of, "published"))
        return put(call, call->ctx->model);
    if (slice_is(of, "draft"))
        return of_draft(call, put);
    if (!slice_is(of, "base"))
        return err_field(&call->ctx->err, "of", "unknown_value", NULL);
    bool is_there = deploys_active(call, CUSTOM_ID, NULL) != NULL;
    return is_there ? with_change(call, &none, put) : put(call, call->ctx->model);
}

enum err custom_entity(struct call *call)
{
    return look(call, put_entity);
}

enum err custom_views(struct call *call)
{
    return look(call, put_global);
}
