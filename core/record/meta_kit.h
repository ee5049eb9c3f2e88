/* meta_kit - what the files of the metadata share; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/meta.h"
#include "record/rights.h"

/* Is the action granted on some rows? Leaves ctx->err as it is. */
bool meta_sees_entity(struct ctx *ctx, const struct entity *entity, enum role_action action);
/* The most any role gives for that action; hidden fields: none. */
enum role_access meta_access(struct ctx *ctx, const struct entity *entity,
                             const struct field *field, enum role_action action);
const char *meta_label(struct ctx *ctx, const struct field *field);
/* A list of an entity's views (NULL: of those without entity but the menu), cut by rights, texts
 * put. */
void meta_put_views(struct ctx *ctx, const struct entity *entity, struct buf *out);
/* Items of every menu that lead somewhere the actor may go. */
void meta_put_menu(struct ctx *ctx, struct buf *out);
/* Paths of plugins' routes, as the setting "plugin_routes" keeps them, each behind a comma. */
MUST_USE enum err meta_put_routes(struct ctx *ctx, struct buf *out);
/* ,"parameters":[…] of every {name} in a path. */
void meta_put_parameters(const char *path, struct buf *out);

/* What any operation may answer besides. */
#define META_DEFAULT_ANSWER                                                                        \
    "\"default\":{\"description\":\"Refused\",\"content\":{\"application/json\":{\"schema\":{"     \
    "\"$ref\":\"#/components/schemas/Error\"}}}}"
