/* activate - the one way in which what a company runs is changed: checked beside what is active,
 * then switched in one transaction.
 *
 * Deploy, rollback, publishing of customization, enabling and disabling all come here. A change is
 * tried first: the model is built as it would be, its scripts are loaded into a fresh VM, every Lua
 * file of the plugin is compiled, a bundle's own tests run (bundle_tests.h). What does not fit, or
 * breaks a plugin that works, is refused with file:line and the old one goes on. Then, in the
 * tenant's write turn: the tables, the plugin's own migrations, and in one transaction the pointer,
 * the history and model_version. Requests go on all the while: those that began with the old model
 * end with it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "tenant/pack.h"

struct activation {
    const struct model_change *changes;
    int count;
    const char *subject; /* the plugin all this is about: its files are compiled; NULL none */
    const char *code;    /* of a refusal, with {why}: "plugin_broken", "bundle_refused" */
    enum err (*write)(struct call *call, void *arg); /* in the transaction, after the pointers */
    void *arg;
    struct buf *warnings;       /* JSON strings with commas between; may be NULL */
    struct migrations_run *ran; /* what migrations did; may be NULL */
};

/* Tries it, changing nothing. ERR_CONFLICT or ERR_VALIDATION with the sentence. */
MUST_USE enum err activate_check(struct call *call, const struct activation *activation);
/* Tries it and does it. Only on routes of the long lane, outside of any transaction. ERR_BUSY when
 * the model has moved meanwhile: nothing was changed, ask again. */
MUST_USE enum err activate_run(struct call *call, const struct activation *activation);
