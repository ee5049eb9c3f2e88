/* test_mime - headers, encodings, names of files, and what cannot get into a header.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "outbound/mime.h"

#include <string.h>

#include "base/limits.h"

static struct buf out;

static const char *letter_of(struct mime_letter letter)
{
    static const char *const to[] = {"ann@example.com", "bob@example.com", NULL};
    if (!letter.from)
        letter.from = "crm@acme.example.com";
    if (!letter.to)
        letter.to = to;
    if (!letter.subject)
        letter.subject = "Hello";
    if (!letter.id)
        letter.id = "1@acme.example.com";
    if (!letter.text.len && !letter.html.len)
        letter.text = SLICE("text");
    buf_clear(&out);
    mime_put(&out, &letter);
    return buf_cstr(&out);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void test_mime__a_plain_letter(void **state)
{
    (void)state;
    const char *text = letter_of((struct mime_letter){.from_name = "Acme CRM",
                                                      .date_ms = 1780000000000LL,
                                                      .reply_to = "r@example.com",
                                                      .text = SLICE("one\ntwo\r\nthree\rfour")});
    assert_string_equal(text, "From: \"Acme CRM\" <crm@acme.example.com>\r\n"
                              "To: <ann@example.com>,\r\n <bob@example.com>\r\n"
                              "Reply-To: <r@example.com>\r\n"
                              "Subject: Hello\r\n"
                              "Message-ID: <1@acme.example.com>\r\n"
                              "Date: Thu, 28 May 2026 20:26:40 +0000\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "X-Auto-Response-Suppress: All\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: 7bit\r\n\r\n"
                              "one\r\ntwo\r\nthree\r\nfour\r\n");
}

static void test_mime__what_is_not_ascii_is_encoded(void **state)
{
    (void)state;
    const char *text =
        letter_of((struct mime_letter){.from_name = "客户中心",
                                       .subject = "您好，这是一封很长很长的主题测试邮件",
                                       .text = SLICE("您好\n")});
    has(text, "From: =?UTF-8?B?5a6i5oi35Lit5b+D?=\r\n <crm@acme.example.com>");
    has(text, "Subject: =?UTF-8?B?");
    has(text, "?=\r\n =?UTF-8?B?");
    has(text, "Content-Transfer-Encoding: base64\r\n\r\n5oKo5aW9DQo=\r\n");
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at <= '~');
    for (const char *line = text; line; line = strstr(line, "\r\n")) {
        line += *line == '\r' ? 2 : 0;
        const char *end = strstr(line, "\r\n");
        assert_true(!end || end - line <= 78);
        if (!end)
            break;
        line = end;
    }
}

/* Encoded words are cut between characters: each can be read by itself. */
static void test_mime__words_cut_no_character(void **state)
{
    (void)state;
    char subject[256] = "";
    for (int i = 0; i < 40; i++)
        strcat(subject, i % 2 ? "界" : "x");
    const char *text = letter_of((struct mime_letter){.subject = subject});
    const char *at = strstr(text, "Subject: ");
    int words = 0;
    while ((at = strstr(at, "?B?")) != NULL) {
        const char *end = strstr(at, "?=");
        assert_non_null(end);
        assert_int_equal((end - at - 3) % 4, 0);
        assert_true(end - at - 3 <= 60);
        at = end;
        words++;
    }
    assert_true(words >= 2);
}

static void test_mime__nothing_adds_a_header(void **state)
{
    (void)state;
    const char *text = letter_of((struct mime_letter){.subject = "a\r\nBcc: evil@example.com",
                                                      .from_name = "b\nX-Evil: 1\"\\"});
    assert_null(strstr(text, "\nBcc"));
    assert_null(strstr(text, "\nX-Evil"));
    has(text, "Subject: a  Bcc: evil@example.com\r\n");
}

static void test_mime__text_and_html_and_files(void **state)
{
    (void)state;
    const struct mime_file files[] = {{"a b.pdf", "application/pdf", SLICE("%PDF")},
                                      {"报价单.txt", "text/plain; charset=utf-8", SLICE("x")},
                                      {"q\"uote.bin", "evil\r\nX: y", SLICE("")}};
    const char *text = letter_of((struct mime_letter){
        .text = SLICE("plain"), .html = SLICE("<p>html</p>"), .files = files, .files_count = 3});
    has(text, "Content-Type: multipart/mixed; boundary=\"=_mix_");
    has(text, "Content-Type: multipart/alternative; boundary=\"=_alt_");
    has(text, "Content-Type: text/plain; charset=utf-8\r\n");
    has(text, "Content-Type: text/html; charset=utf-8\r\n");
    has(text, "Content-Type: application/pdf\r\nContent-Disposition: attachment; "
              "filename=\"a b.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n");
    has(text, "filename*0*=UTF-8''%E6%8A%A5%E4%BB%B7%E5%8D%95.txt\r\n");
    has(text, "filename*0*=UTF-8''q%22uote.bin\r\n");
    has(text, "Content-Type: application/octet-stream\r\n");
    assert_null(strstr(text, "X: y"));
}

static void test_mime__a_long_file_name_goes_over_several_lines(void **state)
{
    (void)state;
    char name[400] = "";
    for (int i = 0; i < 40; i++)
        strcat(name, "长");
    const struct mime_file file = {name, "text/plain", SLICE("x")};
    const char *text = letter_of((struct mime_letter){.files = &file, .files_count = 1});
    has(text, "filename*0*=UTF-8''%E9%95%BF");
    has(text, ";\r\n filename*5*=");
}

static void test_mime__lines_that_are_too_long_are_encoded(void **state)
{
    (void)state;
    char line[1100];
    memset(line, 'x', sizeof line);
    has(letter_of((struct mime_letter){.text = slice_of(line, 900)}), "7bit");
    has(letter_of((struct mime_letter){.text = slice_of(line, 1000)}), "base64");
}

static void test_mime__addresses(void **state)
{
    static const char *const good[] = {"a@example.com", "a.b+c@x-y.example.com", "o'neil@a.b",
                                       "root@localhost", "1@1.example"};
    static const char *const bad[] = {
        "",        "a",      "@b.c",        "a@",          "a@b",       "a b@c.d",  "a@b c.d",
        "<a@b.c>", "a@b.c>", "a@b.c\r\nX:", "a@b.c,d@e.f", ".a@b.c",    "a.@b.c",   "a..b@c.d",
        "a@-b.c",  "a@b..c", "a@b.c.",      "a@@b.c",      "\"a\"@b.c", "用户@b.c", "a@例子.中国"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!mime_address_is_valid(slice_str(good[i])))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mime_address_is_valid(slice_str(bad[i])))
            fail_msg("%s is taken", bad[i]);
    char address[MAIL_ADDRESS_BYTES_MAX + 2];
    memset(address, 'a', sizeof address);
    memcpy(address, "a@b.", 4);
    assert_true(mime_address_is_valid(slice_of(address, MAIL_ADDRESS_BYTES_MAX)));
    assert_false(mime_address_is_valid(slice_of(address, MAIL_ADDRESS_BYTES_MAX + 1)));
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mime__a_plain_letter),
        cmocka_unit_test(test_mime__what_is_not_ascii_is_encoded),
        cmocka_unit_test(test_mime__words_cut_no_character),
        cmocka_unit_test(test_mime__nothing_adds_a_header),
        cmocka_unit_test(test_mime__text_and_html_and_files),
        cmocka_unit_test(test_mime__a_long_file_name_goes_over_several_lines),
        cmocka_unit_test(test_mime__lines_that_are_too_long_are_encoded),
        cmocka_unit_test(test_mime__addresses),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
