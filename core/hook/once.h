/* once - keys of what has been done: kept in the same transaction as its effect.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

/* A plain read: has the plugin kept this key? */
MUST_USE enum err once_is_done(struct ctx *ctx, const char *plugin, const char *key, bool *out);
/* In a write transaction: from now on it has, for ONCE_KEEP_MS. */
MUST_USE enum err once_put(struct ctx *ctx, const char *plugin, const char *key);
