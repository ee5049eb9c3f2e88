/* routes - every route of the server in one table.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"

enum route_runs {
    RUNS_GATEWAY, /* native read: C only, one read transaction, bounded CPU */
    RUNS_WORKER,  /* a write: in the owner's turn */
    RUNS_QUICK,   /* a runner's quick lane: Argon2id, reads handed over */
    RUNS_LONG,    /* a runner's long lane: uploads, imports, exports, backup */
    RUNS_CONTROL, /* worker 0, without a tenant: writes control.db */
};

enum route_who {
    WHO_ANYONE,   /* also without identity */
    WHO_USER,     /* a session or API key */
    WHO_ADMIN,    /* …whose role has the admin area */
    WHO_OPERATOR, /* the operator socket, or a command holding the folder lock */
};

enum route_body { BODY_NONE, BODY_JSON, BODY_UPLOAD, BODY_IMPORT, BODY_RAW };

enum route_flags {
    ROUTE_NO_TENANT = 1,       /* answered without a tenant (health) */
    ROUTE_SECRET = 2,          /* refuses the Idempotency-Key header (sign-in, secrets) */
    ROUTE_OPERATOR_LISTEN = 4, /* only on operator listeners (metrics) */
    ROUTE_STATIC = 8,          /* the console's files */
    ROUTE_OWN_REPLAY = 32,     /* the handler asks for the Idempotency-Key when it knows who asks */
    ROUTE_DUE = 16,            /* also for who must first set up a factor or change a password */
    ROUTE_SIGNIN = 128,        /* a password is tried: each address has so many in a minute */
    ROUTE_PREVIEW = 64,        /* may be asked in the place of a role (preview.h) */
};

struct route {
    enum http_method method;
    const char *pattern;
    enum route_runs runs;
    enum route_who who;
    const char *area; /* WHO_ADMIN: users, roles, plugins, audit… */
    enum route_body body;
    unsigned flags;
    route_handler handler;
    const char *summary; /* for OpenAPI */
};

const struct route *routes_all(int *count);
