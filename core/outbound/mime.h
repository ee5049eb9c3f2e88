/* mime - a letter as it travels: headers, text, HTML, attachments.
 *
 * Everything that is not ASCII is encoded: words of headers by RFC 2047, names of files by RFC
 * 2231, bodies in base64. Control characters in what stands in headers become blanks, so nothing
 * that is filled in can add a header. Letters are marked as made by a machine (RFC 3834), so that
 * holiday notices do not answer them.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"

struct mime_file {
    const char *name, *type; /* "报价.pdf", "application/pdf" */
    struct slice bytes;
};

struct mime_letter {
    const char *from, *from_name; /* from_name may be NULL */
    const char *const *to;        /* NULL-terminated */
    const char *reply_to;         /* or NULL */
    const char *subject;
    const char *id;          /* left side and domain of Message-ID, without <> */
    struct slice text, html; /* either may be empty, not both */
    const struct mime_file *files;
    int files_count;
    int64_t date_ms;
};

/* The whole message with CRLF line ends. */
void mime_put(struct buf *out, const struct mime_letter *letter);
/* An address as SMTP takes it: ASCII, one @, nothing that ends it early, a domain. */
bool mime_address_is_valid(struct slice address);
