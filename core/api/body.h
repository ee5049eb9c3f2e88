/* body - members of a JSON body, with complaints about those that do not fit.
 *
 * Complaints are collected, so that a person sees all of them at once; body_done says at the end
 * whether there were any. A member that is null counts as not given.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

/* Is there a member of that name, also if it is null? */
bool body_has(const struct call *call, const char *name);
/* The member unless it is null. */
const struct json *body_member(const struct call *call, const char *name);
/* Text without space at its ends, of at most `max` characters; NULL where it is not given or empty.
 */
const char *body_text(struct call *call, const char *name, size_t max);
bool body_flag(struct call *call, const char *name, bool fallback);
int64_t body_int(struct call *call, const char *name, int64_t min, int64_t max, int64_t fallback);
/* An id; 0 where it is not given. */
int64_t body_id(struct call *call, const char *name);
/* An array of different texts, NULL-terminated in the arena; NULL where it is not given. */
const char **body_texts(struct call *call, const char *name, int max, int *count);
/* One complaint; `fmt` makes the members of its arguments ("\"max\":%d") or is NULL. */
void body_bad(struct call *call, const char *name, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* One complaint whose sentence is known already. */
void body_say(struct call *call, const char *name, const char *code, const char *sentence);
/* ERR_VALIDATION when anything was complained about. */
MUST_USE enum err body_done(const struct call *call);
/* The member as JSON text in the arena; "null" where it is not there. */
const char *body_json(struct arena *arena, const struct json *node);
