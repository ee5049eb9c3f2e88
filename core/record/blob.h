/* blob - bytes kept by their hash below a tenant's files/, and whole files in memory for a while.
 *
 * A blob lies at files/<first two digits>/<sha-256> and never changes; rows of table `file` give it
 * names and owners, any number of them. So the same document uploaded twice is stored once.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/crypto.h"
#include "tenant/ctx.h"

#define BLOB_NO_ROOM  "no_room_for_files"
#define BLOB_FOLDERS  256
#define BLOB_HASH_LEN (2 * CRYPTO_SHA256_LEN) /* hex digits */

struct blob {
    char hash[BLOB_HASH_LEN + 1];
    int64_t bytes;
};

/* A row of table `file`. */
struct blob_file {
    int64_t id, bytes, created_at_ms, created_by; /* created_by 0 = the operator */
    const char *hash, *name, *type;
    const char *entity; /* what it is attached to, or NULL */
    int64_t record;
};

/* Maps a file for reading until the arena is dropped. ERR_NOT_FOUND, ERR_IO. */
MUST_USE enum err blob_map(struct arena *arena, const char *path, struct slice *out);
/* Keeps bytes. ERR_FULL, ERR_IO. */
MUST_USE enum err blob_put(struct tenant *tenant, struct arena *arena, struct slice bytes,
                           struct blob *out);
/* Keeps a whole file of the tenant's tmp/ by moving it. */
MUST_USE enum err blob_adopt(struct tenant *tenant, struct arena *arena, const char *path,
                             struct blob *out);
/* Where a blob lies; the hash is checked by the caller or comes from the store. */
const char *blob_path(const struct tenant *tenant, struct arena *arena, const char *hash);
/* A fresh name in the tenant's tmp/. */
const char *blob_tmp(const struct tenant *tenant, struct arena *arena, const char *prefix);
/* Removes what lies in one of the BLOB_FOLDERS folders, was written before and is named by no row:
 * the transaction of an upload was refused after its bytes had been kept. Outside a transaction. */
MUST_USE enum err blob_sweep(struct tenant *tenant, int folder, int64_t before_ms);
/* In a write turn: the row, owned by the actor. file->hash, bytes, name, type, entity and record
 * are the caller's, the rest is set. ERR_TOO_LARGE with the code BLOB_NO_ROOM and a sentence where
 * the company's files would be more than it may have: whoever made it, people, exports or letters.
 */
MUST_USE enum err blob_file_insert(struct ctx *ctx, struct blob_file *file);
/* ERR_NOT_FOUND. No rights are asked. */
MUST_USE enum err blob_file_read(struct ctx *ctx, int64_t id, struct blob_file *out);
/* In a write turn: it is nobody's own any more, so it is for those who may read its record. */
MUST_USE enum err blob_file_disown(struct ctx *ctx, int64_t id);
/* Ids of the files that hang on a record (place->entity and record), oldest first; in ctx->arena.
 * No rights are asked. */
MUST_USE enum err blob_files_of(struct ctx *ctx, const struct blob_file *place, int most,
                                int64_t **ids, int *count);
/* In a write turn: what hangs on one record hangs on another one too, by rows of the same bytes,
 * but nothing twice; *ids: those there. ERR_TOO_LARGE where there are more than `most`, and with
 * BLOB_NO_ROOM as above. */
MUST_USE enum err blob_files_copy(struct ctx *ctx, const struct blob_file *from,
                                  const struct blob_file *to, int most, int64_t **ids, int *count);
/* May the actor read it? What hangs on a record is for whoever may read the record, and the field
 * that names it where one does; the rest is for its owner: ERR_NOT_FOUND. */
MUST_USE enum err blob_file_visible(struct ctx *ctx, const struct blob_file *file);
