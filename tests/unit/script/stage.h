/* stage - two tenants in a temporary data folder, and plugins written on the spot.
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

#include "record/model.h"
#include "record/record.h"
#include "script/vm.h"
#include "tenant/tenants.h"

#define OK(call)  assert_int_equal((call), ERR_OK)
#define STAGE_NOW 1780000000000LL /* the clock of every test */

struct stage {
    char folder[64];
    char home[96], data[96];
    struct arena *arena;
    struct config config;
    struct tenants *tenants;
    struct tenant *tenant; /* the one that acts: "acme" at first */
    const struct model *model;
    struct ctx ctx;
    struct unit unit;
};

/* Tenants acme and bolt; plugins core, as it is, and "t" with the entities thing and part: name,
 * amount (int), price (money), rate (decimal 2), level (enum a b c), due (datetime), day (date),
 * tags, thing (part: ref), twice (part: computed t: calc.twice of amount). */
int stage_setup(void **state);
int stage_teardown(void **state);
/* Writes <home>/plugins/<path>. */
void stage_write(struct stage *stage, const char *path, const char *text);
/* A whole init.lua for plugin t; a fresh VM on next use. */
void stage_script(struct stage *stage, const char *lua);
/* The real plugin of that name comes along. */
void stage_product(struct stage *stage, const char *id);
/* Enables it in the acting tenant and builds the model; fails the test where the model is broken.
 */
void stage_enable(struct stage *stage, const char *id);
void stage_switch(struct stage *stage, const char *tenant);
/* The VM, loaded; fails the test with the reason when it is not. */
struct vm *stage_vm(struct stage *stage);
/* Why it does not load; NULL when it does. */
const char *stage_broken(struct stage *stage);

/* A unit of work in a transaction; committed, or rolled back when e is an error. */
void stage_begin(struct stage *stage);
enum err stage_end(struct stage *stage, enum err e);
/* Creates a record from JSON with single quotes in place of double ones, in a unit of its own. */
enum err stage_create(struct stage *stage, const char *entity, const char *body, int64_t *id);
enum err stage_update(struct stage *stage, const char *entity, int64_t id, const char *body);
/* The record's field as JSON text. */
const char *stage_field(struct stage *stage, const char *entity, int64_t id, const char *field);
int64_t stage_count(struct stage *stage, const char *entity);
/* Runs service "run" of plugin t (crm.service("run", …)) with null; the answer or the error. */
enum err stage_run(struct stage *stage, const char **answer);
/* Does the script fail with an error that contains `part`? Body of a service. */
void stage_fails(struct stage *stage, const char *body, const char *part);
/* Does `return expression` give this JSON? */
void stage_gives(struct stage *stage, const char *body, const char *json);
