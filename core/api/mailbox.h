/* mailbox - mailboxes of a company that are looked into: where they are, and how far they are read.
 *
 * Setting "mailboxes": { name: { host, port, tls, user, password (sealed as that of the mail
 * server), folder, minutes } }. The place in each is a setting of its own, "mailbox:<name>",
 * written with what a letter caused: { validity, next, at, error, fails, uid, tries, taken, failed:
 * [ { uid, at, from, subject, why } ], senders: { address: [hour, count] } }.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/mailer.h"
#include "outbound/imap.h"

#define MAILBOX_SETTING "mailboxes"
#define MAILBOX_QUEUE   "imap"

struct mailbox {
    const char *name;
    const struct json *setting;
    struct imap_server server; /* without its password until mailbox_open */
    int64_t minutes;
};

/* ERR_NOT_FOUND: there is none of that name. */
MUST_USE enum err mailbox_load(struct ctx *ctx, const char *name, struct mailbox *out);
/* Opens the password as well. */
MUST_USE enum err mailbox_open(struct ctx *ctx, struct mailbox *box);
/* The name of the setting that holds its place. */
const char *mailbox_place(struct arena *arena, const char *name);
/* In a write turn: seals the stored passwords by the newest key. */
MUST_USE enum err mailbox_reseal(struct ctx *ctx);
