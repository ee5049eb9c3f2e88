/* rules - what a request must be beyond being parseable.
 *
 * llhttp leaves open what host, version, method, framing and target mean; two servers that read
 * them differently are how requests are smuggled (RFC 9112 section 11.2). Each rule is one function
 * and one test, and has a short name for the log.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "http/req.h"

#define HOST_BYTES_MAX   253 /* RFC 1035 section 2.3.4, without the final dot */
#define QUERY_PARAMS_MAX 256 /* a list with filters on every field stays below */

/* The request line without its CRLF, in its strict form: method SP target SP HTTP/digit.digit. Sets
 * method, minor and target. ERR_MALFORMED, ERR_METHOD, ERR_HTTP_VERSION. */
MUST_USE enum err rules_line(struct slice line, struct req *req, const char **why);

/* All other rules, on a request whose line and headers are set: fills host, path, query, framing,
 * keep_alive, expects_continue. What must be decoded is copied into the arena. */
MUST_USE enum err rules_head(struct arena *arena, struct req *req, const char **why);
