/* hash - see hash.h. SipHash-2-4 follows the paper of Aumasson and Bernstein (2012). Tables
 * need no more than 1-3: their hashes never leave the process, and nobody can choose keys that
 * collide without them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

#define MAP_FIRST_SLOTS 16

struct sip_key {
    uint64_t k0, k1;
    bool known;
};

static struct sip_key process_key; /* drawn at first use, the same for the process's life */

static void key_draw(void)
{
    uint64_t drawn[2];

    if (getrandom(drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
        BUG("the kernel gives no random bytes");
    process_key = (struct sip_key){drawn[0], drawn[1], true};
}

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline uint64_t load_le64(const char *at)
{
    uint64_t n;

    memcpy(&n, at, sizeof(n));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    n = __builtin_bswap64(n);
#endif
    return n;
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void sip_absorb(uint64_t v[4], uint64_t word, int rounds)
{
    v[3] ^= word;
    for (int i = 0; i < rounds; i++)
        sip_round(v);
    v[0] ^= word;
}

/* `rounds` a word and `last_rounds` at the end: constants where it is inlined. */
static inline uint64_t sip(uint64_t k0, uint64_t k1, struct slice s, int rounds, int last_rounds)
{
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint64_t last = (uint64_t)s.len << 56;
    size_t whole = s.len & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8)
        sip_absorb(v, load_le64(s.at + i), rounds);
    for (size_t i = whole; i < s.len; i++)
        last |= (uint64_t)(uint8_t)s.at[i] << (8 * (i - whole));
    sip_absorb(v, last, rounds);
    v[2] ^= 0xff;
    for (int i = 0; i < last_rounds; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_sip(uint64_t k0, uint64_t k1, struct slice s)
{
    return sip(k0, k1, s, 2, 4);
}

uint64_t hash_bytes(struct slice s)
{
    if (__builtin_expect(!process_key.known, 0))
        key_draw();
    return sip(process_key.k0, process_key.k1, s, 1, 3);
}

uint64_t hash_stable(struct slice s)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (uint8_t)s.at[i]) * 0x100000001b3;
    return hash;
}

void map_init(struct map *m, struct arena *arena)
{
    *m = (struct map){.arena = arena};
}

void map_release(struct map *m)
{
    if (!m->arena)
        free(m->slots);
    map_init(m, m->arena);
}

/* The slot that holds the key, or the empty one where it belongs. Slots are never all full. */
static struct map_slot *slot_find(const struct map *m, struct slice key, uint64_t hash)
{
    size_t mask = m->cap - 1;

    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->value || (slot->hash == hash && slice_eq(slot->key, key)))
            return slot;
    }
}

static void map_resize(struct map *m, size_t cap)
{
    struct map old = *m;

    m->cap = cap;
    m->slots = m->arena ? arena_array(m->arena, struct map_slot, m->cap)
                        : calloc(m->cap, sizeof(*m->slots));
    if (!m->slots)
        BUG("out of memory");
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].value)
            *slot_find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    }
    if (!m->arena)
        free(old.slots);
}

static bool map_has_room(size_t cap, size_t count)
{
    return count * 4 <= cap * 3;
}

void map_reserve(struct map *m, size_t count)
{
    size_t cap = m->cap ? m->cap : MAP_FIRST_SLOTS;

    while (!map_has_room(cap, count))
        cap *= 2;
    if (cap > m->cap)
        map_resize(m, cap);
}

void map_copy(struct map *m, struct arena *arena, const struct map *from, size_t more)
{
    map_init(m, arena);
    map_reserve(m, from->count + more);
    m->count = from->count;
    for (size_t i = 0; i < from->cap; i++)
        if (from->slots[i].value)
            *slot_find(m, from->slots[i].key, from->slots[i].hash) = from->slots[i];
}

void *map_get(const struct map *m, struct slice key)
{
    return m->count ? slot_find(m, key, hash_bytes(key))->value : NULL;
}

void *map_put(struct map *m, struct slice key, void *value)
{
    ASSERT(value);

    if (!map_has_room(m->cap, m->count + 1))
        map_resize(m, m->cap ? m->cap * 2 : MAP_FIRST_SLOTS);
    uint64_t hash = hash_bytes(key);
    struct map_slot *slot = slot_find(m, key, hash);
    void *old = slot->value;
    if (!old) {
        m->count++;
        slot->key = key;
        slot->hash = hash;
    }
    slot->value = value;
    return old;
}

void *map_remove(struct map *m, struct slice key)
{
    if (!m->count)
        return NULL;
    struct map_slot *slot = slot_find(m, key, hash_bytes(key));
    void *old = slot->value;
    if (!old)
        return NULL;

    /* Close the hole: pull back whatever behind it may not stand beyond an empty slot. */
    size_t mask = m->cap - 1;
    size_t hole = (size_t)(slot - m->slots);
    for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = (size_t)m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    m->count--;
    return old;
}

bool map_next(const struct map *m, size_t *at, struct slice *key, void **value)
{
    while (*at < m->cap) {
        const struct map_slot *slot = &m->slots[(*at)++];
        if (!slot->value)
            continue;
        if (key)
            *key = slot->key;
        if (value)
            *value = slot->value;
        return true;
    }
    return false;
}
