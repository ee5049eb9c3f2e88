/* meta - the merged model as clients see it: entities, fields, views, actions, menus, texts,
 * OpenAPI.
 *
 * Permission-filtered: what the actor may not see is not there.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"

MUST_USE enum err meta_all(struct ctx *ctx, struct buf *out);
/* Every entity as a name, a label and what may be done with it: for choosing one. */
MUST_USE enum err meta_brief(struct ctx *ctx, struct buf *out);
/* ERR_NOT_FOUND when the actor may not read it. */
MUST_USE enum err meta_entity(struct ctx *ctx, const struct entity *entity, struct buf *out);
/* [menus and dashboards], for who administers them: every one as declared, texts put. */
void meta_global(struct ctx *ctx, struct buf *out);
/* GET /boot: user, tenant, permissions, menu, versions. */
MUST_USE enum err meta_boot(struct ctx *ctx, struct buf *out);
/* {"plugin:key": text, …}; what the language lacks comes in the other. */
void meta_texts(const struct model *model, enum lang lang, struct buf *out);
/* OpenAPI 3.0.3 of the tenant's records, and of the paths set below. */
MUST_USE enum err meta_openapi(struct ctx *ctx, struct buf *out);
/* Paths that do not depend on the model ("/sessions", without /api/v1), set once at start; rows of
 * one path side by side, methods in small letters. Borrowed for ever. */
struct meta_path {
    const char *path, *method, *summary;
};
void meta_openapi_paths(const struct meta_path *paths, int count);
