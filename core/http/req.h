/* req - one parsed HTTP request, and its form inside frames.
 *
 * Everything points into the arena of the request. Header names are lower case. The target is split
 * and percent-decoded once; a path with an encoded slash, NUL or dot segments is refused by the
 * parser.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHODS
};
const char *http_method_name(enum http_method method);
/* False for anything but the methods above, which are case-sensitive (RFC 9110 section 9.1). */
bool http_method_find(struct slice name, enum http_method *out);

struct req_pair {
    struct slice name;  /* header: lower case; query: percent-decoded */
    struct slice value; /* decoded and trimmed */
};

struct req {
    enum http_method method;
    int minor;              /* HTTP/1.minor */
    struct slice target;    /* as sent */
    struct slice path;      /* decoded, starts with '/'; "*" for OPTIONS of the whole server */
    struct req_pair *query; /* in order */
    int query_count;
    struct req_pair *headers;
    int headers_count;
    struct slice host;      /* canonical: lower case, no port, no final dot; IPv6 in brackets */
    int64_t content_length; /* -1 = none announced (chunked or no body) */
    bool has_body, keep_alive, expects_continue;
    struct slice body;     /* whole; empty while spooled */
    const char *body_path; /* spooled body: file in the tenant's tmp/, else NULL */
    int64_t body_bytes;
    bool is_tls, is_operator; /* of the listener it came by */
    const char *address;      /* the peer, after trusted proxies */
    const char *trace;        /* 16 hex digits, made at admission */
};

/* First header or parameter of that name; empty (at == NULL) if absent. */
struct slice req_header(const struct req *req, const char *lower_name);
struct slice req_query(const struct req *req, const char *name);
bool req_has_query(const struct req *req, const char *name);

/* Frames carry a parsed request, never raw bytes. Decoding copies into the arena and trusts
 * nothing: ERR_MALFORMED on any frame that encoding could not have made. */
void req_encode(const struct req *req, struct buf *out);
MUST_USE enum err req_decode(struct arena *arena, struct slice bytes, struct req *out);
