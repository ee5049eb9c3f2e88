/* meta - the merged model as clients see it: entities, fields, views, actions, menus, texts, OpenAPI.
 *
 * Permission-filtered: what the actor may not see is not there.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"

MUST_USE enum err meta_all(struct ctx *ctx, struct buf *out);
MUST_USE enum err meta_entity(struct ctx *ctx, const struct entity *entity, struct buf *out);
/* GET /boot: user, tenant, permissions, menu, versions. */
MUST_USE enum err meta_boot(struct ctx *ctx, struct buf *out);
void meta_texts(const struct model *model, enum lang lang, struct buf *out);
MUST_USE enum err meta_openapi(struct ctx *ctx, struct buf *out);
