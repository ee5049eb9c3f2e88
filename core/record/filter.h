/* filter - the one filter tree of http-api.md section 4: compile it for the store, or ask it of a
 * record in memory. Both give the same answer; tests/fixtures/filters.json proves it.
 *
 * An object is AND of its members; a member is "and", "or" (lists of trees), "not" (a tree),
 * "exists"
 * ({"contact.account": tree}: some record that points here), or a field or path with a plain value
 * (eq), a list (in), null (is empty) or an object of operators. Logic is two-valued: what is
 * compared with an empty value is false, and ne, nin and not are the exact opposite of eq, in and
 * the tree. null among the values of in stands for "is empty". A day against a datetime means the
 * whole local day. last_days n is the n days before today and today; next_days n today and the n
 * days after it; weeks begin on Monday. Variables: $me $my_team $my_department $my_subtree $today
 * $now.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"
#include "store/query.h"

/* Joins a compiled query collects; shared by filter, sort and select of one query. */
struct filter_joins {
    struct query_join *items;
    int count, cap;
    const char **paths; /* "owner", "account.owner": one join each */
};

struct filter_scope {
    const struct entity *entity;
    struct filter_joins *joins;
    bool as_rule;     /* a rule of a role: fields and targets are not checked against rights */
    const char *name; /* what complaints begin with; NULL = "filter" */
};

/* Complaints name the path ("filter.and[1].amount"). A hidden field: ERR_FORBIDDEN. NULL json =
 * NULL expr. */
MUST_USE enum err filter_compile(struct ctx *ctx, const struct filter_scope *scope,
                                 const struct json *tree, const struct expr **out);
/* The short form of query strings: status=new&amount[gte]=100 → tree in the arena. */
MUST_USE enum err filter_short(struct ctx *ctx, const struct entity *entity, struct slice name,
                               struct slice value, struct json *into);
/* Asks a record in memory. Paths are loaded through the store (at most PATH_REFS_MAX). */
MUST_USE enum err filter_matches(struct ctx *ctx, const struct entity *entity,
                                 const struct json *tree, const struct value *values, bool *out);
/* The same of a compiled expression without joins; NULL is true. */
MUST_USE enum err filter_matches_expr(struct ctx *ctx, const struct entity *entity,
                                      const struct expr *e, const struct value *values, bool *out);
/* Resolves "account.industry": the field at its end and the join that holds it (0 = own table).
 * With rights unless as_rule; *only_when as rights_field says. */
MUST_USE enum err filter_path(struct ctx *ctx, const struct filter_scope *scope, struct slice path,
                              const struct field **field, int *join, const struct expr **only_when);
/* "contact.account", or "contact" where only one of its fields points here; NULL if unknown. */
bool filter_relation(const struct model *model, const struct entity *entity, struct slice relation,
                     struct entity_ref *out);
