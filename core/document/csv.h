/* csv - RFC 4180 reading and writing, streamed.
 *
 * Reading recognises UTF-8 with or without BOM and GBK (GB18030), comma, semicolon and tab, CRLF or
 * LF, quoted fields with line breaks. A first line "sep=;" names the delimiter; CSV_ROWS_HEAD says
 * that it was a sheet, so rows are counted instead of lines. What people's files
 * get wrong is read in one fixed way: a quote inside an unquoted cell is a plain character; a quote
 * inside a quoted cell ends it only before a delimiter, a line end or the end of the file (blanks
 * between are dropped), else it is a plain character. Lines without any byte are skipped. Writing
 * quotes where needed and defuses cells that a spreadsheet would run (leading = + - @ tab CR, also
 * full-width, get a quote mark; a plain negative number is left alone).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define CSV_RESUMES_MAX      1000 /* quotes never closed in one file; then its rest is given up */
#define CSV_RECORD_BYTES_MAX (4 << 20) /* all cells of a record */

#define CSV_ROWS_HEAD "sep=,rows\n"

struct csv; /* a reader over a whole mapped file */

/* `source` stays borrowed until csv_free. ERR_MALFORMED when it has no byte of text, holds a NUL or
 * is neither UTF-8 nor GB18030; ERR_NOT_SUPPORTED where the system cannot convert GB18030. */
MUST_USE enum err csv_new(struct slice source, struct csv **out);
void csv_free(struct csv *csv);
/* The next record: cells (UTF-8, NUL-terminated) in the arena; *count 0 at the end. ERR_MALFORMED
 * or ERR_TOO_LARGE with csv_line/csv_why is about this record only: the next call goes on behind
 * it. A quote that is not closed within CSV_CELL_BYTES_MAX costs its own line; the next line is
 * read anew. */
MUST_USE enum err csv_next(struct csv *csv, struct arena *arena, struct slice **cells, int *count);
int64_t csv_line(const struct csv *csv);        /* line where the last record began, from 1 */
int64_t csv_offset(const struct csv *csv);      /* byte offset behind it, to resume */
int64_t csv_offset_line(const struct csv *csv); /* line of that offset: what csv_seek wants */
void csv_seek(struct csv *csv, int64_t offset, int64_t line);
const char *csv_why(const struct csv *csv);      /* a short word for the last error */
const char *csv_encoding(const struct csv *csv); /* "utf-8" or "gb18030" */
char csv_delimiter(const struct csv *csv);

void csv_put_bom(
    struct buf *out); /* without it a spreadsheet takes UTF-8 for the local code page */
void csv_put_cell(struct buf *out, struct slice cell, bool first);
void csv_put_end(struct buf *out);
