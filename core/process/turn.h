/* turn - one transaction of one tenant: everything that is queued, each in its own savepoint,
 * committed together, and only then answered.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "process/lane.h"
#include "process/slot.h"

struct turn_result {
    int requests;
    int64_t us; /* run time, commit included */
    bool committed;
};

/* Takes work from the lane until TURN_REQUESTS or TURN_RUN_US. */
struct turn_result turn_run(struct slot *slot, struct lanes *lanes, struct lane *lane);
/* Work without a tenant: each on its own, with control.db. */
void turn_control(struct slot *slot, struct lanes *lanes, struct lane *lane);
