/* id - see id.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"

#include "base/clock.h"

#define ID_EPOCH_MS      1577836800000 /* 2020-01-01T00:00:00Z */
#define ID_NODE_BITS     10
#define ID_SEQUENCE_BITS 11
#define ID_NODE_MAX      ((1 << ID_NODE_BITS) - 1)
#define ID_SEQUENCE_MAX  ((1 << ID_SEQUENCE_BITS) - 1)
#define ID_MS_MAX        ((1LL << 42) - 1)

struct mint {
    int64_t node;
    int64_t last_ms; /* since ID_EPOCH_MS */
    int64_t sequence;
};

static struct mint mint = {.last_ms = -1, .sequence = ID_SEQUENCE_MAX};

void id_init(int node, int64_t floor_ms)
{
    ASSERT(node >= 0 && node <= ID_NODE_MAX);

    mint.node = node;
    mint.last_ms = floor_ms > ID_EPOCH_MS ? floor_ms - ID_EPOCH_MS : -1;
    mint.sequence = ID_SEQUENCE_MAX; /* the floor itself is used up */
}

int64_t id_next(void)
{
    int64_t now = clock_now_ms() - ID_EPOCH_MS;

    if (now > mint.last_ms) {
        mint.last_ms = now;
        mint.sequence = 0;
    } else if (mint.sequence < ID_SEQUENCE_MAX) {
        mint.sequence++;
    } else { /* borrow from the next millisecond rather than wait for it */
        mint.last_ms++;
        mint.sequence = 0;
    }
    ASSERT(mint.last_ms >= 0 && mint.last_ms <= ID_MS_MAX);
    return mint.last_ms << (ID_NODE_BITS + ID_SEQUENCE_BITS) | mint.node << ID_SEQUENCE_BITS |
           mint.sequence;
}

int64_t id_last_ms(void)
{
    return mint.last_ms < 0 ? 0 : mint.last_ms + ID_EPOCH_MS;
}

int64_t id_time_ms(int64_t id)
{
    return (id >> (ID_NODE_BITS + ID_SEQUENCE_BITS)) + ID_EPOCH_MS;
}

void id_text(int64_t id, char out[ID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t n = (uint64_t)id;

    ASSERT(id >= 0);
    for (int i = ID_TEXT_LEN; i > 0; i--) {
        out[i - 1] = digits[n & 31];
        n >>= 5;
    }
    out[ID_TEXT_LEN] = '\0';
}

static int digit_value(char c)
{
    /* Crockford: no U; O reads as 0, I and L as 1. -1 is not a digit. */
    static const signed char letters[26] = {
        10, 11, 12, 13, 14, 15, 16, 17, 1,  18, 19, 1,  20, /* A-M */
        21, 0,  22, 23, 24, 25, 26, -1, 27, 28, 29, 30, 31  /* N-Z */
    };

    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return letters[c - 'a'];
    if (c >= 'A' && c <= 'Z')
        return letters[c - 'A'];
    return -1;
}

bool id_parse(struct slice text, int64_t *out)
{
    uint64_t n = 0;

    if (text.len != ID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < ID_TEXT_LEN; i++) {
        int digit = digit_value(text.at[i]);
        if (digit < 0 || (i == 0 && digit > 7)) /* 13 digits hold 65 bits, an id has 63 */
            return false;
        n = n << 5 | (uint64_t)digit;
    }
    *out = (int64_t)n;
    return true;
}
