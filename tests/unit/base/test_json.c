/* test_json - strict parsing, lookup, building and writing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/json.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static int arena_setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int arena_teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static const struct json *parsed(struct arena *arena, const char *source)
{
    const struct json *out = NULL;
    const char *why = NULL;

    if (json_parse(arena, slice_str(source), &out, &why))
        fail_msg("%s: %s", source, why);
    return out;
}

static const char *refused(struct arena *arena, struct slice source)
{
    const struct json *out = NULL;
    const char *why = NULL;

    assert_int_equal(json_parse(arena, source, &out, &why), ERR_MALFORMED);
    assert_null(out);
    assert_non_null(why);
    return why;
}

static const char *written(struct arena *arena, const struct json *node)
{
    struct buf b = BUF_INIT;

    json_put(&b, node);
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static void test_json__every_type_is_read(void **state)
{
    const struct json *j =
        parsed(*state, " {\"n\":null,\"b\":true,\"i\":-7,\"r\":1.50E+2,"
                       "\"s\":\"张\\u4f1f\\n\",\"a\":[1,[],{}],\"o\":{\"x\":1}} ");

    assert_int_equal(j->type, JSON_OBJECT);
    assert_int_equal(j->count, 7);
    assert_int_equal(json_get(j, "n")->type, JSON_NULL);
    assert_true(json_bool(j, "b", false));
    assert_int_equal(json_int(j, "i", 0), -7);
    assert_true(slice_is(json_get(j, "r")->text, "1.50E+2"));
    assert_true(fabs(json_get(j, "r")->real - 150) < 1e-9);
    assert_string_equal(json_cstr(j, "s", ""), "张伟\n");
    assert_int_equal(json_get(j, "a")->count, 3);
    assert_int_equal(json_at(json_get(j, "a"), 0)->integer, 1);
    assert_null(json_at(json_get(j, "a"), 3));
    assert_int_equal(json_int(json_get(j, "o"), "x", 0), 1);
    assert_string_equal(json_cstr(j, "i", "other"), "other");
    assert_null(json_get(json_get(j, "a"), "x"));
    assert_null(json_get(NULL, "x"));
}

static void test_json__scalars_may_stand_alone(void **state)
{
    assert_int_equal(parsed(*state, "17")->integer, 17);
    assert_int_equal(parsed(*state, "\"\"")->text.len, 0);
    assert_true(slice_is(parsed(*state, "0.10")->text, "0.10"));
}

static void test_json__integers_are_exact_to_64_bits(void **state)
{
    assert_true(parsed(*state, "9223372036854775807")->integer == INT64_MAX);
    assert_true(parsed(*state, "-9223372036854775808")->integer == INT64_MIN);
    refused(*state, SLICE("9223372036854775808"));
    refused(*state, SLICE("-9223372036854775809"));
}

static void test_json__what_is_not_strict_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'x'",
        "[1] x",
        "// c\n1",
        "[01]",
        "[+1]",
        "[.5]",
        "nul",
        "[1 2]",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\"a\tb\"",
        "\xef\xbb\xbf{}",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":1,\"\\u0061\":2}",
        "1e999",
        "NaN",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(*state, slice_str(bad[i]));
    refused(*state, SLICE("\"a\0b\""));
    refused(*state, SLICE("{}\0"));
    refused(*state, SLICE("[1\0,2]"));
    refused(*state, SLICE("[1,\0 2]"));
    refused(*state, slice_of(NULL, 0));
}

static void test_json__complaints_name_line_and_column(void **state)
{
    assert_non_null(strstr(refused(*state, SLICE("{\n\"a\":\n  x}")), "line 3 column"));
}

static void nested(struct buf *b, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_put_char(b, '[');
    for (int i = 0; i < depth; i++)
        buf_put_char(b, ']');
}

static void test_json__depth_is_bounded(void **state)
{
    struct buf b = BUF_INIT;
    const struct json *out = NULL;

    nested(&b, JSON_DEPTH_MAX);
    assert_int_equal(json_parse(*state, buf_slice(&b), &out, NULL), ERR_OK);
    buf_clear(&b);
    nested(&b, JSON_DEPTH_MAX + 1);
    assert_non_null(strstr(refused(*state, buf_slice(&b)), "line 1 column 33: nested"));
    buf_clear(&b);
    nested(&b, 100000);
    refused(*state, buf_slice(&b));
    buf_release(&b);
    /* Brackets in strings are no depth. */
    parsed(*state, "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"]");
}

static void test_json__nodes_know_their_line(void **state)
{
    const struct json *j = parsed(*state, "{\n  \"a\": [\n    1,\n    {\"b\":\n      2.50}\n  ],\n"
                                          "  \"c\\\"\": \"x\\\\\", \"d\": [ ],\n \"e\":true}");

    assert_int_equal(j->line, 1);
    assert_int_equal(json_get(j, "a")->line, 2);
    assert_int_equal(json_at(json_get(j, "a"), 0)->line, 3);
    assert_int_equal(json_get(json_at(json_get(j, "a"), 1), "b")->line, 5);
    assert_int_equal(json_get(j, "c\"")->line, 7);
    assert_int_equal(json_get(j, "e")->line, 8);
}

static void test_json__members_keep_source_order(void **state)
{
    assert_string_equal(written(*state, parsed(*state, "{ \"z\" : 1 , \"a\" : [ 2.0 , \"\" ] }")),
                        "{\"z\":1,\"a\":[2.0,\"\"]}");
}

static void test_json__load_reads_files_and_says_what_failed(void **state)
{
    char path[] = "/tmp/test_json_XXXXXX";
    const struct json *out = NULL;
    const char *why = NULL;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[1,\n2]", 6), 6);
    close(fd);
    assert_int_equal(json_load(*state, path, &out, &why), ERR_OK);
    assert_int_equal(json_at(out, 1)->line, 2);
    unlink(path);
    assert_int_equal(json_load(*state, path, &out, &why), ERR_NOT_FOUND);
    assert_string_equal(why, "the file is not there");
    assert_int_equal(json_load(*state, "/tmp", &out, &why), ERR_IO);
}

static void test_json__a_file_has_at_most_so_many_bytes(void **state)
{
    char path[] = "/tmp/test_json_XXXXXX";
    const struct json *out = NULL;
    const char *why = NULL;
    struct buf text = BUF_INIT;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    buf_put_str(&text, "[1]");
    buf_reserve(&text, JSON_FILE_BYTES_MAX);
    memset(text.at + text.len, ' ', JSON_FILE_BYTES_MAX - text.len);
    text.len = JSON_FILE_BYTES_MAX;
    assert_int_equal(write(fd, text.at, text.len), text.len);
    assert_int_equal(json_load(*state, path, &out, &why), ERR_OK);
    assert_int_equal(out->count, 1);
    assert_int_equal(write(fd, " ", 1), 1);
    close(fd);
    assert_int_equal(json_load(*state, path, &out, &why), ERR_TOO_LARGE);
    assert_string_equal(why, "the file is too large");
    unlink(path);
    buf_release(&text);
}

static void test_json__strings_are_escaped(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    json_put_string(&b, SLICE("a\"b\\c\n\x01\x1f\x7f伟/"));
    assert_string_equal(buf_cstr(&b), "\"a\\\"b\\\\c\\n\\u0001\\u001f\x7f伟/\"");
    buf_release(&b);
}

static void test_json__writer_places_commas(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_put_char(&b, '{');
    json_put_key(&b, "a");
    json_put_int(&b, INT64_MIN);
    json_put_key(&b, "b");
    json_put_cstr(&b, NULL);
    json_put_key(&b, "c");
    buf_put_char(&b, '[');
    json_put_comma(&b);
    json_put_bool(&b, true);
    json_put_comma(&b);
    json_put_bool(&b, false);
    buf_put_str(&b, "]}");
    assert_string_equal(buf_cstr(&b), "{\"a\":-9223372036854775808,\"b\":null,\"c\":[true,false]}");
    buf_release(&b);
}

static void test_json__reals_round_trip(void **state)
{
    static const struct {
        double real;
        const char *text;
    } rows[] = {{0.1, "0.1"}, {1, "1.0"}, {1e100, "1e+100"}, {0.1 + 0.2, "0.30000000000000004"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(written(*state, json_new_real(*state, rows[i].real)), rows[i].text);
    assert_string_equal(written(*state, json_new_real(*state, INFINITY)), "null");
}

static void test_json__canonical_form_sorts_members_everywhere(void **state)
{
    struct buf a = BUF_INIT, b = BUF_INIT;

    json_put_canonical(&a, parsed(*state, "{\"b\":[{\"y\":1.50,\"x\":2}],\"a\":null,\"ab\":1}"));
    json_put_canonical(&b, parsed(*state, "{\"ab\":1,\"a\":null,\"b\":[{\"x\":2,\"y\":1.5}]}"));
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    assert_string_equal(buf_cstr(&a), "{\"a\":null,\"ab\":1,\"b\":[{\"x\":2,\"y\":1.5}]}");
    buf_release(&a);
    buf_release(&b);
}

static void test_json__copies_are_equal_and_apart(void **state)
{
    struct arena *other = arena_new();
    const struct json *copy =
        json_copy(other, parsed(*state, "{\"a\":[1,2.5,\"x\",null,true],\"b\":{}}"));

    assert_true(json_equal(copy, parsed(*state, "{\"b\":{},\"a\":[1,2.50,\"x\",null,true]}")));
    assert_false(json_equal(copy, parsed(*state, "{\"b\":{},\"a\":[1,2.5,\"y\",null,true]}")));
    assert_false(json_equal(copy, parsed(*state, "{\"b\":{},\"c\":[1,2.5,\"x\",null,true]}")));
    assert_false(json_equal(parsed(*state, "[1,2]"), parsed(*state, "[2,1]")));
    assert_string_equal(written(*state, copy), "{\"a\":[1,2.5,\"x\",null,true],\"b\":{}}");
    arena_free(other);
}

static void test_json__trees_are_built_in_code(void **state)
{
    struct json *list = json_new(*state, JSON_ARRAY);
    struct json *object = json_new(*state, JSON_OBJECT);

    for (int i = 0; i < 3; i++)
        json_add(*state, list, NULL, json_new_int(*state, i));
    json_add(*state, object, "list", list);
    json_add(*state, object, "name", json_new_str(*state, SLICE("伟")));
    json_add(*state, object, "on", json_new_bool(*state, true));
    json_add(*state, object, "none", json_new(*state, JSON_NULL));
    assert_string_equal(written(*state, object),
                        "{\"list\":[0,1,2],\"name\":\"伟\",\"on\":true,\"none\":null}");
    assert_int_equal(object->line, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_json__every_type_is_read),
        test(test_json__scalars_may_stand_alone),
        test(test_json__integers_are_exact_to_64_bits),
        test(test_json__what_is_not_strict_is_refused),
        test(test_json__complaints_name_line_and_column),
        test(test_json__depth_is_bounded),
        test(test_json__nodes_know_their_line),
        test(test_json__members_keep_source_order),
        test(test_json__load_reads_files_and_says_what_failed),
        test(test_json__a_file_has_at_most_so_many_bytes),
        test(test_json__strings_are_escaped),
        test(test_json__writer_places_commas),
        test(test_json__reals_round_trip),
        test(test_json__canonical_form_sorts_members_everywhere),
        test(test_json__copies_are_equal_and_apart),
        test(test_json__trees_are_built_in_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
