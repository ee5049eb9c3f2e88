/* place - a tenant for targets that need one: core, and what the target adds, in a folder of its
 * own.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "record/model.h"
#include "tenant/config.h"
#include "tenant/folder.h"
#include "tenant/tenants.h"

struct place {
    struct arena *arena; /* for the process's life */
    char folder[64];
    const char *home, *data;
    struct config config;
    struct tenants *tenants;
    struct tenant *tenant;
};

static struct place place;

static inline void place_must(bool done, const char *what)
{
    if (done)
        return;
    (void)fprintf(stderr, "%s\n", what);
    BUG("this must not be");
}

static void place_remove(void)
{
    if (folder_remove(place.folder))
        (void)fprintf(stderr, "%s stays\n", place.folder);
}

/* The file of a plugin below home, or any other below the folder. */
static inline void place_write(const char *path, struct slice text)
{
    const char *slash = strrchr(path, '/');
    place_must(!folder_make(arena_str(place.arena, slice_of(path, (size_t)(slash - path)))), path);
    (void)unlink(path);
    place_must(!folder_write(path, text, 0600), path);
}

static inline void place_enable(const char *id)
{
    struct store *store = place.tenant->store;
    place_must(!store_begin(store, true) &&
                   !tenant_plugin_put(place.tenant, id, "1.0.0", "enabled", slice_of(NULL, 0)) &&
                   !store_commit(store) && !tenant_refresh(place.tenant),
               id);
}

/* Once. What is logged of bad input would be the same words a thousand times a second. */
static inline void place_open(void)
{
    static const char *hosts[] = {"acme.test", NULL};
    struct control_tenant spec = {.name = "acme", .title = "Acme", .worker = -1, .hosts = hosts};
    struct store *control = NULL;
    const char *why = NULL;
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, "fuzz");
    place.arena = arena_new();
    (void)snprintf(place.folder, sizeof place.folder, "/tmp/perigee-fuzz-XXXXXX");
    place_must(mkdtemp(place.folder) != NULL, place.folder);
    (void)atexit(place_remove);
    place.home = arena_printf(place.arena, "%s/home", place.folder);
    place.data = arena_printf(place.arena, "%s/data", place.folder);
    id_init(1, 0);
    place_must(!folder_make(arena_printf(place.arena, "%s/plugins", place.home)), "plugins");
    place_must(symlink(PERIGEE_SOURCE_DIR "/schemas",
                       arena_printf(place.arena, "%s/schemas", place.home)) == 0 &&
                   symlink(PERIGEE_SOURCE_DIR "/plugins/core",
                           arena_printf(place.arena, "%s/plugins/core", place.home)) == 0,
               "links");
    place_must(!control_init(place.data, &why) &&
                   !control_open(place.data, STORE_OWNER, &control, &why) &&
                   !tenant_create(place.data, &spec, &why) && !control_add(control, &spec, &why),
               "the tenant");
    store_close(control);
    place.config = (struct config){.data = place.data, .home = place.home};
    place_must(!tenants_new(&place.config, STORE_OWNER, 4, &place.tenants, &why) &&
                   !tenants_by_name(place.tenants, SLICE("acme"), &place.tenant),
               "tenants");
}
