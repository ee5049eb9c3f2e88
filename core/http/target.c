/* target - a request target split and percent-decoded, once.
 *
 * A second decoding further down would let "%252e" become a dot that nobody checked; so the decoded
 * path and parameters are the only ones handed on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/target.h"

#include "base/text.h"
#include "http/rules.h"

enum { BYTE_PATH = 1, BYTE_QUERY = 2 };

/* RFC 3986 pchar and '/' in a path. A query may also hold '?' and what browsers leave as it is
 * there (the URL standard's query percent-encode set), of which filters such as amount[gte]=1 need
 * two. */
static int byte_class(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return BYTE_PATH | BYTE_QUERY;
    if (c != '\0' && strchr("-._~!$&'()*+,;=:@/%", c))
        return BYTE_PATH | BYTE_QUERY;
    if (c != '\0' && strchr("?[]{}|^`", c))
        return BYTE_QUERY;
    return 0;
}

static bool bytes_are_legal(struct slice s, int class)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (!((c >= 'a' && c <= 'z') || c == '/') && !(byte_class(c) & class))
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes into `to`, which has room for s.len bytes. False on bad encoding, NUL or invalid UTF-8.
 */
static bool percent_decode(struct slice s, bool plus_is_space, char *to, size_t *len)
{
    size_t n = 0;
    bool wide = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '%') {
            if (s.len - i < 3)
                return false;
            int high = hex_digit(s.at[i + 1]), low = hex_digit(s.at[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            if (c == '\0')
                return false;
            wide = wide || (unsigned char)c >= 0x80;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[n++] = c;
    }
    *len = n;
    return !wide || text_is_utf8(slice_of(to, n));
}

static bool has_dot_segment(struct slice path)
{
    while (path.len > 0) {
        struct slice segment = slice_split(&path, '/');
        if (slice_is(segment, ".") || slice_is(segment, ".."))
            return true;
    }
    return false;
}

static bool path_parse(struct arena *arena, struct slice raw, struct slice *path, const char **why)
{
    *why = "path_bytes";
    if (raw.len == 0 || raw.at[0] != '/' || !bytes_are_legal(raw, BYTE_PATH))
        return false;
    struct slice decoded = raw;
    if (memchr(raw.at, '%', raw.len)) {
        /* An encoded slash would name another resource here than in a proxy before us. */
        *why = "path_encoding";
        for (size_t i = 0; i + 2 < raw.len; i++) {
            if (raw.at[i] == '%' && raw.at[i + 1] == '2' && (raw.at[i + 2] | 0x20) == 'f')
                return false;
        }
        char *to = arena_alloc(arena, raw.len);
        if (!percent_decode(raw, false, to, &decoded.len))
            return false;
        decoded.at = to;
        for (size_t i = 0; i < decoded.len; i++) {
            unsigned char c = (unsigned char)to[i];
            if (c < 0x20 || c == 0x7f || c == '\\')
                return false;
        }
    }
    *why = "dot_segment";
    if (memchr(decoded.at, '.', decoded.len) && has_dot_segment(decoded))
        return false;
    *path = decoded;
    return true;
}

static bool part_decode(struct arena *arena, struct slice *part)
{
    if (part->len == 0 || (!memchr(part->at, '%', part->len) && !memchr(part->at, '+', part->len)))
        return true;
    char *to = arena_alloc(arena, part->len);
    if (!percent_decode(*part, true, to, &part->len))
        return false;
    part->at = to;
    return true;
}

static bool query_parse(struct arena *arena, struct slice raw, struct req *req, const char **why)
{
    *why = "query_bytes";
    if (!bytes_are_legal(raw, BYTE_QUERY))
        return false;
    size_t most = 1;
    for (size_t i = 0; i < raw.len; i++)
        most += raw.at[i] == '&';
    if (most > QUERY_PARAMS_MAX) {
        *why = "query_params";
        return false;
    }
    *why = "query_encoding";
    req->query = arena_array(arena, struct req_pair, most);
    while (raw.len > 0) {
        struct slice value = slice_split(&raw, '&');
        if (value.len == 0)
            continue;
        struct slice name = slice_split(&value, '=');
        if (!part_decode(arena, &name) || !part_decode(arena, &value))
            return false;
        req->query[req->query_count++] = (struct req_pair){name, value};
    }
    return true;
}

/* Cuts "http://authority" or "https://authority" off the front. */
static bool absolute_split(struct slice *rest, struct slice *authority, int *scheme_port)
{
    static const struct {
        struct slice text;
        int port;
    } schemes[] = {{{"http://", 7}, 80}, {{"https://", 8}, 443}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = schemes[i].text.len;
        if (rest->len < n || !slice_eq_nocase(slice_of(rest->at, n), schemes[i].text))
            continue;
        struct slice after = slice_of(rest->at + n, rest->len - n);
        size_t end = 0;
        while (end < after.len && after.at[end] != '/' && after.at[end] != '?')
            end++;
        *authority = slice_of(after.at, end);
        *rest = slice_of(after.at + end, after.len - end);
        *scheme_port = schemes[i].port;
        return end > 0;
    }
    return false;
}

bool target_parse(struct arena *arena, struct req *req, struct slice *authority, int *scheme_port,
                  const char **why)
{
    struct slice rest = req->target;
    *authority = (struct slice){NULL, 0};
    *scheme_port = 0;
    *why = "target_form";
    if (rest.len == 0)
        return false;
    if (slice_is(rest, "*")) {
        req->path = rest;
        return req->method == HTTP_OPTIONS;
    }
    if (rest.at[0] != '/' && !absolute_split(&rest, authority, scheme_port))
        return false;

    struct slice query = rest;
    struct slice path = slice_split(&query, '?');
    if (path.len == 0)
        path = SLICE("/"); /* only behind an authority */
    if (!path_parse(arena, path, &req->path, why))
        return false;
    return query.len == 0 || query_parse(arena, query, req, why);
}
