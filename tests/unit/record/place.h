/* place - a data folder with one tenant and its model, and a home of plugins, for each test.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/model.h"
#include "tenant/tenants.h"

struct place {
    char folder[64]; /* below /tmp; gone at place_close */
    const char *data, *home;
    struct arena *arena;
    struct config config;
    struct tenants *tenants;
    struct tenant *tenant;
    const struct model *model; /* NULL until place_model */
    struct ctx ctx;            /* as_system, zh-CN */
};

/* A tenant "acme" (zh-CN, Asia/Shanghai, CNY); home holds links to the product plugins. */
void place_open(struct place *place);
void place_close(struct place *place);
/* cmocka's set-up and tear-down: *state is a place with a second tenant, "bolt". */
int place_two(void **state);
int place_end(void **state);
/* Another tenant of that name. */
void place_tenant(struct place *place, const char *name);
/* It acts from now on; the one before stays open, with its model. */
void place_switch(struct place *place, const char *name);
/* Writes a file of a plugin below home, e.g. "shop/entities/order.json". */
void place_write(struct place *place, const char *path, const char *text);
/* The same, with a manifest: {"id": id, "version": "1.0.0", …, "requires": {needs: "^1"}}. */
void place_plugin(struct place *place, const char *id, const char *needs);
/* A bundle of the tenant: custom/<id>/1.0.0/<path>. */
void place_bundle(struct place *place, const char *id, const char *path, const char *text);
/* The bundle acme.sales of one file, beside people and leads: its model is ready. */
void place_sales(struct place *place, const char *path, const char *text);
void place_enable(struct place *place, const char *id);
void place_disable(struct place *place, const char *id);
/* Builds the model and puts it into place->ctx. */
void place_model(struct place *place);
/* The same for all that is listed; NULL at the end. */
void place_ready(struct place *place, ...);
/* A row in the entity's table, which has its indexes from then on. */
void place_row(struct place *place, const char *entity);
const struct json *place_json(struct place *place, const char *text);
const struct entity *place_entity(struct place *place, const char *name);
const struct field *place_field(struct place *place, const char *entity, const char *field);
/* Why that plugin is broken; fails the test when it is not. */
const char *place_broken(struct place *place, const char *id);
