/* test_resp - heads on the wire, error bodies, frames.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/resp.h"

#include "base/clock.h"
#include "help.h"

struct made {
    struct arena *arena;
    struct resp resp;
    struct req req;
    struct buf out;
};

static void made_init(struct made *made)
{
    made->arena = arena_new();
    resp_init(&made->resp, made->arena);
    made->req = (struct req){.method = HTTP_GET, .minor = 1, .keep_alive = true};
    buf_init(&made->out);
}

static void made_release(struct made *made)
{
    resp_release(&made->resp);
    buf_release(&made->out);
    arena_free(made->arena);
}

static const char *head(struct made *made, int64_t body_len)
{
    buf_clear(&made->out);
    resp_put_head(&made->resp, &made->req, body_len, &made->out);
    return buf_cstr(&made->out);
}

#define assert_has(text, part)   assert_non_null(strstr(text, part))
#define assert_lacks(text, part) assert_null(strstr(text, part))

static void test_resp__writes_an_api_answer(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    clock_fix(784111777000);
    buf_put_str(&made.resp.body, "{}");
    resp_header(&made.resp, "ETag", "\"x-1\"");
    assert_string_equal(head(&made, RESP_LEN_BODY),
                        "HTTP/1.1 200 OK\r\n"
                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        "Content-Type: application/json; charset=utf-8\r\n"
                        "Content-Length: 2\r\n"
                        "ETag: \"x-1\"\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "Referrer-Policy: same-origin\r\n"
                        "Cache-Control: no-store\r\n\r\n");
    clock_fix(784111777999 + 1);
    assert_has(head(&made, RESP_LEN_BODY), "08:49:38 GMT");
    clock_fix(1709210096000); /* a leap day, a Thursday */
    assert_has(head(&made, RESP_LEN_BODY), "Date: Thu, 29 Feb 2024 12:34:56 GMT\r\n");
    clock_fix(-1);
    made_release(&made);
}

static void test_resp__has_no_length_where_there_is_no_body(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    static const int statuses[] = {204, 304, 100};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        made.resp.status = statuses[i];
        const char *text = head(&made, RESP_LEN_BODY);
        assert_lacks(text, "Content-Length");
        assert_lacks(text, "Content-Type:");
    }
    made.resp.status = 200;
    assert_has(head(&made, RESP_LEN_BODY), "Content-Length: 0\r\n");
    assert_lacks(head(&made, RESP_LEN_BODY), "Content-Type:");
    made.resp.file_path = "/some/file";
    assert_has(head(&made, 5000000000), "Content-Length: 5000000000\r\n");
    made_release(&made);
}

static void test_resp__gives_head_the_head_of_get(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    buf_put_str(&made.resp.body, "[1,2]");
    clock_fix(1000);
    char *get = arena_strdup(made.arena, head(&made, RESP_LEN_BODY));
    made.req.method = HTTP_HEAD;
    assert_string_equal(head(&made, RESP_LEN_BODY), get);
    clock_fix(-1);
    made_release(&made);
}

static void test_resp__says_how_the_connection_goes_on(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    assert_lacks(head(&made, RESP_LEN_BODY), "Connection:");
    made.resp.close = true;
    assert_has(head(&made, RESP_LEN_BODY), "Connection: close\r\n");
    made.resp.close = false;
    made.req.minor = 0;
    assert_has(head(&made, RESP_LEN_BODY), "Connection: keep-alive\r\n");
    made.req.keep_alive = false;
    assert_has(head(&made, RESP_LEN_BODY), "Connection: close\r\n");
    made.req = (struct req){.minor = 1, .keep_alive = true};
    const char *stream = head(&made, RESP_LEN_STREAM);
    assert_has(stream, "Connection: close\r\n");
    assert_lacks(stream, "Content-Length");
    buf_clear(&made.out);
    resp_put_head(&made.resp, NULL, RESP_LEN_BODY, &made.out);
    assert_has(buf_cstr(&made.out), "Connection: close\r\n");
    made_release(&made);
}

static void test_resp__guards_what_a_browser_would_run(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    buf_put_str(&made.resp.body, "x");
    made.resp.content_type = "text/html; charset=utf-8";
    const char *text = head(&made, RESP_LEN_BODY);
    assert_has(text, "Content-Security-Policy: default-src 'self'; script-src 'self'; style-src "
                     "'self'; img-src 'self' data: blob:; font-src 'self'; object-src 'none'; "
                     "base-uri 'none'; ");
    assert_has(text, "frame-ancestors 'none'");
    assert_lacks(text, "unsafe-inline");
    assert_lacks(text, "Strict-Transport-Security");
    made.req.is_tls = true;
    assert_has(head(&made, RESP_LEN_BODY),
               "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n");
    made.resp.content_type = "image/svg+xml; charset=utf-8";
    assert_has(head(&made, RESP_LEN_BODY), "sandbox");
    made.resp.content_type = "image/png";
    assert_lacks(head(&made, RESP_LEN_BODY), "Content-Security-Policy");
    assert_has(head(&made, RESP_LEN_BODY), "nosniff");
    made_release(&made);
}

static void test_resp__lets_a_handler_replace_defaults(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    buf_put_str(&made.resp.body, "x");
    made.resp.content_type = "text/html";
    resp_header(&made.resp, "cache-control", "no-cache");
    resp_header(&made.resp, "content-security-policy", "default-src 'none'");
    const char *text = head(&made, RESP_LEN_BODY);
    assert_lacks(text, "no-store");
    assert_lacks(text, "Content-Security-Policy");
    made_release(&made);

    made_init(&made);
    made.resp.is_immutable = true;
    assert_has(head(&made, RESP_LEN_BODY),
               "Cache-Control: public, max-age=31536000, immutable\r\n");
    assert_lacks(head(&made, RESP_LEN_BODY), "no-store");
    made_release(&made);
}

static void test_resp__lets_no_value_end_its_line(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    resp_header(&made.resp, "Content-Disposition",
                "attachment; filename=\"a\r\nSet-Cookie: b\x7f\"");
    assert_has(head(&made, RESP_LEN_BODY),
               "Content-Disposition: attachment; filename=\"a  Set-Cookie: b \"\r\n");
    made_release(&made);
}

static void test_resp__groups_complaints_by_field(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    struct err_info info;
    err_info_init(&info, made.arena);
    (void)err_field(&info, "phone", "bad_phone", "{\"min\":11}");
    (void)err_field(&info, "name\"", "required", NULL);
    (void)err_field(&info, "phone", "taken", NULL);
    info.first->message = "电话不正确";
    info.extra = "\"version\":7";
    resp_error(&made.resp, ERR_VALIDATION, &info, LANG_EN, "00ff");
    assert_int_equal(made.resp.status, 422);
    assert_string_equal(
        buf_cstr(&made.resp.body),
        "{\"error\":{\"code\":\"validation_failed\",\"message\":\"Some fields need your "
        "attention.\",\"fields\":{\"phone\":[{\"code\":\"bad_phone\",\"message\":\"电话不正确\","
        "\"args\":{\"min\":11}},{\"code\":\"taken\",\"message\":\"taken\"}],\"name\\\"\":[{"
        "\"code\":"
        "\"required\",\"message\":\"required\"}]},\"trace\":\"00ff\",\"version\":7}}");
    made_release(&made);
}

static void test_resp__answers_errors_in_the_clients_language(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    buf_put_str(&made.resp.body, "half an answer");
    resp_error(&made.resp, ERR_NOT_FOUND, NULL, LANG_ZH, NULL);
    assert_string_equal(
        buf_cstr(&made.resp.body),
        "{\"error\":{\"code\":\"not_found\",\"message\":\"内容不存在或您无权查看。\"}}");
    struct err_info info;
    err_info_init(&info, made.arena);
    (void)err_say(&info, ERR_CONFLICT, "acme:double", "Already \"there\"");
    resp_error(&made.resp, ERR_CONFLICT, &info, LANG_EN, NULL);
    assert_string_equal(
        buf_cstr(&made.resp.body),
        "{\"error\":{\"code\":\"acme:double\",\"message\":\"Already \\\"there\\\"\"}}");
    info.message = "@acme:double";
    resp_error(&made.resp, ERR_CONFLICT, &info, LANG_EN, NULL);
    assert_has(buf_cstr(&made.resp.body), err_text(ERR_CONFLICT, LANG_EN));
    info.message = "\xff";
    resp_error(&made.resp, ERR_CONFLICT, &info, LANG_EN, NULL);
    assert_has(buf_cstr(&made.resp.body), "\"message\":\"?\"");
    made_release(&made);
}

static void test_resp__tells_when_to_come_back_and_how_to_sign_in(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    resp_error(&made.resp, ERR_BUSY, NULL, LANG_EN, NULL);
    assert_has(head(&made, RESP_LEN_BODY), "Retry-After: 1\r\n");
    resp_clear(&made.resp);
    assert_int_equal(made.resp.status, 200);
    assert_int_equal(made.resp.body.len, 0);
    struct err_info info;
    err_info_init(&info, made.arena);
    info.retry_after_s = 900;
    resp_error(&made.resp, ERR_LOCKED, &info, LANG_EN, NULL);
    assert_has(head(&made, RESP_LEN_BODY), "Retry-After: 900\r\n");
    resp_clear(&made.resp);
    resp_error(&made.resp, ERR_UNAUTHENTICATED, NULL, LANG_EN, NULL);
    assert_has(head(&made, RESP_LEN_BODY), "WWW-Authenticate: Bearer\r\n");
    assert_lacks(head(&made, RESP_LEN_BODY), "Retry-After");
    resp_allow(&made.resp, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_PATCH);
    assert_has(head(&made, RESP_LEN_BODY), "Allow: GET, HEAD, PATCH\r\n");
    made_release(&made);
}

static void test_resp__survives_a_frame_and_refuses_pieces_of_one(void **state)
{
    (void)state;
    struct made made;
    made_init(&made);
    made.resp.status = 201;
    made.resp.close = true;
    made.resp.content_type = "text/csv";
    made.resp.file_path = "tmp/x";
    made.resp.file_is_temporary = true;
    made.resp.file_from = 5000000000;
    made.resp.file_bytes = 7;
    resp_header(&made.resp, "Set-Cookie", "a=1");
    resp_header(&made.resp, "Set-Cookie", "b=2");
    buf_put(&made.resp.body, "a\0b", 3);
    resp_encode(&made.resp, &made.out);

    struct resp back;
    assert_int_equal(resp_decode(made.arena, buf_slice(&made.out), &back), ERR_OK);
    assert_int_equal(back.status, 201);
    assert_true(back.close && back.file_is_temporary);
    assert_false(back.is_immutable);
    assert_string_equal(back.content_type, "text/csv");
    assert_string_equal(back.file_path, "tmp/x");
    assert_true(back.file_from == 5000000000 && back.file_bytes == 7);
    assert_string_equal(back.headers->value, "a=1");
    assert_string_equal(back.headers->next->name, "Set-Cookie");
    assert_string_equal(back.headers->next->value, "b=2");
    assert_null(back.headers->next->next);
    assert_int_equal(back.body.len, 3);
    resp_release(&back);

    for (size_t n = 0; n < made.out.len; n++)
        assert_int_equal(resp_decode(made.arena, slice_of(made.out.at, n), &back), ERR_MALFORMED);
    char *line = memmem(made.out.at, made.out.len, "a=1", 3);
    line[1] = '\n';
    assert_int_equal(resp_decode(made.arena, buf_slice(&made.out), &back), ERR_MALFORMED);
    made_release(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp__writes_an_api_answer),
        cmocka_unit_test(test_resp__has_no_length_where_there_is_no_body),
        cmocka_unit_test(test_resp__gives_head_the_head_of_get),
        cmocka_unit_test(test_resp__says_how_the_connection_goes_on),
        cmocka_unit_test(test_resp__guards_what_a_browser_would_run),
        cmocka_unit_test(test_resp__lets_a_handler_replace_defaults),
        cmocka_unit_test(test_resp__lets_no_value_end_its_line),
        cmocka_unit_test(test_resp__groups_complaints_by_field),
        cmocka_unit_test(test_resp__answers_errors_in_the_clients_language),
        cmocka_unit_test(test_resp__tells_when_to_come_back_and_how_to_sign_in),
        cmocka_unit_test(test_resp__survives_a_frame_and_refuses_pieces_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
