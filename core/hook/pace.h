/* pace - how much a company's own bundle may write in a day, over all its calls.
 *
 * The limits of one call say nothing of a handler or job that runs again and again: records and
 * notifications of a bundle that has run wild would fill the store at night. Counted in the store,
 * by bundle, in the transaction that writes: what is rolled back was not written. A day begins with
 * the first of it. What the product brings is not counted.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

enum pace { PACE_RECORDS, PACE_NOTICES, PACE_KINDS };

/* In a write transaction, before writing so many. ERR_TOO_MANY with a sentence that names the
 * bundle, past BUNDLE_RECORDS_PER_DAY and BUNDLE_NOTICES_PER_DAY. */
MUST_USE enum err pace_take(struct ctx *ctx, const char *plugin, enum pace what, int64_t count);
