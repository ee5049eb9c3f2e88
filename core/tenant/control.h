/* control - data/control.db: tenants, hosts, placement, operators.
 *
 * Written and checkpointed by worker 0 only (or by a command that holds the folder lock); every
 * process reads it. Its header's model_version moves with every change, so readers notice.
 * Sentences in *why are good until the next failure (tenant/why.h); why may be NULL.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

struct control_tenant {
    const char *name; /* [a-z][a-z0-9_-]{0,62}: also the folder */
    const char *title, *locale, *timezone, *currency;
    const char *state; /* active, suspended, parked (parked_why) */
    const char *parked_why;
    int worker;         /* slot, or -1 = by hash */
    const char **hosts; /* NULL-terminated */
    int64_t id, created_at_ms;
};

/* Makes data/: control.db, master.key (0600), perigee.json, README, folders. ERR_CONFLICT if there.
 * control.db comes last: a folder without it can be made again, and keeps its key. */
MUST_USE enum err control_init(const char *data, const char **why);
/* `why`: missing folder, another version, missing or readable-by-others key file … one sentence.
 * STORE_READ does not read the key, only looks at its file. */
MUST_USE enum err control_open(const char *data, enum store_mode mode, struct store **out,
                               const char **why);
MUST_USE enum err control_list(struct store *control, struct arena *arena,
                               struct control_tenant **out, int *count);
/* Inserts tenant and hosts in one transaction (its own, unless one is open). ERR_CONFLICT names
 * what is taken in *why; ERR_MALFORMED a bad name or host. locale, timezone, currency: NULL for
 * zh-CN, Asia/Shanghai, CNY. */
MUST_USE enum err control_add(struct store *control, const struct control_tenant *tenant,
                              const char **why);
/* `why` is stored as parked_why (NULL for the others). ERR_NOT_FOUND. */
MUST_USE enum err control_set_state(struct store *control, const char *name, const char *state,
                                    const char *why);
/* Owning slot, -1 = by hash. ERR_NOT_FOUND. */
MUST_USE enum err control_place(struct store *control, const char *name, int worker);
/* Takes tenant and hosts out; the folder stays where it is. */
MUST_USE enum err control_remove(struct store *control, const char *name);
/* The folder lock: an flock on data/lock; the descriptor is inherited by every child, so it is free
 * only when the last process is gone. ERR_CONFLICT when somebody holds it. */
MUST_USE enum err control_lock(const char *data, int *fd);
bool control_name_is_valid(const char *name);
/* A host name in canonical form: lower case, no port; or an address. */
bool control_host_is_valid(const char *host);
