/* fixture - a tenant in a temporary folder with a small model, for tests of the record layer.
 *
 * deal (owner, tags, money, dates, account) → account; task → deal; user, team, department of the
 * system. The store is a real one; entities are declared as in a plugin.
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

#include "auth/actor.h"
#include "record/model.h"

struct fixture {
    struct arena *arena;
    struct tenant tenant;
    struct model model;
    struct ctx ctx;
    struct entity *deal, *account, *task, *user, *team, *department;
    struct store_schema schema;
    struct buf out;
    char folder[64];
};

/* Everybody's ids: users 1 (team 100, department 200, below it 201), 2 (team 100, department 201),
 * 3 (team 101, department 202). */
#define FIXTURE_NOW 1773194400000LL /* 2026-03-11T02:00:00Z, a Wednesday, 10:00 in Shanghai */

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Teams, departments and the three users. */
void fixture_people(struct fixture *f);
/* Inserts a record from JSON text as clients write it; system fields too. Gives its id. */
int64_t fixture_insert(struct fixture *f, const struct entity *entity, const char *text);
const struct json *fixture_json(struct fixture *f, const char *text);
/* Values of a stored record, every slot. */
const struct value *fixture_values(struct fixture *f, const struct entity *entity, int64_t id);
/* Acts as the user with roles given as JSON texts, NULL-terminated. */
void fixture_as(struct fixture *f, int64_t user, const char *first, ...);
void fixture_as_system(struct fixture *f);
/* A new unit of work: complaints forgotten. */
void fixture_next(struct fixture *f);
/* Output as text; cleared for the next. */
const char *fixture_out(struct fixture *f);
struct field *fixture_field(const struct entity *entity, const char *name);
