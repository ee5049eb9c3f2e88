/* pack - a plugin's files as one archive: what `plugin pack` writes and a deploy takes in.
 *
 * A plain tar (ustar) with names in order, mode 0644 and no times, so that the same files give the
 * same bytes: `tar tf` shows it. Reading is strict, because the bytes come from outside: regular
 * files only, names from the table of parts a plugin may have, text only, each name once, sizes and
 * counts bounded. Nothing is written before all of it has been read.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"

#define PACK_HASH_LEN (2 * CRYPTO_SHA256_LEN) /* hex digits */
#define PACK_ENDING   ".perigee.tar"          /* of the files that `plugin pack` writes */

struct pack_file {
    const char *name;   /* "entities/lead.json" */
    struct slice bytes; /* borrowed from the source, or in the arena */
};

struct pack {
    struct pack_file *files; /* by name */
    int count;
    char hash[PACK_HASH_LEN + 1]; /* of names and contents: what is equal has the same */
};

/* May a plugin have a file of that name? "plugin.json", "rules.lua", "entities/lead.json",
 * "i18n/zh-CN.json", "migrations/002_split.lua" … */
bool pack_name_is_valid(struct slice name);
/* Reads an archive; files point into `source`. ERR_MALFORMED or ERR_TOO_LARGE with a sentence. */
MUST_USE enum err pack_read(struct arena *arena, struct slice source, struct pack *out,
                            const char **why);
/* Reads a plugin's folder. What begins with a dot and the folder types/ are the author's own and
 * left out; what else is no part of a plugin is refused by name. */
MUST_USE enum err pack_folder(struct arena *arena, const char *folder, struct pack *out,
                              const char **why);
/* From files made in memory: checks, orders and hashes them like the others. */
MUST_USE enum err pack_make(struct arena *arena, struct pack *pack, const char **why);
/* The archive's bytes. */
void pack_write(const struct pack *pack, struct buf *out);
/* Writes the files below `folder`, which must not be there, and syncs them: it appears whole or not
 * at all. */
MUST_USE enum err pack_unpack(const struct pack *pack, const char *folder);
/* The bytes of one file; empty with at == NULL if there is none. */
struct slice pack_get(const struct pack *pack, const char *name);
