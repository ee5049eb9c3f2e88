/* files - attachments: taken in after a look at what they are, given out as downloads only.
 *
 * The type is told from the bytes, never from what the sender claims; what a browser could run is
 * stored as plain bytes. A download is always an attachment with a harmless name.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/download.h"
#include "api/handlers.h"
#include "auth/actor.h"
#include "base/id.h"
#include "base/text.h"
#include "http/multipart.h"
#include "record/blob.h"
#include "record/list.h"
#include "record/record.h"

#define FILE_NAME_CHARS_MAX 200
#define FILE_BINARY         "application/octet-stream"

/* --- what it is --- */

struct file_magic {
    const char *at;
    size_t len, offset;
    const char *type;
    const char *endings; /* names that claim to be this; all others may be */
};

static const struct file_magic MAGIC[] = {
    {"\x89PNG\r\n\x1a\n", 8, 0, "image/png", ".png"},
    {"\xff\xd8\xff", 3, 0, "image/jpeg", ".jpg.jpeg"},
    {"GIF87a", 6, 0, "image/gif", ".gif"},
    {"GIF89a", 6, 0, "image/gif", ".gif"},
    {"WEBPVP8", 7, 8, "image/webp", ".webp"},
    {"%PDF-", 5, 0, "application/pdf", ".pdf"},
    {"PK\x03\x04", 4, 0, "application/zip", ".zip.docx.xlsx.pptx"},
};
#define MAGIC_COUNT (sizeof MAGIC / sizeof *MAGIC)

/* ".pdf" in lower case; empty without one. */
static struct slice ending_of(struct arena *arena, struct slice name)
{
    size_t at = name.len;
    while (at > 0 && name.at[at - 1] != '.')
        at--;
    if (at < 2 || name.len - at > 8)
        return (struct slice){0};
    char *ending = arena_str(arena, slice_of(name.at + at - 1, name.len - at + 1));
    for (char *c = ending; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    return slice_str(ending);
}

static bool ending_is(const char *endings, struct slice ending)
{
    struct slice rest = slice_str(endings);
    if (rest.len)
        rest = slice_of(rest.at + 1, rest.len - 1);
    while (rest.len && ending.len) {
        struct slice one = slice_split(&rest, '.');
        if (slice_eq(one, slice_of(ending.at + 1, ending.len - 1)))
            return true;
    }
    return false;
}

static const char *zip_type(struct slice ending)
{
    if (slice_is(ending, ".docx"))
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    if (slice_is(ending, ".xlsx"))
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    if (slice_is(ending, ".pptx"))
        return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    return "application/zip";
}

/* ERR_MEDIA_TYPE where a name claims a type that the bytes are not. */
static enum err type_of(struct arena *arena, struct slice name, struct slice bytes,
                        const char **out)
{
    struct slice ending = ending_of(arena, name);
    const char *found = NULL;
    bool claims = false, fits = false;
    for (size_t i = 0; i < MAGIC_COUNT; i++) {
        const struct file_magic *magic = &MAGIC[i];
        bool is = bytes.len >= magic->offset + magic->len &&
                  memcmp(bytes.at + magic->offset, magic->at, magic->len) == 0;
        bool claimed = ending_is(magic->endings, ending);
        claims = claims || claimed;
        fits = fits || (is && claimed);
        if (is)
            found = magic->type;
    }
    if (claims && !fits)
        return ERR_MEDIA_TYPE;
    if (found && slice_is(slice_str(found), "application/zip"))
        found = zip_type(ending);
    bool is_text = slice_is(ending, ".txt") || slice_is(ending, ".csv");
    if (!found && is_text && text_is_utf8(bytes) && !memchr(bytes.at, 0, bytes.len))
        found = slice_is(ending, ".csv") ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8";
    *out = found ? found : FILE_BINARY;
    return ERR_OK;
}

/* --- taking in --- */

struct upload {
    struct blob blob;
    struct blob_file file;
    const struct entity *entity;
};

static void put_file(const struct blob_file *file, struct buf *out)
{
    char id[ID_TEXT_LEN + 1], at[25];
    id_text(file->id, id);
    time_text(file->created_at_ms, at);
    buf_printf(out, "{\"id\":\"%s\",\"bytes\":%lld,\"created_at\":\"%s\"", id,
               (long long)file->bytes, at);
    json_put_key(out, "name");
    json_put_cstr(out, file->name);
    json_put_key(out, "type");
    json_put_cstr(out, file->type);
    json_put_key(out, "hash");
    json_put_cstr(out, file->hash);
    if (file->entity) {
        id_text(file->record, id);
        json_put_key(out, "entity");
        json_put_cstr(out, file->entity);
        buf_printf(out, ",\"record\":\"%s\"", id);
    }
    buf_put_char(out, '}');
}

static enum err upload_write(struct call *call, void *arg)
{
    struct upload *up = arg;
    struct ctx *ctx = call->ctx;
    if (up->entity) { /* only who may change the record may hang something on it */
        struct unit unit;
        struct record *record;
        enum err e = app_unit_begin(call->app, ctx, &unit);
        if (e)
            return e;
        e = record_load(ctx, up->entity, up->file.record, ROLE_UPDATE, &record);
        unit_end(ctx);
        if (e)
            return e;
    }
    if (!up->entity && ctx->actor && !actor_in_scope(ctx->actor, "file", "create"))
        return ERR_FORBIDDEN;
    enum err e = blob_file_insert(ctx, &up->file);
    if (e)
        return e;
    call_created(call, "/api/v1/files", up->file.id);
    put_file(&up->file, &call->resp->body);
    return ERR_OK;
}

/* The part "file", and "entity" with "record" when it belongs to something. */
static enum err upload_read(struct call *call, struct upload *up, struct slice *bytes)
{
    struct ctx *ctx = call->ctx;
    struct slice source = call->req->body;
    struct multipart_part *parts = NULL;
    int count = 0;
    enum err e = ERR_OK;
    if (call->req->body_path)
        e = blob_map(ctx->arena, call->req->body_path, &source);
    if (!e)
        e = multipart_parse(ctx->arena, req_header(call->req, "content-type"), source, &parts,
                            &count);
    struct slice entity = {0}, record = {0}, name = {0};
    bool found = false;
    for (int i = 0; i < count && !e; i++) {
        const struct multipart_part *part = &parts[i];
        if (slice_is(part->name, "file") && !found) {
            *bytes = part->body;
            name = part->filename;
            found = true;
        } else if (slice_is(part->name, "entity")) {
            entity = slice_trim(part->body);
        } else if (slice_is(part->name, "record")) {
            record = slice_trim(part->body);
        } else {
            e = err_field(&ctx->err, arena_str(ctx->arena, part->name), "unknown_field", NULL);
        }
    }
    if (e)
        return e;
    if (!found || !bytes->len)
        e = err_field(&ctx->err, "file", "required", NULL);
    if (entity.len || record.len) {
        up->entity = model_entity(ctx->model, entity);
        if (!up->entity)
            e = err_field(&ctx->err, "entity", "unknown_entity", NULL);
        if (!id_parse(record, &up->file.record))
            e = err_field(&ctx->err, "record", "not_found", NULL);
        up->file.entity = up->entity ? up->entity->name : NULL;
    }
    name = name.len ? text_head(name, FILE_NAME_CHARS_MAX) : SLICE("file");
    up->file.name = arena_str(ctx->arena, name);
    return e;
}

enum err files_create(struct call *call)
{
    struct upload up = {0};
    struct slice bytes = {0};
    struct ctx *ctx = call->ctx;
    enum err e = upload_read(call, &up, &bytes);
    if (!e && (int64_t)bytes.len > call->app->config->upload_bytes_max)
        e = ERR_TOO_LARGE;
    if (!e)
        e = type_of(ctx->arena, slice_str(up.file.name), bytes, &up.file.type);
    if (!e)
        e = blob_put(ctx->tenant, ctx->arena, bytes, &up.blob);
    if (e)
        return e;
    up.file.hash = up.blob.hash;
    up.file.bytes = up.blob.bytes;
    return call_write(call, upload_write, &up);
}

/* --- giving out --- */

enum err files_get(struct call *call)
{
    struct blob_file file;
    int64_t id;
    struct ctx *ctx = call->ctx;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = blob_file_read(ctx, id, &file);
    if (!e)
        e = blob_file_visible(ctx, &file);
    if (e)
        return e;
    download_answer(call, &file, NULL);
    return ERR_OK;
}
