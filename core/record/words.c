/* words - see words.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/words.h"

#include <string.h>

#include "base/hash.h"

uint64_t words_hash(struct slice key)
{
    return hash_stable(key);
}

/* Where the key is, or belongs. At most half of the slots are taken. */
static struct word *slot_of(const struct words *words, struct slice key, uint64_t hash)
{
    size_t at = (size_t)(hash ^ hash >> 32) & (words->cap - 1);

    while (words->slots[at].text &&
           (words->slots[at].hash != hash || !slice_eq(words->slots[at].key, key)))
        at = (at + 1) & (words->cap - 1);
    return &words->slots[at];
}

static struct slice whole_key(struct arena *arena, const char *plugin, struct slice key)
{
    size_t before = strlen(plugin);
    char *whole = arena_alloc(arena, before + key.len + 2);

    memcpy(whole, plugin, before);
    whole[before] = ':';
    memcpy(whole + before + 1, key.at, key.len);
    return slice_of(whole, before + key.len + 1);
}

static void put(struct words *words, struct slice key, const char *text)
{
    uint64_t hash = words_hash(key);
    struct word *slot = slot_of(words, key, hash);

    *slot = (struct word){.hash = hash, .key = key, .text = text};
}

const struct words *words_make(struct arena *arena, const char *plugin, const struct json *of,
                               const struct json **fault)
{
    ASSERT(arena && plugin);
    ASSERT(of && of->type == JSON_OBJECT && fault);
    struct words *words = arena_make(arena, struct words);
    words->of = of;
    words->plugin = arena_strdup(arena, plugin);
    for (words->cap = 4; words->cap < 2 * (size_t)of->count;)
        words->cap *= 2;
    words->slots = arena_array(arena, struct word, words->cap);
    json_each(text, of)
    {
        if (text->type != JSON_STRING) {
            *fault = text;
            return NULL;
        }
        bool is_foreign = slice_find(text->key, SLICE(":")) >= 0;
        words->has_foreign = words->has_foreign || is_foreign;
        put(words, is_foreign ? text->key : whole_key(arena, plugin, text->key), text->text.at);
    }
    return words;
}

/* Does the key begin with the plugin's own name? */
static bool is_own(const struct words *words, struct slice key)
{
    size_t len = strlen(words->plugin);

    return key.len > len && key.at[len] == ':' && memcmp(key.at, words->plugin, len) == 0;
}

const char *words_find(const struct words *words, struct slice key, uint64_t hash)
{
    ASSERT(words);
    if (!words->has_foreign && !is_own(words, key))
        return NULL;
    return slot_of(words, key, hash)->text;
}
