/* office - two tenants with open stores and a unit of work, for the tests of identity.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/user.h"
#include "tenant/tenants.h"

#define OFFICE_NOON 1780000000000LL

struct office {
    char folder[64], data[80];
    struct config config;
    struct tenants *tenants;
    struct tenant *acme, *bolt;
    struct arena *arena;
    struct ctx ctx; /* a command on acme, at noon */
};

/* cmocka set-up and tear-down; *state is the office. */
int office_setup(void **state);
int office_teardown(void **state);

/* Moves the frozen clock and the unit of work. */
void office_wait(struct office *office, int64_t ms);
/* A write turn on the tenant of ctx. end: commits when e is ERR_OK, else rolls back; hands e on;
 * the header is fresh afterwards. */
void office_begin(struct office *office);
enum err office_end(struct office *office, enum err e);
/* A user of ctx's tenant with one role (NULL = none) and no password. */
int64_t office_user(struct office *office, const char *login, const char *role);
/* Stores a tenant-made role. */
void office_role(struct office *office, const char *name, const char *body);
/* Rows in a table. */
int64_t office_count(struct office *office, const char *table);
