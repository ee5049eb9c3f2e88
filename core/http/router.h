/* router - path and method to a route.
 *
 * Patterns are literal segments and {name} captures; a last {name*} takes the rest. Literal beats
 * capture. Built once from a table; matching allocates nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "http/req.h"

#define ROUTER_PARAMS_MAX 6

struct router_params {
    struct slice at[ROUTER_PARAMS_MAX]; /* in order of the pattern */
    int count;
};

struct router;
struct router *router_new(void);
void router_free(struct router *router);
/* `route` is handed back by match. The same method and pattern twice is a BUG. */
void router_add(struct router *router, enum http_method method, const char *pattern,
                const void *route);
/* ERR_NOT_FOUND, or ERR_METHOD when only other methods have that path: then *allowed is a bit set
 * of them (1u << method, HEAD beside GET). HEAD finds GET. A literal that lacks the method falls
 * back to a capture that has it. Captures are never empty, except that of a last {name*}. */
MUST_USE enum err router_match(const struct router *router, enum http_method method,
                               struct slice path, const void **route, struct router_params *params,
                               unsigned *allowed);
