/* limits_outbound - bounds of calls to other systems, letters and templates.
 *
 * Part of limits.h, which includes it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#define FETCH_TIMEOUT_MS        10000     /* one call, from the name's look-up to the last byte */
#define FETCH_BYTES_MAX         (1 << 20) /* a body, either way */
#define FETCH_HEADERS_MAX       100       /* either way */
#define FETCH_HEADERS_BYTES_MAX 32768
#define FETCH_URL_BYTES_MAX     4096
#define AWAIT_TENANT_MAX        8  /* calls that jobs of one company wait for at once */
#define AWAIT_MAX               64 /* of all that a runner serves */
#define SECRET_PARTS_MAX        16 /* of a header or address that scripts put together */
#define MAIL_TIMEOUT_MS         60000
#define MAIL_RECIPIENTS_MAX     50
#define MAIL_ADDRESS_BYTES_MAX  254   /* RFC 5321 */
#define MAIL_DATA_BYTES_MAX     65536 /* what a letter's template is filled with */
#define MAIL_WAITING_MAX        10000 /* letters of one company: scripts post no more */
#define MAIL_FILES_MAX          10
#define MAIL_FILES_BYTES_MAX    (10 << 20) /* attachments together */
#define MAIL_TRIES_MAX          8          /* over about three days */
#define MAIL_RATE_PER_HOUR      500        /* letters of one company; more wait */
#define TEMPLATE_BYTES_MAX      65536
#define TEMPLATE_DEPTH_MAX      8 /* blocks in each other */
#define TEMPLATE_STEPS_MAX      100000
#define TEMPLATE_OUT_BYTES_MAX  (1 << 20)

/* Letters that come in. */
#define MESSAGE_BYTES_MAX       (25 << 20) /* a whole letter; larger ones are passed over */
#define MESSAGE_TEXT_MAX        60000      /* characters of its text that are kept */
#define MESSAGE_SUBJECT_MAX     500
#define MESSAGE_ID_MAX          500 /* characters of an id or an address */
#define MESSAGE_NAME_MAX        200 /* characters of a file's name */
#define MESSAGE_REFERENCES_MAX  20
#define MESSAGE_PARTS_MAX       200 /* looked at */
#define MESSAGE_FILES_MAX       20
#define MESSAGE_FILES_BYTES_MAX (20 << 20) /* together */
#define MAILBOXES_MAX           10         /* of one company */
#define MAILBOX_MINUTES_MAX     1440       /* between two looks: once a day */
#define MAILBOX_TAKE_MAX        50         /* letters of one look into a mailbox */
#define MAILBOX_TRIES_MAX       5          /* of a letter that a handler refuses */
#define MAILBOX_SENDER_HOUR     30  /* letters of one sender in an hour; more are passed over */
#define MAILBOX_SENDERS_MAX     500 /* that are counted */
#define MAILBOX_FAILED_MAX      50  /* letters passed over that are remembered */
#define IMAP_TIMEOUT_MS         60000
