/* message - a letter that came in, taken apart: who, when, what it answers, text, files.
 *
 * Whatever its bytes are, what comes out is valid UTF-8 without control characters and within the
 * limits. Charsets are those of iconv; GB2312 and GBK are read as GB18030, which holds both; a text
 * that is not what it says it is is read as UTF-8, else as GB18030, else byte for byte.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct message_file {
    const char *name, *type; /* name without folders; type in lower case */
    struct slice bytes;
};

struct message {
    const char *id, *in_reply_to; /* without <>; NULL: it has none */
    const char **references;      /* oldest first */
    int references_count;         /* at most MESSAGE_REFERENCES_MAX, the newest */
    const char *from, *from_name; /* address in lower case, or NULL */
    const char *to;               /* the first address, or NULL */
    const char *subject;          /* one line, may be empty */
    int64_t date_ms;              /* 0: unknown */
    struct slice text;            /* of its plain text, else of its HTML */
    bool is_automatic;            /* by a machine: RFC 3834, lists, bounces */
    struct message_file *files;
    int files_count, files_left_out; /* left out: beyond the limits */
};

/* ERR_TOO_LARGE beyond MESSAGE_BYTES_MAX; ERR_MALFORMED: not even a header; ERR_NOT_SUPPORTED: the
 * library that reads letters is not installed. Everything is in the arena. */
MUST_USE enum err message_read(struct arena *arena, struct slice raw, struct message *out);
/* Text of HTML: tags and what is not shown go, paragraphs become lines. */
struct slice message_html_text(struct arena *arena, struct slice html);
