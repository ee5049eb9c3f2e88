/* bundle_tests - a company's bundle proves itself: its own tests run before it is switched to.
 *
 * They run as `perigee plugin test` runs them: in a throw-away tenant of what the bundle requires
 * and what its fixtures name, in a process of their own with bounds (api/apart.h), so that tests
 * that hang or hog cost nothing but their time. What passed at the author's passes here.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"

/* ERR_OK: all pass, there are none, or it is no company's. ERR_PLUGIN with a sentence that names
 * each case that fails, with file:line, in ctx's arena. `model` is what the bundle would run in: it
 * tells where other bundles lie. Blocks for as long as the tests take; not inside a transaction. */
MUST_USE enum err bundle_tests(struct ctx *ctx, const char *home, const struct model *model,
                               const struct plugin *plugin, const char **why);
