/* pluginset - every plugin the company has or could have, and what it has set.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "tenant/plugin.h"

struct pluginset {
    struct plugin **items; /* the product's by id, then the company's own bundles */
    int count;
    struct tenant_plugin *rows; /* as stored */
    int rows_count;
};

MUST_USE enum err pluginset_read(struct call *call, struct pluginset *out);
/* NULL if there is none of that id. */
const struct plugin *pluginset_find(const struct pluginset *set, struct slice id);
/* Reads them and finds the one that the path names first: ERR_NOT_FOUND with a sentence, and the
 * nearest name. */
MUST_USE enum err pluginset_asked(struct call *call, struct pluginset *set,
                                  const struct plugin **out);
/* core always is. */
bool pluginset_is_enabled(const struct pluginset *set, struct slice id);
/* What is stored for it; NULL if nothing. */
const struct json *pluginset_config(const struct pluginset *set, struct slice id);
/* What table plugin says of its version: of a bundle the deploy that is active, not its manifest's.
 */
const char *pluginset_version(const struct pluginset *set, const struct plugin *plugin);
/* Does its manifest require that plugin? */
bool pluginset_needs(const struct plugin *plugin, struct slice id);
/* Why it is not active; NULL when it is, or could be. */
const char *pluginset_why(const struct call *call, const struct plugin *plugin);
/* Had its code to be stopped together with its process? (tenant/quarantine.h) */
bool pluginset_is_aside(const struct call *call, const struct plugin *plugin);
/* A text of its manifest in the language of the request, also when it is not enabled. */
const char *pluginset_text(const struct call *call, const struct plugin *plugin, const char *key);
