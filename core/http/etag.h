/* etag - lists of entity tags, as conditional requests bring them (RFC 9110 section 13.1).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/slice.h"

/* Is the tag in the list of If-None-Match? Weak comparison; "*" is any. */
bool etag_in(struct slice list, struct slice etag);
