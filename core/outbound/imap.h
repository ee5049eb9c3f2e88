/* imap - looks into a mailbox by IMAP4 and brings letters, by their unique numbers.
 *
 * With TLS from the start or from STARTTLS on, with certificates verified; without TLS no password
 * is ever sent. The server's address is judged like that of any outbound call (guard.h). One
 * session is one connection. Nothing is deleted or moved; a letter that was brought is marked as
 * seen.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "outbound/mail.h"

struct imap_server {
    struct mail_server server; /* helo is not used */
    const char *folder;        /* "INBOX" */
};

struct imap_mail {
    int64_t uid, bytes, at_ms; /* at: when the server got it; 0 unknown */
};

struct imap_box {
    int64_t validity; /* numbers of one validity never change their meaning (RFC 9051, 2.3.1.1) */
    int64_t next;     /* the number that the next letter will have at least; 0: not told */
};

struct imap; /* a session; heap */
/* Nothing is connected yet. ERR_NOT_SUPPORTED; ERR_FORBIDDEN: a password without TLS. */
MUST_USE enum err imap_new(struct arena *arena, const struct imap_server *server, struct imap **out,
                           const char **why);
void imap_free(struct imap *imap); /* NULL is fine */
/* Letters from number `from` on (0: none are asked for), lowest first, at most `max`. ERR_IO,
 * ERR_TIMEOUT, ERR_FORBIDDEN with a sentence. */
MUST_USE enum err imap_look(struct imap *imap, int64_t from, struct imap_mail *mails, int max,
                            int *count, struct imap_box *box, const char **why);
/* The whole letter. ERR_NOT_FOUND: it has gone, or the mailbox is another; ERR_TOO_LARGE. */
MUST_USE enum err imap_fetch(struct imap *imap, const struct imap_box *box, int64_t uid,
                             struct buf *out, const char **why);
