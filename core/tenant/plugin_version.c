/* plugin_version - versions of three numbers, and the ranges that fit them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/plugin.h"

#define PARTS 3

struct version {
    int64_t parts[PARTS];
    int given; /* parts written down */
};

static bool version_parse(struct slice s, struct version *out)
{
    *out = (struct version){0};
    bool more = s.len > 0;
    while (more) {
        const char *dot = memchr(s.at, '.', s.len);
        struct slice part = slice_split(&s, '.');
        int64_t n;
        if (out->given == PARTS || part.len == 0 || part.len > 9 || part.at[0] == '-' ||
            !slice_to_int(part, &n))
            return false;
        out->parts[out->given++] = n;
        more = dot != NULL;
        if (more && s.len == 0)
            return false; /* ends in a dot */
    }
    return out->given > 0;
}

static int version_cmp(const struct version *a, const struct version *b)
{
    for (int i = 0; i < PARTS; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return 0;
}

/* Do the first n parts agree? */
static bool version_agrees(const struct version *a, const struct version *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a->parts[i] != b->parts[i])
            return false;
    return true;
}

/* How many parts a caret holds fast: "^1.2" the first, "^0.3" two, "^0.0.4" all. */
static int caret_parts(const struct version *floor)
{
    for (int i = 0; i < floor->given; i++)
        if (floor->parts[i] > 0)
            return i + 1;
    return floor->given;
}

/* One condition; *ok = false when it is none. */
static bool condition_fits(const struct version *version, struct slice condition, bool *ok)
{
    static const char *const operators[] = {">=", "<=", "^", "~", ">", "<", "="};
    size_t op = 0;
    while (op < sizeof operators / sizeof *operators &&
           !slice_starts(condition, slice_str(operators[op])))
        op++;
    int kind = op < 7 ? operators[op][0] : '=';
    bool or_equal = op < 2;
    size_t skip = op < 7 ? strlen(operators[op]) : 0;

    if (slice_is(condition, "*"))
        return true;
    struct version floor;
    if (!version_parse(slice_of(condition.at + skip, condition.len - skip), &floor)) {
        *ok = false;
        return false;
    }
    int cmp = version_cmp(version, &floor);
    switch (kind) {
    case '^':
        return cmp >= 0 && version_agrees(version, &floor, caret_parts(&floor));
    case '~':
        return cmp >= 0 && version_agrees(version, &floor, floor.given < 2 ? 1 : 2);
    case '>':
        return cmp > 0 || (or_equal && cmp == 0);
    case '<':
        return cmp < 0 || (or_equal && cmp == 0);
    default:
        return version_agrees(version, &floor, floor.given);
    }
}

static bool range_fits(const struct version *version, const char *range, bool *ok)
{
    struct slice rest = slice_trim(slice_str(range));
    bool fits = true;
    *ok = rest.len > 0;
    while (rest.len > 0) {
        struct slice condition = slice_split(&rest, ' ');
        if (condition.len > 0)
            fits = condition_fits(version, condition, ok) && fits;
    }
    return fits && *ok;
}

bool plugin_version_fits(const char *version, const char *range)
{
    ASSERT(version && range);
    struct version parsed;
    bool ok;
    return version_parse(slice_str(version), &parsed) && range_fits(&parsed, range, &ok);
}

bool plugin_range_is_valid(const char *range)
{
    ASSERT(range);
    struct version any = {.given = PARTS};
    bool ok;
    (void)range_fits(&any, range, &ok);
    return ok;
}
