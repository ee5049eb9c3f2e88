/* test_letter - templates of plugins by name and language, subjects, what is missing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "place.h"
#include "record/letter.h"

static struct place place;

static int setup(void **state)
{
    (void)state;
    place_open(&place);
    place_plugin(&place, "shop", NULL);
    place_write(&place, "shop/templates/offer.en.txt",
                "Subject:  Offer {{no}} \n\nDear {{name}}\n");
    place_write(&place, "shop/templates/offer.en.html", "<p>{{name}}</p>");
    place_write(&place, "shop/templates/offer.zh-CN.txt", "Subject: 报价 {{no}}\r\n\r\n{{name}}");
    place_write(&place, "shop/templates/note.en.txt", "only {{name}}");
    place_write(&place, "shop/templates/broken.en.txt", "one\n{{if name}}");
    place_ready(&place, "shop", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_close(&place);
    return 0;
}

static enum err make(const char *name, enum lang lang, struct letter *letter, const char **why)
{
    const struct json *data = place_json(&place, "{\"no\":7,\"name\":\"<Ann>\"}");
    *why = NULL;
    return letter_make(&place.ctx, "shop", name, lang, data, letter, why);
}

static void is(struct slice text, const char *wanted)
{
    assert_string_equal(arena_str(place.arena, text), wanted);
}

static void test_letter__subject_text_and_html(void **state)
{
    struct letter letter;
    const char *why;
    (void)state;
    assert_int_equal(make("offer", LANG_EN, &letter, &why), ERR_OK);
    assert_string_equal(letter.subject, "Offer 7");
    is(letter.text, "Dear <Ann>\n");
    is(letter.html, "<p>&lt;Ann&gt;</p>");
    assert_int_equal(make("shop:offer", LANG_ZH, &letter, &why), ERR_OK);
    assert_string_equal(letter.subject, "报价 7");
    is(letter.text, "<Ann>");
    assert_int_equal(letter.html.len, 0); /* never of another language than the text */
}

static void test_letter__another_language_is_better_than_none(void **state)
{
    struct letter letter;
    const char *why;
    (void)state;
    assert_int_equal(make("note", LANG_ZH, &letter, &why), ERR_OK);
    assert_null(letter.subject);
    is(letter.text, "only <Ann>");
}

static void test_letter__what_is_not_there_is_named(void **state)
{
    static const char *const names[] = {"nothing", "other:offer", "../offer", "offer.en",
                                        "",        "shop:",       "OFFER",    "a/b"};
    struct letter letter;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(make(names[i], LANG_EN, &letter, &why), ERR_NOT_FOUND);
        assert_string_equal(why,
                            arena_printf(place.arena, "there is no template \"%s\"", names[i]));
    }
    assert_int_equal(make("broken", LANG_EN, &letter, &why), ERR_MALFORMED);
    assert_string_equal(why, "shop/templates/broken.en.txt:2: this block has no {{end}}");
    assert_int_equal(letter_make(&place.ctx, "shop", "offer", LANG_EN, NULL, &letter, &why),
                     ERR_MALFORMED);
    assert_string_equal(why, "shop/templates/offer.en.txt:1: there is no value \"no\"");
}

static void test_letter__one_file_by_itself(void **state)
{
    struct slice text;
    const char *why;
    const struct json *data = NULL;
    (void)state;
    data = place_json(&place, "{\"no\":7,\"name\":\"<Ann>\"}");
    assert_int_equal(letter_part(&place.ctx, "shop", "offer", LANG_EN, ".html", data, &text, &why),
                     ERR_OK);
    is(text, "<p>&lt;Ann&gt;</p>");
    assert_int_equal(letter_part(&place.ctx, "shop", "note", LANG_EN, ".html", data, &text, &why),
                     ERR_NOT_FOUND);
}

/* What is filled in cannot lengthen the subject into the headers. */
static void test_letter__a_line_end_in_the_subject_ends_it(void **state)
{
    struct letter letter;
    const char *why;
    (void)state;
    const struct json *data = place_json(&place, "{\"no\":\"1\\r\\nBcc: x@y\",\"name\":\"n\"}");
    assert_int_equal(letter_make(&place.ctx, "shop", "offer", LANG_EN, data, &letter, &why),
                     ERR_OK);
    assert_string_equal(letter.subject, "Offer 1");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_letter__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(subject_text_and_html),
        T(another_language_is_better_than_none),
        T(what_is_not_there_is_named),
        T(one_file_by_itself),
        T(a_line_end_in_the_subject_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
