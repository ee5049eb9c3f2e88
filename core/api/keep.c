/* keep - see keep.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/json.h"
#include "record/blob.h"
#include "tenant/folder.h"
#include "tenant/system.h"

#define KEEP_DEPTH_MAX 16 /* folders below one another */

static enum err say(struct arena *arena, const char **why, enum err e, const char *what,
                    const char *path)
{
    *why = arena_printf(arena, "%s: %s", path, what ? what : err_text(e, LANG_EN));
    return e;
}

static const char *hash_of(struct arena *arena, struct slice bytes)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_sha256(bytes, digest);
    crypto_put_hex(&hex, slice_of((const char *)digest, sizeof digest));
    const char *text = arena_str(arena, buf_slice(&hex));
    buf_release(&hex);
    return text;
}

/* --- writing ------------------------------------------------------------------------------------
 */

struct writer {
    struct arena *arena;
    const char *from, *to; /* folders */
    struct slice keys;     /* text of KEEP_KEYS, or empty */
    struct buf list;       /* the manifest's "files" */
    struct keep_info *info;
    const char **why;
};

static void list_file(struct writer *w, const char *name, struct slice bytes, const char *hash)
{
    json_put_comma(&w->list);
    buf_put_str(&w->list, "\n{\"path\":");
    json_put_cstr(&w->list, name);
    buf_printf(&w->list, ",\"bytes\":%zu,\"sha256\":\"%s\"}", bytes.len, hash);
    w->info->files++;
    w->info->bytes += (int64_t)bytes.len;
}

static enum err write_file(struct writer *w, const char *name)
{
    struct arena *own = arena_new(); /* one mapped file at a time */
    const char *from = arena_printf(own, "%s/%s", w->from, name);
    struct slice bytes;
    enum err e = blob_map(own, from, &bytes);
    if (!e) {
        list_file(w, name, bytes, hash_of(own, bytes));
        e = folder_write(arena_printf(own, "%s/%s", w->to, name), bytes, 0600);
    }
    arena_free(own);
    if (e == ERR_NOT_FOUND) /* it was removed since the folder was read: not part of the copy */
        return ERR_OK;
    return e ? say(w->arena, w->why, e, NULL, name) : ERR_OK;
}

static enum err write_folder(struct writer *w, const char *name, int depth)
{
    const char **names = NULL;
    int count = 0;
    const char *from = arena_printf(w->arena, "%s/%s", w->from, name);
    const char *to = arena_printf(w->arena, "%s/%s", w->to, name);
    if (depth > KEEP_DEPTH_MAX)
        return say(w->arena, w->why, ERR_NOT_SUPPORTED, "folders nested too deep", name);
    enum err e = folder_make(to);
    if (!e)
        e = folder_names(w->arena, from, &names, &count);
    if (e)
        return say(w->arena, w->why, e, NULL, name);
    for (int i = 0; i < count && !e; i++) {
        struct stat st;
        const char *child = arena_printf(w->arena, "%s/%s", name, names[i]);
        if (lstat(arena_printf(w->arena, "%s/%s", w->from, child), &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            e = write_folder(w, child, depth + 1);
        else if (S_ISREG(st.st_mode))
            e = write_file(w, child);
    }
    return e ? e : folder_sync(to);
}

static enum err write_database(struct writer *w, struct store *store)
{
    struct slice bytes;
    const char *to = arena_printf(w->arena, "%s/tenant.db", w->to);
    enum err e = store_backup(store, to);
    if (e)
        return say(w->arena, w->why, e, store_why(store), "tenant.db");
    struct arena *own = arena_new();
    e = blob_map(own, to, &bytes);
    if (!e)
        list_file(w, "tenant.db", bytes, hash_of(own, bytes));
    arena_free(own);
    return e ? say(w->arena, w->why, e, NULL, "tenant.db") : ERR_OK;
}

static enum err write_keys(struct writer *w)
{
    const char *to = arena_printf(w->arena, "%s/" KEEP_KEYS, w->to);
    if (!w->keys.len)
        return ERR_OK;
    list_file(w, KEEP_KEYS, w->keys, hash_of(w->arena, w->keys));
    enum err e = folder_write(to, w->keys, 0600);
    return e ? say(w->arena, w->why, e, NULL, KEEP_KEYS) : ERR_OK;
}

static enum err write_manifest(struct writer *w)
{
    const struct keep_info *info = w->info;
    const struct control_tenant *t = &info->tenant;
    const char *const members[][2] = {{"name", t->name},
                                      {"title", t->title},
                                      {"locale", t->locale},
                                      {"timezone", t->timezone},
                                      {"currency", t->currency}};
    char at[25];
    struct buf b = BUF_INIT;
    time_text(info->created_at_ms, at);
    buf_printf(&b, "{\"format\":%d,\"created_at\":\"%s\",\"core_version\":%lld,\"tenant\":{",
               KEEP_FORMAT, at, (long long)info->core_version);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_put_key(&b, members[i][0]);
        json_put_cstr(&b, members[i][1]);
    }
    buf_put_str(&b, "},\n\"files\":[");
    buf_put_slice(&b, buf_slice(&w->list));
    buf_put_str(&b, "]}\n");
    enum err e =
        folder_write(arena_printf(w->arena, "%s/" KEEP_MANIFEST, w->to), buf_slice(&b), 0600);
    buf_release(&b);
    return e ? say(w->arena, w->why, e, NULL, KEEP_MANIFEST) : ERR_OK;
}

static const char *folder_name(struct arena *arena, const struct keep_info *info)
{
    char at[25], compact[25];
    size_t n = 0;
    time_text(info->created_at_ms, at);
    for (const char *c = at; *c && *c != '.'; c++)
        if (*c != '-' && *c != ':')
            compact[n++] = *c;
    compact[n] = 0;
    return arena_printf(arena, "%s-%sZ", info->tenant.name, compact);
}

/* The database first: a file that a row names was there before the row, so the copy has it. */
static enum err write_all(struct writer *w, struct store *store)
{
    enum err e = folder_make(w->to);
    if (e)
        return say(w->arena, w->why, e, NULL, w->to);
    e = write_database(w, store);
    if (!e)
        e = write_folder(w, "files", 0);
    if (!e)
        e = write_folder(w, "custom", 0);
    if (!e)
        e = write_keys(w);
    if (!e)
        e = write_manifest(w);
    return e ? e : folder_sync(w->to);
}

enum err keep_write(struct tenant *tenant, struct arena *arena, const char *dir, struct slice keys,
                    const char **path, struct keep_info *info, const char **why)
{
    ASSERT(tenant && arena && dir);
    ASSERT(path && info && why);
    char id[ID_TEXT_LEN + 1];
    id_text(id_next(), id);
    *info = (struct keep_info){.created_at_ms = clock_now_ms(),
                               .core_version = tenant->header.core_version,
                               .tenant = {.name = tenant->name,
                                          .title = tenant->title,
                                          .locale = tenant->locale,
                                          .timezone = tenant->timezone,
                                          .currency = tenant->currency}};
    struct writer w = {
        .arena = arena, .from = tenant->folder, .keys = keys, .info = info, .why = why};
    const char *whole = arena_printf(arena, "%s/%s", dir, folder_name(arena, info));
    w.to = arena_printf(arena, "%s/.part-%s", dir, id);
    if (folder_exists(whole))
        return say(arena, why, ERR_CONFLICT, "is already there", whole);
    enum err e = folder_make(dir);
    if (e)
        return say(arena, why, e, NULL, dir);
    e = write_all(&w, tenant->store);
    buf_release(&w.list);
    if (!e && rename(w.to, whole) != 0)
        e = say(arena, why, folder_err(errno), NULL, whole);
    if (!e)
        e = folder_sync(dir);
    if (e && folder_remove(w.to))
        *why = arena_printf(arena, "%s; %s could not be removed", *why, w.to);
    if (!e)
        *path = whole;
    return e;
}

/* --- staging ------------------------------------------------------------------------------------
 */

/* Below the folder, and nowhere else. */
static bool path_is_safe(const char *path)
{
    struct slice rest = slice_str(path);
    bool known = slice_is(rest, "tenant.db") || slice_is(rest, KEEP_KEYS) ||
                 slice_starts(rest, SLICE("files/")) || slice_starts(rest, SLICE("custom/"));
    if (!known || strchr(path, '\\'))
        return false;
    while (rest.len) {
        struct slice part = slice_split(&rest, '/');
        if (part.len == 0 || slice_is(part, ".") || slice_is(part, ".."))
            return false;
    }
    return path[strlen(path) - 1] != '/';
}

static enum err manifest_read(struct arena *arena, const char *path, struct keep_info *info,
                              const struct json **files, const char **why)
{
    const struct json *manifest;
    const char *detail = NULL;
    const char *file = arena_printf(arena, "%s/" KEEP_MANIFEST, path);
    enum err e = json_load(arena, file, &manifest, &detail);
    if (e)
        return say(arena, why, e == ERR_MALFORMED ? ERR_CORRUPT : e,
                   e == ERR_NOT_FOUND ? "there is no backup here" : detail, file);
    const struct json *tenant = json_get(manifest, "tenant");
    *files = json_get(manifest, "files");
    if (json_int(manifest, "format", 0) > KEEP_FORMAT ||
        json_int(manifest, "core_version", 0) > SYSTEM_VERSION)
        return say(arena, why, ERR_NOT_SUPPORTED, "was made by a newer Perigee: use that version",
                   file);
    *info = (struct keep_info){.core_version = json_int(manifest, "core_version", 0),
                               .tenant = {.name = json_cstr(tenant, "name", ""),
                                          .title = json_cstr(tenant, "title", NULL),
                                          .locale = json_cstr(tenant, "locale", NULL),
                                          .timezone = json_cstr(tenant, "timezone", NULL),
                                          .currency = json_cstr(tenant, "currency", NULL),
                                          .state = "active",
                                          .worker = -1}};
    bool ok = json_int(manifest, "format", 0) == KEEP_FORMAT && *files &&
              control_name_is_valid(info->tenant.name) &&
              time_parse(json_str(manifest, "created_at", SLICE("")), &info->created_at_ms);
    return ok ? ERR_OK : say(arena, why, ERR_CORRUPT, "is no manifest of a backup", file);
}

enum err keep_read(struct arena *arena, const char *path, struct keep_info *info, const char **why)
{
    ASSERT(arena && path);
    ASSERT(info && why);
    const struct json *files = NULL;
    enum err e = manifest_read(arena, path, info, &files, why);
    if (e)
        return e;
    json_each(file, files)
    {
        info->files++;
        info->bytes += json_int(file, "bytes", 0);
    }
    return ERR_OK;
}

static enum err stage_file(struct arena *arena, const char *path, const char *fresh,
                           const struct json *file, const char **why)
{
    const char *name = json_cstr(file, "path", "");
    if (!path_is_safe(name))
        return say(arena, why, ERR_CORRUPT, "is no file of a backup", name);
    struct arena *own = arena_new();
    struct slice bytes;
    enum err e = blob_map(own, arena_printf(own, "%s/%s", path, name), &bytes);
    const char *what = e == ERR_NOT_FOUND ? "is missing" : NULL;
    if (!e && ((int64_t)bytes.len != json_int(file, "bytes", -1) ||
               !slice_is(json_str(file, "sha256", SLICE("")), hash_of(own, bytes)))) {
        e = ERR_CORRUPT;
        what = "is not what was backed up: its hash differs";
    }
    const char *to = arena_printf(own, "%s/%s", fresh, name);
    const char *slash = strrchr(to, '/');
    if (!e)
        e = folder_make(arena_str(own, slice_of(to, (size_t)(slash - to))));
    if (!e)
        e = folder_write(to, bytes, 0600);
    arena_free(own);
    return e ? say(arena, why, e, what, name) : ERR_OK;
}

static enum err stage_check(struct arena *arena, const char *fresh, const char **why)
{
    struct store *store = NULL;
    struct buf complaints = BUF_INIT;
    enum err e = store_open_why(arena_printf(arena, "%s/tenant.db", fresh), STORE_OWNER, &store,
                                &complaints);
    if (!e)
        e = store_integrity(store, &complaints);
    if (e)
        e = say(arena, why, e, complaints.len ? buf_cstr(&complaints) : NULL, "tenant.db");
    buf_release(&complaints);
    store_close(store);
    return e;
}

static enum err stage_all(struct arena *arena, const char *path, const char *fresh,
                          const struct json *files, struct keep_info *info, const char **why)
{
    static const char *const folders[] = {"files", "custom", "backups", "tmp"};
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !e; i++)
        e = folder_make(arena_printf(arena, "%s/%s", fresh, folders[i]));
    if (e)
        return say(arena, why, e, NULL, fresh);
    json_each(file, files)
    {
        if (!e)
            e = stage_file(arena, path, fresh, file, why);
        info->files++;
        info->bytes += json_int(file, "bytes", 0);
    }
    if (!e)
        e = stage_check(arena, fresh, why);
    return e ? e : folder_sync(fresh);
}

enum err keep_stage(struct arena *arena, const char *path, const char *fresh,
                    struct keep_info *info, const char **why)
{
    ASSERT(arena && path && fresh);
    ASSERT(info && why);
    const struct json *files = NULL;
    enum err e = manifest_read(arena, path, info, &files, why);
    if (e)
        return e;
    if (folder_exists(fresh))
        return say(arena, why, ERR_CONFLICT, NULL, fresh);
    e = stage_all(arena, path, fresh, files, info, why);
    if (e && folder_remove(fresh))
        *why = arena_printf(arena, "%s; %s could not be removed", *why, fresh);
    return e;
}
