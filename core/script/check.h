/* check - the invariants that plugins name with crm.check: asked of every record, changing nothing.
 *
 * They run for `perigee check`, on live data. A batch of records and all that is read to judge them
 * is one snapshot, so a write that happens meanwhile is never half seen. Each record has the limits
 * of a job's step.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm.h"

struct check_rule {
    const char *plugin, *name; /* of the plugin; what it calls the invariant */
    const struct entity *entity;
    const struct json *where; /* the records it holds for; NULL = all */
};

/* A record that breaks the rule, and how; `wrong` lives during the call. */
typedef void (*check_cb)(void *arg, int64_t id, const char *wrong);

/* What the plugins have registered, in order. Lives as long as the vm. */
const struct check_rule *check_all(const struct vm *vm, int *count);
/* Asks rule n of all records. *records: how many there were. Outside any unit and transaction.
 * ERR_PLUGIN with ctx->err.detail when the function failed: the VM may have ended with it. */
MUST_USE enum err check_run(struct vm *vm, struct ctx *ctx, int n, check_cb cb, void *arg,
                            int64_t *records);
