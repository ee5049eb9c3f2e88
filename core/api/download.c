/* download - see download.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/download.h"

#include "api/pipeline.h"
#include "http/etag.h"
#include "http/range.h"

/* RFC 6266: an ASCII name for old clients, RFC 5987 for the real one. */
void download_name(struct call *call, const char *name)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "attachment; filename=\"");
    for (const char *c = name; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= 'a' && *c <= 'z') || *c == '.' || *c == '-' || *c == '_' || *c == ' ';
        if (plain || ((unsigned char)*c & 0xc0) != 0x80) /* one '_' for a whole character */
            buf_put_char(&b, plain ? *c : '_');
    }
    buf_put_str(&b, "\"; filename*=UTF-8''");
    for (const char *c = name; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= 'a' && *c <= 'z') || *c == '.' || *c == '-' || *c == '_';
        if (plain)
            buf_put_char(&b, *c);
        else
            buf_printf(&b, "%%%02X", (unsigned)(unsigned char)*c);
    }
    resp_header(call->resp, "Content-Disposition", buf_cstr(&b));
    buf_release(&b);
}

/* A part is only given of the very bytes that the client has seen before (section 13.1.5). */
static enum range part_of(struct call *call, const struct blob_file *file, const char *etag)
{
    struct slice range = req_header(call->req, "range");
    struct slice if_range = slice_trim(req_header(call->req, "if-range"));
    if (call->req->method != HTTP_GET || !range.len || (if_range.len && !slice_is(if_range, etag)))
        return RANGE_WHOLE;
    return range_find(range, file->bytes, &call->resp->file_from, &call->resp->file_bytes);
}

static void put_content_range(struct call *call, int64_t size)
{
    struct resp *resp = call->resp;
    long long from = resp->file_from, to = from + resp->file_bytes - 1;
    resp->status = 206;
    resp_header(resp, "Content-Range",
                arena_printf(call->ctx->arena, "bytes %lld-%lld/%lld", from, to, (long long)size));
}

void download_answer(struct call *call, const struct blob_file *file, const char *name)
{
    ASSERT(call && file);
    struct ctx *ctx = call->ctx;
    struct resp *resp = call->resp;
    const char *etag = arena_printf(ctx->arena, "\"%s\"", file->hash);
    enum range part = part_of(call, file, etag);
    bool is_fresh = etag_in(req_header(call->req, "if-none-match"), slice_str(etag));
    if (part == RANGE_NONE && !is_fresh) {
        pipeline_fail(call, ERR_RANGE);
        resp_header(resp, "Content-Range",
                    arena_printf(ctx->arena, "bytes */%lld", (long long)file->bytes));
        return;
    }
    resp_header(resp, "ETag", etag);
    resp_header(resp, "Cache-Control", "private, no-cache");
    if (is_fresh) {
        resp->status = 304;
        return;
    }
    resp_header(resp, "Accept-Ranges", "bytes");
    if (part == RANGE_PART)
        put_content_range(call, file->bytes);
    download_name(call, name ? name : file->name ? file->name : "file");
    resp->content_type = file->type ? file->type : "application/octet-stream";
    resp->file_path = blob_path(ctx->tenant, ctx->arena, file->hash);
}
