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
 * tells where other bundles lie. Not inside a transaction.
 *
 * With park NULL it blocks for as long as the tests take. Else it begins them, sets *park and gives
 * ERR_BUSY: the caller goes away, does something else, and asks again in the same way, from the
 * beginning, when bundle_tests_look has said that something is over. One run of each tenant at a
 * time, BUNDLE_TESTS_AT_ONCE of all; who finds no place asks again likewise. */
MUST_USE enum err bundle_tests(struct ctx *ctx, const char *home, const struct model *model,
                               const struct plugin *plugin, bool *park, const char **why);
/* Hears what runs; true: some of it is over since the last look. What nobody asks for again is
 * forgotten. */
bool bundle_tests_look(void);
bool bundle_tests_any(void); /* is there anything to look at? */
/* Ends whatever runs. */
void bundle_tests_stop(void);
