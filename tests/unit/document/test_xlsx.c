/* test_xlsx - workbooks as others write them, what is refused, and what we write.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/limits_document.h"
#include "document/csv.h"
#include "document/package.h"
#include "document/xlsx.h"
#include "document/xlsx_in.h"

#define BOM "\xEF\xBB\xBF" CSV_ROWS_HEAD

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define WORKBOOK                                                                                   \
    "<workbook xmlns:r=\"r\"><sheets><sheet name=\"A\" sheetId=\"1\" state=\"hidden\" "            \
    "r:id=\"rId8\"/><sheet name=\"B\" sheetId=\"2\" r:id=\"rId9\"/></sheets></workbook>"
#define RELATIONS                                                                                  \
    "<Relationships><Relationship Id=\"rId8\" Target=\"worksheets/none.xml\"/>"                    \
    "<Relationship Id=\"rId9\" Target=\"worksheets/sheet2.xml\"/></Relationships>"

struct book {
    const char *workbook, *relations, *strings, *styles;
    struct slice sheet;
};

static struct slice zip_book(const struct book *book)
{
    struct package_part parts[5];
    struct package package = {parts, 0};
    struct buf out = BUF_INIT;
    parts[package.count++] = (struct package_part){
        "xl/workbook.xml", slice_str(book->workbook ? book->workbook : WORKBOOK)};
    parts[package.count++] = (struct package_part){
        "xl/_rels/workbook.xml.rels", slice_str(book->relations ? book->relations : RELATIONS)};
    if (book->strings)
        parts[package.count++] =
            (struct package_part){"xl/sharedStrings.xml", slice_str(book->strings)};
    if (book->styles)
        parts[package.count++] = (struct package_part){"xl/styles.xml", slice_str(book->styles)};
    parts[package.count++] = (struct package_part){"xl/worksheets/sheet2.xml", book->sheet};
    assert_int_equal(package_write(&package, &out), ERR_OK);
    struct slice bytes = arena_slice(arena, buf_slice(&out));
    buf_release(&out);
    return bytes;
}

static enum err collect(void *arg, struct slice chunk)
{
    buf_put_slice(arg, chunk);
    return ERR_OK;
}

static enum err read_within(struct slice bytes, int64_t max, struct buf *out, const char **code)
{
    *code = NULL;
    return xlsx_read(bytes, max, collect, out, code);
}

/* The CSV of a sheet, behind its BOM. */
static const char *csv_of(const struct book *book)
{
    struct buf out = BUF_INIT;
    const char *code;
    enum err e = read_within(zip_book(book), 64 << 20, &out, &code);
    if (e)
        fail_msg("%d: %s", (int)e, code);
    assert_int_equal(memcmp(out.at, BOM, strlen(BOM)), 0);
    const char *text = arena_str(arena, slice_of(out.at + strlen(BOM), out.len - strlen(BOM)));
    buf_release(&out);
    return text;
}

static const char *csv_of_rows(const char *rows)
{
    struct book book = {.sheet = slice_str(arena_printf(
                            arena, "<worksheet><sheetData>%s</sheetData></worksheet>", rows))};
    return csv_of(&book);
}

static void refused_within(const struct book *book, int64_t max, enum err wanted, const char *why)
{
    struct buf out = BUF_INIT;
    const char *code;
    assert_int_equal(read_within(zip_book(book), max, &out, &code), wanted);
    assert_non_null(code);
    assert_string_equal(code, why);
    buf_release(&out);
}

static void refused(struct slice sheet, enum err wanted, const char *why)
{
    struct book book = {.sheet = sheet};
    refused_within(&book, 512 << 20, wanted, why);
}

static void test_xlsx__reads_texts_booleans_and_formulas(void **state)
{
    (void)state;
    struct book book = {
        .strings = "<sst><si><t>姓名</t><rPh><t>xingming</t></rPh></si>"
                   "<si><r><t>a\"</t></r><r><t xml:space=\"preserve\"> b</t></r></si>"
                   "<si><t>x_000D_x_x0009_y</t></si></sst>",
        .sheet = SLICE("<x:worksheet><x:row r=\"1\"><x:c r=\"A1\" t=\"s\"><x:v>0</x:v></x:c>"
                       "<x:c r=\"C1\" t=\"s\"><x:v>1</x:v></x:c></x:row>"
                       "<x:row r=\"4\"><x:c t=\"b\"><x:v>1</x:v></x:c>"
                       "<x:c t=\"inlineStr\"><x:is><x:t>=SUM(1)</x:t></x:is></x:c>"
                       "<x:c t=\"str\"><x:f>A1&amp;\"!\"</x:f><x:v>姓名!</x:v></x:c>"
                       "<x:c t=\"e\"><x:v>#N/A</x:v></x:c><x:c s=\"1\"/></x:row>"
                       "<x:row><x:c t=\"s\"><x:v>2</x:v></x:c></x:row></x:worksheet>")};
    assert_string_equal(csv_of(&book), "\"姓名\",,\"a\"\" b\"\n\n\n"
                                       "\"true\",\"=SUM(1)\",\"姓名!\",\"#N/A\"\n"
                                       "\"x_000D_x\ty\"\n");
}

static void test_xlsx__numbers_are_what_was_typed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"12.50", "12.50"},
        {"1.1000000000000001", "1.1"},
        {"1E3", "1000"},
        {"1.5e-7", "0.00000015"},
        {"-0.30000000000000004", "-0.3"},
        {"123456789012345", "123456789012345"},
        {"1.0E+20", "100000000000000000000"},
        {"110101199003074000", "110101199003074000"},
        {"abc", "abc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(
            csv_of_rows(arena_printf(arena, "<row><c><v>%s</v></c></row>", cases[i][0])),
            arena_printf(arena, "\"%s\"\n", cases[i][1]));
}

static const char *of_style(int style, const char *value, bool since_1904)
{
    struct book book = {
        .workbook = since_1904
                        ? "<workbook xmlns:r=\"r\"><workbookPr date1904=\"1\"/><sheets><sheet "
                          "r:id=\"rId9\"/></sheets></workbook>"
                        : NULL,
        .styles =
            "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy&quot;年&quot;m&quot;"
            "月&quot;d&quot;日&quot;\"/><numFmt numFmtId=\"165\" formatCode=\"[$-409]m/d/yy "
            "h:mm\"/><numFmt numFmtId=\"166\" formatCode=\"[h]:mm\"/>"
            "<numFmt numFmtId=\"167\" formatCode=\"0.00&quot;days&quot;\"/></numFmts>"
            "<cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/>"
            "<xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"164\"/><xf "
            "numFmtId=\"165\"/><xf numFmtId=\"166\"/><xf numFmtId=\"10\"/><xf "
            "numFmtId=\"167\"/><xf numFmtId=\"21\"/></cellXfs></styleSheet>",
        .sheet = slice_str(arena_printf(
            arena, "<worksheet><row><c s=\"%d\"><v>%s</v></c></row></worksheet>", style, value)),
    };
    const char *csv = csv_of(&book);
    return arena_str(arena, slice_of(csv + 1, strlen(csv) - 3)); /* without quotes and line end */
}

static void test_xlsx__days_and_times_by_style(void **state)
{
    (void)state;
    assert_string_equal(of_style(0, "46023", false), "46023");
    assert_string_equal(of_style(1, "46023", false), "2026-01-01");
    assert_string_equal(of_style(1, "1", false), "1900-01-01");
    assert_string_equal(of_style(1, "59", false), "1900-02-28");
    assert_string_equal(of_style(1, "61", false), "1900-03-01");
    assert_string_equal(of_style(1, "2958465", false), "9999-12-31");
    assert_string_equal(of_style(1, "2958466", false), "2958466");
    assert_string_equal(of_style(1, "-1", false), "-1");
    assert_string_equal(of_style(2, "46023.395833333336", false), "2026-01-01 09:30:00");
    assert_string_equal(of_style(2, "46023", false), "2026-01-01");
    assert_string_equal(of_style(3, "46023.5", false), "2026-01-01");
    assert_string_equal(of_style(4, "46023.999988425923", false), "2026-01-01 23:59:59");
    assert_string_equal(of_style(5, "1.5", false), "36:00:00");
    assert_string_equal(of_style(8, "0.75", false), "18:00:00");
    assert_string_equal(of_style(6, "0.07", false), "7%");
    assert_string_equal(of_style(7, "3.50", false), "3.50");
    assert_string_equal(of_style(1, "44561", true), "2026-01-01");
}

static void test_xlsx__kinds_of_formats(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum xlsx_kind kind;
    } cases[] = {
        {"General", XLSX_NUMBER},     {"0.00E+00", XLSX_NUMBER}, {"#,##0.00", XLSX_NUMBER},
        {"0.0%", XLSX_PERCENT},       {"yyyy-mm-dd", XLSX_DATE}, {"mmm", XLSX_DATE},
        {"h:mm AM/PM", XLSX_TIME},    {"mm:ss.0", XLSX_TIME},    {"d/m/yy hh:mm", XLSX_DATETIME},
        {"\"d\"0", XLSX_NUMBER},      {"0\\d", XLSX_NUMBER},     {"[Red]0", XLSX_NUMBER},
        {"@", XLSX_NUMBER},           {"[ss]", XLSX_TIME},       {"", XLSX_NUMBER},
        {"0_d;[Red]yy", XLSX_NUMBER}, {"\"", XLSX_NUMBER},       {"yyyy\\", XLSX_DATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (xlsx_kind_of(slice_str(cases[i].code)) != cases[i].kind)
            fail_msg("%s", cases[i].code);
}

static void test_xlsx__what_is_no_workbook_is_refused(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    const char *code;
    assert_int_equal(read_within(SLICE("PK\3\4 no zip"), 1 << 20, &out, &code), ERR_MALFORMED);
    assert_string_equal(code, "bad_xlsx");
    buf_release(&out);
    assert_true(xlsx_is(SLICE("PK\3\4")));
    assert_false(xlsx_is(SLICE("PK\3")));
    assert_true(xlsx_is_old(slice_of("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8)));
    refused(SLICE("<worksheet><row>"), ERR_MALFORMED, "bad_xlsx");
    refused(SLICE("<worksheet/>"), ERR_MALFORMED, "xlsx_no_sheet");
    refused(SLICE("<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet/>"), ERR_MALFORMED, "bad_xlsx");
    refused(SLICE("<worksheet><row><c t=\"s\"><v>7</v></c></row></worksheet>"), ERR_MALFORMED,
            "bad_xlsx");
    refused(SLICE("<worksheet><row r=\"2\"/><row r=\"2\"/></worksheet>"), ERR_MALFORMED,
            "bad_xlsx");
    refused(SLICE("<worksheet><c><v>1</v></c></worksheet>"), ERR_MALFORMED, "bad_xlsx");
    struct book hidden = {.workbook = "<workbook xmlns:r=\"r\"><sheets><sheet state=\"hidden\" "
                                      "r:id=\"rId9\"/></sheets></workbook>"};
    refused_within(&hidden, 1 << 20, ERR_MALFORMED, "xlsx_no_sheet");
    struct book outside = {.relations = "<Relationships><Relationship Id=\"rId9\" "
                                        "Target=\"/../x.xml\"/></Relationships>"};
    refused_within(&outside, 1 << 20, ERR_MALFORMED, "bad_xlsx");
}

static void test_xlsx__columns_and_rows_at_their_limits(void **state)
{
    (void)state;
    assert_non_null(
        strstr(csv_of_rows("<row r=\"1\"><c r=\"OJ1\"><v>1</v></c></row>"), ",\"1\"\n"));
    refused(SLICE("<worksheet><row r=\"1\"><c r=\"OK1\"><v>1</v></c></row></worksheet>"),
            ERR_TOO_LARGE, "xlsx_too_wide");
    refused(SLICE("<worksheet><row r=\"1\"><c r=\"ZZZZZZZZZZZZ1\"><v>1</v></c></row></worksheet>"),
            ERR_TOO_LARGE, "xlsx_too_wide");
    const char *last = csv_of_rows("<row r=\"1048576\"><c><v>1</v></c></row>");
    assert_int_equal(strlen(last), XLSX_ROWS_MAX - 1 + 4);
    refused(SLICE("<worksheet><row r=\"1048577\"><c><v>1</v></c></row></worksheet>"), ERR_MALFORMED,
            "bad_xlsx");
}

static struct slice long_cell(size_t len)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "<worksheet><row><c t=\"inlineStr\"><is><t>");
    for (size_t i = 0; i < len; i++)
        buf_put_char(&b, 'a');
    buf_put_str(&b, "</t></is></c></row></worksheet>");
    struct slice all = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return all;
}

static void test_xlsx__cells_and_depth_at_their_limits(void **state)
{
    (void)state;
    struct book book = {.sheet = long_cell(XLSX_CELL_BYTES_MAX)};
    assert_int_equal(strlen(csv_of(&book)), XLSX_CELL_BYTES_MAX + 3);
    refused(long_cell(XLSX_CELL_BYTES_MAX + 1), ERR_TOO_LARGE, "xlsx_too_large");
    for (int over = 0; over < 2; over++) {
        struct buf b = BUF_INIT;
        buf_put_str(&b, "<worksheet><row><c><v>1</v></c></row>");
        for (int i = 1; i < XML_DEPTH_MAX + over; i++)
            buf_put_str(&b, "<a>");
        for (int i = 1; i < XML_DEPTH_MAX + over; i++)
            buf_put_str(&b, "</a>");
        buf_put_str(&b, "</worksheet>");
        struct book deep = {.sheet = arena_slice(arena, buf_slice(&b))};
        if (over)
            refused_within(&deep, 1 << 20, ERR_MALFORMED, "bad_xlsx");
        else
            assert_string_equal(csv_of(&deep), "\"1\"\n");
        buf_release(&b);
    }
}

static void test_xlsx__a_bomb_ends_at_its_limit(void **state)
{
    (void)state;
    struct book book = {.sheet = SLICE("<worksheet><row><c><v>1</v></c></row></worksheet>")};
    int64_t whole = (int64_t)(strlen(WORKBOOK) + strlen(RELATIONS) + book.sheet.len);
    struct buf out = BUF_INIT;
    const char *code;
    assert_int_equal(read_within(zip_book(&book), whole, &out, &code), ERR_OK);
    buf_release(&out);
    refused_within(&book, whole - 1, ERR_TOO_LARGE, "xlsx_too_large");
    for (int over = 0; over < 2; over++) {
        struct buf b = BUF_INIT;
        buf_put_str(&b, "<sst><si><t>");
        buf_reserve(&b, XLSX_STRINGS_BYTES_MAX + 64);
        memset(b.at + b.len, 'a', (size_t)(XLSX_STRINGS_BYTES_MAX + over));
        b.len += (size_t)(XLSX_STRINGS_BYTES_MAX + over);
        buf_put_str(&b, "</t></si></sst>");
        book.strings = buf_cstr(&b);
        if (over)
            refused_within(&book, INT64_MAX, ERR_TOO_LARGE, "xlsx_too_large");
        else
            assert_int_equal(read_within(zip_book(&book), INT64_MAX, &out, &code), ERR_OK);
        buf_release(&out);
        buf_release(&b);
    }
}

/* `count` times one text between two others, in the arena. */
static const char *repeated(const char *head, const char *one, int64_t count, const char *tail)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, head);
    for (int64_t i = 0; i < count; i++)
        buf_put_str(&b, one);
    buf_put_str(&b, tail);
    const char *all = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return all;
}

#define ONE_CELL "<worksheet><row><c s=\"0\"><v>1</v></c></row></worksheet>"

static void accepted(const struct book *book, int64_t max)
{
    struct buf out = BUF_INIT;
    const char *code;
    assert_int_equal(read_within(zip_book(book), max, &out, &code), ERR_OK);
    assert_string_equal(buf_cstr(&out), BOM "\"1\"\n");
    buf_release(&out);
}

static void test_xlsx__sheets_texts_and_styles_at_their_limits(void **state)
{
    (void)state;
    static const char workbook[] =
        "<workbook xmlns:r=\"r\"><sheets><sheet sheetId=\"1\" r:id=\"rId9\"/>";
    for (int over = 0; over < 2; over++) {
        const struct book books[] = {
            {.workbook = repeated(workbook, "<sheet r:id=\"rId8\"/>", XLSX_SHEETS_MAX - 1 + over,
                                  "</sheets></workbook>")},
            {.strings = repeated("<sst>", "<si/>", XLSX_STRINGS_MAX + over, "</sst>")},
            {.styles = repeated("<styleSheet><cellXfs>", "<xf/>", XLSX_STYLES_MAX + over,
                                "</cellXfs></styleSheet>")},
            {.styles = repeated("<styleSheet>", "<numFmt numFmtId=\"200\" formatCode=\"0\"/>",
                                XLSX_STYLES_MAX / 8 + over, "</styleSheet>")},
        };
        for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
            struct book book = books[i];
            book.sheet = SLICE(ONE_CELL);
            if (over)
                refused_within(&book, INT64_MAX, ERR_TOO_LARGE, "xlsx_too_large");
            else
                accepted(&book, INT64_MAX);
        }
    }
}

static void test_xlsx__files_of_an_archive_at_their_limit(void **state)
{
    (void)state;
    const struct package_part whole[] = {
        {"xl/workbook.xml", SLICE(WORKBOOK)},
        {"xl/_rels/workbook.xml.rels", SLICE(RELATIONS)},
        {"xl/worksheets/sheet2.xml", SLICE(ONE_CELL)},
    };
    struct package_part *parts = arena_array(arena, struct package_part, XLSX_ENTRIES_MAX + 1);
    for (int i = 0; i <= XLSX_ENTRIES_MAX; i++)
        parts[i] = i < 3 ? whole[i]
                         : (struct package_part){arena_printf(arena, "xl/%d.bin", i), SLICE("")};
    for (int over = 0; over < 2; over++) {
        struct package package = {parts, XLSX_ENTRIES_MAX + over};
        struct buf zip = BUF_INIT, out = BUF_INIT;
        const char *code;
        assert_int_equal(package_write(&package, &zip), ERR_OK);
        enum err e = read_within(buf_slice(&zip), 1 << 20, &out, &code);
        assert_int_equal(e, over ? ERR_TOO_LARGE : ERR_OK);
        if (over)
            assert_string_equal(code, "xlsx_too_large");
        assert_int_equal(out.len > 0, !over);
        buf_release(&zip);
        buf_release(&out);
    }
}

static enum err stop_at_once(void *arg, struct slice chunk)
{
    (void)arg;
    (void)chunk;
    return ERR_FULL;
}

static void test_xlsx__what_the_callback_refuses_is_handed_on(void **state)
{
    (void)state;
    struct book book = {.sheet = SLICE("<worksheet><row><c><v>1</v></c></row></worksheet>")};
    const char *code = NULL;
    assert_int_equal(xlsx_read(zip_book(&book), 1 << 20, stop_at_once, NULL, &code), ERR_FULL);
    assert_null(code);
}

/* --- writing --- */

static struct slice file_bytes(const char *path)
{
    struct buf b = BUF_INIT;
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(&b, chunk, n);
    fclose(f);
    struct slice all = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return all;
}

static const char *temporary(void)
{
    char *path = arena_strdup(arena, "/tmp/perigee-xlsx-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return path;
}

static void test_xlsx__what_was_written_is_read(void **state)
{
    (void)state;
    struct xlsx *x;
    const char *path = temporary(), *code;
    struct buf out = BUF_INIT;
    static const char *const texts[] = {"=1+1",
                                        "+86",
                                        "-x",
                                        "@a",
                                        "a\"b,c",
                                        "两\n行",
                                        "_x0041_",
                                        "0012",
                                        " lead",
                                        "\x01"
                                        "c"};
    assert_int_equal(xlsx_new(path, "/tmp", "lead", &x), ERR_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(xlsx_text(x, slice_str(texts[i])), ERR_OK);
    assert_int_equal(xlsx_row_end(x), ERR_OK);
    assert_int_equal(xlsx_number(x, SLICE("1234567890123.45"), true), ERR_OK);
    assert_int_equal(xlsx_number(x, SLICE("1234567890123456.78"), true), ERR_OK);
    assert_int_equal(xlsx_number(x, SLICE("-0.1"), false), ERR_OK);
    xlsx_skip(x);
    assert_int_equal(xlsx_date(x, (struct date){2026, 2, 28}), ERR_OK);
    assert_int_equal(xlsx_date(x, (struct date){1899, 1, 1}), ERR_OK);
    struct time_parts at = {
        .year = 2026, .month = 11, .day = 22, .hour = 23, .minute = 59, .second = 59};
    assert_int_equal(xlsx_time(x, &at), ERR_OK);
    assert_int_equal(xlsx_bool(x, false), ERR_OK);
    assert_int_equal(xlsx_row_end(x), ERR_OK);
    assert_int_equal(xlsx_close(x, true), ERR_OK);
    assert_int_equal(read_within(file_bytes(path), 1 << 20, &out, &code), ERR_OK);
    assert_string_equal(buf_cstr(&out),
                        BOM "\"=1+1\",\"+86\",\"-x\",\"@a\",\"a\"\"b,c\",\"两\n行\",\"_x0041_\","
                            "\"0012\",\" lead\",\"c\"\n"
                            "\"1234567890123.45\",\"1234567890123456.78\",\"-0.1\",,\"2026-02-28\","
                            "\"1899-01-01\",\"2026-11-22 23:59:59\",\"false\"\n");
    buf_release(&out);
    unlink(path);
}

static void test_xlsx__a_sheet_holds_so_much_and_no_more(void **state)
{
    (void)state;
    struct xlsx *x;
    const char *path = temporary();
    struct buf b = BUF_INIT;
    assert_int_equal(xlsx_new(path, "/tmp", "an entity with a name too long for it", &x), ERR_OK);
    for (int i = 0; i < XLSX_CELL_CHARS_MAX; i++)
        buf_put_str(&b, "字");
    assert_int_equal(xlsx_text(x, buf_slice(&b)), ERR_OK);
    buf_put_str(&b, "字");
    assert_int_equal(xlsx_text(x, buf_slice(&b)), ERR_TOO_LARGE);
    buf_release(&b);
    for (int i = 0; i < XLSX_ROWS_MAX; i++)
        assert_int_equal(xlsx_row_end(x), ERR_OK);
    assert_int_equal(xlsx_bool(x, true), ERR_TOO_LARGE);
    assert_int_equal(xlsx_number(x, SLICE("1"), false), ERR_TOO_LARGE);
    assert_int_equal(xlsx_row_end(x), ERR_TOO_LARGE);
    assert_int_equal(xlsx_close(x, false), ERR_OK);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_xlsx__reads_texts_booleans_and_formulas, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__numbers_are_what_was_typed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__days_and_times_by_style, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__kinds_of_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__what_is_no_workbook_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__columns_and_rows_at_their_limits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__cells_and_depth_at_their_limits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__a_bomb_ends_at_its_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__sheets_texts_and_styles_at_their_limits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__files_of_an_archive_at_their_limit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__what_the_callback_refuses_is_handed_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__what_was_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xlsx__a_sheet_holds_so_much_and_no_more, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
