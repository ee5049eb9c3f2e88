/* meta - the model, the console's first call, texts and the OpenAPI document.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/meta.h"

#include "api/handlers.h"
#include "api/jobs.h"
#include "record/rights.h"

/* The answer depends on model, rights and language: one tag for all of it. */
static bool is_unchanged(struct call *call)
{
    const struct ctx *ctx = call->ctx;
    const struct tenant *tenant = ctx->tenant;
    if (ctx->actor && ctx->actor->within) { /* what a preview shows is nobody's to keep */
        resp_header(call->resp, "Cache-Control", "no-store");
        return false;
    }
    const char *tag = arena_printf(
        ctx->arena, "W/\"%016llx-%lld-%lld-%lld-%d\"", (unsigned long long)ctx->model->hash,
        (long long)tenant->header.model_version, (long long)tenant->header.auth_version,
        (long long)(ctx->actor ? ctx->actor->user : 0), (int)ctx->lang);
    resp_header(call->resp, "ETag", tag);
    resp_header(call->resp, "Cache-Control", "private, no-cache");
    if (!slice_is(req_header(call->req, "if-none-match"), tag))
        return false;
    call->resp->status = 304;
    return true;
}

enum err meta_get_boot(struct call *call)
{
    return meta_boot(call->ctx, &call->resp->body);
}

enum err meta_get_all(struct call *call)
{
    struct slice brief = req_query(call->req, "brief");
    if (brief.at && !slice_is(brief, "true") && !slice_is(brief, "false"))
        return err_field(&call->ctx->err, "brief", "not_a_bool", NULL);
    if (is_unchanged(call))
        return ERR_OK;
    return slice_is(brief, "true") ? meta_brief(call->ctx, &call->resp->body)
                                   : meta_all(call->ctx, &call->resp->body);
}

enum err meta_get_entity(struct call *call)
{
    const struct entity *entity;
    enum err e = call_entity(call, 0, &entity);
    if (!e && rights_action(call->ctx, entity, ROLE_READ))
        e = ERR_NOT_FOUND; /* what may not be read is not told apart from what is not there */
    if (e)
        return e;
    return is_unchanged(call) ? ERR_OK : meta_entity(call->ctx, entity, &call->resp->body);
}

/* /i18n/zh-CN/<hash>.json: immutable, because another text has another hash. */
enum err meta_get_texts(struct call *call)
{
    struct slice lang_name = call_param(call, 0), file = call_param(call, 1);
    enum lang lang = slice_is(lang_name, "zh-CN") ? LANG_ZH : LANG_EN;
    if (lang == LANG_EN && !slice_is(lang_name, "en"))
        return ERR_NOT_FOUND;
    const struct model *model = call->ctx->model;
    const char *want =
        arena_printf(call->ctx->arena, "%016llx.json", (unsigned long long)model->texts_hash[lang]);
    if (!slice_is(file, want))
        return ERR_NOT_FOUND;
    call->resp->is_immutable = true;
    meta_texts(model, lang, &call->resp->body);
    return ERR_OK;
}

/* What plugins answer themselves is known a moment after the model: until then no tag is given. */
static bool is_settled(struct call *call)
{
    bool is_known = false;
    return jobs_is_known(call->ctx->tenant, &is_known) == ERR_OK && is_known;
}

enum err meta_get_openapi(struct call *call)
{
    if (is_settled(call) && is_unchanged(call))
        return ERR_OK;
    return meta_openapi(call->ctx, &call->resp->body);
}
