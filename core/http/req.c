/* req - one parsed HTTP request, and its form inside frames.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/req.h"

#include "base/limits.h"
#include "http/rules.h"

static const char *const method_names[HTTP_METHODS] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",      [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS"};

const char *http_method_name(enum http_method method)
{
    ASSERT(method < HTTP_METHODS);
    return method_names[method];
}

bool http_method_find(struct slice name, enum http_method *out)
{
    for (enum http_method m = 0; m < HTTP_METHODS; m++) {
        if (slice_is(name, method_names[m])) {
            *out = m;
            return true;
        }
    }
    return false;
}

static const struct req_pair *pair_find(const struct req_pair *pairs, int count, const char *name)
{
    size_t len = strlen(name);
    for (int i = 0; i < count; i++) {
        if (pairs[i].name.len == len && memcmp(pairs[i].name.at, name, len) == 0)
            return &pairs[i];
    }
    return NULL;
}

/* Present but empty values still have an address. */
static struct slice pair_value(const struct req_pair *pair)
{
    if (!pair)
        return (struct slice){NULL, 0};
    return pair->value.at ? pair->value : SLICE("");
}

struct slice req_header(const struct req *req, const char *lower_name)
{
    return pair_value(pair_find(req->headers, req->headers_count, lower_name));
}

struct slice req_query(const struct req *req, const char *name)
{
    return pair_value(pair_find(req->query, req->query_count, name));
}

bool req_has_query(const struct req *req, const char *name)
{
    return pair_find(req->query, req->query_count, name) != NULL;
}

/* ---- frames ---- */

enum flag {
    FLAG_HAS_BODY = 1,
    FLAG_KEEP_ALIVE = 2,
    FLAG_EXPECTS = 4,
    FLAG_TLS = 8,
    FLAG_OPERATOR = 16,
    FLAGS_ALL = 31
};

static void pairs_encode(const struct req_pair *pairs, int count, struct buf *out)
{
    buf_put_u32(out, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        buf_put_bytes(out, pairs[i].name);
        buf_put_bytes(out, pairs[i].value);
    }
}

/* A string that may be NULL: one byte tells. */
static void text_encode(const char *text, struct buf *out)
{
    buf_put_u8(out, text != NULL);
    if (text)
        buf_put_bytes(out, slice_str(text));
}

void req_encode(const struct req *req, struct buf *out)
{
    ASSERT(req->path.len > 0);
    ASSERT(req->method < HTTP_METHODS);
    buf_put_u8(out, (uint8_t)req->method);
    buf_put_u8(out, (uint8_t)req->minor);
    buf_put_u8(out,
               (uint8_t)((req->has_body ? FLAG_HAS_BODY : 0) |
                         (req->keep_alive ? FLAG_KEEP_ALIVE : 0) |
                         (req->expects_continue ? FLAG_EXPECTS : 0) | (req->is_tls ? FLAG_TLS : 0) |
                         (req->is_operator ? FLAG_OPERATOR : 0)));
    buf_put_bytes(out, req->target);
    buf_put_bytes(out, req->path);
    pairs_encode(req->query, req->query_count, out);
    pairs_encode(req->headers, req->headers_count, out);
    buf_put_bytes(out, req->host);
    buf_put_i64(out, req->content_length);
    buf_put_i64(out, req->body_bytes);
    buf_put_bytes(out, req->body);
    text_encode(req->body_path, out);
    text_encode(req->address, out);
    text_encode(req->trace, out);
}

/* The count is believed only as far as bytes are there: a pair takes at least two lengths. */
static struct req_pair *pairs_decode(struct arena *arena, struct reader *r, uint32_t most,
                                     int *count)
{
    uint32_t n = reader_u32(r);
    if (r->bad || n > most || n > r->rest.len / 8) {
        r->bad = true;
        return NULL;
    }
    struct req_pair *pairs = arena_array(arena, struct req_pair, n);
    for (uint32_t i = 0; i < n; i++) {
        pairs[i].name = reader_bytes(r);
        pairs[i].value = reader_bytes(r);
    }
    *count = (int)n;
    return pairs;
}

static const char *text_decode(struct arena *arena, struct reader *r)
{
    uint8_t is_set = reader_u8(r);
    if (is_set > 1)
        r->bad = true;
    if (is_set != 1 || r->bad)
        return NULL;
    struct slice text = reader_bytes(r);
    if (r->bad || (text.len > 0 && memchr(text.at, '\0', text.len))) {
        r->bad = true;
        return NULL;
    }
    return arena_str(arena, text);
}

enum err req_decode(struct arena *arena, struct slice bytes, struct req *out)
{
    struct reader r = {arena_slice(arena, bytes), false};
    struct req req = {0};

    uint8_t method = reader_u8(&r);
    uint8_t minor = reader_u8(&r);
    uint8_t flags = reader_u8(&r);
    if (method >= HTTP_METHODS || minor > 1 || flags > FLAGS_ALL)
        return ERR_MALFORMED;
    req.method = (enum http_method)method;
    req.minor = minor;
    req.has_body = flags & FLAG_HAS_BODY;
    req.keep_alive = flags & FLAG_KEEP_ALIVE;
    req.expects_continue = flags & FLAG_EXPECTS;
    req.is_tls = flags & FLAG_TLS;
    req.is_operator = flags & FLAG_OPERATOR;
    req.target = reader_bytes(&r);
    req.path = reader_bytes(&r);
    req.query = pairs_decode(arena, &r, QUERY_PARAMS_MAX, &req.query_count);
    req.headers = pairs_decode(arena, &r, HEADERS_MAX, &req.headers_count);
    req.host = reader_bytes(&r);
    req.content_length = reader_i64(&r);
    req.body_bytes = reader_i64(&r);
    req.body = reader_bytes(&r);
    req.body_path = text_decode(arena, &r);
    req.address = text_decode(arena, &r);
    req.trace = text_decode(arena, &r);
    if (r.bad || r.rest.len > 0 || req.content_length < -1 || req.body_bytes < 0)
        return ERR_MALFORMED;
    if (req.path.len == 0 || (req.path.at[0] != '/' && !slice_is(req.path, "*")))
        return ERR_MALFORMED;
    *out = req;
    return ERR_OK;
}
