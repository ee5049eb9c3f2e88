/* csv - RFC 4180 reading and writing, streamed.
 *
 * Reading recognises UTF-8 with or without BOM and GBK (GB18030), comma, semicolon and tab, CRLF or
 * LF, quoted fields with line breaks. Writing quotes where needed and defuses cells that a
 * spreadsheet would run (leading = + - @ tab CR get a quote mark), with UTF-8 BOM on request.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct csv; /* a reader over a whole mapped file */

/* `source` stays borrowed until csv_free. ERR_MALFORMED when empty or neither UTF-8 nor GB18030. */
MUST_USE enum err csv_new(struct slice source, struct csv **out);
void csv_free(struct csv *csv);
/* The next record: cells in the arena; *count 0 at the end. ERR_MALFORMED with csv_line/csv_why; a
 * record with an unclosed quote is an error of that record only when a later line can resume. */
MUST_USE enum err csv_next(struct csv *csv, struct arena *arena, struct slice **cells, int *count);
int64_t csv_line(const struct csv *csv);   /* line where the last record began, from 1 */
int64_t csv_offset(const struct csv *csv); /* byte offset behind it, to resume */
void csv_seek(struct csv *csv, int64_t offset, int64_t line);
const char *csv_why(const struct csv *csv);

void csv_put_cell(struct buf *out, struct slice cell, bool first);
void csv_put_end(struct buf *out);
