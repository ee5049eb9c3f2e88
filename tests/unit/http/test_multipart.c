/* test_multipart - forms as browsers send them, and forms nobody should.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/multipart.h"

#include <stdlib.h>

#include "base/limits.h"
#include "help.h"

#define TYPE "multipart/form-data; boundary=XyZ"
#define PART(disposition)                                                                          \
    "--XyZ\r\nContent-Disposition: form-data; " disposition "\r\n\r\nv\r\n--XyZ--\r\n"

struct form {
    struct arena *arena;
    struct multipart_part *parts;
    int count;
};

/* The source is copied to memory of its very size, so that a read beyond is caught. */
static enum err parse(struct form *form, const char *type, struct slice source, char **copy)
{
    form->arena = arena_new();
    *copy = malloc(source.len ? source.len : 1);
    memcpy(*copy, source.at, source.len);
    return multipart_parse(form->arena, slice_str(type), slice_of(*copy, source.len), &form->parts,
                           &form->count);
}

static void refused(const char *type, const char *source, enum err want)
{
    struct form form;
    char *copy;
    enum err e = parse(&form, type, slice_str(source), &copy);
    if (e != want)
        print_error("%s: %s\n", type, source);
    assert_int_equal(e, want);
    free(copy);
    arena_free(form.arena);
}

static void test_multipart__reads_fields_and_files(void **state)
{
    (void)state;
    struct form form;
    char *copy;
    struct slice source =
        SLICE("--XyZ\r\nContent-Disposition: form-data; name=\"entity\"\r\n\r\nlead\r\n"
              "--XyZ \t\r\ncontent-disposition: FORM-DATA; name=f; filename=\"C:\\x\\\xE5\x90\x8D "
              "%22\\\"a.csv\"\r\n"
              "Content-Type: text/csv\r\n\r\na,b\r\n--XyX\r\n\0\r\n\r\n"
              "--XyZ\r\nContent-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n\r\n"
              "--XyZ--\r\n");
    assert_int_equal(
        parse(&form, "Multipart/Form-Data; charset=utf-8; boundary=\"XyZ\"", source, &copy),
        ERR_OK);
    assert_int_equal(form.count, 3);
    assert_slice(form.parts[0].name, "entity");
    assert_slice(form.parts[0].body, "lead");
    assert_int_equal(form.parts[0].filename.len, 0);
    assert_slice(form.parts[1].name, "f");
    assert_slice(form.parts[1].filename, "\xE5\x90\x8D \"\"a.csv");
    assert_slice(form.parts[1].content_type, "text/csv");
    assert_true(slice_eq(form.parts[1].body, SLICE("a,b\r\n--XyX\r\n\0\r\n")));
    assert_slice(form.parts[2].name, "empty");
    assert_int_equal(form.parts[2].body.len, 0);
    free(copy);
    arena_free(form.arena);
}

static void test_multipart__reads_a_part_without_any_body_line(void **state)
{
    (void)state;
    struct form form;
    char *copy;
    struct slice source = SLICE("--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n--XyZ--");
    assert_int_equal(parse(&form, TYPE, source, &copy), ERR_OK);
    assert_int_equal(form.count, 1);
    assert_int_equal(form.parts[0].body.len, 0);
    free(copy);
    arena_free(form.arena);
    assert_int_equal(parse(&form, TYPE, SLICE("--XyZ--"), &copy), ERR_OK);
    assert_int_equal(form.count, 0);
    free(copy);
    arena_free(form.arena);
}

static void test_multipart__refuses_other_types_and_bad_boundaries(void **state)
{
    (void)state;
    refused("application/json", PART("name=a"), ERR_MEDIA_TYPE);
    refused("", PART("name=a"), ERR_MEDIA_TYPE);
    refused("multipart/form-datax; boundary=XyZ", PART("name=a"), ERR_MEDIA_TYPE);
    refused("multipart/form-data", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=\"\"", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=\"XyZ", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=\"XyZ \"", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=XyZ; boundary=XyZ", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary=\"X\ny\"", PART("name=a"), ERR_MALFORMED);
    refused("multipart/form-data; boundary="
            "12345678901234567890123456789012345678901234567890123456789012345678901",
            PART("name=a"), ERR_MALFORMED);
}

static void test_multipart__refuses_every_loose_form(void **state)
{
    (void)state;
    refused(TYPE, "", ERR_MALFORMED);
    refused(TYPE, "preamble\r\n" PART("name=a"), ERR_MALFORMED);
    refused(TYPE, PART("name=a") "epilogue", ERR_MALFORMED);
    refused(TYPE, "--XyZ\nContent-Disposition: form-data; name=a\n\nv\n--XyZ--\n", ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n", ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--XyZ-",
            ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--XyZq\r\n",
            ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\n\r\nv\r\n--XyZ--\r\n", ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\nContent-Type: a/b\r\n\r\nv\r\n--XyZ--\r\n", ERR_MALFORMED);
    refused(TYPE, "--XyZ\r\nnonsense\r\n\r\nv\r\n--XyZ--\r\n", ERR_MALFORMED);
    static const char *const bad[] = {PART("filename=a"),
                                      PART("name=\"\""),
                                      PART("name=a; name=b"),
                                      PART("name=\"a"),
                                      PART("name=a; x=y"),
                                      PART("name"),
                                      PART("name=\"%0d%0Ab\""),
                                      PART("name=\"a\tb\""),
                                      PART("name=\"\xff\""),
                                      PART("name=a filename=b"),
                                      PART("name=a;; "),
                                      PART("name=\"a\nb\""),
                                      PART("name=a; filename=b; filename=c"),
                                      PART("name=a\r\nContent-Disposition: form-data; name=b"),
                                      PART("name=a\r\nContent-Transfer-Encoding: base64"),
                                      PART("name=a\r\n folded: b")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(TYPE, bad[i], ERR_MALFORMED);
}

static void test_multipart__bounds_parts_and_their_heads(void **state)
{
    (void)state;
    for (int n = MULTIPART_PARTS_MAX; n <= MULTIPART_PARTS_MAX + 1; n++) {
        struct buf b = BUF_INIT;
        for (int i = 0; i < n; i++)
            buf_put_str(&b, "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n");
        buf_put_str(&b, "--XyZ--\r\n");
        refused(TYPE, buf_cstr(&b), n == MULTIPART_PARTS_MAX ? ERR_OK : ERR_TOO_LARGE);
        buf_release(&b);
    }
    static const char fixed[] = "Content-Disposition: form-data; name=a\r\nX: \r\n\r\n";
    for (int over = 0; over < 2; over++) {
        struct buf b = BUF_INIT;
        buf_put_str(&b, "--XyZ\r\nContent-Disposition: form-data; name=a\r\nX: ");
        for (size_t i = sizeof(fixed) - 1; i < MULTIPART_HEAD_BYTES_MAX + (size_t)over; i++)
            buf_put_char(&b, 'x');
        buf_put_str(&b, "\r\n\r\nv\r\n--XyZ--");
        refused(TYPE, buf_cstr(&b), over ? ERR_TOO_LARGE : ERR_OK);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multipart__reads_fields_and_files),
        cmocka_unit_test(test_multipart__reads_a_part_without_any_body_line),
        cmocka_unit_test(test_multipart__refuses_other_types_and_bad_boundaries),
        cmocka_unit_test(test_multipart__refuses_every_loose_form),
        cmocka_unit_test(test_multipart__bounds_parts_and_their_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
