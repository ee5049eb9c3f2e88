/* xlsx_write - one sheet, row by row, through libxlsxwriter.
 *
 * In its mode of constant memory: a row that is begun sends the one before to a temporary file. See
 * xlsx.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/xlsx.h"

#include <stdlib.h>
#include <xlsxwriter.h>

#include "base/limits_document.h"
#include "base/text.h"
#include "document/xlsx_in.h"

#define NUMBER_CHARS 24 /* sign, point, 15 digits and leading zeros: xlsx_is_exact */

struct xlsx {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *date, *time, *money;
    lxw_row_t row;
    lxw_col_t column;
    struct buf text; /* of the cell: NUL-terminated, what XML cannot hold left out */
};

static enum err err_of(lxw_error e)
{
    switch (e) {
    case LXW_NO_ERROR:
        return ERR_OK;
    case LXW_ERROR_MEMORY_MALLOC_FAILED:
        BUG("out of memory");
    case LXW_ERROR_MAX_STRING_LENGTH_EXCEEDED:
    case LXW_ERROR_WORKSHEET_INDEX_OUT_OF_RANGE:
        return ERR_TOO_LARGE;
    default:
        return ERR_IO;
    }
}

enum err xlsx_new(const char *path, const char *folder, const char *sheet, struct xlsx **out)
{
    ASSERT(path && sheet && out);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = (char *)folder};
    struct xlsx *xlsx = calloc(1, sizeof *xlsx);
    ASSERT_MEMORY(xlsx);
    xlsx->book = workbook_new_opt(path, &options);
    ASSERT_MEMORY(xlsx->book);
    if (workbook_validate_sheet_name(xlsx->book, sheet) != LXW_NO_ERROR)
        sheet = NULL; /* "Sheet1" */
    xlsx->sheet = workbook_add_worksheet(xlsx->book, sheet);
    if (!xlsx->sheet) {
        lxw_workbook_free(xlsx->book);
        free(xlsx);
        return ERR_IO;
    }
    xlsx->date = workbook_add_format(xlsx->book);
    xlsx->time = workbook_add_format(xlsx->book);
    xlsx->money = workbook_add_format(xlsx->book);
    ASSERT_MEMORY(xlsx->date && xlsx->time && xlsx->money);
    format_set_num_format(xlsx->date, "yyyy-mm-dd");
    format_set_num_format(xlsx->time, "yyyy-mm-dd hh:mm:ss");
    format_set_num_format(xlsx->money, "#,##0.00");
    worksheet_freeze_panes(xlsx->sheet, 1, 0);
    *out = xlsx;
    return ERR_OK;
}

void xlsx_skip(struct xlsx *xlsx)
{
    xlsx->column++;
}

static bool fits(const struct xlsx *xlsx)
{
    return xlsx->row < XLSX_ROWS_MAX;
}

/* "_x0041_" would be read as "A". */
static bool is_escape(struct slice text, size_t i)
{
    return i + 7 <= text.len && text.at[i] == '_' && text.at[i + 1] == 'x' && text.at[i + 6] == '_';
}

enum err xlsx_text(struct xlsx *xlsx, struct slice text)
{
    if (!fits(xlsx) || text_chars(text) > XLSX_CELL_CHARS_MAX)
        return ERR_TOO_LARGE;
    buf_clear(&xlsx->text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (is_escape(text, i))
            buf_put_str(&xlsx->text, "_x005F");
        if ((unsigned char)c >= 0x20 || c == '\t' || c == '\n')
            buf_put_char(&xlsx->text, c);
    }
    lxw_col_t column = xlsx->column++;
    if (xlsx->text.len == 0)
        return ERR_OK;
    return err_of(
        worksheet_write_string(xlsx->sheet, xlsx->row, column, buf_cstr(&xlsx->text), NULL));
}

enum err xlsx_number(struct xlsx *xlsx, struct slice text, bool money)
{
    char number[NUMBER_CHARS];
    if (!xlsx_is_exact(text) || text.len >= sizeof number)
        return xlsx_text(xlsx, text);
    if (!fits(xlsx))
        return ERR_TOO_LARGE;
    memcpy(number, text.at, text.len);
    number[text.len] = '\0';
    return err_of(worksheet_write_number(xlsx->sheet, xlsx->row, xlsx->column++,
                                         strtod(number, NULL), money ? xlsx->money : NULL));
}

static enum err put_moment(struct xlsx *xlsx, lxw_datetime at, lxw_format *format)
{
    if (!fits(xlsx))
        return ERR_TOO_LARGE;
    return err_of(worksheet_write_datetime(xlsx->sheet, xlsx->row, xlsx->column++, &at, format));
}

enum err xlsx_date(struct xlsx *xlsx, struct date date)
{
    char text[NUMBER_CHARS];
    if (date.year >= 1900 && date.year <= 9999)
        return put_moment(xlsx,
                          (lxw_datetime){.year = date.year, .month = date.month, .day = date.day},
                          xlsx->date);
    snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    return xlsx_text(xlsx, slice_str(text)); /* days that no sheet knows */
}

enum err xlsx_time(struct xlsx *xlsx, const struct time_parts *local)
{
    char text[2 * NUMBER_CHARS];
    if (local->year >= 1900 && local->year <= 9999)
        return put_moment(xlsx,
                          (lxw_datetime){.year = local->year,
                                         .month = local->month,
                                         .day = local->day,
                                         .hour = local->hour,
                                         .min = local->minute,
                                         .sec = local->second},
                          xlsx->time);
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", local->year, local->month,
             local->day, local->hour, local->minute, local->second);
    return xlsx_text(xlsx, slice_str(text));
}

enum err xlsx_bool(struct xlsx *xlsx, bool value)
{
    if (!fits(xlsx))
        return ERR_TOO_LARGE;
    return err_of(worksheet_write_boolean(xlsx->sheet, xlsx->row, xlsx->column++, value, NULL));
}

enum err xlsx_row_end(struct xlsx *xlsx)
{
    if (!fits(xlsx))
        return ERR_TOO_LARGE;
    xlsx->row++;
    xlsx->column = 0;
    return ERR_OK;
}

enum err xlsx_close(struct xlsx *xlsx, bool keep)
{
    enum err e = ERR_OK;
    if (keep)
        e = err_of(workbook_close(xlsx->book)); /* frees it, too */
    else
        lxw_workbook_free(xlsx->book);
    buf_release(&xlsx->text);
    free(xlsx);
    return e;
}
