/* preview - see preview.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/preview.h"

#include "api/routes.h"
#include "base/id.h"

#define HEADER "x-perigee-preview"

/* Whose place it is: who asks, or the user behind the '@'. */
static enum err base_of(struct call *call, struct slice user, const struct actor **out)
{
    struct ctx *ctx = call->ctx;
    int64_t id;
    *out = ctx->actor;
    if (!user.len)
        return ERR_OK;
    return id_parse(user, &id) ? actor_load(ctx->tenant, id, out) : ERR_NOT_FOUND;
}

enum err preview_take(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct slice user = slice_trim(req_header(call->req, HEADER));
    const struct role *role = NULL;
    const struct actor *base;
    if (!user.len || !ctx->actor)
        return ERR_OK;
    if (!actor_may_admin(ctx->actor, "roles"))
        return ERR_FORBIDDEN;
    if (!(call->route->flags & ROUTE_PREVIEW))
        return err_say(&ctx->err, ERR_FORBIDDEN, "preview_reads_only", "@error.preview_reads_only");
    struct slice name = slice_split(&user, '@');
    enum err e = actor_role(ctx->tenant, arena_str(ctx->arena, name), &role);
    if (!e)
        e = role ? base_of(call, user, &base) : ERR_NOT_FOUND;
    if (!e)
        ctx->actor = actor_for_preview(ctx->arena, ctx->actor, base, role);
    return e;
}
