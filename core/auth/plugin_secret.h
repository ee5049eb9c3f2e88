/* plugin_secret - settings of type "secret": kept sealed in a plugin's configuration.
 *
 * In table plugin such a setting is {"sealed": "…"}; nobody is told its value again. Scripts get a
 * handle that only the core can open, for signing and for calls to other systems.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "tenant/ctx.h"

/* In a write turn: what is stored for a value; in the arena. */
MUST_USE enum err plugin_secret_seal(struct ctx *ctx, const char *plugin, const char *name,
                                     struct slice value, const struct json **out);
bool plugin_secret_is_sealed(const struct json *stored);
/* Appends the value. ERR_NOT_FOUND when the setting is not set, ERR_KEYS_LOCKED, and on gateways
 * ERR_TIMEOUT. */
MUST_USE enum err plugin_secret_open(struct ctx *ctx, const char *plugin, const char *name,
                                     struct buf *out);
/* In a write turn: seals by the newest key what an older one sealed; also what lies there in plain
 * from before secrets were sealed. `is_secret` says of which settings that is true. */
typedef bool (*plugin_secret_cb)(void *arg, const char *plugin, struct slice name);
MUST_USE enum err plugin_secret_reseal(struct ctx *ctx, plugin_secret_cb is_secret, void *arg);
