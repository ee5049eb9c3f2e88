/* hash - a keyed table and fast hashes.
 *
 * `struct map` maps byte strings to pointers, open addressing, keys borrowed (they must outlive the
 * map; usually both live in one arena). Hashes are SipHash-2-4 under a per-process random key, so a
 * client cannot choose colliding keys.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

uint64_t hash_bytes(struct slice s); /* keyed; differs between processes */
/* SipHash-2-4 under a key of the caller; equal everywhere. */
uint64_t hash_sip(uint64_t k0, uint64_t k1, struct slice s);
uint64_t hash_stable(struct slice s); /* FNV-1a 64: same everywhere, for placement */

struct map_slot {
    struct slice key;
    void *value;
    uint64_t hash;
};

struct map {
    struct map_slot *slots; /* heap, or in `arena` when given; private */
    size_t cap, count;
    struct arena *arena; /* NULL = heap */
};

void map_init(struct map *m, struct arena *arena); /* arena NULL: heap, needs map_release */
void map_release(struct map *m);
/* Room for `count` keys in all, so that none of them lets it grow: in an arena what is grown out of
 * stays. */
void map_reserve(struct map *m, size_t count);
/* Begins with what another one holds, and room for `more`; keys and values stay the other's. */
void map_copy(struct map *m, struct arena *arena, const struct map *from, size_t more);
void *map_get(const struct map *m, struct slice key); /* NULL if absent */
void *map_put(struct map *m, struct slice key,
              void *value);                        /* the old value or NULL; value not NULL */
void *map_remove(struct map *m, struct slice key); /* the old value or NULL */
/* Walks in storage order: *at starts at 0; false at the end. Changing the map ends the walk. */
bool map_next(const struct map *m, size_t *at, struct slice *key, void **value);
