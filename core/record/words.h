/* words - the texts of one plugin in one language, by key.
 *
 * The same for every company that has the plugin, so a product's table is made once, by the
 * supervisor for all processes where it can (base/shelf.h): its hash is therefore no process' own.
 * The keys are those of files that the product ships or an implementer deploys, never of requests.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"

struct words {
    const struct json *of; /* the file that it was made from */
    const char *plugin;
    bool has_foreign; /* keys of other plugins, too: "people:account" */
    size_t cap;       /* of slots, a power of two */
    struct word {
        uint64_t hash;
        struct slice key;
        const char *text; /* NULL: nothing is here */
    } * slots;
};

/* From { "key": "text" }, in the arena; keys become "plugin:key" and texts stay the file's, which
 * has to live as long. NULL: *fault is a member that is no text. */
const struct words *words_make(struct arena *arena, const char *plugin, const struct json *of,
                               const struct json **fault);
uint64_t words_hash(struct slice key);
/* The text of "plugin:key", NULL-terminated, or NULL. */
const char *words_find(const struct words *words, struct slice key, uint64_t hash);
