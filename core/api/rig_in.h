/* rig_in - what rig.c, rig_make.c and rig_test.c share; private to api/rig*.c.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"
#include "api/rig.h"
#include "record/model.h"
#include "script/trial.h"
#include "tenant/config.h"
#include "tenant/plugin.h"

#define RIG_PLUGINS_MAX 128
#define RIG_START_MS    1767258000000LL /* 2026-01-01T09:00:00Z: when every case begins */

struct rig_part {
    const char *id, *version; /* version: of a bundle its hash; NULL: of the product */
    const struct json *config;
};

struct rig {
    struct arena *arena;
    struct rig_spec spec;
    const char *data; /* owned: the folder is removed at the end */
    struct config config;
    struct app app;
    struct tenant tenant;
    struct store *template; /* owned: as the tenant was made; NULL while it is being made */
    struct ctx ctx;
    uint8_t master[32];
    struct plugin **product; /* all there are */
    int product_count;
    const char *plugin;          /* id of the one that is worked on */
    const struct json *fixtures; /* tests/fixtures.json, or NULL */
    struct rig_part parts[RIG_PLUGINS_MAX];
    int parts_count;
    struct trial_host host;
};

/* Fills data, tenant and model. */
MUST_USE enum err rig_make(struct rig *rig, const char **why);
/* In a write transaction: a user as t.user and fixtures write it. */
MUST_USE enum err rig_user(struct ctx *ctx, const struct json *spec, int64_t *id);
/* A write transaction of its own around fn. */
MUST_USE enum err rig_write(struct rig *rig, enum err (*fn)(struct ctx *ctx, void *arg), void *arg);
