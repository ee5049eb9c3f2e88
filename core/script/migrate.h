/* migrate - runs one file of a plugin's migrations, in a VM beside the tenant's.
 *
 *   return { up = function(ctx) … end }
 *   return { each = "lead", row = function(lead, ctx) return { full_name = … } end }
 *
 * `up` runs once, in one transaction. `row` is asked of each record, and what it returns is set;
 * nil leaves the record as it is. The core goes through them in batches and remembers how far it
 * came. Rights are not asked and no handlers run: it is the plugin's own data that moves.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm.h"

struct migrate;

/* Loads the model's scripts and the file "002_split" of the plugin. ctx->model stays `model` until
 * migrate_close. ERR_PLUGIN with a sentence that begins with file:line, in ctx's arena. */
MUST_USE enum err migrate_open(struct ctx *ctx, const struct model *model,
                               const struct plugin *plugin, const char *name, struct migrate **out,
                               const char **why);
void migrate_close(struct migrate *migrate);
/* Whose records are asked for; NULL: it is one function. */
const struct entity *migrate_entity(const struct migrate *migrate);
/* Inside a write transaction and a unit. Errors are ERR_PLUGIN with *why, or the core's. */
MUST_USE enum err migrate_up(struct migrate *migrate, struct ctx *ctx, const char **why);
/* Sets what the function returns for this record; saving is the caller's. */
MUST_USE enum err migrate_row(struct migrate *migrate, struct ctx *ctx, struct record *record,
                              const char **why);
