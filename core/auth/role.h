/* role - what a role may do, as parsed from roles/<name>.json.
 *
 * { "name": "sales", "label": "@role.sales", "grants": { "lead": {
 *     "read": "team", "create": true, "update": "own", "delete": { "status": "new" },
 *     "export": true, "import": false, "unmask": false, "actions": ["pick", "convert"],
 *     "fields": { "cost": "none", "score": "read", "*": "write" } }, "*": { "read": "all" } },
 *   "admin": ["users", "roles", …] | true }
 *
 * A row rule is true or "all" (every row), "own" (owner is me), "team", "department", "subtree"
 * (my department and below), "parent" (of a child entity: as its parent), or a filter tree. What is
 * not granted is denied. Rules are compiled against the model in record/rights.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"

enum role_action {
    ROLE_READ,
    ROLE_CREATE,
    ROLE_UPDATE,
    ROLE_DELETE,
    ROLE_EXPORT,
    ROLE_IMPORT,
    ROLE_UNMASK, /* read encrypted fields in plain, with a reason that is audited */
    ROLE_ACTIONS
};
const char *role_action_name(enum role_action action);

enum role_access { ROLE_NONE, ROLE_READ_ONLY, ROLE_WRITE };

struct role_grant {
    const char *entity;                     /* or "*" */
    const struct json *rules[ROLE_ACTIONS]; /* NULL = denied; else true, a word or a filter tree */
    const struct json *actions;             /* array of names, or true; NULL = none */
    const struct json *fields;              /* object name → access word; NULL = all write */
};

struct role {
    const char *name, *label;
    struct map grants;        /* entity → struct role_grant * */
    const struct json *admin; /* array of area names, or true; NULL = none */
};

/* Parses a checked document into the arena. ERR_MALFORMED with a sentence. */
MUST_USE enum err role_parse(struct arena *arena, const struct json *doc, struct role **out,
                             const char **why);
/* The grant for an entity ("*" as fallback), or NULL. */
const struct role_grant *role_grant_of(const struct role *role, const char *entity);
/* Access to a field by that grant: its own word, else "*", else write. */
enum role_access role_field_access(const struct role_grant *grant, const char *field);
bool role_may_admin(const struct role *role, const char *area);
