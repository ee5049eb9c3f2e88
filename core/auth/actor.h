/* actor - a signed-in user with roles, team and department subtree, cached per auth_version.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/policy.h"
#include "auth/role.h"
#include "tenant/ctx.h"

struct actor {
    int64_t user, team, department, manager; /* 0 = none */
    const char *login, *name, *locale, *timezone;
    const struct role **roles;
    int roles_count;
    const int64_t *subtree; /* departments at and below mine */
    int subtree_count;      /* ≤ SUBTREE_IDS_MAX; what is beyond is left out, so seen by fewer */
    bool active, has_mfa;   /* a second factor is on */
    int64_t password_at_ms;
    /* of this request, not of the user */
    int64_t session, api_key; /* which of them identified it; 0 = the other */
    const struct json
        *scopes; /* of an API key: array of "entity:action" or "admin:area"; NULL = all */
    const struct actor *within; /* of a preview: who looks; nothing is seen that he may not see */
};

/* What the policy asks of a person before anything else; API keys are never asked. */
enum actor_due { DUE_NOTHING, DUE_MFA, DUE_PASSWORD };
MUST_USE enum err actor_due(struct tenant *tenant, const struct actor *actor, int64_t now_ms,
                            enum actor_due *out);
const char *actor_due_name(enum actor_due due); /* "mfa", "password"; NULL for nothing */

/* Where the roles come from: the model's declared roles; the layer above sets it once per process
 * (roles of plugins live in the model). Tenant-made roles (table role) override by name. */
typedef const struct role *(*actor_role_cb)(struct tenant *tenant, const char *name);
void actor_role_source(actor_role_cb find);

/* Loads user `id`. ERR_NOT_FOUND if absent or deleted. Cached under header.auth_version, header.
 * model_version and tenant->model, so refresh the header and get the model first. The actor and its
 * tenant-made roles stay valid for ACTORS_KEEP_MS after they were replaced: cache nothing by their
 * addresses, and let the model go no sooner than the requests that began with it. */
MUST_USE enum err actor_load(struct tenant *tenant, int64_t id, const struct actor **out);
/* The login is folded first. ERR_NOT_FOUND; deleted users have none. */
MUST_USE enum err actor_by_login(struct tenant *tenant, struct slice login, int64_t *id);
/* The tenant's policy, cached in the same way. */
MUST_USE enum err actor_policy(struct tenant *tenant, const struct policy **out);
/* A role by name as users of this tenant have it: tenant-made, else declared; NULL if unknown. */
MUST_USE enum err actor_role(struct tenant *tenant, const char *name, const struct role **out);
/* Within the scopes of the API key, if one identified it. */
bool actor_may_admin(const struct actor *actor, const char *area);
bool actor_is_admin(const struct actor *actor); /* some area of it */
bool actor_has_role(const struct actor *actor, const char *name);
/* Do the scopes let this through ("lead:read", "lead:*", "*:read", "*")? true without scopes. */
bool actor_in_scope(const struct actor *actor, const char *entity, const char *action);
/* The same actor with the identity of this request, in the arena. */
const struct actor *actor_for_request(struct arena *arena, const struct actor *base,
                                      int64_t session, int64_t api_key, const struct json *scopes);
/* `looker` in the place of `base`, with this role alone. */
const struct actor *actor_for_preview(struct arena *arena, const struct actor *looker,
                                      const struct actor *base, const struct role *role);
