/* rig - a throw-away tenant for the author of a plugin: to check it, to test it, to look at it.
 *
 * Made in a folder of its own below TMPDIR from a plugin's folder and what it requires, or from
 * what is active for a tenant that is served, and removed with it. Nothing of a tenant's data is
 * copied: only which plugins it has, their settings and its own bundles.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct rig;
struct model;

struct rig_spec {
    const char *home;   /* folder that holds plugins/ and schemas/ */
    const char *folder; /* the plugin that is worked on; NULL: none */
    const char *tenant; /* folder of a tenant whose plugins it has, too; NULL: none */
    const char *base;   /* folder to make its own in; NULL: TMPDIR */
    /* Where bundles that the plugin requires are found; NULL: beside its folder. */
    const struct model *model;
};

/* *why is a sentence that begins with file:line where that says more. */
MUST_USE enum err rig_new(struct arena *arena, const struct rig_spec *spec, struct rig **out,
                          const char **why);
void rig_free(struct rig *rig); /* NULL is fine */

struct ctx *rig_ctx(struct rig *rig);          /* with tenant and model; acts as the system */
const char *rig_plugin(const struct rig *rig); /* id of the one that is worked on, or NULL */

/* Who follows a plugin's tests. */
struct rig_watcher {
    /* A case; where: file:line. May be NULL. */
    void (*begins)(void *arg, const char *where, const char *name);
    /* It is over; `why` is NULL when it passed. */
    void (*ended)(void *arg, const char *file, const char *name, const char *why, int64_t took_us);
    void *arg;
};
/* Runs every case of tests/<topic>_test.lua, each in a copy of the tenant as it was made. A file
 * that does not load is told as one case that failed. */
MUST_USE enum err rig_test(struct rig *rig, const struct rig_watcher *watcher, const char **why);
