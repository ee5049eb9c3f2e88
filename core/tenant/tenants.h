/* tenants - every tenant this process may serve: by host, by name, opened on demand, LRU.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/config.h"
#include "tenant/tenant.h"

struct tenants;

/* mode: how stores are opened here. workers: slots, for placement by hash. */
MUST_USE enum err tenants_new(const struct config *config, enum store_mode mode, int workers,
                              struct tenants **out, const char **why);
void tenants_free(struct tenants *tenants);
/* Finds and opens. ERR_NOT_FOUND for an unknown or suspended one, ERR_BUSY for a parked one. The
 * tenant is pinned until tenants_unpin. Rereads control.db when it has moved (at most once a second). */
MUST_USE enum err tenants_by_host(struct tenants *tenants, struct slice host, struct tenant **out);
MUST_USE enum err tenants_by_name(struct tenants *tenants, struct slice name, struct tenant **out);
void tenants_unpin(struct tenants *tenants, struct tenant *tenant);
/* Closes idle stores until at most TENANTS_OPEN_MAX (or fewer) are open. */
void tenants_trim(struct tenants *tenants, int keep);
/* Drops one (moved away, deleted, restored); it is opened anew on the next use. */
void tenants_drop(struct tenants *tenants, const char *name);
bool tenants_next(struct tenants *tenants, size_t *at, struct tenant **out); /* open ones */
/* Slot that owns a tenant: placement or stable hash. */
int tenants_worker(const struct tenants *tenants, const char *name);
struct store *tenants_control(struct tenants *tenants);
void tenants_reload(struct tenants *tenants); /* reread control.db now */
