/* replay - the first answer again for the same Idempotency-Key.
 *
 * An answer is kept word for word, so it may be shown again word for word only while nobody's
 * rights have moved. After that a record is read anew under the caller's rights as they are now;
 * of anything else only the status is told.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Looks for the request's key. *replayed: the answer stands in call->resp. Reads take no key. */
MUST_USE enum err replay_find(struct call *call, bool *replayed);
/* Keeps the answer, in the transaction of the effect, if the request has a key. */
MUST_USE enum err replay_keep(struct call *call);
