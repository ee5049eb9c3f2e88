/* hooks - the handlers of a company's scripts, with how they fare, as JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "script/vm.h"

struct hooks_asked {
    struct slice entity, moment; /* empty: of all */
    const char *plugin;          /* NULL: of all */
};

/* Added up over what is put. */
struct hooks_sum {
    int64_t calls, errors, kills;
    int64_t deliveries[3]; /* that wait, that are held back, dead letters */
    int paused;
};

/* One object after the other into the answer. */
MUST_USE enum err hooks_put(struct call *call, const struct vm *vm, const struct hooks_asked *asked,
                            struct hooks_sum *sum);
/* ,"calls":…,"errors":…,"kills":…,"p95_us":…,"most":{…} of what is counted under that name. */
void hooks_put_stat(struct call *call, const char *name, struct hooks_sum *sum);
