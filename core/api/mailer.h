/* mailer - a company's mail server and the letters sent through it.
 *
 * Setting "mail": { host, port, tls: "starttls" | "tls" | "none", user, from, from_name, per_hour,
 * password }. The password is sealed (auth/vault.h); only processes that hold the master key open
 * it, and only runners send.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "base/json.h"
#include "outbound/mail.h"
#include "outbound/mime.h"

#define MAILER_SETTING "mail"

struct mailer {
    const struct json *setting;
    struct mail_server server;
    const char *from, *from_name;
    int64_t per_hour;
};

/* Who the server is, without its password. ERR_NOT_FOUND: nothing is set up. */
MUST_USE enum err mailer_load(struct ctx *ctx, struct mailer *out);
/* Opens the password as well; ERR_CORRUPT when it was not sealed here. */
MUST_USE enum err mailer_open(struct ctx *ctx, struct mailer *mailer);
/* In a write turn: password to be kept as text in the setting. */
MUST_USE enum err mailer_seal(struct ctx *ctx, struct slice password, struct slice *out);
/* The password of the body into the setting, sealed; or the one that is stored, where nobody else
 * would get it by the change of server or user. Complaints are those of the body. */
MUST_USE enum err mailer_take_password(struct call *call, struct json *setting,
                                       const struct json *stored);
/* In a write turn: seals the stored password by the newest key. */
MUST_USE enum err mailer_reseal(struct ctx *ctx);
/* Sends: sender, date and message id are filled in; the id is made from `job`, so that a letter
 * sent twice can be known as one. */
MUST_USE enum err mailer_send(struct ctx *ctx, const struct mailer *mailer,
                              struct mime_letter *letter, int64_t job, struct mail_outcome *out);
