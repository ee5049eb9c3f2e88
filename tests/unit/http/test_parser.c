/* test_parser - each rule of the HTTP layer, and requests however their bytes arrive.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/parser.h"

#include <stdio.h>
#include <stdlib.h>

#include "help.h"
#include "seen.h"

#define GET_HOST "GET / HTTP/1.1\r\nHost: a.example\r\n"

/* ---- what is read ---- */

static void check_get(const struct req *req)
{
    assert_int_equal(req->method, HTTP_GET);
    assert_int_equal(req->minor, 1);
    assert_slice(req->target, "/api/v1/records/lead?limit=5&q=%E7%8E%8B+x&amount[gte]=1&q=2&flag");
    assert_slice(req->path, "/api/v1/records/lead");
    assert_int_equal(req->query_count, 5);
    assert_slice(req_query(req, "limit"), "5");
    assert_slice(req_query(req, "q"), "\xE7\x8E\x8B x");
    assert_slice(req_query(req, "amount[gte]"), "1");
    assert_slice(req->query[3].value, "2");
    assert_true(req_has_query(req, "flag"));
    assert_slice(req_query(req, "flag"), "");
    assert_false(req_has_query(req, "absent"));
    assert_null(req_query(req, "absent").at);
    assert_slice(req->host, "shop.example");
    assert_slice(req_header(req, "accept-language"), "zh-CN");
    assert_slice(req_header(req, "x-empty"), "");
    assert_non_null(req_header(req, "x-empty").at);
    assert_null(req_header(req, "x-absent").at);
    assert_slice(req_header(req, "x-last"), "a  b");
    assert_int_equal(req->content_length, -1);
    assert_false(req->has_body);
    assert_true(req->keep_alive);
    assert_false(req->expects_continue);
}

static void test_parser__reads_a_get_in_pieces_of_any_size(void **state)
{
    (void)state;
    ACCEPTED("GET /api/v1/records/lead?limit=5&q=%E7%8E%8B+x&amount[gte]=1&q=2&flag HTTP/1.1\r\n"
             "HOST: Shop.Example:8080\r\nAccept-Language:zh-CN\r\nX-Empty:\r\nX-Empty: later\r\n"
             "X-Last: \t a  b \t \r\n\r\n",
             check_get);
}

static void check_post(const struct req *req)
{
    assert_int_equal(req->method, HTTP_POST);
    assert_int_equal(req->content_length, 5);
    assert_int_equal(req->body_bytes, 5);
    assert_true(req->has_body);
}

static void test_parser__reads_a_body_with_a_length(void **state)
{
    (void)state;
    ACCEPTED("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", check_post);
}

static void check_chunked(const struct req *req)
{
    assert_int_equal(req->content_length, -1);
    assert_int_equal(req->body_bytes, 11);
    assert_true(req->has_body);
}

static void test_parser__reads_a_chunked_body(void **state)
{
    (void)state;
    ACCEPTED("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
             "5\r\nhello\r\n6;note=\"x y\"\r\n world\r\n0\r\n\r\n",
             check_chunked);
}

static void check_trailers(const struct req *req)
{
    assert_int_equal(req->headers_count, 2);
    assert_null(req_header(req, "authorization").at);
    assert_slice(req->host, "a");
    assert_true(req->keep_alive);
}

static void test_parser__drops_trailers(void **state)
{
    (void)state;
    ACCEPTED("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "1\r\nx\r\n0\r\nAuthorization: Bearer y\r\nHost: b\r\nConnection: close\r\n\r\n",
             check_trailers);
}

static void check_absolute(const struct req *req)
{
    assert_slice(req->host, "a.example");
    assert_slice(req->path, "/x y");
    assert_slice(req_query(req, "k"), "v/?");
}

static void check_root(const struct req *req)
{
    assert_slice(req->path, "/");
    assert_int_equal(req->query_count, 0);
}

static void test_parser__reads_absolute_targets_that_agree(void **state)
{
    (void)state;
    ACCEPTED("GET HTTP://A.example:80/x%20y?k=v/? HTTP/1.1\r\nHost: a.example\r\n\r\n",
             check_absolute);
    ACCEPTED("GET https://a.example HTTP/1.1\r\nHost: a.example:443\r\n\r\n", check_root);
    ACCEPTED("GET http://a.example? HTTP/1.1\r\nHost: a.example\r\n\r\n", check_root);
    ACCEPTED("GET http://a.example/?&& HTTP/1.1\r\nHost: a.example\r\n\r\n", check_root);
    REFUSED("GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", ERR_MALFORMED,
            "authority");
    REFUSED("GET http://a.example:81/ HTTP/1.1\r\nHost: a.example\r\n\r\n", ERR_MALFORMED,
            "authority");
    REFUSED("GET http://u:p@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", ERR_MALFORMED,
            "authority");
    REFUSED("GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n", ERR_MALFORMED, "target_form");
    REFUSED("GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", ERR_MALFORMED, NULL);
}

static void check_ipv6(const struct req *req)
{
    assert_slice(req->host, "[::1]");
}

static void check_dot(const struct req *req)
{
    assert_slice(req->host, "a.example");
}

/* ---- host ---- */

static void test_parser__wants_exactly_one_valid_host(void **state)
{
    (void)state;
    ACCEPTED("GET / HTTP/1.1\r\nHost: [0:0::0001]:80\r\n\r\n", check_ipv6);
    ACCEPTED("GET / HTTP/1.1\r\nHost: a.EXAMPLE.\r\n\r\n", check_dot);
    ACCEPTED("GET / HTTP/1.0\r\nHost: a.example:65535\r\n\r\n", check_dot);
    REFUSED("GET / HTTP/1.1\r\n\r\n", ERR_MALFORMED, "host");
    REFUSED("GET / HTTP/1.0\r\n\r\n", ERR_MALFORMED, "host");
    REFUSED(GET_HOST "Host: a.example\r\n\r\n", ERR_MALFORMED, "host");
    REFUSED(GET_HOST "hOST: b.example\r\n\r\n", ERR_MALFORMED, "host");
    static const char *const bad[] = {
        "",       "a b",     "a/b",          "a@b",           "a,b",  "a:",
        "a:0",    "a:65536", "a:080000",     "a:8x",          "a::1", "[::1",
        "[::1]x", "[]",      "[::g]",        "[fe80::1%25e]", "a..b", ".a",
        ".",      "a%2eb",   "\xC3\xA9.com", "a?b",           "a#b",  "a\\b",
        ":80",    "a:80:80", "[::1]:",       "a.b..",         "*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw = stretched("GET / HTTP/1.1\r\nHost: ", bad[i], 1, "\r\n\r\n");
        refused(raw.at, raw.len, ERR_MALFORMED, "host");
        buf_release(&raw);
    }
    accepted_long(stretched("GET / HTTP/1.1\r\nHost: ", "a", 253, "\r\n\r\n"));
    refused_long(stretched("GET / HTTP/1.1\r\nHost: ", "a", 254, "\r\n\r\n"), ERR_MALFORMED,
                 "host");
}

/* ---- request line ---- */

static void test_parser__speaks_http_1_0_and_1_1_only(void **state)
{
    (void)state;
    REFUSED("GET / HTTP/1.2\r\nHost: a\r\n\r\n", ERR_HTTP_VERSION, "version");
    REFUSED("GET / HTTP/2.0\r\nHost: a\r\n\r\n", ERR_HTTP_VERSION, "version");
    REFUSED("GET / HTTP/0.9\r\nHost: a\r\n\r\n", ERR_HTTP_VERSION, "version");
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERR_HTTP_VERSION, "version");
    REFUSED("GET / HTTP/11\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / HTTP/1.1.\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / http/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / RTSP/1.0\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / ICE/1.0\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET /\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
}

static void check_options(const struct req *req)
{
    assert_int_equal(req->method, HTTP_OPTIONS);
    assert_slice(req->path, "*");
}

static void test_parser__knows_seven_methods(void **state)
{
    (void)state;
    static const char *const good[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct buf raw = stretched("", good[i], 1, " / HTTP/1.1\r\nHost: a\r\n\r\n");
        accepted(raw.at, raw.len, NULL);
        buf_release(&raw);
    }
    static const char *const bad[] = {"TRACE", "CONNECT", "get", "SOURCE", "PROPFIND", "GETX", "G"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw = stretched("", bad[i], 1, " / HTTP/1.1\r\nHost: a\r\n\r\n");
        refused(raw.at, raw.len, ERR_METHOD, "method");
        buf_release(&raw);
    }
    REFUSED("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ERR_METHOD, "method");
    ACCEPTED("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", check_options);
    REFUSED("GET * HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "target_form");
}

static void test_parser__takes_the_request_line_in_its_strict_form_only(void **state)
{
    (void)state;
    ACCEPTED("\r\n" GET_HOST "\r\n", check_root);
    REFUSED("\r\n\r\n" GET_HOST "\r\n", ERR_MALFORMED, "request_line");
    REFUSED("\n" GET_HOST "\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / HTTP/1.1\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET / HTTP/1.1\rHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", ERR_MALFORMED, "request_line");
    REFUSED("\x16\x03\x01\x02", ERR_MALFORMED, "request_line"); /* TLS on a plain port */
}

static void test_parser__caps_the_request_line(void **state)
{
    (void)state;
    size_t most = REQUEST_LINE_BYTES_MAX - strlen("GET / HTTP/1.1");
    accepted_long(stretched("GET /", "a", most, " HTTP/1.1\r\nHost: a\r\n\r\n"));
    refused_long(stretched("GET /", "a", most + 1, " HTTP/1.1\r\nHost: a\r\n\r\n"),
                 ERR_URI_TOO_LONG, "request_line");
    refused_long(stretched("GET /", "a", 100000, ""), ERR_URI_TOO_LONG, "request_line");
    accepted_long(stretched("GET /?", "a&", 255, " HTTP/1.1\r\nHost: a\r\n\r\n"));
    refused_long(stretched("GET /?", "a&", 256, " HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_MALFORMED,
                 "query_params");
}

/* ---- target ---- */

static void test_parser__refuses_targets_that_could_be_read_twice(void **state)
{
    (void)state;
    static const struct {
        const char *target, *why;
    } bad[] = {
        {"/a#b", "path_bytes"},
        {"/?a#b", "query_bytes"},
        {"a", NULL},
        {"/a\\b", "path_bytes"},
        {"/a%5cb", "path_encoding"},
        {"/a%2Fb", "path_encoding"},
        {"/a%2fb", "path_encoding"},
        {"/a%00b", "path_encoding"},
        {"/a%0ab", "path_encoding"},
        {"/a%7f", "path_encoding"},
        {"/a%", "path_encoding"},
        {"/a%4", "path_encoding"},
        {"/a%zz", "path_encoding"},
        {"/%ff", "path_encoding"},
        {"/%c0%ae", "path_encoding"},
        {"/%ed%a0%80", "path_encoding"},
        {"/.", "dot_segment"},
        {"/..", "dot_segment"},
        {"/a/../b", "dot_segment"},
        {"/a/%2e%2E/b", "dot_segment"},
        {"/a/.", "dot_segment"},
        {"/./a", "dot_segment"},
        {"/a\"b", "path_bytes"},
        {"/<a>", "path_bytes"},
        {"/a[1]", "path_bytes"},
        {"/{a}", "path_bytes"},
        {"/?a=\"", "query_bytes"},
        {"/?a=<", "query_bytes"},
        {"/?a=\\", "query_bytes"},
        {"/?a=%", "query_encoding"},
        {"/?%zz=1", "query_encoding"},
        {"/?a=%00", "query_encoding"},
        {"/?a=%ff", "query_encoding"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw = stretched("GET ", bad[i].target, 1, " HTTP/1.1\r\nHost: a\r\n\r\n");
        refused(raw.at, raw.len, ERR_MALFORMED, bad[i].why);
        buf_release(&raw);
    }
}

static void check_once(const struct req *req)
{
    assert_slice(req->path, "/%2e%2e/...a/b..");
    assert_slice(req_query(req, "a"), "%41+ ");
}

static void test_parser__decodes_percent_once(void **state)
{
    (void)state;
    ACCEPTED("GET /%252e%252e/...a/%62.. HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    ACCEPTED("GET /%252e%252e/...a/%62..?%61=%2541%2B+ HTTP/1.1\r\nHost: a\r\n\r\n", check_once);
}

/* ---- headers ---- */

static void test_parser__refuses_headers_that_are_not_lines_of_name_and_value(void **state)
{
    (void)state;
    REFUSED(GET_HOST "A: b\r\n c\r\n\r\n", ERR_MALFORMED, NULL); /* folded */
    REFUSED(GET_HOST "A: b\r\n\tc\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A:\r\n c\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED("GET / HTTP/1.1\r\n Host: a\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A : b\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A b\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST ": b\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A(: b\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "\xC3\xA9: b\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\0c\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\x01\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\x7f\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\rc\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\nC: d\r\n\r\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\r\n\n", ERR_MALFORMED, NULL);
    REFUSED(GET_HOST "A: b\r\n\rGET", ERR_MALFORMED, NULL);
    ACCEPTED(GET_HOST "A: \xC3\xA9\t\"x\"\r\n\r\n", check_root);
}

static void test_parser__caps_headers_by_count_and_bytes(void **state)
{
    (void)state;
    accepted_long(stretched(GET_HOST, "A: b\r\n", HEADERS_MAX - 1, "\r\n"));
    refused_long(stretched(GET_HOST, "A: b\r\n", HEADERS_MAX, "\r\n"), ERR_HEADERS_TOO_LARGE,
                 "headers_count");
    size_t most = HEADERS_BYTES_MAX - strlen("Host: a.example\r\nA: \r\n\r\n");
    accepted_long(stretched(GET_HOST "A: ", "x", most, "\r\n\r\n"));
    refused_long(stretched(GET_HOST "A: ", "x", most + 1, "\r\n\r\n"), ERR_HEADERS_TOO_LARGE,
                 "headers_bytes");
    refused_long(stretched(GET_HOST "A:", " ", 100000, ""), ERR_HEADERS_TOO_LARGE, "headers_bytes");
    /* A body behind a full block of headers is not counted with them. */
    struct buf raw = stretched(
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 60000\r\nA: ", "x",
        HEADERS_BYTES_MAX - strlen("Host: a.example\r\nContent-Length: 60000\r\nA: \r\n\r\n"),
        "\r\n\r\n");
    for (int i = 0; i < 60000; i++)
        buf_put_char(&raw, 'b');
    accepted_long(raw);
}

/* ---- framing ---- */

#define POST_HOST "POST / HTTP/1.1\r\nHost: a\r\n"

static void test_parser__refuses_lengths_that_are_not_one_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "+5", "-1",  "0x5", "5 5",
                                      "5,5", "5;", "5.0", "5e1", "\xEF\xBC\x95"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw = stretched(POST_HOST "Content-Length: ", bad[i], 1, "\r\n\r\nhello");
        refused(raw.at, raw.len, ERR_MALFORMED, NULL);
        buf_release(&raw);
    }
    REFUSED(POST_HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", ERR_MALFORMED, NULL);
    REFUSED(POST_HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", ERR_MALFORMED, NULL);
    REFUSED(POST_HOST "Content-Length: 9223372036854775808\r\n\r\n", ERR_TOO_LARGE,
            "content_length");
    REFUSED(POST_HOST "Content-Length: 99999999999999999999999\r\n\r\n", ERR_MALFORMED, NULL);
}

static void test_parser__takes_chunked_alone_and_on_1_1_only(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity",
        "",     "xchunked",      "chunked;q=1",   "\"chunked\"",      "chunked,"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw =
            stretched(POST_HOST "Transfer-Encoding: ", bad[i], 1, "\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        refused(raw.at, raw.len, ERR_MALFORMED, NULL);
        buf_release(&raw);
    }
    REFUSED(POST_HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ERR_MALFORMED, NULL);
    REFUSED("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ERR_MALFORMED, "transfer_encoding");
}

static void test_parser__refuses_both_framings_together(void **state)
{
    (void)state;
    REFUSED(POST_HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ERR_MALFORMED, NULL);
    REFUSED(POST_HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            ERR_MALFORMED, NULL);
}

static void test_parser__refuses_chunks_in_any_loose_form(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "5\nhello\r\n0\r\n\r\n",        "5\r\nhello0\r\n\r\n",      "5\r\nhello\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",    "+5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",     "\r\n5\r\nhello\r\n",       "g\r\n",
        "10000000000000005\r\nhello",   "5\r\nhellox\r\n",          "0\r\n\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf raw = stretched(POST_HOST "Transfer-Encoding: chunked\r\n\r\n", bad[i], 1, "");
        refused(raw.at, raw.len, ERR_MALFORMED, NULL);
        buf_release(&raw);
    }
}

static void test_parser__caps_chunk_extensions_and_framing(void **state)
{
    (void)state;
    const char *before = POST_HOST "Transfer-Encoding: chunked\r\n\r\n1;a=";
    accepted_long(stretched(before, "x", CHUNK_EXT_BYTES_MAX - 1, "\r\nx\r\n0\r\n\r\n"));
    refused_long(stretched(before, "x", CHUNK_EXT_BYTES_MAX, "\r\nx\r\n0\r\n\r\n"), ERR_MALFORMED,
                 "chunk_extension");
    before = POST_HOST "Transfer-Encoding: chunked\r\n\r\n";
    refused_long(stretched(before, "1;abcdef=gh\r\nx\r\n", 200, "0\r\n\r\n"), ERR_MALFORMED,
                 "chunk_extension");
    refused_long(stretched(before, "0", 100000, "1\r\n"), ERR_MALFORMED, "chunk_framing");
    refused_long(
        stretched(POST_HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", 20000, "\r\n"),
        ERR_MALFORMED, "chunk_framing");
    accepted_long(stretched(before, "1\r\nx\r\n", 60000, "0\r\n\r\n"));
}

static void test_parser__caps_the_body_before_it_arrives(void **state)
{
    (void)state;
    struct seen seen;
    seen_init(&seen);
    seen.body_max = 5;
    assert_int_equal(feed(&seen, SLICE(POST_HOST "Content-Length: 6\r\n\r\n"), 1000),
                     ERR_TOO_LARGE);
    assert_string_equal(parser_why(seen.parser), "body");
    seen_release(&seen);

    seen_init(&seen);
    seen.body_max = 5;
    assert_int_equal(feed(&seen, SLICE(POST_HOST "Content-Length: 5\r\n\r\nhello"), 3), ERR_OK);
    assert_int_equal(seen.dones, 1);
    seen_release(&seen);

    seen_init(&seen);
    seen.body_max = 5;
    struct slice chunks = SLICE(POST_HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n");
    assert_int_equal(feed(&seen, chunks, 1), ERR_TOO_LARGE);
    assert_int_equal(seen.bodies.len, 3);
    seen_release(&seen);

    seen_init(&seen); /* whoever says nothing gets what nobody may send */
    struct buf raw = BUF_INIT;
    buf_printf(&raw, POST_HOST "Content-Length: %d\r\n\r\n", BODY_ANONYMOUS_BYTES_MAX + 1);
    assert_int_equal(feed(&seen, buf_slice(&raw), 1000), ERR_TOO_LARGE);
    buf_release(&raw);
    seen_release(&seen);
}

/* ---- connection ---- */

static void check_closes(const struct req *req)
{
    assert_false(req->keep_alive);
}

static void check_stays(const struct req *req)
{
    assert_true(req->keep_alive);
}

static void test_parser__tells_whether_the_connection_stays(void **state)
{
    (void)state;
    ACCEPTED(GET_HOST "Connection: close\r\n\r\n", check_closes);
    ACCEPTED(GET_HOST "Connection: x, CLOSE\r\nConnection: keep-alive\r\n\r\n", check_closes);
    ACCEPTED(GET_HOST "Connection: keep-alive\r\n\r\n", check_stays);
    ACCEPTED(GET_HOST "Connection: closed\r\n\r\n", check_stays);
    ACCEPTED("GET / HTTP/1.0\r\nHost: a\r\n\r\n", check_closes);
    ACCEPTED("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", check_stays);
}

static void test_parser__refuses_upgrades(void **state)
{
    (void)state;
    REFUSED(GET_HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\n",
            ERR_MALFORMED, "upgrade");
    REFUSED(GET_HOST "Upgrade: h2c\r\n\r\n", ERR_MALFORMED, "upgrade");
    REFUSED(GET_HOST "Connection: upgrade\r\n\r\n", ERR_MALFORMED, "upgrade");
}

static void check_expects(const struct req *req)
{
    assert_true(req->expects_continue);
}

static void check_expects_not(const struct req *req)
{
    assert_false(req->expects_continue);
}

static void test_parser__knows_100_continue_and_no_other_expectation(void **state)
{
    (void)state;
    ACCEPTED(POST_HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", check_expects);
    ACCEPTED(GET_HOST "Expect: 100-continue\r\n\r\n", check_expects_not);
    ACCEPTED("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
             check_expects_not);
    REFUSED(GET_HOST "Expect: tea\r\n\r\n", ERR_MALFORMED, "expectation");
}

#define THREE                                                                                      \
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"                                                           \
    "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"                                  \
    "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\nT: "         \
    "x\r\n\r\n"

static void test_parser__reads_pipelined_requests_one_after_another(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof(THREE) * 3; step = step * 2 + 1) {
        struct seen seen;
        seen_init(&seen);
        seen.answers_at_once = true;
        assert_int_equal(feed(&seen, SLICE(THREE THREE), step), ERR_OK);
        assert_slice(buf_slice(&seen.paths), "/1|/2|/3|/1|/2|/3|");
        assert_slice(buf_slice(&seen.bodies), "|abc|de||abc|de|");
        assert_true(parser_is_idle(seen.parser));
        assert_int_equal(parser_buffered(seen.parser), 0);
        seen_release(&seen);
    }
}

static void test_parser__waits_for_the_answer_before_the_next_request(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof(THREE) * 2; step = step * 2 + 1) {
        struct seen seen;
        seen_init(&seen);
        assert_int_equal(feed(&seen, SLICE(THREE), step), ERR_OK);
        for (int i = 1; i <= 3; i++) {
            assert_int_equal(seen.dones, i);
            assert_false(parser_is_idle(seen.parser));
            assert_int_equal(parser_next(seen.parser), ERR_OK);
        }
        assert_slice(buf_slice(&seen.paths), "/1|/2|/3|");
        assert_true(parser_is_idle(seen.parser));
        seen_release(&seen);
    }
}

static void test_parser__finds_a_fault_in_kept_bytes_at_next(void **state)
{
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_int_equal(feed(&seen, SLICE(GET_HOST "\r\nBREW / HTTP/1.1\r\n"), 1000), ERR_OK);
    assert_int_equal(seen.dones, 1);
    assert_int_equal(parser_next(seen.parser), ERR_METHOD);
    assert_int_equal(parser_feed(seen.parser, SLICE(GET_HOST "\r\n")), ERR_METHOD);
    seen_release(&seen);
}

static void test_parser__keeps_a_bounded_amount_and_asks_for_a_pause(void **state)
{
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_int_equal(feed(&seen, SLICE(GET_HOST "\r\n"), 1000), ERR_OK);
    assert_false(parser_wants_pause(seen.parser));
    char *noise = calloc(1, PARSER_KEPT_BYTES_MAX + 1);
    memset(noise, 'x', PARSER_KEPT_BYTES_MAX + 1);
    assert_int_equal(feed(&seen, slice_of(noise, PARSER_AHEAD_BYTES - 1), 4096), ERR_OK);
    assert_false(parser_wants_pause(seen.parser));
    assert_int_equal(feed(&seen, slice_of(noise, 1), 1), ERR_OK);
    assert_true(parser_wants_pause(seen.parser));
    assert_int_equal(feed(&seen, slice_of(noise, PARSER_READ_BYTES_MAX), PARSER_READ_BYTES_MAX),
                     ERR_OK);
    assert_int_equal(parser_buffered(seen.parser), PARSER_KEPT_BYTES_MAX);
    assert_int_equal(feed(&seen, slice_of(noise, 1), 1), ERR_TOO_LARGE);
    free(noise);
    seen_release(&seen);
}

static void test_parser__drops_what_follows_the_last_request(void **state)
{
    (void)state;
    for (int at_once = 0; at_once < 2; at_once++) {
        struct seen seen;
        seen_init(&seen);
        seen.answers_at_once = at_once;
        assert_int_equal(
            feed(&seen, SLICE(GET_HOST "Connection: close\r\n\r\n" GET_HOST "\r\n"), 1000), ERR_OK);
        if (!at_once)
            assert_int_equal(parser_next(seen.parser), ERR_OK);
        assert_int_equal(parser_feed(seen.parser, SLICE(GET_HOST "\r\n")), ERR_OK);
        assert_int_equal(seen.dones, 1);
        assert_int_equal(parser_buffered(seen.parser), 0);
        seen_release(&seen);
    }
}

static void test_parser__hands_on_what_a_callback_refuses(void **state)
{
    (void)state;
    struct seen seen;
    seen_init(&seen);
    seen.head_answer = ERR_UNAUTHENTICATED;
    assert_int_equal(feed(&seen, SLICE(POST_HOST "Content-Length: 3\r\n\r\nabc"), 1000),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(seen.bodies.len, 0);
    seen_release(&seen);

    seen_init(&seen);
    seen.body_answer = ERR_FULL;
    assert_int_equal(feed(&seen, SLICE(POST_HOST "Content-Length: 3\r\n\r\nabc"), 1000), ERR_FULL);
    assert_int_equal(seen.dones, 0);
    seen_release(&seen);
}

static void test_parser__says_where_it_stands(void **state)
{
    (void)state;
    struct seen seen;
    seen_init(&seen);
    assert_true(parser_is_idle(seen.parser));
    assert_int_equal(feed(&seen, SLICE("P"), 1), ERR_OK);
    assert_false(parser_is_idle(seen.parser));
    assert_false(parser_in_body(seen.parser));
    assert_int_equal(
        feed(&seen, SLICE("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"), 9), ERR_OK);
    assert_true(parser_in_body(seen.parser));
    assert_int_equal(feed(&seen, SLICE("bc"), 1), ERR_OK);
    assert_false(parser_in_body(seen.parser));
    assert_int_equal(seen.dones, 1);
    seen_release(&seen);
}

/* llhttp 9 is strict unless asked otherwise. */
static void test_parser__never_loosens_llhttp(void **state)
{
    (void)state;
    FILE *file = fopen(PERIGEE_SOURCE_DIR "/core/http/parser.c", "r");
    assert_non_null(file);
    char line[512];
    int lines = 0;
    while (fgets(line, sizeof(line), file)) {
        lines++;
        assert_null(strstr(line, "lenient"));
    }
    (void)fclose(file);
    assert_true(lines > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser__reads_a_get_in_pieces_of_any_size),
        cmocka_unit_test(test_parser__reads_a_body_with_a_length),
        cmocka_unit_test(test_parser__reads_a_chunked_body),
        cmocka_unit_test(test_parser__drops_trailers),
        cmocka_unit_test(test_parser__reads_absolute_targets_that_agree),
        cmocka_unit_test(test_parser__wants_exactly_one_valid_host),
        cmocka_unit_test(test_parser__speaks_http_1_0_and_1_1_only),
        cmocka_unit_test(test_parser__knows_seven_methods),
        cmocka_unit_test(test_parser__takes_the_request_line_in_its_strict_form_only),
        cmocka_unit_test(test_parser__caps_the_request_line),
        cmocka_unit_test(test_parser__refuses_targets_that_could_be_read_twice),
        cmocka_unit_test(test_parser__decodes_percent_once),
        cmocka_unit_test(test_parser__refuses_headers_that_are_not_lines_of_name_and_value),
        cmocka_unit_test(test_parser__caps_headers_by_count_and_bytes),
        cmocka_unit_test(test_parser__refuses_lengths_that_are_not_one_number),
        cmocka_unit_test(test_parser__takes_chunked_alone_and_on_1_1_only),
        cmocka_unit_test(test_parser__refuses_both_framings_together),
        cmocka_unit_test(test_parser__refuses_chunks_in_any_loose_form),
        cmocka_unit_test(test_parser__caps_chunk_extensions_and_framing),
        cmocka_unit_test(test_parser__caps_the_body_before_it_arrives),
        cmocka_unit_test(test_parser__tells_whether_the_connection_stays),
        cmocka_unit_test(test_parser__refuses_upgrades),
        cmocka_unit_test(test_parser__knows_100_continue_and_no_other_expectation),
        cmocka_unit_test(test_parser__reads_pipelined_requests_one_after_another),
        cmocka_unit_test(test_parser__waits_for_the_answer_before_the_next_request),
        cmocka_unit_test(test_parser__finds_a_fault_in_kept_bytes_at_next),
        cmocka_unit_test(test_parser__keeps_a_bounded_amount_and_asks_for_a_pause),
        cmocka_unit_test(test_parser__drops_what_follows_the_last_request),
        cmocka_unit_test(test_parser__hands_on_what_a_callback_refuses),
        cmocka_unit_test(test_parser__says_where_it_stands),
        cmocka_unit_test(test_parser__never_loosens_llhttp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
