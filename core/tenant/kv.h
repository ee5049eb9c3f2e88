/* kv - small values that plugins keep by key, each plugin for itself; table `kv`.
 *
 * Part of the transaction that is open. A value that has expired is not there, whether it has been
 * swept or not.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "tenant/ctx.h"

/* NULL when there is none. */
MUST_USE enum err kv_get(struct ctx *ctx, const char *plugin, const char *key,
                         const struct json **out);
/* In a write transaction. expires_at_ms 0 = never. ERR_TOO_LARGE: key, value, or more than
 * KV_KEYS_MAX keys of this plugin. */
MUST_USE enum err kv_put(struct ctx *ctx, const char *plugin, const char *key,
                         const struct json *value, int64_t expires_at_ms);
/* In a write transaction; *was_there may be NULL. */
MUST_USE enum err kv_delete(struct ctx *ctx, const char *plugin, const char *key, bool *was_there);
/* In a write transaction: adds to a whole number, which stands at 0 where there is none, and gives
 * the new one. The time it expires at is set with the first. ERR_CONFLICT: something else is kept
 * there; ERR_TOO_LARGE beyond 64 bits. */
MUST_USE enum err kv_add(struct ctx *ctx, const char *plugin, const char *key, int64_t by,
                         int64_t expires_at_ms, int64_t *out);
/* Keys that begin with prefix, in order, at most KV_LIST_MAX behind `after` (NULL: from the first);
 * false stops. */
typedef bool (*kv_list_cb)(void *arg, const char *key, const struct json *value);
MUST_USE enum err kv_list(struct ctx *ctx, const char *plugin, const char *prefix,
                          const char *after, kv_list_cb cb, void *arg);
/* In a write transaction: removes what has expired. */
MUST_USE enum err kv_sweep(struct tenant *tenant, int64_t now_ms);
