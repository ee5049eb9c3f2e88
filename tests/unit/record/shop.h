/* shop - customers, orders, invoices and notes: a small plugin on a real store, for tests of
 * writing.
 *
 * customer (owner, unique code, running number, state flow, roll-ups over its orders) ← order
 * (cascade), invoice (refuse), note (clear). Handlers are C functions that write into a log.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "cmocka_all.h"

#include "auth/actor.h"
#include "place.h"
#include "record/record.h"

#define OK(call) assert_int_equal((call), ERR_OK)

struct shop {
    struct place place;
    struct ctx *ctx; /* &place.ctx */
    struct unit unit;
    struct hooks *hooks;
    struct buf log; /* what handlers saw, separated by blanks */
    const struct entity *customer, *order, *invoice, *note, *user, *department;
};

int shop_setup(void **state);          /* *state = struct shop */
int shop_products_setup(void **state); /* with people and leads */
int shop_teardown(void **state);

/* A write transaction with a unit; the end commits, or rolls back. */
void shop_begin(struct shop *shop);
void shop_commit(struct shop *shop);
void shop_rollback(struct shop *shop);
/* Each in a transaction of its own; complaints are in ctx->err afterwards. */
enum err shop_create(struct shop *shop, const struct entity *entity, const char *json, int64_t *id);
enum err shop_update(struct shop *shop, const struct entity *entity, int64_t id, const char *json,
                     int64_t version);
enum err shop_delete(struct shop *shop, const struct entity *entity, int64_t id);
int64_t shop_make(struct shop *shop, const struct entity *entity, const char *json);
/* A field of the stored record as text, "null" when empty; also of deleted ones. */
const char *shop_get(struct shop *shop, const struct entity *entity, int64_t id, const char *field);
int64_t shop_int(struct shop *shop, const struct entity *entity, int64_t id, const char *field);
/* Rows of a table that match (NULL: all). */
int64_t shop_count(struct shop *shop, const char *table, const struct expr *where);
const struct expr *shop_eq(struct shop *shop, const char *column, int64_t n);
/* "field:code field:code" of the complaints, in order. */
const char *shop_complaints(struct shop *shop);
/* Acts as that user with one role, given as JSON; 0 as the system. */
void shop_as(struct shop *shop, int64_t user, const char *role);
/* Binds a handler; `at` orders. Call shop_seal when all are there. */
void shop_on(struct shop *shop, const char *entity, enum hook_moment moment, const char *id, int at,
             hook_cb cb, void *arg);
void shop_seal(struct shop *shop);
/* A handler that logs arg. */
enum err shop_log(struct ctx *ctx, struct event *event, void *arg);
const char *shop_id(struct shop *shop, int64_t id); /* as text, in quotes */
