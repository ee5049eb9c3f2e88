/* docx_in - shared by the files of docx; private.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"

struct docx_scope {
    const struct json *item; /* what the section is about */
    const struct docx_scope *up;
};

/* The value of a path, or NULL when there is none. */
const struct json *docx_find(const struct docx_scope *scope, struct slice path);
/* Is there something, for {{#…}}? */
bool docx_is_some(const struct json *value);
/* Appends the value in that form ("" = as it is); false where it has no such form, *why says why.
 */
bool docx_put_value(struct buf *out, const struct json *value, struct slice form, enum lang lang,
                    const char **why);
/* docx_words.c: the sentence in that language; itself where there is no other. */
const char *docx_say(enum lang lang, const char *sentence);
