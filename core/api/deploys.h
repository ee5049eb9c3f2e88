/* deploys - what publishing of customization shares with deploys of packs.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "tenant/deploy.h"

struct deploys_take {
    const char *plugin, *version;
    const char *action; /* deploy, publish */
    const struct pack *pack;
    bool check_only;
    enum err (*write)(struct call *call, void *arg); /* in the same transaction; may be NULL */
    void *arg;
};

/* Keeps the files, tries them and, unless only asked, makes them active: see activate.h. Writes the
 * answer. */
MUST_USE enum err deploys_take(struct call *call, const struct deploys_take *take);
/* Goes back to the deploy that `hash` (its beginning, or NULL: the one before) names. */
MUST_USE enum err deploys_back(struct call *call, const char *plugin);
/* Writes the history of one bundle. ERR_NOT_FOUND where there is none. */
MUST_USE enum err deploys_put(struct call *call, const char *plugin);
/* The deploy that is active or would be, NULL if there is none; *enabled may be NULL. */
const char *deploys_active(struct call *call, const char *plugin, bool *enabled);
