/* version - documents that are known by a name: roles, dictionaries, settings.
 *
 * Nothing counts how often they were written. Their version is made of what they hold: it is
 * another after every change, and says nothing of which is newer. So what a plugin presets has one
 * as well, and a change that was taken back is none.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Of what is stored, as it is stored: positive, exact in every JSON reader, equal everywhere. */
int64_t version_of(struct slice stored);
/* If-Match, If-None-Match: * and "version" of the body against what there is (0: nothing):
 * ERR_VERSION with "version"; ERR_VALIDATION. */
MUST_USE enum err version_check(struct call *call, const char *name, int64_t version);
/* The same where the members of the body are not ours to name: headers alone. */
MUST_USE enum err version_check_head(struct call *call, const char *name, int64_t version);
/* ETag: "<name>-<version>". */
void version_tag(struct call *call, const char *name, int64_t version);
/* Member "version" of an object that is being written. */
void version_put(struct buf *out, int64_t version);
