/* imports - upload, mapping, dry run, run, result and undo of an import.
 *
 * The routes move its state; the rows are imported by the job (jobs_import.c). An import is its
 * creator's and the administrators'; nobody else learns that it exists.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/import.h"
#include "api/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"
#include "auth/actor.h"
#include "base/id.h"
#include "base/limits_document.h"
#include "document/xlsx.h"
#include "hook/job.h"
#include "http/multipart.h"
#include "record/blob.h"
#include "record/rights.h"
#include "tenant/folder.h"

#define IMPORT_SAMPLE_ROWS 5
#define IMPORTS_PATH       "/api/v1/imports"

static enum err say_state(struct call *call)
{
    bool zh = call->ctx->lang == LANG_ZH;
    return err_say(&call->ctx->err, ERR_CONFLICT, "wrong_state", "%s",
                   zh ? "此导入当前的状态不允许该操作。"
                      : "The import is not in a state that allows this.");
}

/* The entity by name, with the right to import it. */
static enum err import_entity(struct call *call, struct slice name, const struct entity **out)
{
    struct ctx *ctx = call->ctx;
    const struct entity *entity = model_entity(ctx->model, name);
    if (!entity || (!ctx->as_system && rights_action(ctx, entity, ROLE_READ) != ERR_OK)) {
        err_info_clear(&ctx->err);
        return err_field(&ctx->err, "entity", name.len ? "unknown_entity" : "required", NULL);
    }
    *out = entity;
    return rights_action(ctx, entity, ROLE_IMPORT);
}

/* The import of the path, where the actor may know of it. */
static enum err import_load(struct call *call, struct import *out)
{
    const struct ctx *ctx = call->ctx;
    int64_t id;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = import_read(call->ctx, id, out);
    if (e)
        return e;
    if (ctx->actor && !actor_in_scope(ctx->actor, out->entity, "import"))
        return ERR_NOT_FOUND;
    bool mine = ctx->as_system || (ctx->actor && ctx->actor->user == out->created_by) ||
                (ctx->actor && actor_may_admin(ctx->actor, "imports"));
    return mine ? ERR_OK : ERR_NOT_FOUND;
}

/* --- upload -------------------------------------------------------------------------------------
 */

struct upload {
    struct import import;
    struct slice entity, source; /* source: bytes to keep, unless the body's file is moved */
    const char *move;
};

static enum err upload_form(struct call *call, struct upload *up)
{
    struct ctx *ctx = call->ctx;
    struct slice source = call->req->body;
    struct multipart_part *parts = NULL;
    int count = 0;
    bool found = false;
    enum err e = ERR_OK;
    if (call->req->body_path)
        e = blob_map(ctx->arena, call->req->body_path, &source);
    if (!e)
        e = multipart_parse(ctx->arena, req_header(call->req, "content-type"), source, &parts,
                            &count);
    for (int i = 0; i < count && !e; i++) {
        if (slice_is(parts[i].name, "file") && !found) {
            up->source = parts[i].body;
            up->import.name =
                parts[i].filename.len ? arena_str(ctx->arena, parts[i].filename) : NULL;
            found = true;
        } else if (slice_is(parts[i].name, "entity")) {
            up->entity = slice_trim(parts[i].body);
        } else {
            e = err_field(&ctx->err, arena_str(ctx->arena, parts[i].name), "unknown_field", NULL);
        }
    }
    if (!e && !found)
        e = err_field(&ctx->err, "file", "required", NULL);
    return e;
}

static enum err upload_read(struct call *call, struct upload *up)
{
    struct slice type = req_header(call->req, "content-type");
    struct slice main = slice_trim(slice_split(&type, ';'));
    up->entity = req_query(call->req, "entity");
    if (slice_eq_nocase(main, SLICE("multipart/form-data")))
        return upload_form(call, up);
    if (!slice_eq_nocase(main, SLICE("text/csv")) && !slice_eq_nocase(main, SLICE(XLSX_TYPE)))
        return ERR_MEDIA_TYPE;
    up->source = call->req->body;
    if (!call->req->body_path)
        return ERR_OK;
    up->move = call->req->body_path;
    return blob_map(call->ctx->arena, up->move, &up->source);
}

struct conversion {
    int fd;
    int64_t left; /* of what an import may have */
};

static enum err convert_chunk(void *arg, struct slice bytes)
{
    struct conversion *to = arg;
    to->left -= (int64_t)bytes.len;
    if (to->left < 0)
        return ERR_TOO_LARGE;
    while (bytes.len) {
        ssize_t n = write(to->fd, bytes.at, bytes.len);
        if (n < 0 && errno != EINTR)
            return folder_err(errno);
        if (n > 0)
            bytes = slice_of(bytes.at + n, bytes.len - (size_t)n);
    }
    return ERR_OK;
}

/* A workbook becomes the CSV that is imported; the call's sweep takes what is left of it. */
static enum err upload_convert(struct call *call, struct upload *up, const char *path)
{
    struct ctx *ctx = call->ctx;
    const char *code = NULL;
    struct conversion to = {.left = call->app->config->import_bytes_max};
    if (xlsx_is_old(up->source))
        return err_field(&ctx->err, "file", "old_xls", NULL);
    to.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to.fd < 0)
        return folder_err(errno);
    enum err e = xlsx_read(up->source, XLSX_UNPACKED_FACTOR * to.left, convert_chunk, &to, &code);
    if (close(to.fd) != 0 && !e)
        e = folder_err(errno);
    if (code)
        return err_field(&ctx->err, "file", code, NULL);
    if (e)
        return e;
    up->move = path;
    return blob_map(ctx->arena, path, &up->source);
}

/* Columns and first rows, for the mapping; also the proof that it is a table at all. */
static enum err put_sample(struct call *call, struct slice source, struct buf *out)
{
    struct ctx *ctx = call->ctx;
    struct csv *csv = NULL;
    struct slice *cells = NULL;
    int count = 0;
    enum err e = csv_new(source, &csv);
    if (e == ERR_MALFORMED)
        return err_field(&ctx->err, "file", "bad_csv", NULL);
    if (e)
        return e;
    json_put_key(out, "encoding");
    json_put_cstr(out, csv_encoding(csv));
    for (int row = 0; row <= IMPORT_SAMPLE_ROWS && !e; row++) {
        e = csv_next(csv, ctx->arena, &cells, &count);
        if (e && row > 0) { /* a bad row is a matter of the run; its reason stands there */
            e = ERR_OK;
            continue;
        }
        if (e || (count == 0 && row == 0))
            e = err_field(&ctx->err, "file", "bad_csv", NULL);
        if (e || count == 0)
            break;
        if (row < 2)
            buf_put_str(out, row == 0 ? ",\"columns\":" : ",\"sample\":[");
        else
            buf_put_char(out, ',');
        buf_put_char(out, '[');
        for (int i = 0; i < count; i++) {
            json_put_comma(out);
            json_put_string(out, cells[i]);
        }
        buf_put_char(out, ']');
    }
    csv_free(csv);
    if (e)
        return e;
    bool has_rows = strstr(buf_cstr(out), ",\"sample\":[") != NULL;
    buf_put_str(out, has_rows ? "]" : ",\"sample\":[]");
    return ERR_OK;
}

static enum err upload_keep(struct call *call, struct upload *up)
{
    struct ctx *ctx = call->ctx;
    const char *path = import_path(ctx->tenant, ctx->arena, up->import.id);
    enum err e = folder_make(tenant_path(ctx->tenant, ctx->arena, "files", "imports"));
    if (e)
        return e;
    if (up->move)
        return rename(up->move, path) == 0 ? ERR_OK : folder_err(errno);
    return folder_write(path, up->source, 0600);
}

static int64_t count_lines(struct slice source)
{
    int64_t lines = 0;
    const char *at = source.at, *end = source.at + source.len;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
        lines++;
        at++;
    }
    return lines;
}

static enum err upload_insert(struct call *call, void *arg)
{
    struct upload *up = arg;
    enum err e = import_insert(call->ctx, &up->import);
    if (e)
        return e;
    buf_put_char(&call->resp->body, '}');
    call_created(call, IMPORTS_PATH, up->import.id);
    return ERR_OK;
}

/* Everything but the bytes of the file is known now. */
static enum err upload_begin(struct call *call, struct upload *up, const struct entity *entity)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    char text[ID_TEXT_LEN + 1];
    up->import.id = id_next();
    up->import.entity = entity->name;
    up->import.created_by = ctx->actor ? ctx->actor->user : 0;
    up->import.created_at_ms = ctx->now_ms;
    up->import.lines = count_lines(up->source);
    id_text(up->import.id, text);
    buf_printf(out, "{\"id\":\"%s\",\"entity\":\"%s\",\"state\":\"%s\"", text, entity->name,
               up->import.state);
    enum err e = put_sample(call, up->source, out);
    if (!e)
        e = upload_keep(call, up);
    return e ? e : call_write(call, upload_insert, up);
}

enum err imports_create(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct upload up = {.import = {.state = IMPORT_UPLOADED}};
    const struct entity *entity;
    enum err e = upload_read(call, &up);
    if (!e && (int64_t)up.source.len > call->app->config->import_bytes_max)
        e = ERR_TOO_LARGE;
    if (!e)
        e = import_entity(call, up.entity, &entity);
    if (e)
        return e;
    if (!xlsx_is(up.source) && !xlsx_is_old(up.source))
        return upload_begin(call, &up, entity);
    const char *path = blob_tmp(ctx->tenant, ctx->arena, "sheet");
    e = upload_convert(call, &up, path);
    if (!e)
        e = upload_begin(call, &up, entity);
    (void)unlink(path); /* gone already when it was kept */
    return e;
}

/* --- mapping ------------------------------------------------------------------------------------
 */

/* Not under way, and not carried out for real. */
static bool may_begin(const struct import *import)
{
    struct slice state = slice_str(import->state);
    bool ended = slice_is(state, IMPORT_DONE) || slice_is(state, IMPORT_FAILED);
    return slice_is(state, IMPORT_UPLOADED) || slice_is(state, IMPORT_MAPPED) ||
           (ended && (import->dry_run || import->counts.rows == 0));
}

/* The mapping as a member of its own, or its members beside entity, match and mode. */
static enum err mapping_of(struct call *call, const struct json *body, const struct json **out)
{
    static const char *const beside[] = {"entity", "match", "mode"};
    struct arena *arena = call->ctx->arena;
    const struct json *mapping = json_get(body, "mapping");
    *out = NULL;
    if (mapping && mapping->type != JSON_OBJECT && mapping->type != JSON_NULL)
        return err_field(&call->ctx->err, "mapping", "not_an_object", NULL);
    if (mapping) {
        *out = mapping->type == JSON_OBJECT ? mapping : NULL;
        return ERR_OK;
    }
    struct json *rest = json_new(arena, JSON_OBJECT);
    json_each(member, body)
    {
        bool own = false;
        for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
            own = own || slice_is(member->key, beside[i]);
        if (!own)
            json_add(arena, rest, arena_str(arena, member->key), json_copy(arena, member));
    }
    *out = rest->count ? rest : NULL;
    return ERR_OK;
}

static enum err mapping_read(struct call *call, struct import *import)
{
    static const char *const members[] = {"entity",    "mapping", "match", "mode",
                                          "columns",   "empty",   "dates", "second_pass",
                                          "constants", NULL};
    struct ctx *ctx = call->ctx;
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = mapping_of(call, body, &import->mapping);
    if (e)
        return e;
    const struct json *match = json_get(body, "match");
    struct slice mode = json_str(body, "mode", SLICE("create"));
    if (match && match->type != JSON_STRING && match->type != JSON_NULL)
        e = err_field(&ctx->err, "match", "not_a_text", NULL);
    import->match = json_cstr(body, "match", NULL);
    if (!json_get(body, "mode") && (import->match || json_get(import->mapping, "match")))
        mode = SLICE("upsert");
    if (!import_mode_find(mode, &import->mode))
        e = err_field(&ctx->err, "mode", "unknown_value", NULL);
    if (json_get(body, "entity"))
        import->entity = json_cstr(body, "entity", "");
    return e;
}

/* The importer itself judges: unknown targets, used twice, no column to match by. */
static enum err mapping_check(struct call *call, struct import *import, const struct entity *entity)
{
    struct ctx *ctx = call->ctx;
    struct buf left_out = BUF_INIT;
    struct importer_options options = import_options(import);
    struct importer *importer = NULL;
    struct slice source;
    enum err e = blob_map(ctx->arena, import_path(ctx->tenant, ctx->arena, import->id), &source);
    if (!e)
        e = importer_new(ctx, entity, source, &options, &importer);
    if (e)
        return e;
    importer_put_left_out(importer, &left_out);
    import->left_out = arena_str(ctx->arena, buf_slice(&left_out));
    buf_release(&left_out);
    importer_free(importer);
    return ERR_OK;
}

static void put_import(struct call *call, const struct import *import, int progress);

static enum err mapping_write(struct call *call, void *arg)
{
    struct import *wanted = arg, now;
    enum err e = import_read(call->ctx, wanted->id, &now);
    if (!e && !may_begin(&now))
        e = say_state(call);
    if (!e)
        e = import_restart(call->ctx, wanted);
    if (!e)
        put_import(call, wanted, 0);
    return e;
}

enum err imports_mapping(struct call *call)
{
    struct import import;
    const struct entity *entity;
    enum err e = import_load(call, &import);
    if (!e && !may_begin(&import))
        e = say_state(call);
    if (!e)
        e = mapping_read(call, &import);
    if (!e)
        e = import_entity(call, slice_str(import.entity), &entity);
    if (!e)
        e = mapping_check(call, &import, entity);
    if (e)
        return e;
    import.entity = entity->name;
    import.state = IMPORT_MAPPED;
    import.counts = (struct importer_counts){0};
    import.error = NULL;
    import.dry_run = false;
    return call_write(call, mapping_write, &import);
}

/* --- setting it going ---------------------------------------------------------------------------
 */

static enum err put_job(struct call *call, struct import *import, bool undo)
{
    struct ctx *ctx = call->ctx;
    char id[ID_TEXT_LEN + 1];
    id_text(import->id, id);
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "import", json_new_str(ctx->arena, slice_str(id)));
    json_add(ctx->arena, body, "undo", json_new_bool(ctx->arena, undo));
    struct job job = {.queue = "import",
                      .stream = "import", /* one after the other: they may build on each other */
                      .dedupe = arena_printf(ctx->arena, "import:%s", id),
                      .created_by = ctx->actor ? ctx->actor->user : 0,
                      .body = body};
    enum err e = quota_jobs(call);
    if (!e)
        e = job_put(ctx, &job, &import->job);
    if (!e)
        e = undo ? import_update(ctx, import) : import_restart(ctx, import);
    return e;
}

static enum err begin(struct call *call, bool dry_run)
{
    struct import import;
    const struct entity *entity;
    enum err e = import_load(call, &import);
    if (!e)
        e = import_entity(call, slice_str(import.entity), &entity);
    if (!e && !may_begin(&import))
        e = say_state(call);
    if (e)
        return e;
    import.state = IMPORT_QUEUED;
    import.dry_run = dry_run;
    import.counts = (struct importer_counts){0};
    import.error = NULL;
    e = put_job(call, &import, false);
    if (e)
        return e;
    call->resp->status = 202;
    put_import(call, &import, 0);
    return ERR_OK;
}

enum err imports_dry_run(struct call *call)
{
    return begin(call, true);
}

enum err imports_run(struct call *call)
{
    return begin(call, false);
}

enum err imports_undo(struct call *call)
{
    struct import import;
    const struct entity *entity;
    enum err e = import_load(call, &import);
    if (!e)
        e = import_entity(call, slice_str(import.entity), &entity);
    bool ended = !e && (slice_is(slice_str(import.state), IMPORT_DONE) ||
                        slice_is(slice_str(import.state), IMPORT_FAILED));
    if (!e && (!ended || import.dry_run))
        e = say_state(call);
    if (e)
        return e;
    import.state = IMPORT_UNDOING;
    import.error = NULL;
    import.undone = (struct importer_counts){0};
    e = put_job(call, &import, true);
    if (e)
        return e;
    call->resp->status = 202;
    put_import(call, &import, 0);
    return ERR_OK;
}

/* --- seeing it ----------------------------------------------------------------------------------
 */

/* updated: taken back in all, by taking away or by restoring; skipped: changed since, so left. */
static void put_undone(const struct importer_counts *counts, struct buf *out)
{
    buf_printf(out,
               ",\"undone\":{\"updated\":%lld,\"removed\":%lld,\"restored\":%lld,"
               "\"skipped\":%lld,\"failed\":%lld}",
               (long long)(counts->created + counts->updated), (long long)counts->created,
               (long long)counts->updated, (long long)counts->skipped, (long long)counts->failed);
}

static void put_import(struct call *call, const struct import *import, int progress)
{
    struct buf *out = &call->resp->body;
    char id[ID_TEXT_LEN + 1], at[25];
    id_text(import->id, id);
    time_text(import->created_at_ms, at);
    buf_printf(out, "{\"id\":\"%s\",\"created_at\":\"%s\"", id, at);
    json_put_key(out, "entity");
    json_put_cstr(out, import->entity);
    json_put_key(out, "state");
    json_put_cstr(out, import->state);
    json_put_key(out, "name");
    json_put_cstr(out, import->name);
    json_put_key(out, "dry_run");
    json_put_bool(out, import->dry_run);
    json_put_key(out, "mode");
    json_put_cstr(out, import_mode_name(import->mode));
    json_put_key(out, "match");
    json_put_cstr(out, import->match);
    json_put_key(out, "mapping");
    if (import->mapping)
        json_put(out, import->mapping);
    else
        buf_put_str(out, "null");
    if (import->left_out)
        buf_printf(out, ",\"left_out\":%s", import->left_out);
    json_put_key(out, "counts");
    import_put_counts(&import->counts, out);
    put_undone(&import->undone, out);
    json_put_key(out, "progress");
    json_put_int(out, progress);
    json_put_key(out, "error");
    json_put_cstr(out, import->error);
    if (import->job) {
        id_text(import->job, id);
        json_put_key(out, "job");
        json_put_cstr(out, id);
    }
    buf_put_char(out, '}');
}

static int progress_of(const struct import *import)
{
    struct slice state = slice_str(import->state);
    if (slice_is(state, IMPORT_DONE) || slice_is(state, IMPORT_UNDONE))
        return 100;
    if (!slice_is(state, IMPORT_RUNNING) || import->lines <= 0)
        return 0;
    int64_t percent = import->counts.rows * 100 / import->lines;
    return percent > 99 ? 99 : (int)percent;
}

enum err imports_get(struct call *call)
{
    struct import import;
    enum err e = import_load(call, &import);
    if (!e)
        put_import(call, &import, progress_of(&import));
    return e;
}

enum err imports_errors(struct call *call)
{
    struct import import;
    struct stat st;
    struct ctx *ctx = call->ctx;
    enum err e = import_load(call, &import);
    if (e)
        return e;
    const char *path = import_reasons_path(ctx->tenant, ctx->arena, import.id);
    char id[ID_TEXT_LEN + 1];
    id_text(import.id, id);
    call->resp->content_type = "text/csv; charset=utf-8";
    resp_header(call->resp, "Content-Disposition",
                arena_printf(ctx->arena, "attachment; filename=\"import-%s-errors.csv\"", id));
    if (stat(path, &st) == 0 && st.st_size > 0)
        call->resp->file_path = path;
    return ERR_OK;
}
