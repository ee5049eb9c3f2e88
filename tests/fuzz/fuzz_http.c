/* fuzz_http - requests in any bytes, and frames that carry requests and answers.
 *
 * The first byte chooses: the parser, a request's frame, an answer's frame. The parser is run
 * twice, on the whole and in pieces: where a read ends must never change what is understood.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "http/parser.h"
#include "http/resp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct parser *parser;
    struct buf seen; /* what was understood, in order */
    bool pauses;     /* asks for the next request only after the feed */
    bool waits;      /* one is to be asked for */
};

static enum err on_head(void *user, struct req *req, int64_t *body_max)
{
    struct run *run = user;
    ASSERT(req->host.len > 0);
    ASSERT(req->path.at[0] == '/' || slice_is(req->path, "*"));
    ASSERT(!memchr(req->path.at, '\0', req->path.len));
    ASSERT(!memchr(req->path.at, '\\', req->path.len));
    ASSERT(req->headers_count > 0 && req->headers_count <= HEADERS_MAX);
    buf_put_char(&run->seen, 'H');
    *body_max = 5000;
    return slice_is(req->path, "/refused") ? ERR_FORBIDDEN : ERR_OK;
}

static enum err on_body(void *user, struct req *req, struct slice bytes)
{
    struct run *run = user;
    ASSERT(req->has_body);
    ASSERT(bytes.len > 0 && req->body_bytes <= 5000);
    buf_put_slice(&run->seen, bytes);
    return ERR_OK;
}

static void on_done(void *user, struct req *req)
{
    struct run *run = user;
    ASSERT(req->content_length < 0 || req->content_length == req->body_bytes);
    struct arena *arena = arena_new();
    struct buf frame = BUF_INIT;
    struct req back;
    req_encode(req, &frame);
    ASSERT(req_decode(arena, buf_slice(&frame), &back) == ERR_OK);
    ASSERT(slice_eq(back.path, req->path) && back.headers_count == req->headers_count);
    buf_put_slice(&run->seen, buf_slice(&frame));
    buf_release(&frame);
    arena_free(arena);
    run->waits = run->pauses;
    if (!run->pauses)
        ASSERT(parser_next(run->parser) == ERR_OK);
}

static const struct parser_cbs cbs = {on_head, on_body, on_done};

static void parse(struct slice bytes, size_t step, bool pauses, struct buf *seen)
{
    struct run run = {.seen = BUF_INIT, .pauses = pauses};
    enum err e = ERR_OK;
    run.parser = parser_new(&cbs, &run);
    for (size_t i = 0; i < bytes.len && !e; i += step) {
        size_t n = bytes.len - i < step ? bytes.len - i : step;
        char *piece = malloc(n); /* of its very size, so that a read beyond is caught */
        ASSERT(piece);
        memcpy(piece, bytes.at + i, n);
        e = parser_feed(run.parser, slice_of(piece, n));
        free(piece);
        while (run.waits && !e) {
            run.waits = false;
            e = parser_next(run.parser);
        }
    }
    /* Which of two faults is met first may depend on the reads; that there is one may not. */
    buf_put_str(&run.seen, e ? "!refused" : "!");
    if (e)
        ASSERT(parser_why(run.parser)[0] != '\0');
    parser_free(run.parser);
    *seen = run.seen;
}

static void fuzz_parser(struct slice bytes)
{
    if (bytes.len > PARSER_READ_BYTES_MAX)
        bytes.len = PARSER_READ_BYTES_MAX;
    struct buf whole, pieces, paused;
    parse(bytes, bytes.len ? bytes.len : 1, false, &whole);
    parse(bytes, 1 + bytes.len % 7, false, &pieces);
    parse(bytes, 1 + bytes.len % 97, true, &paused);
    ASSERT(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    ASSERT(slice_eq(buf_slice(&whole), buf_slice(&paused)));
    buf_release(&whole);
    buf_release(&pieces);
    buf_release(&paused);
}

static void fuzz_resp(struct arena *arena, struct slice bytes)
{
    struct resp resp;
    if (resp_decode(arena, bytes, &resp))
        return;
    struct buf out = BUF_INIT;
    resp_put_head(&resp, NULL, resp.file_path ? 1 : RESP_LEN_BODY, &out);
    ASSERT(slice_ends(buf_slice(&out), SLICE("\r\n\r\n")));
    ASSERT(slice_find(buf_slice(&out), SLICE("\r\n\r\n")) == (ptrdiff_t)out.len - 4);
    buf_clear(&out);
    resp_encode(&resp, &out);
    ASSERT(slice_eq(buf_slice(&out), bytes));
    buf_release(&out);
    resp_release(&resp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice bytes = slice_of((const char *)data + 1, size - 1);
    struct arena *arena = arena_new();
    struct req req;
    if (data[0] == 'q') {
        if (req_decode(arena, bytes, &req) == ERR_OK) {
            struct buf out = BUF_INIT;
            req_encode(&req, &out);
            ASSERT(slice_eq(buf_slice(&out), bytes));
            buf_release(&out);
        }
    } else if (data[0] == 'a') {
        fuzz_resp(arena, bytes);
    } else {
        fuzz_parser(bytes);
    }
    arena_free(arena);
    return 0;
}
