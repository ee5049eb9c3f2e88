/* admin - what administrators may hand out, and that somebody is left who may.
 *
 * Who administers users must not make themselves more than they are: a role that administers may be
 * given, and its holders changed, only by who has all of its areas or the area "roles", which can
 * make any role anyway.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* May the caller give this role to somebody? */
bool admin_covers_role(const struct call *call, const struct role *role);
/* May the caller change this user? ERR_NOT_FOUND; ERR_FORBIDDEN for who administers more. */
MUST_USE enum err admin_covers_user(struct call *call, int64_t user);
/* Is there an active user with a password and a role that administers everything? Reads the store
 * as it is in this transaction, past every cache. */
MUST_USE enum err admin_exists(struct call *call, bool *out);
/* After a change: ERR_CONFLICT "last_admin" when there was one and is none any more. */
MUST_USE enum err admin_remains(struct call *call, bool before);
/* The area before the right of the core itself: what admission has decided need not be asked of
 * the records again. Returns what to give back. */
bool admin_rights_take(struct call *call);
void admin_rights_give(struct call *call, bool before);
/* Is it an area of administration? */
bool admin_area_is_known(struct slice area);
/* A member { "id", "name" }; null where it is nobody (0) or they are gone. */
MUST_USE enum err admin_put_person(struct ctx *ctx, const char *key, int64_t user, struct buf *out);
/* The complaint's code and text key are the same word; args: JSON object text or NULL. */
MUST_USE enum err admin_refuse(struct call *call, enum err e, const char *code, const char *args);
