/* test_message - letters taken apart: charsets, broken ones, files, what programs send, limits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "outbound/message.h"

#define OK(call) assert_int_equal((call), ERR_OK)

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct message read_text(struct arena *arena, const char *raw)
{
    struct message m;
    OK(message_read(arena, slice_str(raw), &m));
    return m;
}

static bool text_is(const struct message *m, const char *wanted)
{
    return slice_is(m->text, wanted);
}

static void test_message__headers_are_decoded_and_stay_on_one_line(void **state)
{
    struct message m = read_text(
        *state, "From: =?utf-8?B?5p2O5Zub?= <LI@Example.CN>\r\nTo: a: b@example.com;\r\n"
                "Subject: =?gbk?B?sai827Wl?=\r\n =?utf-8?Q?_one=0Atwo?=\r\nMessage-ID: <a@b>\r\n"
                "In-Reply-To: text <x@y>\r\nReferences: <1@a>\r\n <2@a> rubbish <3@a\r\n"
                "Date: Mon, 02 Mar 2026 10:00:00 +0800\r\n\r\nText\r\n");
    assert_string_equal(m.from, "li@example.cn");
    assert_string_equal(m.from_name, "李四");
    assert_null(strchr(m.subject, '\n'));
    assert_string_equal(m.id, "a@b");
    assert_string_equal(m.in_reply_to, "x@y");
    assert_int_equal(m.references_count, 2);
    assert_string_equal(m.references[1], "2@a");
    assert_int_equal(m.date_ms, 1772416800000);
    assert_true(text_is(&m, "Text"));
    assert_false(m.is_automatic);
}

static void test_message__texts_are_read_by_what_they_are(void **state)
{
    static const char head[] = "From: a@b.example\nContent-Type: text/plain; charset=";
    static const struct {
        const char *charset, *body, *wanted;
    } cases[] = {
        {"gb2312", "\xb1\xa8\xbc\xdb", "报价"},
        {"GBK", "\xe9\x46", "镕" /* not in GB2312 */},
        {"GB18030", "\x95\x32\x82\x36", "𠀀"},
        {"utf-8", "\xb1\xa8\xbc\xdb", "报价"},
        {"nonsense", "报价", "报价"},
        {"ISO-2022-JP", "\x1b$B8+\x1b(B", "見"},
        {"iso-8859-1", "caf\xe9", "café"},
        {"us-ascii",
         "a\x01\x7f"
         "b",
         "ab"},
        {"big5", "\xb3\xf8\xbb\xf9", "報價"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *raw =
            arena_printf(*state, "%s%s\n\n%s\n", head, cases[i].charset, cases[i].body);
        struct message m = read_text(*state, raw);
        if (!text_is(&m, cases[i].wanted))
            fail_msg("%s: \"%.*s\"", cases[i].charset, SLICE_ARG(m.text));
    }
}

static void test_message__html_becomes_text(void **state)
{
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"},
        {"<style>a{}</style>x<!-- y -->z<script>alert(1)</script>", "xz"},
        {"a &lt;b&gt; &amp;amp; &#65;&#x42;&#0;&#xd800; &", "a <b> &amp; AB&#0;&#xd800; &"},
        {"  many \n\t blanks  ", "many blanks"},
        {"<p", ""},
        {"<script>never ends", ""},
        {"<!-- never ends", ""},
        {"x<", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice text = message_html_text(*state, slice_str(cases[i].html));
        if (!slice_is(text, cases[i].text))
            fail_msg("%s: \"%.*s\"", cases[i].html, SLICE_ARG(text));
    }
}

static void test_message__programs_are_known(void **state)
{
    static const char *const marks[] = {"Auto-Submitted: auto-generated",
                                        "Precedence: BULK",
                                        "List-Id: <x.y>",
                                        "X-Autoreply: yes",
                                        "Return-Path: <>",
                                        "X-Loop: us"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *raw = arena_printf(*state, "From: a@b.c\n%s\n\nx\n", marks[i]);
        assert_true(read_text(*state, raw).is_automatic);
    }
    assert_false(read_text(*state, "From: a@b.c\nAuto-Submitted: no\n\nx\n").is_automatic);
    assert_false(read_text(*state, "From: a@b.c\nPrecedence: first-class\n\nx\n").is_automatic);
}

/* Parts with `count` files of `bytes` each. */
static struct slice with_files(struct arena *arena, int count, size_t bytes)
{
    struct buf raw = BUF_INIT;
    buf_put_str(&raw, "From: a@b.c\nMIME-Version: 1.0\n"
                      "Content-Type: multipart/mixed; boundary=q\n\n");
    char *filler = arena_alloc(arena, bytes + 1);
    memset(filler, 'x', bytes);
    for (int i = 0; i < count; i++) {
        buf_printf(&raw, "--q\nContent-Disposition: attachment; filename=\"dir\\\\%d.txt\"\n\n", i);
        buf_put_slice(&raw, slice_of(filler, bytes));
        buf_put_char(&raw, '\n');
    }
    buf_put_str(&raw, "--q--\n");
    struct slice copy = arena_slice(arena, buf_slice(&raw));
    buf_release(&raw);
    return copy;
}

static void test_message__files_are_taken_up_to_their_limits(void **state)
{
    struct message m;
    OK(message_read(*state, with_files(*state, MESSAGE_FILES_MAX, 3), &m));
    assert_int_equal(m.files_count, MESSAGE_FILES_MAX);
    assert_int_equal(m.files_left_out, 0);
    assert_int_equal(m.files[0].bytes.len, 3);
    assert_string_equal(m.files[1].name, "1.txt");
    OK(message_read(*state, with_files(*state, MESSAGE_FILES_MAX + 1, 3), &m));
    assert_int_equal(m.files_count, MESSAGE_FILES_MAX);
    assert_int_equal(m.files_left_out, 1);
    OK(message_read(*state, with_files(*state, 2, MESSAGE_FILES_BYTES_MAX / 2), &m));
    assert_int_equal(m.files_count, 2);
    OK(message_read(*state, with_files(*state, 2, MESSAGE_FILES_BYTES_MAX / 2 + 1), &m));
    assert_int_equal(m.files_count, 1);
    assert_int_equal(m.files_left_out, 1);
}

static void test_message__sizes_end_at_their_limits(void **state)
{
    struct buf raw = BUF_INIT;
    struct message m;
    buf_put_str(&raw, "From: a@b.c\nReferences:");
    for (int i = 0; i <= MESSAGE_REFERENCES_MAX; i++)
        buf_printf(&raw, " <%d@a>\n", i);
    buf_put_str(&raw, "\n");
    while (raw.len < 3 * MESSAGE_TEXT_MAX + 1000)
        buf_put_str(&raw, "报价单");
    OK(message_read(*state, buf_slice(&raw), &m));
    assert_int_equal(m.references_count, MESSAGE_REFERENCES_MAX);
    assert_string_equal(m.references[0], "1@a"); /* the newest stay */
    assert_int_equal(text_chars(m.text), MESSAGE_TEXT_MAX);
    assert_true(text_is_utf8(m.text));
    while (raw.len < MESSAGE_BYTES_MAX)
        buf_put_char(&raw, 'x');
    OK(message_read(*state, buf_slice(&raw), &m));
    buf_put_char(&raw, 'x');
    assert_int_equal(message_read(*state, buf_slice(&raw), &m), ERR_TOO_LARGE);
    buf_release(&raw);
}

/* A header of so many characters, each more than one byte; what came of it. */
static struct message with_long(struct arena *arena, const char *before, int chars,
                                const char *behind)
{
    struct buf raw = BUF_INIT;
    struct message m;
    buf_put_str(&raw, before);
    for (int i = 0; i < chars; i++)
        buf_put_str(&raw, "字");
    buf_printf(&raw, "%s\n\nText\n", behind);
    OK(message_read(arena, buf_slice(&raw), &m));
    buf_release(&raw);
    return m;
}

static void test_message__headers_and_names_are_cut_at_their_limits(void **state)
{
    static const char file[] = "From: a@b.c\nContent-Disposition: attachment; filename=\"";
    for (int over = 0; over < 2; over++) {
        struct message m =
            with_long(*state, "From: a@b.c\nSubject: ", MESSAGE_SUBJECT_MAX + over, "");
        assert_int_equal(text_chars(slice_str(m.subject)), MESSAGE_SUBJECT_MAX);
        m = with_long(*state, "From: a@b.c\nReferences: <", MESSAGE_ID_MAX + over, ">");
        assert_int_equal(m.references_count, 1);
        assert_int_equal(text_chars(slice_str(m.references[0])), MESSAGE_ID_MAX);
        m = with_long(*state, "From: \"", MESSAGE_ID_MAX + over, "\" <a@b.c>");
        assert_string_equal(m.from, "a@b.c");
        assert_int_equal(text_chars(slice_str(m.from_name)), MESSAGE_ID_MAX);
        m = with_long(*state, file, MESSAGE_NAME_MAX + over, "\"");
        assert_int_equal(m.files_count, 1);
        assert_int_equal(text_chars(slice_str(m.files[0].name)), MESSAGE_NAME_MAX);
    }
}

/* Texts in front of a file, which is the last part that is looked at, or the first that is not. */
static void test_message__so_many_parts_are_looked_at(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct buf raw = BUF_INIT;
        struct message m;
        buf_put_str(&raw, "From: a@b.c\nMIME-Version: 1.0\n"
                          "Content-Type: multipart/mixed; boundary=q\n\n");
        for (int i = 1; i < MESSAGE_PARTS_MAX + over; i++)
            buf_printf(&raw, "--q\n\nText %d\n", i);
        buf_put_str(&raw, "--q\nContent-Disposition: attachment; filename=a\n\nx\n--q--\n");
        OK(message_read(*state, buf_slice(&raw), &m));
        assert_true(text_is(&m, "Text 1"));
        assert_int_equal(m.files_count, !over);
        assert_int_equal(m.files_left_out, over); /* nobody is told that there was nothing */
        buf_release(&raw);
    }
}

static void test_message__so_many_addresses_are_looked_at(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct buf raw = BUF_INIT;
        buf_put_str(&raw, "From: a@b.c\nTo: ");
        for (int i = 1; i < MESSAGE_PARTS_MAX + over; i++)
            buf_put_str(&raw, "group:;,\n ");
        buf_put_str(&raw, "x@y.z\n\nText\n");
        struct message m = read_text(*state, buf_cstr(&raw));
        if (over)
            assert_null(m.to);
        else
            assert_string_equal(m.to, "x@y.z");
        buf_release(&raw);
    }
}

static void test_message__what_is_broken_is_read_as_far_as_it_goes(void **state)
{
    static const char *const broken[] = {
        "",
        "\n",
        "no header at all",
        "From: \"unclosed <a@b.c>\nContent-Type: multipart/mixed; boundary=\n\n--\n--\n",
        "From: a@b.c\nContent-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: message/"
        "rfc822\n\n--q\n",
        "From: a@b.c\nContent-Transfer-Encoding: base64\n\n!!!!====\n",
        "From: =?utf-8?B?////?= <@>\nSubject: =?x?y?z\nDate: never\nMessage-ID: <\n\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct message m;
        enum err e = message_read(*state, slice_str(broken[i]), &m);
        assert_true(e == ERR_OK || e == ERR_MALFORMED);
        assert_true(text_is_utf8(m.text) && text_is_utf8(slice_str(m.subject)));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_message__headers_are_decoded_and_stay_on_one_line),
        TEST(test_message__texts_are_read_by_what_they_are),
        TEST(test_message__html_becomes_text),
        TEST(test_message__programs_are_known),
        TEST(test_message__files_are_taken_up_to_their_limits),
        TEST(test_message__sizes_end_at_their_limits),
        TEST(test_message__headers_and_names_are_cut_at_their_limits),
        TEST(test_message__so_many_parts_are_looked_at),
        TEST(test_message__so_many_addresses_are_looked_at),
        TEST(test_message__what_is_broken_is_read_as_far_as_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
