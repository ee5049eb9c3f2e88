/* upgrade - what a new release does to a tenant: its migrations, and what of the tenant's own would
 * not fit any more.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Tries a release on the copy of a tenant that a backup is: its model, the scripts of every plugin
 * one after another, its migrations, the tests of its bundles. `out` gets JSON:
 * {"tenant","migrations":[…],"rows","broken":
 * [{"plugin","layer","why","before":true}]}: "before" where it was so in the release that serves,
 * whose home is `before`; NULL, or the same home: nothing is known of that. Patches whose anchor
 * has gone are told among what breaks. The copy at `folder` is changed; nothing else is. ERR_IO and
 * the like with *why. */
MUST_USE enum err upgrade_rehearse(const struct config *config, const char *before,
                                   struct arena *arena, const char *folder,
                                   const struct control_tenant *spec, struct buf *out,
                                   const char **why);
