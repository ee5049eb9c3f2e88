/* mail - hands one message to a mail server by SMTP.
 *
 * With TLS from the start or from STARTTLS on, with certificates verified; without TLS no password
 * is ever sent. The server's address is judged like that of any outbound call (guard.h).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum mail_tls { MAIL_TLS_START, MAIL_TLS_WHOLE, MAIL_TLS_NONE };

struct mail_server {
    const char *host;
    int port;
    enum mail_tls tls;
    const char *user, *password; /* NULL: no sign-in */
    const char *helo;            /* what we call ourselves; NULL: the sender's domain */
};

struct mail_outcome {
    int code;        /* the server's last reply, 0 if there was none */
    bool may_pass;   /* it may be taken later: try again */
    const char *why; /* one sentence; NULL when it was taken */
};

/* ERR_OK when the server has taken it. ERR_IO, ERR_TIMEOUT, ERR_FORBIDDEN, ERR_NOT_SUPPORTED. */
MUST_USE enum err mail_send(struct arena *arena, const struct mail_server *server, const char *from,
                            const char *const *to, struct slice message, struct mail_outcome *out);
