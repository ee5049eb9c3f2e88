/* notify - what people are told: records of entity `notification`, one for each person.
 *
 * A notification belongs to who is told (its owner) and is nobody else's to see (core/entities).
 * It is written with what caused it, in the language of its reader, and reaches the console as the
 * live event of a record. Whoever wants letters besides ("notify_mail" of a user) gets one for what
 * is unread by then: within seconds ("each") or in the morning ("daily").
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/record.h"

#define NOTIFY_ENTITY "notification"
#define NOTIFY_QUEUE  "notify" /* jobs that gather the unread ones of a person into a letter */

struct notify {
    const char *kind;   /* "plugin_paused": what programs know it by; or NULL */
    const char *plugin; /* whose keys the texts are; "core" for the core's own */
    const char *text;   /* one line: "@key" or as it is */
    const char *body;   /* longer, the same; or NULL */
    const char *args;   /* JSON object text for both, or NULL; "what", the name of the record it is
                         * about, becomes its kind for who may not see the record */
    const char *tone;   /* info, success, warning, danger; NULL: info */
    const char *link;   /* a page of the console ("/admin/plugins"), or NULL */
    const char *dedupe; /* while an unread one of that key is there, none is added; or NULL */
    const char *about;  /* entity of a record that it is about, or NULL */
    int64_t record;     /* …and its id */
};

/* In a write transaction, with ctx->unit or without: for each active user of the list, who need not
 * have any right. Unknown users are passed over. *written may be NULL. What a person was told more
 * than NOTIFY_KEEP_MS ago goes. ERR_VALIDATION for a text that is empty or a record that is none.
 */
MUST_USE enum err notify_put(struct ctx *ctx, const struct notify *notify, const int64_t *users,
                             int count, int *written);
/* The same for whoever may administer that area ("plugins"). */
MUST_USE enum err notify_admins(struct ctx *ctx, const char *area, const struct notify *notify,
                                int *written);

/* The unread ones of a person that no letter has told of: data for template core:notifications
 * {"name","company","count","items":[{"title","body"}]}, and their ids; *to NULL where the person
 * wants none or has no address. A plain read. */
struct notify_digest {
    const char *to;
    enum lang lang;
    const struct json *data;
    int64_t *ids;
    int count;
};
MUST_USE enum err notify_digest(struct ctx *ctx, int64_t user, struct notify_digest *out);
/* In a write transaction: a letter tells of them. */
MUST_USE enum err notify_mailed(struct ctx *ctx, const struct notify_digest *digest);
