/* blob_sweep - bytes that no row names: their upload was refused, or its process died.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/row.h"
#include "base/limits.h"
#include "record/blob.h"
#include "tenant/folder.h"

static enum err is_named(struct tenant *tenant, const char *hash, bool *named)
{
    struct expr where = row_eq("hash", value_text(slice_str(hash)));
    int64_t rows = 0;
    enum err e = store_count(tenant->store, "file", &where, 1, &rows);
    *named = rows > 0;
    return e;
}

static bool is_old(const char *path, int64_t before_ms)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (int64_t)st.st_mtim.tv_sec * 1000 < before_ms;
}

enum err blob_sweep(struct tenant *tenant, int folder, int64_t before_ms)
{
    ASSERT(folder >= 0 && folder < BLOB_FOLDERS);
    struct arena *arena = arena_new();
    const char *path = tenant_path(tenant, arena, "files", arena_printf(arena, "%02x", folder));
    const char **names = NULL;
    int count = 0;
    enum err e = folder_exists(path) ? folder_names(arena, path, &names, &count) : ERR_OK;
    for (int i = 0; i < count && !e; i++) {
        const char *full = arena_printf(arena, "%s/%s", path, names[i]);
        bool named = true;
        if (strlen(names[i]) != BLOB_HASH_LEN || !is_old(full, before_ms))
            continue;
        e = is_named(tenant, names[i], &named);
        if (!e && !named && unlink(full) != 0 && errno != ENOENT)
            e = folder_err(errno);
    }
    arena_free(arena);
    return e;
}
