/* resp - an answer while it is being made, its frame form and its bytes on the wire.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/resp.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define RETRY_AFTER_S 1 /* when an overloaded part gave no time of its own */

void resp_init(struct resp *resp, struct arena *arena)
{
    ASSERT(arena);
    *resp = (struct resp){.arena = arena, .status = 200, .body = BUF_INIT};
}

void resp_release(struct resp *resp)
{
    buf_release(&resp->body);
}

void resp_clear(struct resp *resp)
{
    struct buf body = resp->body;
    resp_init(resp, resp->arena);
    buf_clear(&body);
    resp->body = body;
}

void resp_header(struct resp *resp, const char *name, const char *value)
{
    ASSERT(resp->arena);
    ASSERT(name[0] != '\0' && !strpbrk(name, " \t\r\n:"));
    struct resp_header *header = arena_make(resp->arena, struct resp_header);
    char *copy = arena_strdup(resp->arena, value);
    for (char *c = copy; *c; c++) {
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            *c = ' ';
    }
    header->name = arena_strdup(resp->arena, name);
    header->value = copy;
    struct resp_header **last = &resp->headers;
    while (*last)
        last = &(*last)->next;
    *last = header;
}

void resp_allow(struct resp *resp, unsigned methods)
{
    const char *list = "";
    for (enum http_method m = 0; m < HTTP_METHODS; m++) {
        if (methods & 1u << m)
            list =
                arena_printf(resp->arena, "%s%s%s", list, *list ? ", " : "", http_method_name(m));
    }
    resp_header(resp, "Allow", list);
}

/* ---- the error object ---- */

/* Text of plugins and scripts may be anything; the answer must stay JSON. */
static void text_put_json(struct buf *b, const char *text)
{
    json_put_string(b, text_is_utf8(slice_str(text)) ? slice_str(text) : SLICE("?"));
}

/* A script may complain in a sentence of its own, which is nothing that programs could know. */
static bool is_code(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("_.:-", *text))
            return false;
    return true;
}

static void complaint_put(struct buf *b, const struct err_field *field)
{
    json_put_comma(b);
    buf_put_char(b, '{');
    json_put_key(b, "code");
    text_put_json(b, is_code(field->code) ? field->code : "refused");
    json_put_key(b, "message");
    text_put_json(b, field->message ? field->message : field->code);
    if (field->args) {
        json_put_key(b, "args");
        buf_put_str(b, field->args);
    }
    buf_put_char(b, '}');
}

/* {"phone":[…],"lines[2].price":[…]}: each name once, where it first arose. ERR_FIELDS_MAX bounds
 * the square. */
static void fields_put(struct buf *b, const struct err_info *info)
{
    json_put_key(b, "fields");
    buf_put_char(b, '{');
    for (const struct err_field *field = info->first; field; field = field->next) {
        const struct err_field *same = info->first;
        while (same != field && strcmp(same->field, field->field) != 0)
            same = same->next;
        if (same != field)
            continue;
        json_put_comma(b);
        text_put_json(b, field->field);
        buf_put_str(b, ":[");
        for (; same; same = same->next) {
            if (strcmp(same->field, field->field) == 0)
                complaint_put(b, same);
        }
        buf_put_char(b, ']');
    }
    buf_put_char(b, '}');
}

void resp_error(struct resp *resp, enum err e, const struct err_info *info, enum lang lang,
                const char *trace)
{
    static const struct err_info nothing = {0};
    ASSERT(e != ERR_OK);
    if (!info)
        info = &nothing;

    resp->status = err_status(e);
    resp->content_type = NULL;
    resp->file_path = NULL;
    resp->file_bytes = 0;
    buf_clear(&resp->body);
    struct buf *b = &resp->body;
    buf_put_str(b, "{\"error\":{");
    json_put_key(b, "code");
    text_put_json(b, info->code ? info->code : err_code(e));
    json_put_key(b, "message");
    /* A key that nobody turned into a sentence is of no use to a person. */
    bool ready = info->message && info->message[0] != '@';
    text_put_json(b, ready ? info->message : err_text(e, lang));
    if (info->args) {
        json_put_key(b, "args");
        buf_put_str(b, info->args);
    }
    if (info->first)
        fields_put(b, info);
    if (trace) {
        json_put_key(b, "trace");
        text_put_json(b, trace);
    }
    if (info->extra && info->extra[0]) {
        json_put_comma(b);
        buf_put_str(b, info->extra);
    }
    buf_put_str(b, "}}");

    if (resp->status == 401)
        resp_header(resp, "WWW-Authenticate", "Bearer");
    int retry_s = info->retry_after_s;
    if (retry_s <= 0 && (resp->status == 429 || resp->status == 503))
        retry_s = RETRY_AFTER_S;
    if (retry_s > 0)
        resp_header(resp, "Retry-After", arena_printf(resp->arena, "%d", retry_s));
}

/* ---- frames ---- */

enum flag {
    FLAG_TEMPORARY = 1,
    FLAG_IMMUTABLE = 2,
    FLAG_CLOSE = 4,
    FLAG_FILE = 8,
    FLAG_TYPE = 16,
    FLAG_PART = 32,
    FLAGS = 64
};

void resp_encode(const struct resp *resp, struct buf *out)
{
    ASSERT(resp->status >= 100 && resp->status <= 599);
    uint32_t count = 0;
    for (const struct resp_header *h = resp->headers; h; h = h->next)
        count++;
    buf_put_u32(out, (uint32_t)resp->status);
    buf_put_u8(out, (uint8_t)((resp->file_is_temporary ? FLAG_TEMPORARY : 0) |
                              (resp->is_immutable ? FLAG_IMMUTABLE : 0) |
                              (resp->close ? FLAG_CLOSE : 0) | (resp->file_path ? FLAG_FILE : 0) |
                              (resp->content_type ? FLAG_TYPE : 0) |
                              (resp->file_bytes ? FLAG_PART : 0)));
    if (resp->content_type)
        buf_put_bytes(out, slice_str(resp->content_type));
    if (resp->file_path)
        buf_put_bytes(out, slice_str(resp->file_path));
    if (resp->file_bytes) {
        buf_put_i64(out, resp->file_from);
        buf_put_i64(out, resp->file_bytes);
    }
    buf_put_u32(out, count);
    for (const struct resp_header *h = resp->headers; h; h = h->next) {
        buf_put_bytes(out, slice_str(h->name));
        buf_put_bytes(out, slice_str(h->value));
    }
    buf_put_bytes(out, buf_slice(&resp->body));
}

/* A frame's string as it may stand in a header: no control bytes that could end the line. */
static const char *text_decode(struct arena *arena, struct reader *r)
{
    struct slice text = reader_bytes(r);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 && text.at[i] != '\t')
            r->bad = true;
    }
    return r->bad ? "" : arena_str(arena, text);
}

enum err resp_decode(struct arena *arena, struct slice bytes, struct resp *out)
{
    struct reader r = {bytes, false};
    struct resp resp;
    resp_init(&resp, arena);

    uint32_t status = reader_u32(&r);
    uint8_t flags = reader_u8(&r);
    if (status < 100 || status > 599 || flags >= FLAGS)
        return ERR_MALFORMED;
    resp.status = (int)status;
    resp.file_is_temporary = flags & FLAG_TEMPORARY;
    resp.is_immutable = flags & FLAG_IMMUTABLE;
    resp.close = flags & FLAG_CLOSE;
    if (flags & FLAG_TYPE)
        resp.content_type = text_decode(arena, &r);
    if (flags & FLAG_FILE)
        resp.file_path = text_decode(arena, &r);
    if (flags & FLAG_PART) {
        resp.file_from = reader_i64(&r);
        resp.file_bytes = reader_i64(&r);
        r.bad = r.bad || !resp.file_path || resp.file_from < 0 || resp.file_bytes <= 0;
    }
    uint32_t count = reader_u32(&r);
    struct resp_header **last = &resp.headers;
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        struct resp_header *header = arena_make(arena, struct resp_header);
        header->name = text_decode(arena, &r);
        header->value = text_decode(arena, &r);
        if (!r.bad && (header->name[0] == '\0' || strpbrk(header->name, " \t:")))
            r.bad = true;
        *last = header;
        last = &header->next;
    }
    struct slice body = reader_bytes(&r);
    if (r.bad || r.rest.len > 0)
        return ERR_MALFORMED;
    buf_put_slice(&resp.body, body);
    *out = resp;
    return ERR_OK;
}

/* ---- the head on the wire ---- */

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {100, "Continue"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Other";
}

/* IMF-fixdate (RFC 9110 section 5.6.7). Processes are single-threaded, so the last one made is kept
 * here and serves every answer of its second. */
static void date_put(struct buf *out)
{
    static int64_t made_s = -1;
    static char line[40];
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    int64_t now_s = clock_now_ms() / 1000;
    if (now_s != made_s) {
        ASSERT(now_s >= 0);
        int64_t day = now_s / 86400;
        int s = (int)(now_s % 86400);
        struct date d = date_from_days(day);
        (void)snprintf(line, sizeof(line), "Date: %.3s, %02u %.3s %04u %02d:%02d:%02d GMT\r\n",
                       days + (size_t)(day % 7) * 3, (unsigned)d.day % 100,
                       months + ((size_t)d.month - 1) * 3, (unsigned)d.year % 10000, s / 3600,
                       s / 60 % 60, s % 60);
        made_s = now_s;
    }
    buf_put_str(out, line);
}

/* Which defaults the handler has replaced. */
struct given {
    bool cache, csp, referrer;
};

static struct given headers_put(const struct resp *resp, struct buf *out)
{
    struct given given = {false, false, false};
    for (const struct resp_header *h = resp->headers; h; h = h->next) {
        if (strcasecmp(h->name, "cache-control") == 0)
            given.cache = true;
        else if (strcasecmp(h->name, "content-security-policy") == 0)
            given.csp = true;
        else if (strcasecmp(h->name, "referrer-policy") == 0)
            given.referrer = true;
        buf_put_str(out, h->name);
        buf_put(out, ": ", 2);
        buf_put_str(out, h->value);
        buf_put(out, "\r\n", 2);
    }
    return given;
}

/* The console's pages run only their own files. Other types that a browser runs as a document, such
 * as an uploaded SVG, run nothing at all. */
static const char *policy_of(const char *content_type)
{
    if (strncasecmp(content_type, "text/html", 9) == 0)
        return "Content-Security-Policy: default-src 'self'; script-src 'self'; style-src 'self'; "
               "img-src 'self' data: blob:; font-src 'self'; object-src 'none'; base-uri 'none'; "
               "form-action 'self'; frame-ancestors 'none'\r\n"
               "Cross-Origin-Opener-Policy: same-origin\r\n";
    if (strncasecmp(content_type, "image/svg", 9) == 0 ||
        strncasecmp(content_type, "text/xml", 8) == 0 ||
        strncasecmp(content_type, "application/xml", 15) == 0 ||
        strncasecmp(content_type, "application/xhtml", 17) == 0 ||
        strncasecmp(content_type, "application/pdf", 15) == 0)
        return "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox; "
               "frame-ancestors 'none'\r\n";
    return NULL;
}

static void security_put(const struct resp *resp, const struct req *req, const char *content_type,
                         struct given given, struct buf *out)
{
    buf_put_str(out, "X-Content-Type-Options: nosniff\r\n");
    if (!given.referrer)
        buf_put_str(out, "Referrer-Policy: same-origin\r\n");
    if (req && req->is_tls)
        buf_put_str(out, "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
    const char *policy = content_type && !given.csp ? policy_of(content_type) : NULL;
    if (policy)
        buf_put_str(out, policy);
    if (resp->is_immutable)
        buf_put_str(out, "Cache-Control: public, max-age=31536000, immutable\r\n");
    else if (!given.cache)
        buf_put_str(out, "Cache-Control: no-store\r\n");
}

void resp_put_head(const struct resp *resp, const struct req *req, int64_t body_len,
                   struct buf *out)
{
    ASSERT(resp->status >= 100 && resp->status <= 599);
    ASSERT(body_len >= RESP_LEN_STREAM);
    bool bodiless = resp->status < 200 || resp->status == 204 || resp->status == 304;
    if (body_len == RESP_LEN_BODY) {
        ASSERT(bodiless || !resp->file_path);
        body_len = (int64_t)resp->body.len;
    }

    buf_reserve(out, 512);
    buf_put(out, "HTTP/1.1 ", 9);
    buf_put_int(out, resp->status);
    buf_put_char(out, ' ');
    buf_put_str(out, http_reason(resp->status));
    buf_put(out, "\r\n", 2);
    date_put(out);

    const char *content_type = NULL;
    if (!bodiless && body_len != 0)
        content_type = resp->content_type ? resp->content_type : "application/json; charset=utf-8";
    if (content_type) {
        buf_put_str(out, "Content-Type: ");
        buf_put_str(out, content_type);
        buf_put(out, "\r\n", 2);
    }
    if (!bodiless && body_len >= 0) {
        buf_put_str(out, "Content-Length: ");
        buf_put_int(out, body_len);
        buf_put(out, "\r\n", 2);
    }
    struct given given = headers_put(resp, out);
    if (resp->status >= 200)
        security_put(resp, req, content_type, given, out);
    bool stream = !bodiless && body_len == RESP_LEN_STREAM;
    if (!req || !req->keep_alive || resp->close || stream)
        buf_put_str(out, "Connection: close\r\n");
    else if (req->minor == 0)
        buf_put_str(out, "Connection: keep-alive\r\n");
    buf_put(out, "\r\n", 2);
}
