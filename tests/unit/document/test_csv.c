/* test_csv - tables as people's programs write them, and back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"

/* The whole table as text: cells between [ and ], a record a line, errors as "!line:why". */
static struct buf shown(struct csv *csv)
{
    struct buf b = BUF_INIT;
    struct arena *arena = arena_new();
    for (;;) {
        struct slice *cells;
        int count;
        arena_clear(arena);
        enum err e = csv_next(csv, arena, &cells, &count);
        if (e) {
            buf_printf(&b, "!%d:%s\n", (int)csv_line(csv), csv_why(csv));
            continue;
        }
        if (count == 0)
            break;
        for (int i = 0; i < count; i++) {
            assert_int_equal(cells[i].at[cells[i].len], '\0');
            buf_printf(&b, "[" SLICE_FMT "]", SLICE_ARG(cells[i]));
        }
        buf_put_char(&b, '\n');
    }
    arena_free(arena);
    return b;
}

static void reads(const char *source, size_t len, const char *want)
{
    char *exact = malloc(len); /* so that a read beyond is caught */
    memcpy(exact, source, len);
    struct csv *csv;
    assert_int_equal(csv_new(slice_of(exact, len), &csv), ERR_OK);
    struct buf got = shown(csv);
    assert_string_equal(buf_cstr(&got), want);
    assert_int_equal(csv_offset(csv), len);
    buf_release(&got);
    csv_free(csv);
    free(exact);
}
#define READS(source, want) reads(source, sizeof(source) - 1, want)

static void test_csv__reads_rfc_4180(void **state)
{
    (void)state;
    READS("a,b\r\n1,2\r\n", "[a][b]\n[1][2]\n");
    READS("a,b\n1,2", "[a][b]\n[1][2]\n");
    READS("a,b\r1,2\r", "[a][b]\n[1][2]\n");
    READS("a,\"b,c\"\n\"\",\"d\"\"e\"\n", "[a][b,c]\n[][d\"e]\n");
    READS("a,b\n\"x\r\ny\n\nz\",2\n", "[a][b]\n[x\r\ny\n\nz][2]\n");
    READS(",\n,,\n", "[][]\n[][][]\n");
    READS("a", "[a]\n");
    READS("a,", "[a][]\n");
    READS("\n\r\na,b\n\n\n1,2\n\n", "[a][b]\n[1][2]\n");
    READS(" a , b \n", "[ a ][ b ]\n");
}

static void test_csv__reads_stray_quotes_in_one_fixed_way(void **state)
{
    (void)state;
    READS("a,b\n5\" disk,x\"\"y\n", "[a][b]\n[5\" disk][x\"\"y]\n");
    READS("a,b\n\"say \"hi\" now\",x\n", "[a][b]\n[say \"hi\" now][x]\n");
    READS("a,b\n\"say \"a, b\" ok\",x\n", "[a][b]\n[say \"a, b\" ok][x]\n");
    READS("a,b\n\"x\" ,\"y\"\t\n", "[a][b]\n[x][y]\n");
    READS("a,b\n\"\"\"\",\"\"\"x\"\n", "[a][b]\n[\"][\"x]\n");
    READS("a,b\n \"x\",y\n", "[a][b]\n[ \"x\"][y]\n");
}

static void test_csv__loses_only_the_line_of_a_quote_never_closed(void **state)
{
    (void)state;
    READS("a,b\n1,\"open\n2,3\n4,5\n", "[a][b]\n!2:quote_open\n[2][3]\n[4][5]\n");
    READS("a,b\n\"", "[a][b]\n!2:quote_open\n");
    READS("a,b\n\"\"\"", "[a][b]\n!2:quote_open\n");

    /* However many there are, the work is bounded. */
    struct buf b = BUF_INIT;
    buf_put_str(&b, "a,b\n");
    for (int i = 0; i < CSV_RESUMES_MAX + 50; i++)
        buf_put_str(&b, "\"x\" y\n");
    struct csv *csv;
    assert_int_equal(csv_new(buf_slice(&b), &csv), ERR_OK);
    struct buf got = shown(csv);
    buf_clear(&b);
    buf_put_str(&b, "[a][b]\n");
    for (int i = 0; i < CSV_RESUMES_MAX; i++)
        buf_printf(&b, "!%d:quote_open\n", i + 2);
    buf_printf(&b, "!%d:quotes_open\n", CSV_RESUMES_MAX + 2);
    assert_string_equal(buf_cstr(&got), buf_cstr(&b));
    buf_release(&got);
    buf_release(&b);
    csv_free(csv);
}

static void test_csv__tells_the_delimiter(void **state)
{
    (void)state;
    READS("a;b;c\n1,5;2,5;3\n", "[a][b][c]\n[1,5][2,5][3]\n");
    READS("a\tb\n1, 2\t3\n", "[a][b]\n[1, 2][3]\n");
    READS("\"a;x\",b\n\"c;y\",d\n", "[a;x][b]\n[c;y][d]\n");
    READS("name\none, two\nthree\n", "[name]\n[one][ two]\n[three]\n");
    READS("sep=;\r\na,b;c\r\n", "[a,b][c]\n");
    READS("SEP=\t\na,b\tc\n", "[a,b][c]\n");
    READS("sep=x\n1\n", "[sep=x]\n[1]\n");
    READS("a;b\n\"open;1\n", "[a][b]\n!2:quote_open\n");
}

static void test_csv__knows_encodings(void **state)
{
    (void)state;
    READS("\xEF\xBB\xBF\xE5\xA7\x93,b\n\xE7\x8E\x8B,2\n", "[姓][b]\n[王][2]\n");
    /* 姓名,电话 / 王小明, and U+20087 by four bytes, in GB18030 */
    struct csv *csv;
    struct slice source = SLICE("\xD0\xD5\xC3\xFB,\xB5\xE7\xBB\xB0\r\n"
                                "\xCD\xF5\xD0\xA1\xC3\xF7,\"\x95\x32\x90\x31\"\r\n\x80,1");
    assert_int_equal(csv_new(source, &csv), ERR_MALFORMED); /* a lone 80 is in neither */
    source.len -= 3;
    assert_int_equal(csv_new(source, &csv), ERR_OK);
    assert_string_equal(csv_encoding(csv), "gb18030");
    struct buf got = shown(csv);
    assert_string_equal(buf_cstr(&got), "[姓名][电话]\n[王小明][\xF0\xA0\x82\x87]\n");
    buf_release(&got);
    csv_free(csv);
    /* trail bytes that look like ASCII: 亅 is 81 7C, 乗 is 81 5C */
    READS("a,b\n\x81\x7C\x81\x5C,\x81\x40\n", "[a][b]\n[亅乗][丂]\n");
}

static void test_csv__refuses_what_is_no_text(void **state)
{
    (void)state;
    struct csv *csv;
    static const struct slice bad[] = {{"", 0},
                                       {"\xEF\xBB\xBF", 3},
                                       {"a,b\0c\n", 6},
                                       {"\xFF\xFE"
                                        "a\0,\0",
                                        6},
                                       {"a,\xFF\n", 4},
                                       {"a,\xC3", 3},
                                       {"\xEF\xBB\xBF\xC3\xFB", 5},
                                       {"PK\3\4\0\0", 6},
                                       {"\x81\x30\x81", 3},
                                       {"\x81\x20", 2}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(csv_new(bad[i], &csv), ERR_MALFORMED);
}

static void test_csv__bounds_columns_and_cells(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (int columns = IMPORT_COLUMNS_MAX; columns <= IMPORT_COLUMNS_MAX + 1; columns++) {
        for (int i = 1; i < columns; i++)
            buf_put_str(&b, "x,");
        buf_put_str(&b, "x\n");
    }
    for (int over = 0; over < 2; over++) {
        for (int i = 0; i < CSV_CELL_BYTES_MAX + over; i++)
            buf_put_char(&b, 'y');
        buf_put_str(&b, ",z\n");
    }
    buf_put_str(&b, "a,b\n");
    struct csv *csv;
    struct arena *arena = arena_new();
    struct slice *cells;
    int count;
    assert_int_equal(csv_new(buf_slice(&b), &csv), ERR_OK);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(count, IMPORT_COLUMNS_MAX);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_TOO_LARGE);
    assert_string_equal(csv_why(csv), "too_many_columns");
    assert_int_equal(csv_line(csv), 2);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(cells[0].len, CSV_CELL_BYTES_MAX);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_TOO_LARGE);
    assert_string_equal(csv_why(csv), "cell_too_large");
    assert_int_equal(csv_line(csv), 4);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(count, 2);
    arena_free(arena);
    csv_free(csv);
    buf_release(&b);
}

static void test_csv__resumes_at_an_offset(void **state)
{
    (void)state;
    struct csv *csv;
    struct arena *arena = arena_new();
    struct slice *cells;
    int count;
    struct slice source = SLICE("\xEF\xBB\xBFsep=;\na;b\n\"1\n2\";c\nlast;d\n");
    assert_int_equal(csv_new(source, &csv), ERR_OK);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(csv_line(csv), 2);
    int64_t offset = csv_offset(csv);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(csv_line(csv), 3);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(csv_line(csv), 5);
    csv_seek(csv, offset, 3);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(csv_line(csv), 3);
    assert_memory_equal(cells[0].at, "1\n2", 4);
    csv_seek(csv, 0, 1);
    assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
    assert_int_equal(csv_line(csv), 2);
    assert_memory_equal(cells[0].at, "a", 2);
    arena_free(arena);
    csv_free(csv);
}

/* ---- writing ---- */

static void test_csv__counts_the_rows_of_a_sheet(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBF" CSV_ROWS_HEAD "name,note\n\"a\",\"one\ntwo\"\n\nb,x\n";
    static const int64_t lines[] = {1, 2, 4};
    struct csv *csv;
    struct slice *cells;
    int count;
    (void)state;
    struct arena *arena = arena_new();
    assert_int_equal(csv_new(slice_str(text), &csv), ERR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
        assert_int_equal(count, 2);
        assert_int_equal(csv_line(csv), lines[i]);
        csv_seek(csv, csv_offset(csv), csv_offset_line(csv));
    }
    csv_free(csv);
    arena_free(arena);
}

static void test_csv__defuses_formulas_and_quotes_where_needed(void **state)
{
    (void)state;
    static const struct {
        const char *cell, *want;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"a\"b", "\"a\"\"b\""},
        {"\"", "\"\"\"\""},
        {"a\nb", "\"a\nb\""},
        {" a", "\" a\""},
        {"=1+1", "'=1+1"},
        {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
        {"=a,\"b\"", "\"'=a,\"\"b\"\"\""},
        {"+8613800138000", "'+8613800138000"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\tx", "\"'\tx\""},
        {"\rx", "\"'\rx\""},
        {"-1+2", "'-1+2"},
        {"-", "'-"},
        {"-.5", "'-.5"},
        {"-12.50", "-12.50"},
        {"-3", "-3"},
        {"＝1", "'＝1"},
        {"王", "王"},
        {"a=b", "a=b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b = BUF_INIT;
        csv_put_cell(&b, slice_str(rows[i].cell), true);
        assert_string_equal(buf_cstr(&b), rows[i].want);
        buf_release(&b);
    }
}

static void test_csv__reads_back_what_it_wrote(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    csv_put_bom(&b);
    csv_put_cell(&b, SLICE("姓名"), true);
    csv_put_cell(&b, SLICE("say \"a, b\"\r\nend\""), false);
    csv_put_end(&b);
    csv_put_cell(&b, SLICE("\""), true);
    csv_put_cell(&b, SLICE(""), false);
    csv_put_end(&b);
    struct csv *csv;
    assert_int_equal(csv_new(buf_slice(&b), &csv), ERR_OK);
    struct buf got = shown(csv);
    assert_string_equal(buf_cstr(&got), "[姓名][say \"a, b\"\r\nend\"]\n[\"][]\n");
    buf_release(&got);
    buf_release(&b);
    csv_free(csv);
}

/* ---- files nobody of this project wrote ---- */

static bool file_load(const char *name, struct buf *out)
{
    const char *folder = getenv("PERIGEE_DATASETS");
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s",
                   folder ? folder : PERIGEE_SOURCE_DIR "/../shared/data", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("skipped: %s is absent (set PERIGEE_DATASETS)\n", name);
        return false;
    }
    char piece[65536];
    size_t n;
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_put(out, piece, n);
    (void)fclose(file);
    return true;
}

static void file_counts(const char *name, int records, int columns, int last_line)
{
    struct buf b = BUF_INIT;
    if (!file_load(name, &b))
        skip();
    struct csv *csv;
    struct arena *arena = arena_new();
    assert_int_equal(csv_new(buf_slice(&b), &csv), ERR_OK);
    int n = 0;
    int64_t line = 0;
    for (;;) {
        struct slice *cells;
        int count;
        arena_clear(arena);
        assert_int_equal(csv_next(csv, arena, &cells, &count), ERR_OK);
        if (count == 0)
            break;
        assert_int_equal(count, columns);
        line = csv_line(csv);
        n++;
    }
    assert_int_equal(n, records + 1);
    assert_int_equal(line, last_line);
    arena_free(arena);
    csv_free(csv);
    buf_release(&b);
}

static void test_csv__reads_real_leads(void **state)
{
    (void)state;
    file_counts("x_education_leads.csv", 9240, 9, 9241);
}

static void test_csv__reads_real_accounts(void **state)
{
    (void)state;
    file_counts("maven_accounts.csv", 85, 7, 86);
}

static void test_csv__reads_real_tickets_of_many_lines(void **state)
{
    (void)state;
    file_counts("support_tickets.csv", 8469, 17, 29806);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__reads_rfc_4180),
        cmocka_unit_test(test_csv__reads_stray_quotes_in_one_fixed_way),
        cmocka_unit_test(test_csv__loses_only_the_line_of_a_quote_never_closed),
        cmocka_unit_test(test_csv__tells_the_delimiter),
        cmocka_unit_test(test_csv__knows_encodings),
        cmocka_unit_test(test_csv__refuses_what_is_no_text),
        cmocka_unit_test(test_csv__bounds_columns_and_cells),
        cmocka_unit_test(test_csv__resumes_at_an_offset),
        cmocka_unit_test(test_csv__counts_the_rows_of_a_sheet),
        cmocka_unit_test(test_csv__defuses_formulas_and_quotes_where_needed),
        cmocka_unit_test(test_csv__reads_back_what_it_wrote),
        cmocka_unit_test(test_csv__reads_real_leads),
        cmocka_unit_test(test_csv__reads_real_accounts),
        cmocka_unit_test(test_csv__reads_real_tickets_of_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
