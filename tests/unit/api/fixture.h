/* fixture - a server without processes: requests go through the whole pipeline over real tenants.
 *
 * Two tenants, acme and bolt, each with an administrator "root", and a home of its own with the
 * product's core and the plugins of the tests: `shop` (entity ware, dictionary region, settings of
 * every type), `trade` which needs shop, and `torn` whose manifest does not fit.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/pipeline.h"

#define FIXTURE_USERS_MAX 16
#define OPERATOR          "operator" /* as whom: the command line */
#define NOBODY            NULL

struct fixture {
    char folder[64];
    struct config config;
    struct tenants *tenants;
    struct app app;
    struct arena *arena; /* of the test */
    struct fixture_user {
        const char *who, *id, *token; /* who: "anna" of acme, "anna@bolt" */
    } users[FIXTURE_USERS_MAX];
    int users_count;
    /* the next request's; forgotten after it */
    const char *if_match, *idempotency_key, *content_type;
    const char *timestamp, *signature; /* X-Perigee-… of who signs */
    /* the last answer */
    int status;
    const char *text;        /* of the body, or of the file that is sent instead */
    const struct json *json; /* NULL when the body is no JSON */
    const char *etag, *location, *disposition;
};

/* cmocka set-up and tear-down; *state is the fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* One request from its admission to its answer; gives the status. `who` is NOBODY, OPERATOR (acme),
 * "operator@bolt" or a user made before. body NULL: none. */
int fixture_call(struct fixture *f, const char *who, const char *method, const char *target,
                 const char *body);
/* A user without password who is signed in; roles: JSON array text. Gives the id. */
const char *fixture_user(struct fixture *f, const char *who, const char *roles);
/* Signs in somebody who is there already. */
void fixture_sign_in(struct fixture *f, const char *who, const char *id);
/* A text of the last answer by its path: "items.0.name"; "" where there is none. Other values as
 * JSON. */
const char *fixture_at(struct fixture *f, const char *path);
/* The code of the first complaint about a field of the last answer. */
const char *fixture_complaint(struct fixture *f, const char *field);
const char *fixture_print(struct fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Runs what waits in the tenant's job table to its end. */
void fixture_jobs(struct fixture *f, const char *tenant);
/* Newest audit row with that action? */
void fixture_audited(struct fixture *f, const char *action);
