/* host - the one canonical form of a Host header or authority.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/host.h"

#include <arpa/inet.h>

#include "http/rules.h"

static bool port_parse(struct slice text, int *port)
{
    if (text.len == 0 || text.len > 5)
        return false;
    int n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        n = n * 10 + (text.at[i] - '0');
    }
    if (n < 1 || n > 65535)
        return false;
    *port = n;
    return true;
}

/* "[...]" was found; `inner` is what stands between. */
static bool ipv6_parse(struct arena *arena, struct slice inner, struct slice *host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (inner.len == 0 || inner.len >= sizeof(text))
        return false;
    memcpy(text, inner.at, inner.len);
    text[inner.len] = '\0';
    if (strlen(text) != inner.len || inet_pton(AF_INET6, text, &address) != 1)
        return false;
    if (!inet_ntop(AF_INET6, &address, text, sizeof(text)))
        return false;
    *host = slice_str(arena_printf(arena, "[%s]", text));
    return true;
}

/* Labels of letters, digits, '-' and '_', parted by single dots; *upper tells if it needs folding.
 */
static bool name_is_valid(struct slice name, bool *upper)
{
    if (name.len == 0 || name.len > HOST_BYTES_MAX)
        return false;
    char before = '.';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c >= 'A' && c <= 'Z')
            *upper = true;
        else if (c == '.'
                     ? before == '.'
                     : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
        before = c;
    }
    return before != '.';
}

bool host_parse(struct arena *arena, struct slice text, struct slice *host, int *port)
{
    ASSERT(host);
    ASSERT(port);

    struct slice name = text, after = {NULL, 0};
    if (text.len > 0 && text.at[0] == '[') {
        ptrdiff_t end = slice_find(text, SLICE("]"));
        if (end < 0)
            return false;
        name = slice_of(text.at, (size_t)end + 1);
    } else {
        ptrdiff_t colon = slice_find(text, SLICE(":"));
        if (colon >= 0)
            name.len = (size_t)colon;
    }
    after = slice_of(text.at + name.len, text.len - name.len);

    int n = 0;
    if (after.len > 0 &&
        (after.at[0] != ':' || !port_parse(slice_of(after.at + 1, after.len - 1), &n)))
        return false;

    struct slice canonical = name;
    if (name.len > 0 && name.at[0] == '[') {
        if (!ipv6_parse(arena, slice_of(name.at + 1, name.len - 2), &canonical))
            return false;
    } else {
        bool upper = false;
        if (canonical.len > 1 && canonical.at[canonical.len - 1] == '.')
            canonical.len--;
        if (!name_is_valid(canonical, &upper))
            return false;
        if (upper) {
            char *lower = arena_str(arena, canonical);
            for (size_t i = 0; i < canonical.len; i++) {
                if (lower[i] >= 'A' && lower[i] <= 'Z')
                    lower[i] = (char)(lower[i] + ('a' - 'A'));
            }
            canonical.at = lower;
        }
    }
    *host = canonical;
    *port = n;
    return true;
}
