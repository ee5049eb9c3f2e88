/* address - network addresses of clients: ranges they must lie in, and keys to count them by.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

#define ADDRESS_KEY_BYTES 48

/* "10.0.0.5", "10.0.0.0/8", "2001:db8::/32" (RFC 4632, RFC 4291 section 2.3). An IPv4 address
 * written as IPv6 (::ffff:10.0.0.5) is the IPv4 one. false for what is no address. */
bool address_in(const char *address, const char *range);
bool address_range_is_valid(const char *range);
/* Under which attempts are counted: an IPv4 address whole, an IPv6 one by its /64, because a client
 * has all of that. What is no address counts as it is written, cut to fit. */
void address_key(const char *address, char out[ADDRESS_KEY_BYTES]);
