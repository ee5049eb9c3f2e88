/* quarantine - see quarantine.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "tenant/folder.h"

#define FOLDER         "quarantine"
#define HASH_BYTES_MAX 64 /* hexadecimal SHA-256 */

/* Names arrive over a shared page from a process that has gone astray. */
static bool is_name(const char *name, size_t most)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    return len && !name[len] && len <= most && name[0] != '.';
}

static const char *mark_path(struct arena *arena, const char *folder, const char *plugin,
                             const char *hash)
{
    return arena_printf(arena, "%s/" FOLDER "/%s@%s.json", folder, plugin, hash);
}

static enum err write_mark(struct arena *arena, const char *folder, const struct quarantine *mark)
{
    const char *place = arena_printf(arena, "%s/" FOLDER, folder);
    const char *path = mark_path(arena, folder, mark->plugin, mark->hash);
    const char *making = arena_printf(arena, "%s.new", path);
    struct buf b = BUF_INIT;
    buf_printf(&b, "{\"loading\":%s,\"at\":%lld}\n", mark->is_loading ? "true" : "false",
               (long long)mark->at_ms);
    enum err e = folder_make(place);
    if (!e) {
        (void)unlink(making);
        e = folder_write(making, buf_slice(&b), 0600);
    }
    if (!e && rename(making, path) != 0)
        e = folder_err(errno);
    if (!e)
        e = folder_sync(place);
    if (!e)
        e = folder_sync(folder);
    buf_release(&b);
    return e;
}

enum err quarantine_put(const char *data, const char *tenant, const struct quarantine *mark)
{
    ASSERT(data && tenant && mark);
    if (!is_name(tenant, NAME_BYTES_MAX) || !is_name(mark->plugin, NAME_BYTES_MAX) ||
        !is_name(mark->hash, HASH_BYTES_MAX))
        return ERR_MALFORMED;
    struct arena *arena = arena_new();
    const char *folder = arena_printf(arena, "%s/tenants/%s", data, tenant);
    enum err e = folder_exists(folder) ? write_mark(arena, folder, mark) : ERR_NOT_FOUND;
    arena_free(arena);
    return e;
}

enum err quarantine_get(struct arena *arena, const char *folder, const char *plugin,
                        const char *hash, const struct quarantine **out)
{
    const char *path = mark_path(arena, folder, plugin, hash), *why = NULL;
    const struct json *json = NULL;
    *out = NULL;
    if (access(path, F_OK) != 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_OK : folder_err(errno);
    enum err e = json_load(arena, path, &json, &why);
    if (e)
        return e;
    struct quarantine *mark = arena_make(arena, struct quarantine);
    *mark = (struct quarantine){.plugin = arena_strdup(arena, plugin),
                                .hash = arena_strdup(arena, hash),
                                .is_loading = json_bool(json, "loading", false),
                                .at_ms = json_int(json, "at", 0)};
    *out = mark;
    return ERR_OK;
}

/* "leads@0f3a….json"; NULL for what is no mark. */
static const char *plugin_of(struct arena *arena, const char *name, const char **hash)
{
    struct slice rest = slice_str(name), plugin = slice_split(&rest, '@');
    if (!slice_ends(rest, SLICE(".json")))
        return NULL;
    rest.len -= 5;
    *hash = arena_str(arena, rest);
    return arena_str(arena, plugin);
}

enum err quarantine_list(struct arena *arena, const char *folder, int64_t after_ms,
                         const struct quarantine ***out, int *count)
{
    const char **names = NULL, *place = arena_printf(arena, "%s/" FOLDER, folder);
    int found = 0;
    *count = 0;
    *out = NULL;
    if (!folder_exists(place))
        return ERR_OK;
    enum err e = folder_names(arena, place, &names, &found);
    if (!e)
        *out = arena_array(arena, const struct quarantine *, (size_t)found + 1);
    for (int i = 0; i < found && !e; i++) {
        const char *hash, *plugin = plugin_of(arena, names[i], &hash);
        const struct quarantine *mark = NULL;
        if (plugin)
            e = quarantine_get(arena, folder, plugin, hash, &mark);
        if (!e && mark && mark->at_ms > after_ms)
            (*out)[(*count)++] = mark;
    }
    return e;
}

enum err quarantine_release(const char *folder, const char *plugin)
{
    if (!is_name(plugin, NAME_BYTES_MAX))
        return ERR_NOT_FOUND;
    struct arena *arena = arena_new();
    const char *place = arena_printf(arena, "%s/" FOLDER, folder);
    struct slice prefix = slice_str(arena_printf(arena, "%s@", plugin));
    const char **names = NULL;
    int count = 0, removed = 0;
    enum err e = folder_names(arena, place, &names, &count);
    for (int i = 0; i < count && !e; i++) {
        if (!slice_starts(slice_str(names[i]), prefix))
            continue;
        if (unlink(arena_printf(arena, "%s/%s", place, names[i])) != 0)
            e = folder_err(errno);
        removed++;
    }
    if (!e && removed)
        e = folder_sync(place);
    arena_free(arena);
    return e ? e : removed ? ERR_OK : ERR_NOT_FOUND;
}
