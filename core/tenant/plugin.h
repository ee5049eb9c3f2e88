/* plugin - what a plugin folder declares: manifest, files, order. Data only; no Lua runs here.
 *
 * Product plugins live in <home>/plugins/<id>/, a tenant's bundles in its custom/ folder. Manifests
 * are checked against schemas/plugin.schema.json. Sentences name "<folder>/plugin.json:line".
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum plugin_layer { PLUGIN_PRODUCT, PLUGIN_INDUSTRY, PLUGIN_TENANT };

struct plugin {
    const char *id, *version, *title, *folder; /* folder absolute; title may be a key "@title" */
    enum plugin_layer layer;
    const struct json *manifest; /* NULL when it could not be read */
    int order;                   /* place in load order, from 0 */
    const char *broken; /* why it is not active ("leads/entities/lead.json:14: …"), or NULL */
    const char *breaks; /* what was found until now where all that breaks is asked for; lines */
};

/* Reads one folder's manifest. On failure *why names file:line. */
MUST_USE enum err plugin_read(struct arena *arena, const char *home, const char *folder,
                              enum plugin_layer layer, struct plugin **out, const char **why);
/* Every product and industry plugin below home, by id. One whose manifest does not fit is there
 * with `broken` set; the call fails only when home itself cannot be read. */
MUST_USE enum err plugin_list(struct arena *arena, const char *home, struct plugin ***out,
                              int *count, const char **why);
/* Order by requires (and optional, where present), ties by layer then id; the array is rearranged,
 * broken ones last. A cycle, a missing or wrong version, an id that is there twice marks that
 * plugin (and those that need it) broken; the rest stay. */
void plugin_order(struct arena *arena, struct plugin **plugins, int count);
/* "1.2.3" against "^1", "^0.3.1", "~1.2", ">=1.0.0 <2", "1.2.3", "1.2", "*"; conditions side by
 * side must all hold. Caret: the leftmost part that is not 0 stays. false for what is no version or
 * range. */
bool plugin_version_fits(const char *version, const char *range);
bool plugin_range_is_valid(const char *range);
/* Files of a sub-folder ("entities") by name, ending in .json; none when the folder is not there.
 */
MUST_USE enum err plugin_files(struct arena *arena, const struct plugin *plugin, const char *sub,
                               const char ***paths, int *count);
