/* host - what this process lends to scripts that run outside a transaction: a write turn.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"
#include "script/vm.h"

/* Valid as long as the app. Never on gateways. */
struct vm_host host_of(struct app *app);
