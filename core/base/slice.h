/* slice - bytes that somebody else owns.
 *
 * A slice never owns and is passed by value. It need not end in NUL. Empty is {any, 0}; `at` may be
 * NULL only when `len` is 0.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_FMT      "%.*s"
#define SLICE_ARG(s)   (int)(s).len, (s).at

static inline struct slice slice_of(const char *at, size_t len)
{
    return (struct slice){at, len};
}

static inline struct slice slice_str(const char *nul_terminated)
{
    return (struct slice){nul_terminated, nul_terminated ? strlen(nul_terminated) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *nul_terminated)
{
    return slice_eq(a, slice_str(nul_terminated));
}

bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters only */
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
int slice_cmp(struct slice a, struct slice b); /* memcmp order, shorter first */
struct slice slice_trim(struct slice s);       /* drops ASCII space, tab, CR, LF on both ends */
/* Splits at the first `sep`: returns what stands before it and moves `rest` behind it. With no
 * `sep`, returns all and leaves `rest` empty. */
struct slice slice_split(struct slice *rest, char sep);
/* The index of `needle`'s first byte, or -1. */
ptrdiff_t slice_find(struct slice s, struct slice needle);
/* Whole string as a decimal integer (optional '-'); false on anything else or overflow. */
bool slice_to_int(struct slice s, int64_t *out);
