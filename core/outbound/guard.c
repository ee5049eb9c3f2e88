/* guard - see guard.h. Ranges are those of the IANA special-purpose registries.
 *
 * SPDX-License-Identifier: MIT
 */
#include "outbound/guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct range {
    uint8_t at[16];
    int bits;
    int family;
};

#define HOST_BYTES_MAX 255 /* a longer one is no address in numbers */

/* --- ranges -------------------------------------------------------------------------------------
 */

static const struct {
    uint8_t at[4];
    int bits;
} V4_SPECIAL[] = {
    {{0, 0, 0, 0}, 8},       /* this network */
    {{10, 0, 0, 0}, 8},      /* private */
    {{100, 64, 0, 0}, 10},   /* shared by carriers (CGNAT) */
    {{127, 0, 0, 0}, 8},     /* loopback */
    {{169, 254, 0, 0}, 16},  /* link-local, and what clouds tell their machines */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2, 0}, 24},    /* documentation */
    {{192, 88, 99, 0}, 24},  /* 6to4 relays */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 4},     /* multicast */
    {{240, 0, 0, 0}, 4},     /* reserved, broadcast */
};

/* Of what is global unicast (2000::/3); everything else is refused anyway. */
static const struct {
    uint8_t at[4];
    int bits;
} V6_SPECIAL[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4: an IPv4 address inside */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool has_prefix(const uint8_t *address, const uint8_t *range, int bits)
{
    int whole = bits / 8, left = bits % 8;
    if (memcmp(address, range, (size_t)whole) != 0)
        return false;
    return left == 0 || ((address[whole] ^ range[whole]) >> (8 - left)) == 0;
}

static const uint8_t *bytes_of(const struct sockaddr *address, int *family)
{
    *family = address->sa_family;
    if (address->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

bool guard_is_public(const struct sockaddr *address)
{
    ASSERT(address);
    int family;
    const uint8_t *bytes = bytes_of(address, &family);
    if (!bytes)
        return false;
    if (family == AF_INET) {
        for (size_t i = 0; i < sizeof V4_SPECIAL / sizeof *V4_SPECIAL; i++)
            if (has_prefix(bytes, V4_SPECIAL[i].at, V4_SPECIAL[i].bits))
                return false;
        return true;
    }
    if ((bytes[0] & 0xe0) != 0x20)
        return false;
    for (size_t i = 0; i < sizeof V6_SPECIAL / sizeof *V6_SPECIAL; i++)
        if (has_prefix(bytes, V6_SPECIAL[i].at, V6_SPECIAL[i].bits))
            return false;
    return true;
}

/* --- exceptions ---------------------------------------------------------------------------------
 */

/* "10.2.0.0/16", "127.0.0.1", "fd00::/8"; false for a name. */
static bool range_parse(struct slice text, struct range *out)
{
    char address[INET6_ADDRSTRLEN + 1];
    struct slice rest = text, host = slice_split(&rest, '/');
    bool has_bits = host.len < text.len;
    int64_t bits = 0;
    if (host.len == 0 || host.len >= sizeof address)
        return false;
    memcpy(address, host.at, host.len);
    address[host.len] = '\0';
    memset(out, 0, sizeof *out);
    out->family = strchr(address, ':') ? AF_INET6 : AF_INET;
    int most = out->family == AF_INET ? 32 : 128;
    if (inet_pton(out->family, address, out->at) != 1)
        return false;
    if (has_bits && (!slice_to_int(rest, &bits) || bits < 0 || bits > most))
        return false;
    out->bits = has_bits ? (int)bits : most;
    return true;
}

static bool is_host(struct slice s)
{
    if (s.len == 0 || s.len > 253)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_';
        if (!fine)
            return false;
    }
    return true;
}

bool guard_exception_is_valid(struct slice text)
{
    struct range range;
    return range_parse(text, &range) || is_host(text);
}

bool guard_allows(const char *const *exceptions, const char *host, const struct sockaddr *address)
{
    ASSERT(host && address);
    int family;
    const uint8_t *bytes = bytes_of(address, &family);
    if (!bytes)
        return false;
    if (guard_is_public(address))
        return true;
    for (const char *const *one = exceptions; one && *one; one++) {
        struct range range;
        if (range_parse(slice_str(*one), &range)) {
            if (range.family == family && has_prefix(bytes, range.at, range.bits))
                return true;
        } else if (slice_eq_nocase(slice_str(*one), slice_str(host))) {
            return true;
        }
    }
    return false;
}

/* getaddrinfo asks nobody here: it reads numbers alone. */
static bool allows_number(const char *const *exceptions, const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return true; /* a name: judged when it has been looked up */
    bool allowed = guard_allows(exceptions, host, found->ai_addr);
    freeaddrinfo(found);
    return allowed;
}

bool guard_allows_host(const char *const *exceptions, struct slice host)
{
    char text[HOST_BYTES_MAX + 1];
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = slice_of(host.at + 1, host.len - 2);
    while (host.len && host.at[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > HOST_BYTES_MAX)
        return true;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (!slice_eq_nocase(host, SLICE("localhost")))
        return allows_number(exceptions, text);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return guard_allows(exceptions, text, (const struct sockaddr *)&v4) ||
           guard_allows(exceptions, text, (const struct sockaddr *)&v6);
}

/* --- capabilities -------------------------------------------------------------------------------
 */

bool guard_capability_covers(struct slice capability, const char *scheme, const char *host,
                             int port)
{
    ASSERT(scheme && host);
    char wanted[16];
    struct slice rest = capability;
    if (!slice_is(slice_split(&rest, ':'), "http"))
        return false;
    if (!slice_is(slice_split(&rest, ':'), scheme) || !slice_starts(rest, SLICE("//")))
        return false;
    rest = slice_of(rest.at + 2, rest.len - 2);
    if (slice_is(rest, "*"))
        return true;
    size_t n = strlen(host);
    if (rest.len < n || !slice_eq_nocase(slice_of(rest.at, n), slice_of(host, n)))
        return false;
    rest = slice_of(rest.at + n, rest.len - n);
    if (rest.len == 0)
        return port == (strcmp(scheme, "https") == 0 ? 443 : 80);
    snprintf(wanted, sizeof wanted, ":%d", port);
    return slice_is(rest, wanted);
}
