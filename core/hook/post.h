/* post - letters to be sent: rows of queue "mail", written with what caused them.
 *
 * A letter that a transaction posts is sent after its commit or, when it is rolled back, never. It
 * is made from a template of a plugin (record/letter.h) at the time of sending, or comes ready. The
 * row is the delivery log too; when it has been sent, the data it was made from is forgotten.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "tenant/ctx.h"

#define POST_QUEUE "mail"

struct post {
    const char *const *to;   /* NULL-terminated: each gets the same letter and sees the others */
    const char *template;    /* "core:password_reset"; or NULL, then subject and text */
    const struct json *data; /* an object; NULL: nothing to fill in */
    const char *subject, *text, *html; /* without a template; html may be NULL */
    const char *reply_to;              /* or NULL */
    const char *dedupe;                /* one letter of that key waits at a time; or NULL */
    const int64_t *files;              /* attachments: ids of files that `by` may read */
    int files_count;
    enum lang lang; /* of the template */
    int64_t by;     /* for whom files are read; 0: the system */
};

/* In a write transaction. ERR_VALIDATION names "to", "data", "files" … in ctx->err. */
MUST_USE enum err post_put(struct ctx *ctx, const struct post *post, int64_t *id);
