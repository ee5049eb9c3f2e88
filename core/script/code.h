/* code - plugins' Lua files as this process has read them: their hash, and compiled once.
 *
 * Kept by the file's identity (path, inode, size, times), so all tenants and every VM that is made
 * anew share one compilation. When more than SCRIPT_CODE_BYTES_MAX are kept, all are dropped.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"

#define CODE_FILE_BYTES_MAX (1 << 20) /* of one file */

struct code {
    uint8_t hash[CRYPTO_SHA256_LEN]; /* of the text */
    struct slice text;               /* {NULL, 0} once it is compiled */
    struct slice compiled;           /* lua_dump's, with lines; {NULL, 0} until then */
    struct arena *arena;             /* private */
};

/* The file as it is now. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO. Good until the next call. */
MUST_USE enum err code_get(const char *path, struct code **out);
/* Keeps what the text was compiled to, instead of it. */
void code_keep(struct code *code, struct slice compiled);
/* A plugin's code by one hash, in hexadecimal: its folder's Lua files by name. */
MUST_USE enum err code_hash(const char *folder, char out[2 * CRYPTO_SHA256_LEN + 1]);
/* Puts what the Lua files of home's plugins compile to onto the shelf (base/shelf.h). */
void code_shelve(const char *home);
/* What is kept now, for tests and measuring. */
size_t code_bytes(void);
