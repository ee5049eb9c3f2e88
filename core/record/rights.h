/* rights - the one place that decides what an actor may see and do.
 *
 * Used by get, list, count, aggregate, search, expand, bulk, import, export and hooks. An action is
 * allowed on a record if at least one role granting it has a row rule that matches; a field is
 * readable on a record only if one of those matching roles grants it (data.md section 7).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/role.h"
#include "record/entity.h"
#include "store/query.h"

/* Is the action granted at all (some rows)? ERR_FORBIDDEN if not. as_system: always ERR_OK. */
MUST_USE enum err rights_action(struct ctx *ctx, const struct entity *entity,
                                enum role_action action);
/* The row rule as a store expression (NULL = every row). Also keeps deleted rows out unless
 * `with_deleted`. */
MUST_USE enum err rights_rows(struct ctx *ctx, const struct entity *entity, enum role_action action,
                              bool with_deleted, const struct expr **out);
struct rights_field {
    enum role_access access;      /* the most any matching role could give */
    const struct expr *only_when; /* readable (for writing actions: writable) only on rows where
                                   * this holds; NULL = on all visible ones */
};
MUST_USE enum err rights_field(struct ctx *ctx, const struct entity *entity,
                               const struct field *field, enum role_action action,
                               struct rights_field *out);
/* Does the row rule of the action match this record in memory? */
MUST_USE enum err rights_matches(struct ctx *ctx, const struct entity *entity,
                                 enum role_action action, const struct value *values, bool *out);
/* May the operation (pick, convert…) be run? `plugin`: whose it is (NULL: not known). What a plugin
 * has granted to a role of others, "acme.yard:x_grade", counts for its own operation alone. */
bool rights_operation(struct ctx *ctx, const struct entity *entity, const char *operation,
                      const char *plugin);
/* Access to a field of this very record: only_when asked of the values in memory. */
MUST_USE enum err rights_field_on(struct ctx *ctx, const struct entity *entity,
                                  const struct field *field, enum role_action action,
                                  const struct value *values, enum role_access *out);

/* The same answers for many fields of one query: the roles are looked through once. Lives in
 * ctx->arena. ERR_FORBIDDEN as rights_action. */
struct rights;
MUST_USE enum err rights_make(struct ctx *ctx, const struct entity *entity, enum role_action action,
                              struct rights **out);
MUST_USE enum err rights_make_rows(struct rights *rights, bool with_deleted,
                                   const struct expr **out);
MUST_USE enum err rights_make_field(struct rights *rights, const struct field *field,
                                    struct rights_field *out);
/* The most that is granted on any row, without what the row itself says. ROLE_NONE: never shown. */
enum role_access rights_access(const struct rights *rights, const struct field *field);
