/* target - a request target split and percent-decoded, once.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "http/req.h"

/* Splits req->target by its form (RFC 9112 section 3.2) and sets path and query. *authority is the
 * host[:port] of an absolute form, else empty; *scheme_port its default port. False with *why on an
 * illegal byte, a fragment, bad percent-encoding, an encoded slash, NUL or other control byte, a
 * backslash, dot segments, invalid UTF-8 or more than QUERY_PARAMS_MAX parameters. */
MUST_USE bool target_parse(struct arena *arena, struct req *req, struct slice *authority,
                           int *scheme_port, const char **why);
