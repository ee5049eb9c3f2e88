/* host - the one canonical form of a Host header or authority.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* Splits host[:port] (RFC 3986 section 3.2.2, without user info, percent-encoding, zone ids and
 * non-ASCII). *host: lower case, no final dot, IPv6 normalised and in brackets; in the arena or in
 * the source. *port is 0 when absent. False when invalid. */
MUST_USE bool host_parse(struct arena *arena, struct slice text, struct slice *host, int *port);
