/* plugin - what a plugin folder declares: manifest, files, order. Data only; no Lua runs here.
 *
 * Product plugins live in <home>/plugins/<id>/, a tenant's bundles in its custom/ folder. Manifests
 * are checked against schemas/plugin.schema.json.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum plugin_layer { PLUGIN_PRODUCT, PLUGIN_INDUSTRY, PLUGIN_TENANT };

struct plugin {
    const char *id, *version, *title, *folder; /* folder absolute */
    enum plugin_layer layer;
    const struct json *manifest;
    int order;              /* place in load order, from 0 */
    const char *broken;     /* why it is not active ("leads/entities/lead.json:14: …"), or NULL */
};

/* Reads one folder's manifest. On failure *why names file:line. */
MUST_USE enum err plugin_read(struct arena *arena, const char *home, const char *folder,
                              enum plugin_layer layer, struct plugin **out, const char **why);
/* Every product plugin below home, by id. */
MUST_USE enum err plugin_list(struct arena *arena, const char *home, struct plugin ***out,
                              int *count, const char **why);
/* Order by requires, ties by layer then id. A cycle, a missing or wrong version marks that plugin
 * (and those that need it) broken; the rest stay. */
void plugin_order(struct arena *arena, struct plugin **plugins, int count);
/* "^1", "^1.2", ">=1.0.0" against "1.2.3". */
bool plugin_version_fits(const char *version, const char *range);
/* Files of a sub-folder ("entities") by name, ending in .json. */
MUST_USE enum err plugin_files(struct arena *arena, const struct plugin *plugin, const char *sub,
                               const char ***paths, int *count);
