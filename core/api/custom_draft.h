/* custom_draft - the draft of customization that the caller has.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/custom_doc.h"

struct custom_draft {
    const struct json *doc;
    const char *base; /* hash it began from; NULL: from nothing */
    int64_t version, updated_at_ms;
};

/* ERR_NOT_FOUND where the caller has none. */
MUST_USE enum err custom_draft_read(struct call *call, struct custom_draft *out);
/* The bundle it would be published as, over what is published now. One that is only tried has a
 * version of its own: whoever drops its files again must not drop those of a publication. */
MUST_USE enum err custom_draft_pack(struct call *call, const struct custom_draft *draft,
                                    bool is_trial, struct pack *out, const char **version);
