/* slice - see slice.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/slice.h"

static unsigned char ascii_lower(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    }
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_of(s.at, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    if (suffix.len == 0)
        return true;
    return s.len >= suffix.len && slice_eq(slice_of(s.at + s.len - suffix.len, suffix.len), suffix);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.at, b.at, n) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct slice slice_split(struct slice *rest, char sep)
{
    struct slice all = *rest;
    const char *at = all.len ? memchr(all.at, sep, all.len) : NULL;

    if (!at) {
        *rest = slice_of(all.len ? all.at + all.len : all.at, 0);
        return all;
    }
    size_t len = (size_t)(at - all.at);
    *rest = slice_of(at + 1, all.len - len - 1);
    return slice_of(all.at, len);
}

ptrdiff_t slice_find(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    if (needle.len > s.len)
        return -1;
    const char *at = memmem(s.at, s.len, needle.at, needle.len);
    return at ? at - s.at : -1;
}

bool slice_to_int(struct slice s, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    int64_t n = 0;

    if (negative)
        s = slice_of(s.at + 1, s.len - 1);
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Counted downwards, because INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    if (!negative && n == INT64_MIN)
        return false;
    *out = negative ? n : -n;
    return true;
}
