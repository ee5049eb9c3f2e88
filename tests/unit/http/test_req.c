/* test_req - lookups, and requests that come back from a frame as they went in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/req.h"

#include "help.h"

static struct req_pair query[] = {
    {{"a", 1}, {"1", 1}}, {{"b", 1}, {NULL, 0}}, {{"a", 1}, {"2", 1}}};
static struct req_pair headers[] = {{{"host", 4}, {"x", 1}}, {{"x-y", 3}, {"\xE7\x8E\x8B", 3}}};

static struct req sample(void)
{
    return (struct req){.method = HTTP_PATCH,
                        .minor = 1,
                        .target = SLICE("/p?a=1&b&a=2"),
                        .path = SLICE("/p"),
                        .query = query,
                        .query_count = 3,
                        .headers = headers,
                        .headers_count = 2,
                        .host = SLICE("x"),
                        .content_length = -1,
                        .has_body = true,
                        .keep_alive = true,
                        .is_operator = true,
                        .body = SLICE("{\"n\":\0001}"),
                        .body_path = NULL,
                        .body_bytes = 8,
                        .address = "::1",
                        .trace = "0123456789abcdef"};
}

static void test_req__survives_a_frame(void **state)
{
    (void)state;
    struct req req = sample(), back;
    struct buf frame = BUF_INIT;
    req_encode(&req, &frame);
    struct arena *arena = arena_new();
    assert_int_equal(req_decode(arena, buf_slice(&frame), &back), ERR_OK);
    memset(frame.at, 0xff, frame.len); /* the copy stands on its own */
    buf_release(&frame);

    assert_int_equal(back.method, HTTP_PATCH);
    assert_true(slice_eq(back.target, req.target));
    assert_slice(back.path, "/p");
    assert_int_equal(back.query_count, 3);
    assert_slice(req_query(&back, "a"), "1");
    assert_slice(back.query[2].value, "2");
    assert_slice(req_header(&back, "x-y"), "\xE7\x8E\x8B");
    assert_int_equal(back.content_length, -1);
    assert_true(back.has_body && back.keep_alive && back.is_operator);
    assert_false(back.is_tls || back.expects_continue);
    assert_true(slice_eq(back.body, req.body));
    assert_null(back.body_path);
    assert_string_equal(back.address, "::1");
    assert_string_equal(back.trace, "0123456789abcdef");
    arena_free(arena);
}

static void test_req__refuses_frames_cut_anywhere_or_too_long(void **state)
{
    (void)state;
    struct req req = sample(), back = {.minor = 7};
    struct buf frame = BUF_INIT;
    req_encode(&req, &frame);
    struct arena *arena = arena_new();
    for (size_t n = 0; n < frame.len; n++) {
        assert_int_equal(req_decode(arena, slice_of(frame.at, n), &back), ERR_MALFORMED);
        assert_int_equal(back.minor, 7); /* untouched */
    }
    buf_put_u8(&frame, 0);
    assert_int_equal(req_decode(arena, buf_slice(&frame), &back), ERR_MALFORMED);
    arena_free(arena);
    buf_release(&frame);
}

static void test_req__survives_every_flipped_byte(void **state)
{
    (void)state;
    struct req req = sample(), back;
    struct buf frame = BUF_INIT;
    req_encode(&req, &frame);
    int refused = 0;
    for (size_t i = 0; i < frame.len; i++) {
        struct arena *arena = arena_new();
        frame.at[i] = (char)~frame.at[i];
        refused += req_decode(arena, buf_slice(&frame), &back) == ERR_MALFORMED;
        frame.at[i] = (char)~frame.at[i];
        arena_free(arena);
    }
    assert_true(refused > 0);
    buf_release(&frame);
}

static void test_req__finds_methods_by_exact_name(void **state)
{
    (void)state;
    enum http_method method;
    for (enum http_method m = 0; m < HTTP_METHODS; m++) {
        assert_true(http_method_find(slice_str(http_method_name(m)), &method));
        assert_int_equal(method, m);
    }
    assert_false(http_method_find(SLICE("get"), &method));
    assert_false(http_method_find(SLICE(""), &method));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_req__survives_a_frame),
        cmocka_unit_test(test_req__refuses_frames_cut_anywhere_or_too_long),
        cmocka_unit_test(test_req__survives_every_flipped_byte),
        cmocka_unit_test(test_req__finds_methods_by_exact_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
