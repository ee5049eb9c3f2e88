/* lint - slips in a plugin's Lua files and words that can be known without running a record.
 *
 * The scripts are loaded first, so which function is bound to which entity is a fact and no guess.
 * Then the files are read as tokens: a field of `ev.record`, of a record that was just read, of a
 * table that is inserted or asked for; entities, events, settings, keys of texts, capabilities.
 * What cannot be told for sure is passed over. Globals are read from the compiled code.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm.h"

/* `text` is a sentence that begins with file:line where there is one. */
typedef void (*lint_cb)(void *arg, const char *text);

/* Judges one plugin of a model that is not in use elsewhere. ERR_PLUGIN with *why when its scripts
 * do not load. Not inside a unit. */
MUST_USE enum err lint_plugin(struct ctx *ctx, const struct model *model,
                              const struct plugin *plugin, lint_cb tell, void *arg,
                              const char **why);
/* Everything of the tenant's bundles that does not work with this model: what their scripts
 * register wrongly, what keeps a script (of any plugin) from loading, fields and entities that
 * their files name and nobody has. What a bundle gets wrong by itself, its texts and the like, is
 * not told. ERR_PLUGIN with *why when a script had to be ended: the rest is not known then. */
typedef void (*lint_break_cb)(void *arg, const struct plugin *plugin, const char *text);
MUST_USE enum err lint_breaks(struct ctx *ctx, const struct model *model, lint_break_cb tell,
                              void *arg, const char **why);
/* Only the texts: what its i18n/ has in one language and lacks in another, and keys that its files
 * name and nobody has. Runs nothing. An error with *why when its folder cannot be read. */
MUST_USE enum err lint_texts(struct ctx *ctx, const struct model *model,
                             const struct plugin *plugin, lint_cb tell, void *arg,
                             const char **why);
