/* replay - the first answer again for the same Idempotency-Key.
 *
 * An answer is kept word for word, so it may be shown again word for word only while nobody's
 * rights have moved. After that a record is read anew under the caller's rights as they are now;
 * of anything else only the status is told. Location and ETag are told again with it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Looks for the request's key. *replayed: the answer stands in call->resp. Reads take no key. */
MUST_USE enum err replay_find(struct call *call, bool *replayed);
/* In the transaction of the effect, where that is not the whole call's: before it, ERR_BUSY when
 * the same key was used since replay_find; after it, keeps the answer as far as it is written. Both
 * do nothing for a request without a key. */
MUST_USE enum err replay_check(struct call *call);
MUST_USE enum err replay_keep_now(struct call *call);
/* At the end: keeps the answer if the request has a key and the answer is not kept as it is. */
MUST_USE enum err replay_keep(struct call *call);
/* For what writes in transactions of its own, as a plugin's route does: in each of them, before the
 * rest, so that the key stands with the first effect. ERR_BUSY as replay_check. */
MUST_USE enum err replay_begin(struct call *call);
/* …and at the end, instead of replay_keep: the answer with whatever status, if there was an effect;
 * without one only a good answer is kept. */
MUST_USE enum err replay_end(struct call *call);
