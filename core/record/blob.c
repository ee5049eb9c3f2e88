/* blob - see blob.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/actor.h"
#include "auth/row.h"
#include "base/id.h"
#include "record/list.h"
#include "record/model.h"
#include "tenant/folder.h"

#define ROOM_COUNTER "quota.files_bytes"

struct mapping {
    void *at;
    size_t len;
};

static void unmap(void *arg)
{
    struct mapping *mapping = arg;
    (void)munmap(mapping->at, mapping->len);
}

enum err blob_map(struct arena *arena, const char *path, struct slice *out)
{
    ASSERT(arena && path && out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return folder_err(errno);
    struct stat st;
    enum err e = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? ERR_OK : ERR_IO;
    struct mapping *mapping = arena_make(arena, struct mapping);
    if (!e && st.st_size > 0) {
        mapping->len = (size_t)st.st_size;
        mapping->at = mmap(NULL, mapping->len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping->at == MAP_FAILED)
            e = ERR_IO;
        else
            arena_defer(arena, unmap, mapping);
    }
    (void)close(fd);
    if (!e)
        *out = slice_of(mapping->len ? mapping->at : "", mapping->len);
    return e;
}

const char *blob_path(const struct tenant *tenant, struct arena *arena, const char *hash)
{
    ASSERT(strlen(hash) == BLOB_HASH_LEN);
    return tenant_path(tenant, arena, "files", arena_printf(arena, "%.2s/%s", hash, hash));
}

const char *blob_tmp(const struct tenant *tenant, struct arena *arena, const char *prefix)
{
    char id[ID_TEXT_LEN + 1];
    id_text(id_next(), id);
    return tenant_path(tenant, arena, "tmp", arena_printf(arena, "%s-%s", prefix, id));
}

static void blob_of(struct slice bytes, struct blob *out)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_sha256(bytes, digest);
    crypto_put_hex(&hex, slice_of((const char *)digest, sizeof digest));
    ASSERT(hex.len == BLOB_HASH_LEN);
    memcpy(out->hash, buf_cstr(&hex), BLOB_HASH_LEN + 1);
    out->bytes = (int64_t)bytes.len;
    buf_release(&hex);
}

/* The file at `from` gets its place; it is durable before the row that names it. */
static enum err settle(struct tenant *tenant, struct arena *arena, const char *from,
                       const struct blob *blob)
{
    const char *folder =
        tenant_path(tenant, arena, "files", arena_printf(arena, "%.2s", blob->hash));
    enum err e = folder_make(folder);
    if (!e && rename(from, blob_path(tenant, arena, blob->hash)) != 0)
        e = folder_err(errno);
    return e ? e : folder_sync(folder);
}

static enum err sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return folder_err(errno);
    enum err e = fsync(fd) == 0 ? ERR_OK : folder_err(errno);
    (void)close(fd);
    return e;
}

enum err blob_put(struct tenant *tenant, struct arena *arena, struct slice bytes, struct blob *out)
{
    ASSERT(tenant && arena && out);
    blob_of(bytes, out);
    const char *path = blob_path(tenant, arena, out->hash);
    if (utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) == 0)
        return ERR_OK; /* as if it had been written now: blob_sweep leaves it alone */
    const char *tmp = blob_tmp(tenant, arena, "blob");
    enum err e = folder_write(tmp, bytes, 0600);
    if (e)
        return e;
    e = settle(tenant, arena, tmp, out);
    if (e)
        (void)unlink(tmp);
    return e;
}

enum err blob_adopt(struct tenant *tenant, struct arena *arena, const char *path, struct blob *out)
{
    ASSERT(tenant && arena && out);
    struct arena *own = arena_new(); /* the mapping goes before the file moves */
    struct slice bytes;
    enum err e = blob_map(own, path, &bytes);
    if (!e)
        blob_of(bytes, out);
    arena_free(own);
    if (!e)
        e = sync_file(path);
    return e ? e : settle(tenant, arena, path, out);
}

/* --- rows --- */

static struct value text_or_null(const char *text)
{
    return text ? value_text(slice_str(text)) : value_null();
}

static struct value int_or_null(int64_t n)
{
    return n ? value_int(n) : value_null();
}

/* Counts bytes that are going to be kept, for good. What is refused counts for nothing, whether the
 * transaction goes on or not. */
static enum err take_room(struct ctx *ctx, int64_t bytes)
{
    struct store *store = ctx->tenant->store;
    const int64_t *max = ctx->tenant->files_bytes_max;
    int64_t sum = 0;
    enum err e = store_counter(store, SLICE(ROOM_COUNTER), 0, bytes, &sum);
    if (e || !max || sum <= *max)
        return e;
    e = store_counter(store, SLICE(ROOM_COUNTER), 0, -bytes, &sum);
    if (e)
        return e;
    return err_say(&ctx->err, ERR_TOO_LARGE, BLOB_NO_ROOM, "%s",
                   ctx->lang == LANG_ZH ? "企业的文件空间已用完。"
                                        : "The company's room for files is used up.");
}

enum err blob_file_insert(struct ctx *ctx, struct blob_file *file)
{
    ASSERT(ctx->tenant && file->hash && file->bytes >= 0);
    ASSERT(store_in_tx(ctx->tenant->store));
    /* Erasing somebody may have taken these bytes away since they were kept. */
    if (access(blob_path(ctx->tenant, ctx->arena, file->hash), F_OK) != 0)
        return errno == ENOENT ? ERR_BUSY : folder_err(errno);
    enum err e = take_room(ctx, file->bytes);
    if (e)
        return e;
    file->id = id_next();
    file->created_at_ms = ctx->now_ms;
    file->created_by = ctx->actor ? ctx->actor->user : 0;
    struct store_set sets[] = {
        {.column = "id", .value = value_int(file->id)},
        {.column = "hash", .value = text_or_null(file->hash)},
        {.column = "name", .value = text_or_null(file->name)},
        {.column = "type", .value = text_or_null(file->type)},
        {.column = "bytes", .value = value_int(file->bytes)},
        {.column = "created_at", .value = value_int(file->created_at_ms)},
        {.column = "created_by", .value = int_or_null(file->created_by)},
        {.column = "entity", .value = text_or_null(file->entity)},
        {.column = "record", .value = int_or_null(file->record)},
    };
    return store_insert(ctx->tenant->store, "file", sets, sizeof sets / sizeof *sets, NULL);
}

enum err blob_file_read(struct ctx *ctx, int64_t id, struct blob_file *out)
{
    static const char *const columns[] = {"hash",       "name",       "type",   "bytes",
                                          "created_at", "created_by", "entity", "record"};
    struct expr where = row_eq("id", value_int(id));
    struct value v[8];
    enum err e = row_read(ctx->tenant->store, ctx->arena, "file", columns, 8, &where, v);
    if (e)
        return e;
    *out = (struct blob_file){.id = id,
                              .hash = row_text(&v[0]),
                              .name = row_text(&v[1]),
                              .type = row_text(&v[2]),
                              .bytes = v[3].integer,
                              .created_at_ms = v[4].integer,
                              .created_by = v[5].integer,
                              .entity = row_text(&v[6]),
                              .record = v[7].integer};
    return out->hash && strlen(out->hash) == BLOB_HASH_LEN ? ERR_OK : ERR_CORRUPT;
}

static bool is_mine(const struct ctx *ctx, const struct blob_file *file)
{
    if (ctx->as_system)
        return true;
    return ctx->actor && ctx->actor->user == file->created_by &&
           actor_in_scope(ctx->actor, "file", "read");
}

/* Reads the record with the rights that ctx has; *names: is the file in a field that it shows? */
static enum err is_named(struct ctx *ctx, const struct entity *entity, const struct blob_file *file,
                         bool *names)
{
    struct buf text = BUF_INIT;
    char id[ID_TEXT_LEN + 1];
    int64_t version;
    enum err e =
        list_get(ctx, entity, file->record, (struct slice){0}, (struct slice){0}, &text, &version);
    id_text(file->id, id);
    *names = !e && strstr(buf_cstr(&text), arena_printf(ctx->arena, "\"%s\"", id)) != NULL;
    buf_release(&text);
    return e;
}

/* A field that hides itself, or that a role does not show, hides its files. One that no field names
 * hangs on the record as a whole. */
enum err blob_file_visible(struct ctx *ctx, const struct blob_file *file)
{
    ASSERT(ctx && file);
    if (is_mine(ctx, file))
        return ERR_OK;
    if (!ctx->actor)
        return ERR_NOT_FOUND;
    if (actor_may_admin(ctx->actor, "files"))
        return ERR_OK;
    const struct entity *entity =
        file->entity ? model_entity(ctx->model, slice_str(file->entity)) : NULL;
    bool is_shown, is_in_field = false;
    if (!entity || !file->record)
        return ERR_NOT_FOUND;
    enum err e = is_named(ctx, entity, file, &is_shown);
    if (!e && !is_shown) {
        ctx->as_system = true;
        e = is_named(ctx, entity, file, &is_in_field);
        ctx->as_system = false;
    }
    return e == ERR_FORBIDDEN || (!e && is_in_field) ? ERR_NOT_FOUND : e;
}

enum err blob_file_disown(struct ctx *ctx, int64_t id)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct expr where = row_eq("id", value_int(id));
    struct store_set set = {.column = "created_by", .value = value_null()};
    return store_update(ctx->tenant->store, "file", &where, &set, 1, NULL, NULL);
}

/* --- the files of a record --- */

struct hanging {
    struct arena *arena;
    int64_t *ids;
    int count;
};

static bool take_id(void *arg, const struct store_row *row)
{
    struct hanging *hanging = arg;
    hanging->ids =
        arena_grow(hanging->arena, hanging->ids, (size_t)hanging->count * sizeof *hanging->ids,
                   ((size_t)hanging->count + 1) * sizeof *hanging->ids);
    hanging->ids[hanging->count++] = store_row_value(row, 0).integer;
    return true;
}

static const struct expr *hangs_on(struct arena *arena, const struct blob_file *place)
{
    return expr_and(arena, expr_cmp(arena, EXPR_EQ, "record", value_int(place->record)),
                    expr_cmp(arena, EXPR_EQ, "entity", value_text(slice_str(place->entity))));
}

/* Ids of those that hang there, in order; of one hash and name where `like` says so. */
static enum err find_hanging(struct ctx *ctx, const struct blob_file *place,
                             const struct blob_file *like, int most, struct hanging *out)
{
    struct query_column select[] = {{.column = {0, "id"}}};
    struct query_order order[] = {{.column = {0, "id"}}};
    const struct expr *where = hangs_on(ctx->arena, place);
    if (like) {
        where = expr_and(ctx->arena, where,
                         expr_cmp(ctx->arena, EXPR_EQ, "hash", value_text(slice_str(like->hash))));
        where = expr_and(ctx->arena, where,
                         expr_cmp(ctx->arena, EXPR_EQ, "name", value_text(slice_str(like->name))));
    }
    struct query query = {.table = "file",
                          .select = select,
                          .select_count = 1,
                          .where = where,
                          .order = order,
                          .order_count = 1,
                          .limit = most};
    *out = (struct hanging){.arena = ctx->arena};
    return store_read(ctx->tenant->store, &query, take_id, out);
}

enum err blob_files_of(struct ctx *ctx, const struct blob_file *place, int most, int64_t **ids,
                       int *count)
{
    struct hanging all;
    ASSERT(place->entity && ids && count);
    enum err e = find_hanging(ctx, place, NULL, most, &all);
    *ids = all.ids;
    *count = all.count;
    return e;
}

static enum err copy_one(struct ctx *ctx, const struct blob_file *to, int64_t *id)
{
    struct blob_file file;
    struct hanging same;
    enum err e = blob_file_read(ctx, *id, &file);
    if (!e)
        e = find_hanging(ctx, to, &file, 1, &same);
    if (!e && same.count > 0)
        *id = same.ids[0];
    if (e || same.count > 0)
        return e;
    file.entity = to->entity;
    file.record = to->record;
    e = blob_file_insert(ctx, &file);
    *id = file.id;
    return e;
}

enum err blob_files_copy(struct ctx *ctx, const struct blob_file *from, const struct blob_file *to,
                         int most, int64_t **ids, int *count)
{
    ASSERT(to->entity && store_in_tx(ctx->tenant->store));
    enum err e = blob_files_of(ctx, from, most + 1, ids, count);
    if (!e && *count > most)
        return ERR_TOO_LARGE;
    for (int i = 0; !e && i < *count; i++)
        e = copy_one(ctx, to, &(*ids)[i]);
    return e;
}
