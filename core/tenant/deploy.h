/* deploy - a tenant's own bundles as they lie in its folder, and the history of what was active.
 *
 * Each deploy is kept as custom/<plugin>/<hash>/ and never changes; the row of table `plugin` says
 * which one is active. Going back is another pointer. Of each bundle the newest DEPLOYS_KEPT stay,
 * and the active one; the history tells of all.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/pack.h"
#include "tenant/tenant.h"

struct deploy {
    int64_t id, at_ms, actor; /* actor 0: the operator */
    const char *plugin, *hash, *version;
    const char *action; /* deploy, rollback, publish */
    const char *before; /* hash that was active until then, or NULL */
    int64_t bytes, files;
    bool is_kept; /* its files are still there */
};

/* custom/<plugin>/<hash> of the tenant, in the arena. Both are checked by the caller. */
const char *deploy_folder(const struct tenant *tenant, struct arena *arena, const char *plugin,
                          const char *hash);
/* Writes the files of a pack where they belong, unless they are there; *fresh: they were not. */
MUST_USE enum err deploy_keep(struct tenant *tenant, struct arena *arena, const char *plugin,
                              const struct pack *pack, bool *fresh);
bool deploy_is_kept(const struct tenant *tenant, struct arena *arena, const char *plugin,
                    const char *hash);
/* Takes back what deploy_keep has just written. */
void deploy_drop(struct tenant *tenant, struct arena *arena, const char *plugin, const char *hash);
/* In a write turn: one line of history; id and time are set. */
MUST_USE enum err deploy_put(struct tenant *tenant, struct deploy *deploy);
/* The history of one bundle, newest first. */
MUST_USE enum err deploy_list(struct tenant *tenant, struct arena *arena, const char *plugin,
                              struct deploy **out, int *count);
/* Removes the files of old deploys; `active` stays whatever its age. */
MUST_USE enum err deploy_prune(struct tenant *tenant, struct arena *arena, const char *plugin,
                               const char *active);
