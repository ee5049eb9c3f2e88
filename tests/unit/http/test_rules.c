/* test_rules - the rules by themselves, without llhttp before them.
 *
 * llhttp refuses some of these too; here each rule must hold alone, so that another version of it
 * cannot open a gap.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/rules.h"

#include "help.h"

struct row {
    const char *why; /* of the rule that refuses, or NULL */
    enum err e;
    const char *line;
    struct req_pair headers[4];
};

#define H(name, value)                                                                             \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }
#define HOST     H("host", "a")
#define GET      "GET / HTTP/1.1"
#define BAD(why) why, ERR_MALFORMED

static const struct row rows[] = {
    {NULL, ERR_OK, GET, {HOST}},
    {BAD("host"), GET, {H("x", "y")}},
    {BAD("host"), GET, {HOST, HOST}},
    {BAD("content_length"), GET, {HOST, H("content-length", "1"), H("content-length", "1")}},
    {BAD("content_length"), GET, {HOST, H("content-length", "1, 1")}},
    {BAD("content_length"), GET, {HOST, H("content-length", "")}},
    {BAD("content_length"), GET, {HOST, H("content-length", "-1")}},
    {"content_length", ERR_TOO_LARGE, GET, {HOST, H("content-length", "99999999999999999999")}},
    {BAD("transfer_encoding"), GET, {HOST, H("transfer-encoding", "gzip, chunked")}},
    {BAD("transfer_encoding"), GET, {HOST, H("transfer-encoding", "identity")}},
    {BAD("transfer_encoding"), GET, {HOST, H("transfer-encoding", "")}},
    {BAD("transfer_encoding"),
     GET,
     {HOST, H("transfer-encoding", "chunked"), H("transfer-encoding", "chunked")}},
    {BAD("transfer_encoding"), "GET / HTTP/1.0", {HOST, H("transfer-encoding", "chunked")}},
    {BAD("framing"), GET, {HOST, H("transfer-encoding", "chunked"), H("content-length", "0")}},
    {BAD("upgrade"), GET, {HOST, H("upgrade", "h2c")}},
    {BAD("upgrade"), GET, {HOST, H("connection", "a, Upgrade")}},
    {BAD("expectation"), GET, {HOST, H("expect", "100-continue"), H("expect", "100-continue")}},
    {BAD("expectation"), GET, {HOST, H("expect", "")}},
    {BAD("authority"), "GET http://b/ HTTP/1.1", {HOST}},
    {BAD("path_bytes"), "GET /#a HTTP/1.1", {HOST}},
    {BAD("target_form"), "GET a:80 HTTP/1.1", {HOST}},
};

static void test_rules__hold_one_by_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct req_pair headers[4];
        struct req req = {.headers = headers};
        const char *why = "";
        memcpy(headers, rows[i].headers, sizeof(headers));
        while (req.headers_count < 4 && headers[req.headers_count].name.len > 0)
            req.headers_count++;
        assert_int_equal(rules_line(slice_str(rows[i].line), &req, &why), ERR_OK);
        assert_int_equal(rules_head(arena, &req, &why), rows[i].e);
        if (rows[i].why)
            assert_string_equal(why, rows[i].why);
        arena_free(arena);
    }
}

static void test_rules__take_a_request_line_in_three_words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum err e;
    } lines[] = {{"DELETE /x HTTP/1.0", ERR_OK},       {"TRACE / HTTP/1.1", ERR_METHOD},
                 {"CONNECT a:1 HTTP/1.1", ERR_METHOD}, {"GET / HTTP/3.0", ERR_HTTP_VERSION},
                 {"GET / HTTP/1.1 x", ERR_MALFORMED},  {"GET /  HTTP/1.1", ERR_MALFORMED},
                 {"GET  HTTP/1.1", ERR_MALFORMED},     {"G(T / HTTP/1.1", ERR_MALFORMED},
                 {" / HTTP/1.1", ERR_MALFORMED},       {"GET / HTTP/a.1", ERR_MALFORMED},
                 {"GET / RTSP/1.1", ERR_MALFORMED},    {"", ERR_MALFORMED}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct req req = {0};
        const char *why;
        assert_int_equal(rules_line(slice_str(lines[i].line), &req, &why), lines[i].e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules__hold_one_by_one),
        cmocka_unit_test(test_rules__take_a_request_line_in_three_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
