/* keep - a backup as a folder: tenant.db, files/, custom/ and a manifest with the hash of each
 * file.
 *
 * The manifest is written last and the folder is renamed when all of it is on disk, so a backup is
 * whole or not there. Restoring verifies every hash on the way into a fresh folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/tenant.h"

#define KEEP_MANIFEST "manifest.json"
#define KEEP_KEYS     "keys.json" /* the keys of encrypted fields, under a passphrase */
#define KEEP_FORMAT   1
#define KEEP_FRESH    ".new-" /* names below tenants/ that tenant_sweep removes at the next start */

struct keep_info {
    struct control_tenant tenant; /* name, title, locale, timezone, currency; no hosts */
    int64_t created_at_ms, core_version, files, bytes;
};

/* Writes the backup as a new folder below dir; *path in the arena. `keys` is the text of KEEP_KEYS;
 * empty: the copy opens its encrypted fields only under this server's master key. *why is a
 * sentence in the arena. */
MUST_USE enum err keep_write(struct tenant *tenant, struct arena *arena, const char *dir,
                             struct slice keys, const char **path, struct keep_info *info,
                             const char **why);
/* What the manifest of a backup says; no file is looked at. */
MUST_USE enum err keep_read(struct arena *arena, const char *path, struct keep_info *info,
                            const char **why);
/* Copies a backup into `fresh` (must not be there), checking every file against the manifest and
 * the database's structure. What failed is removed again. ERR_CORRUPT, ERR_NOT_FOUND,
 * ERR_NOT_SUPPORTED (made by a newer program), ERR_FULL, ERR_IO. */
MUST_USE enum err keep_stage(struct arena *arena, const char *path, const char *fresh,
                             struct keep_info *info, const char **why);
