/* tenants - every tenant this process may serve: by host, by name, opened on demand, LRU.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/config.h"
#include "tenant/tenant.h"

struct tenants;

/* mode: how tenants' stores are opened here; control.db is opened for reading. workers: slots, for
 * placement by hash. config is borrowed. */
MUST_USE enum err tenants_new(const struct config *config, enum store_mode mode, int workers,
                              struct tenants **out, const char **why);
/* Opens control.db for writing as well: STORE_OWNER in worker 0, or in a command that holds the
 * folder lock, and nowhere else. */
MUST_USE enum err tenants_own_control(struct tenants *tenants, enum store_mode mode,
                                      const char **why);
void tenants_free(struct tenants *tenants);
/* Finds and opens. ERR_NOT_FOUND for an unknown or suspended one, ERR_BUSY for a parked one; a
 * store that cannot be opened gives its error and is logged. The tenant is pinned until
 * tenants_unpin, its header is fresh. Rereads control.db when it has moved (at most once a second).
 * `host` is in canonical form: lower case, no port. */
MUST_USE enum err tenants_by_host(struct tenants *tenants, struct slice host, struct tenant **out);
MUST_USE enum err tenants_by_name(struct tenants *tenants, struct slice name, struct tenant **out);
void tenants_unpin(struct tenants *tenants, struct tenant *tenant);
/* Frees unpinned tenants, least recently used first, until at most `keep` are open and what these
 * hold is at most `bytes`. Opening does it by itself, with TENANTS_OPEN_MAX and TENANTS_BYTES_MAX;
 * the one that is being opened comes on top. */
void tenants_trim(struct tenants *tenants, int keep, size_t bytes);
/* Lets tenants that nobody has used for TENANTS_REST_MS give back their cached pages and the
 * statements they used longest ago (store_rest); when enough has been freed, the heap gives its
 * pages back, too. Called now and then. */
void tenants_rest(struct tenants *tenants);
/* Closes those that nobody has used for `idle_ms`; what they held is given back at the next
 * tenants_rest. For a process to which every company comes, and few of them often. */
void tenants_close_idle(struct tenants *tenants, int64_t idle_ms);
/* So many bytes of small blocks were freed elsewhere: see tenants_rest. */
void tenants_freed(struct tenants *tenants, size_t bytes);
bool tenants_is_open(const struct tenants *tenants, const char *name);
/* What the open tenants hold: their stores, and models that no other tenant has. Scripts have a
 * bound of their own (script/vm.h). */
size_t tenants_bytes(const struct tenants *tenants);
/* Drops one (moved away, deleted, restored); it is opened anew on the next use. */
void tenants_drop(struct tenants *tenants, const char *name);
bool tenants_next(struct tenants *tenants, size_t *at, struct tenant **out); /* open ones */
/* Slot that owns a tenant: placement or stable hash. With several workers the last one is the slow
 * lane: only placement puts a tenant there. */
int tenants_worker(const struct tenants *tenants, const char *name);
/* The master key, which every process but the gateways (STORE_READ) holds; NULL there. */
const uint8_t *tenants_master(const struct tenants *tenants);
struct store *tenants_control(struct tenants *tenants);
void tenants_reload(struct tenants *tenants); /* reread control.db now */
