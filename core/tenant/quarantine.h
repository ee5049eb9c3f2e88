/* quarantine - code of a plugin that had to be stopped together with its process.
 *
 * A mark is a file of the tenant's folder, quarantine/<plugin>@<hash>.json, written by the
 * supervisor before it kills: it must not need the process that is killed, and it must be there
 * when that process comes back. It names the code by its hash, so other code of the same plugin is
 * not meant. Script VMs look when they are made; what is set aside fails closed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct quarantine {
    const char *plugin, *hash;
    bool is_loading; /* it hung while its files were loaded: not even that is tried again */
    int64_t at_ms;
};

/* Written and synced; a mark of the same code that is there is replaced. ERR_MALFORMED for names
 * that are none, ERR_NOT_FOUND without such a tenant. `data` is the data folder. */
MUST_USE enum err quarantine_put(const char *data, const char *tenant,
                                 const struct quarantine *mark);
/* The mark of that code below the tenant's folder, NULL without one. */
MUST_USE enum err quarantine_get(struct arena *arena, const char *folder, const char *plugin,
                                 const char *hash, const struct quarantine **out);
/* All marks below the tenant's folder that are newer than that time, none where there are none. */
MUST_USE enum err quarantine_list(struct arena *arena, const char *folder, int64_t after_ms,
                                  const struct quarantine ***out, int *count);
/* Removes every mark of the plugin; ERR_NOT_FOUND without one. */
MUST_USE enum err quarantine_release(const char *folder, const char *plugin);
