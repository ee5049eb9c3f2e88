/* address - parse, compare by prefix, and reduce to a key.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_BYTES 4
#define V6_BYTES 16

struct address {
    uint8_t bytes[V6_BYTES];
    int len; /* V4_BYTES or V6_BYTES */
};

static bool address_parse(struct slice text, struct address *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out->bytes) == 1) {
        out->len = V4_BYTES;
        return true;
    }
    if (inet_pton(AF_INET6, copy, out->bytes) != 1)
        return false;
    out->len = V6_BYTES;
    if (memcmp(out->bytes, mapped, sizeof mapped) == 0) {
        memmove(out->bytes, out->bytes + sizeof mapped, V4_BYTES);
        out->len = V4_BYTES;
    }
    return true;
}

static bool range_parse(const char *range, struct address *out, int *bits)
{
    struct slice rest = slice_str(range);
    bool has_bits = memchr(rest.at, '/', rest.len) != NULL;
    struct slice text = slice_split(&rest, '/');
    if (!address_parse(text, out))
        return false;
    *bits = out->len * 8;
    if (!has_bits)
        return true;
    int64_t n;
    if (rest.len == 0 || rest.at[0] == '-' || !slice_to_int(rest, &n) || n > *bits)
        return false;
    *bits = (int)n;
    return true;
}

bool address_range_is_valid(const char *range)
{
    ASSERT(range);
    struct address parsed;
    int bits;
    return *range && range_parse(range, &parsed, &bits);
}

bool address_in(const char *address, const char *range)
{
    ASSERT(range);
    struct address one, other;
    int bits;
    if (!address || !*range || !address_parse(slice_str(address), &one) ||
        !range_parse(range, &other, &bits) || one.len != other.len)
        return false;
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(one.bytes, other.bytes, (size_t)whole) != 0)
        return false;
    return rest == 0 || (one.bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0;
}

void address_key(const char *address, char out[ADDRESS_KEY_BYTES])
{
    ASSERT(out);
    struct address parsed;
    if (!address)
        address = "none";
    if (!address_parse(slice_str(address), &parsed)) {
        (void)snprintf(out, ADDRESS_KEY_BYTES, "%s", address);
        return;
    }
    if (parsed.len == V6_BYTES)
        memset(parsed.bytes + V6_BYTES / 2, 0, V6_BYTES / 2);
    int family = parsed.len == V6_BYTES ? AF_INET6 : AF_INET;
    const char *text = inet_ntop(family, parsed.bytes, out, ADDRESS_KEY_BYTES);
    ASSERT(text);
}
