/* migration - which of a plugin's migrations a tenant has behind it.
 *
 * A plugin's folder migrations/ holds NNN_<what>.lua, run in the order of their numbers, each once
 * for each tenant; table `migration` remembers. A tenant that enables a plugin for the first time
 * has nothing to migrate: all that are there then count as done. A plugin that has some before it
 * is left out of the model until they have run, because its code expects what they make.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/plugin.h"
#include "tenant/tenant.h"

struct migration {
    int64_t no;
    const char *name;     /* "002_split_name" */
    const char *state;    /* NULL: not begun; running; done */
    int64_t rows, cursor; /* a back-fill: rows gone through, id of the last */
};

/* All of a plugin in order. ERR_MALFORMED for a name without a number, or one number twice, with a
 * sentence "leads/migrations/x.lua: …". */
MUST_USE enum err migration_list(struct tenant *tenant, struct arena *arena,
                                 const struct plugin *plugin, struct migration **out, int *count,
                                 const char **why);
bool migration_is_done(const struct migration *migration);
/* In a write turn. */
MUST_USE enum err migration_put(struct tenant *tenant, const struct plugin *plugin,
                                const struct migration *migration);
/* In a write turn: all of a plugin that is enabled for the first time count as done. */
MUST_USE enum err migration_skip(struct tenant *tenant, struct arena *arena,
                                 const struct plugin *plugin);
