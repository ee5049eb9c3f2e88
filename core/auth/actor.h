/* actor - a signed-in user with roles, team and department subtree, cached per auth_version.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/role.h"
#include "tenant/ctx.h"

struct actor {
    int64_t user, team, department, manager; /* 0 = none */
    const char *login, *name, *locale, *timezone;
    const struct role **roles;
    int roles_count;
    const int64_t *subtree;   /* departments at and below mine */
    int subtree_count;        /* ≤ SUBTREE_IDS_MAX */
    bool active;
    /* of this request, not of the user */
    int64_t session, api_key; /* which of them identified it; 0 = the other */
    const struct json *scopes; /* of an API key: array of "entity:action" or "admin:area"; NULL = all */
};

/* Where the roles come from: the model's declared roles; the layer above sets it once per process
 * (roles of plugins live in the model). Tenant-made roles (table role) override by name. */
typedef const struct role *(*actor_role_cb)(struct tenant *tenant, const char *name);
void actor_role_source(actor_role_cb find);

/* Loads user `id` (cached under header.auth_version). ERR_NOT_FOUND if absent or deleted. */
MUST_USE enum err actor_load(struct tenant *tenant, int64_t id, const struct actor **out);
MUST_USE enum err actor_by_login(struct tenant *tenant, struct slice login, int64_t *id);
bool actor_may_admin(const struct actor *actor, const char *area);
bool actor_has_role(const struct actor *actor, const char *name);
/* The same actor with the identity of this request, in the arena. */
const struct actor *actor_for_request(struct arena *arena, const struct actor *base, int64_t session,
                                      int64_t api_key, const struct json *scopes);
