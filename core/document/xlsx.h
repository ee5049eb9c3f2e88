/* xlsx - tables as Excel workbooks: the first sheet read as CSV, rows written as one sheet.
 *
 * What is read becomes CSV in UTF-8, so an import of a workbook is an import of CSV from then on.
 * Its first line says so (CSV_ROWS_HEAD): record n is row n of the sheet. Shared and inline texts,
 * booleans ("true"), cached values of formulas; numbers as they were typed (15 digits, what a
 * spreadsheet keeps); by their style days ("2026-01-31"), instants ("2026-01-31 09:30:00", local
 * time, since a workbook knows no zone), times and per cent. Only cells with a value count. Nothing
 * in the file is believed: sizes are counted while unpacking, a document type is refused.
 *
 * Texts are written as texts whatever they begin with, so no cell is ever a formula.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

/* Is it a zip archive (so it may be a workbook)? Neither CSV nor JSON begins like that. */
bool xlsx_is(struct slice bytes);
/* The workbook of Excel 97-2003, or one with a password: OLE, which is not read. */
bool xlsx_is_old(struct slice bytes);

typedef enum err (*xlsx_cb)(void *arg, struct slice chunk);
/* Hands on the first visible sheet as CSV with a BOM and CSV_ROWS_HEAD; all that is unpacked for it
 * is at most `unpacked_max` bytes. ERR_MALFORMED or ERR_TOO_LARGE with *code, a key of the core's
 * texts; what the callback refuses is handed on. */
MUST_USE enum err xlsx_read(struct slice bytes, int64_t unpacked_max, xlsx_cb cb, void *arg,
                            const char **code);

/* --- writing: a sheet row by row, held in files of `folder` until it is closed --- */

struct xlsx;
/* The workbook is made at `path`. ERR_IO. */
MUST_USE enum err xlsx_new(const char *path, const char *folder, const char *sheet,
                           struct xlsx **out);
/* Cells of the current row, from left to right. ERR_TOO_LARGE: more than a sheet or a cell holds.
 */
void xlsx_skip(struct xlsx *xlsx);
MUST_USE enum err xlsx_text(struct xlsx *xlsx, struct slice text);
/* As a number where that keeps every digit, else as a text. `money`: with two decimals shown. */
MUST_USE enum err xlsx_number(struct xlsx *xlsx, struct slice text, bool money);
MUST_USE enum err xlsx_date(struct xlsx *xlsx, struct date date);
MUST_USE enum err xlsx_time(struct xlsx *xlsx, const struct time_parts *local);
MUST_USE enum err xlsx_bool(struct xlsx *xlsx, bool value);
MUST_USE enum err xlsx_row_end(struct xlsx *xlsx);
/* Writes the file (`keep`) or drops it, and frees. ERR_FULL, ERR_IO. */
MUST_USE enum err xlsx_close(struct xlsx *xlsx, bool keep);
