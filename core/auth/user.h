/* user - accounts as commands and set-up make them.
 *
 * The record layer's entity `user` is how people change users later; this is the way in before
 * there is anybody to do so, and what the command line and administration need. Each change moves
 * auth_version and is audited. All writes are in a write turn.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/actor.h"

struct user_spec {
    const char *login, *name;                      /* name NULL = the login */
    const char *email, *phone, *locale, *timezone; /* NULL = not set */
    const char *const *roles;                      /* NULL-terminated; NULL = none */
    int64_t department, team, manager;             /* 0 = none */
    const char *encoded; /* crypto_password_hash; NULL = cannot sign in with a password yet */
};

/* ERR_VALIDATION names the fields: login required, bad_login, taken; roles unknown_role, too_many;
 * department, team, manager not_found. */
MUST_USE enum err user_create(struct ctx *ctx, const struct user_spec *spec, int64_t *id);
/* Disabling ends all sessions; keys stop by themselves. ERR_NOT_FOUND. */
MUST_USE enum err user_set_active(struct ctx *ctx, int64_t user, bool active);
/* NULL-terminated names. ERR_NOT_FOUND, ERR_VALIDATION. */
MUST_USE enum err user_set_roles(struct ctx *ctx, int64_t user, const char *const *roles);
/* They as a user's row has them; roles NULL: none. */
struct value user_roles_text(struct arena *arena, const char *const *roles);
/* Complaints about role names, for callers that store roles themselves. */
MUST_USE enum err user_roles_check(struct ctx *ctx, const char *const *roles);

struct user_info {
    int64_t id, created_at_ms, password_at_ms;
    const char *login, *name, *email, *roles; /* roles: JSON array text */
    bool active;
};
typedef bool (*user_list_cb)(void *arg, const struct user_info *user); /* false stops */
/* By login, without the deleted ones. */
MUST_USE enum err user_list(struct tenant *tenant, user_list_cb cb, void *arg);

/* The login as it is stored and compared (text_fold), appended to out. */
void user_login_fold(struct buf *out, struct slice login);
bool user_login_is_valid(struct slice login);

/* A department or team, with its path; parent and lead 0 = none. */
MUST_USE enum err user_department_create(struct ctx *ctx, const char *name, int64_t parent,
                                         int64_t *id);
MUST_USE enum err user_team_create(struct ctx *ctx, const char *name, int64_t lead, int64_t *id);
