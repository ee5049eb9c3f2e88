/* guard - where outbound calls may go: hosts by capability, addresses by kind.
 *
 * A plugin names hosts ("http:https://erp.example.com:8443"); whatever a name resolves to, only
 * addresses of the public internet are connected to. Loopback, private, link-local, shared (CGNAT),
 * multicast, documentation and reserved ranges are refused, and so are the forms that carry an IPv4
 * address inside IPv6 (mapped, 6to4, Teredo, NAT64). The operator of a server in a company's own
 * network may name exceptions: addresses, ranges ("10.2.0.0/16") or host names.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

/* Is this an address of the public internet? */
bool guard_is_public(const struct sockaddr *address);
/* May this address, found for `host`, be connected to? `exceptions` is NULL-terminated, or NULL. */
bool guard_allows(const char *const *exceptions, const char *host, const struct sockaddr *address);
/* The same for a host as an address (URL) names it, before anything is looked up: addresses in any
 * notation that resolvers read ("127.1", "[::1]") and localhost are judged, any other name passes.
 */
bool guard_allows_host(const char *const *exceptions, struct slice host);
/* Is text an exception as an operator may write it? */
bool guard_exception_is_valid(struct slice text);
/* Does the capability "http:SCHEME://HOST[:PORT]" cover scheme, host and port? All in lower case.
 * The host "*" stands for every host and port: for plugins whose targets a company names. */
bool guard_capability_covers(struct slice capability, const char *scheme, const char *host,
                             int port);
